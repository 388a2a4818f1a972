"""The rank axis of a number cut into cells: who owns which ranks, and which stretch of values they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from ganaug.exceptions import ModelFileError
from ganaug.tabular.columns.base import FloatArray, want_array

MAX_CELLS = 8_192
MAX_EXACT = 3 * MAX_CELLS // 8  # each may need a cell beside it, and some must be left to cut finely
_LEAST, _MOST = 5e-324, 1.0 - 2.0**-53  # the outermost ranks with a finite normal score


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells of the rank axis, in increasing order.

    Parameters
    ----------
    edges : array of shape (n_cells - 1,)
        Normal scores of the ranks between neighbouring cells.
    centre : array of shape (n_cells,)
        Normal scores of the cells' middle ranks.
    low, high : array of shape (n_cells,)
        The stretch of values that a cell stands for.
    exact_of : int32 array of shape (n_cells,)
        Where in ``exact`` the one value of a cell is, -1 for a cell that is drawn from.
    exact : array of shape (n_exact,)
        The values that come back exactly, in the column's plain numeric type.
    """

    edges: FloatArray
    centre: FloatArray
    low: FloatArray
    high: FloatArray
    exact_of: NDArray[np.int32]
    exact: NDArray[Any]

    def find(self, values: FloatArray) -> NDArray[np.intp]:
        """The cell of each value; the first or the last beyond the ends."""
        return np.searchsorted(self.low[1:], values, side="right")

    def draw(self, cells: NDArray[np.intp], rng: np.random.Generator) -> FloatArray:
        """A value in each of the given cells, uniform between its ends."""
        share = rng.random(len(cells))
        low, high = self.low[cells], self.high[cells]
        drawn: FloatArray = low * (1.0 - share) + high * share  # the difference could overflow
        return np.clip(drawn, low, high)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Named arrays for a file."""
        return {name: getattr(self, name) for name in ("edges", "centre", "low", "high", "exact_of", "exact")}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Cells:
        """Inverse of `to_arrays`; anything malformed is a `ModelFileError`."""
        low = want_array(arrays, "low", "f").astype(np.float64)
        n_cells = len(low)
        high = want_array(arrays, "high", "f", n_cells).astype(np.float64)
        centre = want_array(arrays, "centre", "f", n_cells).astype(np.float64)
        edges = want_array(arrays, "edges", "f", max(n_cells - 1, 0)).astype(np.float64)
        exact_of = want_array(arrays, "exact_of", "i", n_cells).astype(np.int32)
        exact = want_array(arrays, "exact", "iuf")
        narrow = np.clip(edges, -40, 40).astype(np.float32)  # no normal score is beyond
        good = (
            n_cells > 0
            and (low <= high).all()
            and (high[:-1] <= low[1:]).all()
            and (narrow[1:] > narrow[:-1]).all()
            and (centre[1:] >= edges).all()
            and (centre[:-1] <= edges).all()
            and np.array_equal(exact_of[exact_of >= 0], np.arange(len(exact)))
            and (exact_of >= -1).all()
        )
        if not good:
            raise ModelFileError("The cells of a number in the file are broken.")
        return cls(edges, centre, low, high, exact_of, exact)


def cut_into_cells(
    distinct: NDArray[Any], rows: NDArray[np.intp], mass: FloatArray, is_point: NDArray[np.bool_]
) -> Cells:
    """Cut the ranks of all values that aren't point masses into at most `MAX_CELLS` cells.

    Parameters
    ----------
    distinct : array of shape (n_distinct,)
        The column's values, increasing.
    rows, mass : array of shape (n_distinct,)
        Number of rows of each, and their weight.
    is_point : bool array of shape (n_distinct,)
        The point masses: they own no ranks, but no cell reaches across them.
    """
    floats = distinct.astype(np.float64)
    middle = _between(floats[:-1], floats[1:])
    left, right = np.append(floats[0], middle), np.append(middle, floats[-1])
    is_exact = _choose_exact(rows, is_point)
    alone = is_exact | is_point
    run = 2 * np.cumsum(alone) - alone  # equal only within a run of lone values

    mine = ~is_point
    left, right, distinct, is_exact = left[mine], right[mine], distinct[mine], is_exact[mine]
    share = mass[mine] / mass[mine].max()
    share = share / share.sum()
    rank = np.cumsum(share)
    first = _part_in_float32(_starts(_group(run[mine], rank - share / 2, is_exact)), rank)
    last = np.append(first[1:], len(share)) - 1

    borders = rank[last[:-1]]
    centre = ndtri(np.clip((np.append(0.0, borders) + np.append(borders, 1.0)) / 2, _LEAST, _MOST))
    heaviest = _heaviest(first, share)  # it's the only one, unless cells had to be joined
    keeps = is_exact[heaviest]
    exact_of = np.where(keeps, np.cumsum(keeps) - 1, -1).astype(np.int32)
    return Cells(ndtri(borders), centre, left[first], right[last], exact_of, distinct[heaviest[keeps]])


def _between(a: FloatArray, b: FloatArray) -> FloatArray:
    """Midpoints of a < b, never a itself, and without overflow."""
    middle = a / 2 + b / 2
    return np.where((a < middle) & (middle <= b), middle, b)


def _choose_exact(rows: NDArray[np.intp], is_point: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Repeated values, and both ends of the range; only the most popular when they are too many."""
    repeated = (rows >= 2) & ~is_point
    n_values = len(rows) - int(is_point.sum())
    if n_values > MAX_CELLS and repeated.sum() > MAX_EXACT:
        order = np.argsort(np.where(repeated, -rows, 0), kind="stable")
        repeated = np.zeros(len(rows), dtype=bool)
        repeated[order[:MAX_EXACT]] = True
    repeated[[0, -1]] = ~is_point[[0, -1]]
    return repeated


def _group(run: NDArray[np.intp], rank: FloatArray, is_exact: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Label of the cell of each value: its own, or, when there are too many, shared along a run."""
    if len(run) <= MAX_CELLS:
        return np.arange(len(run))
    spare = max(MAX_CELLS - len(_starts(run)), 1)
    # Half the cells go by rank and half by normal score: in the tails every value has a cell of its own.
    score = ndtri(np.clip(rank, _LEAST, _MOST))
    score = (score - score[0]) / max(score[-1] - score[0], 1e-9)
    slot = np.floor((rank + score) / 2 * spare).astype(np.intp)
    slot[is_exact] = 0
    changed = np.append(True, (run[1:] != run[:-1]) | (slot[1:] != slot[:-1]))
    return np.cumsum(changed)


def _part_in_float32(first: NDArray[np.intp], rank: FloatArray) -> NDArray[np.intp]:
    """Where cells begin, without those whose lower edge is the previous one's in float32, or infinite."""
    edge = ndtri(np.minimum(rank[first[1:] - 1], 1.0)).astype(np.float32)
    apart = np.isfinite(edge)
    apart[1:] &= edge[1:] > edge[:-1]
    return first[np.append(True, apart)]


def _starts(labels: NDArray[np.intp]) -> NDArray[np.intp]:
    """Where a new label begins."""
    return np.flatnonzero(np.append(True, labels[1:] != labels[:-1]))


def _heaviest(first: NDArray[np.intp], share: FloatArray) -> NDArray[np.intp]:
    """Index of the heaviest value of each cell."""
    group = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(share))))
    order = np.lexsort((-share, group))
    return order[first]
