"""What to do when a number is no longer finite: back to the last weights that were, at half the rate.

Losses and gradients of every step leave a trace in one number on the device, which is read together with the
weights when the fit evaluates; a step costs no synchronisation.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor

from ganaug.exceptions import UnstableTrainingWarning
from ganaug.training.player import Player

MOST_FAULTS = 3  # after which the fit ends with the best weights it has


class Guard:
    """Watches over a fit's numbers, and holds the last snapshot in which all were finite.

    Parameters
    ----------
    players : sequence of Player
    device : torch.device

    Attributes
    ----------
    faults : int
        How often numbers have not been finite.
    kept_step : int
        Steps after which the snapshot was taken.
    """

    def __init__(self, players: Sequence[Player], device: torch.device) -> None:
        self.players = players
        self.faults = 0
        self.kept_step = 0
        self._trace = torch.zeros((), device=device)
        self._kept: dict[tuple[str, int], Tensor] = {}

    @property
    def rate_share(self) -> float:
        """Share of the learning rate that is left."""
        return 0.5 ** min(self.faults, MOST_FAULTS)

    @property
    def is_worn_out(self) -> bool:
        """Whether going on has been tried often enough."""
        return self.faults > MOST_FAULTS

    def note(self, *numbers: Tensor) -> None:
        """Take in scalars of a step: the trace is zero as long as all are finite."""
        for number in numbers:
            self._trace += number.detach() * 0

    @torch.no_grad()
    def is_whole(self) -> bool:
        """Whether every number since the last snapshot is finite; the only synchronisation."""
        sums = [tensor.mul(0).sum() for _, _, tensor in self._tensors()]
        return bool(torch.stack([self._trace, *sums]).sum() == 0)

    def keep(self, step: int) -> None:
        """Take a snapshot."""
        self._kept = {(name, i): tensor.detach().clone() for name, i, tensor in self._tensors()}
        self.kept_step = step

    def go_back(self, step: int, learning_rate: float) -> None:
        """Restore the snapshot, halve the rate, and warn."""
        before = learning_rate * self.rate_share
        self.faults += 1
        self._trace.zero_()
        self._restore()
        what_next = (
            f"this is the {self.faults}th time, so the fit ends with the best weights it had"
            if self.is_worn_out
            else f"training goes on from step {self.kept_step} at half the rate (time {self.faults} of at "
            f"most {MOST_FAULTS})"
        )
        warnings.warn(
            f"A loss, gradient or weight was not finite within the last {step - self.kept_step} steps: "
            f"{what_next}. If it happens again, use a learning_rate lower than {before:.3g}",
            UnstableTrainingWarning,
            stacklevel=2,
        )

    @torch.no_grad()
    def _restore(self) -> None:
        for name, i, tensor in self._tensors():
            if (name, i) in self._kept:
                tensor.copy_(self._kept[name, i])
            else:  # the optimiser had no state yet
                tensor.zero_()

    def _tensors(self) -> list[tuple[str, int, Tensor]]:
        return [entry for player in self.players for entry in player.tensors()]
