"""Columns whose value another one tells: always (a city's country), or nearly (a product's text)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ganaug.exceptions import ModelFileError
from ganaug.tabular.columns.base import Arrays, FloatArray, want_array

Flat: TypeAlias = NDArray[np.int64]

SCREENED_PAIRS = 2_000  # of rows, in which most columns are already seen to be no pairing
SHARE_OF_CHANCE = 0.1  # of the disagreement that there would be by chance, at most


@dataclass(frozen=True, eq=False)
class Lookup:
    """Where column ``parent`` has flat code p, column ``child`` has ``table[p]``; -1 where that is open.

    ``mass`` is how many rows of fit had each code of the parent.
    """

    parent: int
    child: int
    table: Flat
    mass: FloatArray

    @classmethod
    def fit(cls, parent: int, child: int, codes: Flat, values: Flat, n_codes: int) -> Lookup:
        """Of rows in which the child has one value wherever the parent has one."""
        known = codes >= 0
        table = np.full(n_codes, -1, dtype=np.int64)
        table[codes[known]] = values[known]
        return cls(parent, child, table, np.bincount(codes[known], minlength=n_codes).astype(np.float64))

    def only(self, codes: Flat) -> Flat:
        """The one value that the child can have where the parent has these codes, -1 where that is open."""
        return np.where(codes >= 0, self.table[codes], -1)

    def agrees(self, codes: Flat, values: Flat) -> NDArray[np.bool_]:
        """Whether the child has what the parent says, or that is open."""
        found = self.only(codes)
        return (found < 0) | (found == values)

    def find(self, codes: Flat, values: Flat, rng: np.random.Generator) -> Flat:
        """What a child of these values is to have where the parent has these codes; -1: the same."""
        return self.only(codes)

    def parents_of(self, value: int) -> tuple[Flat, FloatArray]:
        """Codes of the parent that say this of the child, and how many rows had each."""
        found = np.flatnonzero(self.table == value)
        return found, self.mass[found]

    def to_arrays(self) -> Arrays:
        """What a file keeps."""
        return {"table": self.table, "mass": self.mass}

    @classmethod
    def from_arrays(cls, parent: int, child: int, arrays: Arrays, n_codes: int, n_values: int) -> Lookup:
        """Inverse of `to_arrays`, for columns of so many codes; anything malformed is a `ModelFileError`."""
        table = want_array(arrays, "table", "i", n_codes).astype(np.int64)
        mass = want_array(arrays, "mass", "f", n_codes).astype(np.float64)
        if (table < -1).any() or (table >= n_values).any() or (mass <= 0)[table >= 0].any():
            raise ModelFileError("What one column says of another in the file is broken.")
        return cls(parent, child, table, mass)


@dataclass(frozen=True, eq=False)
class Pairing:
    """Pairs of flat codes of columns ``parent`` and ``child``, by the parent's, then the child's.

    The rows of fit have a few that break the rule, and a drawn row may have those, but no others: it keeps a
    pair that was seen, and any other gives way to one that was, in proportion to how often.

    Parameters
    ----------
    parent, child : int
        Positions of the columns.
    parents, children : int arrays of shape (n_pairs,)
    mass : float array of shape (n_pairs,)
        How many rows of fit had the pair.
    """

    parent: int
    child: int
    parents: Flat
    children: Flat
    mass: FloatArray

    @classmethod
    def fit(cls, parent: int, child: int, codes: Flat, values: Flat) -> Pairing:
        """Pairs of the rows whose parent has a code."""
        known = codes >= 0
        pairs, mass = np.unique(np.stack([codes[known], values[known]]), axis=1, return_counts=True)
        return cls(parent, child, pairs[0], pairs[1], mass.astype(np.float64))

    @cached_property
    def _width(self) -> int:
        return int(self.children.max(initial=0)) + 1

    def _are_known(self, codes: Flat, values: Flat) -> NDArray[np.bool_]:
        keys, wanted = self.parents * self._width + self.children, codes * self._width + values
        places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return (keys[places] == wanted) & (values >= 0) & (values < self._width)

    def _spans(self, codes: Flat) -> tuple[Flat, Flat]:
        """Where the pairs of each parent begin and end; nowhere, for one that has none."""
        first = np.searchsorted(self.parents, codes)
        return first, np.searchsorted(self.parents, codes, side="right")

    def only(self, codes: Flat) -> Flat:
        """The one value that the child can have, -1 where there are several or any."""
        first, end = self._spans(codes)
        return np.where(end - first == 1, self.children[np.minimum(first, len(self.children) - 1)], -1)

    def agrees(self, codes: Flat, values: Flat) -> NDArray[np.bool_]:
        """Whether pairs were seen, or the parent never was."""
        first, end = self._spans(codes)
        return self._are_known(codes, values) | (first == end)

    def find(self, codes: Flat, values: Flat, rng: np.random.Generator) -> Flat:
        """What a child of these values is to have where the parent has these codes; -1: the same."""
        found = np.full(len(codes), -1, dtype=np.int64)
        rows = np.flatnonzero(~self.agrees(codes, values))
        first, end = self._spans(codes[rows])
        total = np.append(0.0, np.cumsum(self.mass))
        aim = total[first] + rng.random(len(rows)) * (total[end] - total[first])
        found[rows] = self.children[np.clip(np.searchsorted(total, aim, side="right") - 1, first, end - 1)]
        return found

    def parents_of(self, value: int) -> tuple[Flat, FloatArray]:
        """Codes of the parent that were seen with a value of the child, and how often."""
        own = self.children == value
        return self.parents[own], self.mass[own]

    def to_arrays(self) -> Arrays:
        """What a file keeps."""
        return {"parents": self.parents, "children": self.children, "mass": self.mass}

    @classmethod
    def from_arrays(cls, parent: int, child: int, arrays: Arrays, n_codes: int, n_values: int) -> Pairing:
        """Inverse of `to_arrays`, for columns of so many codes; anything malformed is a `ModelFileError`."""
        parents = want_array(arrays, "parents", "i").astype(np.int64)
        children = want_array(arrays, "children", "i", len(parents)).astype(np.int64)
        mass = want_array(arrays, "mass", "f", len(parents)).astype(np.float64)
        inside = (parents >= 0) & (parents < n_codes) & (children >= 0) & (children < n_values) & (mass > 0)
        if not len(parents) or not inside.all() or (np.diff(parents * n_values + children) <= 0).any():
            raise ModelFileError("What one column says of another in the file is broken.")
        return cls(parent, child, parents, children, mass)


Rows: TypeAlias = NDArray[np.intp]


def pairs_of_rows(codes: Flat) -> tuple[Rows, Rows, Rows]:
    """Rows (n_pairs,), for each another one of the same code, and all rows that have a code."""
    mixed = np.random.default_rng(0).permutation(len(codes))  # neighbours are alike in many a table
    mixed = mixed[codes[mixed] >= 0]
    order = mixed[np.argsort(codes[mixed], kind="stable")]
    same = codes[order][1:] == codes[order][:-1]
    return order[:-1][same], order[1:][same], order


def is_pairing(pairs: tuple[Rows, Rows, Rows], values: Flat, evidence: float) -> bool:
    """Whether rows that agree in one column nearly always agree in another one.

    Two rows of the same code differ in the other column a tenth as often as any two, at most, and there are
    so many such pairs of rows that this is no accident. A few of them rule most columns out.

    Parameters
    ----------
    pairs : three int arrays
        `pairs_of_rows` of the column that may tell.
    values : int array of shape (n_rows,)
        Flat codes of the one that may be told.
    evidence : float
        Nats; how improbable an accident must be.
    """
    first, second, known = pairs
    n_pairs, few = len(first), slice(None, None, max(1, len(first) // SCREENED_PAIRS))
    if not n_pairs or (values[first[few]] != values[second[few]]).mean() > 2 * SHARE_OF_CHANCE:
        return False
    if (values < 0).any():
        return False
    by_chance = 1.0 - float(np.square(np.bincount(values[known]) / len(known)).sum())
    differing = float((values[first] != values[second]).mean())
    if by_chance <= 0 or differing > SHARE_OF_CHANCE * by_chance:
        return False
    odds = [differing / by_chance, (1 - differing) / max(1 - by_chance, 1e-12)]
    nats = [
        share * np.log(ratio) for share, ratio in zip((differing, 1 - differing), odds, strict=True) if share
    ]
    return float(n_pairs * sum(nats)) > evidence
