"""Tables in and out: with `arrow` and `cells` the only files that touch a dataframe library's API.

Inside, a table is a pandas frame with dtypes that the column codecs read; columns of pyarrow and polars keep
their arrow type there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from narwhals import dependencies
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import check_array, column_or_1d

from ganaug._util import arrow
from ganaug._util.dtypes import ObjectDtype, index_from_state, index_to_state, numpy_dtype_from
from ganaug.exceptions import InvalidTableError, ModelFileError

_WIDEST_TEXT = 1_000_000  # bytes of a cell of a text array; a file that says more means harm
_LIBRARIES = ("pandas", "polars", "pyarrow", "numpy", "list")


@dataclass(frozen=True, eq=False)
class Container:
    """What a table came in, so that another one can be given back in the same.

    Parameters
    ----------
    columns : pandas.Index
        The column labels, with their own dtype and name.
    library : {"pandas", "polars", "pyarrow", "numpy", "list"}
        Whose table it was; "list" is a list of lists.
    schema : tuple
        For each column its dtype of polars, field of pyarrow, or, in a pandas frame, its arrow type where
        that isn't the one inside, else None. Empty for arrays and lists.
    metadata : dict of bytes, optional
        What a pyarrow table carried beside its columns. It isn't saved.
    array_dtype : numpy.dtype or None
        The dtype of the 2-D array that came in; None for a frame.
    array_order : {"C", "F"}
        The memory layout of that array.
    """

    columns: pd.Index[Any]
    library: str = "pandas"
    schema: tuple[Any, ...] = ()
    metadata: dict[bytes, bytes] | None = None
    array_dtype: np.dtype[Any] | None = None
    array_order: str = "C"

    def select(self, positions: Sequence[int]) -> Container:
        """The same with some of the columns."""
        schema = tuple(self.schema[at] for at in positions) if self.schema else ()
        return replace(self, columns=self.columns[list(positions)], schema=schema)

    def rebuild(self, columns: Sequence[Any]) -> Any:
        """Put decoded columns (one array of n_rows per column) back into the container."""
        if self.array_dtype is not None:
            table = self._array(columns)
            return table.tolist() if self.library == "list" else table
        pairs = list(zip(columns, self.schema, strict=True))
        if self.library == "pandas":
            own = [column if kind is None else arrow.write_pandas(column, kind) for column, kind in pairs]
            return assemble(own, self.columns)
        if self.library == "polars":
            return arrow.write_polars(self.columns.tolist(), columns, self.schema)
        return arrow.write_table(columns, self.schema, self.metadata)

    def rebuild_column(self, column: Any, name: Any) -> Any:
        """The one column of a container that `to_column` made, as it came."""
        table = self.rebuild([column])
        if self.library == "pandas":
            return table.iloc[:, 0].rename(name)
        if self.library == "polars":
            return table.to_series(0).alias(name)
        if self.library == "pyarrow":
            return table.column(0)
        return [row[0] for row in table] if self.library == "list" else table[:, 0]

    def takes(self, dtypes: Sequence[Any]) -> bool:
        """Whether columns of these dtypes are what `to_frame` makes of such a container."""
        if self.array_dtype is not None:
            inside = _frame_of(np.empty((0, 1), self.array_dtype)).dtypes.iloc[0]
            holds_any = inside == np.dtype(object)
            return all(dtype == inside or (holds_any and isinstance(dtype, ObjectDtype)) for dtype in dtypes)
        return all(map(arrow.fits, dtypes, self.schema))

    def to_state(self) -> dict[str, Any]:
        """JSON-able description."""
        return {
            "columns": index_to_state(self.columns),
            "library": self.library,
            "schema": list(map(arrow.to_state, self.schema)),
            "array": None if self.array_dtype is None else self.array_dtype.str,
            "order": self.array_order,
        }

    @classmethod
    def from_state(cls, state: Any) -> Container:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`."""
        broken = ModelFileError("The description of the table's container is broken.")
        if not isinstance(state, dict) or state.get("order") not in ("C", "F"):
            raise broken
        columns, library = index_from_state(state.get("columns")), state.get("library")
        schema, array = state.get("schema"), state.get("array")
        dtype = None if array is None else numpy_dtype_from(array, kinds="biufOUmM")
        if dtype is not None and dtype.itemsize > _WIDEST_TEXT:
            raise ModelFileError(f"The file's array has cells of {dtype.itemsize} bytes, which is too many.")
        holds_array = library in ("numpy", "list")
        n_entries = 0 if holds_array else len(columns)
        if library not in _LIBRARIES or not isinstance(schema, list) or len(schema) != n_entries:
            raise broken
        if holds_array != (dtype is not None):
            raise broken
        entries = arrow.from_state(library, columns.tolist(), schema)
        return cls(columns, library, entries, array_dtype=dtype, array_order=state["order"])

    def _array(self, columns: Sequence[Any]) -> NDArray[Any]:
        n_rows = len(columns[0]) if len(columns) else 0
        order: Any = self.array_order
        table: NDArray[Any] = np.empty((n_rows, len(columns)), dtype=self.array_dtype, order=order)
        for position, column in enumerate(columns):
            # Through a list, a cell of an object array is a Python scalar, as pandas would give it.
            table[:, position] = column.tolist() if table.dtype.kind == "O" else column
        return table


