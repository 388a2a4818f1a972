"""GANSynthesizer on images: what it takes, what it gives back, and what it refuses before any work."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from ganaug import Between, Cascade, Checkpoint, ConvNet, GANSynthesizer, SampleGrid
from ganaug.datasets import make_shapes
from ganaug.exceptions import (
    FewImagesWarning,
    InvalidConditionError,
    InvalidImageError,
    ModelFileError,
    UnsupportedError,
)
from ganaug.image.game import gamma_for, steps_for
from ganaug.image.modality import ImageModality
from tests.killing import KillAt, KilledError

pytestmark = pytest.mark.filterwarnings("ignore::ganaug.exceptions.FewImagesWarning")

TINY = ConvNet(base_channels=4, latent_units=6)


def small(**parameters):
    return GANSynthesizer(**{"generator": TINY, "max_epochs": 1, "random_state": 0, **parameters})


def digits(n=120, side=8):
    """Two classes: a bright upper or lower half, with noise."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    X = rng.integers(0, 40, (n, side, side))
    for i in range(n):
        X[i, : side // 2] += 200 * y[i]
        X[i, side // 2 :] += 200 * (1 - y[i])
    return X.astype(np.uint8), y


X, Y = digits()


@pytest.fixture(scope="module")
def fitted():
    return small().fit(X, Y)


LAYOUTS = {
    "(n, h, w)": X,
    "(n, h, w, c)": np.stack([X, X // 2, X // 3], axis=3),
    "(n, c, h, w)": np.stack([X, X // 2], axis=1),
    "floats": X / np.float32(255),
    "odd, two channels": np.stack([X[:, :7, :5] * 1.0, X[:, 1:, :5] - 1e3], axis=3),
    "sixteen bits": X.astype(np.uint16) * 200,
    "list of arrays": list(X),
    "pillow": [Image.fromarray(image) for image in X],
}


@pytest.mark.parametrize("images", list(LAYOUTS.values()), ids=LAYOUTS)
def test_images_come_out_as_they_went_in(images):
    model = small().fit(images, Y)
    drawn = model.sample(7)
    assert type(drawn) is type(images)
    assert len(drawn) == 7
    first = np.asarray(images[0])
    assert all(np.asarray(image).shape == first.shape for image in drawn)
    assert all(np.asarray(image).dtype == first.dtype for image in drawn)
    everything = np.stack([np.asarray(image) for image in images])
    assert np.stack([np.asarray(image) for image in drawn]).max() <= everything.max()
    assert model.n_features_in_ == first.size
    assert model.transform(images[:3]).shape == (3, len(model.get_feature_names_out()))


def test_flat_rows_need_the_shape_of_an_image():
    flat = X.reshape(len(X), -1)
    model = small(image_shape=(8, 8)).fit(flat, Y)
    assert model.sample(5).shape == (5, 64)
    assert model.n_features_in_ == 64
    assert model.transform(flat[:4]).shape[0] == 4


@pytest.mark.parametrize(
    "labels",
    [
        Y,
        Y.astype(str),
        Y.tolist(),
        pd.Series(Y, name="kind"),
        pd.Series(Y).map({0: "a", 1: "b"}).astype("category"),
    ],
    ids=["int", "text", "list", "series", "category"],
)
def test_labels_come_out_as_they_went_in(labels):
    model = small().fit(X, labels)
    drawn, y = model.sample(9, return_y=True)
    assert type(y) is type(labels)
    assert len(drawn) == len(y) == 9
    assert set(pd.unique(pd.Series(y))) <= set(pd.unique(pd.Series(labels)))
    assert list(model.classes_) == sorted(set(pd.Series(labels)))
    if isinstance(labels, pd.Series):
        assert y.dtype == labels.dtype
        assert y.name == labels.name


def test_classes_are_exactly_those_asked_for(fitted):
    asked = [1, 0, 0, 1, 1]
    images, y = fitted.sample(y=asked, return_y=True)
    assert (len(images), y.tolist()) == (5, asked)
    assert fitted.sample(4, y=1, return_y=True)[1].tolist() == [1] * 4
    batches = list(fitted.sample_batches(7, batch_rows=3, y=[0] * 7, return_y=True))
    assert [len(part) for part, _ in batches] == [3, 3, 1]


def test_without_labels():
    model = small().fit(X)
    assert model.sample(3).shape == (3, 8, 8)
    assert not hasattr(model, "classes_")
    assert model.realism(X[:4]).shape == (4,)
    with pytest.raises(InvalidConditionError, match="fit was not given any"):
        model.sample(2, y=1)


def test_one_class_is_fine():
    model = small().fit(X, np.zeros(len(X), dtype=int))
    assert model.sample(3, y=0).shape == (3, 8, 8)


def test_an_integer_repeats_fit_and_sample(fitted):
    again = small().fit(X, Y)
    np.testing.assert_array_equal(fitted.sample(6, random_state=1), again.sample(6, random_state=1))
    assert not np.array_equal(fitted.sample(6), fitted.sample(6))


def test_it_learns_what_the_classes_are():
    model = small(generator=ConvNet(base_channels=8, latent_units=8), max_epochs=40, batch_size=32).fit(X, Y)
    images = model.sample(y=[0] * 20 + [1] * 20).astype(float)
    upper, lower = images[:, :4].mean(axis=(1, 2)), images[:, 4:].mean(axis=(1, 2))
    assert ((upper > lower) == (np.arange(40) >= 20)).mean() > 0.9


def test_realism_is_a_probability_and_one_per_image(fitted):
    found = fitted.realism(X[:5], Y[:5])
    assert found.shape == (5,)
    assert ((found > 0) & (found < 1)).all()
    np.testing.assert_allclose(fitted.realism(X[2:3], Y[2:3]), found[2:3], rtol=1e-5)


def test_weights_leave_out_and_count():
    weights = np.where(Y == 1, 3.0, 1.0)
    weights[:2] = 0
    model = small().fit(X, Y, sample_weight=weights)
    _, y = model.sample(4000, return_y=True, random_state=0)
    assert y.mean() == pytest.approx(0.75, abs=0.03)


def test_warm_start_goes_on(fitted):
    model = small(warm_start=True).fit(X, Y)
    before = [p.clone() for p in model.discriminator_.parameters()]
    model.fit(X, Y)
    assert model.n_iter_ == 2
    assert any(not torch.equal(a, b) for a, b in zip(before, model.discriminator_.parameters(), strict=True))
    with pytest.raises(InvalidImageError, match="y must be given"):
        model.fit(X)


@pytest.mark.parametrize("architecture", ["lite", "full"])
def test_both_networks_make_colour_images_on_a_cpu(architecture):
    images, labels = make_shapes(60, side=12)
    net = ConvNet(architecture=architecture, base_channels=8, latent_units=8)
    model = small(generator=net, batch_size=16).fit(images, labels)
    assert model.sample(3, y="circle").shape == (3, 12, 12, 3)
    assert model.transform(images[:2]).shape[0] == 2


@pytest.mark.parametrize("loss", ["minimax", "non_saturating", "least_squares", "wasserstein", "hinge"])
def test_every_loss_plays(loss):
    assert small(loss=loss).fit(X, Y).sample(2).shape == (2, 8, 8)


def test_files_and_pickles_keep_the_model(fitted, tmp_path):
    fitted.save(tmp_path / "model")
    for model in (
        GANSynthesizer.load(tmp_path / "model"),
        pickle.loads(pickle.dumps(fitted)),
        copy.deepcopy(fitted),
    ):
        np.testing.assert_array_equal(model.sample(5, random_state=2), fitted.sample(5, random_state=2))
        np.testing.assert_array_equal(model.realism(X[:5], Y[:5]), fitted.realism(X[:5], Y[:5]))
        np.testing.assert_array_equal(model.transform(X[:5]), fitted.transform(X[:5]))
        assert model.classes_.tolist() == [0, 1]
    flat = small(image_shape=(8, 8)).fit(X.reshape(len(X), -1))
    flat.save(tmp_path / "model")
    assert GANSynthesizer.load(tmp_path / "model").image_shape == (8, 8)


def test_mutated_files_are_refused_or_load_whole(fitted, tmp_path):
    fitted.save(tmp_path / "model")
    data, rng, refused = bytearray((tmp_path / "model").read_bytes()), np.random.default_rng(0), 0
    for _ in range(80):
        mutant = bytearray(data)
        if rng.integers(3) == 0:
            mutant = mutant[: rng.integers(len(data))]
        else:
            mutant[rng.integers(min(len(data), 6_000))] ^= 1 << int(rng.integers(8))
        (tmp_path / "mutant").write_bytes(mutant)
        try:
            assert len(GANSynthesizer.load(tmp_path / "mutant").sample(2, random_state=0)) == 2
        except ModelFileError:
            refused += 1
    assert refused > 20


def test_a_checkpoint_is_gone_when_the_fit_is_complete(tmp_path):
    path = tmp_path / "fit.ckpt"
    model = small(callbacks=[Checkpoint(path, every_seconds=0)]).fit(X, Y)
    np.testing.assert_array_equal(
        model.sample(4, random_state=0), small().fit(X, Y).sample(4, random_state=0)
    )
    assert not path.exists()


def test_constraints_and_codecs_are_no_part_of_a_file_of_images(fitted, tmp_path):
    fitted.save(tmp_path / "model")
    with pytest.raises(ValueError, match="codecs are for columns"):
        GANSynthesizer.load(tmp_path / "model", codecs=[int])


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ({"conditions": {"a": Between(1, 2)}}, "conditions"),
        ({"counts": {"a": {1: 2}}}, "counts"),
        ({"extrapolate": True}, "extrapolate"),
        ({"guidance": 0.5}, "guidance"),
    ],
)
def test_what_is_for_tables_is_refused_by_name(fitted, asked, name):
    with pytest.raises(UnsupportedError, match=f"{name}= is for tables"):
        fitted.sample(2, **asked)


def test_scores_and_gaps_are_refused_with_what_to_use_instead(fitted):
    with pytest.raises(UnsupportedError, match="realism"):
        fitted.score_samples(X[:2])
    with pytest.raises(UnsupportedError, match="complete is for tables"):
        fitted.complete(X[:2])
    with pytest.raises(AttributeError, match="columns_ is for tables"):
        _ = fitted.columns_


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"columns": {0: "category"}}, "columns is for a modality 'table'"),
        ({"min_level_count": 2}, "min_level_count is for a modality 'table'"),
        ({"discriminator": "trees"}, "discriminator is for a modality 'table'"),
    ],
)
def test_parameters_of_tables_are_refused_by_name(parameters, words):
    with pytest.raises(ValueError, match=words):
        small(**parameters).fit(X, Y)


