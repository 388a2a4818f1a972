"""The cells of one column as plain arrays, and back: numbers, levels, and ticks (of dates and decimals)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug._util.dtypes import MISSING, TICKS, has_named_levels, kind_of, level_names
from ganaug._util.ticks import dtype_of, nanoseconds_per_tick, read_ticks, write_ticks, zone_at, zone_of

__all__ = [
    "are_texts",
    "dtype_of",
    "missing_kind_of",
    "nanoseconds_per_tick",
    "places_of",
    "read_levels",
    "read_numbers",
    "read_ticks",
    "share_texts",
    "to_dtype",
    "write_levels",
    "write_numbers",
    "write_ticks",
    "zone_at",
    "zone_of",
]

_SCALARS: tuple[tuple[type, tuple[type, ...]], ...] = (
    (bool, (bool, np.bool_)),
    (int, (int, np.integer)),
    (float, (float, np.floating)),
    (str, (str, np.str_)),
)


def read_numbers(
    values: pd.Series[Any], *, loose: bool = False
) -> tuple[NDArray[Any], NDArray[np.bool_]] | None:
    """Cells as a plain numeric array and where they are missing; None when they aren't all numbers.

    Object columns count when they hold only ints, or only floats, beside missing values. If ``loose``, any
    mix of numbers counts, also as categories.
    """
    dtype: Any = values.dtype
    kind = kind_of(dtype)
    if loose and kind == "category":
        values, kind = values.astype(object), "object"
    if kind not in ("object", "number", "bool"):
        return None
    missing = values.isna().to_numpy(dtype=bool)
    if kind == "object":
        return _read_object_numbers(values, missing, loose)
    if isinstance(dtype, np.dtype):
        native = values.to_numpy()
        native = native.astype(native.dtype.newbyteorder("="), copy=False)
    else:
        native = values.array.to_numpy(dtype=dtype.numpy_dtype, na_value=dtype.numpy_dtype.type(0))
    if native.dtype.kind == "f":
        missing = missing | np.isnan(native)  # a nullable float can hold NaN beside NA
    return native, missing


def _read_object_numbers(
    values: pd.Series[Any], missing: NDArray[np.bool_], loose: bool
) -> tuple[NDArray[Any], NDArray[np.bool_]] | None:
    found = pd.api.types.infer_dtype(values, skipna=True)
    dtype: type | None = {"integer": np.int64, "floating": np.float64}.get(found)
    if loose and found in ("integer", "floating", "mixed-integer-float", "boolean", "empty"):
        dtype = np.float64
    if dtype is None or (missing.all() and not loose):
        return None
    native: NDArray[Any] = np.zeros(len(values), dtype=dtype)
    try:
        native[~missing] = values.to_numpy()[~missing].astype(dtype)
    except OverflowError:  # an int of more than 64 bits
        return None
    return native, missing


def write_numbers(native: NDArray[Any], missing: NDArray[np.bool_], dtype: Any, missing_kind: str) -> Any:
    """Inverse of `read_numbers`: an array of ``dtype``, an object column's gaps of ``missing_kind``."""
    if isinstance(dtype, np.dtype):
        written = native.astype(dtype)
        if missing.any():
            written[missing] = MISSING[missing_kind] if dtype.kind == "O" else np.nan
        return written
    plain = native.astype(dtype.numpy_dtype, copy=False)
    if isinstance(dtype, pd.ArrowDtype):
        return _write_arrow_numbers(plain, missing, dtype, missing_kind)
    extension = pd.array(plain, dtype=dtype)
    if missing.any():
        extension[missing] = pd.NA
    return extension


def _write_arrow_numbers(
    native: NDArray[Any], missing: NDArray[np.bool_], dtype: Any, missing_kind: str
) -> Any:
    """There NaN and a gap are two things."""
    import pyarrow as pa  # a column that came from it: it is there

    if missing_kind == "nan" and native.dtype.kind == "f":
        native, missing = np.where(missing, native.dtype.type(np.nan), native), np.zeros_like(missing)
    cells = pa.array(native, mask=missing, type=dtype.pyarrow_dtype, from_pandas=False)
    return pd.arrays.ArrowExtensionArray(cells)  # type: ignore[attr-defined]


