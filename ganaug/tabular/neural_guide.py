"""A neural network that tells real rows from generated ones: what guides sampling beside boosted trees.

An embedding for each code, the sum over a row's fields, and residual blocks. What has an order enters by a
curve through its normal score, so that neighbours are alike. It is trained by the logistic loss, which makes
its logit the log-odds; the averaged weights after any number of steps are a discriminator, and rows that
neither side has seen say after how many.

Shape
-----
Codes (n_rows, n_fields), -1 where unknown -> log-odds (n_rows,).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug._util.store import Arrays, Header, array_of, header_int
from ganaug.exceptions import ModelFileError
from ganaug.tabular.columns.base import CategoryField, Field
from ganaug.tabular.heads import level_scores
from ganaug.tabular.neural import ResidualBlock
from ganaug.training.player import Player

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]

_KNOTS = np.linspace(-2.8, 2.8, 12).astype(np.float32)  # normal scores around which a curve bends
_UNITS, _BLOCKS = 128, 2
_MOST_UNITS, _MOST_BLOCKS = 4096, 64  # in a file
_BATCH, _RATE, _DECAY = 256, 1e-3, 0.3  # rows of each kind in a step
_WARM_UP = 50
_JUDGED_ROWS = 4096  # in one pass


class NeuralGuide(nn.Module):
    """Log-odds that a row of codes is real.

    Parameters
    ----------
    fields : sequence of Field
    units, n_blocks : int
    """

    stages: ClassVar[tuple[int, ...]] = (50, 100, 200, 400, 800, 1200, 1600)
    """After how many steps it is judged."""

    first_code: Tensor
    class_of: Tensor
    scores: Tensor
    scored: Tensor
    knots: Tensor

    def __init__(self, fields: Sequence[Field], units: int = _UNITS, n_blocks: int = _BLOCKS) -> None:
        super().__init__()
        scores, classes = [_scores(field) for field in fields], [_classes(field) for field in fields]
        known = [i for i, own in enumerate(scores) if own is not None]
        placed = [np.zeros(len(c)) if own is None else own for c, own in zip(classes, scores, strict=True)]
        first_class = np.cumsum([0, *(int(own[-1]) + 1 for own in classes)])
        for name, values in (
            ("first_code", np.cumsum([0, *(len(own) for own in classes[:-1])])),
            ("class_of", np.concatenate([own + n for own, n in zip(classes, first_class, strict=False)])),
            ("scores", np.concatenate(placed).astype(np.float32)),
            ("scored", np.array(known, dtype=np.int64)),
            ("knots", _KNOTS),
        ):
            self.register_buffer(name, torch.tensor(values, device="cpu"), persistent=False)
        self.embedding = nn.Parameter(torch.randn(int(first_class[-1]), units) * 0.1)
        self.curves = nn.Linear(len(known) * (1 + len(_KNOTS)), units) if known else None
        self.blocks = nn.Sequential(*(ResidualBlock(units, norm=False) for _ in range(n_blocks)))
        self.output = nn.Linear(units, 1)

    @classmethod
    def fit(
        cls,
        fields: Sequence[Field],
        real: NDArray[Any],
        fake: NDArray[Any],
        *,
        amount: int,
        sample_weight: FloatArray | None = None,
        seed: int = 0,
    ) -> NeuralGuide:
        """Learn to tell ``real`` from ``fake`` codes, each class weighing the same in all.

        Parameters
        ----------
        fields : sequence of Field
        real, fake : integer arrays of shape (n_rows, n_fields)
        amount : int
            Steps.
        sample_weight : array of shape (n_real,), optional
        seed : int, default=0
        """
        lesson = _Lesson(fields, real, fake, sample_weight, seed, torch.device("cpu"))
        lesson.go_on_to(amount)
        return lesson.finish()

    @classmethod
    def try_out(
        cls,
        fields: Sequence[Field],
        real: NDArray[Any],
        fake: NDArray[Any],
        judged: Sequence[Tensor],
        sample_weight: FloatArray | None = None,
    ) -> list[Tensor]:
        """Log-odds of rows (n_rows, n_fields) at each stage, (n_stages, n_rows) for each of ``judged``."""
        lesson = _Lesson(fields, real, fake, sample_weight, 0, judged[0].device)
        found: list[list[Tensor]] = [[] for _ in judged]
        for stage in cls.stages:
            lesson.go_on_to(stage)
            with lesson.player.average.applied():
                for own, rows in zip(found, judged, strict=True):
                    own.append(lesson.guide.log_odds(rows))
        return [torch.stack(own) for own in found]

    def decayed_parameters(self) -> list[nn.Parameter]:
        """The embedding and the weight matrices."""
        return [parameter for parameter in self.parameters() if parameter.dim() > 1]

    def forward(self, codes: Tensor) -> Tensor:
        """Logits (n_rows,)."""
        known = codes >= 0
        at = codes.long().clamp(min=0) + self.first_code
        hidden = (F.embedding(self.class_of[at], self.embedding) * known.unsqueeze(-1)).sum(dim=1)
        if self.curves is not None:
            own = at[:, self.scored]
            score = (self.scores[own] * known[:, self.scored]).unsqueeze(-1)
            bent = torch.cat([score, torch.tanh(2 * (score - self.knots))], dim=-1)
            hidden = hidden + self.curves(bent.flatten(start_dim=1))
        return self.output(F.silu(self.blocks(hidden))).squeeze(1)  # type: ignore[no-any-return]

    @torch.no_grad()
    def log_odds(self, codes: Tensor) -> Tensor:
        """Log-odds of being real, shape (n_rows,), on the device of the codes."""
        self.to(codes.device)
        return torch.cat([self(rows) for rows in codes.split(_JUDGED_ROWS)])

    def to_state(self) -> tuple[Header, Arrays]:
        """A JSON-able header and arrays."""
        header: Header = {"units": self.output.in_features, "blocks": len(self.blocks)}
        header["n_codes"] = len(self.class_of)
        return header, {name: tensor.cpu().numpy() for name, tensor in self.state_dict().items()}

    @classmethod
    def from_state(cls, header: Header, arrays: Arrays, fields: Sequence[Field]) -> NeuralGuide:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`."""
        if header_int(header, "n_codes") != sum(field.n_codes for field in fields):
            raise ModelFileError("The discriminator in the file is one of another table.")
        units = header_int(header, "units", minimum=1, maximum=_MOST_UNITS)
        n_blocks = header_int(header, "blocks", minimum=0, maximum=_MOST_BLOCKS)
        with torch.device("meta"):  # nothing is allocated before every shape has been compared
            guide = cls(fields, units, n_blocks)
        expected = {name: tuple(tensor.shape) for name, tensor in guide.state_dict().items()}
        if set(expected) != set(arrays):
            raise ModelFileError("The discriminator's arrays in the file are not those of its network.")
        weights = {
            name: torch.from_numpy(array_of(arrays, name, "f", shape=shape, finite=True).astype(np.float32))
            for name, shape in expected.items()
        }
        guide.load_state_dict(weights, assign=True)
        return guide.requires_grad_(False)


