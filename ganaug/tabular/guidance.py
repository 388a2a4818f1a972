"""Guided sampling: what a discriminator has found decides which of the rows drawn are kept.

More rows are drawn than are wanted. The log-odds of the discriminator estimate the density ratio between real
and generated rows; rows are weighed by it, the weights are raked to the real margins, and as many rows as are
wanted are kept by systematic resampling, none twice.

How far the discriminator is trusted is decided before the generator has seen the rows that were held out: on
those, the gain in log-likelihood of the generator's distribution tilted by the weights is

    gain(s) = mean over held-out rows of s - log of the mean over generated rows of exp(s),

for s the log-odds times a strength (Donsker and Varadhan's bound on the divergence). It is what a row gains,
in nats; nothing is kept that doesn't gain beyond noise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganaug._util.store import (
    Arrays,
    Header,
    arrays_under,
    header_dict,
    header_float,
    header_int,
    header_list,
)
from ganaug.exceptions import ModelFileError
from ganaug.tabular.apart import Apart
from ganaug.tabular.columns.base import Field
from ganaug.tabular.discriminator import TreeDiscriminator
from ganaug.tabular.neural_guide import NeuralGuide
from ganaug.tabular.raking import Margins

FloatArray = NDArray[np.float64]
Draw = Callable[[int], Tensor]
Discriminator = TreeDiscriminator | NeuralGuide

DISCRIMINATORS: dict[str, type[TreeDiscriminator] | type[NeuralGuide]] = {
    "trees": TreeDiscriminator,
    "neural": NeuralGuide,
}

FEWEST_ROWS = 200  # to tell real from generated rows by
_FAKE_SHARE, _MOST_FAKES = 4, 120_000  # generated rows for each real one, and at most
_MOST_REAL = 60_000  # real rows that trees grow on; more would cost more and tell next to no more
_STRENGTHS = (0.25, 0.5, 0.75, 1.0)
_MOST_FRESH = 8_000  # generated rows over which the odds are brought to an average of one
_CHECK_SHARE = 0.25  # of the generated rows: they judge, and no tree grows on them
_SURPLUSES = (2, 3, 4, 6)
_LOST = 0.02  # of the weights may be lost because no row is kept twice
RAKED_ROWS = 2_000  # fewer rows say too little of margins
_FEWEST_DRAWS, _MOST_CELLS = 1_000, 4_000_000  # generated for a wide table, whose rows cost more
_FEWEST_RAKED = 250  # of them where no trees are to grow
_RAKED_CELLS = 120_000  # by which is found how many are needed, where nothing but margins guides
_CLASS_ROWS, _MOST_CLASSES = 500, 50  # of a class that has margins of its own


@dataclass(frozen=True)
class Trust:
    """How far held-out rows say that a discriminator is to be trusted.

    Parameters
    ----------
    amount : int
        Trees, or steps of a network; 0 when it can't beat chance.
    strength : float
        What its log-odds are multiplied by.
    gain : float
        Held-out log-likelihood gained, in nats per row.
    """

    amount: int
    strength: float
    gain: float


@torch.no_grad()
def measure_trust(
    fields: Sequence[Field],
    real: NDArray[Any],
    held_out: Tensor,
    draw: Draw,
    *,
    used: Sequence[int],
    kind: str = "trees",
    weights: FloatArray | None = None,
    held_out_weights: Tensor | None = None,
) -> Trust:
    """Find how many trees, or steps, and what strength gain most on rows that neither side has seen.

    Parameters
    ----------
    fields : sequence of Field
    real : integer array of shape (n_rows, n_fields)
        Rows that the generator has learned from.
    held_out : integer tensor of shape (n_held_out, n_fields)
    draw : callable
        ``draw(n)`` gives codes (n, n_fields) of generated rows.
    used : sequence of int
        The fields to look at.
    kind : {"trees", "neural"}, default="trees"
    weights, held_out_weights : array or tensor, optional
        How much each row counts.
    """
    if len(real) < FEWEST_ROWS or len(held_out) < FEWEST_ROWS // 4:
        return Trust(0, 0.0, 0.0)
    columns = list(used)
    fields, real, held_out = [fields[i] for i in columns], real[:, columns], held_out[:, columns]
    fake = draw(_n_fakes(len(real), len(fields)))[:, columns]
    n_check = int(len(fake) * _CHECK_SHARE)
    check, grown_on = fake[:n_check], fake[n_check:].cpu().numpy()
    some, own = _some(real, weights)
    tried = DISCRIMINATORS[kind]
    on_real, on_fake = tried.try_out(fields, some, grown_on, (held_out, check), own)
    share = torch.full((len(held_out),), 1 / len(held_out), dtype=torch.float64, device=held_out.device)
    if held_out_weights is not None:
        share = held_out_weights.double() / held_out_weights.sum()
    best = Trust(0, 0.0, 0.0)
    for stage, real_odds, fake_odds in zip(tried.stages, on_real.double(), on_fake.double(), strict=True):
        for strength in _STRENGTHS:
            tilt = strength * real_odds
            mean = (share * tilt).sum()
            noise = ((share * (tilt - mean)) ** 2).sum().sqrt()
            gain = mean - (strength * fake_odds).logsumexp(0) + np.log(n_check)
            if float(gain - noise) > 0 and float(gain) > best.gain:
                best = Trust(stage, strength, float(gain))
    return best


@dataclass(frozen=True, eq=False)
class Guide:
    """What guides sampling.

    Parameters
    ----------
    discriminator : TreeDiscriminator, NeuralGuide or None
    strength : float
        Of the log-odds, when guidance is "auto".
    gain : float
        What held-out rows gained by it, in nats per row.
    surplus : int
        Rows drawn for each row wanted.
    used : tuple of int
        The fields that are looked at.
    margins : Margins
        Of all real rows.
    class_margins : dict of int to Margins
        Of the real rows of each class of the label, by its code.
    apart : Apart or None
        What keeps drawn rows apart from those of a tiny table.
    offset : float
        What makes the odds a ratio of densities: one, on average over generated rows.
    """

    discriminator: Discriminator | None
    strength: float
    gain: float
    surplus: int
    used: tuple[int, ...]
    margins: Margins
    class_margins: dict[int, Margins]
    apart: Apart | None = None
    offset: float = 0.0

    @classmethod
    @torch.no_grad()
    def fit(
        cls,
        fields: Sequence[Field],
        real: NDArray[Any],
        draw: Draw,
        trust: Trust,
        *,
        used: Sequence[int],
        kind: str = "trees",
        settle: Callable[[Tensor], Tensor] | None = None,
        weights: FloatArray | None = None,
        is_labelled: bool = False,
    ) -> Guide:
        """Learn margins, and a discriminator as far as it is trusted.

        Parameters
        ----------
        fields : sequence of Field
        real : integer array of shape (n_rows, n_fields)
        draw : callable
            ``draw(n)`` gives codes (n, n_fields) of generated rows.
        trust : Trust
        used : sequence of int
            The fields to look at; the last one is among them if it is the label's.
        kind : {"trees", "neural"}, default="trees"
        settle : callable, optional
            Makes of codes as they are drawn those that rows have in the end, by which odds are calibrated.
        weights : array of shape (n_rows,), optional
        is_labelled : bool, default=False
            Whether the last field is a label, whose classes have margins of their own.
        """
        own_fields, real = [fields[i] for i in used], real[:, list(used)]
        own = np.ones(len(real)) if weights is None else weights
        margins = Margins.fit(own_fields, real, own)
        by_class = _class_margins(own_fields, real, own) if is_labelled else {}
        n_rows = _n_fakes(len(real), len(own_fields))
        if not trust.amount:
            n_rows = min(n_rows, max(_FEWEST_RAKED, _RAKED_CELLS // len(own_fields)))
        fake = draw(n_rows)[:, list(used)]
        apart = Apart.fit(real, fake.cpu().numpy())
        if not trust.amount:
            raked = margins.rake(fake, torch.zeros(len(fake), device=fake.device))
            return cls(None, 0.0, 0.0, _surplus(raked), tuple(used), margins, by_class, apart)
        rows, counts = _some(real, weights)
        made = DISCRIMINATORS[kind].fit(
            own_fields, rows, fake.cpu().numpy(), amount=trust.amount, sample_weight=counts
        )
        some = fake[: _MOST_FAKES // 4]
        raked = margins.rake(some, trust.strength * made.log_odds(some))
        fresh = draw(min(_MOST_FRESH, n_rows))  # it hasn't been learned from
        fresh = (fresh if settle is None else settle(fresh))[:, list(used)]
        offset = -float((trust.strength * made.log_odds(fresh).double()).exp().mean().log())
        told = made, trust.strength, trust.gain, _surplus(raked)
        return cls(*told, tuple(used), margins, by_class, apart, offset)

    def log_odds(self, codes: Tensor, strength: float | None = None) -> Tensor:
        """Log-odds of being real, (n_rows,) in float64; with another strength not calibrated."""
        factor = self.strength if strength is None else strength
        if self.discriminator is None or factor == 0:
            return torch.zeros(len(codes), dtype=torch.float64, device=codes.device)
        return factor * self.discriminator.log_odds(codes[:, list(self.used)]).double() + self.offset

    def rake(self, margins: Margins, codes: Tensor, log_weights: Tensor) -> Tensor:
        """Log-weights (n_rows,) that give rows (n_rows, n_fields) these margins."""
        most = 0.8 * self.surplus  # a row is kept at most once; the rest is for what the last fields scale
        return margins.rake(codes[:, list(self.used)], log_weights, most)

    def bins_of(self, margins: Margins, codes: Tensor) -> Tensor:
        """The bins (n_fields, n_rows) of rows in these margins."""
        return margins.bins_of(codes[:, list(self.used)])

    def copies(self, codes: Tensor, generator: torch.Generator) -> Tensor:
        """Which rows (n_fields, n_rows) are too likely to be of the fit and are to be drawn again."""
        if self.apart is None:
            return torch.zeros(codes.shape[1], dtype=torch.bool, device=codes.device)
        return self.apart.chosen(codes[list(self.used)], generator)

    def to_state(self) -> tuple[Header, Arrays]:
        """A JSON-able header and arrays."""
        header: Header = {"strength": self.strength, "gain": self.gain, "surplus": self.surplus}
        header["offset"] = self.offset
        header["classes"], header["used"] = sorted(self.class_margins), list(self.used)
        arrays = {f"margins.{key}": array for key, array in self.margins.to_arrays().items()}
        for code, margins in self.class_margins.items():
            arrays |= {f"margins.{code}.{key}": array for key, array in margins.to_arrays().items()}
        header["apart"] = None
        if self.apart is not None:
            header["apart"], held = self.apart.to_state()
            arrays |= {f"apart.{key}": array for key, array in held.items()}
        for kind, made in DISCRIMINATORS.items():
            header[kind] = None
            if isinstance(self.discriminator, made):
                header[kind], held = self.discriminator.to_state()
                arrays |= {f"{kind}.{key}": array for key, array in held.items()}
        return header, arrays

    @classmethod
    def from_state(cls, header: Header, arrays: Arrays, fields: Sequence[Field]) -> Guide:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`."""
        classes, used = header_list(header, "classes", of=int), header_list(header, "used", of=int)
        if len(set(used)) != len(used) or any(not 0 <= place < len(fields) for place in used):
            raise ModelFileError("The fields that the guide in the file looks at are not this table's.")
        fields = [fields[place] for place in used]
        by_class = {
            code: Margins.from_arrays(arrays_under(f"margins.{code}.", arrays), fields) for code in classes
        }
        made: Discriminator | None = None
        for kind, known in DISCRIMINATORS.items():
            if header.get(kind) is not None:
                made = known.from_state(header_dict(header, kind), arrays_under(f"{kind}.", arrays), fields)
        apart = None
        if header.get("apart") is not None:
            apart = Apart.from_state(header_dict(header, "apart"), arrays_under("apart.", arrays))
        return cls(
            made,
            header_float(header, "strength", minimum=0.0),
            header_float(header, "gain"),
            header_int(header, "surplus", minimum=1, maximum=_SURPLUSES[-1]),
            tuple(used),
            Margins.from_arrays(arrays_under("margins.", arrays), fields),
            by_class,
            apart,
            header_float(header, "offset"),
        )