# --- whole tables -------------------------------------------------------------------------------------------


def to_frame(X: Any, *, min_rows: int = 1) -> tuple[pd.DataFrame, Container]:
    """Read any table that we accept.

    Parameters
    ----------
    X : pandas or polars DataFrame, pyarrow Table, array or list of lists, of shape (n_rows, n_columns)
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
    ImportError
        ``X`` needs pyarrow, which isn't installed.
    """
    _refuse_other_containers(X)
    if not is_frame(X):
        array = _read_array(X, min_rows)
        order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
        frame = _frame_of(array)
        library = "list" if isinstance(X, list | tuple) else "numpy"
        return frame, Container(frame.columns, library, array_dtype=array.dtype, array_order=order)
    labels = _labels(X)
    _check_labels(labels)
    _check_shape((len(X), len(labels)), min_rows)
    if dependencies.is_polars_dataframe(X):
        frame = assemble([arrow.read_polars(series) for series in X.get_columns()], labels)
        return frame, Container(labels, "polars", tuple(series.dtype for series in X.get_columns()))
    if dependencies.is_pyarrow_table(X):
        frame = assemble([arrow.read_arrow(column) for column in X.columns], labels)
        return frame, Container(labels, "pyarrow", tuple(X.schema), X.schema.metadata)
    frame = X.copy(deep=False)
    frame.index = pd.RangeIndex(len(frame))
    kinds = list(map(arrow.outer_type, frame.dtypes))
    if any(kind is not None for kind in kinds):
        columns = [frame.iloc[:, position].array for position in range(frame.shape[1])]
        pairs = zip(columns, kinds, strict=True)
        frame = assemble([c if kind is None else arrow.read_pandas(c) for c, kind in pairs], labels)
    return frame, Container(labels, schema=tuple(kinds))


def to_column(y: Any) -> tuple[pd.Series[Any], Container]:
    """Read one column in any form that we accept; `Container.rebuild_column` gives it back.

    Parameters
    ----------
    y : pandas or polars Series, pyarrow ChunkedArray, array or list of shape (n_rows,)

    Returns
    -------
    column : pandas.Series
        The same cells, with a fresh row index.
    container : Container
        Of a table with that column alone.
    """
    if isinstance(y, pd.Series):
        table: Any = y.to_frame("y")
    elif dependencies.is_polars_series(y):
        table = y.alias("y").to_frame()
    elif dependencies.is_pyarrow_chunked_array(y):
        table = arrow.import_arrow("Columns of arrow").table({"y": y})
    else:
        cells = column_or_1d(y, warn=True)
        listed = isinstance(y, list | tuple) and len(y) > 0
        table = [[cell] for cell in y] if listed else cells[:, None]
    frame, container = to_frame(table, min_rows=0)
    return frame.iloc[:, 0], container


def is_frame(X: Any) -> bool:
    """Whether this is a frame of a library that we know: its columns have names."""
    known = (dependencies.is_polars_dataframe, dependencies.is_pyarrow_table)
    return isinstance(X, pd.DataFrame) or any(is_known(X) for is_known in known)


def as_pandas(X: Any) -> Any:
    """A polars frame or pyarrow table as a pandas frame; all else as it is."""
    return to_frame(X, min_rows=0)[0] if is_frame(X) and not isinstance(X, pd.DataFrame) else X


