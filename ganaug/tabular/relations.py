"""Columns that others determine, and how rows are made to keep to it.

* Twins: two columns with the same values, or with levels that go together one to one (a code and its label).
  They share their fields.
* Lookups: a column whose value is the same wherever another column's is (a city's country). It is modelled,
  so that it can be asked for, and then set to what the other says; where it was asked for and the other was
  not, the other gives way.
* Pairings: the same of a column whose value is nearly always the same (a product's text, of its code).
* Dates: a column that the dates of another tell (its month, a weekend); see `ganaug.tabular.dates`.
* Products: numbers that are the product or quotient of two others; see `ganaug.tabular.products`.
* Sums: numbers of which a weighted sum is constant (a total and its parts); see `ganaug.tabular.sums`.
* Bounds: columns that are never above another (a beginning and an end); see `ganaug.tabular.bounds`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug._util.store import arrays_under
from ganaug.exceptions import ModelFileError
from ganaug.tabular.bounds import Bound, bounds_from_state
from ganaug.tabular.columns import CategoryCodec, ColumnCodec, DatetimeCodec, NumberCodec
from ganaug.tabular.columns.base import Arrays, FloatArray, IntArray, State, want
from ganaug.tabular.dates import DatePart, settle_dates
from ganaug.tabular.lookups import Flat, Lookup, Pairing
from ganaug.tabular.products import Product
from ganaug.tabular.sums import Sum

_FREE = -2  # in place of a flat code: any will do
Given: TypeAlias = NDArray[np.bool_] | None  # (n_rows, n_columns): cells that must stay as they are


@dataclass(frozen=True)
class Twin:
    """Column ``child`` has the fields of column ``root``; if ``is_same``, also its values."""

    root: int
    child: int
    is_same: bool


@dataclass(frozen=True)
class Relations:
    """All relations of a table's columns, by their positions.

    Parameters
    ----------
    twins : tuple of Twin
    lookups : tuple of Lookup or Pairing
        From the parent with the most codes to the one with the fewest: what is set first, others look up.
    sums : tuple of Sum
    dates : tuple of DatePart
    products : tuple of Product
    bounds : tuple of Bound
    """

    twins: tuple[Twin, ...] = ()
    lookups: tuple[Lookup | Pairing, ...] = ()
    sums: tuple[Sum, ...] = ()
    dates: tuple[DatePart, ...] = ()
    products: tuple[Product, ...] = ()
    bounds: tuple[Bound, ...] = ()

    @property
    def of_numbers(self) -> tuple[Product | Sum, ...]:
        """Those that numbers settle, in the order in which they do."""
        return (*self.products, *self.sums)

    def settle_codes(
        self,
        codes: IntArray,
        codecs: Sequence[ColumnCodec],
        slices: Sequence[slice],
        rng: np.random.Generator,
        given: Given = None,
        present: Given = None,
    ) -> IntArray:
        """Codes (n_rows, n_fields) that keep to the lookups; cells that are given stay as they are.

        Nor does one that must be ``present`` become a gap, if its parent would have it so.
        """
        if not self.lookups:
            return codes
        codes = codes.copy()
        stays = np.zeros((len(codes), len(codecs)), dtype=bool) if given is None else given.copy()
        if stays.any() or (present is not None and present.any()):
            for parent in dict.fromkeys(entry.parent for entry in reversed(self.lookups)):
                entries = [entry for entry in self.lookups if entry.parent == parent]
                own = flat_codes(codecs[parent], codes[:, slices[parent]])
                for entry in entries if present is not None else ():
                    is_gap = entry.only(own) == _gap(codecs[entry.child])
                    stays[:, entry.child] |= present[:, entry.child] & is_gap  # type: ignore[index]
                no_gap = np.zeros(len(codes), dtype=bool) if present is None else present[:, parent]
                self._give_way(codes, own, entries, codecs, slices, stays, no_gap, rng)
        for entry in self.lookups:
            parents, held = (
                flat_codes(codecs[at], codes[:, slices[at]]) for at in (entry.parent, entry.child)
            )
            wanted = entry.find(parents, held, rng)
            is_open = wanted < 0
            if present is not None:
                is_open |= present[:, entry.child] & (wanted == _gap(codecs[entry.child]))
            rows = np.flatnonzero(~is_open & ~stays[:, entry.child])
            codes[rows, slices[entry.child]] = unflat(codecs[entry.child], wanted[rows])
        return codes

    def _give_way(
        self,
        codes: IntArray,
        own: Flat,
        entries: Sequence[Lookup | Pairing],
        codecs: Sequence[ColumnCodec],
        slices: Sequence[slice],
        stays: NDArray[np.bool_],
        no_gap: NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> None:
        """Draw a parent (now of flat codes ``own``) anew where children that must stay say otherwise."""
        parent, held = entries[0].parent, np.full((len(codes), len(entries)), _FREE)
        wrong = np.zeros(len(codes), dtype=bool)
        for place, entry in enumerate(entries):
            values = flat_codes(codecs[entry.child], codes[:, slices[entry.child]])
            held[:, place] = np.where(stays[:, entry.child], values, _FREE)
            wrong |= stays[:, entry.child] & ~entry.agrees(own, values)
        rows = np.flatnonzero(wrong & ~stays[:, parent])
        kinds, kind_of = np.unique(np.column_stack([held[rows], no_gap[rows]]), axis=0, return_inverse=True)
        for number, kind in enumerate(kinds):
            refused = _gap(codecs[parent]) if kind[-1] else _FREE
            choices, mass = _parents_of(entries, kind[:-1], refused)
            if len(choices):
                mine = rows[kind_of.ravel() == number]
                drawn = rng.choice(choices, len(mine), p=mass / mass.sum())
                codes[mine, slices[parent]] = unflat(codecs[parent], drawn)
                stays[mine, parent] = True

    def settle(self, columns: list[Any], codecs: Sequence[ColumnCodec], given: Given = None) -> list[Any]:
        """Decoded columns that keep to twins, dates, products and sums; given cells stay as they are."""
        columns = list(columns)
        for twin in self.twins:
            if twin.is_same:
                moved = None if given is None else given[:, twin.child] & ~given[:, twin.root]
                if moved is not None and moved.any():
                    columns[twin.root] = _put(columns[twin.root], columns[twin.child], moved)
                stays = None if given is None else ~given[:, twin.child]
                columns[twin.child] = _put(columns[twin.child], columns[twin.root], stays)
        settle_dates(self.dates, columns, codecs, given, flat_codes, _cells_of)
        held = given
        if self.products and (
            determined := [part.child for part in (*self.twins, *self.lookups, *self.dates)]
        ):
            held = np.zeros((len(columns[0]), len(columns)), dtype=bool) if given is None else given.copy()
            held[:, determined] = True
        for product in self.products:
            product.settle(columns, held)
        for each in self.sums:
            each.settle(columns, given)
        for twin in self.twins if self.of_numbers else ():  # a copy of what has moved
            if twin.is_same:
                stays = None if given is None else ~given[:, twin.child]
                columns[twin.child] = _put(columns[twin.child], columns[twin.root], stays)
        return columns

    def describe(self, labels: pd.Index[Any]) -> dict[int, str]:
        """A note for each column that a relation is about."""
        notes: dict[int, list[str]] = {}
        for twin in self.twins:
            what = "the same as" if twin.is_same else "one to one with"
            notes.setdefault(twin.child, []).append(f"{what} {labels[twin.root]!r}")
        for lookup in self.lookups:
            what = "determined by" if isinstance(lookup, Lookup) else "nearly determined by"
            notes.setdefault(lookup.child, []).append(f"{what} {labels[lookup.parent]!r}")
        for part in self.dates:
            notes.setdefault(part.child, []).append(f"told by the {part.view} of {labels[part.parent]!r}")
        for each in self.of_numbers:
            notes.setdefault(each.members[0], []).append(each.describe(labels))
        for bound in self.bounds:
            what = "above" if bound.strict else "never below"
            notes.setdefault(bound.high, []).append(f"{what} {labels[bound.low]!r}")
        return {at: "; ".join(parts) for at, parts in notes.items()}

    def to_state(self) -> State:
        """A JSON-able header and named arrays."""
        arrays: Arrays = {}
        for at, entry in enumerate(self.lookups):
            arrays |= {f"{at}.{name}": array for name, array in entry.to_arrays().items()}
        for at, part in enumerate(self.dates):
            arrays |= {f"date{at}.{name}": array for name, array in part.to_arrays().items()}
        header = {
            "twins": [[twin.root, twin.child, twin.is_same] for twin in self.twins],
            "lookups": [[e.parent, e.child, isinstance(e, Lookup)] for e in self.lookups],
            "sums": [entry.to_state() for entry in self.sums],
            "products": [entry.to_state() for entry in self.products],
            "dates": [[part.parent, part.child, part.view] for part in self.dates],
            "bounds": [[bound.low, bound.high, bound.strict] for bound in self.bounds],
        }
        return header, arrays

    @classmethod
    def from_state(cls, header: Any, arrays: Arrays, codecs: Sequence[ColumnCodec]) -> Relations:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`."""
        broken = ModelFileError("The relations between columns in the file are broken.")
        if not isinstance(header, dict):
            raise broken
        header = {"dates": [], "products": [], "bounds": [], **header}  # which the first files had not
        twins: list[Twin] = []
        lookups: list[Lookup | Pairing] = []
        for entry in want(header, "twins", list):
            root, child = _positions(entry, 3, len(codecs))
            if type(entry[2]) is not bool or not _are_alike(codecs[root], codecs[child]):
                raise broken
            twins.append(Twin(root, child, entry[2]))
        children = [twin.child for twin in twins]
        if len(set(children)) < len(children) or any(twin.root > twin.child for twin in twins):
            raise broken
        for at, entry in enumerate(want(header, "lookups", list)):
            parent, child = _positions(entry, 3, len(codecs))
            kind = Lookup if entry[2] is True else Pairing
            own = arrays_under(f"{at}.", arrays)
            sizes = n_codes(codecs[parent]), n_codes(codecs[child])
            lookups.append(kind.from_arrays(parent, child, own, *sizes))
        sums = [Sum.from_state(entry, len(codecs)) for entry in want(header, "sums", list)]
        products = [Product.from_state(entry, len(codecs)) for entry in want(header, "products", list)]
        widths = [_width_of(codec) for codec in codecs]
        dates = [
            DatePart.from_state(entry, arrays_under(f"date{at}.", arrays), widths)
            for at, entry in enumerate(want(header, "dates", list))
        ]
        bounds = bounds_from_state(header["bounds"], len(codecs))
        found = cls(tuple(twins), tuple(lookups), tuple(sums), tuple(dates), tuple(products), bounds)
        numbers = [codecs[at] for each in found.of_numbers for at in each.members]
        if not all(isinstance(codec, CategoryCodec | NumberCodec) for codec in numbers):
            raise broken
        return found


