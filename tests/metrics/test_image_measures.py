"""Measures of images on sets whose answer is known: copies, noise, a class that is missing."""

import numpy as np
import pytest
from scipy.linalg import sqrtm
from sklearn.datasets import load_digits

from ganaug.exceptions import InvalidImageError, InvalidTableError
from ganaug.metrics import (
    class_coverage,
    class_spread,
    fit_classifier,
    frechet_distance,
    image_memorisation,
    kernel_distance,
    label_variety,
    neighbourhoods,
    perceptual_hashes,
    train_on_synthetic_images,
)
from ganaug.metrics.memorisation import nearest_training_images
from ganaug.metrics.neighbours import nearest

DIGITS, LABELS = load_digits(return_X_y=True)
ORDER = np.random.default_rng(0).permutation(len(LABELS))  # neighbours in the file are of one writer
DIGITS, LABELS = DIGITS.reshape(-1, 8, 8)[ORDER], LABELS[ORDER]
TRAIN, TEST, UNSEEN = slice(0, 900), slice(900, 1350), slice(1350, 1797)


@pytest.fixture(scope="module")
def judge():
    return fit_classifier(DIGITS[TRAIN], LABELS[TRAIN], n_steps=250)


@pytest.fixture(scope="module")
def features(judge):
    return judge.features(DIGITS)


def noisy(images):
    return np.clip(images + np.random.default_rng(0).normal(0, 4, images.shape), 0, 16)


# Clouds of features


def test_frechet_distance_is_the_closed_form():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(300, 4)) @ rng.normal(size=(4, 4)), rng.normal(1, 2, size=(300, 4))
    a, b = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    gap = one.mean(axis=0) - other.mean(axis=0)
    expected = gap @ gap + np.trace(a + b - 2 * sqrtm(a @ b).real)
    assert frechet_distance(one, other) == pytest.approx(expected, rel=1e-9)


def test_frechet_distance_of_two_normal_distributions():
    rng = np.random.default_rng(1)
    one, other = rng.normal(0, 1, size=(40_000, 2)), rng.normal(3, 2, size=(40_000, 2))
    assert frechet_distance(one, other) == pytest.approx(2 * (3**2 + (2 - 1) ** 2), rel=0.02)


def test_frechet_distance_takes_the_same_value_either_way():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(12, 30)), rng.normal(1, 3, size=(12, 30))
    few = frechet_distance(one, other)
    a, b = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    values, vectors = np.linalg.eigh(a)
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    shared = np.sqrt(np.linalg.eigvalsh(root @ b @ root).clip(min=0)).sum()
    gap = one.mean(axis=0) - other.mean(axis=0)
    assert few == pytest.approx(gap @ gap + np.trace(a) + np.trace(b) - 2 * shared, rel=1e-6)


def test_frechet_distance_of_fewer_samples_than_features():
    points = np.random.default_rng(0).normal(size=(5, 40))
    assert frechet_distance(points, points) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(points, points + 1) == pytest.approx(40)


def test_kernel_distance_is_the_mean_over_pairs():
    one, other = np.random.default_rng(0).normal(size=(2, 6, 3))
    one = (one - one.mean(axis=0)) / one.std(axis=0)

    def mean(a, b, pairs):
        return np.mean([(a[i] @ b[j] / 3 + 1) ** 3 for i, j in pairs])

    off = [(i, j) for i in range(6) for j in range(6) if i != j]
    every = [(i, j) for i in range(6) for j in range(6)]
    expected = mean(one, one, off) + mean(other, other, off) - 2 * mean(one, other, every)
    assert kernel_distance(one, other) == pytest.approx(expected)


def test_kernel_distance_does_not_depend_on_scale_and_is_about_zero_for_one_source():
    one, other = np.random.default_rng(0).normal(size=(2, 500, 3))
    assert kernel_distance(one * 100, other * 100) == pytest.approx(kernel_distance(one, other))
    assert abs(kernel_distance(one, other)) < 0.02
    assert kernel_distance(one, other + 1) > 1


