"""An encoder and a decoder of rows: what the autoencoder and the variational autoencoder share.

Shape
-----
Relaxed rows (n_rows, width) -> latents (n_rows, latent_units) -> relaxed rows; labels that are classes go
into both, one-hot, and don't come out.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug._util.parameters import check_parameter
from ganaug._util.random import RandomState
from ganaug.baselines.base import WholeRows
from ganaug.baselines.trained import TrainedBaseline
from ganaug.exceptions import InvalidConditionError
from ganaug.tabular.columns.base import CategoryField, NumberField
from ganaug.tabular.heads import log_frequencies
from ganaug.tabular.neural import ResidualBlock
from ganaug.tabular.relaxed import Relaxation

_LEAST_LOG_SCALE, _LARGEST_LOG_SCALE = -4.0, 1.0


class LatentOptions(BaseEstimator):
    """Sizes of the encoder and of the decoder.

    Parameters
    ----------
    hidden_units, latent_units, n_blocks : int
    """

    name: ClassVar[str]
    network: ClassVar[type[LatentNetwork]]
    weight_decay: float = 0.0

    def __init__(self, *, hidden_units: int = 128, latent_units: int = 16, n_blocks: int = 1) -> None:
        self.hidden_units = hidden_units
        self.latent_units = latent_units
        self.n_blocks = n_blocks

    def check(self) -> None:
        """Raise an error that names the first option whose type or value is wrong."""
        for name, minimum in (("hidden_units", 1), ("latent_units", 1), ("n_blocks", 0)):
            check_parameter(name, getattr(self, name), int, minimum=minimum, maximum=65_536)

    def build(self, modality: WholeRows) -> LatentNetwork:
        """Make the network; its weights are drawn from torch's current generator."""
        return self.network(modality, self)