def are_texts(cells: Iterable[Any]) -> bool:
    """Whether all cells are text."""
    return all(issubclass(kind, str) for kind in set(map(type, cells)))


def share_texts(values: pd.Series[Any]) -> pd.Series[Any]:
    """The same column with equal texts as one object each, where all cells but gaps are texts.

    What reads a long column of texts that lie all over the memory waits for each of them; this reads them
    once for all that comes after.
    """
    if kind_of(values.dtype) not in ("object", "string") or isinstance(values.dtype, pd.ArrowDtype):
        return values
    if getattr(values.dtype, "storage", "python") != "python":
        return values
    present = values.notna().to_numpy(dtype=bool)
    cells = np.array(values.array, dtype=object)
    texts = cells[present].tolist()
    if set(map(type, texts)) != {str}:
        return values
    known: dict[str, str] = {}
    cells[present] = list(map(known.setdefault, texts, texts))
    return pd.Series(cells, index=values.index, name=values.name, dtype=values.dtype)


def read_levels(values: pd.Series[Any], like: Any = None) -> tuple[NDArray[np.intp], list[Any]]:
    """Cells as indices into a list of distinct Python scalars, -1 where missing; ticks of dates.

    Levels that no cell has may be listed. ``like`` is the dtype whose ticks are meant, as in `read_ticks`.
    Raises TypeError, which ends in the type, for other objects.
    """
    if kind_of(dtype_of(values) if like is None else like) in TICKS:
        return _read_tick_levels(values, like)
    kind = kind_of(values.dtype)
    if kind == "category":
        codes, levels = values.cat.codes.to_numpy().astype(np.intp), level_names(values.cat.categories)
        for level in levels:
            _family(type(level))
        return codes, levels
    if has_named_levels(like):
        return _read_object_levels(values.astype(object).map(str, na_action="ignore").to_numpy())
    if kind == "object":
        return _read_object_levels(values.to_numpy())
    if kind == "string" and getattr(values.dtype, "storage", "pyarrow") == "pyarrow":
        codes, unique = pd.factorize(values)
        return codes, unique.tolist()
    if kind == "string":
        return _read_object_levels(np.asarray(values.array, dtype=object))
    numbers = read_numbers(values)
    if numbers is None:
        raise TypeError(f"Expected text, numbers or bools, got {values.dtype}")
    codes, distinct = pd.factorize(numbers[0])
    codes[numbers[1]] = -1
    return codes, distinct.tolist()


def _read_tick_levels(values: pd.Series[Any], like: Any) -> tuple[NDArray[np.intp], list[Any]]:
    ticks = read_ticks(values, like)
    if ticks is None:
        wanted = kind_of(dtype_of(values) if like is None else like)
        most = " of at most 18 digits" if wanted == "decimal" else ""
        raise TypeError(f"Expected cells that a {wanted}{most} can hold exactly, got {values.dtype}")
    codes, distinct = pd.factorize(ticks[0])
    codes[ticks[1]] = -1
    return codes, distinct.tolist()


def _read_object_levels(cells: NDArray[Any]) -> tuple[NDArray[np.intp], list[Any]]:
    codes = np.full(len(cells), -1, dtype=np.intp)
    present = np.flatnonzero(~pd.isna(cells))
    types = list(map(type, cells[present]))
    families = {kind: _family(kind) for kind in dict.fromkeys(types)}
    levels: list[Any] = []
    for family in dict.fromkeys(families.values()):  # apart, or 1, 1.0 and True would be one level
        chosen = present
        if len(set(families.values())) > 1:
            chosen = present[np.fromiter((families[kind] is family for kind in types), bool, len(types))]
        found, unique = _distinct(cells[chosen])
        codes[chosen] = found + len(levels)
        levels.extend(family(level) for level in unique)
    return codes, levels