def test_larger_cloud_is_cut_to_the_smaller():
    points = np.random.default_rng(0).normal(size=(400, 2))
    assert frechet_distance(points, points[:50], random_state=1) != frechet_distance(points, points[:50])
    assert frechet_distance(points[:50], points[:50]) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("measure", [frechet_distance, kernel_distance])
def test_features_of_different_width_are_refused(measure):
    with pytest.raises(InvalidTableError, match=r"got \(5, 2\) for synthetic"):
        measure(np.zeros((5, 3)), np.zeros((5, 2)))


def test_neighbourhoods_of_a_copy_and_of_a_far_set():
    points = np.random.default_rng(0).normal(size=(200, 2))
    same = neighbourhoods(points, points)
    assert same["precision"] == same["recall"] == same["coverage"] == 1
    assert same["density"] == pytest.approx(6 / 5, rel=0.01)  # each in its own ball, too
    assert set(neighbourhoods(points, points + 100).values()) == {0.0}


def test_one_repeated_point_is_precise_and_covers_nothing():
    points = np.random.default_rng(0).normal(size=(200, 2))
    found = neighbourhoods(points, np.repeat(points[:1], 200, axis=0))
    assert found["precision"] == 1
    assert found["coverage"] < 0.1
    assert found["recall"] <= 0.01


def test_half_of_two_clusters_covers_half():
    rng = np.random.default_rng(0)
    real = np.vstack([rng.normal(size=(100, 2)), rng.normal(50, 1, size=(100, 2))])
    found = neighbourhoods(real, rng.normal(size=(200, 2)))
    assert found["coverage"] == pytest.approx(0.5, abs=0.03)
    assert found["recall"] == pytest.approx(0.5, abs=0.03)


def test_too_few_samples_for_neighbourhoods_are_refused():
    with pytest.raises(InvalidTableError, match=r"k=5 need more samples .* got 10 and 5"):
        neighbourhoods(np.zeros((10, 1)), np.zeros((5, 1)))


def test_nearest_is_exact():
    rows, records = np.random.default_rng(0).random((2, 60, 5))
    distances = np.sqrt(((rows[:, None] - records) ** 2).sum(axis=2))
    distance, place = nearest(rows, records)
    np.testing.assert_allclose(distance, distances.min(axis=1))
    assert (place == distances.argmin(axis=1)).all()
    assert (nearest(records, records)[0] == 0).all()


# The classifier


def test_classifier_knows_digits_it_has_not_seen(judge):
    assert judge.accuracy(DIGITS[TEST], LABELS[TEST]) > 0.88
    assert judge.features(DIGITS[:3]).shape == (3, 64)
    np.testing.assert_allclose(judge.probabilities(DIGITS[:3]).sum(axis=1), 1, rtol=1e-6)


def test_agreement_of_shuffled_labels_is_chance(judge):
    shuffled = np.random.default_rng(0).permutation(LABELS)
    assert judge.accuracy(DIGITS, shuffled) == pytest.approx(0.1, abs=0.03)


def test_classifier_repeats_itself_and_leaves_the_global_generator():
    import torch

    before = torch.get_rng_state()
    one, other = (fit_classifier(DIGITS[:60], LABELS[:60], n_steps=5, random_state=3) for _ in range(2))
    assert (one.probabilities(DIGITS[:9]) == other.probabilities(DIGITS[:9])).all()
    assert torch.equal(before, torch.get_rng_state())


def test_classifier_keeps_labels_that_are_text():
    names = np.where(LABELS[:200] < 5, "low", "high")
    assert set(fit_classifier(DIGITS[:200], names, n_steps=5).predict(DIGITS[:50])) <= {"low", "high"}


@pytest.mark.parametrize("shape", [(12, 17, 23, 2), (12, 3, 64, 64), (12, 5, 5)])
def test_classifier_takes_any_size_and_channels(shape):
    images = np.random.default_rng(0).random(shape)
    assert fit_classifier(images, [0, 1] * 6, n_steps=2).features(images).shape == (12, 64)


@pytest.mark.parametrize("labels", [[0] * 12, [0, 1]])
def test_classifier_needs_two_classes_and_a_label_each(labels):
    with pytest.raises(InvalidImageError, match="a label for each of the 12 images, of two classes"):
        fit_classifier(np.zeros((12, 5, 5)), labels)