def _parents_of(entries: Sequence[Lookup | Pairing], held: Flat, refused: int) -> tuple[Flat, FloatArray]:
    """Codes of a parent that agree with all of its children's that are held, and how often rows had them.

    Where none agrees with all, those that agree with the first. One code may be refused.
    """
    choices, mass = np.zeros(0, dtype=np.int64), np.zeros(0)
    for entry, value in zip(entries, held.tolist(), strict=True):
        if value != _FREE:
            found, weights = entry.parents_of(value)
            found, weights = found[found != refused], weights[found != refused]
            if not len(choices):
                choices, mass = found, weights
            elif (both := np.isin(choices, found)).any():
                choices, mass = choices[both], mass[both]
    return choices, mass


def flat_codes(codec: ColumnCodec, codes: IntArray) -> Flat:
    """One code per row, shape (n_rows,), for each value; -1 where a code stands for many values.

    Only for the codecs that `has_flat` names.
    """
    if isinstance(codec, CategoryCodec):
        return codec.flat(codes)
    own = codes[:, 0].astype(np.int64)
    return np.where((own >= 0) & codec.is_exact[own], own, -1)  # type: ignore[attr-defined]


def unflat(codec: ColumnCodec, flat: Flat) -> IntArray:
    """Codes (n_rows, n_fields) of flat ones."""
    return codec.unflat(flat) if isinstance(codec, CategoryCodec) else flat[:, None]


