"""The training loop for a generator against a discriminator, with any loss of ``ganaug.losses``.

It sees tensors only: what a sample is, is the networks' business. All randomness of a generator comes with
its latent, so a fit repeats to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import torch
from torch import Tensor, nn

from ganaug._util.random import torch_generator
from ganaug.losses import PENALTIES, AdversarialLoss
from ganaug.losses.penalties import squared_gradient_norm
from ganaug.training.collapse import CollapseDetector
from ganaug.training.history import Record
from ganaug.training.loop import Loop, weighted_mean
from ganaug.training.player import Player
from ganaug.training.recorded import Outputs, Recorded, recorder_for

Given: TypeAlias = tuple[Tensor, ...]
Factors: TypeAlias = Mapping[str, float | Tensor]

_COLLAPSE_KEY = 3
_BETA1 = 0.0  # momentum makes a game circle
_LOOKED_AT = 512  # samples by which the detector judges


def as_they_are(rows: Tensor, random: torch.Generator) -> Tensor:
    """Rows that are samples already."""
    return rows


@dataclass(frozen=True)
class Pace:
    """How often the discriminator is penalised, and what changes from the first step to the last.

    Parameters
    ----------
    penalty_every : int
        Steps between two penalties; each counts for all of them.
    penalty_fall : float
        What is left of the factors of R1 and R2 at the end.
    memory : pair of float
        Share of the mean squared gradient that the optimiser keeps, at the beginning and at the end.
    is_joint : bool
        Whether real and generated samples pass the discriminator together, and the generator's step goes on
        with the samples and the real logits of the discriminator's: less work, for networks without layers
        that let samples of a batch see each other.
    """

    penalty_every: int = 1
    penalty_fall: float = 1.0
    memory: tuple[float, float] = (0.99, 0.99)
    is_joint: bool = False

    def penalty_factor(self, name: str, step: int, progress: float) -> float:
        """What a penalty's factor is multiplied by in this step."""
        if step % self.penalty_every:
            return 0.0
        return self.penalty_every * (self.penalty_fall**progress if name in ("r1", "r2") else 1.0)

    def memory_at(self, progress: float) -> float:
        """Share of the mean squared gradient kept, when so much of the fit is done."""
        first, last = self.memory
        return first + progress * (last - first)