class _Lesson:
    """A guide in training on real and generated rows, half and half; real ones are drawn by their weights."""

    def __init__(
        self,
        fields: Sequence[Field],
        real: NDArray[Any],
        fake: NDArray[Any],
        weights: FloatArray | None,
        seed: int,
        device: torch.device,
    ) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.guide = NeuralGuide(fields).to(device)
        self.player = Player(self.guide, learning_rate=_RATE, weight_decay=_DECAY, average_decay=0.99)
        self.real, self.fake = (torch.from_numpy(rows.astype(np.int32)).to(device) for rows in (real, fake))
        self.chances = None if weights is None else torch.from_numpy(weights).to(device)
        self.random = torch.Generator(device).manual_seed(seed)
        self.step = 0

    @torch.enable_grad()  # type: ignore[no-untyped-call, untyped-decorator]
    def go_on_to(self, n_steps: int) -> None:
        """Train until so many steps are done."""
        for step in range(self.step, n_steps):
            self.player.set_rate(min(1.0, (step + 1) / _WARM_UP))
            self.player.learn(self._loss(), step)
        self.step = n_steps

    def finish(self) -> NeuralGuide:
        """The guide with its averaged weights."""
        self.player.average.restart_from(self.player.average.values)
        return self.guide.requires_grad_(False)

    def _loss(self) -> Tensor:
        """The logistic loss, whose best logit is the logarithm of the density ratio."""
        n_rows, random = min(_BATCH, len(self.fake)), self.random
        fake = self.fake[torch.randint(len(self.fake), (n_rows,), generator=random, device=random.device)]
        if self.chances is None:
            which = torch.randint(len(self.real), (n_rows,), generator=random, device=random.device)
        else:
            which = torch.multinomial(self.chances, n_rows, replacement=True, generator=random)
        logits = self.guide(torch.cat([self.real[which], fake]))
        return F.softplus(-logits[:n_rows]).mean() + F.softplus(logits[n_rows:]).mean()


def _scores(field: Field) -> FloatArray | None:
    """The normal score of each code, zero where it has none; None for a field without an order."""
    if isinstance(field, CategoryField):
        if not field.n_ordered:
            return None
        scores = np.zeros(field.n_codes)
        scores[: field.n_ordered] = level_scores(field.counts[: field.n_ordered])
        return scores
    points = np.zeros(field.n_points) if field.places is None else np.nan_to_num(field.places)
    return np.concatenate([points, field.centre])


def _classes(field: Field) -> IntArray:
    """Which vector each code has: one of its own, but all cells of a number share one."""
    own = np.arange(field.n_codes)
    return own if isinstance(field, CategoryField) else np.minimum(own, field.n_points)
