"""Tables in and out: the only file that touches a dataframe library's API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import check_array

from ganaug._util.dtypes import MISSING, index_from_state, index_to_state, kind_of, numpy_dtype_from
from ganaug.exceptions import InvalidTableError, ModelFileError

_SCALARS: tuple[tuple[type, tuple[type, ...]], ...] = (
    (bool, (bool, np.bool_)),
    (int, (int, np.integer)),
    (float, (float, np.floating)),
    (str, (str, np.str_)),
)
_WIDEST_TEXT = 1_000_000  # bytes of a cell of a text array; a file that says more means harm


# --- whole tables -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Container:
    """What a table came in, so that another one can be given back in the same.

    Parameters
    ----------
    columns : pandas.Index
        The column labels, with their own dtype and name.
    array_dtype : numpy.dtype or None
        The dtype of the 2-D array that came in; None for a DataFrame.
    array_order : {"C", "F"}
        The memory layout of that array.
    """

    columns: pd.Index[Any]
    array_dtype: np.dtype[Any] | None = None
    array_order: str = "C"

    def rebuild(self, columns: Sequence[Any]) -> pd.DataFrame | NDArray[Any]:
        """Put decoded columns (one array of n_rows per column) back into the container."""
        if self.array_dtype is None:
            return assemble(columns, self.columns)
        n_rows = len(columns[0]) if len(columns) else 0
        order: Any = self.array_order
        table: NDArray[Any] = np.empty((n_rows, len(columns)), dtype=self.array_dtype, order=order)
        for position, column in enumerate(columns):
            # Through a list, a cell of an object array is a Python scalar, as pandas would give it.
            table[:, position] = column.tolist() if table.dtype.kind == "O" else column
        return table

    def takes(self, dtypes: Sequence[Any]) -> bool:
        """Whether columns of these dtypes are what `to_frame` makes of such a container."""
        if self.array_dtype is None:
            return True
        plain = self.array_dtype if self.array_dtype.kind in "biuf" else np.dtype(object)
        return all(dtype == plain for dtype in dtypes)

    def to_state(self) -> dict[str, Any]:
        """JSON-able description."""
        array = None if self.array_dtype is None else self.array_dtype.str
        return {"columns": index_to_state(self.columns), "array": array, "order": self.array_order}

    @classmethod
    def from_state(cls, state: Any) -> Container:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`."""
        if not isinstance(state, dict) or state.get("order") not in ("C", "F"):
            raise ModelFileError("The description of the table's container is broken.")
        array = state.get("array")
        dtype = None if array is None else numpy_dtype_from(array, kinds="biufOU")
        if dtype is not None and dtype.itemsize > _WIDEST_TEXT:
            raise ModelFileError(f"The file's array has cells of {dtype.itemsize} bytes, which is too many.")
        return cls(index_from_state(state.get("columns")), dtype, state["order"])


def to_frame(X: Any, *, min_rows: int = 1) -> tuple[pd.DataFrame, Container]:
    """Read any table that we accept.

    Parameters
    ----------
    X : pandas.DataFrame, array or list of lists, of shape (n_rows, n_columns)
        The table. An array's columns are named 0, 1, ...
    min_rows : int, default 1
        Fewer rows are an error.

    Returns
    -------
    frame : pandas.DataFrame
        The same cells, with a fresh row index.
    container : Container
        How to give a table back in the form of ``X``.

    Raises
    ------
    InvalidTableError
        The table is empty, or its column names can't tell the columns apart.
    TypeError
        ``X`` is a kind of table that isn't accepted.
    """
    _refuse_other_containers(X)
    if isinstance(X, pd.DataFrame):
        _check_labels(X.columns)
        _check_shape(X.shape, min_rows)
        frame = X.copy(deep=False)
        frame.index = pd.RangeIndex(len(frame))
        return frame, Container(X.columns)
    array = _read_array(X, min_rows)
    order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    frame = pd.DataFrame(array, copy=False, dtype=None if array.dtype.kind in "biuf" else object)
    return frame, Container(frame.columns, array.dtype, order)


def assemble(columns: Sequence[Any], labels: pd.Index[Any]) -> pd.DataFrame:
    """DataFrame of the given columns under exactly this index of labels."""
    frame = pd.DataFrame(dict(enumerate(columns)), copy=False)
    frame.columns = labels
    return frame


def columns_of_frame(frame: pd.DataFrame) -> list[Any]:
    """One array per column: a plain one where the dtype is numpy's."""
    columns = (frame.iloc[:, place] for place in range(frame.shape[1]))
    return [c.to_numpy() if isinstance(c.dtype, np.dtype) else c.array for c in columns]