class LatentNetwork(nn.Module):
    """Encoder and decoder; a subclass says how latents are made, and what they are drawn from.

    Parameters
    ----------
    modality : WholeRows
    options : LatentOptions
    """

    name: ClassVar[str]
    label_shares: Tensor

    def __init__(self, modality: WholeRows, options: LatentOptions) -> None:
        super().__init__()
        labels = modality.fields[len(modality.codec.fields) :]
        self.is_conditional = len(labels) == 1 and isinstance(labels[0], CategoryField)
        self.drawn = modality.fields[:-1] if self.is_conditional else modality.fields
        self.space = Relaxation(self.drawn)
        counts = labels[0].counts if self.is_conditional else np.ones(1)
        shares = torch.tensor(np.float32(counts / counts.sum()), device="cpu")
        self.register_buffer("label_shares", shares, persistent=False)
        self.n_labels = len(shares)  # 1 where there is no condition
        self.latent_units = options.latent_units
        width = self.space.width
        self.encoder = _layers(width + self.n_labels, 2 * options.latent_units, options)
        self.decoder = _layers(options.latent_units + self.n_labels, width, options)
        self.log_scale = nn.Parameter(torch.full((len(self.space.score_places),), -0.5))
        self._start_at_marginals()

    def _start_at_marginals(self) -> None:
        bias = np.zeros(self.space.width, dtype=np.float32)
        for field, (span, _) in zip(self.drawn, self.space.places, strict=True):
            if span is not None:
                bias[span] = log_frequencies(field.counts)
        last: Any = self.decoder[-1]
        with torch.no_grad():
            last.weight.mul_(0.3)
            last.bias.copy_(torch.tensor(bias))

    @property
    def scales(self) -> Tensor:
        """Standard deviation of each number around what is decoded, (n_scores,)."""
        return self.log_scale.clamp(_LEAST_LOG_SCALE, _LARGEST_LOG_SCALE).exp()

    def encode(self, codes: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """What goes in, (n_rows, width), and two numbers for each latent, (n_rows, latent_units)."""
        rows = self.space.relax(codes[:, : len(self.drawn)], random)
        mean, log_variance = self.encoder(torch.cat([rows, self._given(codes)], dim=1)).chunk(2, dim=1)
        return rows, mean, log_variance

    def misfit(self, latent: Tensor, rows: Tensor, codes: Tensor) -> Tensor:
        """Negative log-likelihood of each row given its latent, (n_rows,)."""
        outputs = self.decoder(torch.cat([latent, self._given(codes)], dim=1))
        total, n_scores = torch.zeros_like(outputs[:, 0]), 0
        for own, field, (span, place) in zip(codes.long().t(), self.drawn, self.space.places, strict=False):
            if span is not None:
                last = span.stop - span.start - 1
                total = total + F.cross_entropy(outputs[:, span], own.clamp(max=last), reduction="none")
            if place is not None and isinstance(field, NumberField):
                scale = self.scales[n_scores]
                distance = (rows[:, place] - outputs[:, place]) / scale
                total = total + (own >= field.n_points) * (0.5 * distance.square() + scale.log())
                n_scores += 1
        return total

    def draw_latents(self, labels: Tensor, random: torch.Generator) -> Tensor:
        """Latents (n_rows, latent_units) of rows of these classes."""
        raise NotImplementedError

    def draw_codes(self, n_rows: int, random: torch.Generator, known: dict[int, Tensor]) -> Tensor:
        """Rows of codes (n_rows, n_fields), int32, with the labels that are known."""
        position = len(self.drawn)
        if set(known) - ({position} if self.is_conditional else set()):
            raise InvalidConditionError(
                f"Labels that are numbers can't be asked for, only classes can; got y for {self.name!r}"
            )
        labels = known.get(position)
        if labels is None:
            labels = torch.multinomial(self.label_shares, n_rows, replacement=True, generator=random)
        labels = labels.long()
        latent = self.draw_latents(labels, random)
        outputs = self.decoder(torch.cat([latent, F.one_hot(labels, self.n_labels)], dim=1))
        places = self.space.score_places
        noise = torch.randn(n_rows, len(places), generator=random, device=random.device)
        outputs[:, places] += self.scales * noise
        codes = self.space.draw_codes(outputs, random)
        return torch.cat([codes, labels.int().unsqueeze(1)], dim=1) if self.is_conditional else codes

    def _given(self, codes: Tensor) -> Tensor:
        labels = codes[:, -1].long() if self.is_conditional else torch.zeros_like(codes[:, 0]).long()
        return F.one_hot(labels, self.n_labels).to(self.label_shares.dtype)


class LatentSynthesizer(TrainedBaseline):
    """A baseline with an encoder and a decoder."""

    _kind: ClassVar[type[LatentOptions]]

    def __init__(
        self,
        *,
        hidden_units: int = 128,
        latent_units: int = 16,
        n_blocks: int = 1,
        max_epochs: int | str = "auto",
        time_budget_seconds: float | None = None,
        batch_size: int = 256,
        learning_rate: float = 2e-3,
        validation_fraction: float = 0.1,
        device: str | torch.device = "auto",
        random_state: RandomState = None,
    ) -> None:
        self.hidden_units = hidden_units
        self.latent_units = latent_units
        self.n_blocks = n_blocks
        self.max_epochs = max_epochs
        self.time_budget_seconds = time_budget_seconds
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.validation_fraction = validation_fraction
        self.device = device
        self.random_state = random_state

    def _options(self, n_rows: int) -> LatentOptions:
        sizes = {name: getattr(self, name) for name in ("hidden_units", "latent_units", "n_blocks")}
        return self._kind(**sizes)


def _layers(n_in: int, n_out: int, options: Any) -> nn.Sequential:
    units = options.hidden_units
    blocks = [ResidualBlock(units, norm=True) for _ in range(options.n_blocks)]
    return nn.Sequential(
        nn.Linear(n_in, units), *blocks, nn.LayerNorm(units), nn.SiLU(), nn.Linear(units, n_out)
    )
