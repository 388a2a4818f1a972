"""How long to train, found on the way: a constant rate until held-out rows stop gaining, then a decay.

Where the length is known before, `known_length` is the decay alone, along half a cosine.

While the rate is constant nothing depends on an end known in advance. When the averaged weights have not
improved for a while, training goes back to the best of them and lowers the rate to zero over a share of the
steps that they took.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ganaug._util.store import Header, header_float, header_int, header_str

_WARM_UP_STEPS = 100
_FLOOR = 0.01


@dataclass
class Schedule:
    """State of the schedule.

    Parameters
    ----------
    max_steps : int
        Steps after which training ends in any case.
    patience_steps : int
        The search ends when the last gain that counts is at least this many steps old ...
    patience_share : float
        ... and at least this share of all the steps so far.
    least_gain : float
        What a gain of held-out loss must be to count, since the one before it that did. A loss in nats per
        row means the same on every table: how well the rows can be told from real ones.
    decay_share : float
        Steps of the decay, as a share of those that led to the best.
    decay_start, floor : float
        Factors of the learning rate at the beginning of the decay and at the end. A decay that goes on from
        averaged weights needs no high rate first, which would throw them about again.
    falls_as : {"line", "cosine"}
        How the rate falls.
    """

    max_steps: int
    patience_steps: int
    patience_share: float = 0.2
    decay_share: float = 1 / 3
    least_gain: float = 0.02
    decay_start: float = 1.0
    floor: float = _FLOOR
    falls_as: str = "line"
    phase: str = "search"
    best_step: int = 0
    best_loss: float = float("inf")
    gain_step: int = 0
    gain_loss: float = float("inf")
    decay_from: int = 0
    last_step: int = 0
    decay_from_seconds: float = 0.0

    def rate(self, step: int, seconds: float, budget: float | None) -> float:
        """Factor of the learning rate for this step."""
        if self.phase == "search":
            return min(1.0, (step + 1) / _WARM_UP_STEPS)
        if self.falls_as == "cosine":
            done = self.progress(step, seconds, budget)
            return self.floor + (self.decay_start - self.floor) * (1 + math.cos(math.pi * done)) / 2
        return max(self.floor, self.decay_start * (1.0 - self.decayed(step, seconds, budget)))

    def progress(self, step: int, seconds: float, budget: float | None) -> float:
        """Share of the decay that is done, between 0 and 1."""
        return min(1.0, max(0.0, self.decayed(step, seconds, budget))) if self.phase == "decay" else 0.0

    def decayed(self, step: int, seconds: float, budget: float | None) -> float:
        """Share of the decay that is done, by steps or by the clock, whichever is further."""
        by_steps = (step - self.decay_from) / max(1, self.last_step - self.decay_from)
        if budget is None:
            return by_steps
        left = budget - self.decay_from_seconds
        return max(by_steps, (seconds - self.decay_from_seconds) / left if left > 0 else 1.0)

    def observe(self, step: int, loss: float) -> bool:
        """Take a held-out loss into account; True when it is the best so far."""
        improved = loss < self.best_loss - 1e-6 * abs(loss)
        if improved:
            self.best_loss, self.best_step = loss, step
        if loss < self.gain_loss - self.least_gain:
            self.gain_loss, self.gain_step = loss, step
        return improved

    def search_is_over(
        self, step: int, seconds: float, budget: float | None, *, early_stopping: bool
    ) -> bool:
        """Whether it is time to lower the rate."""
        if self.phase != "search":
            return False
        search_share = 1 / (1 + self.decay_share)
        if step >= self.max_steps * search_share or (budget is not None and seconds >= budget * search_share):
            return True
        patience = max(self.patience_steps, self.patience_share * step)
        return early_stopping and step - self.gain_step >= patience

    def start_decay(self, step: int, reached: int, seconds: float) -> None:
        """Begin to lower the rate; ``reached`` is the step whose weights training goes on from."""
        self.phase = "decay"
        self.decay_from, self.decay_from_seconds = step, seconds
        self.last_step = min(self.max_steps, step + max(1, round(self.decay_share * reached)))

    def is_over(self, step: int, seconds: float, budget: float | None) -> bool:
        """Whether training is done."""
        if self.phase != "decay":
            return False
        return step >= self.last_step or self.decayed(step, seconds, budget) >= 1.0

    def expected_steps(self, step: int) -> int:
        """Steps in all, as far as can be told now: improvement puts the end off."""
        if self.phase == "decay":
            return self.last_step
        patience = max(self.patience_steps, self.patience_share * step)
        search = max(step, self.gain_step + patience)
        return min(self.max_steps, int(search + self.decay_share * max(self.best_step, 1)))

    @classmethod
    def known_length(cls, n_steps: int, floor: float) -> Schedule:
        """A fit of so many steps, whose rate falls from the first to the last."""
        return cls(n_steps, n_steps, floor=floor, falls_as="cosine", phase="decay", last_step=n_steps)

    @classmethod
    def from_state(cls, header: Header) -> Schedule:
        """Schedule from the dict of its attributes; anything malformed is a `ModelFileError`."""
        numbers: dict[str, Any] = {
            key: header_int(header, key, minimum=0)
            for key in ("max_steps", "patience_steps", "best_step", "gain_step", "decay_from", "last_step")
        }
        for key in (
            "patience_share",
            "decay_share",
            "least_gain",
            "decay_start",
            "floor",
            "best_loss",
            "gain_loss",
            "decay_from_seconds",
        ):
            numbers[key] = header_float(header, key)
        falls_as = header_str(header, "falls_as", choices=("line", "cosine"))
        phase = header_str(header, "phase", choices=("search", "decay"))
        return cls(phase=phase, falls_as=falls_as, **numbers)
