"""Ways of balancing images: what each trains on, and which one is taken."""

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator

from ganaug.image.balance import (
    DEFAULT_WAY,
    Comparison,
    compare_ways,
    fit_balanced,
    plan_balance,
    shifted,
)

CODES = np.repeat([0, 1, 2], [12, 5, 3])


class Bars(BaseEstimator):
    """Draws what it is told to; remembers how often it was fitted."""

    fits = 0

    def __init__(self, good=True):
        self.good = good

    def fit(self, X, y):
        type(self).fits += 1
        self.classes_ = np.unique(y)
        return self

    def sample(self, n, *, y, random_state=None):
        images = np.random.default_rng(random_state).random((n, 8, 8)) * 0.3
        columns = 2 * np.searchsorted(self.classes_, y)
        images[np.arange(n), :, columns if self.good else 7] += 1
        return images


def bars(counts, seed):
    labels = np.repeat(np.arange(len(counts)), counts)
    drawn = Bars()
    drawn.classes_ = np.arange(len(counts))
    return drawn.sample(len(labels), y=labels, random_state=seed), labels


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("way", ["oversampling", "augmentation", "gan", "gan_augmentation"])
def test_classes_come_out_equal_and_keep_every_real_image(way, rng):
    plan = plan_balance(CODES, way, rng)
    every = np.concatenate([CODES, plan.asked])
    assert np.bincount(every[plan.order]).tolist() == [12, 12, 12]
    assert set(range(len(CODES))) <= set(plan.order)


def test_generated_images_fill_up_or_match_the_real_ones(rng):
    assert np.bincount(plan_balance(CODES, "gan", rng).asked).tolist() == [0, 7, 9]
    assert np.bincount(plan_balance(CODES, "gan_augmentation", rng).asked).tolist() == [0, 5, 3]
    assert not len(plan_balance(CODES, "augmentation", rng).asked)


def test_weights_make_classes_count_alike(rng):
    plan = plan_balance(CODES, "class_weight", rng)
    assert (plan.class_weight * np.bincount(CODES)).tolist() == pytest.approx([20 / 3] * 3)
    assert len(plan.order) == len(CODES)
    assert plan_balance(CODES, "nothing", rng).class_weight is None


def test_shifts_move_whole_images():
    images = torch.zeros(200, 1, 8, 8)
    images[:, :, 4, 4] = 1
    moved = shifted(images, torch.Generator().manual_seed(0))
    places = {tuple(place[2:].tolist()) for place in moved.nonzero()}
    assert places == {(row, column) for row in (3, 4, 5) for column in (3, 4, 5)}
    assert (moved.sum(dim=(1, 2, 3)) == 1).all()


def test_shifts_carry_the_border_on():
    images = torch.arange(3.0).view(1, 3, 1, 1).expand(4, 3, 5, 7)
    assert torch.equal(shifted(images, torch.Generator().manual_seed(0)), images)


def test_a_classifier_learns_from_what_was_planned(rng):
    images, labels = bars([30, 4], seed=0)
    plan = plan_balance(labels, "gan", rng)
    wrong, right = (
        fit_balanced(images, labels, plan, Bars(good).fit(images, labels), n_steps=60)
        for good in (False, True)
    )
    test, truth = bars([40, 40], seed=1)
    assert right.accuracy(test, truth) > 0.95
    assert right.accuracy(test, truth) >= wrong.accuracy(test, truth)


def comparison(**right):
    codes = np.repeat([0, 1], [40, 40])
    return Comparison({way: np.asarray(values, dtype=float) for way, values in right.items()}, codes)


def test_generated_images_are_taken_only_where_they_win_by_more_than_noise():
    rng = np.random.default_rng(0)
    base = rng.random(80) < 0.7
    little, clear = base.copy(), base.copy()
    little[np.flatnonzero(~base)[:1]] = True
    clear[np.flatnonzero(~base)[:12]] = True
    assert comparison(augmentation=base, gan_augmentation=little).chosen == "augmentation"
    assert comparison(augmentation=base, gan_augmentation=clear).chosen == "gan_augmentation"
    assert comparison(augmentation=clear, gan_augmentation=base).chosen == "augmentation"
    assert comparison(augmentation=base, oversampling=clear, gan=clear).chosen == "oversampling"


def test_ways_without_generated_images_are_chosen_by_score():
    rng = np.random.default_rng(0)
    base = rng.random(80) < 0.7
    better = base.copy()
    better[np.flatnonzero(~base)[0]] = True
    assert comparison(nothing=better, augmentation=base).chosen == "nothing"
    assert comparison(nothing=base, augmentation=better).chosen == "augmentation"
    assert comparison(nothing=base, augmentation=base).chosen == DEFAULT_WAY


def test_gain_is_the_difference_of_balanced_accuracies():
    codes = np.repeat([0, 1], [30, 10])
    one, other = np.ones(40), np.ones(40)
    other[30:35] = 0
    found = Comparison({"augmentation": other, "nothing": one}, codes)
    assert found.scores == {"augmentation": 0.75, "nothing": 1.0}
    gain, error = found.gain("nothing", "augmentation")
    assert gain == pytest.approx(0.25)
    assert error == pytest.approx(np.sqrt(np.var([0] * 5 + [1] * 5, ddof=1) / 10) / 2)


def test_generated_images_are_not_tried_with_few_and_nothing_is_fitted():
    images, labels = bars([12, 6], seed=0)
    Bars.fits = 0
    found = compare_ways(
        images, labels, Bars(), ways=("nothing", "gan"), n_splits=2, n_repeats=1, n_steps=5, random_state=0
    )
    assert set(found.right) == {"nothing", DEFAULT_WAY}
    assert Bars.fits == 0
    assert "a class has 6 images" in found.reasons[0]


def test_every_image_is_held_out_once_and_a_clone_is_fitted_to_the_rest():
    images, labels = bars([30, 20], seed=0)
    Bars.fits, given = 0, Bars()
    found = compare_ways(images, labels, given, ways=("gan",), n_splits=2, n_repeats=1, n_steps=40)
    assert Bars.fits == 2
    assert not hasattr(given, "classes_")
    assert found.scores["gan"] > 0.9
    assert all(((right == 0) | (right == 1)).all() for right in found.right.values())


def test_unknown_way_and_single_image_are_refused():
    images, labels = bars([6, 1], seed=0)
    with pytest.raises(ValueError, match="got 'copies'"):
        compare_ways(images, labels, ways=("copies",))
    with pytest.raises(ValueError, match="needs two images; got one of 1"):
        compare_ways(images, labels)
