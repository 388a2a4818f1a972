"""Columns of levels: categories, text, bools, and numbers with few values; a code each."""

from __future__ import annotations

import math
import sys
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug._util.cells import dtype_of, read_levels, write_levels
from ganaug._util.dtypes import Scalar, dtype_from_state, dtype_to_state, kind_of
from ganaug.exceptions import InvalidTableError, ModelFileError, RejectColumn
from ganaug.tabular.columns.base import (
    Arrays,
    CategoryField,
    FloatArray,
    IntArray,
    State,
    Unseen,
    infinity_in,
    refuse_unsupported,
    want,
    want_array,
    weighed_rows,
)
from ganaug.tabular.columns.missing import check_missing, learn_missing, refuse_missing

MAX_WIDTH = 1_000  # levels of one field; more are split into bucket and member
MAX_LEVELS = 50_000  # more are an identifier or free text
MIN_IDENTIFIER_ROWS = 100
IDENTIFIER_SHARE = 0.9  # distinct values per row from which a column looks like an identifier


@dataclass(frozen=True, eq=False)
class CategoryCodec:
    """A column of levels. The code of a missing cell is the one after the last level's.

    Parameters
    ----------
    name : hashable
        The column's label, for errors.
    dtype : dtype
        The column's own.
    levels : tuple of bool, int, float or str
        Those that occur, in the order of their codes.
    counts : array of shape (n_levels + has_missing,)
        (Weighted) rows of each level and, last, of missing.
    missing : str or None
        What stands in the gaps; None when there are none.
    """

    kind: ClassVar[str] = "category"
    name: Hashable
    dtype: Any
    levels: tuple[Any, ...]
    counts: FloatArray
    missing: str | None

    @classmethod
    def fit(cls, values: pd.Series[Any], name: Hashable, weights: FloatArray | None = None) -> CategoryCodec:
        """Learn the levels; `RejectColumn` for what looks like an identifier, and for other objects."""
        refuse_unsupported(values, name)
        values, weights = weighed_rows(values, weights)
        indices, levels = _read(values, name)
        counts: FloatArray = np.bincount(indices + 1, weights, len(levels) + 1).astype(np.float64)
        used = np.flatnonzero(np.bincount(indices + 1, minlength=len(levels) + 1)[1:])
        _refuse_identifier(values, name, len(used), int((indices >= 0).sum()))
        order = _order(values.dtype, levels, counts[1:], used)
        missing = learn_missing(values, indices < 0)
        kept = counts[1 + order] if missing is None else np.append(counts[1 + order], counts[0])
        return cls(name, dtype_of(values), tuple(levels[index] for index in order), kept, missing)

    @cached_property
    def fields(self) -> tuple[CategoryField, ...]:
        """One field, or two (bucket, member) when there are very many levels."""
        if not self._width:
            return (
                CategoryField(len(self.counts), self.counts, len(self.levels) if self._is_ordered else 0),
            )
        n_levels = len(self.levels)
        padded = np.zeros(math.ceil(n_levels / self._width) * self._width)
        padded[:n_levels] = self.counts[:n_levels]
        table = padded.reshape(-1, self._width)  # (buckets, members)
        buckets, members = np.append(table.sum(axis=1), self.counts[n_levels:]), table.sum(axis=0)
        members[0] += self.counts[n_levels:].sum()  # a missing cell is member 0 of a bucket of its own
        return CategoryField(len(buckets), buckets), CategoryField(len(members), members)

    @property
    def _is_ordered(self) -> bool:
        """Whether the order of the levels means something, and there are enough of them for that to tell."""
        numbers = all(isinstance(level, int | float) for level in self.levels)
        ordered = isinstance(self.dtype, pd.CategoricalDtype) and bool(self.dtype.ordered)
        return (numbers or ordered) and len(self.levels) > 2

    @cached_property
    def _width(self) -> int:
        """Members of a bucket; 0 when one field is enough."""
        return math.isqrt(len(self.levels) - 1) + 1 if len(self.levels) > MAX_WIDTH else 0

    def encode(self, values: pd.Series[Any], *, unseen: Unseen = "raise") -> IntArray:
        """Codes of shape (n, n_fields); see `ColumnCodec.encode`."""
        indices, levels = _read(values, self.name, like=self.dtype)
        codes = self._codes_of(levels, unseen)[indices]  # the last entry, at -1, is for missing
        if self.missing is None:
            refuse_missing(indices < 0, self.name, unseen)
        if unseen == "raise" and (codes < 0).any():
            level = levels[indices[np.argmax(codes < 0)]]
            raise InvalidTableError(f"Column {self.name!r} never had this level in fit: {level!r}")
        if not self._width:
            return codes[:, None]
        bucket, member = np.divmod(codes, self._width)
        gone = codes == len(self.levels)
        bucket[gone], member[gone] = math.ceil(len(self.levels) / self._width), 0
        member[codes < 0] = -1
        return np.stack([bucket, member], axis=1)

    def _codes_of(self, levels: list[Any], unseen: Unseen) -> NDArray[np.int32]:
        """Codes of other levels, and at the end that of missing; -1 for what was never seen."""
        strict = kind_of(self.dtype) == "object"  # there 1, 1.0 and True are three levels
        table = {_key(level, strict): code for code, level in enumerate(self.levels)}
        gap = -1 if self.missing is None else len(self.levels)
        codes = np.array([*(table.get(_key(level, strict), -1) for level in levels), gap], dtype=np.int32)
        if unseen == "nearest" and kind_of(self.dtype) == "number" and self.levels:
            ours = np.array(self.levels, dtype=np.float64)
            for index in np.flatnonzero(codes[:-1] < 0):
                if isinstance(levels[index], int | float):
                    codes[index] = np.argmin(np.abs(ours - np.clip(levels[index], ours[0], ours[-1])))
        return codes

    def decode(self, codes: IntArray, rng: np.random.Generator) -> Any:
        """Cells in the column's own dtype; a member that its bucket doesn't have becomes the last level."""
        if not self._width:
            return self._cells.take(codes[:, 0])
        bucket, member = codes[:, 0].astype(np.int64), codes[:, 1].astype(np.int64)
        index = np.minimum(bucket * self._width + member, len(self.levels) - 1)
        if self.missing is not None:
            index[bucket == math.ceil(len(self.levels) / self._width)] = len(self.levels)
        return self._cells.take(index)

    @cached_property
    def _cells(self) -> Any:
        """The levels and, last, the missing value as an array of the column's dtype."""
        return write_levels(self.levels, self.dtype, self.missing)

    def to_state(self) -> State:
        """A JSON-able header and named arrays."""
        header = {"dtype": dtype_to_state(self.dtype), "levels": list(self.levels), "missing": self.missing}
        return header, {"counts": self.counts}

    @classmethod
    def from_state(cls, name: Hashable, header: dict[str, Any], arrays: Arrays) -> CategoryCodec:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`."""
        dtype = dtype_from_state(header.get("dtype"))
        levels = want(header, "levels", list)
        missing = check_missing(header.get("missing"), dtype)
        counts = want_array(arrays, "counts", "f", len(levels) + (missing is not None)).astype(np.float64)
        distinct = {_key(level, strict=True) for level in levels if isinstance(level, Scalar)}
        huge = any(isinstance(level, int) and abs(level) > sys.float_info.max for level in levels)
        if len(distinct) != len(levels) or not len(counts) or (counts < 0).any() or huge:
            raise ModelFileError(f"The levels of column {name!r} are broken.")
        codec = cls(name, dtype, tuple(levels), counts, missing)
        try:
            cells = np.asarray(codec._cells, dtype=object)  # where arrow's NaN is missing too
            same = len(cells) == len(counts) and pd.isna(cells).sum() == (missing is not None)
        except (TypeError, ValueError, OverflowError) as error:
            raise ModelFileError(f"The levels of column {name!r} don't fit its dtype {dtype}.") from error
        if not same:
            raise ModelFileError(f"The levels of column {name!r} don't fit its dtype {dtype}.")
        return codec


def _read(values: pd.Series[Any], name: Hashable, like: Any = None) -> tuple[NDArray[np.intp], list[Any]]:
    try:
        indices, levels = read_levels(values, like)
    except TypeError as error:
        raise RejectColumn(
            f"Column {name!r} has cells of a type that is not supported: convert them, or drop it. {error}"
        ) from error
    if any(isinstance(level, float) and math.isinf(level) for level in levels):
        raise RejectColumn(infinity_in(name))
    return indices, levels


def _refuse_identifier(values: pd.Series[Any], name: Hashable, n_levels: int, n_rows: int) -> None:
    if kind_of(values.dtype) in ("number", "bool"):
        return
    alike = n_rows >= MIN_IDENTIFIER_ROWS and n_levels > IDENTIFIER_SHARE * n_rows
    if alike or n_levels > MAX_LEVELS:
        raise RejectColumn(
            f"Column {name!r} looks like an identifier or free text: {n_levels} different values in {n_rows} "
            "rows. Drop it, or group its values into fewer; if they are numbers, use pandas.to_numeric."
        )


def _order(dtype: Any, levels: list[Any], counts: FloatArray, used: NDArray[np.intp]) -> NDArray[np.intp]:
    """Indices of the used levels in the order of their codes: the natural one, else by frequency."""
    if isinstance(dtype, pd.CategoricalDtype) and dtype.ordered:
        return used
    if all(isinstance(levels[index], bool | int | float) for index in used):
        return np.array(sorted(used, key=lambda index: _rank(levels[index])), dtype=np.intp)
    key = {index: (-counts[index], *_rank(levels[index])) for index in used}
    return np.array(sorted(used, key=key.__getitem__), dtype=np.intp)


def _rank(level: Any) -> tuple[str, Any]:
    return ("str", level) if isinstance(level, str) else ("number", (level, type(level).__name__))


def _key(level: Any, strict: bool) -> Any:
    return (type(level), level) if strict else level
