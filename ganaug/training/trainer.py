"""The training loop for a loss per row: likelihood, or anything else that one network can minimise.

It sees tensors only. A loss takes (network, rows, generator) and gives one number per row; whatever the loss
draws comes from that generator, so a fit repeats to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from ganaug._util.random import torch_generator
from ganaug._util.store import Arrays, Header, header_dict, header_float
from ganaug.training.ema import WeightAverage
from ganaug.training.loop import Loop, Rows, Settings, weighted_mean
from ganaug.training.player import Player
from ganaug.training.recorded import Outputs, Recorded, recorder_for
from ganaug.training.rehearsal import BUDGET_SHARE, MadeUp, rehearse

__all__ = ["Loss", "Rows", "Settings", "Trainer"]

Loss: TypeAlias = Callable[[Any, Tensor, torch.Generator], Tensor]

AfterSearch: TypeAlias = Callable[[Any, Rows, Rows, torch.Generator], dict[str, float]]

_EVALUATION_KEY, _SEARCHED_KEY, _REHEARSAL_KEY = 2, 3, 4
# held-out rows in one pass: what a processor's cache holds, also of wide tables; more on other devices
_EVALUATION_ROWS, _TIMES_ELSEWHERE = 128, 64


@dataclass(kw_only=True)
class Trainer(Loop):
    """One fit of one network; see `Loop` for the other parameters.

    Parameters
    ----------
    network : Module
        Trained in place; at the end it holds the weights that are kept. Its ``decayed_parameters()`` are
        those subject to weight decay.
    loss : callable
        ``loss(network, rows, generator)`` -> tensor of shape (n_rows,); what is minimised.
    held_out_loss : callable
        The same for held-out rows; it decides when to end and which weights to keep.
    held_out : Rows or None
        Rows that only judge (None: no judge).
    after_search : callable, optional
        ``after_search(network, rows, held_out, generator)`` -> dict of numbers, kept in ``found``: what can
        be learned from held-out rows only before they are learned from.
    made_up : callable, optional
        ``made_up(n, generator)`` -> tensor of shape (n, ...): rows to learn from before the real ones; see
        `ganaug.training.rehearsal`.
    hidden : pair of tensors of shape (n_rows, ...), optional
        The rows as they are, and which of their cells were hidden from the fit, for what comes after it.
    """

    network: nn.Module
    loss: Loss
    held_out_loss: Loss
    held_out: Rows | None
    after_search: AfterSearch | None = None
    made_up: MadeUp | None = None
    found: dict[str, float] | None = None
    hidden: tuple[Tensor, Tensor] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._of_batch = Recorded(self._loss_and_gradients, self.random, recorder_for(self.device))

    def _make_players(self) -> list[Player]:
        return [self._make_player()]

    def _make_player(self) -> Player:
        settings = self.settings
        return Player(
            self.network,
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
            average_decay=settings.average_decay,
            gradient_clip=settings.gradient_clip,
        )

    def _before_steps(self) -> None:
        if self.made_up is None or self.step:
            return
        generator = torch_generator(self.root, _REHEARSAL_KEY, device=self.device)
        judge = None if self.held_out is None else partial(self.mean_held_out_loss, self.held_out)
        player, budget = self._make_player(), self.settings.time_budget_seconds
        latest = math.inf if budget is None else budget * BUDGET_SHARE
        found = rehearse(player, self.loss, self.made_up, judge, generator, lambda: self.seconds > latest)
        self.kept.average.restart_from(found)
        self.guard.keep(self.step)

    def _step(self) -> None:
        batch = self._next_batch()
        self._set_rate()
        values, weights = self.rows.values[batch], self.rows.weights
        inputs = (values,) if weights is None else (values, weights[batch])
        if self._of_batch.recorder is None:
            loss = self._mean_loss(*inputs)
            norm = self.kept.learn(loss, self.step)
        else:
            loss, *gradients = self._of_batch(*inputs)
            norm = self.kept.learn_from(gradients, self.step)
        self._loss_sum += loss.detach()
        self.guard.note(loss, norm)

    def _mean_loss(self, values: Tensor, weights: Tensor | None = None) -> Tensor:
        return weighted_mean(self.loss(self.network, values, self.random), weights)

    def _loss_and_gradients(self, *inputs: Tensor) -> Outputs:
        loss = self._mean_loss(*inputs)
        return (loss.detach(), *self.kept.gradients(loss))

    @property
    def _stops_early(self) -> bool:
        return self.settings.early_stopping and self.held_out is not None

    def _judge(self) -> float | None:
        if self.held_out is None or (self._stops_early and self.schedule.phase == "decay"):
            return None
        return self.mean_held_out_loss(self.held_out)

    @torch.no_grad()
    def mean_held_out_loss(self, rows: Rows, average: WeightAverage | None = None) -> float:
        """Mean loss of the averaged weights on rows, with the same draws at every call."""
        generator = torch_generator(self.root, _EVALUATION_KEY, device=self.device)
        size = _EVALUATION_ROWS * (1 if self.device.type == "cpu" else _TIMES_ELSEWHERE)
        with (self.kept.average if average is None else average).applied():
            self.network.eval()
            parts = [self.held_out_loss(self.network, part, generator) for part in rows.values.split(size)]
            self.network.train()
        losses = torch.cat(parts).double()
        return float(losses.mean() if rows.weights is None else (losses * rows.weights).mean())

    def _start_decay(self) -> None:
        """Go back to the best weights; held-out rows have done their part, and are learned from too."""
        self._check_health()
        reached = self.step
        if self._best is not None and self._stops_early:
            self.kept.average.restart_from(self._best)
            reached = self.schedule.best_step
            self._look_back(self.held_out)
        self.schedule.start_decay(self.step, reached, self.seconds)
        self._resume_phase()

    def _look_back(self, held_out: Rows | None) -> None:
        if self.after_search is None or held_out is None:
            return
        generator = torch_generator(self.root, _SEARCHED_KEY, device=self.device)
        self.network.eval()
        self.found = self.after_search(self.network, self._searched_rows, held_out, generator)
        self.network.train()

    def to_state(self) -> tuple[Header, Arrays]:
        """A JSON-able header and arrays, from which `load_state` goes on to the bit."""
        header, arrays = super().to_state()
        return {**header, "found": self.found}, arrays

    def load_state(self, header: Header, arrays: Arrays) -> None:
        """Go on from a state; `CheckpointError` when it belongs to another fit."""
        super().load_state(header, arrays)
        self.found = None
        if header.get("found") is not None:
            given = header_dict(header, "found")
            self.found = {name: header_float(given, name) for name in given}

    def _resume_phase(self) -> None:
        if self.schedule.phase == "decay" and self._stops_early and self.held_out is not None:
            parts = (self.rows, self.held_out)
            weights = [part.weights for part in parts if part.weights is not None]
            values = torch.cat([part.values for part in parts])
            self.rows = Rows(values, torch.cat(weights) if weights else None)

    def _kept_values(self) -> list[Tensor]:
        searching = self.schedule.phase == "search" and self._stops_early
        return self._best if self._best is not None and searching else self.kept.average.values

    def _held_tensors(self) -> list[Tensor]:
        given = [rows for rows in (self._searched_rows, self.held_out) if rows is not None]
        tensors = [tensor for rows in given for tensor in (rows.values, rows.weights)]
        return [tensor for tensor in tensors if tensor is not None]
