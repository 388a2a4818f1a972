"""A network in training: its parameters, their moving average, and the optimiser that moves them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ganaug.training.ema import WeightAverage


class Player:
    """One side of a game, or the only one.

    Parameters
    ----------
    network : Module
        Where it has ``decayed_parameters()``, those alone are subject to weight decay.
    name : str
        Before the names of its tensors in a checkpoint.
    learning_rate, weight_decay, average_decay, gradient_clip : float
        See `Settings`.
    betas : pair of float
        Of AdamW.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        learning_rate: float,
        weight_decay: float = 0.0,
        average_decay: float = 0.995,
        gradient_clip: float = 5.0,
        betas: tuple[float, float] = (0.9, 0.99),
        name: str = "",
    ) -> None:
        self.network = network
        self.name = name
        self.learning_rate = learning_rate
        self.gradient_clip = gradient_clip
        self.parameters = list(network.parameters())
        self.average = WeightAverage(self.parameters, average_decay)
        self.optimiser = self._make_optimiser(weight_decay, betas)

    def _make_optimiser(self, weight_decay: float, betas: tuple[float, float]) -> torch.optim.Optimizer:
        decayed = list(getattr(self.network, "decayed_parameters", list)())
        known = {id(parameter) for parameter in decayed}
        groups = [
            {"params": decayed, "weight_decay": weight_decay},
            {"params": [p for p in self.parameters if id(p) not in known], "weight_decay": 0.0},
        ]
        fused = all(parameter.device.type in ("cpu", "cuda") for parameter in self.parameters)
        return torch.optim.AdamW(groups, lr=self.learning_rate, betas=betas, fused=fused)

    @property
    def rate(self) -> float:
        """Learning rate of the last step."""
        return float(self.optimiser.param_groups[0]["lr"])

    def set_rate(self, factor: float) -> None:
        """Let the next step have this share of the learning rate."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate * factor

    def set_memory(self, beta2: float) -> None:
        """Let the next step have this share of the mean squared gradient kept."""
        for group in self.optimiser.param_groups:
            group["betas"] = (group["betas"][0], beta2)

    def learn(self, loss: Tensor, step: int) -> Tensor:
        """Take a step down the loss; the norm of its gradient."""
        loss.backward()  # type: ignore[no-untyped-call]
        return self._advance(step)

    def gradients(self, loss: Tensor) -> tuple[Tensor | None, ...]:
        """The loss's gradient, of each parameter in its own layout; None where it has no influence."""
        found = torch.autograd.grad(loss, self.parameters, allow_unused=True)
        return tuple(
            own
            if own is None or own.stride() == parameter.stride()
            else torch.empty_like(parameter).copy_(own)
            for own, parameter in zip(found, self.parameters, strict=True)
        )

    def learn_from(self, gradients: Sequence[Tensor | None], step: int) -> Tensor:
        """Take a step against a gradient; its norm."""
        for parameter, own in zip(self.parameters, gradients, strict=True):
            parameter.grad = own
        return self._advance(step)

    def _advance(self, step: int) -> Tensor:
        norm = nn.utils.clip_grad_norm_(self.parameters, self.gradient_clip)
        self.optimiser.step()
        self.optimiser.zero_grad()
        self.average.update(step)
        return norm.detach()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let losses pass through the network without a gradient of its weights."""
        for parameter in self.parameters:
            parameter.requires_grad_(False)
        try:
            yield
        finally:
            for parameter in self.parameters:
                parameter.requires_grad_(True)

    def make_adam_state(self) -> None:
        """Let AdamW make its state, by a step without gradients that changes nothing."""
        kept = [parameter.detach().clone() for parameter in self.parameters]
        for parameter in self.parameters:
            parameter.grad = torch.zeros_like(parameter)
        self.optimiser.step()
        self.optimiser.zero_grad()
        with torch.no_grad():
            torch._foreach_copy_(list[Tensor](self.parameters), kept)

    def tensors(self) -> list[tuple[str, int, Tensor]]:
        """Every tensor that its state consists of, with a name."""
        named: list[tuple[str, int, Tensor]] = []
        for i, parameter in enumerate(self.parameters):
            named.append((f"{self.name}parameter", i, parameter))
            named.append((f"{self.name}average", i, self.average.values[i]))
            adam = self.optimiser.state.get(parameter, {})
            named += [(f"{self.name}adam.{key}", i, value) for key, value in adam.items()]
        return named
