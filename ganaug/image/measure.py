"""How far generated images are from held-out ones: the energy distance of images with their classes.

It needs no trained network, is zero only where both have the same distribution, and sees a generator that
loses classes or variety. It is blunt for fine detail, so that a snapshot is preferred to the last weights
only where it is clearly better.

References
----------
Szekely, Rizzo: Energy statistics: A class of statistics based on distances, Journal of Statistical
Planning and Inference, 2013.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ganaug.training.loop import Rows

if TYPE_CHECKING:
    from ganaug.image.modality import ImageModality

_MOST_JUDGED = 512
_CHUNK = 128


class HeldOut:
    """Held-out images, with which a generator's are compared; always from the same latents.

    Parameters
    ----------
    modality : ImageModality
    rows : Rows
        Held out.
    latent_units : int
    random : torch.Generator
    """

    def __init__(
        self, modality: ImageModality, rows: Rows, latent_units: int, random: torch.Generator
    ) -> None:
        chosen = rows.values[torch.randperm(len(rows), generator=random, device=random.device)[:_MOST_JUDGED]]
        self.classes = modality.classes_of(chosen)
        self.n_classes = modality.n_classes
        self.latent = torch.randn(len(chosen), latent_units, generator=random, device=random.device)
        real = modality.to_samples(chosen).flatten(start_dim=1)
        self._middle = real.mean(dim=0)
        self._scale = (real - self._middle).square().sum(dim=1).mean().sqrt().clamp(min=1e-12)
        self._real = self._with_classes(real)
        self._within = _mean_distance(self._real, self._real)

    def __call__(self, generator: Any) -> float:
        """Energy distance between the generator's images and those held out, of the same classes."""
        given = [self.latent] if self.classes is None else [self.latent, self.classes]
        split = [values.split(_CHUNK) for values in given]
        parts = [generator(*part) for part in zip(*split, strict=True)]
        fake = self._with_classes(torch.cat(parts).clamp(-1, 1).flatten(start_dim=1))
        across = torch.cdist(self._real, fake).mean()
        return float(2 * across - self._within - _mean_distance(fake, fake))

    def _with_classes(self, flat: Tensor) -> Tensor:
        scaled = (flat - self._middle) / self._scale
        if self.classes is None:
            return scaled
        return torch.cat([scaled, torch.nn.functional.one_hot(self.classes, self.n_classes)], dim=1)


def _mean_distance(a: Tensor, b: Tensor) -> Tensor:
    """Mean over pairs of two different rows."""
    return torch.cdist(a, b).sum() / max(1, len(a) * (len(a) - 1))