def _refuse_other_containers(X: Any) -> None:
    if sparse.issparse(X):
        raise TypeError("Sparse input is not supported. Pass a dense table: X.toarray().")
    if isinstance(X, np.ma.MaskedArray):
        raise TypeError("Masked arrays are not supported. Pass X.filled(numpy.nan), or a DataFrame.")
    if isinstance(X, pd.Series | pd.Index):
        raise InvalidTableError(
            f"Expected a table with columns, got a pandas {type(X).__name__}. Use to_frame() for one column."
        )
    if isinstance(X, pd.DataFrame):
        return
    if nw.from_native(X, allow_series=True, pass_through=True) is not X:
        kind = f"{type(X).__module__.partition('.')[0]} {type(X).__name__}"
        raise TypeError(
            f"Expected a pandas DataFrame or a 2-D array. Call .to_pandas() first on this {kind}."
        )


def _read_array(X: Any, min_rows: int) -> NDArray[Any]:
    try:
        array = np.asarray(X)
        if array.dtype.kind in "US" and not isinstance(X, np.ndarray):
            array = np.asarray(X, dtype=object)  # numpy would turn the numbers of a mixed list into text
            if all(isinstance(cell, str) for cell in array.flat):
                array = np.asarray(X)
        # Infinity is left to the codecs, which name the column.
        checked = check_array(
            array, dtype=None, ensure_all_finite=False, ensure_min_samples=min_rows, input_name="X"
        )
    except ValueError as error:
        raise InvalidTableError(str(error)) from error
    result: NDArray[Any] = checked
    return result


def _check_shape(shape: tuple[int, int], min_rows: int) -> None:
    for count, unit, least in ((shape[0], "sample", min_rows), (shape[1], "feature", 1)):
        if count < least:
            raise InvalidTableError(
                f"Found array with {count} {unit}(s) (shape={shape}) while a minimum of {least} is required."
            )


def _check_labels(labels: pd.Index[Any]) -> None:
    if labels.nlevels > 1:
        raise InvalidTableError(
            f"Column names of {labels.nlevels} levels are not supported. "
            "Join them: df.columns = df.columns.map('_'.join)."
        )
    if not labels.is_unique:
        repeated = labels[labels.duplicated()][0]
        raise InvalidTableError(
            f"Column names must differ from each other; used more than once: {repeated!r}"
        )


# --- columns ------------------------------------------------------------------------------------------------


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
    missing = values.isna().to_numpy(dtype=bool)
    if kind == "object":
        return _read_object_numbers(values, missing, loose)
    if kind not in ("number", "bool"):
        return None
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
    extension = pd.array(native.astype(dtype.numpy_dtype, copy=False), dtype=dtype)
    if missing.any():
        extension[missing] = pd.NA
    return extension


def read_levels(values: pd.Series[Any]) -> tuple[NDArray[np.intp], list[Any]]:
    """Cells as indices into a list of distinct Python scalars, -1 where missing.

    Levels that no cell has may be listed. Raises TypeError, which ends in the type, for other objects.
    """
    kind = kind_of(values.dtype)
    if kind == "category":
        codes, levels = values.cat.codes.to_numpy().astype(np.intp), values.cat.categories.tolist()
        for level in levels:
            _family(type(level))
        return codes, levels
    if kind == "object":
        return _read_object_levels(values.to_numpy())
    if kind == "string":
        codes, unique = pd.factorize(values)
        return codes, unique.tolist()
    numbers = read_numbers(values)
    if numbers is None:
        raise TypeError(f"Expected text, numbers or bools, got {values.dtype}")
    codes, distinct = pd.factorize(numbers[0])
    codes[numbers[1]] = -1
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
        found, unique = pd.factorize(cells[chosen])
        codes[chosen] = found + len(levels)
        levels.extend(family(level) for level in unique)
    return codes, levels


def _family(kind: type) -> type:
    for family, members in _SCALARS:
        if kind in members or (kind.__module__ == "numpy" and issubclass(kind, members)):
            return family
    raise TypeError(f"Expected text, numbers or bools, got {kind.__name__}")


def write_levels(levels: Sequence[Any], dtype: Any, missing_kind: str | None) -> Any:
    """Array of ``dtype`` holding the levels and, last, a missing value unless ``missing_kind`` is None."""
    cells = [*levels] if missing_kind is None else [*levels, MISSING[missing_kind]]
    if isinstance(dtype, np.dtype):
        written = np.empty(len(cells), dtype=dtype)
        written[:] = cells
        return written
    return pd.array([None if pd.isna(cell) else cell for cell in cells], dtype=dtype)


def missing_kind_of(values: pd.Series[Any]) -> str:
    """The most common kind of missing value: "None", "nan", "NA" or "NaT"."""
    if kind_of(values.dtype) != "object":
        return "nan"
    cells = values.to_numpy()
    kinds = [type(cell).__name__ for cell in cells[pd.isna(cells)]]
    names = {"NoneType": "None", "NAType": "NA", "NaTType": "NaT"}
    found = [names.get(kind, "nan") for kind in kinds]
    return max(MISSING, key=found.count)
