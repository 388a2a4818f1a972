"""The one-shot generator: noise in, all columns of a row out, in one pass.

It is taught by a cascade, and then plays against a discriminator. The cascade draws its rows column after
column, each from a uniform number; that makes a row a function of its noise, and the lesson is to compute
this function in one pass. There are as many rows to learn from as one likes. The game afterwards sees real
rows; its outcome is kept where held-out rows say that it is better.

Shape
-----
Latent (n_rows, latent_units) and, where there are labels, their classes (n_rows,) -> relaxed rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug._util.parameters import check_flag, check_parameter
from ganaug.exceptions import InvalidConditionError, UnsupportedError
from ganaug.tabular.columns.base import CategoryField, Field
from ganaug.tabular.heads import log_frequencies
from ganaug.tabular.neural import ResidualBlock
from ganaug.tabular.relaxed import Relaxation

_TEMPERATURE = 0.7  # of the softmax through which gradients of a drawn class pass
_DRAWN_ROWS = 8192  # in one pass


class Residual(BaseEstimator):
    """Options of the one-shot generator.

    Parameters
    ----------
    hidden_units : int, default=256
        Width of the generator.
    n_blocks : int, default=4
        Residual blocks in the generator.
    discriminator_units : int, default=256
        Width of the discriminator.
    discriminator_blocks : int, default=2
        Residual blocks in the discriminator.
    taught : bool, default=True
        Whether a cascade is fitted first and the generator learns from it before it plays. Without, it is the
        textbook's GAN: nothing but the game.
    weight_decay : float, default=0.0
        Decoupled decay of the weight matrices, per unit of learning rate.

    Examples
    --------
    >>> from ganaug import GANSynthesizer, Residual
    >>> GANSynthesizer(generator=Residual(taught=False), loss="hinge").get_params()["generator__taught"]
    False
    """

    name: ClassVar[str] = "residual"

    def __init__(
        self,
        *,
        hidden_units: int = 256,
        n_blocks: int = 4,
        discriminator_units: int = 256,
        discriminator_blocks: int = 2,
        taught: bool = True,
        weight_decay: float = 0.0,
    ) -> None:
        self.hidden_units = hidden_units
        self.n_blocks = n_blocks
        self.discriminator_units = discriminator_units
        self.discriminator_blocks = discriminator_blocks
        self.taught = taught
        self.weight_decay = weight_decay

    def check(self) -> None:
        """Raise an error that names the first option whose type or value is wrong."""
        for name in ("hidden_units", "discriminator_units"):
            check_parameter(f"generator's {name}", getattr(self, name), int, minimum=1, maximum=65_536)
        for name in ("n_blocks", "discriminator_blocks"):
            check_parameter(f"generator's {name}", getattr(self, name), int, minimum=0, maximum=64)
        check_flag("generator's taught", self.taught)
        check_parameter("generator's weight_decay", self.weight_decay, float, minimum=0.0)

    def build(self, fields: Sequence[Field], n_label_fields: int) -> ResidualNetwork:
        """Make the network for these fields, of which the last so many are the labels'."""
        self.check()
        return ResidualNetwork(fields, n_label_fields, self)


