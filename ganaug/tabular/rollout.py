"""Drawing what rows lack from a cascade: field after field, each given those already known.

A block of rows shares one random order and one member of the network, and carries a running sum per row.
Blocks are small enough to stay in the processor's cache and to be many, for the mixture over orders and
members is itself a better model than any of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from ganaug.tabular.cascade import CascadeNetwork
from ganaug.tabular.folded import FEWEST_ROWS, FoldedCascade
from ganaug.tabular.restricted import TO_DRAW, Restriction, draw_column, known_context
from ganaug.tabular.ties import Tied

Unit: TypeAlias = int | Restriction | Tied

_LARGEST_BLOCK = 1_024
_SMALLEST_BLOCK = 64
_FEW_SUMS = 1 / 2  # per row of a block


@torch.no_grad()
def roll_out(
    network: CascadeNetwork, n_rows: int, generator: torch.Generator, known: dict[int, Tensor] | None = None
) -> Tensor:
    """Draw rows of codes.

    Parameters
    ----------
    network : CascadeNetwork
    n_rows : int
    generator : torch.Generator
        On the network's device.
    known : dict of int to tensor of shape (n_rows,), optional
        Codes of the fields that are given: they come first, and are never drawn.

    Returns
    -------
    tensor of shape (n_rows, n_fields), int32
    """
    codes = torch.full(
        (network.n_fields, n_rows), TO_DRAW, dtype=torch.int32, device=network.first_code.device
    )
    for field, column in (known or {}).items():
        codes[field] = column
    fill_in(network, codes, generator)
    return codes.t().contiguous()


@torch.no_grad()
def fill_in(
    network: CascadeNetwork,
    codes: Tensor,
    generator: torch.Generator,
    restrictions: Sequence[Restriction] = (),
) -> None:
    """Draw the fields that each row lacks, given those that it has; the cost is that of what is lacking.

    Parameters
    ----------
    network : CascadeNetwork
    codes : tensor of shape (n_fields, n_rows), int32
        Known codes; `TO_DRAW`, in whose place they are written; `LEFT_OUT`, neither drawn nor known.
    generator : torch.Generator
        On the network's device.
    restrictions : sequence of Restriction
        Columns of which not all codes are left, in some rows. The others don't know of it beforehand.
    """
    units, n_rows = _units(network, restrictions), codes.shape[1]
    drawing = FoldedCascade(network, n_rows) if n_rows >= FEWEST_ROWS else network
    first = int(torch.randint(network.n_members, (1,), generator=generator, device=generator.device))
    for place, block in enumerate(_blocks(codes.shape[1], codes.device)):
        member = (first + place) % network.n_members  # each has its turn, so their shares are equal
        part = codes[:, block]
        lacking = part == TO_DRAW
        n_lacking = lacking.sum(dim=1).tolist()
        alike = _Alike.at_first(drawing, part, n_lacking) if isinstance(drawing, FoldedCascade) else None
        context = known_context(network, part) if alike is None else alike.sums
        shuffled = torch.randperm(len(units), generator=generator, device=generator.device).tolist()
        for unit in _in_turn([units[at] for at in shuffled]):
            if alike is not None:
                if alike.is_worth_it and isinstance(unit, int):
                    if n_lacking[unit]:
                        part[unit] = alike.draw(unit, generator, member)
                    continue
                context, alike = alike.of_rows(), None
            if isinstance(unit, Restriction):
                rows = lacking[unit.first_field] & torch.from_numpy(unit.which[block] >= 0).to(codes.device)
                _fill_restricted(network, part, context, unit.of_rows(block), rows, generator, member)
                for field in unit.fields:
                    _fill_field(drawing, part, context, field, lacking[field] & ~rows, generator, member)
            elif isinstance(unit, Tied):
                _fill_tied(drawing, part, context, unit, lacking, generator, member)
            elif n_lacking[unit] == part.shape[1]:
                _fill_field(drawing, part, context, unit, None, generator, member)
            elif n_lacking[unit]:
                _fill_field(drawing, part, context, unit, lacking[unit], generator, member)


@dataclass
class _Alike:
    """Rows of a block of which many know the same, while few fields are drawn: each sum is worked with once.

    Parameters
    ----------
    drawing : FoldedCascade
    sums : tensor of shape (n_sums, context_units)
    which : tensor of shape (n_rows,), int64
        The sum of each row.
    """

    drawing: FoldedCascade
    sums: Tensor
    which: Tensor

    @classmethod
    def at_first(cls, drawing: FoldedCascade, codes: Tensor, n_lacking: list[int]) -> _Alike | None:
        """Rows that know nothing, or one field each; None for others, and on devices made for many rows."""
        n_rows = codes.shape[1]
        known = [field for field, n in enumerate(n_lacking) if n < n_rows]
        if codes.device.type != "cpu" or len(known) > 1 or any(n_lacking[field] for field in known):
            return None
        distinct, which = codes[known].sum(dim=0).unique(return_inverse=True)
        some = torch.full((len(codes), len(distinct)), TO_DRAW, dtype=codes.dtype)
        some[known] = distinct.to(codes.dtype)
        return cls(drawing, known_context(drawing.network, some), which)

    @property
    def is_worth_it(self) -> bool:
        """Whether there are few enough sums."""
        return len(self.sums) <= _FEW_SUMS * len(self.which)

    def of_rows(self) -> Tensor:
        """The sum of each row, (n_rows, context_units)."""
        return self.sums[self.which]

    def draw(self, field: int, generator: torch.Generator, member: int) -> Tensor:
        """Codes (n_rows,) of one field, which the rows know from then on."""
        uniforms = torch.rand(2, len(self.which), generator=generator, device=self.which.device)
        drawn = self.drawing.draw(field, self.sums, uniforms, member, which=self.which)
        n_codes = int(drawn.max()) + 1
        pairs, self.which = (self.which * n_codes + drawn).unique(return_inverse=True)
        terms = self.drawing.term(field, pairs % n_codes)
        self.sums = self.sums[pairs // n_codes].add_(terms)
        return drawn


def _fill_restricted(
    network: CascadeNetwork,
    codes: Tensor,
    context: Tensor,
    entry: Restriction,
    chosen: Tensor,
    generator: torch.Generator,
    member: int,
) -> None:
    rows = chosen.nonzero().squeeze(1)
    if len(rows):
        part, own = codes[:, rows], context[rows]
        draw_column(network, entry.of_rows(rows.cpu().numpy()), part, own, generator, member)
        codes[:, rows], context[rows] = part, own


def _fill_field(
    network: CascadeNetwork | FoldedCascade,
    codes: Tensor,
    context: Tensor,
    field: int,
    chosen: Tensor | None,
    generator: torch.Generator,
    member: int,
) -> None:
    """Draw one field for the rows chosen, or for all of them."""
    rows = slice(None) if chosen is None else chosen.nonzero().squeeze(1)
    own = context[rows]
    if len(own):
        uniforms = torch.rand(2, len(own), generator=generator, device=codes.device)
        drawn = network.draw(field, own, uniforms, member)
        codes[field, rows] = drawn.to(codes.dtype)
        context[rows] = own.add_(network.term(field, drawn))


def _fill_tied(
    network: CascadeNetwork | FoldedCascade,
    codes: Tensor,
    context: Tensor,
    entry: Tied,
    lacking: Tensor,
    generator: torch.Generator,
    member: int,
) -> None:
    """Draw a column's fields, one after the other, from what goes with the columns that it is tied to."""
    for place, field in enumerate(entry.fields):
        for rows in lacking[field].nonzero().squeeze(1).split(_LARGEST_BLOCK):  # each kind of row has a mask
            found, own = entry.shares(codes[:, rows].cpu().numpy(), place), context[rows]
            uniforms = torch.rand(2, len(own), generator=generator, device=codes.device)
            if found is None:
                drawn = network.draw(field, own, uniforms, member)
            else:
                shares, kind = (torch.from_numpy(part).to(codes.device) for part in found)
                drawn, _ = network.draw_within(field, own, uniforms, shares, kind, member)
            codes[field, rows] = drawn.to(codes.dtype)
            context[rows] = own.add_(network.term(field, drawn))