def test_a_shape_of_images_is_refused_for_a_table():
    with pytest.raises(ValueError, match="image_shape is for a modality 'image'"):
        small(modality="table", generator="auto", image_shape=(8, 8)).fit(X.reshape(len(X), -1))


def test_a_generator_of_the_other_modality_is_refused():
    with pytest.raises(TypeError, match="generator must be"):
        small(generator=Cascade()).fit(X, Y)
    with pytest.raises(TypeError, match="generator must be"):
        small().fit(X[:, 0])


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.stack([Y, 1 - Y], axis=1), "one class for each image"),
        (np.arange(len(X)) + 0.5, "must hold classes"),
        ([None, *Y[1:]], "missing values"),
    ],
    ids=["several", "continuous", "missing"],
)
def test_labels_that_are_no_classes_are_refused(labels, words):
    with pytest.raises(InvalidImageError, match=words):
        small().fit(X, labels)


def test_labels_of_another_length_are_refused():
    with pytest.raises(ValueError, match="inconsistent numbers"):
        small().fit(X, Y[:-1])


def test_labels_asked_for_must_be_known_and_as_many(fitted):
    with pytest.raises(InvalidConditionError, match=r"classes of fit.*7"):
        fitted.sample(2, y=7)
    with pytest.raises(InvalidConditionError, match="each of the 3 images, got 2"):
        fitted.sample(3, y=[0, 1])