def has_flat(codec: ColumnCodec) -> bool:
    """Whether a codec's codes stand for values that can be looked up."""
    return isinstance(codec, CategoryCodec | NumberCodec)


def _gap(codec: ColumnCodec) -> int:
    """The flat code of a missing cell; -2, which none has, where there are none."""
    if isinstance(codec, CategoryCodec | NumberCodec) and codec.missing is not None:
        return len(codec.levels if isinstance(codec, CategoryCodec) else codec.points)
    return -2


def n_codes(codec: ColumnCodec) -> int:
    if isinstance(codec, CategoryCodec):
        return len(codec.levels) + 1
    if isinstance(codec, NumberCodec):
        return len(codec.is_exact)
    raise ModelFileError("The file looks values up in a column that has no levels.")


def _width_of(codec: ColumnCodec) -> int | None:
    """How many flat codes a column has, -1 for dates, None for what has neither."""
    if isinstance(codec, DatetimeCodec) and codec.has_days:
        return -1
    return n_codes(codec) if has_flat(codec) else None


def _cells_of(codec: ColumnCodec, flat: Flat) -> Any:
    """Cells of flat codes, each of which stands for one value."""
    return codec.decode(unflat(codec, flat), np.random.default_rng(0))


def _are_alike(root: ColumnCodec, child: ColumnCodec) -> bool:
    """Whether the codes of one are codes of the other."""
    widths = [[field.n_codes for field in codec.fields] for codec in (root, child)]
    return type(root) is type(child) and widths[0] == widths[1]


def _positions(entry: Any, length: int, n_columns: int) -> tuple[int, int]:
    if isinstance(entry, list) and len(entry) == length:
        first, second = entry[:2]
        if (
            type(first) is type(second) is int
            and first != second
            and {first, second} <= set(range(n_columns))
        ):
            return first, second
    raise ModelFileError("The relations between columns in the file are broken.")


def _put(column: Any, source: Any, which: NDArray[np.bool_] | None) -> Any:
    """A column with another one's cells, in the rows given."""
    if which is None or which.all():
        return source.copy()
    column = column.copy()
    column[which] = source[which]
    return column
