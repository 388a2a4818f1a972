"""Which rows to learn from, how large a step, how often to look, and when to stop: settings from sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganaug.training.loop import Rows, Settings
from ganaug.training.schedules import Schedule

BATCH_SIZE = 128
LEARNING_RATE = 3e-3
MOST_HELD_OUT = 2048  # more rows would tell no more about when to stop
FEWEST_TO_SPLIT = 20
LONGEST_INTERVAL, SHORTEST_INTERVAL = 250, 25  # steps between evaluations
PATIENCE_INTERVALS = 5
MOST_STEPS = 10_000  # of a fit whose length is found on the way
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
    )
    return settings, Schedule(max_steps=max_steps, patience_steps=PATIENCE_INTERVALS * interval)
