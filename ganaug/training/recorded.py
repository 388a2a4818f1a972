"""Parts of a step that a GPU records once and replays: one launch in the place of hundreds.

Small networks leave a GPU idle while the processor starts kernel after kernel. A CUDA graph holds them all.
What is recorded is a function of tensors alone, that computes losses and their gradients; the optimiser's
own few kernels stay outside, so rates, clipping and snapshots are as without it. A recording that can't be
made, or that gives other numbers than the function itself, is not used.

References
----------
"Accelerating PyTorch with CUDA Graphs", PyTorch blog, 2021 (static inputs, warm-up on a stream of its own).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

Outputs: TypeAlias = tuple[Any, ...]  # tensors, and None for a gradient that there isn't
Function: TypeAlias = Callable[..., Outputs]

_WARM_UPS = 3  # in which libraries choose their kernels and memory
_TOLERANCE = 0.02  # of an output's norm: kernels of a graph may add up in another order


class Recording(NamedTuple):
    """A function with its inputs at fixed places, and where its outputs are after ``replay()``."""

    replay: Callable[[], object]
    outputs: Outputs


Recorder: TypeAlias = "Callable[[Function, tuple[Tensor, ...], torch.Generator], Recording]"


def recorder_for(device: torch.device) -> Recorder | None:
    """What records on a device; None where functions are simply called."""
    return record_graph if device.type == "cuda" else None


class Recorded:
    """A function of tensors that is replayed where that can be done.

    Parameters
    ----------
    function : callable
        ``function(*inputs)`` -> tuple of tensors or None. It reads other tensors only where they stay, and
        takes no decision by a tensor's value.
    random : torch.Generator
        The only one that it draws from.
    recorder : Recorder or None

    Notes
    -----
    Outputs of a replay are overwritten by the next.
    """

    def __init__(self, function: Function, random: torch.Generator, recorder: Recorder | None) -> None:
        self.function, self.random, self.recorder = function, random, recorder
        self._known: dict[tuple[object, ...], tuple[tuple[Tensor, ...], Recording]] = {}

    def __call__(self, *inputs: Tensor) -> Outputs:
        """What the function gives."""
        if self.recorder is None:
            return self.function(*inputs)
        key = tuple((tensor.shape, tensor.dtype, tensor.stride()) for tensor in inputs)
        if key not in self._known and not self._record(key, inputs):
            return self.function(*inputs)
        held, recording = self._known[key]
        for own, given in zip(held, inputs, strict=True):
            own.copy_(given)
        recording.replay()
        return recording.outputs

    def _record(self, key: tuple[object, ...], inputs: tuple[Tensor, ...]) -> bool:
        """Record, and see whether a replay does what the function does; tell whether it can be used."""
        assert self.recorder is not None
        state = self.random.get_state()
        try:
            held = tuple(tensor.detach().clone() for tensor in inputs)
            recording = self.recorder(self.function, held, self.random)
            self.random.set_state(state)
            expected = self.function(*inputs)
            self.random.set_state(state)
            recording.replay()
            reason = None if _alike(expected, recording.outputs) else "a replay gave other numbers"
        except Exception as error:  # whatever a driver or library raises, the plain way is still there
            reason = f"{type(error).__name__}: {error}"
        self.random.set_state(state)
        if reason is None:
            self._known[key] = held, recording
            return True
        self.recorder = None
        warnings.warn(
            f"Training steps can't be recorded on this device ({reason}); they are taken one kernel at a "
            "time, which is slower and does the same",
            RuntimeWarning,
            stacklevel=2,
        )
        return False


def record_graph(function: Function, inputs: tuple[Tensor, ...], random: torch.Generator) -> Recording:
    """Record a function's kernels in a CUDA graph.

    Parameters
    ----------
    function : callable
    inputs : tuple of tensor
        At the places from which every replay reads.
    random : torch.Generator
        On the same device; a replay goes on with it as the function would.
    """
    with torch.cuda.device(random.device):
        here, aside = torch.cuda.current_stream(), torch.cuda.Stream()
        aside.wait_stream(here)
        with torch.cuda.stream(aside):
            for _ in range(_WARM_UPS):
                function(*inputs)
        here.wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(random)
        with torch.cuda.graph(graph):
            outputs = function(*inputs)
    return Recording(graph.replay, outputs)


def _alike(expected: Outputs, found: Outputs) -> bool:
    """Whether outputs are the same up to rounding."""
    if [output is None for output in expected] != [output is None for output in found]:
        return False
    for one, other in zip(expected, found, strict=True):
        if one is not None and other is not None:
            error = (one.double() - other.double()).norm()
            if not bool(error <= _TOLERANCE * one.double().norm() + 1e-6):
                return False
    return True
