"""The training loop: steps, averaged weights, evaluation on held-out rows, the best snapshot, resuming.

It sees tensors only. A loss takes (network, rows, generator) and gives one number per row; whatever the loss
draws comes from that generator, so a fit repeats to the bit.
"""

from __future__ import annotations

import hashlib
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from ganaug._util.random import numpy_generator, torch_generator
from ganaug._util.store import Arrays, Header, array_of, header_dict, header_float, header_int, header_list
from ganaug.exceptions import CheckpointError, GanaugError, InterruptedFitWarning, ModelFileError
from ganaug.training.callbacks import Callback
from ganaug.training.ema import WeightAverage
from ganaug.training.history import History
from ganaug.training.schedules import Schedule

Loss: TypeAlias = Callable[[Any, Tensor, torch.Generator], Tensor]

_ORDER_KEY, _SHUFFLE_KEY, _EVALUATION_KEY = 0, 1, 2
_EVALUATION_ROWS = 1024  # held-out rows in one pass


@dataclass(frozen=True)
class Rows:
    """Rows to learn from or to be judged on.

    Parameters
    ----------
    values : tensor of shape (n_rows, ...)
    weights : tensor of shape (n_rows,), optional
        With a mean of one.
    """

    values: Tensor
    weights: Tensor | None = None

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Settings:
    """How to train.

    Parameters
    ----------
    batch_size : int
    learning_rate, weight_decay : float
    evaluate_every : int
        Steps between two evaluations.
    early_stopping : bool
        Whether held-out rows decide when to end, and which weights to keep.
    time_budget_seconds : float, optional
        Wall-clock time for the fit.
    average_decay, gradient_clip : float
        Of the moving average of the weights; largest norm of a step's gradient.
    """

    batch_size: int
    learning_rate: float
    weight_decay: float
    evaluate_every: int
    early_stopping: bool = True
    time_budget_seconds: float | None = None
    average_decay: float = 0.995
    gradient_clip: float = 5.0


