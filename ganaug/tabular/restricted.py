"""Drawing columns of which only some codes are allowed, from their exact joint distribution given that.

A column drawn before a restricted one doesn't know of the restriction. So restricted columns come first, the
rarest before the others, each from what its restriction leaves of its distribution given those before it; the
probability that is left is the weight by which the row still differs from the distribution that is wanted.
More candidates than rows are drawn, and rows are resampled from them by those weights. Every candidate
satisfies everything, so nothing is ever rejected, however improbable it is.

References
----------
Rubin: The calculation of posterior distributions by data augmentation: comment, JASA 82, 1987
(sampling-importance resampling).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import ndtr
from torch import Tensor

from ganaug.tabular.cascade import CascadeNetwork
from ganaug.tabular.columns.base import ColumnCodec, Field, FloatArray, NumberField
from ganaug.tabular.wanted import Wanted

TO_DRAW, LEFT_OUT = -1, -2  # in place of a code: a field to be drawn, and one that nobody needs
_SURPLUS = 4  # candidates for each row
_FEWEST, _MOST = 64, 1_024  # candidates for each group of rows of which the same is asked
_CANDIDATES = 16_384  # about so many are affordable whatever the number of groups
_BLOCK = 1_024


@dataclass(frozen=True, eq=False)
class Restriction:
    """What is asked of one column, row by row.

    Parameters
    ----------
    codec : ColumnCodec
        Of the column.
    first_field : int
        Where its codes begin.
    wanted : tuple of Wanted
        What is asked of any row.
    which : array of shape (n_rows,), integers
        Which of them it is; -1 for rows of which nothing is asked.
    """

    codec: ColumnCodec
    first_field: int
    wanted: tuple[Wanted, ...]
    which: NDArray[np.intp]

    @property
    def fields(self) -> range:
        """The column's fields."""
        return range(self.first_field, self.first_field + len(self.codec.fields))

    def of_rows(self, rows: Any) -> Restriction:
        """The same for some of the rows."""
        return replace(self, which=self.which[rows])

    def shares(self, before: Tensor) -> tuple[Tensor, Tensor]:
        """Shares (n_kinds, n_codes) of the field after those whose codes are given; the kind of each row."""
        key = np.column_stack([self.which, before.cpu().numpy().T.astype(np.intp)])
        kinds, kind = _distinct_rows(key)
        each = [self.codec.shares(self.wanted[row[0]], tuple(row[1:].tolist())) for row in kinds]
        return torch.from_numpy(np.stack(each)), torch.from_numpy(kind)

    def mass(self) -> float:
        """Roughly, how probable it is among the training rows, for the average of the rows asked."""
        counts = np.bincount(self.which[self.which >= 0], minlength=len(self.wanted))
        chance = _chances(self.codec.fields[0])
        each = [float(self.codec.shares(wanted) @ chance) for wanted in self.wanted]
        return float(counts @ np.array(each)) / max(int(counts.sum()), 1)


