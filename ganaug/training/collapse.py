"""Does a generator make as much variety as there is? What it sees is recorded; collapse is a warning.

Modes covered: real samples are grouped by the nearest of a few dozen of them, and the share of real samples
whose group holds a generated one is counted. Spread: the generated samples' variance within a class beside
the real ones'. Told apart: share of pairs in which the discriminator scores the real sample higher.
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from ganaug.exceptions import ModeCollapseWarning
from ganaug.training.history import Record

N_GROUPS = 48
FEWEST_COVERED, LEAST_SPREAD, MOST_TOLD_APART = 0.35, 0.25, 0.995
PATIENCE = 3  # evaluations in a row


class CollapseDetector:
    """Reference of real samples, and the judgements so far.

    Parameters
    ----------
    real : tensor of shape (n_samples, ...)
        At random from the real ones.
    condition : tensor of shape (n_samples, ...), optional
        The class of each, or anything else that is equal for samples to be compared.

    Notes
    -----
    Entries of vectors are scaled each by its own spread; those of images are of one kind, and share a scale.
    """

    def __init__(self, real: Tensor, condition: Tensor | None) -> None:
        flat = real.detach().flatten(start_dim=1).float()
        n_groups = min(N_GROUPS, max(1, len(flat) // 8))
        self._middle = flat.mean(dim=0)
        spread = flat.std(dim=0, correction=0)
        if real.dim() > 2:
            spread = spread.square().mean().sqrt().expand_as(spread)
        self._scale = torch.where(spread > 1e-6, spread, 1.0)  # constant: as it is
        scaled = self._scaled(flat)
        self._centres = scaled[:n_groups]
        self.n_judged = len(flat) - n_groups if len(flat) > n_groups else n_groups
        judged = scaled[-self.n_judged :]
        self.given = () if condition is None else (condition[-self.n_judged :],)
        self._shares = torch.bincount(self._group(judged), minlength=n_groups) / len(judged)
        self._variance = self._within(judged)
        self._bad = 0
        self._warned = False

    def look(self, fake: Tensor) -> Record:
        """Modes covered, and spread, of generated samples (n_judged, ...) under the conditions ``given``."""
        scaled = self._scaled(fake.flatten(start_dim=1).float())
        hit = torch.bincount(self._group(scaled), minlength=len(self._centres)) > 0
        spread = (self._within(scaled) / self._variance.clamp(min=1e-12)).sqrt()
        return {"modes_covered": float(self._shares[hit].sum()), "spread": float(spread)}

    def judge(self, seen: Record, step: int, learning_rate: float, is_penalised: bool) -> None:
        """Warn, once, when variety has been missing for a while."""
        symptom = self._symptom(seen)
        self._bad = self._bad + 1 if symptom else 0
        if self._bad < PATIENCE or self._warned:
            return
        self._warned = True
        if not is_penalised:
            knob = "use a loss with penalties, which keep the discriminator smooth: loss='relativistic'"
        else:
            knob = f"use a learning_rate lower than {learning_rate!r}, or a larger batch_size"
        warnings.warn(f"After {step} steps {symptom}: {knob}", ModeCollapseWarning, stacklevel=2)

    def _symptom(self, seen: Record) -> str:
        if seen["modes_covered"] < FEWEST_COVERED:
            return f"the generator covers only {seen['modes_covered']:.0%} of the real modes (mode collapse)"
        if seen["spread"] < LEAST_SPREAD:
            return f"generated samples vary only {seen['spread']:.0%} as much as real ones (mode collapse)"
        if seen["told_apart"] > MOST_TOLD_APART:
            return (
                f"the discriminator tells {seen['told_apart']:.1%} of the samples apart and the generator "
                f"learns nothing from it (its gradient's norm is {seen['generator_gradient']:.2g})"
            )
        return ""

    def _scaled(self, flat: Tensor) -> Tensor:
        return (flat - self._middle) / self._scale

    def _group(self, scaled: Tensor) -> Tensor:
        return torch.cdist(scaled, self._centres).argmin(dim=1)

    def _within(self, scaled: Tensor) -> Tensor:
        """Mean variance of samples around the mean of their class."""
        if self.given:
            _, classes = torch.unique(self.given[0], dim=0, return_inverse=True)
            n_classes = int(classes.max()) + 1
            sums = scaled.new_zeros(n_classes, scaled.shape[1]).index_add_(0, classes, scaled)
            counts = torch.bincount(classes, minlength=n_classes).unsqueeze(1)
            return (scaled - (sums / counts)[classes]).square().mean()
        return scaled.var(dim=0, correction=0).mean()