def test_images_too_large_for_the_memory_are_refused(monkeypatch):
    monkeypatch.setattr("ganaug.image.game.free_bytes", lambda device: 1e5)
    with pytest.raises(InvalidImageError, match=r"8 x 8 pixels needs about .* smaller batch_size"):
        small().fit(X, Y)


def test_few_images_of_a_class_are_warned_of():
    with pytest.warns(FewImagesWarning, match=r"fewer than 50.*1 \(9\)"):
        small().fit(np.concatenate([X[Y == 0], X[Y == 1][:9]]), [0] * 60 + [1] * 9)


def test_a_grid_of_samples_is_made_while_it_learns(tmp_path):
    grid = SampleGrid(tmp_path / "{step}.png", every_seconds=0, n_columns=4)
    small(callbacks=[grid], batch_size=60).fit(X, Y)
    files = sorted(tmp_path.glob("*.png"))
    assert len(files) == len(set(grid.steps)) > 0
    with Image.open(files[0]) as picture:
        assert picture.size == (4 * 34 - 2, 2 * 34 - 2)


def test_a_grid_is_refused_for_a_table(tmp_path):
    with pytest.raises(TypeError, match="SampleGrid is for fits on images"):
        GANSynthesizer(callbacks=[SampleGrid(tmp_path / "a.png")], max_epochs=1).fit(np.random.rand(30, 2))  # noqa: NPY002


@pytest.mark.parametrize(("side", "low", "high"), [(1, 3_000, 5_000), (8, 3_000, 5_000), (28, 6_000, 8_000)])
def test_larger_images_are_learned_longer_and_few_ones_less(side, low, high):
    modality = ImageModality.fit(digits(60, max(side, 2))[0][:, :side, :side] + np.eye(side), None, None)
    assert low < steps_for(modality, 5_000) < high
    assert steps_for(modality, 40) < steps_for(modality, 5_000) / 2
    assert 0 < gamma_for(side) <= gamma_for(4 * side)


def test_a_killed_fit_ends_as_one_that_was_never_killed(tmp_path):
    path, options = tmp_path / "fit.ckpt", {"max_epochs": 4, "batch_size": 32}
    few = np.flatnonzero((Y == 0) | (np.arange(len(Y)) < 60))  # a class that comes to count after a while
    whole = small(**options).fit(X[few], Y[few])
    for step in (2, 7):
        callbacks = [Checkpoint(path, every_seconds=0), KillAt(step)]
        with pytest.raises(KilledError):
            small(callbacks=callbacks, **options).fit(X[few], Y[few])
    resumed = small(callbacks=[Checkpoint(path)], **options).fit(X[few], Y[few])
    for name, tensor in whole.generator_.state_dict().items():
        assert torch.equal(resumed.generator_.state_dict()[name], tensor)
    np.testing.assert_array_equal(resumed.sample(9, random_state=0), whole.sample(9, random_state=0))
