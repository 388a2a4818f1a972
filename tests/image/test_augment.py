"""Augmentation changes images as it says, lets gradients through, and repeats with its generator."""

from __future__ import annotations

import pytest
import torch

from ganaug.image.augment import Augment, how_often


def random(seed=0):
    return torch.Generator().manual_seed(seed)


def changed(images, probability=1.0, seed=0, border=0.0):
    return Augment(probability, torch.full((images.shape[1], 1, 1), border))(images, random(seed))


def test_it_is_used_more_the_fewer_images_there_are():
    assert [how_often(n) for n in (40, 499, 500, 4_999, 5_000, 10**6)] == [1.0, 1.0, 0.3, 0.3, 0.15, 0.15]


def test_without_probability_nothing_changes():
    images = torch.rand(4, 1, 8, 8, generator=random())
    assert changed(images, 0.0) is images


def test_about_as_many_images_change_as_are_to():
    images = torch.rand(2_000, 1, 8, 8, generator=random())
    same = (changed(images, 0.3, seed=1) == images).flatten(1).all(dim=1).float().mean()
    kept = 1 - 0.3 * (1 - 1 / 9)  # a shift by nothing
    assert same.item() == pytest.approx(0.7 * kept, abs=0.04)


def test_a_shift_moves_and_a_cut_leaves_the_border():
    images = torch.ones(500, 1, 16, 16)
    images[:, :, 8, 8] = 5.0
    seen = changed(images, border=-1.0)
    assert set(seen.unique().tolist()) == {-1.0, 1.0, 5.0}
    at = (seen[:, 0] == 5.0).nonzero()[:, 1:]
    assert (at.min().item(), at.max().item()) == (6, 10)  # an eighth of the side
    assert (seen == -1).float().mean().item() == pytest.approx(0.28, abs=0.06)


def test_grey_images_keep_their_values_and_colours_change():
    grey, colour = torch.ones(64, 1, 8, 8), torch.rand(64, 3, 8, 8, generator=random())
    assert set(changed(grey).unique().tolist()) <= {0.0, 1.0}
    assert changed(colour).unique().numel() > 1_000


def test_gradients_pass_and_the_same_generator_repeats():
    images = torch.rand(6, 3, 8, 8, generator=random(), requires_grad=True)
    seen = changed(images)
    seen.sum().backward()
    assert images.grad.abs().sum() > 0
    torch.testing.assert_close(seen, changed(images))