def _units(network: CascadeNetwork, restrictions: Sequence[Restriction]) -> list[Unit]:
    """What is drawn in one go: a field, or the fields of a restricted or tied column in their order."""
    covered = {field for entry in restrictions for field in entry.fields}
    tied = [entry for entry in network.tied if covered.isdisjoint(entry.fields)]
    covered |= {field for entry in tied for field in entry.fields}
    return [*(field for field in range(network.n_fields) if field not in covered), *restrictions, *tied]


def _in_turn(units: list[Unit]) -> list[Unit]:
    """The same in an order in which tied columns come after those that they wait for."""
    tied = {unit.fields.start: unit for unit in units if isinstance(unit, Tied)}
    found: list[Unit] = []

    def take(unit: Unit, above: tuple[Unit, ...] = ()) -> None:
        if isinstance(unit, Tied):
            for at in unit.comes_after:
                if at in tied and tied[at] not in above:
                    take(tied[at], (*above, unit))
        if unit not in found:
            found.append(unit)

    for unit in units if tied else ():
        take(unit)
    return found or units


def _blocks(n_rows: int, device: torch.device) -> list[slice]:
    size = min(_LARGEST_BLOCK, max(_SMALLEST_BLOCK, n_rows // 32))
    if device.type != "cpu":
        size *= 64  # a large device is idle with less
    return [slice(start, min(start + size, n_rows)) for start in range(0, n_rows, size)]
