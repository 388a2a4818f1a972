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

from ganaug._util.dtypes import index_from_state, index_to_state, numpy_dtype_from
from ganaug.exceptions import InvalidTableError, ModelFileError

_WIDEST_TEXT = 1_000_000  # bytes of a cell of a text array; a file that says more means harm


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