@dataclass
class Trainer:
    """One fit.

    Parameters
    ----------
    network : Module
        Trained in place; at the end it holds the weights that are kept. Its ``decayed_parameters()`` are
        those subject to weight decay.
    loss : callable
        ``loss(network, rows, generator)`` -> tensor of shape (n_rows,); what is minimised.
    held_out_loss : callable
        The same for held-out rows; it decides when to end and which weights to keep.
    rows, held_out : Rows
        Rows to learn from, and rows that only judge (None: no judge).
    settings : Settings
    schedule : Schedule
    root : numpy SeedSequence
        Source of all randomness.
    callbacks : sequence of Callback
    """

    network: nn.Module
    loss: Loss
    held_out_loss: Loss
    rows: Rows
    held_out: Rows | None
    settings: Settings
    schedule: Schedule
    root: np.random.SeedSequence
    callbacks: Sequence[Callback] = ()
    history: History = field(default_factory=History)
    step: int = 0
    interrupted: bool = False

    def __post_init__(self) -> None:
        self.batch_size = min(self.settings.batch_size, len(self.rows))
        self._given = (self.rows, self.held_out)
        self._initial = _digest(self.network.parameters())
        self.parameters = list(self.network.parameters())
        self.average = WeightAverage(self.parameters, self.settings.average_decay)
        self.optimiser = self._make_optimiser()
        self.device = self.rows.values.device
        self.generator = torch_generator(self.root, _ORDER_KEY, device=self.device)
        self._loss_sum = torch.zeros((), device=self.device)
        self._best: list[Tensor] | None = None
        self._permutation = ((-1, 0), torch.empty(0))  # of which epoch and how many rows, and their order
        self._stop_asked = False
        self._began = time.monotonic()
        self._recorded = (0, 0.0)  # step and seconds of the last record

    @property
    def epoch(self) -> int:
        """Passes over the training rows that are complete."""
        return self._place[0]

    @property
    def steps_per_epoch(self) -> int:
        """Steps in a pass over the training rows."""
        return len(self.rows) // self.batch_size

    @property
    def seconds(self) -> float:
        """Wall-clock time of this fit so far, without the time between a kill and the resumption."""
        return time.monotonic() - self._began

    @property
    def expected_steps(self) -> int:
        """Steps in all, as far as can be told now."""
        return self.schedule.expected_steps(self.step)

    def stop(self) -> None:
        """End the fit after this step, with the best weights so far."""
        self._stop_asked = True

    @torch.enable_grad()  # type: ignore[no-untyped-call, untyped-decorator]
    def run(self) -> History:
        """Train, and leave the weights that are kept in the network."""
        self._notify("on_fit_begin")
        self.network.train()
        try:
            while not self._is_over():
                self._step()
        except KeyboardInterrupt:
            self._warn_interrupted()
        self._keep_best()
        self.network.eval()
        self._notify("on_fit_end")
        return self.history

    def _is_over(self) -> bool:
        budget = self.settings.time_budget_seconds
        return self._stop_asked or self.schedule.is_over(self.step, self.seconds, budget)

    def _step(self) -> None:
        batch = self._next_batch()
        self._set_rate()
        losses = self.loss(self.network, self.rows.values[batch], self.generator)
        if self.rows.weights is not None:
            losses = losses * self.rows.weights[batch]
        loss = losses.mean()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.parameters, self.settings.gradient_clip)
        self.optimiser.step()
        self.optimiser.zero_grad()
        self.average.update(self.step)
        self._loss_sum += loss.detach()
        self.step += 1
        self._after_step()

    def _after_step(self) -> None:
        budget, stops_early = self.settings.time_budget_seconds, self._stops_early
        if self.step % self.settings.evaluate_every == 0:
            self._evaluate()
        if self.schedule.search_is_over(self.step, self.seconds, budget, early_stopping=stops_early):
            self._start_decay()
        if self._is_over():
            self._evaluate()
        self._notify("on_step")
        if self._place[1] == 0:
            self._notify("on_epoch_end")

    @property
    def _stops_early(self) -> bool:
        return self.settings.early_stopping and self.held_out is not None

    def _next_batch(self) -> Tensor:
        epoch, place = self._place
        if self._permutation[0] != (epoch, len(self.rows)):
            order = numpy_generator(self.root, _SHUFFLE_KEY, epoch, len(self.rows)).permutation(
                len(self.rows)
            )
            self._permutation = (epoch, len(self.rows)), torch.from_numpy(order).to(self.device)
        return self._permutation[1][place * self.batch_size : (place + 1) * self.batch_size]

    @property
    def _place(self) -> tuple[int, int]:
        """Epochs that are complete, steps into the next; a decay on more rows begins an epoch of its own."""
        if self.rows is self._given[0]:
            return divmod(self.step, self.steps_per_epoch)
        searched = -(-self.schedule.decay_from // (len(self._given[0]) // self.batch_size))
        epochs, place = divmod(self.step - self.schedule.decay_from, self.steps_per_epoch)
        return searched + epochs, place

    def _set_rate(self) -> None:
        factor = self.schedule.rate(self.step, self.seconds, self.settings.time_budget_seconds)
        for group in self.optimiser.param_groups:
            group["lr"] = self.settings.learning_rate * factor

    def _evaluate(self) -> None:
        if self.step == self._recorded[0]:
            return
        is_judge = self.held_out is not None and not (self._stops_early and self.schedule.phase == "decay")
        held_out_loss = self.mean_held_out_loss(self.held_out) if is_judge and self.held_out else None
        self._record(held_out_loss)
        if held_out_loss is not None and self.schedule.observe(self.step, held_out_loss):
            self._best = self.average.snapshot()

    @torch.no_grad()
    def mean_held_out_loss(self, rows: Rows) -> float:
        """Mean loss of the averaged weights on rows, with the same draws at every call."""
        generator = torch_generator(self.root, _EVALUATION_KEY, device=self.device)
        with self.average.applied():
            self.network.eval()
            parts = [
                self.held_out_loss(self.network, part, generator)
                for part in rows.values.split(_EVALUATION_ROWS)
            ]
            self.network.train()
        losses = torch.cat(parts).double()
        return float(losses.mean() if rows.weights is None else (losses * rows.weights).mean())

    def _record(self, held_out_loss: float | None) -> None:
        step, seconds = self._recorded
        self.history.append(
            {
                "epoch": self._place[0] + self._place[1] / self.steps_per_epoch,
                "step": self.step,
                "phase": self.schedule.phase,
                "learning_rate": self.optimiser.param_groups[0]["lr"],
                "train_loss": float(self._loss_sum) / (self.step - step),
                "validation_loss": held_out_loss,
                "seconds": self.seconds,
                "rows_per_second": (self.step - step) * self.batch_size / max(self.seconds - seconds, 1e-9),
            }
        )
        self._loss_sum.zero_()
        self._recorded = self.step, self.seconds

    def _start_decay(self) -> None:
        reached = self.step
        if self._best is not None and self._stops_early:
            self.average.restart_from(self._best)
            reached = self.schedule.best_step
        self.schedule.start_decay(self.step, reached, self.seconds)
        self._take_in_held_out()

    def _take_in_held_out(self) -> None:
        """Held-out rows have done their part when the decay begins: it learns from them too."""
        if self._stops_early and self.held_out is not None:
            parts = (self.rows, self.held_out)
            weights = [part.weights for part in parts if part.weights is not None]
            values = torch.cat([part.values for part in parts])
            self.rows = Rows(values, torch.cat(weights) if weights else None)

    def _keep_best(self) -> None:
        searching = self.schedule.phase == "search" and self._stops_early
        kept = self._best if self._best is not None and searching else self.average.values
        if not all(bool(torch.isfinite(tensor).all()) for tensor in kept):
            raise GanaugError(
                f"Training diverged: the weights are no longer finite after {self.step} steps. Use a lower "
                f"learning_rate than {self.settings.learning_rate!r}"
            )
        self.average.restart_from(kept)

    def _warn_interrupted(self) -> None:
        self.interrupted = True
        warnings.warn(
            f"The fit was interrupted after {self.step} steps; the best weights so far are kept.",
            InterruptedFitWarning,
            stacklevel=4,
        )

    def _notify(self, event: str) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(self)

    def _make_optimiser(self) -> torch.optim.Optimizer:
        decayed = list(self.network.decayed_parameters())  # type: ignore[operator]
        known = {id(parameter) for parameter in decayed}
        groups = [
            {"params": decayed, "weight_decay": self.settings.weight_decay},
            {"params": [p for p in self.parameters if id(p) not in known], "weight_decay": 0.0},
        ]
        fused = self.rows.values.device.type in ("cpu", "cuda")
        return torch.optim.AdamW(groups, lr=self.settings.learning_rate, betas=(0.9, 0.99), fused=fused)

    def to_state(self) -> tuple[Header, Arrays]:
        """A JSON-able header and arrays, from which `load_state` goes on to the bit."""
        header = {
            "content": "checkpoint",
            "fingerprint": self._fingerprint(),
            "entropy": self.root.entropy,
            "step": self.step,
            "seconds": self.seconds,
            "recorded": list(self._recorded),
            "schedule": asdict(self.schedule),
            "history": list(self.history),
        }
        tensors = {"generator": self.generator.get_state(), "loss_sum": self._loss_sum}
        tensors |= {f"{name}.{i}": tensor for name, i, tensor in self._tensors()}
        return header, {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}

    def load_state(self, header: Header, arrays: Arrays) -> None:
        """Go on from a state; `CheckpointError` when it belongs to another fit."""
        if header.get("content") != "checkpoint" or header.get("fingerprint") != self._fingerprint():
            raise CheckpointError(
                "The checkpoint belongs to a fit of other rows, settings or random_state. Give this fit "
                f"another path, or delete the file if you don't need it. It holds: {header.get('content')!r}"
            )
        self.schedule = Schedule.from_state(header_dict(header, "schedule"))
        if self.schedule.phase == "decay":
            self._take_in_held_out()
        self.history[:] = header_list(header, "history", of=dict)
        self._make_adam_state()
        if "best.0" in arrays:
            self._best = self.average.snapshot()
        for name, i, tensor in self._tensors():
            stored = array_of(arrays, f"{name}.{i}", "f", shape=tuple(tensor.shape))
            with torch.no_grad():
                tensor.copy_(torch.from_numpy(stored))
        try:
            self.generator.set_state(torch.from_numpy(array_of(arrays, "generator", "u")))
        except (RuntimeError, TypeError) as error:
            raise ModelFileError(f"The checkpoint's random state is broken: {error}") from error
        self._loss_sum += float(array_of(arrays, "loss_sum", "f", shape=()))
        self.step = header_int(header, "step", minimum=0)
        self._began = time.monotonic() - header_float(header, "seconds", minimum=0.0)
        recorded = header_list(header, "recorded", length=2, of=(int, float))
        if not np.isfinite(recorded).all():
            raise ModelFileError(f"The checkpoint's last record is no step and time: {recorded!r}")
        self._recorded = int(recorded[0]), float(recorded[1])

    def _make_adam_state(self) -> None:
        """Let AdamW make its state, by a step without gradients that changes nothing."""
        kept = [parameter.detach().clone() for parameter in self.parameters]
        for parameter in self.parameters:
            parameter.grad = torch.zeros_like(parameter)
        self.optimiser.step()
        self.optimiser.zero_grad()
        with torch.no_grad():
            torch._foreach_copy_(list[Tensor](self.parameters), kept)

    def _tensors(self) -> list[tuple[str, int, Tensor]]:
        """Every tensor that the state consists of, with a name."""
        named: list[tuple[str, int, Tensor]] = []
        for i, parameter in enumerate(self.parameters):
            named.append(("parameter", i, parameter))
            named.append(("average", i, self.average.values[i]))
            if self._best is not None:
                named.append(("best", i, self._best[i]))
            named += [(f"adam.{key}", i, value) for key, value in self.optimiser.state[parameter].items()]
        return named

    def _fingerprint(self) -> str:
        """Digest of all that must be the same for a fit to go on."""
        digest = hashlib.sha256(repr((self.settings, self.schedule.max_steps, self.root.entropy)).encode())
        for rows in self._given:
            for tensor in () if rows is None else (rows.values, rows.weights):
                if tensor is not None:
                    digest.update(tensor.cpu().numpy().tobytes())
        return digest.hexdigest() + self._initial


def _digest(tensors: Iterable[Tensor]) -> str:
    """What tells the values of tensors from other values."""
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(repr(tuple(tensor.shape)).encode())
        digest.update(tensor.detach().cpu().numpy().tobytes())
    return digest.hexdigest()
