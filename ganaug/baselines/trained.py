"""What the baselines share that train a network: which rows judge, how long, and the parameters for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganaug._util.device import resolve_device
from ganaug._util.parameters import check_parameter
from ganaug._util.random import numpy_generator
from ganaug.baselines.base import Baseline
from ganaug.model import Model
from ganaug.training.history import History
from ganaug.training.plan import FEWEST_TO_SPLIT, plan_fit, split_rows, take_rows
from ganaug.training.trainer import Trainer

_SPLIT_KEY, _TRAIN_KEY = 0, 2


class TrainedBaseline(Baseline):
    """A baseline whose network has ``losses(codes, random)``, which the training loop minimises."""

    max_epochs: int | str
    time_budget_seconds: float | None
    batch_size: int
    learning_rate: float
    validation_fraction: float
    device: str | torch.device

    def _check_parameters(self) -> None:
        self._options(1).check()
        if self.max_epochs != "auto":
            check_parameter("max_epochs", self.max_epochs, int, minimum=1)
        if self.time_budget_seconds is not None:
            budget = self.time_budget_seconds
            check_parameter("time_budget_seconds", budget, float, minimum=0, inclusive=False)
        check_parameter("batch_size", self.batch_size, int, minimum=1)
        check_parameter("learning_rate", self.learning_rate, float, minimum=0, inclusive=False)
        check_parameter("validation_fraction", self.validation_fraction, float, minimum=0, maximum=0.9)

    def _learn(self, model: Model, codes: NDArray[Any], root: np.random.SeedSequence) -> tuple[History, int]:
        device = resolve_device(self.device)
        every, is_rare = np.ones(len(codes), dtype=bool), model.modality.rare_rows(codes, FEWEST_TO_SPLIT)
        parts = split_rows(every, is_rare, self.validation_fraction, numpy_generator(root, _SPLIT_KEY))
        rows, held_out = (take_rows(codes, None, part, device) for part in parts)
        settings, schedule = plan_fit(
            len(rows),
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            max_epochs=self.max_epochs,
            weight_decay=0.0,
            stops_early=len(held_out) > 0,
            time_budget_seconds=self.time_budget_seconds,
        )
        trainer = Trainer(
            network=model.network.to(device),
            loss=_losses,
            held_out_loss=_losses,
            rows=rows,
            held_out=held_out if len(held_out) else None,
            settings=settings,
            schedule=schedule,
            root=np.random.SeedSequence(root.entropy, spawn_key=(_TRAIN_KEY,)),
        )
        return trainer.run(), max(1, trainer.epoch)


def _losses(network: Any, codes: Tensor, random: torch.Generator) -> Tensor:
    """Loss of each row, (n_rows,)."""
    found: Tensor = network.losses(codes, random)
    return found
