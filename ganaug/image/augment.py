"""Differentiable augmentation: what both players' images go through before the discriminator sees them.

It can't remember what it never sees twice. Each image is shifted, has a square taken out, and (where there
are three channels or more) changes its colours, each at random.

References
----------
Zhao et al., Differentiable Augmentation for Data-Efficient GAN Training, NeurIPS 2020.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_SHIFT, _CUTOUT = 1 / 8, 1 / 2  # shares of a side
_FEWEST_TO_SPARE, _FEW = 500, 5_000  # images
_OFTEN, _SELDOM = 0.3, 0.15


def how_often(n_images: int) -> float:
    """Probability of each change, for so many images to learn from."""
    if n_images < _FEWEST_TO_SPARE:
        return 1.0
    return _OFTEN if n_images < _FEW else _SELDOM


@dataclass(frozen=True)
class Augment:
    """Shift, cut out, and change colours.

    Parameters
    ----------
    probability : float
        Of each of them, for each image.
    border : tensor of shape (c, 1, 1)
        What comes in where an image is shifted, and where a square is taken out.
    """

    probability: float
    border: Tensor

    def __call__(self, images: Tensor, random: torch.Generator) -> Tensor:
        """Images (n, c, h, w) changed at random, each in its own way."""
        if not self.probability:
            return images
        if images.shape[1] >= 3:
            images = self._colour(images, random)
        return self._cut_out(self._shift(images, random), random)

    def _uniform(self, n: int, images: Tensor, random: torch.Generator) -> Tensor:
        return torch.rand(n, len(images), generator=random, device=images.device)

    def _shift(self, images: Tensor, random: torch.Generator) -> Tensor:
        draws = self._uniform(3, images, random)
        chosen = draws[0] < self.probability
        inside = images - self.border
        for axis, draw in ((2, draws[1]), (3, draws[2])):
            side = images.shape[axis]
            most = max(1, int(side * _SHIFT + 0.5))
            step = torch.where(chosen, (draw * (2 * most + 1)).long() - most, 0)
            place = torch.arange(side, device=images.device) - step.unsqueeze(1)  # (n, side)
            shape = [len(images), 1, 1, 1]
            shape[axis] = side
            index = place.clamp(0, side - 1).view(shape).expand_as(images)
            there = ((place >= 0) & (place < side)).view(shape)
            inside = inside.gather(axis, index) * there
        return inside + self.border

    def _cut_out(self, images: Tensor, random: torch.Generator) -> Tensor:
        draws = self._uniform(3, images, random)
        chosen = (draws[0] < self.probability).view(-1, 1, 1, 1)
        taken = chosen
        for axis, draw in ((2, draws[1]), (3, draws[2])):
            side = images.shape[axis]
            half = side * _CUTOUT / 2
            place = torch.arange(side, device=images.device) + 0.5
            within = (place - draw.unsqueeze(1) * side).abs() < half
            shape = [len(images), 1, 1, 1]
            shape[axis] = side
            taken = taken & within.view(shape)
        return torch.where(taken, self.border, images)

    def _colour(self, images: Tensor, random: torch.Generator) -> Tensor:
        draws = self._uniform(4, images, random).view(4, -1, 1, 1, 1)
        chosen = draws[0] < self.probability
        brightness = draws[1] - 0.5
        saturation, contrast = 2 * draws[2], draws[3] + 0.5
        changed = images + brightness
        grey = changed.mean(dim=1, keepdim=True)
        changed = grey + (changed - grey) * saturation
        middle = changed.mean(dim=(1, 2, 3), keepdim=True)
        changed = middle + (changed - middle) * contrast
        return torch.where(chosen, changed, images)
