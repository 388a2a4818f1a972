"""`evaluate` on images: copies, noise and good images get the words they deserve, beside the floor."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

import ganaug
from ganaug.evaluation import images as images_file
from ganaug.evaluation.grids import neighbour_grid
from ganaug.exceptions import InvalidImageError

DIGITS, LABELS = load_digits(return_X_y=True)
ORDER = np.random.default_rng(0).permutation(len(LABELS))
DIGITS, LABELS = DIGITS.reshape(-1, 8, 8)[ORDER], LABELS[ORDER]
TRAIN, GOOD, HOLDOUT = slice(0, 300), slice(300, 600), slice(600, 900)
TARGET = (LABELS[TRAIN], LABELS[GOOD], LABELS[HOLDOUT])


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(images_file, "_N_STEPS", 120)


@pytest.fixture(scope="module")
def good():
    """Real images in the place of generated ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(images_file, "_N_STEPS", 120)
        return ganaug.evaluate(DIGITS[TRAIN], DIGITS[GOOD], real_holdout=DIGITS[HOLDOUT], target=TARGET)


def test_real_images_in_their_place_are_good(good):
    assert set(good.to_frame()["word"]) == {"good"}
    assert {"FD_clf", "KID", "coverage", "agreement", "trained on it, accuracy"} <= set(good.scores.index)
    assert good.scores.loc["exact copies %", "synthetic"] == 0


def test_every_figure_stands_beside_its_floor(good):
    assert good.scores["real"].notna().all()
    assert (good.to_frame()["low"] <= good.scores["synthetic"]).all()
    assert (good.to_frame()["high"] >= good.scores["synthetic"]).all()


def test_ends_of_the_scale_are_told(good):
    scores = good.scores
    assert scores.loc["exact copies %", "bootstrap"] == 100
    assert scores.loc["distance ratio", "bootstrap"] == 0
    assert scores.loc["FD_clf", "independent"] > 5 * scores.loc["FD_clf", "real"]


def test_copies_are_bad_for_privacy():
    report = ganaug.evaluate(
        DIGITS[TRAIN], DIGITS[TRAIN], real_holdout=DIGITS[HOLDOUT], target=(LABELS[TRAIN], *TARGET[::2])
    )
    assert report.word_of("privacy") == "bad"
    assert report.to_frame().loc["exact copies %", "word"] == "bad"


def test_noise_without_labels_is_bad_for_fidelity():
    noise = np.random.default_rng(0).uniform(0, 16, (200, 8, 8))
    report = ganaug.evaluate(DIGITS[TRAIN], noise, real_holdout=DIGITS[HOLDOUT])
    assert report.to_frame().loc[["FD_pca", "coverage"], "word"].tolist() == ["bad", "bad"]
    assert "agreement" not in report.scores.index
    assert any("No labels were given" in note for note in report.notes)


def test_a_dropped_class_is_named():
    kept = LABELS[GOOD] != 3
    target = (TARGET[0], TARGET[1][kept], TARGET[2])
    report = ganaug.evaluate(DIGITS[TRAIN], DIGITS[GOOD][kept], real_holdout=DIGITS[HOLDOUT], target=target)
    assert "covered the least: 3 (0 %)" in report.summary()


def test_wrong_labels_are_bad_for_usefulness():
    wrong = (TARGET[0], (TARGET[1] + 1) % 10, TARGET[2])
    report = ganaug.evaluate(DIGITS[TRAIN], DIGITS[GOOD], real_holdout=DIGITS[HOLDOUT], target=wrong)
    assert report.to_frame().loc[["agreement", "trained on it, accuracy"], "word"].tolist() == ["bad", "bad"]


def test_without_a_holdout_it_is_said():
    report = ganaug.evaluate(DIGITS[TRAIN], DIGITS[GOOD], target=TARGET[:2])
    assert "can't tell learning from remembering" in report.warnings[0]
    assert "trained on it, accuracy" not in report.scores.index
    assert report.scores.loc["exact copies %", "bootstrap"] == 100


def test_images_of_32_pixels_are_shown_to_a_network_of_photographs(monkeypatch):
    def means(images, *, reader, side):
        assert reader.read(images).shape[1:] == (1, 32, 32)
        return images.mean(axis=(1, 3)) * 10

    monkeypatch.setattr(images_file, "efflite0_features", means)
    rng = np.random.default_rng(0)
    real, unseen, other = rng.random((3, 40, 32, 32))
    monkeypatch.setattr(images_file, "find_spec", lambda name: None)
    assert "FD_efflite0" not in ganaug.evaluate(real, other, real_holdout=unseen).scores.index
    monkeypatch.setattr(images_file, "find_spec", lambda name: "there")
    frame = ganaug.evaluate(real, other, real_holdout=unseen).to_frame()
    assert frame.loc["FD_efflite0", "word"] == "good"
    darker = ganaug.evaluate(real, other * 0.2, real_holdout=unseen).to_frame()
    assert darker.loc["FD_efflite0", "word"] == "bad"


def test_sections_hold_the_images(good):
    (section,) = good.exhibits.sections()
    assert [card.markup.count("data:image/png;base64,") for card in section.cards] == [1, 1]
    assert "http" not in section.cards[0].markup


def test_grid_is_drawn_for_any_layout(tmp_path):
    rng = np.random.default_rng(0)
    for shape in ((9, 17, 23, 2), (9, 3, 12, 12), (9, 6, 6)):
        images = rng.random(shape)
        figure = neighbour_grid(images, None if len(shape) == 3 else [0, 1, 2] * 3, images, n_columns=4)
        figure.savefig(tmp_path / "grid.png")
        assert len(figure.axes) == (4 if len(shape) == 3 else 3)


def test_copies_lie_over_themselves():
    grid = neighbour_grid(DIGITS[TRAIN], LABELS[TRAIN], DIGITS[TRAIN], n_columns=3)
    mosaic = grid.axes[0].images[0].get_array()
    np.testing.assert_allclose(mosaic[:8], mosaic[9:17])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"synthetic": DIGITS[:5]}, "20 of each set are needed; got 5 for synthetic"),
        ({"target": "label"}, "target must be a tuple of labels of train, synthetic, holdout, .* got str"),
        ({"target": (LABELS[TRAIN], LABELS[:3], LABELS[HOLDOUT])}, r"got shape \(3,\) for 300 of synthetic"),
        ({"synthetic": DIGITS[GOOD, :4]}, r"that of the real ones, \(8, 8\); got \(4, 8\)"),
        ({"max_rows": 3}, "max_rows must be an integer >= 20; got 3"),
    ],
)
def test_wrong_arguments_are_named(options, message):
    given = {"synthetic": DIGITS[GOOD], "real_holdout": DIGITS[HOLDOUT], "target": TARGET} | options
    with pytest.raises(ValueError, match=message) as caught:
        ganaug.evaluate(DIGITS[TRAIN], **given)
    assert isinstance(caught.value, InvalidImageError) or "max_rows" in options


def test_page_holds_the_images_and_needs_nothing_else(good, tmp_path):
    pytest.importorskip("jinja2")
    good.save_html(tmp_path / "page.html", title="Digits <judged>")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 2
    assert "Digits &lt;judged&gt;" in page
    assert "FD_clf" in page