@torch.no_grad()
def draw_restricted(
    network: CascadeNetwork, codes: Tensor, restrictions: Sequence[Restriction], generator: torch.Generator
) -> None:
    """Fill in the codes of restricted columns, each row from the distribution given all that is asked of it.

    Parameters
    ----------
    network : CascadeNetwork
    codes : tensor of shape (n_fields, n_rows), int32
        Known codes, and `TO_DRAW`; the restricted columns' are written.
    restrictions : sequence of Restriction
    generator : torch.Generator
    """
    restrictions = [entry for entry in restrictions if (entry.which >= 0).any()]
    restrictions.sort(key=Restriction.mass)
    if not restrictions:
        return
    n_fields = sum((entry.which >= 0).astype(int) * len(entry.fields) for entry in restrictions)
    simple = np.flatnonzero(n_fields == 1)
    if len(simple):
        # Nothing came before that field, so that only members differ in their weights: a candidate of each.
        each = np.full(len(simple), network.n_members)
        _resample(network, codes, restrictions, simple, np.arange(len(simple)), each, generator)
    hard = np.flatnonzero(n_fields > 1)
    if len(hard):
        group = np.unique(groups_of(codes, restrictions)[hard], return_inverse=True)[1].reshape(-1)
        n_alike = np.bincount(group)
        fewest = int(np.clip(_CANDIDATES // len(n_alike), _FEWEST, _MOST))
        n_candidates = np.maximum(_SURPLUS * n_alike, fewest)
        _resample(network, codes, restrictions, hard, group, n_candidates, generator)


def draw_column(
    network: CascadeNetwork,
    entry: Restriction,
    codes: Tensor,
    context: Tensor,
    generator: torch.Generator,
    member: int | None = None,
) -> Tensor:
    """Draw one column for rows of all of which something is asked; add its terms to their context.

    Parameters
    ----------
    network : CascadeNetwork
    entry : Restriction
        Of these rows.
    codes : tensor of shape (n_fields, n_rows)
        The column's are written.
    context : tensor of shape (n_rows, context_units)
        Sum of the terms of what is known; is added to.
    generator : torch.Generator
    member : int, optional
        Who draws; by default each member of the network has an equal part of the rows.

    Returns
    -------
    tensor of shape (n_rows,)
        Logarithm of the probability that the restriction left.
    """
    total = torch.zeros(len(context), device=context.device, dtype=torch.float64)
    for field in entry.fields:
        shares, kind = entry.shares(codes[entry.first_field : field])
        uniforms = torch.rand(2, len(context), generator=generator, device=context.device)
        drawn, log_mass = network.draw_within(
            field, context, uniforms, shares.to(context.device), kind.to(context.device), member
        )
        codes[field] = drawn.to(codes.dtype)
        context += network.term(field, drawn)
        total += log_mass
    return total


def known_context(network: CascadeNetwork, codes: Tensor) -> Tensor:
    """Sum of the terms of the known codes of each row: (n_fields, n_rows) -> (n_rows, context_units)."""
    context = torch.zeros(codes.shape[1], network.context_units, device=codes.device)
    known = codes >= 0
    n_known = known.sum(dim=1).tolist()
    for field, count in enumerate(n_known):
        if count == codes.shape[1]:
            context += network.term(field, codes[field].long())
        elif count:
            rows = known[field].nonzero().squeeze(1)
            context.index_add_(0, rows, network.term(field, codes[field, rows].long()))
    return context


def _draw_candidates(
    network: CascadeNetwork,
    codes: Tensor,
    restrictions: Sequence[Restriction],
    rows: NDArray[np.intp],
    generator: torch.Generator,
) -> FloatArray:
    """Draw the restricted columns of the given rows in place; logarithms of their weights."""
    weights = np.zeros(len(rows))
    # A member draws all of a row: how probable it finds what is asked is part of the row's weight.
    for member in range(network.n_members):
        own = np.arange(member, len(rows), network.n_members)
        for start in range(0, len(own), _BLOCK):
            block = own[start : start + _BLOCK]
            at = torch.from_numpy(rows[block]).to(codes.device)
            part = codes[:, at]
            weights[block] = _draw_block(network, part, restrictions, rows[block], generator, member)
            codes[:, at] = part
    return weights


def _draw_block(
    network: CascadeNetwork,
    codes: Tensor,
    restrictions: Sequence[Restriction],
    rows: NDArray[np.intp],
    generator: torch.Generator,
    member: int,
) -> FloatArray:
    """The same for rows few enough to be drawn at once, whose codes (n_fields, n_rows) these are."""
    context = known_context(network, codes)
    total = torch.zeros(len(rows), dtype=torch.float64, device=codes.device)
    for entry in restrictions:
        asked = np.flatnonzero(entry.which[rows] >= 0)
        if len(asked):
            own = entry.of_rows(rows[asked])
            total += _draw_some(network, own, codes, context, asked, generator, member)
    found: FloatArray = total.cpu().numpy()
    return found


def _draw_some(
    network: CascadeNetwork,
    entry: Restriction,
    codes: Tensor,
    context: Tensor,
    rows: NDArray[np.intp],
    generator: torch.Generator,
    member: int,
) -> Tensor:
    """`draw_column` for some rows of a block; zero for the others."""
    at = torch.from_numpy(rows).to(codes.device)
    part, own = codes[:, at], context[at]
    total = torch.zeros(codes.shape[1], dtype=torch.float64, device=codes.device)
    total[at] = draw_column(network, entry, part, own, generator, member)
    codes[:, at], context[at] = part, own
    return total


def _resample(
    network: CascadeNetwork,
    codes: Tensor,
    restrictions: Sequence[Restriction],
    rows: NDArray[np.intp],
    group: NDArray[np.intp],
    n_candidates: NDArray[np.intp],
    generator: torch.Generator,
) -> None:
    """Draw candidates for each group of rows, and give each of its rows one of them by their weights."""
    n_groups = len(n_candidates)
    first = np.unique(group, return_index=True)[1]
    owner = np.repeat(np.arange(n_groups), n_candidates)
    source = rows[first][owner]
    candidates = codes[:, torch.from_numpy(source).to(codes.device)]
    own = [entry.of_rows(source) for entry in restrictions]
    log_weights = _draw_candidates(network, candidates, own, np.arange(len(source)), generator)
    uniforms = torch.rand(n_groups + len(rows), generator=generator, device=codes.device).cpu().numpy()
    chosen = _systematic(log_weights, owner, group, uniforms[:n_groups], uniforms[n_groups:])
    at = (torch.from_numpy(index).to(codes.device) for index in (rows, chosen))
    to, origin = at
    codes[:, to] = candidates[:, origin]


def _systematic(
    log_weights: FloatArray,
    owner: NDArray[np.intp],
    group: NDArray[np.intp],
    offsets: FloatArray,
    shuffle: FloatArray,
) -> NDArray[np.intp]:
    """For each row a candidate of its group, by systematic resampling: counts differ least from the weights.

    Candidates are sorted by owner. ``offsets`` is one uniform number for each group, ``shuffle`` one for each
    row, by which the rows of a group are put in random order.
    """
    start = np.searchsorted(owner, np.arange(len(offsets)))
    weights = np.exp(log_weights - np.maximum.reduceat(log_weights, start)[owner])
    share = weights / np.add.reduceat(weights, start)[owner]
    sums = np.cumsum(share)
    sums -= (sums[start] - share[start])[owner]  # of each group on its own
    order = np.lexsort((shuffle, group))
    n_alike = np.bincount(group)
    place = np.arange(len(group)) - np.repeat(np.cumsum(n_alike) - n_alike, n_alike)
    ordered = group[order]
    wanted = (place + offsets[ordered]) / n_alike[ordered]
    found = np.searchsorted(owner + np.clip(sums, 0, 1 - 1e-12), ordered + np.clip(wanted, 0, 1 - 1e-12))
    end = np.append(start[1:], len(owner))
    chosen = np.empty(len(group), dtype=np.intp)
    chosen[order] = np.clip(found, start[ordered], end[ordered] - 1)
    return chosen


def groups_of(codes: Tensor, restrictions: Sequence[Restriction]) -> NDArray[np.intp]:
    """Label of each row: equal for rows with the same known codes of which the same is asked."""
    known = codes[(codes >= 0).any(dim=1)].cpu().numpy().astype(np.intp)
    key = np.vstack([known, *(entry.which[None] for entry in restrictions)]).T
    return _distinct_rows(key)[1]


def _distinct_rows(key: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The distinct rows, and for each row which of them it is."""
    if (key == key[:1]).all():  # the usual case, at a hundredth of the cost
        return key[:1], np.zeros(len(key), dtype=np.intp)
    rows, index = np.unique(key, axis=0, return_inverse=True)
    return rows, index.reshape(-1)


def _chances(field: Field) -> FloatArray:
    """Observed frequencies of a field's codes."""
    counts = np.asarray(field.counts, dtype=np.float64) + 1e-9
    shares: FloatArray = counts / counts.sum()
    if isinstance(field, NumberField):
        cells = ndtr(field.upper) - ndtr(field.lower)
        shares = np.append(shares[:-1], shares[-1] * cells)
    return shares
