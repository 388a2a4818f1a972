"""Drawn rows below real ones, in the container and the dtypes of the real ones."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ganaug._util.frames import to_frame
from ganaug.exceptions import ContractError


def stacked(X: Any, drawn: Any, n_drawn: int) -> Any:
    """Real rows, then those that a synthesizer drew.

    Parameters
    ----------
    X : table of shape (n_samples, n_features)
    drawn : table of shape (n_drawn, n_features)
        In any container: floats for a column of whole numbers are rounded.
    n_drawn : int
        How many were asked for.

    Returns
    -------
    table of shape (n_samples + n_drawn, n_features)
        In the container and dtypes of ``X``; a pandas frame is numbered from 0.

    Raises
    ------
    ContractError
        The synthesizer drew something else than was asked for.
    """
    real, container = to_frame(X)
    rows, _ = to_frame(drawn, min_rows=0)
    asked = (n_drawn, real.shape[1])
    if rows.shape != asked:
        raise ContractError(f"The synthesizer was to draw rows and columns {asked}, and drew {rows.shape}")
    pairs = [(real.iloc[:, place], rows.iloc[:, place]) for place in range(real.shape[1])]
    columns = [pd.concat([had, _of_dtype(has, had.dtype)], ignore_index=True) for had, has in pairs]
    return container.rebuild([column.array for column in columns])


def _of_dtype(column: pd.Series[Any], dtype: Any) -> pd.Series[Any]:
    if column.dtype == dtype:
        return column
    if pd.api.types.is_integer_dtype(dtype) and pd.api.types.is_float_dtype(column.dtype):
        column = column.round()  # from a synthesizer that knows floats only
    return column.astype(dtype)
