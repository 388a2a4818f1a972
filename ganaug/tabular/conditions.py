"""What a caller may ask of the rows drawn, turned into fields that are known beforehand.

A known field is never drawn: what was asked for holds in every row, without rejection.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_scalar

from ganaug._util.cells import dtype_of, to_dtype
from ganaug._util.frames import as_pandas
from ganaug.exceptions import InvalidConditionError, InvalidTableError
from ganaug.tabular.codec import TableCodec
from ganaug.tabular.columns import NumberCodec

Known = dict[int, NDArray[np.integer[Any]]]


def read_conditions(conditions: Any, n: int | None, codec: TableCodec) -> pd.DataFrame | None:
    """Conditions as a frame with a row for each row to draw.

    Parameters
    ----------
    conditions : mapping of column to value, DataFrame of shape (n_rows, n_conditions), or None
        A mapping's values hold in every row; a frame has a row for each.
    n : int or None
        Rows to draw, where that is known.
    codec : TableCodec

    Returns
    -------
    DataFrame or None

    Raises
    ------
    InvalidConditionError
        An unknown column, or a frame of another length.
    """
    conditions = as_pandas(conditions)
    if conditions is None:
        return None
    if isinstance(conditions, pd.DataFrame):
        if n is not None and len(conditions) != n:
            raise InvalidConditionError(
                f"conditions must have a row for each of the {n} rows to draw, got {len(conditions)}"
            )
        if not len(conditions):
            raise InvalidConditionError("conditions must have at least one row, got 0")
        frame = conditions.reset_index(drop=True)
    elif isinstance(conditions, Mapping):
        for column, value in conditions.items():
            if not is_scalar(value):
                raise InvalidConditionError(
                    f"The condition on column {column!r} must be one value; for a value per row pass a "
                    f"DataFrame. Got {value!r:.80}"
                )
        frame = pd.DataFrame({k: pd.Series([v] * (n or 1), dtype=object) for k, v in conditions.items()})
    else:
        raise InvalidConditionError(f"conditions must be a dict or a DataFrame, got {conditions!r:.80}")
    unknown = [column for column in frame.columns if column not in codec.columns]
    if unknown:
        known = ", ".join(map(repr, codec.columns[:20]))
        raise InvalidConditionError(
            f"conditions name a column that the table hasn't; it has {known}: {unknown[0]!r}"
        )
    if not frame.columns.is_unique:
        repeated = frame.columns[frame.columns.duplicated()][0]
        raise InvalidConditionError(f"conditions name a column more than once: {repeated!r}")
    return frame


def known_codes(frame: pd.DataFrame, codec: TableCodec, first_field: int = 0) -> Known:
    """Codes of the columns that a frame gives, by position of their field.

    Raises
    ------
    InvalidConditionError
        A value that the column never had, or beyond its range.
    """
    known: Known = {}
    for position in range(frame.shape[1]):
        column, values = frame.columns[position], frame.iloc[:, position]
        span = codec.field_of(column)
        codes = _encode(codec.codec_of(column), column, values)
        for offset in range(span.stop - span.start):
            known[first_field + span.start + offset] = codes[:, offset]
    return known


def _encode(column_codec: Any, column: Hashable, values: pd.Series[Any]) -> NDArray[np.integer[Any]]:
    try:
        codes: NDArray[np.integer[Any]] = column_codec.encode(values, unseen="raise")
    except InvalidTableError as error:
        raise InvalidConditionError(f"The condition can't be met. {error}") from error
    if isinstance(column_codec, NumberCodec):
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        lowest, highest = column_codec.ends.tolist()
        beyond = (numbers < lowest) | (numbers > highest)
        if beyond.any():
            raise InvalidConditionError(
                f"The condition on column {column!r} is beyond the range that the column had, {lowest!r} to "
                f"{highest!r}: {numbers[beyond].tolist()[0]!r}"
            )
        broken = np.nan_to_num(numbers) % 1 != 0
        if np.issubdtype(column_codec.ends.dtype, np.integer) and broken.any():
            raise InvalidConditionError(
                f"Column {column!r} holds whole numbers; got {numbers[broken].tolist()[0]!r}"
            )
    return codes


def put_exactly(table: pd.DataFrame, frame: pd.DataFrame) -> None:
    """Write the values that were asked for into a table that was drawn, in its own dtypes."""
    for position in range(frame.shape[1]):
        column = frame.columns[position]
        table[column] = to_dtype(frame.iloc[:, position], dtype_of(table[column]))