def header_of(X: Any) -> Any:
    """What scikit-learn may look at to note the number of columns, and their names where all are text."""
    if not is_frame(X):
        if isinstance(X, np.ndarray) and X.ndim == 1:
            raise InvalidTableError(
                "Expected a table, got an array of one dimension. Reshape your data: X.reshape(-1, 1) if it "
                f"is one column, X.reshape(1, -1) if it is one row; its shape is {X.shape}"
            )
        return X
    labels = _labels(X)
    are_text = all(isinstance(label, str) for label in labels)
    return pd.DataFrame(columns=labels) if are_text else np.empty((0, len(labels)))


def assemble(columns: Sequence[Any], labels: pd.Index[Any]) -> pd.DataFrame:
    """DataFrame of the given columns under exactly this index of labels."""
    # With a dtype that is given, pandas doesn't look for a better one.
    series = {i: pd.Series(column, dtype=column.dtype, copy=False) for i, column in enumerate(columns)}
    frame = pd.DataFrame(series, copy=False)
    frame.columns = labels
    return frame


def with_rows(frame: pd.DataFrame, rows: NDArray[np.intp], others: pd.DataFrame) -> pd.DataFrame:
    """A frame with the rows of another one, of the same columns and dtypes, in the place of some."""
    columns = []
    for place in range(frame.shape[1]):
        cells = frame.iloc[:, place].array.copy()
        cells[rows] = others.iloc[:, place].array
        columns.append(cells)
    return assemble(columns, frame.columns)


def _labels(X: Any) -> pd.Index[Any]:
    if isinstance(X, pd.DataFrame):
        labels: pd.Index[Any] = X.columns
        return labels
    names = list(nw.from_native(X).schema) if dependencies.is_polars_dataframe(X) else X.column_names
    return pd.Index(names, dtype=object)


def _frame_of(array: NDArray[Any]) -> pd.DataFrame:
    return pd.DataFrame(array, copy=False, dtype=None if array.dtype.kind in "biufmM" else object)


def columns_of_frame(frame: pd.DataFrame) -> list[Any]:
    """One array per column: a plain one where the dtype is numpy's."""
    columns = (frame.iloc[:, place] for place in range(frame.shape[1]))
    return [c.to_numpy() if isinstance(c.dtype, np.dtype) else c.array for c in columns]


def _refuse_other_containers(X: Any) -> None:
    if is_frame(X):
        return
    if sparse.issparse(X):
        raise TypeError("Sparse input is not supported. Pass a dense table: X.toarray().")
    if isinstance(X, np.ma.MaskedArray):
        raise TypeError("Masked arrays are not supported. Pass X.filled(numpy.nan), or a DataFrame.")
    _refuse_python_tables(X)
    kind = f"{type(X).__module__.partition('.')[0]} {type(X).__name__}"
    is_column = dependencies.is_polars_series(X) or dependencies.is_pyarrow_chunked_array(X)
    if isinstance(X, pd.Series | pd.Index) or is_column:
        raise InvalidTableError(
            f"Expected a table with columns, not one column. Use to_frame(); got a {kind}"
        )
    if dependencies.is_polars_lazyframe(X):
        raise TypeError("A polars LazyFrame holds no rows yet. Call .collect() first.")
    if nw.from_native(X, allow_series=True, pass_through=True) is not X or kind.startswith("pyarrow "):
        raise TypeError(
            "Expected a DataFrame of pandas or polars, a pyarrow Table or a 2-D array. "
            f"Call .to_pandas() first on this {kind}."
        )


def _refuse_python_tables(X: Any) -> None:
    """Dicts, lists of them and arrays of records, of which numpy would make one column of objects."""
    fields = getattr(getattr(X, "dtype", None), "names", None)
    is_listed = isinstance(X, list | tuple) and len(X) > 0 and isinstance(X[0], Mapping)
    if isinstance(X, Mapping) or is_listed or fields:
        kind = type(X[0] if is_listed else X).__name__
        what = f"{'a list of' if is_listed else 'a'} {kind}{' of records' if fields else ''}"
        raise TypeError(f"Expected a table. Pass pandas.DataFrame(X); got {what}")


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
