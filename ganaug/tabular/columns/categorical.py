"""Columns of levels: categories, text, bools, and numbers with few values; a code each."""

from __future__ import annotations

import math
import sys
from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug._util.cells import dtype_of, read_levels, write_levels
from ganaug._util.dtypes import Scalar, dtype_from_state, dtype_to_state, kind_of
from ganaug.exceptions import InvalidConditionError, InvalidTableError, ModelFileError, RejectColumn
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
from ganaug.tabular.columns.levels import draw_beyond, levels_between, stretch_beyond
from ganaug.tabular.columns.missing import check_missing, learn_missing, refuse_missing
from ganaug.tabular.columns.textnumbers import look_like_numbers
from ganaug.tabular.columns.within import refuse
from ganaug.tabular.wanted import Wanted

MAX_WIDTH = 1_000  # levels of one field; more are split into bucket and member
MAX_LEVELS = 50_000  # more are free text
MIN_TEXT_ROWS = 100
TEXT_SHARE = 0.9  # distinct values per row from which a column looks like free text


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
    has_rare : bool, default False
        Whether there were levels with too few rows, of which nothing is kept. Their rows are learned from as
        if they had one of the others, drawn by how frequent those are, so that no new row can have them.
    """

    kind: ClassVar[str] = "category"
    name: Hashable
    dtype: Any
    levels: tuple[Any, ...]
    counts: FloatArray
    missing: str | None
    has_rare: bool = False

    @classmethod
    def fit(
        cls,
        values: pd.Series[Any],
        name: Hashable,
        weights: FloatArray | None = None,
        *,
        chosen: bool = False,
        min_level_count: int = 1,
    ) -> CategoryCodec:
        """Learn the levels; `RejectColumn` for other objects, and for free text unless the caller has chosen.

        Levels with fewer than ``min_level_count`` rows are left out; see ``has_rare``.
        """
        refuse_unsupported(values, name)
        values, weights = weighed_rows(values, weights)
        indices, levels = _read(values, name)
        counts: FloatArray = np.bincount(indices + 1, weights, len(levels) + 1).astype(np.float64)
        rows = np.bincount(indices + 1, minlength=len(levels) + 1)[1:]
        used = np.flatnonzero(rows)
        common = used[rows[used] >= min_level_count]
        if not chosen:
            refuse_free_text(values, name, len(used), int((indices >= 0).sum()))
        if len(used) and not len(common):
            raise RejectColumn(
                f"Column {name!r}: no level has min_level_count={min_level_count} rows; drop the column, "
                f"or group its levels. The most frequent has {rows.max()}"
            )
        order = _order(values.dtype, levels, counts[1:], common)
        missing = learn_missing(values, indices < 0)
        kept = counts[1 + order] * (counts[1:].sum() / max(counts[1 + order].sum(), 1e-300))
        kept = counts[1 + order] if len(common) == len(used) else kept
        kept = kept if missing is None else np.append(kept, counts[0])
        names = tuple(levels[index] for index in order)
        return cls(name, dtype_of(values), names, kept, missing, len(common) < len(used))

    @property
    def why(self) -> str:
        """What it was told by."""
        if len(self.counts) == 1:
            return "always the same" if self.levels else "always missing"
        text = kind_of(self.dtype) in ("string", "object", "category", "bool")
        rare = ", without the rare ones" if self.has_rare else ""
        return f"{'levels' if text else 'few different values'}: {len(self.levels)}{rare}"

    @cached_property
    def fields(self) -> tuple[CategoryField, ...]:
        """One field, or two (bucket, member) when there are very many levels."""
        if not self.width:
            return (CategoryField(len(self.counts), self.counts, len(self.levels) if self.is_ordered else 0),)
        n_levels = len(self.levels)
        padded = np.zeros(math.ceil(n_levels / self.width) * self.width)
        padded[:n_levels] = self.counts[:n_levels]
        table = padded.reshape(-1, self.width)  # (buckets, members)
        buckets, members = np.append(table.sum(axis=1), self.counts[n_levels:]), table.sum(axis=0)
        members[0] += self.counts[n_levels:].sum()  # a missing cell is member 0 of a bucket of its own
        return CategoryField(len(buckets), buckets, len(table)), CategoryField(len(members), members)

    @property
    def is_ordered(self) -> bool:
        """Whether the order of the levels means something, and there are enough of them for that to tell."""
        numbers = all(isinstance(level, int | float) for level in self.levels)
        ordered = isinstance(self.dtype, pd.CategoricalDtype) and bool(self.dtype.ordered)
        return (numbers or ordered) and len(self.levels) > 2

    @cached_property
    def width(self) -> int:
        """Members of a bucket; 0 when one field is enough."""
        return math.isqrt(len(self.levels) - 1) + 1 if len(self.levels) > MAX_WIDTH else 0

    def reordered(self, order: NDArray[np.int64]) -> CategoryCodec:
        """The same levels with other codes: the one that is now ``order[0]`` gets 0, and so on."""
        n_levels = len(self.levels)
        counts = np.append(self.counts[order], self.counts[n_levels:])
        return replace(self, levels=tuple(self.levels[code] for code in order), counts=counts)

    def encode(self, values: pd.Series[Any], *, unseen: Unseen = "raise") -> IntArray:
        """Codes of shape (n, n_fields); see `ColumnCodec.encode`."""
        indices, levels = _read(values, self.name, like=self.dtype)
        codes = self._codes_of(levels, unseen)[indices]  # the last entry, at -1, is for missing
        if self.missing is None:
            refuse_missing(indices < 0, self.name, unseen)
        if unseen in ("group", "nearest") and self.has_rare:
            self._group(codes, (codes < 0) & (indices >= 0))
        if unseen in ("raise", "group") and (codes < 0).any():
            level = levels[indices[np.argmax(codes < 0)]]
            rarely = ", or in too few rows" if self.has_rare else ""
            raise InvalidTableError(f"Column {self.name!r} never had this level in fit{rarely}: {level!r}")
        return self.unflat(codes)

    def flat(self, codes: IntArray) -> NDArray[np.int64]:
        """One code per row, (n,): that of a level, ``len(levels)`` for missing, -1 for unknown."""
        if not self.width:
            return codes[:, 0].astype(np.int64)
        bucket, member = codes[:, 0].astype(np.int64), codes[:, 1].astype(np.int64)
        # a member that its bucket doesn't have is the last level
        index = np.minimum(bucket * self.width + member, len(self.levels) - 1)
        index[bucket == math.ceil(len(self.levels) / self.width)] = len(self.levels)
        return np.where((codes < 0).any(axis=1), -1, index)

    def unflat(self, index: NDArray[np.integer[Any]]) -> IntArray:
        """Codes (n, n_fields) of what `flat` gives."""
        if not self.width:
            return index[:, None]
        bucket, member = np.divmod(index, self.width)
        gone = index == len(self.levels)
        bucket[gone], member[gone] = math.ceil(len(self.levels) / self.width), 0
        member[index < 0] = -1
        return np.stack([bucket, member], axis=1)

    def _group(self, codes: NDArray[np.int32], rare: NDArray[np.bool_]) -> None:
        """Give rows of rare levels one of the others, the same in every call."""
        share = self.counts[: len(self.levels)] / self.counts[: len(self.levels)].sum()
        codes[rare] = np.random.default_rng(0).choice(len(share), int(rare.sum()), p=share)

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
        return self.cells.take(self.flat(codes))

    def encode_asked(self, values: pd.Series[Any], extrapolate: bool) -> IntArray:
        """As `encode`; with ``extrapolate``, a number that isn't a level gets the nearest one's code."""
        codes = self.encode(values, unseen="nearest" if extrapolate else "raise")
        if extrapolate and (codes < 0).any():
            self.encode(values)  # says which
        return codes

    def shares(self, wanted: Wanted, before: tuple[int, ...] = ()) -> FloatArray:
        """1 for each code of which some cell satisfies a condition (given the bucket, of its members)."""
        good = np.append(self.satisfying(wanted), self.missing is not None and wanted.missing)
        if not good.any():
            raise refuse(self.name, wanted, self._summary())
        if not self.width:
            return good[: len(self.counts)].astype(np.float64)
        n_buckets = math.ceil(len(self.levels) / self.width)
        # a member that its bucket doesn't have is the last level, as in `decode`
        index = np.minimum(np.arange(n_buckets * self.width), len(self.levels) - 1)
        table = good[index].reshape(n_buckets, self.width)
        if self.missing is not None:
            table = np.vstack([table, np.full(self.width, good[-1])])
        found = table[before[0]] if before else table.any(axis=1)
        return np.asarray(found, dtype=np.float64)

    def satisfying(self, wanted: Wanted) -> NDArray[np.bool_]:
        """Which levels satisfy a condition, shape (n_levels,)."""
        if wanted.values is None:
            return levels_between(self.levels, self.dtype, wanted, self.name)
        good = np.zeros(len(self.levels), dtype=bool)
        if wanted.values:
            indices, levels = _read(pd.Series(wanted.values, dtype=object), self.name, like=self.dtype)
            codes = self._codes_of(levels, "mark")[indices]
            if (codes < 0).any():
                level = levels[indices[np.argmax(codes < 0)]]
                raise InvalidConditionError(f"Column {self.name!r} never had this level in fit: {level!r}")
            good[codes] = True
        return good

    def _summary(self) -> str:
        """What the column has, for errors."""
        some = ", ".join(map(repr, self.levels[:5])) or "no level"
        more = f" and {len(self.levels) - 5} more levels" if len(self.levels) > 5 else ""
        return f"{some}{more}{'' if self.missing is None else ', and missing cells'}"

    def decode_within(self, codes: IntArray, wanted: Wanted, rng: np.random.Generator) -> Any:
        """As `decode`, but numbers beyond all levels where those were asked for."""
        beyond = wanted.values is None and stretch_beyond(self.levels, self.dtype, wanted, self.name)
        if not beyond:
            return self.decode(codes, rng)
        return draw_beyond(len(codes), self.levels, self.dtype, beyond, wanted, self.name, rng)

    @cached_property
    def cells(self) -> Any:
        """The levels and, last, the missing value as an array of the column's dtype."""
        return write_levels(self.levels, self.dtype, self.missing)

    def to_state(self) -> State:
        """A JSON-able header and named arrays."""
        header = {"dtype": dtype_to_state(self.dtype), "levels": list(self.levels), "missing": self.missing}
        return {**header, "has_rare": self.has_rare}, {"counts": self.counts}

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
        codec = cls(name, dtype, tuple(levels), counts, missing, want(header, "has_rare", bool))
        try:
            cells = np.asarray(codec.cells, dtype=object)  # where arrow's NaN is missing too
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


def refuse_free_text(values: pd.Series[Any], name: Hashable, n_levels: int, n_rows: int) -> None:
    """Raise `RejectColumn` for text whose values nearly all differ, or that has too many of them."""
    if kind_of(values.dtype) in ("number", "bool"):
        return
    alike = n_rows >= MIN_TEXT_ROWS and n_levels > TEXT_SHARE * n_rows
    if alike or n_levels > MAX_LEVELS:
        if look_like_numbers(cells := [cell for cell in values.dropna() if isinstance(cell, str)]):
            raise RejectColumn(
                f"Column {name!r} holds numbers written as text. Take off what is no part of them, then make "
                "them numbers by pandas.to_numeric(..., errors='coerce'); or choose another kind for the "
                f"column, such as columns={{{name!r}: 'category'}}. The first is {cells[0]!r:.80}"
            )
        raise RejectColumn(
            f"Column {name!r} looks like free text: {n_levels} different values in {n_rows} rows. Numbers "
            "and dates want pandas.to_numeric and to_datetime. Leave it out by "
            f"columns={{{name!r}: 'drop'}}, or say 'identifier' for new ones of the same pattern, 'text' for "
            "whole values as they are in the training rows, or 'category'"
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