def _distinct(cells: NDArray[Any]) -> tuple[NDArray[np.intp], list[Any]]:
    """What pandas.factorize does; that of pandas 2 ends a text at its first NUL."""
    place = {cell: i for i, cell in enumerate(dict.fromkeys(cells))}
    return np.fromiter(map(place.__getitem__, cells), np.intp, len(cells)), list(place)


def _family(kind: type) -> type:
    for family, members in _SCALARS:
        if kind in members or (kind.__module__ == "numpy" and issubclass(kind, members)):
            return family
    raise TypeError(f"Expected text, numbers or bools, got {kind.__name__}")


def write_levels(levels: Sequence[Any], dtype: Any, missing_kind: str | None) -> Any:
    """Array of ``dtype`` holding the levels and, last, a missing value unless ``missing_kind`` is None."""
    if kind_of(dtype) in TICKS:
        ticks = np.array([*levels] if missing_kind is None else [*levels, 0], dtype=np.int64)
        gap = np.arange(len(ticks)) == len(levels)
        return write_ticks(ticks, gap, dtype, missing_kind or "NaT")
    cells = [*levels] if missing_kind is None else [*levels, MISSING[missing_kind]]
    if isinstance(dtype, np.dtype):
        written = np.empty(len(cells), dtype=dtype)
        written[:] = cells
        return written
    if isinstance(dtype, pd.CategoricalDtype):
        own = places_of(levels, dtype)
        if (own < 0).any():
            raise ValueError("A level is none of the categories")
        return pd.Categorical.from_codes([*own, -1][: len(cells)], dtype=dtype)
    if isinstance(dtype, pd.ArrowDtype) and kind_of(dtype) == "number":
        gap = np.arange(len(cells)) == len(levels)
        native: Any = dtype.numpy_dtype  # type: ignore[attr-defined]
        numbers = np.array([*levels, 0][: len(cells)], dtype=native)
        return write_numbers(numbers, gap, dtype, missing_kind or "NA")
    return pd.array([None if pd.isna(cell) else cell for cell in cells], dtype=dtype)


def places_of(levels: Sequence[Any], dtype: pd.CategoricalDtype) -> NDArray[np.intp]:
    """Where levels, as `read_levels` gives them, are among the categories; -1 for what is none of them."""
    own = dtype.categories
    if has_named_levels(dtype):
        own = pd.Index(level_names(own))
    found: NDArray[np.intp] = own.get_indexer(pd.Index([*levels], dtype=own.dtype))
    return found


def missing_kind_of(values: pd.Series[Any]) -> str:
    """The most common kind of missing value: "None", "nan", "NA" or "NaT"."""
    if isinstance(values.dtype, pd.ArrowDtype):  # only its floats have two kinds
        gaps = values.isna().to_numpy(dtype=bool)
        read = read_numbers(values)
        return "nan" if read is not None and 2 * gaps.sum() < read[1].sum() else "NA"
    if kind_of(values.dtype) != "object":
        return "nan"
    cells = values.to_numpy()
    kinds = [type(cell).__name__ for cell in cells[pd.isna(cells)]]
    names = {"NoneType": "None", "NAType": "NA", "NaTType": "NaT"}
    found = [names.get(kind, "nan") for kind in kinds]
    return max(MISSING, key=found.count)


def to_dtype(values: pd.Series[Any], dtype: Any) -> Any:
    """Cells as an array of another dtype, as `dtype_of` found it; a ValueError where that can't be exact."""
    if kind_of(dtype) not in TICKS:
        return values.astype(dtype).array
    ticks = read_ticks(values, dtype)
    if ticks is None:
        raise ValueError(f"Expected cells that a {kind_of(dtype)} can hold exactly, got {values.dtype}")
    return write_ticks(*ticks, dtype, missing_kind_of(values))
