"""Exact counts: how many rows satisfy each of several conditions on a column, for several columns at once.

The network gives each row the probability of each condition, given what the row already has. These are
multiplied by one factor per condition, so chosen that the expected counts are those asked for: the joint
distribution with the margins asked for that is nearest to the learnt one (iterative proportional fitting,
whose fixed point keeps all odds ratios). Then each row is given one condition; a surplus that chance has left
moves to the rows that mind it least. Columns follow one another, each given those before it.

References
----------
Deming, Stephan: On a least squares adjustment of a sampled frequency table, Ann. Math. Statist. 11, 1940.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax
from torch import Tensor

from ganaug.exceptions import InvalidConditionError
from ganaug.tabular.cascade import CascadeNetwork
from ganaug.tabular.columns.base import ColumnCodec, FloatArray
from ganaug.tabular.restricted import Restriction, draw_column, known_context
from ganaug.tabular.wanted import Wanted

_ROUNDS = 100
_BLOCK = 2_048


@dataclass(frozen=True, eq=False)
class Quota:
    """How many rows are to satisfy each condition on a column.

    Parameters
    ----------
    restriction : Restriction
        The conditions on the column; which rows satisfy which isn't decided yet.
    counts : array of shape (n_wanted,), integers
        Their sum is the number of rows.
    """

    restriction: Restriction
    counts: NDArray[np.intp]


def check_apart(own: ColumnCodec, wanted: Sequence[Wanted], name: Hashable) -> None:
    """Raise `InvalidConditionError` where a cell could satisfy two of the conditions, or none one of them."""
    total = np.zeros(own.fields[0].n_codes)
    for entry in wanted:
        shares = own.shares(entry)
        total += shares if entry.values is None else shares > 0
    if len(own.fields) == 1 and np.max(total) > 1 + 1e-9:
        raise InvalidConditionError(
            f"counts of column {name!r} name conditions that overlap: {', '.join(map(str, wanted))}"
        )


@torch.no_grad()
def draw_quotas(
    network: CascadeNetwork, codes: Tensor, quotas: Sequence[Quota], generator: torch.Generator
) -> list[Restriction]:
    """Decide which rows satisfy which condition, and draw those columns' codes.

    Parameters
    ----------
    network : CascadeNetwork
    codes : tensor of shape (n_fields, n_rows), int32
        Known codes; the columns' are written.
    quotas : sequence of Quota
    generator : torch.Generator

    Returns
    -------
    list of Restriction
        What each row now satisfies, in the order of the quotas.
    """
    decided = []
    for quota in quotas:
        log_chances = _log_chances(network, codes, quota.restriction, generator)
        seed = int(torch.randint(2**62, (1,), generator=generator, device=generator.device))
        which = assign(log_chances, quota.counts, np.random.default_rng(seed))
        entry = replace(quota.restriction, which=which)
        for block in _blocks(codes.shape[1]):
            part = codes[:, block]
            draw_column(network, entry.of_rows(block), part, known_context(network, part), generator)
        decided.append(entry)
    return decided


def assign(log_chances: FloatArray, counts: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.intp]:
    """Give each row one class, so that every class has exactly its count.

    Parameters
    ----------
    log_chances : array of shape (n_rows, n_classes)
        Logarithm of the probability of each class; finite.
    counts : array of shape (n_classes,), integers
        Rows of each class; their sum is n_rows.
    rng : Generator

    Returns
    -------
    array of shape (n_rows,), integers

    Examples
    --------
    >>> chances = np.log([[0.9, 0.1], [0.1, 0.9], [0.1, 0.9]])
    >>> np.bincount(assign(chances, np.array([1, 2]), np.random.default_rng(0))).tolist()
    [1, 2]
    """
    used = np.flatnonzero(counts)
    log_chances, counts = log_chances[:, used], counts[used]
    tilted = _tilt(log_chances, counts)
    # Gumbel's trick: the largest of log-probability plus noise is a draw
    score = tilted + rng.gumbel(size=tilted.shape)
    which = score.argmax(axis=1)
    surplus = np.bincount(which, minlength=len(counts)) - counts
    for to in np.flatnonzero(surplus < 0):
        for source in np.flatnonzero(surplus > 0):
            n_moved = min(surplus[source], -surplus[to])
            if n_moved > 0:
                rows = np.flatnonzero(which == source)
                regret = score[rows, source] - score[rows, to]
                which[rows[np.argpartition(regret, n_moved - 1)[:n_moved]]] = to
                surplus[source] -= n_moved
                surplus[to] += n_moved
    chosen: NDArray[np.intp] = used[which]
    return chosen


def _tilt(log_chances: FloatArray, counts: NDArray[np.intp]) -> FloatArray:
    """Logarithms of probabilities (n_rows, n_classes) whose expected counts are those given."""
    factors = np.zeros(len(counts))
    for _ in range(_ROUNDS):
        expected = softmax(log_chances + factors, axis=1).sum(axis=0)
        if np.abs(expected - counts).max() < 0.5:
            break
        rows = log_chances - logsumexp(log_chances + factors, axis=1, keepdims=True)
        factors = np.log(counts) - logsumexp(rows, axis=0)
    tilted: FloatArray = log_chances + factors
    return tilted - logsumexp(tilted, axis=1, keepdims=True)


def _log_chances(
    network: CascadeNetwork, codes: Tensor, entry: Restriction, generator: torch.Generator
) -> FloatArray:
    """Logarithm of the probability that each row satisfies each condition, (n_rows, n_wanted).

    Exact for a column of one field; else estimated from one draw of the fields before the last.
    """
    chances = np.empty((codes.shape[1], len(entry.wanted)))
    for block in _blocks(codes.shape[1]):
        context = known_context(network, codes[:, block])
        for index in range(len(entry.wanted)):
            everywhere = replace(entry, which=np.full(len(context), index))
            mass = draw_column(network, everywhere, codes[:, block].clone(), context.clone(), generator)
            chances[block, index] = mass.cpu().numpy()
    return chances


def _blocks(n_rows: int) -> list[slice]:
    return [slice(start, min(start + _BLOCK, n_rows)) for start in range(0, n_rows, _BLOCK)]
