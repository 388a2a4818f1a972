"""Learning from made-up rows before the real ones, where these are few.

A simple model of the rows says less than the rows do, but it says it without end: a network that has learned
from what it draws begins where otherwise much of what few rows can tell would be spent on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from ganaug.training.ema import WeightAverage
from ganaug.training.player import Player

MOST_STEPS = 600
UNJUDGED_STEPS = 300  # where no held-out rows say when to end
BATCH_SIZE = 64
EVALUATE_EVERY = 50  # steps
PATIENCE = 2  # evaluations without a gain
BUDGET_SHARE = 0.2  # of the time that a fit may take

MadeUp: TypeAlias = Callable[[int, torch.Generator], Tensor]


def rehearse(
    player: Player,
    loss: Callable[[Any, Tensor, torch.Generator], Tensor],
    made_up: MadeUp,
    judge: Callable[[WeightAverage], float] | None,
    generator: torch.Generator,
    is_over: Callable[[], bool],
) -> list[Tensor]:
    """Learn from made-up rows as long as held-out rows gain by it.

    Parameters
    ----------
    player : Player
        Of the network; it is of no use afterwards.
    loss : callable
        ``loss(network, rows, generator)`` -> tensor of shape (n_rows,).
    made_up : callable
        ``made_up(n, generator)`` -> tensor of shape (n, ...): rows that nobody has seen.
    judge : callable, optional
        Loss of averaged weights on held-out real rows.
    generator : torch Generator
    is_over : callable
        Whether there is no time left.

    Returns
    -------
    list of tensors
        The weights to go on from: the best, or those from before if none was better.
    """
    best = player.average.snapshot()
    least, since = np.inf if judge is None else judge(player.average), 0
    for step in range(UNJUDGED_STEPS if judge is None else MOST_STEPS):
        rows = made_up(BATCH_SIZE, generator)
        player.learn(loss(player.network, rows, generator).mean(), step)
        if (step + 1) % EVALUATE_EVERY:
            continue
        found = -float(step) if judge is None else judge(player.average)
        is_whole = all(bool(values.isfinite().all()) for values in player.average.values)
        since = since + 1 if not is_whole or not found < least else 0
        if not since:
            best, least = player.average.snapshot(), found
        if since == PATIENCE or is_over():
            break
    return best