def test_train_on_synthetic_of_copies_and_of_wrong_labels():
    options = {"n_steps": 150}
    test = (DIGITS[TEST], LABELS[TEST])
    assert train_on_synthetic_images(DIGITS[TRAIN], LABELS[TRAIN], *test, **options) > 0.85
    wrong = (LABELS[TRAIN] + 1) % 10
    assert train_on_synthetic_images(DIGITS[TRAIN], wrong, *test, **options) < 0.1


def test_features_see_noise_and_a_missing_class(judge, features):
    real = features[UNSEEN]
    floor = frechet_distance(real, features[TEST])
    lacking = features[TEST][LABELS[TEST] != 3]
    assert frechet_distance(real, judge.features(noisy(DIGITS[TEST]))) > 3 * floor
    assert frechet_distance(real, lacking) > 1.3 * floor
    assert kernel_distance(real, judge.features(noisy(DIGITS[TEST]))) > 5 * kernel_distance(
        real, features[TEST]
    )


# Variety


def test_dropped_class_is_a_missing_mode(judge, features):
    told = judge.predict(DIGITS[TEST])
    found = label_variety(told, told[told != 3])
    assert found["modes"] == 9
    assert found["label_kl"] == pytest.approx(-np.log(np.mean(told != 3)))
    asked, kept = LABELS[TEST], LABELS[UNSEEN] != 3
    covered = class_coverage(features[TEST], asked, features[UNSEEN][kept], LABELS[UNSEEN][kept])
    assert covered[3] == 0
    assert min(value for label, value in covered.items() if label != 3) > 0.5


def test_equal_histograms_diverge_by_nothing():
    assert label_variety([0, 0, 1], [0, 0, 1, 0, 0, 1])["label_kl"] == 0
    assert label_variety([0, 1], [])["modes"] == 0


def test_spread_of_collapsed_and_of_halved_classes():
    rng = np.random.default_rng(0)
    real, labels = rng.normal(size=(400, 3)), np.repeat([0, 1], 200)
    drawn = real.copy()
    drawn[:200] *= 0.5
    drawn[200:] = drawn[200]
    found = class_spread(real, labels, drawn, labels)
    assert found[0] == pytest.approx(0.5)
    assert found[1] == pytest.approx(0, abs=1e-6)


# Memory


def test_copies_are_found():
    found = image_memorisation(DIGITS[TRAIN][:300], DIGITS[TRAIN], DIGITS[TEST])
    assert found["exact_copies"] == found["hash_copies"] == found["too_close"] == 1
    assert found["distance_ratio"] == 0
    assert found["closer_share"] > 0.7  # as many training images as there are unseen ones


def test_unseen_images_are_not_copies():
    found = image_memorisation(DIGITS[UNSEEN], DIGITS[TRAIN], DIGITS[TEST])
    assert found["exact_copies"] == 0
    assert found["too_close"] < 0.04
    assert found["distance_ratio"] == pytest.approx(1, abs=0.1)
    assert found["closer_share"] == pytest.approx(0.5, abs=0.12)


def test_a_faint_copy_is_no_exact_one_and_still_too_close():
    faint = DIGITS[TRAIN][:200] * 0.98
    found = image_memorisation(faint, DIGITS[TRAIN], DIGITS[TEST])
    assert found["exact_copies"] == 0
    assert found["too_close"] == 1
    assert found["hash_copies"] > 0.95


def test_hash_survives_light_and_not_mirroring():
    images = np.random.default_rng(0).random((20, 24, 24))
    hashes = perceptual_hashes(images)
    assert hashes.shape == (20, 64)
    assert (hashes == perceptual_hashes(0.5 * images + 0.2)).all()
    assert not (hashes == perceptual_hashes(images[:, :, ::-1])).all(axis=1).any()


def test_nearest_training_images_come_nearest_first():
    order, found = nearest_training_images(DIGITS[[950, 4, 951]], DIGITS[TRAIN], n_shown=2)
    assert (order[0], found[0]) == (1, 4)
    assert len(order) == 2
