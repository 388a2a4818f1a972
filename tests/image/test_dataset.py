"""AugmentedDataset: what is in it, how it is drawn, and that loaders get it by batch."""

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator
from torch.utils.data import DataLoader

from ganaug.image import AugmentedDataset

LABELS = np.array(["cat"] * 6 + ["dog"] * 2)
IMAGES = np.random.default_rng(0).integers(0, 200, (8, 6, 5)).astype(np.uint8)
IMAGES[0, 0, 0] = 0
IMAGES[1, 0, 0] = 200


class Flat(BaseEstimator):
    """Images of one brightness, which says the class; every call draws other ones."""

    calls = 0

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        self.shape_, self.classes_ = X.shape[1:], np.unique(y)
        return self

    def sample(self, n, *, y, random_state=None):
        type(self).calls += 1
        noise = np.random.default_rng(random_state).integers(0, 50, (n, *self.shape_))
        return (100 * np.searchsorted(self.classes_, y)[:, None, None] + noise).astype(np.uint8)


@pytest.fixture
def fitted():
    return Flat().fit(IMAGES, LABELS)


def test_real_images_first_then_as_many_generated_ones_of_each_class(fitted):
    data = AugmentedDataset(IMAGES, LABELS, fitted, random_state=0)
    assert len(data) == 16
    assert data.is_synthetic.tolist() == [False] * 8 + [True] * 8
    assert data.classes[data.codes[8:]].tolist() == LABELS.tolist()
    image, code = data[3]
    assert (image.shape, image.dtype, code) == ((1, 6, 5), torch.float32, 0)
    np.testing.assert_allclose(image[0].numpy(), IMAGES[3] / 200, rtol=1e-6)
    assert data[15][0].min() >= 0.5  # a dog


@pytest.mark.parametrize(
    ("ratio", "counts"), [(0, [6, 2]), (0.5, [9, 3]), ({"dog": 2}, [6, 6]), ({"cat": 1, "dog": 0.5}, [12, 3])]
)
def test_ratio_is_of_every_class_or_by_class(fitted, ratio, counts):
    data = AugmentedDataset(IMAGES, LABELS, fitted, ratio=ratio, random_state=0)
    assert np.bincount(data.codes).tolist() == counts


def test_cached_images_stay_and_others_are_drawn_anew_by_batch(fitted):
    cached = AugmentedDataset(IMAGES, LABELS, fitted, random_state=0)
    assert torch.equal(cached[10][0], cached[10][0])
    data = AugmentedDataset(IMAGES, LABELS, fitted, cached=False, random_state=0)
    Flat.calls = 0
    batches = list(DataLoader(data, batch_size=16))
    assert Flat.calls == 1
    again = next(iter(DataLoader(data, batch_size=16)))
    assert torch.equal(batches[0][0][:8], again[0][:8])
    assert not torch.equal(batches[0][0][8:], again[0][8:])
    assert batches[0][1].tolist() == data.codes.tolist()


def test_an_integer_repeats_what_is_drawn(fitted):
    one, other = (AugmentedDataset(IMAGES, LABELS, fitted, cached=False, random_state=3) for _ in range(2))
    for _ in range(2):
        assert torch.equal(one[9][0], other[9][0])


def test_workers_draw_different_images(fitted):
    data = AugmentedDataset(IMAGES, LABELS, fitted, cached=False, random_state=0)
    one, other = DataLoader(torch.utils.data.Subset(data, [8, 8]), batch_size=1, num_workers=2)
    assert not torch.equal(one[0], other[0])


def test_a_synthesizer_that_is_not_fitted_is_cloned_and_fitted():
    given = Flat()
    data = AugmentedDataset(IMAGES, LABELS, given, random_state=0)
    assert data.synthesizer_ is not given
    assert isinstance(data.synthesizer_.random_state, int)


def test_nothing_is_fitted_where_nothing_is_to_be_generated():
    assert AugmentedDataset(IMAGES, LABELS, Flat(), ratio=0).synthesizer_ is None


def test_balanced_sets_are_even_and_transforms_are_applied(fitted):
    data = AugmentedDataset(
        IMAGES, LABELS, fitted, balance="gan_augmentation", transform=lambda image: image + 5, random_state=0
    )
    assert np.bincount(data.codes).tolist() == [6, 6]
    assert data.is_synthetic.sum() >= 2
    assert data.balance_ == "gan_augmentation"
    assert min(float(data[place][0].min()) for place in range(len(data))) >= 5


def test_shifts_follow_torch():
    data = AugmentedDataset(IMAGES, LABELS, balance="augmentation", random_state=0)
    torch.manual_seed(1)
    one = [data[place][0] for place in range(6)]
    torch.manual_seed(1)
    assert all(torch.equal(image, data[place][0]) for place, image in enumerate(one))
    assert not all(torch.equal(image, data[place][0]) for place, image in enumerate(one))


def test_weights_are_given_for_the_loss():
    data = AugmentedDataset(IMAGES, LABELS, balance="class_weight")
    assert data.class_weight.tolist() == pytest.approx([8 / 12, 8 / 4])
    assert AugmentedDataset(IMAGES, LABELS, ratio=0).class_weight is None


def test_auto_keeps_to_the_default_and_says_what_it_found():
    data = AugmentedDataset(IMAGES, LABELS, balance="auto", n_steps=3, random_state=0)
    assert data.balance_ == data.comparison.chosen
    assert "no synthesizer was given" in data.comparison.reasons[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ratio": -1}, "ratio must be a number >= 0, or one for each class; got -1"),
        ({"ratio": {"cow": 1}}, "a class that no image has; got 'cow'"),
        ({"balance": "more"}, "balance must be None, 'auto' or one of nothing, .* got 'more'"),
        ({"cached": 1}, "cached"),
        ({"n_steps": 0}, "n_steps"),
        ({"synthesizer": None}, "synthesizer is None: pass a GANSynthesizer"),
        ({"labels": LABELS[:5]}, "labels must have one for each of 8 images, got 5"),
    ],
)
def test_wrong_arguments_are_named(fitted, options, message):
    given = {"images": IMAGES, "labels": LABELS, "synthesizer": fitted} | options
    with pytest.raises((ValueError, TypeError), match=message):
        AugmentedDataset(**given)


def test_auto_refuses_a_synthesizer_that_has_seen_the_folds(fitted):
    with pytest.raises(ValueError, match="hasn't seen the images yet; got one that is fitted, Flat"):
        AugmentedDataset(IMAGES, LABELS, fitted, balance="auto")
