"""Exponential moving average of a network's weights: what is evaluated, kept and sampled from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor


class WeightAverage:
    """Average of parameters over steps, with a horizon that grows from a few steps to its full length.

    Parameters
    ----------
    parameters : iterable of tensor
        They are read at every `update`.
    decay : float
        Share of the average that a step keeps, once warmed up.
    """

    def __init__(self, parameters: Iterable[Tensor], decay: float) -> None:
        self.parameters = [parameter.detach() for parameter in parameters]  # shares their storage
        self.decay = decay
        self.values = self._copy(self.parameters)

    @staticmethod
    def _copy(tensors: Sequence[Tensor]) -> list[Tensor]:
        return [tensor.clone() for tensor in tensors]

    def update(self, step: int) -> None:
        """Take in the parameters as they are after ``step`` steps."""
        share = 1.0 - min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self.values, self.parameters, share)

    def snapshot(self) -> list[Tensor]:
        """A copy of the average."""
        return self._copy(self.values)

    def restart_from(self, values: Sequence[Tensor]) -> None:
        """Set both the average and the parameters to ``values``."""
        for mine, theirs in ((self.values, values), (self.parameters, values)):
            torch._foreach_copy_(mine, list(theirs))

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Let the parameters be the average for a while."""
        kept = self._copy(self.parameters)
        torch._foreach_copy_(self.parameters, self.values)
        try:
            yield
        finally:
            torch._foreach_copy_(self.parameters, kept)
