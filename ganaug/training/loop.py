"""What every fit has in common: batches, averaged weights, evaluations, the best snapshot, resuming.

A subclass says what a step is, and what judges the averaged weights.
"""

from __future__ import annotations

import hashlib
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganaug._util.device import keep_freed_memory
from ganaug._util.random import numpy_generator, torch_generator
from ganaug._util.store import Arrays, Header, array_of, header_dict, header_float, header_int, header_list
from ganaug.exceptions import CheckpointError, GanaugError, InterruptedFitWarning, ModelFileError
from ganaug.training.callbacks import Callback
from ganaug.training.history import History, Record
from ganaug.training.player import Player
from ganaug.training.schedules import Schedule
from ganaug.training.stability import Guard

_ORDER_KEY, _SHUFFLE_KEY = 0, 1


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
    evaluate_every, evaluate_share : int, float
        Steps between two evaluations; at least this share of all the steps so far.
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
    evaluate_share: float = 0.0


@dataclass(kw_only=True)
class Loop:
    """One fit.

    Parameters
    ----------
    rows : Rows
        Rows to learn from.
    settings : Settings
    schedule : Schedule
    root : numpy SeedSequence
        Source of all randomness.
    callbacks : sequence of Callback
    order : callable, optional
        ``order(rng, n)`` -> the ``n`` row numbers of a pass; by default each row once, shuffled.
    """

    rows: Rows
    settings: Settings
    schedule: Schedule
    root: np.random.SeedSequence
    callbacks: Sequence[Callback] = ()
    order: Callable[[np.random.Generator, int], NDArray[np.intp]] | None = None
    history: History = field(default_factory=History)
    step: int = 0
    interrupted: bool = False
    spent_seconds: float = 0.0

    content: ClassVar[str] = "checkpoint"

    def __post_init__(self) -> None:
        self.batch_size = min(self.settings.batch_size, len(self.rows))
        self.device = self.rows.values.device
        self._searched_rows = self.rows
        self.players = self._make_players()
        self._initial = "".join(_digest(player.parameters) for player in self.players)
        self.guard = Guard(self.players, self.device)
        self.random = torch_generator(self.root, _ORDER_KEY, device=self.device)
        self._loss_sum = torch.zeros((), device=self.device)
        self._best: list[Tensor] | None = None
        self._permutation = ((-1, 0), torch.empty(0))  # of which epoch and how many rows, and their order
        self._stop_asked = False
        self._began = time.monotonic()
        self._recorded = (0, 0.0)  # step and seconds of the last record
        self._checked_step = 0

    @property
    def kept(self) -> Player:
        """The network that the fit is for, the first; its averaged weights are judged and kept."""
        return self.players[0]

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
        self._began = time.monotonic() - self.spent_seconds
        self.guard.keep(self.step)
        self._notify("on_fit_begin")
        keep_freed_memory()
        self._set_training(True)
        try:
            self._before_steps()
            while not self._is_over():
                self._step()
                self.step += 1
                self._after_step()
        except KeyboardInterrupt:
            self._warn_interrupted()
        self._keep_best()
        self._set_training(False)
        self._notify("on_fit_end")
        return self.history

    def _make_players(self) -> list[Player]:
        raise NotImplementedError

    def _before_steps(self) -> None:
        """What a fit does once it knows whether it resumes."""

    def _step(self) -> None:
        """Let the networks learn from one batch."""
        raise NotImplementedError

    def _judge(self) -> float | None:
        """Loss of the averaged weights, which decides which are best; None without a judge."""
        raise NotImplementedError

    @property
    def _stops_early(self) -> bool:
        raise NotImplementedError

    def _entries(self) -> Record:
        """Further entries of a record."""
        return {}

    def _is_over(self) -> bool:
        budget = self.settings.time_budget_seconds
        return self._stop_asked or self.schedule.is_over(self.step, self.seconds, budget)

    def _after_step(self) -> None:
        own, stops_early = self.settings, self._stops_early
        if self.step - self._recorded[0] >= max(own.evaluate_every, own.evaluate_share * self.step):
            self._evaluate()
        budget = own.time_budget_seconds
        if self.schedule.search_is_over(self.step, self.seconds, budget, early_stopping=stops_early):
            self._start_decay()
        if self._is_over():
            self._evaluate()
        self._notify("on_step")
        if self._place[1] == 0:
            self._notify("on_epoch_end")

    def _next_batch(self) -> Tensor:
        epoch, place = self._place
        if self._permutation[0] != (epoch, len(self.rows)):
            rng = numpy_generator(self.root, _SHUFFLE_KEY, epoch, len(self.rows))
            n_used = self.steps_per_epoch * self.batch_size
            order = rng.permutation(len(self.rows)) if self.order is None else self.order(rng, n_used)
            self._permutation = (epoch, len(self.rows)), torch.from_numpy(order).to(self.device)
        return self._permutation[1][place * self.batch_size : (place + 1) * self.batch_size]

    @property
    def _place(self) -> tuple[int, int]:
        """Epochs that are complete, steps into the next; a decay on more rows begins an epoch of its own."""
        if self.rows is self._searched_rows:
            return divmod(self.step, self.steps_per_epoch)
        searched = -(-self.schedule.decay_from // (len(self._searched_rows) // self.batch_size))
        epochs, place = divmod(self.step - self.schedule.decay_from, self.steps_per_epoch)
        return searched + epochs, place

    @property
    def progress(self) -> float:
        """Share of the decay of the rate that is done, between 0 and 1."""
        return self.schedule.progress(self.step, self.seconds, self.settings.time_budget_seconds)

    def _set_rate(self) -> None:
        factor = self.schedule.rate(self.step, self.seconds, self.settings.time_budget_seconds)
        for player in self.players:
            player.set_rate(factor * self.guard.rate_share)

    def _evaluate(self) -> None:
        if self.step == self._recorded[0] or not self._check_health():
            return
        held_out_loss = self._judge()
        self._record(held_out_loss)
        if held_out_loss is not None and self.schedule.observe(self.step, held_out_loss):
            self._best = self.kept.average.snapshot()

    def _check_health(self) -> bool:
        """Keep a snapshot where all numbers are finite; else go back to the last, and say so."""
        if self.step == self._checked_step:
            return True
        self._checked_step = self.step
        if self.guard.is_whole():
            self.guard.keep(self.step)
            return True
        self.guard.go_back(self.step, self.settings.learning_rate)
        self._recorded = self.step, self.seconds
        self._loss_sum.zero_()
        if self.guard.is_worn_out:
            self.stop()
        return False

    def _record(self, held_out_loss: float | None) -> None:
        step, seconds = self._recorded
        self.history.append(
            {
                "epoch": self._place[0] + self._place[1] / self.steps_per_epoch,
                "step": self.step,
                "phase": self.schedule.phase,
                "learning_rate": self.kept.rate,
                "train_loss": float(self._loss_sum) / (self.step - step),
                "validation_loss": held_out_loss,
                "seconds": self.seconds,
                "rows_per_second": (self.step - step) * self.batch_size / max(self.seconds - seconds, 1e-9),
                **self._entries(),
            }
        )
        self._loss_sum.zero_()
        self._recorded = self.step, self.seconds

    def _start_decay(self) -> None:
        """Begin to lower the rate."""
        self._check_health()
        self.schedule.start_decay(self.step, self.step, self.seconds)

    def _keep_best(self) -> None:
        self._check_health()
        if self.guard.faults and self.guard.kept_step == 0:
            raise GanaugError(
                f"Training diverged: no weights of {self.step} steps are finite. Use a lower "
                f"learning_rate than {self.settings.learning_rate!r}"
            )
        self.kept.average.restart_from(self._kept_values())

    def _kept_values(self) -> list[Tensor]:
        """The weights that the fit ends with."""
        raise NotImplementedError

    def _set_training(self, mode: bool) -> None:
        for player in self.players:
            player.network.train(mode)

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

    def to_state(self) -> tuple[Header, Arrays]:
        """A JSON-able header and arrays, from which `load_state` goes on to the bit."""
        self._check_health()  # a file never holds weights that are not finite
        header = {
            "content": self.content,
            "fingerprint": self._fingerprint(),
            "entropy": self.root.entropy,
            "step": self.step,
            "seconds": self.seconds,
            "recorded": list(self._recorded),
            "faults": self.guard.faults,
            "schedule": asdict(self.schedule),
            "history": list(self.history),
        }
        tensors = {"generator": self.random.get_state(), "loss_sum": self._loss_sum}
        tensors |= {f"{name}.{i}": tensor for name, i, tensor in self._tensors()}
        return header, {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}

    def load_state(self, header: Header, arrays: Arrays) -> None:
        """Go on from a state; `CheckpointError` when it belongs to another fit."""
        if header.get("content") != self.content or header.get("fingerprint") != self._fingerprint():
            raise CheckpointError(
                "The checkpoint belongs to a fit of other rows, settings or random_state. Give this fit "
                f"another path, or delete the file if you don't need it. It holds: {header.get('content')!r}"
            )
        self.schedule = Schedule.from_state(header_dict(header, "schedule"))
        self._resume_phase()
        self.history[:] = header_list(header, "history", of=dict)
        for player in self.players:
            player.make_adam_state()
        if "best.0" in arrays:
            self._best = self.kept.average.snapshot()
        for name, i, tensor in self._tensors():
            stored = array_of(arrays, f"{name}.{i}", "f", shape=tuple(tensor.shape), finite=True)
            with torch.no_grad():
                tensor.copy_(torch.from_numpy(stored))
        try:
            self.random.set_state(torch.from_numpy(array_of(arrays, "generator", "u")))
        except (RuntimeError, TypeError) as error:
            raise ModelFileError(f"The checkpoint's random state is broken: {error}") from error
        self._loss_sum += float(array_of(arrays, "loss_sum", "f", shape=()))
        self.step = header_int(header, "step", minimum=0)
        self._began = time.monotonic() - header_float(header, "seconds", minimum=0.0)
        recorded = header_list(header, "recorded", length=2, of=(int, float))
        if not np.isfinite(recorded).all():
            raise ModelFileError(f"The checkpoint's last record is no step and time: {recorded!r}")
        self._recorded = int(recorded[0]), float(recorded[1])
        self.guard.faults = header_int(header, "faults", minimum=0)
        self._checked_step = self.step
        self.guard.keep(self.step)

    def _resume_phase(self) -> None:
        """Bring about what the schedule's phase calls for, after it has been read from a checkpoint."""

    def _tensors(self) -> list[tuple[str, int, Tensor]]:
        """Every tensor that the state consists of, with a name."""
        named = [entry for player in self.players for entry in player.tensors()]
        return named + [("best", i, tensor) for i, tensor in enumerate(self._best or ())]

    def _held_tensors(self) -> list[Tensor]:
        """Tensors that must be the same for a fit to go on."""
        return [self._searched_rows.values]

    def _fingerprint(self) -> str:
        """Digest of all that must be the same for a fit to go on."""
        digest = hashlib.sha256(repr((self.settings, self.schedule.max_steps, self.root.entropy)).encode())
        for tensor in self._held_tensors():
            digest.update(tensor.cpu().numpy().tobytes())
        return digest.hexdigest() + self._initial


def weighted_mean(losses: Tensor, weights: Tensor | None) -> Tensor:
    """Mean of the losses of rows (n_rows,), each times its weight where there are weights."""
    return losses.mean() if weights is None else (losses * weights).mean()


def _digest(tensors: Iterable[Tensor]) -> str:
    """What tells the values of tensors from other values."""
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(repr(tuple(tensor.shape)).encode())
        digest.update(tensor.detach().cpu().numpy().tobytes())
    return digest.hexdigest()
