"""Columns of arrow and polars as what the codecs read, and back; pyarrow and polars are imported when used.

A column keeps its arrow type inside (as a pandas ``ArrowDtype``) but for these, which pandas can't work with:

================ ===========================
outside          inside
================ ===========================
dictionary, Enum category, with every level
null             object, all None
string_view      large_string
================ ===========================
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ganaug._util.dtypes import arrow_type_from, dtype_from_state, dtype_to_state
from ganaug.exceptions import ModelFileError, RejectColumn

_DICTIONARY = re.compile(r"dictionary<values=([^<>]+), indices=(u?int(?:8|16|32|64)), ordered=([01])>")


def import_arrow(needed_for: str) -> Any:
    """The library pyarrow, or an ImportError that names the extra."""
    try:
        import pyarrow
    except ImportError as error:
        raise ImportError(f'{needed_for} need pyarrow: pip install "ganaug[parquet]".') from error
    return pyarrow


def outer_type(dtype: Any) -> Any:
    """The arrow type of a pandas column that is another one inside; None for all others."""
    kind = dtype.pyarrow_dtype if isinstance(dtype, pd.ArrowDtype) else None
    return kind if str(kind) in ("null", "string_view") or _DICTIONARY.fullmatch(str(kind)) else None


def read_arrow(cells: Any) -> Any:
    """Cells of arrow, an Array or a ChunkedArray, as an array for a column inside."""
    pa = import_arrow("Tables of arrow")
    cells = cells if isinstance(cells, pa.ChunkedArray) else pa.chunked_array([cells])
    if pa.types.is_null(cells.type):
        return np.full(len(cells), None, dtype=object)
    if pa.types.is_dictionary(cells.type):
        return _read_dictionary(cells)
    if str(cells.type) == "string_view":
        cells = cells.cast(pa.large_string())
    return pd.arrays.ArrowExtensionArray(cells)  # type: ignore[attr-defined]


def _read_dictionary(cells: Any) -> pd.Categorical:
    cells = cells.unify_dictionaries().combine_chunks()
    levels = cells.dictionary.to_pylist()
    if None in levels or len(set(levels)) < len(levels):  # arrow allows that
        cells = cells.dictionary_decode().dictionary_encode()
        levels = cells.dictionary.to_pylist()
    codes = cells.indices.cast("int64").fill_null(-1).to_numpy()
    return pd.Categorical.from_codes(codes, levels, ordered=bool(cells.type.ordered))


def write_arrow(column: Any, kind: Any) -> Any:
    """Inverse of `read_arrow`: an Array of this arrow type."""
    pa = import_arrow("Tables of arrow")
    if pa.types.is_null(kind):
        return pa.nulls(len(column))
    if pa.types.is_dictionary(kind):
        levels = pa.array(column.categories.tolist(), type=kind.value_type)
        codes = np.asarray(column.codes).astype(np.int64)
        indices = pa.array(codes, mask=codes < 0).cast(kind.index_type)
        return pa.DictionaryArray.from_arrays(indices, levels, ordered=kind.ordered)
    cells = pa.array(column)
    cells = cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells
    return cells if cells.type == kind else cells.cast(kind)


def read_pandas(column: Any) -> Any:
    """A column of a pandas frame that has an `outer_type`, for inside."""
    return read_arrow(import_arrow("Tables of arrow").array(column))


def write_pandas(column: Any, kind: Any) -> Any:
    """Inverse of `read_pandas`."""
    return pd.arrays.ArrowExtensionArray(write_arrow(column, kind))  # type: ignore[attr-defined]


def write_table(columns: Sequence[Any], fields: Sequence[Any], metadata: dict[bytes, bytes] | None) -> Any:
    """A pyarrow Table of columns from inside."""
    pa = import_arrow("Tables of arrow")
    cells = [write_arrow(column, field.type) for column, field in zip(columns, fields, strict=True)]
    return pa.Table.from_arrays(cells, schema=pa.schema(fields, metadata=metadata))


def read_polars(series: Any) -> Any:
    """Cells of a polars Series as an array for a column inside."""
    import_arrow("Tables of polars")
    try:
        return read_arrow(series.alias("").to_arrow())  # a NUL in a name would make it panic
    except (TypeError, ValueError, NotImplementedError) as error:  # arrow has no such type
        raise RejectColumn(
            f"Column {series.name!r} is of a dtype that is not supported; cast it, or drop it: {series.dtype}"
        ) from error


def write_polars(names: Sequence[str], columns: Sequence[Any], dtypes: Sequence[Any]) -> Any:
    """A polars DataFrame of columns from inside."""
    import polars as pl

    kinds = map(_polars_to_arrow, dtypes)
    columns = list(map(write_arrow, columns, kinds))
    frame = pl.DataFrame({name: pl.Series(column) for name, column in zip(names, columns, strict=True)})
    return frame.cast(dict(zip(names, dtypes, strict=True)))  # an Enum went through a Categorical


# --- files --------------------------------------------------------------------------------------------------


def to_state(entry: Any) -> Any:
    """JSON-able description of what a container notes of a column."""
    if hasattr(entry, "nullable"):  # a field of pyarrow
        return [str(entry.type), entry.nullable]
    if _is_enum(entry):
        return dtype_to_state(pd.CategoricalDtype(entry.categories.to_list(), ordered=True))
    return None if entry is None else str(_type_of(entry))


def from_state(library: str, names: Sequence[Any], states: Sequence[Any]) -> tuple[Any, ...]:
    """Inverse of `to_state` for all columns; anything else is a `ModelFileError`."""
    if library == "pandas":
        return tuple(None if state is None else _type_from(state) for state in states)
    if library in ("polars", "pyarrow") and not all(isinstance(name, str) for name in names):
        raise ModelFileError("The names of the columns in the file are broken.")
    if library == "polars":
        return tuple(map(_polars_from, states))
    return tuple(map(_field_from, names, states))


def fits(dtype: Any, entry: Any) -> bool:
    """Whether a column of this dtype inside is one that a container with this note can give back."""
    if entry is None:
        return True
    kind = _type_of(entry)
    name = str(kind)
    found = _DICTIONARY.fullmatch(name)
    if not found:
        known = {"null": np.dtype(object), "string_view": _arrow_dtype("large_string")}
        return bool(dtype == (known[name] if name in known else pd.ArrowDtype(kind)))
    if not isinstance(dtype, pd.CategoricalDtype) or bool(dtype.ordered) != kind.ordered:
        return False
    if len(dtype.categories) > np.iinfo(found[2]).max:
        return False
    if _is_enum(entry):
        return bool(entry.categories.to_list() == dtype.categories.tolist())
    try:
        write_arrow(pd.Categorical([], dtype=dtype), kind)
    except (TypeError, ValueError, OverflowError, NotImplementedError):
        return False
    return True


def _arrow_dtype(name: str) -> Any:
    return pd.ArrowDtype(arrow_type_from(name))


def _is_enum(entry: Any) -> bool:
    return type(entry).__name__ == "Enum" and type(entry).__module__.startswith("polars")


def _type_of(entry: Any) -> Any:
    """The arrow type of a polars dtype, of a field of pyarrow, or of itself."""
    if type(entry).__module__.startswith("polars"):
        return _polars_to_arrow(entry)
    return entry.type if hasattr(entry, "nullable") else entry


def _polars_to_arrow(dtype: Any) -> Any:
    import polars as pl

    return pl.Series([], dtype=dtype).to_arrow().type


def _type_from(name: Any) -> Any:
    """Arrow type from its name in a file."""
    if not isinstance(name, str):
        raise ModelFileError(f"Unknown type of a column in the file: {name!r:.80}")
    pa = import_arrow("Tables of arrow")
    found = _DICTIONARY.fullmatch(name)
    if found:
        return pa.dictionary(arrow_type_from(found[2]), _type_from(found[1]), found[3] == "1")
    if name == "string_view" and hasattr(pa, "string_view"):
        return pa.string_view()
    return pa.null() if name == "null" else arrow_type_from(name)


def _field_from(name: str, state: Any) -> Any:
    if not isinstance(state, list) or len(state) != 2 or not isinstance(state[1], bool):
        raise ModelFileError(f"Unknown type of a column in the file: {state!r:.80}")
    return import_arrow("Tables of arrow").field(name, _type_from(state[0]), nullable=state[1])


def _polars_from(state: Any) -> Any:
    try:
        import polars as pl
    except ImportError as error:
        raise ImportError("This model gives polars tables: pip install polars.") from error
    pa = import_arrow("Tables of polars")
    if isinstance(state, dict):
        categories = getattr(dtype_from_state(state), "categories", None)
        if categories is None or not all(isinstance(level, str) for level in categories):
            raise ModelFileError(f"Unknown type of a column in the file: {state!r:.80}")
        return pl.Enum(categories.tolist())
    try:
        return pl.Series("", pa.array([], _type_from(state))).dtype
    except pl.exceptions.PolarsError as error:  # it has no such type
        raise ModelFileError(f"Unknown type of a column in the file: {state!r:.80}") from error