@dataclass(kw_only=True)
class AdversarialTrainer(Loop):
    """One game; see `Loop` for the other parameters.

    Parameters
    ----------
    generator : Module
        ``generator(latent)``, or ``generator(latent, condition)`` -> samples (n, ...). Trained in place; at
        the end it holds the weights that are kept: the best by ``measure``, else the averaged ones.
    discriminator : Module
        ``discriminator(samples)``, or ``discriminator(samples, condition)`` -> logits (n,) or (n, 1).
    latent_units : int
        Width of the latent, whose entries are standard normal.
    loss : AdversarialLoss
    condition : tensor of shape (n_rows, ...), optional
        What is known of each row; a generated sample shares that of the real one it is paired with.
    to_samples : callable
        ``to_samples(rows, random)`` -> real samples (n, ...), differentiable in nothing.
    measure : callable, optional
        ``measure(generator)`` -> how far its samples are from real ones that the game doesn't see, lower is
        better. It is asked before the first step too: a game that makes nothing better changes nothing.
    discriminator_rate : float, optional
        Learning rate of the discriminator; by default that of the settings, which is the generator's.
    generator_every : int, default 1
        The generator takes a step after so many of the discriminator.
    pace : Pace, optional
    augment : callable, optional
        ``augment(samples, random)`` -> samples, differentiable; what the discriminator sees of real and
        generated samples alike.
    follow : callable, optional
        ``follow(progress)`` is told before every step which share of the fit is done.

    Examples
    --------
    >>> import numpy as np
    >>> from ganaug.losses import LOSSES
    >>> from ganaug.training.loop import Rows, Settings
    >>> from ganaug.training.schedules import Schedule
    >>> trainer = AdversarialTrainer(
    ...     generator=nn.Linear(2, 1),
    ...     discriminator=nn.Linear(1, 1),
    ...     latent_units=2,
    ...     loss=LOSSES["relativistic"],
    ...     rows=Rows(torch.zeros(64, 1)),
    ...     settings=Settings(batch_size=16, learning_rate=0.01, weight_decay=0.0, evaluate_every=8),
    ...     schedule=Schedule(max_steps=8, patience_steps=8),
    ...     root=np.random.SeedSequence(0),
    ... )
    >>> trainer.run()[-1]["step"]
    8
    """

    generator: nn.Module
    discriminator: nn.Module
    latent_units: int
    loss: AdversarialLoss
    condition: Tensor | None = None
    to_samples: Callable[[Tensor, torch.Generator], Tensor] = as_they_are
    measure: Callable[[nn.Module], float] | None = None
    discriminator_rate: float | None = None
    generator_every: int = 1
    pace: Pace = Pace()
    augment: Callable[[Tensor, torch.Generator], Tensor] = as_they_are
    follow: Callable[[float], None] | None = None

    content: ClassVar[str] = "adversarial checkpoint"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._sums = torch.zeros(4, device=self.device)  # of the steps since the last record
        self.detector = self._make_detector()
        self._recorder = recorder_for(self.device)
        self._parts: dict[tuple[tuple[str, ...], bool], tuple[Recorded, Recorded]] = {}

    def _make_players(self) -> list[Player]:
        own, rate = self.settings, self.discriminator_rate
        common = {"average_decay": own.average_decay, "gradient_clip": own.gradient_clip}
        common["betas"] = (_BETA1, self.pace.memory[0])  # type: ignore[assignment]
        networks = {"generator": self.generator, "discriminator": self.discriminator}
        rates = {"generator": own.learning_rate, "discriminator": own.learning_rate if rate is None else rate}
        return [
            Player(
                network,
                learning_rate=rates[name],
                weight_decay=own.weight_decay,
                name=f"{name}.",
                **common,  # type: ignore[arg-type]
            )
            for name, network in networks.items()
        ]

    def _make_detector(self) -> CollapseDetector:
        random = torch_generator(self.root, _COLLAPSE_KEY, device=self.device)
        chosen = torch.randperm(len(self.rows), generator=random, device=self.device)[: 2 * _LOOKED_AT]
        real = self.to_samples(self.rows.values[chosen], random)
        return CollapseDetector(real, None if self.condition is None else self.condition[chosen])

    def _before_steps(self) -> None:
        if self.step == 0 and (loss := self._judge()) is not None:
            self.schedule.observe(0, loss)
            self._best = self.kept.average.snapshot()

    def _step(self) -> None:
        batch = self._next_batch()
        self._set_pace()
        real = self.to_samples(self.rows.values[batch], self.random)
        given = () if self.condition is None else (self.condition[batch],)
        weights = None if self.rows.weights is None else self.rows.weights[batch]
        takes_turn = (self.step + 1) % self.generator_every == 0
        if self._recorder is None:
            self._play(real, given, weights, takes_turn)
        else:
            self._replay(real, given, weights, takes_turn)

    def _set_pace(self) -> None:
        self._set_rate()
        progress = self.progress
        for player in self.players:
            player.set_memory(self.pace.memory_at(progress))
        if self.follow is not None:
            self.follow(progress)

    def _play(self, real: Tensor, given: Given, weights: Tensor | None, takes_turn: bool) -> None:
        """One step of the discriminator and, where it takes its turn, of the generator."""
        drawn = self.draw(len(real), given, self.random) if self.pace.is_joint else None
        with torch.no_grad():
            fake = self.draw(len(real), given, self.random) if drawn is None else drawn.detach()
        loss, *logits = self._discriminator_loss(real, fake, given, weights, self._factors())
        self._note(loss, self.players[1].learn(loss, self.step), *logits)
        if takes_turn:
            with self.players[1].frozen():
                fake = self.draw(len(real), given, self.random) if drawn is None else drawn
                loss = self._generator_loss(real, fake, given, weights, logits[0])
                norm = self.kept.learn(loss, self.step)
            self._note_generator(loss, norm)

    def _replay(self, real: Tensor, given: Given, weights: Tensor | None, takes_turn: bool) -> None:
        """The same, from recordings of the losses and their gradients."""
        factors = self._factors()
        parts = self._recorded_parts(tuple(factors), weights is not None)
        inputs = (real, *(() if weights is None else (weights,)), *given)
        strengths = [torch.full((), float(factor), device=self.device) for factor in factors.values()]
        loss, real_logits, fake_logits, latent, *gradients = parts[0](*strengths, *inputs)
        self._note(loss, self.players[1].learn_from(gradients, self.step), real_logits, fake_logits)
        if takes_turn:
            loss, *gradients = parts[1](real_logits, latent, *inputs)
            self._note_generator(loss, self.kept.learn_from(gradients, self.step))

    def _recorded_parts(self, names: tuple[str, ...], is_weighted: bool) -> tuple[Recorded, Recorded]:
        """Losses and gradients of both players, under these penalties, as functions of tensors."""
        if (names, is_weighted) in self._parts:
            return self._parts[names, is_weighted]

        def read(inputs: Sequence[Tensor]) -> tuple[Tensor, Tensor | None, Given]:
            own, n_own = inputs[0], 1 + is_weighted
            return own, inputs[1] if is_weighted else None, tuple(inputs[n_own:])

        def of_discriminator(*inputs: Tensor) -> Outputs:
            real, weights, given = read(inputs[len(names) :])
            latent = self._latent(len(real), self.random)
            with torch.no_grad():
                fake = self.generator(latent, *given)
            factors = dict(zip(names, inputs, strict=False))
            loss, *logits = self._discriminator_loss(real, fake, given, weights, factors)
            return (loss.detach(), *logits, latent, *self.players[1].gradients(loss))

        def of_generator(real_logits: Tensor, latent: Tensor, *inputs: Tensor) -> Outputs:
            real, weights, given = read(inputs)
            with self.players[1].frozen():
                if not self.pace.is_joint:
                    latent = self._latent(len(real), self.random)
                fake = self.generator(latent, *given)
                loss = self._generator_loss(real, fake, given, weights, real_logits)
                return (loss.detach(), *self.kept.gradients(loss))

        both = [Recorded(part, self.random, self._recorder) for part in (of_discriminator, of_generator)]
        return self._parts.setdefault((names, is_weighted), (both[0], both[1]))

    def _discriminator_loss(
        self, real: Tensor, fake: Tensor, given: Given, weights: Tensor | None, factors: Factors
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What the discriminator learns from, and its logits of real and generated samples."""
        with torch.no_grad():
            fake, real = self.augment(fake, self.random), self.augment(real, self.random)
        if self.pace.is_joint:
            both = self._logits(torch.cat([real, fake]), _twice(given))
            real_logits, fake_logits = both[: len(real)], both[len(real) :]
        else:
            real_logits, fake_logits = self._logits(real, given), self._logits(fake, given)
        losses = self.loss.discriminator(real_logits, fake_logits)
        for factor, penalty in self._penalties(real, fake, given, factors):
            losses = losses + factor * penalty
        return weighted_mean(losses, weights), real_logits.detach(), fake_logits.detach()

    def _factors(self) -> Factors:
        """By what the penalties of this step are multiplied."""
        progress = self.progress
        each = {
            name: strength * self.pace.penalty_factor(name, self.step, progress)
            for name, strength in self.loss.penalties.items()
        }
        return {name: factor for name, factor in each.items() if factor}

    def _penalties(
        self, real: Tensor, fake: Tensor, given: Given, factors: Factors
    ) -> Iterator[tuple[float | Tensor, Tensor]]:
        """Factors, and penalties (n,)."""
        left = dict(factors)
        if self.pace.is_joint and "r1" in left and "r2" in left:
            both = torch.cat([real, fake])
            norms = squared_gradient_norm(lambda x: self._logits(x, _twice(given)), both)
            yield left.pop("r1"), norms[: len(real)]
            yield left.pop("r2"), norms[len(real) :]
        for name, factor in left.items():
            yield factor, PENALTIES[name](lambda x: self._logits(x, given), real, fake, self.random)

    def _note(self, loss: Tensor, norm: Tensor, real_logits: Tensor, fake_logits: Tensor) -> None:
        self.guard.note(loss, norm)
        told_apart = (real_logits > fake_logits).float().mean()
        self._sums[:3] += torch.stack([loss.detach(), norm, told_apart])

    def _generator_loss(
        self, real: Tensor, fake: Tensor, given: Given, weights: Tensor | None, real_logits: Tensor
    ) -> Tensor:
        """What the generator learns from; ``real_logits`` are those that the discriminator learned from."""
        fake_logits = self._logits(self.augment(fake, self.random), given)
        if not self.pace.is_joint:
            with torch.no_grad():
                real_logits = self._logits(self.augment(real, self.random), given)
        return weighted_mean(self.loss.generator(real_logits, fake_logits), weights)

    def _note_generator(self, loss: Tensor, norm: Tensor) -> None:
        self.guard.note(loss, norm)
        self._loss_sum += self.generator_every * loss.detach()
        self._sums[3] += self.generator_every * norm

    def draw(self, n: int, given: Given, random: torch.Generator) -> Tensor:
        """Samples of the generator as it is, under the conditions given."""
        samples: Tensor = self.generator(self._latent(n, random), *given)
        return samples

    def _latent(self, n: int, random: torch.Generator) -> Tensor:
        return torch.randn(n, self.latent_units, generator=random, device=self.device)

    def _logits(self, samples: Tensor, given: Given) -> Tensor:
        logits: Tensor = self.discriminator(samples, *given)
        return logits.reshape(len(samples))

    @property
    def _stops_early(self) -> bool:
        return self.settings.early_stopping and self.measure is not None

    def _judge(self) -> float | None:
        if self.measure is None:
            return None
        with self.kept.average.applied(), torch.no_grad():
            self.generator.eval()
            found = self.measure(self.generator)
            self.generator.train()
        return float(found)

    def _entries(self) -> Record:
        step, _ = self._recorded
        loss, norm, told_apart, generator_norm = (self._sums / (self.step - step)).tolist()
        self._sums.zero_()
        entries = {
            "discriminator_loss": loss,
            "told_apart": told_apart,
            "discriminator_gradient": norm,
            "generator_gradient": generator_norm,
            **self._variety(),
        }
        self.detector.judge(entries, self.step, self.settings.learning_rate, bool(self.loss.penalties))
        return entries

    @torch.no_grad()
    def _variety(self) -> Record:
        """What the detector sees in samples of the averaged weights, with the same latents every time."""
        random = torch_generator(self.root, _COLLAPSE_KEY, 1, device=self.device)
        with self.kept.average.applied():
            given = self.detector.given
            return self.detector.look(self.draw(self.detector.n_judged, given, random))

    def _check_health(self) -> bool:
        whole = super()._check_health()
        if not whole:
            self._sums.zero_()
        return whole

    def _kept_values(self) -> list[Tensor]:
        return self.kept.average.values if self._best is None else self._best

    def _tensors(self) -> list[tuple[str, int, Tensor]]:
        return [*super()._tensors(), ("sums", 0, self._sums)]

    def _held_tensors(self) -> list[Tensor]:
        held = [self.rows.values, self.rows.weights, self.condition]
        return [tensor for tensor in held if tensor is not None]


def _twice(given: Given) -> Given:
    return tuple(torch.cat([condition, condition]) for condition in given)
