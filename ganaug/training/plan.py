"""Which rows to learn from, how large a step, how often to look, and when to stop: settings from sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganaug.losses import AdversarialLoss
from ganaug.training.callbacks import Callback
from ganaug.training.loop import Rows, Settings
from ganaug.training.schedules import Schedule

BATCH_SIZE = 128
LEARNING_RATE = 3e-3
MOST_HELD_OUT = 2048  # more rows would tell no more about when to stop
FEWEST_TO_SPLIT = 20
LONGEST_INTERVAL, SHORTEST_INTERVAL = 250, 25  # steps between the first evaluations
EVALUATE_SHARE = 0.03  # of the steps so far, between later ones
PATIENCE_INTERVALS = 5
MOST_STEPS = 12_500  # of a fit whose length is found on the way
DECAY_START = 0.3  # of its rate, at which such a fit goes on from the best averaged weights ...
DECAY_SHARE = 0.2  # ... for a share of the steps that led there
UNJUDGED_EPOCHS, FEWEST_UNJUDGED_STEPS = 30, 1_000  # of a fit that no held-out rows can stop


def split_rows(
    counts: NDArray[np.bool_], is_rare: NDArray[np.bool_], fraction: float, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Choose rows to learn from and rows to judge on.

    Parameters
    ----------
    counts : array of shape (n_rows,)
        Which rows count at all.
    is_rare : array of shape (n_rows,)
        Which rows are too rare to be held out.
    fraction : float
        Share of the rows to hold out.
    rng : numpy Generator

    Returns
    -------
    learnt_from, held_out : arrays of row numbers, increasing
        The second is empty when there are too few rows to spare any.
    """
    usable, common = np.flatnonzero(counts), np.flatnonzero(counts & ~is_rare)
    n_held_out = min(int(fraction * len(usable)), MOST_HELD_OUT)
    if len(usable) < FEWEST_TO_SPLIT or n_held_out < 1 or len(common) < n_held_out:
        return usable, usable[:0]
    held_out = np.sort(rng.choice(common, n_held_out, replace=False))
    return np.setdiff1d(usable, held_out), held_out


def take_rows(
    codes: NDArray[Any], weights: NDArray[np.float64] | None, which: NDArray[np.intp], device: torch.device
) -> Rows:
    """Some rows on a device, their weights scaled to a mean of one."""
    values = torch.from_numpy(codes[which]).to(device)
    if weights is None:
        return Rows(values)
    chosen = weights[which]
    return Rows(values, torch.tensor(chosen / chosen.mean(), dtype=torch.float32, device=device))


def plan_fit(
    n_rows: int,
    *,
    batch_size: int | str,
    learning_rate: float | str,
    max_epochs: int | str,
    weight_decay: float,
    stops_early: bool,
    time_budget_seconds: float | None,
) -> tuple[Settings, Schedule]:
    """Turn a caller's parameters, "auto" among them, into settings for rows as many as these."""
    batch = BATCH_SIZE if isinstance(batch_size, str) else int(batch_size)
    steps_per_epoch = max(1, n_rows // batch)
    interval = min(max(steps_per_epoch, SHORTEST_INTERVAL), LONGEST_INTERVAL)
    unjudged = max(FEWEST_UNJUDGED_STEPS, UNJUDGED_EPOCHS * steps_per_epoch)
    limit = MOST_STEPS if stops_early else min(MOST_STEPS, unjudged)
    max_steps = limit if isinstance(max_epochs, str) else int(max_epochs) * steps_per_epoch
    settings = Settings(
        batch_size=batch,
        learning_rate=LEARNING_RATE if isinstance(learning_rate, str) else float(learning_rate),
        weight_decay=weight_decay,
        evaluate_every=min(interval, max_steps),
        early_stopping=stops_early,
        time_budget_seconds=time_budget_seconds,
        evaluate_share=EVALUATE_SHARE,
    )
    schedule = Schedule(max_steps=max_steps, patience_steps=PATIENCE_INTERVALS * interval)
    if stops_early and isinstance(max_epochs, str):
        schedule.decay_start, schedule.decay_share = DECAY_START, DECAY_SHARE
    return settings, schedule


@dataclass(frozen=True)
class Task:
    """A fit as it was asked for, "auto" among the parameters: what a trainer is made from.

    Parameters
    ----------
    rows : Rows
        Rows to learn from.
    held_out : Rows or None
        Rows that only judge.
    batch_size, max_epochs : int or "auto"
    learning_rate : float or "auto"
    early_stopping : bool
    time_budget_seconds : float, optional
    loss : AdversarialLoss
        Of a game, where there is one.
    root : numpy SeedSequence
    callbacks : sequence of Callback
    discriminator : str or None
        The kind of discriminator that shall guide what is drawn.
    guide : object, optional
        What an earlier fit, which this one goes on from, has learned beside the network.
    """

    rows: Rows
    held_out: Rows | None
    batch_size: int | str
    max_epochs: int | str
    learning_rate: float | str
    early_stopping: bool
    time_budget_seconds: float | None
    loss: AdversarialLoss
    root: np.random.SeedSequence
    callbacks: Sequence[Callback] = ()
    discriminator: str | None = None
    guide: Any = None

    @property
    def has_gaps(self) -> bool:
        """Whether some codes are negative: cells that aren't learned from."""
        parts = [self.rows, *([] if self.held_out is None else [self.held_out])]
        return any(bool((part.values < 0).any()) for part in parts)

    def plan(self, weight_decay: float) -> tuple[Settings, Schedule]:
        """Settings of a fit by likelihood."""
        return plan_fit(
            len(self.rows),
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            max_epochs=self.max_epochs,
            weight_decay=weight_decay,
            stops_early=self.early_stopping and self.held_out is not None,
            time_budget_seconds=self.time_budget_seconds,
        )

    def child(self, key: int, budget_share: float = 1.0) -> Task:
        """A part of the same fit: with randomness of its own, and a share of the time."""
        root = np.random.SeedSequence(self.root.entropy, spawn_key=(*self.root.spawn_key, key))
        budget = None if self.time_budget_seconds is None else self.time_budget_seconds * budget_share
        return replace(self, root=root, time_budget_seconds=budget)

    def batch_or(self, batch_size: int) -> int:
        """Rows in a step: as asked for, else so many; never more than there are."""
        wanted = batch_size if isinstance(self.batch_size, str) else int(self.batch_size)
        return min(wanted, len(self.rows))

    def rate_or(self, learning_rate: float) -> float:
        """Learning rate: as asked for, else this."""
        return learning_rate if isinstance(self.learning_rate, str) else float(self.learning_rate)

    def steps_or(self, batch_size: int, n_steps: int) -> int:
        """Steps in all: the passes asked for, else so many."""
        if isinstance(self.max_epochs, str):
            return n_steps
        return int(self.max_epochs) * max(1, len(self.rows) // batch_size)