class ResidualNetwork(nn.Module):
    """Noise to rows.

    Labels that are classes are a condition: they go in, and don't come out. Other labels are drawn like any
    column.

    Parameters
    ----------
    fields : sequence of Field
        What each column of codes means; those of the labels come last.
    n_label_fields : int
    options : Residual
    """

    label_shares: Tensor

    def __init__(self, fields: Sequence[Field], n_label_fields: int, options: Residual) -> None:
        super().__init__()
        labels = fields[len(fields) - n_label_fields :]
        self.is_conditional = len(labels) == 1 and isinstance(labels[0], CategoryField)
        self.has_labels = bool(labels)
        self.drawn = tuple(fields[:-1] if self.is_conditional else fields)
        self.space = Relaxation(self.drawn)
        self.noise_units = self.space.noise_units
        self.latent_units = self.noise_units + self.space.n_classes
        units = options.hidden_units
        self.input = nn.Linear(self.noise_units, units)
        self.blocks = nn.Sequential(*(ResidualBlock(units, norm=True) for _ in range(options.n_blocks)))
        self.norm = nn.LayerNorm(units)
        self.output = nn.Linear(units, self.space.width)
        self.direct = nn.Linear(self.noise_units, self.space.width, bias=False)
        shares = labels[0].counts / labels[0].counts.sum() if self.is_conditional else np.zeros(0)
        self.label_embedding = nn.Embedding(len(shares), units) if self.is_conditional else None
        shares = torch.tensor(np.float32(shares), device="cpu")
        self.register_buffer("label_shares", shares, persistent=False)
        self._start_at_marginals()

    def _start_at_marginals(self) -> None:
        bias = np.zeros(self.space.width, dtype=np.float32)
        for field, (span, _) in zip(self.drawn, self.space.places, strict=True):
            if span is not None:
                bias[span] = log_frequencies(field.counts)
        with torch.no_grad():
            self.direct.weight.zero_()
            self.output.weight.mul_(0.5)
            self.output.bias.copy_(torch.tensor(bias))

    @property
    def n_labels(self) -> int:
        """Classes of the condition; 0 without one."""
        return len(self.label_shares)

    def decayed_parameters(self) -> list[nn.Parameter]:
        """Weight matrices."""
        return [p for p in self.parameters() if p.dim() > 1]

    def outputs(self, noise: Tensor, labels: Tensor | None = None) -> Tensor:
        """Logits of classes and scores of numbers, (n_rows, width), from noise (n_rows, noise_units)."""
        hidden = self.input(noise)
        if self.label_embedding is not None:
            hidden = hidden + self.label_embedding(labels)
        hidden = F.silu(self.norm(self.blocks(hidden)))
        return self.output(hidden) + self.direct(noise)  # type: ignore[no-any-return]

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """Relaxed rows; classes are drawn, and let gradients through as if they were soft."""
        outputs = self.outputs(latent[:, : self.noise_units], labels)
        # the rest of the latent becomes Gumbel noise, -log(-log(uniform))
        gumbel = -torch.log(-torch.special.log_ndtr(latent[:, self.noise_units :]))
        parts: list[Tensor] = []
        used = 0
        for span, place in self.space.places:
            if span is not None:
                width = span.stop - span.start
                parts.append(_draw_softly(outputs[:, span] + gumbel[:, used : used + width]))
                used += width
            if place is not None:
                score = outputs[:, place : place + 1]
                parts.append(score if span is None else score * parts[-1][:, -1:])
        return torch.cat(parts, dim=1)

    @torch.no_grad()
    def draw_codes(self, n_rows: int, random: torch.Generator, known: dict[int, Tensor]) -> Tensor:
        """Draw rows of codes.

        Parameters
        ----------
        n_rows : int
        random : torch.Generator
            On the network's device.
        known : dict of int to tensor of shape (n_rows,)
            Codes of the fields that are given: the labels', or none.

        Returns
        -------
        tensor of shape (n_rows, n_fields), int32

        Raises
        ------
        InvalidConditionError
            Another field is given.
        """
        labels = self._labels(n_rows, random, known)
        parts = []
        for start in range(0, n_rows, _DRAWN_ROWS):
            given = None if labels is None else labels[start : start + _DRAWN_ROWS]
            size = min(_DRAWN_ROWS, n_rows - start)
            noise = torch.randn(size, self.noise_units, generator=random, device=random.device)
            parts.append(self.space.draw_codes(self.outputs(noise, given), random))
        codes = torch.cat(parts)
        return codes if labels is None else torch.cat([codes, labels.int().unsqueeze(1)], dim=1)

    def _labels(self, n_rows: int, random: torch.Generator, known: dict[int, Tensor]) -> Tensor | None:
        """Classes that were asked for, else as often as they were in the training rows."""
        position = len(self.drawn)
        if set(known) - ({position} if self.is_conditional else set()):
            raise InvalidConditionError(
                "The one-shot generator draws all columns at once and can hold none of them, but for labels "
                "that are classes. generator='cascade' keeps any condition; got generator='residual'"
            )
        if not self.is_conditional:
            return None
        return known[position].long() if position in known else self.draw_labels(n_rows, random)

    def draw_labels(self, n_rows: int, random: torch.Generator) -> Tensor:
        """Classes (n_rows,) as frequent as in the training rows."""
        return torch.multinomial(self.label_shares, n_rows, replacement=True, generator=random)


def require_likelihood(network: nn.Module) -> None:
    """Raise an `UnsupportedError` for a generator that has no likelihood."""
    if isinstance(network, ResidualNetwork):
        raise UnsupportedError(
            "The one-shot generator has no likelihood: it makes rows from noise and can't say how likely a "
            "given row is. Use generator='cascade' to score or complete rows; got generator='residual'"
        )


def refuse_restrictions(restrictions: Sequence[Any]) -> None:
    """Raise an `UnsupportedError` when anything is asked of columns that the one-shot generator draws."""
    if restrictions:
        raise UnsupportedError(
            "The one-shot generator draws all columns at once and keeps no condition but y. Use "
            "generator='cascade' for conditions; got generator='residual'"
        )


def _draw_softly(logits: Tensor) -> Tensor:
    """The largest class, one-hot; its gradient is that of a softmax."""
    soft = torch.softmax(logits / _TEMPERATURE, dim=1)
    hard = F.one_hot(soft.argmax(dim=1), soft.shape[1]).to(soft.dtype)
    return hard + (soft - soft.detach())
