"""Numbers: point masses, and cells on the axis of ranks, so that every popular value keeps its frequency.

A value that many rows share is a class of its own. All others are sorted: one that repeats owns the stretch
of ranks that it takes, and comes back exactly; among lone values only the midpoints between them are kept,
and a rank between two midpoints comes back as a number drawn between them, rounded to the column's decimals.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug._util.cells import read_numbers, write_numbers
from ganaug._util.dtypes import dtype_from_state, dtype_to_state, kind_of
from ganaug.exceptions import InvalidConditionError, InvalidTableError, ModelFileError, RejectColumn
from ganaug.tabular.columns.base import (
    Arrays,
    FloatArray,
    IntArray,
    NumberField,
    State,
    Unseen,
    infinity_in,
    refuse_unsupported,
    want_array,
    weighed_rows,
)
from ganaug.tabular.columns.cells import Cells, cut_into_cells
from ganaug.tabular.columns.missing import check_missing, learn_missing, refuse_missing
from ganaug.tabular.columns.names import says_code
from ganaug.tabular.columns.within import Bounds, beyond, fit_in, refuse, round_to
from ganaug.tabular.wanted import Wanted

MAX_LEVELS = 100  # a number with at most so many values is a category ...
LEVEL_ROWS = 5  # ... if each has so many rows on average
MAX_CODES = 50_000  # whole numbers that are codes by name, if each has on average ...
CODE_ROWS = 2  # ... so many rows, are levels: a key to another table, a postal code
POINT_SHARE = 0.01  # a value with more than this share of the rows is a point mass ...
POINT_ROWS = 10  # ... if it has at least so many of them
_WIDE = 2**53  # integers beyond may share a float
MIN_DECIMALS, MAX_DECIMALS = -9, 12  # below 0: multiples of 10, 100, ...


@dataclass(frozen=True, eq=False)
class NumberCodec:
    """A column of many-valued numbers. Codes: the point masses in their order, missing, the cells.

    Parameters
    ----------
    name : hashable
        The column's label, for errors.
    dtype : dtype
        The column's own.
    decimals : int or None
        Those that drawn numbers are rounded to, as by `numpy.round`; None leaves them as they are.
    ends : array of shape (2,)
        Smallest and largest value, in the column's plain numeric type.
    points : array of shape (n_masses,)
        The point masses, increasing, in the same type.
    cells : Cells
        How the rank axis is cut.
    counts : array of shape (n_masses + has_missing + 1,)
        (Weighted) rows of each point class and, last, of all cells.
    missing : str or None
        What stands in the gaps; None when there are none.
    """

    kind: ClassVar[str] = "number"
    name: Hashable
    dtype: Any
    decimals: int | None
    ends: NDArray[Any]
    points: NDArray[Any]
    cells: Cells
    counts: FloatArray
    missing: str | None

    @classmethod
    def fit(
        cls,
        values: pd.Series[Any],
        name: Hashable,
        weights: FloatArray | None = None,
        *,
        chosen: bool = False,
    ) -> NumberCodec:
        """Learn the column; `RejectColumn` when it isn't a number.

        So is a column of few values, which is a category, unless the caller has ``chosen``.
        """
        refuse_unsupported(values, name)
        values, weights = weighed_rows(values, weights)
        read = read_numbers(values)
        if read is None or kind_of(values.dtype) == "bool":
            raise RejectColumn(f"Column {name!r} is not a number: {values.dtype}")
        native, missing = read
        distinct, rows, mass = _distinct(native[~missing], weights[~missing])
        if _is_category(len(distinct), int(rows.sum())) and not (chosen and len(distinct)):
            raise RejectColumn(f"Column {name!r} has so few values that it is a category: {len(distinct)}")
        if not chosen and _is_code(distinct, int(rows.sum()), name):
            raise RejectColumn(f"Column {name!r} has whole numbers that are codes: {len(distinct)}")
        is_point = (mass > POINT_SHARE * mass.sum()) & (rows >= POINT_ROWS)
        is_point[np.argmin(mass)] &= not is_point.all()  # some cell there must be
        kind = learn_missing(values, missing)
        gaps = [] if kind is None else [weights[missing].sum()]
        return cls(
            name=name,
            dtype=values.dtype,
            decimals=learn_decimals(distinct),
            ends=distinct[[0, -1]],
            points=distinct[is_point],
            cells=cut_into_cells(distinct, rows, mass, is_point),
            counts=np.array([*mass[is_point], *gaps, mass[~is_point].sum()]),
            missing=kind,
        )

    @cached_property
    def fields(self) -> tuple[NumberField]:
        """One field: point classes and cells."""
        lower = np.concatenate([[-np.inf], self.cells.edges])
        upper = np.concatenate([self.cells.edges, [np.inf]])
        gaps = len(self.counts) - 1 - len(self.points)
        # Between the cells around its value; the half keeps it apart from both.
        cell = self.cells.find(self.points.astype(np.float64))
        between = (lower.clip(self.cells.centre[0])[cell] + self.cells.centre[cell]) / 2
        places = np.append(between, np.full(gaps, np.nan))
        n_points = len(self.counts) - 1
        return (NumberField(n_points, lower, upper, self.cells.centre, self.counts, places),)

    def encode(self, values: pd.Series[Any], *, unseen: Unseen = "raise") -> IntArray:
        """Codes of shape (n, 1); any finite number has a cell, beyond the ends it is the first or last."""
        read = read_numbers(values, loose=True)
        if read is None:
            raise InvalidTableError(
                f"Column {self.name!r} had numbers in fit; got {values.dtype} cells that are none"
            )
        missing = read[1]
        floats = np.where(missing, 0.0, read[0].astype(np.float64))
        if np.isinf(floats).any():
            raise InvalidTableError(infinity_in(self.name))
        codes = (self.cells.find(floats) + len(self.counts) - 1).astype(np.int32)
        points = self.points.astype(np.float64)
        if len(points):
            nearest = np.searchsorted(points, floats).clip(max=len(points) - 1)
            same = points[nearest] == floats
            codes[same] = nearest[same]
        self._find_wide(read[0], codes)
        if self.missing is None:
            refuse_missing(missing, self.name, unseen)
        codes[missing] = -1 if self.missing is None else len(points)
        return codes[:, None]

    def _find_wide(self, native: NDArray[Any], codes: NDArray[np.int32]) -> None:
        """Correct the codes of integers that no float tells apart."""
        if native.dtype.kind not in "iu" or native.dtype != self.ends.dtype:
            return
        wide = np.flatnonzero((native > _WIDE) | ((native < 0) & (native < -_WIDE)))
        cell_of = np.flatnonzero(self.cells.exact_of >= 0) + len(self.counts) - 1
        for values, code_of in ((self.cells.exact, cell_of), (self.points, np.arange(len(self.points)))):
            if len(values) and len(wide):
                at = np.searchsorted(values, native[wide]).clip(max=len(values) - 1)
                same = values[at] == native[wide]
                codes[wide[same]] = code_of[at[same]]

    @cached_property
    def is_exact(self) -> NDArray[np.bool_]:
        """Which codes stand for one value, or for missing, shape (n_codes,)."""
        return np.append(np.ones(len(self.counts) - 1, dtype=bool), self.cells.exact_of >= 0)

    @property
    def why(self) -> str:
        """What it was told by."""
        masses = f", {len(self.points)} of which are frequent" if len(self.points) else ""
        return f"many different numbers{masses}"

    def encode_asked(self, values: pd.Series[Any], extrapolate: bool) -> IntArray:
        """As `encode`, but a number beyond the range, or a broken one among whole ones, is an error."""
        codes = self.encode(values, unseen="raise")
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        lowest, highest = self.ends.tolist()
        outside = (numbers < lowest) | (numbers > highest)
        if outside.any() and not extrapolate:
            raise InvalidConditionError(
                f"The condition on column {self.name!r} is beyond the range that the column had, {lowest!r} "
                f"to {highest!r}; extrapolate=True allows it. Got {numbers[outside].tolist()[0]!r}"
            )
        broken = np.nan_to_num(numbers) % 1 != 0
        if np.issubdtype(self.ends.dtype, np.integer) and broken.any():
            raise InvalidConditionError(
                f"Column {self.name!r} holds whole numbers; got {numbers[broken].tolist()[0]!r}"
            )
        return codes

    def shares(self, wanted: Wanted, before: tuple[int, ...] = ()) -> FloatArray:
        """What share of each code's numbers satisfies a condition, shape (n_codes,)."""
        n_masses, n_points = len(self.points), len(self.counts) - 1
        shares = np.zeros(self.fields[0].n_codes)
        if wanted.values is not None:
            self._share_values(shares, wanted)
        else:
            bounds = Bounds.of(wanted, self.decimals, self.name)
            shares[:n_masses] = bounds.has(self.points)
            inside = bounds.shares(self.cells.low, self.cells.high)
            is_exact = self.cells.exact_of >= 0
            inside[is_exact] = bounds.has(self.cells.exact[self.cells.exact_of[is_exact]])
            shares[n_points:] = inside
            stretch = beyond(wanted, self._float_ends, bounds)
            if stretch is not None:
                shares[self.encode(pd.Series(stretch[:1]))[0, 0]] = 1.0
        shares[n_masses:n_points] = wanted.missing
        if not shares.any():
            raise refuse(
                self.name,
                wanted,
                f"numbers from {self.ends[0]!s} to {self.ends[1]!s} (extrapolate=True for more)",
            )
        return shares

    def _share_values(self, shares: FloatArray, wanted: Wanted) -> None:
        """Numbers asked for: a cell that is drawn from counts by how near it is to holding only them."""
        if not wanted.values:
            return
        codes = self.encode_asked(pd.Series(wanted.values, dtype=object), wanted.extrapolate)[:, 0]
        cell = np.unique(codes) - (len(self.counts) - 1)
        held = cell[cell >= 0]
        drawn_from = held[self.cells.exact_of[held] < 0]
        width = self.cells.high[drawn_from] - self.cells.low[drawn_from]
        step = width.min(initial=np.inf) if self.decimals is None else 10.0**-self.decimals
        shares[codes] = 1.0
        n_asked = np.bincount(codes, minlength=len(shares))[drawn_from + len(self.counts) - 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            shares[drawn_from + len(self.counts) - 1] = np.fmin(n_asked * step / width, 1.0)

    @property
    def _float_ends(self) -> tuple[float, float]:
        return float(self.ends[0]), float(self.ends[1])

    def decode(self, codes: IntArray, rng: np.random.Generator) -> Any:
        """Numbers in the column's own dtype: exact for point masses and repeated values, else drawn."""
        codes = codes[:, 0].astype(np.intp)
        cell = np.maximum(codes - (len(self.counts) - 1), 0)
        return self._write(self._to_native(round_to(self.cells.draw(cell, rng), self.decimals)), codes)

    def decode_within(self, codes: IntArray, wanted: Wanted, rng: np.random.Generator) -> Any:
        """Numbers that satisfy a condition, exactly, in the column's own dtype."""
        codes = codes[:, 0].astype(np.intp)
        if wanted.values is not None:
            return self._decode_values(codes, wanted, rng)
        bounds = Bounds.of(wanted, self.decimals, self.name)
        stretch = beyond(wanted, self._float_ends, bounds)
        if stretch is not None:
            n_masses, n_points = len(self.points), len(self.counts) - 1
            missing = (codes >= n_masses) & (codes < n_points)
            low, high = (np.full(len(codes), end) for end in stretch)
            return write_numbers(
                fit_in(bounds.draw(low, high, rng), self.ends.dtype, self.name),
                missing,
                self.dtype,
                self.missing or "nan",
            )
        cell = np.maximum(codes - (len(self.counts) - 1), 0)
        drawn = bounds.draw(self.cells.low[cell], self.cells.high[cell], rng)
        return self._write(self._to_native(drawn), codes)

    def _decode_values(self, codes: IntArray, wanted: Wanted, rng: np.random.Generator) -> Any:
        """One of the values asked for that have the code, each as likely."""
        asked = pd.Series(wanted.values, dtype=object)
        own = self.encode(asked)[:, 0] if len(asked) else np.zeros(0, dtype=np.intp)
        order = np.argsort(own, kind="stable")
        first = np.searchsorted(own[order], codes, side="left")
        n_alike = np.searchsorted(own[order], codes, side="right") - first
        missing = n_alike == 0
        chosen = first + np.floor(rng.random(len(codes)) * n_alike).astype(np.intp)
        numbers = np.append(asked.to_numpy(dtype=self.ends.dtype)[order], self.ends[0])
        native = numbers[np.where(missing, -1, chosen)]
        return write_numbers(native, missing, self.dtype, self.missing or "nan")

    def _write(self, native: NDArray[Any], codes: IntArray) -> Any:
        """Drawn numbers in the column's own dtype, after those that come back exactly are put in."""
        n_masses, n_points = len(self.points), len(self.counts) - 1
        cell = np.maximum(codes - n_points, 0)
        for place, at, exact in (
            (codes >= n_points, self.cells.exact_of[cell], self.cells.exact),
            (codes < n_masses, codes, self.points),
        ):
            chosen = np.flatnonzero(place & (at >= 0))
            native[chosen] = exact[at[chosen]]
        missing = (codes >= n_masses) & (codes < n_points)
        return write_numbers(native, missing, self.dtype, self.missing or "nan")

    def _to_native(self, floats: FloatArray) -> NDArray[Any]:
        """Floats in the column's plain type, held within its ends (put in last, so nothing overflows)."""
        low, high = self.ends.astype(np.float64)
        below, above = floats <= low, floats >= high
        native: NDArray[Any] = np.where(below | above, 0.0, floats).astype(self.ends.dtype)
        native[below], native[above] = self.ends
        return native

    def to_state(self) -> State:
        """A JSON-able header and named arrays."""
        header = {"dtype": dtype_to_state(self.dtype), "decimals": self.decimals, "missing": self.missing}
        arrays = {"ends": self.ends, "points": self.points, "counts": self.counts, **self.cells.to_arrays()}
        return header, arrays

    @classmethod
    def from_state(cls, name: Hashable, header: dict[str, Any], arrays: Arrays) -> NumberCodec:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`."""
        dtype = dtype_from_state(header.get("dtype"))
        missing = check_missing(header.get("missing"), dtype)
        decimals = header.get("decimals")
        ends = want_array(arrays, "ends", "iuf", 2)
        points = want_array(arrays, "points", "iuf")
        counts = want_array(arrays, "counts", "f", len(points) + (missing is not None) + 1).astype(np.float64)
        cells = Cells.from_arrays(arrays)
        good = (
            (decimals is None or (type(decimals) is int and MIN_DECIMALS <= decimals <= MAX_DECIMALS))
            and kind_of(dtype) in ("number", "object")
            and ends[0] <= ends[1]
            and ends.dtype == points.dtype == cells.exact.dtype == _native_dtype(dtype, ends.dtype)
            and all((held >= ends[0]).all() and (held <= ends[1]).all() for held in (points, cells.exact))
            and (points[1:] > points[:-1]).all()
            and (counts >= 0).all()
        )
        if not good:
            raise ModelFileError(f"The description of column {name!r} is broken.")
        return cls(name, dtype, decimals, ends, points, cells, counts, missing)


def learn_decimals(values: NDArray[Any]) -> int | None:
    """Smallest number of decimals that gives all values back, None when more than 12 are needed.

    Examples
    --------
    >>> learn_decimals(np.array([0.25, 1.5, 3.0]))
    2
    >>> learn_decimals(np.array([1500, 300]))
    -2
    """
    decimals = MIN_DECIMALS
    some = values[:: max(1, len(values) // 1_000)]  # most answers are found there
    for sample in (some, values):
        while not _survives(sample, decimals):
            decimals += 1
            if decimals > MAX_DECIMALS:
                return None
    return decimals


def _survives(values: NDArray[Any], decimals: int) -> bool:
    """Whether rounding changes no value by more than arithmetic noise; nothing at all in the narrow types."""
    floats = values.astype(np.float64)
    back = round_to(floats, decimals)
    if values.dtype.kind == "f" and values.dtype != np.float64:
        with np.errstate(over="ignore"):
            return bool((back.astype(values.dtype) == values).all())
    return bool((np.abs(back - floats) <= 4 * np.finfo(np.float64).eps * np.abs(floats)).all())


def _distinct(native: NDArray[Any], weights: FloatArray) -> tuple[NDArray[Any], NDArray[np.intp], FloatArray]:
    """Distinct values, increasing, with their rows and weights."""
    order = np.argsort(native, kind="stable")
    ordered = native[order]
    start = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)])
    rows = np.diff(np.append(start, len(ordered)))
    mass = np.add.reduceat(weights[order], start) if len(start) else np.zeros(0)
    return native[order[start]], rows, mass


def _is_category(n_distinct: int, n_rows: int) -> bool:
    return n_distinct <= 2 or (n_distinct <= MAX_LEVELS and n_distinct * LEVEL_ROWS <= n_rows)


def _is_code(distinct: NDArray[Any], n_rows: int, name: Hashable) -> bool:
    repeats = len(distinct) <= MAX_CODES and len(distinct) * CODE_ROWS <= n_rows
    return repeats and says_code(name) and bool((distinct == np.trunc(distinct)).all())


def _native_dtype(dtype: Any, found: np.dtype[Any]) -> np.dtype[Any]:
    if isinstance(dtype, np.dtype):
        return found if dtype.kind == "O" else dtype.newbyteorder("=")
    native: np.dtype[Any] = dtype.numpy_dtype
    return native
