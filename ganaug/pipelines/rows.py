"""Drawn rows: below real ones in their container and dtypes, kept to what real ones support, thinned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

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


def beside(X: Any, numbers: pd.DataFrame) -> Any:
    """A table with further columns after its own, in pandas; the table itself where there are none."""
    if not numbers.shape[1]:
        return X
    frame, _ = to_frame(X)
    labels = frame.columns.tolist()
    if all(isinstance(label, str) for label in labels):
        free = (f"output_{place}" for place in range(2 * (len(labels) + numbers.shape[1])))
        more: list[Any] = [name for name in free if name not in labels][: numbers.shape[1]]
    else:
        highest = max((int(label) for label in labels if isinstance(label, int)), default=-1)
        more = [highest + 1 + place for place in range(numbers.shape[1])]
    added = numbers.set_axis(more, axis=1).reset_index(drop=True)
    return pd.concat([frame, added], axis=1)


def kept_to_others(
    X: Any, drawn: Any, labels: NDArray[Any], asked: NDArray[Any], single: Sequence[Any]
) -> pd.DataFrame:
    """Rows drawn for classes of one row, without what no row of another class supports.

    One row doesn't show how its class varies. A drawn number beyond all those of the other classes, or a
    level that they don't have, gives way to the cell of that row.

    Parameters
    ----------
    X, drawn : table of shape (n_samples, n_features), (n_drawn, n_features)
    labels, asked : array of shape (n_samples,), (n_drawn,)
    single : sequence of labels
        The classes of one row.
    """
    real, rows = to_frame(X)[0], to_frame(drawn, min_rows=0)[0]
    columns = []
    for place in range(real.shape[1]):
        had, cells = real.iloc[:, place], rows.iloc[:, place]
        for label in single:
            kept = (asked != label) | _is_supported(cells, had[labels != label])
            cells = cells.where(kept, had[labels == label].iloc[0])
        columns.append(cells)
    return pd.concat(columns, axis=1)


def _is_supported(cells: pd.Series[Any], others: pd.Series[Any]) -> NDArray[np.bool_]:
    is_level = pd.api.types.is_bool_dtype(others.dtype) or not pd.api.types.is_numeric_dtype(others.dtype)
    if is_level and not pd.api.types.is_datetime64_any_dtype(others.dtype):
        return np.asarray(cells.isin(others), dtype=bool)
    inside = cells.between(others.min(), others.max()).fillna(False).to_numpy(dtype=bool)
    return inside | (cells.isna().to_numpy(dtype=bool) & bool(others.isna().any()))


def thinned(n_real: int, labels: NDArray[Any], share: float, *, by_class: bool) -> NDArray[np.intp]:
    """Positions of the real rows, and of the first of the drawn ones, a share of each class."""
    drawn = pd.Series(labels[n_real:])
    kinds = drawn if by_class else pd.Series(0, index=drawn.index)
    within = drawn.groupby(kinds).cumcount().to_numpy()
    n_kept = np.rint(share * kinds.map(kinds.value_counts()).to_numpy(dtype=np.float64))
    return np.concatenate([np.arange(n_real), n_real + np.flatnonzero(within < n_kept)])


def _of_dtype(column: pd.Series[Any], dtype: Any) -> pd.Series[Any]:
    if column.dtype == dtype:
        return column
    if pd.api.types.is_integer_dtype(dtype) and pd.api.types.is_float_dtype(column.dtype):
        column = column.round()  # from a synthesizer that knows floats only
    return column.astype(dtype)