def _surplus(log_weights: Tensor) -> int:
    """Fewest rows to draw for each wanted, so that next to no weight is lost by keeping none twice."""
    weights = (log_weights - log_weights.logsumexp(0)).exp() * len(log_weights)
    lost = {factor: float((weights - factor).clamp(min=0).mean()) for factor in _SURPLUSES}
    return next((factor for factor, part in lost.items() if part <= _LOST), _SURPLUSES[-1])


def _class_margins(fields: Sequence[Field], real: NDArray[Any], weights: FloatArray) -> dict[int, Margins]:
    """Margins of the rows of each class of the last field that has enough of them."""
    classes, counts = np.unique(real[:, -1], return_counts=True)
    if len(classes) > _MOST_CLASSES:
        return {}
    rows = {int(code): real[:, -1] == code for code in classes[counts >= _CLASS_ROWS]}
    return {code: Margins.fit(fields, real[own], weights[own]) for code, own in rows.items()}


def _n_fakes(n_real: int, n_fields: int) -> int:
    return min(_FAKE_SHARE * n_real, _MOST_FAKES, max(_FEWEST_DRAWS, _MOST_CELLS // n_fields))


def _some(real: NDArray[Any], weights: FloatArray | None) -> tuple[NDArray[Any], FloatArray | None]:
    """As many real rows as trees grow on, evenly from all of them."""
    rows = np.linspace(0, len(real) - 1, min(len(real), _MOST_REAL)).astype(np.intp)
    return real[rows], None if weights is None else weights[rows]
