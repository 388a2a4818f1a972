"""Several fits in a row as one: the stages of a generator that is taught before it plays.

To callbacks it looks like one fit; a checkpoint holds the networks as they were when the current stage began,
and that stage's own state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ganaug._util.store import Arrays, Header, array_of, header_dict, header_int, header_list
from ganaug.exceptions import CheckpointError, ModelFileError
from ganaug.training.callbacks import Callback
from ganaug.training.history import History
from ganaug.training.loop import Loop


class Course:
    """Stages that run one after the other.

    Parameters
    ----------
    stages : mapping of str to callable
        Each makes its fit when its turn comes, from the networks as the stages before have left them.
    networks : sequence of Module
        All that stages train.
    callbacks : sequence of Callback
    """

    def __init__(
        self,
        stages: Mapping[str, Callable[[], Loop]],
        networks: Sequence[nn.Module],
        callbacks: Sequence[Callback],
    ) -> None:
        self.stages = dict(stages)
        self.networks = tuple(networks)
        self.callbacks = tuple(callbacks)
        self.interrupted = False
        self._stop_asked = False
        self._done = History()
        self._resume: tuple[Header, Arrays] | None = None
        self._before = (0, 0, 0.0)  # steps, epochs and seconds of the stages that are over
        self._enter(0)

    def _enter(self, stage: int) -> None:
        self._stage = stage
        self._at_start = [[tensor.clone() for tensor in _tensors(network)] for network in self.networks]
        self.current = list(self.stages.values())[stage]()
        self.current.callbacks = (_Relay(self),)

    @property
    def step(self) -> int:
        """Steps so far."""
        return self._before[0] + self.current.step

    @property
    def epoch(self) -> int:
        """Passes over the training rows that are complete."""
        return self._before[1] + self.current.epoch

    @property
    def seconds(self) -> float:
        """Wall-clock time so far."""
        return self._before[2] + self.current.seconds

    @property
    def expected_steps(self) -> int:
        """Steps until the end of the current stage, as far as can be told now."""
        return self._before[0] + self.current.expected_steps

    @property
    def history(self) -> History:
        """Records of all stages so far; each says which ``stage`` it is of."""
        steps, epochs, seconds = self._before
        name = list(self.stages)[self._stage]
        own = [
            {
                **record,
                "stage": name,
                "step": record["step"] + steps,
                "epoch": record["epoch"] + epochs,
                "seconds": record["seconds"] + seconds,
            }
            for record in self.current.history
        ]
        return History([*self._done, *own])

    def stop(self) -> None:
        """End the fit after this step, with the best weights so far."""
        self._stop_asked = True
        self.current.stop()

    def run(self) -> History:
        """Run all stages."""
        self._notify("on_fit_begin")
        while True:
            self.current.run()
            self.interrupted = self.current.interrupted
            if self.interrupted or self._stop_asked or self._stage + 1 == len(self.stages):
                break
            self._done = self.history
            self._before = (self.step, self.epoch, self.seconds)
            self._enter(self._stage + 1)
        self._notify("on_fit_end")
        return self.history

    def _notify(self, event: str) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(self)

    def to_state(self) -> tuple[Header, Arrays]:
        """A JSON-able header and arrays, from which `load_state` goes on to the bit."""
        header, arrays = self.current.to_state()
        state: Header = {
            "content": "course",
            "stage": self._stage,
            "current": header,
            "done": list(self._done),
            "before": list(self._before),
        }
        held = {f"current.{name}": array for name, array in arrays.items()}
        for i, tensors in enumerate(self._at_start):
            held |= {f"network.{i}.{j}": tensor.cpu().numpy() for j, tensor in enumerate(tensors)}
        return state, held

    def load_state(self, header: Header, arrays: Arrays) -> None:
        """Go on from a state; `CheckpointError` when it belongs to another fit."""
        if header.get("content") != "course":
            raise CheckpointError(
                "The checkpoint belongs to another kind of fit. Give this fit another path, or delete the "
                f"file if you don't need it. It holds: {header.get('content')!r}"
            )
        stage = header_int(header, "stage", minimum=0, maximum=len(self.stages) - 1)
        self._load_networks(arrays)
        self._done = History(header_list(header, "done", of=dict))
        before = header_list(header, "before", length=3, of=(int, float))
        if not np.isfinite(before).all():
            raise ModelFileError(f"The checkpoint's stages before are no steps and time: {before!r}")
        self._before = (int(before[0]), int(before[1]), float(before[2]))
        self._enter(stage)
        prefix = "current."
        own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
        self._resume = header_dict(header, "current"), own

    @torch.no_grad()
    def _load_networks(self, arrays: Arrays) -> None:
        for i, network in enumerate(self.networks):
            for j, tensor in enumerate(_tensors(network)):
                shape = tuple(tensor.shape)
                stored = array_of(arrays, f"network.{i}.{j}", "f", shape=shape, finite=True)
                tensor.copy_(torch.from_numpy(stored))


class _Relay(Callback):
    """Tell those who watch the course what happens in a stage."""

    def __init__(self, course: Course) -> None:
        self.course = course

    def on_fit_begin(self, trainer: Any) -> None:
        """Resume, once, where a checkpoint has been read."""
        state, self.course._resume = self.course._resume, None
        if state is not None:
            trainer.load_state(*state)

    def on_step(self, trainer: Any) -> None:
        """After every step."""
        self.course._notify("on_step")

    def on_epoch_end(self, trainer: Any) -> None:
        """After every pass over the training rows."""
        self.course._notify("on_epoch_end")


def _tensors(network: nn.Module) -> list[Tensor]:
    return [tensor.detach() for tensor in network.state_dict().values()]
