"""Columns that tell each other's value, kept to while rows are drawn.

Set right only when a row is whole, a column would no longer fit those that were drawn after it. So whichever
of two tied columns comes second is drawn, by what the generator knows, from what goes with the first. A
category comes before what tells it (a country before its city), which has more values and is known less of;
a number comes after it (the price of an article), for its popular values are smoothed into their neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ganaug.tabular.columns import ColumnCodec, NumberCodec
from ganaug.tabular.columns.base import FloatArray, IntArray
from ganaug.tabular.lookups import Flat, Lookup, Pairing
from ganaug.tabular.relations import Relations, flat_codes, n_codes

Bools: TypeAlias = NDArray[np.bool_]

MOST_VALUES = 20_000  # of a column that is drawn from what goes with another one
_UNKNOWN = -2  # in place of a flat code: the column isn't drawn yet


@dataclass(frozen=True, eq=False)
class Tie:
    """Which flat codes of two columns go together.

    Parameters
    ----------
    forth, back : csr_array of shape (n_codes, n_values), (n_values, n_codes)
        Whether a code of the first goes with a value of the second, and the other way round.
    is_open : bool array of shape (n_codes,)
        Codes of the first that go with any value.
    """

    forth: csr_array
    back: csr_array
    is_open: Bools

    @classmethod
    def of(cls, entry: Lookup | Pairing, codecs: Sequence[ColumnCodec]) -> Tie:
        """What a relation says."""
        shape = n_codes(codecs[entry.parent]), n_codes(codecs[entry.child])
        if isinstance(entry, Lookup):
            codes = np.flatnonzero(entry.table >= 0)
            values, is_open = entry.table[codes], entry.table < 0
        else:
            codes, values = entry.parents, entry.children
            is_open = np.bincount(codes, minlength=shape[0]) == 0
        forth = csr_array((np.ones(len(codes), dtype=bool), (codes, values)), shape=shape)
        return cls(forth, csr_array(forth.T), is_open)

    def values_of(self, codes: Flat) -> Bools:
        """What goes with each code of the first column, (n, n_values + 1); last, what has no flat code."""
        found = self.forth[np.maximum(codes, 0)].toarray()
        open_ones = (self.is_open[codes] | (codes < 0))[:, None]
        return np.append(found | open_ones, open_ones, axis=1)

    def codes_of(self, values: Flat) -> Bools:
        """What goes with each value of the second column, (n, n_codes + 1); last, what has no flat code."""
        found = self.back[np.maximum(values, 0)].toarray() & (values >= 0)[:, None]
        return np.append(found | self.is_open, np.ones((len(values), 1), dtype=bool), axis=1)


@dataclass(frozen=True, eq=False)
class Tied:
    """A column that is tied to others.

    Parameters
    ----------
    codec : ColumnCodec
    fields : range
        Where its codes are, one or two.
    partners : tuple of (codec, fields, tie, whether the partner is the first of it)
    """

    codec: ColumnCodec
    fields: range
    partners: tuple[tuple[ColumnCodec, range, Tie, bool], ...]

    @property
    def comes_after(self) -> list[int]:
        """First fields of the columns that are drawn before this one."""
        is_number = isinstance(self.codec, NumberCodec)
        return [
            fields.start
            for codec, fields, _, is_first in self.partners
            if (is_number if is_first else not isinstance(codec, NumberCodec))
        ]

    @cached_property
    def flats(self) -> IntArray:
        """The flat code of each of its codes, (n_codes,), or of each pair of them, (n_buckets, n_members)."""
        sizes = [field.n_codes for field in self.codec.fields]
        every = np.stack(np.meshgrid(*map(np.arange, sizes), indexing="ij"), axis=-1)
        return flat_codes(self.codec, every.reshape(-1, len(sizes))).reshape(sizes)

    def shares(self, codes: IntArray, place: int) -> tuple[FloatArray, NDArray[np.intp]] | None:
        """What partners leave of one of its fields.

        Parameters
        ----------
        codes : array of shape (n_fields, n_rows)
            Of all columns; a code below 0 isn't known yet.
        place : int
            Which of its fields; those before it are known.

        Returns
        -------
        shares : array of shape (n_kinds, n_codes)
            1 for what is left.
        kind : array of shape (n_rows,)
            Which of them each row's is. None instead of both where no partner is known yet.
        """
        known = [_flat_of(codec, codes[fields.start : fields.stop]) for codec, fields, _, _ in self.partners]
        if all((flat == _UNKNOWN).all() for flat in known):
            return None
        key = np.stack(
            [*known, *codes[self.fields.start : self.fields.start + place].astype(np.int64)], axis=1
        )
        kinds, kind = np.unique(key, axis=0, return_inverse=True)
        flats = self.flats
        left = np.ones((len(kinds), n_codes(self.codec) + 1), dtype=bool)
        for flat, (_, _, tie, is_first) in zip(kinds.T, self.partners, strict=False):
            rows = np.flatnonzero(flat != _UNKNOWN)
            both = left[rows] & (tie.values_of(flat[rows]) if is_first else tie.codes_of(flat[rows]))
            possible = both[:, flats.ravel()].any(axis=1)  # what two partners contradict, the first decides
            left[rows[possible]] = both[possible]
        if place:
            found = left[np.arange(len(kinds))[:, None], flats[kinds[:, -1]]]
        else:
            found = left[:, flats.ravel()].reshape(len(kinds), len(flats), -1).any(axis=2)
        found |= ~found.any(axis=1, keepdims=True)
        return found.astype(np.float32), kind.reshape(-1)


def find_tied(
    relations: Relations, codecs: Sequence[ColumnCodec], slices: Sequence[slice]
) -> tuple[Tied, ...]:
    """The columns that relations tie to others, but for those of very many values."""
    partners: dict[int, list[tuple[ColumnCodec, range, Tie, bool]]] = {}
    spans = [range(span.start, span.stop) for span in slices]
    for entry in relations.lookups:
        tie = Tie.of(entry, codecs)
        for own, other in ((entry.parent, entry.child), (entry.child, entry.parent)):
            if n_codes(codecs[own]) <= MOST_VALUES:
                partner = codecs[other], spans[other], tie, other == entry.parent
                partners.setdefault(own, []).append(partner)
    return tuple(Tied(codecs[at], spans[at], tuple(found)) for at, found in sorted(partners.items()))


def _flat_of(codec: ColumnCodec, codes: IntArray) -> Flat:
    """Flat codes (n_rows,) of a column's codes (n_fields, n_rows), -2 where they aren't known."""
    return np.where((codes >= 0).all(axis=0), flat_codes(codec, codes.T), _UNKNOWN)
