"""What a caller asks of the rows to draw, column by column and row by row, read from what was passed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_scalar

from ganaug._util.frames import as_pandas
from ganaug.exceptions import InvalidConditionError
from ganaug.tabular.wanted import Between, Missing, Present, Wanted

FREE, GIVEN, LEFT_OUT = -1, -2, -3  # of `Ask.which`: nothing is asked; a value is; nobody needs the column
_LISTS = (list, tuple, set, frozenset)
_OBJECTS = (Between, Missing, Present, Wanted, *_LISTS)
_MAX_LISTED = 20


@dataclass(frozen=True, eq=False)
class Ask:
    """What is asked of one column, in each row.

    Parameters
    ----------
    which : array of shape (n_rows,), integers
        `FREE`, `GIVEN`, `LEFT_OUT`, or which of ``wanted`` the cell is to satisfy.
    wanted : tuple of Wanted, default=()
    values : Series of shape (n_rows,), optional
        The cells of the rows that are `GIVEN`; the others mean nothing.
    """

    which: NDArray[np.intp]
    wanted: tuple[Wanted, ...] = ()
    values: pd.Series[Any] | None = None

    @classmethod
    def given_all(cls, values: pd.Series[Any]) -> Ask:
        """These very values."""
        return cls(np.full(len(values), GIVEN), (), values.reset_index(drop=True))

    @classmethod
    def within_all(cls, wanted: Wanted, n: int) -> Ask:
        """The same condition in each of ``n`` rows."""
        return cls(np.zeros(n, dtype=np.intp), (wanted,))

    @property
    def is_given(self) -> NDArray[np.bool_]:
        """In which rows a value is asked for."""
        return self.which == GIVEN

    def of_rows(self, rows: Any) -> Ask:
        """The same for some of the rows."""
        values = None if self.values is None else self.values.iloc[rows].reset_index(drop=True)
        return replace(self, which=self.which[rows], values=values)

    def put(self, column: Any) -> Any:
        """Write the given values into a column that was drawn (an array of n_rows), in its own dtype."""
        rows = np.flatnonzero(self.is_given)
        if self.values is None or not len(rows):
            return column
        written = column.copy()
        written[rows] = self.values.iloc[rows].astype(column.dtype).array
        return written


Asks = dict[Hashable, Ask]


def read_conditions(
    conditions: Any, n: int | None, columns: Sequence[Hashable], *, extrapolate: bool = False
) -> tuple[Asks, int | None]:
    """Read what a caller passed as ``conditions``.

    Parameters
    ----------
    conditions : mapping of column to condition, DataFrame of shape (n_rows, n_conditions), or None
        A mapping's conditions hold in every row; a frame has a row for each. A condition is a value, a
        list, tuple or set of values, `Between`, `Missing` or `Present`.
    n : int or None
        Rows to draw, where that is known.
    columns : sequence of hashable
        Those that there are.
    extrapolate : bool, default=False
        What `Wanted.extrapolate` says of all of them.

    Returns
    -------
    asks : dict of column to Ask
    n : int or None
        That of a frame, where it wasn't known.

    Raises
    ------
    InvalidConditionError
        An unknown column, a frame of another length, or something that is no condition.
    """
    conditions = as_pandas(conditions)
    if conditions is None:
        return {}, n
    if isinstance(conditions, pd.DataFrame):
        _check_frame(conditions, n)
        n = len(conditions)
        _check_columns(list(conditions.columns), columns)
        pairs = [(name, conditions.iloc[:, place]) for place, name in enumerate(conditions.columns)]
        return {name: _ask_of_cells(name, cells, extrapolate) for name, cells in pairs}, n
    if not isinstance(conditions, Mapping):
        raise InvalidConditionError(f"conditions must be a dict or a DataFrame, got {conditions!r:.80}")
    _check_columns(list(conditions), columns)
    rows = n or 1
    return {name: _ask_of_all(name, entry, rows, extrapolate) for name, entry in conditions.items()}, n


def as_wanted(name: Hashable, condition: Any, extrapolate: bool = False) -> Wanted:
    """A condition as a caller writes it, whatever its kind; one value is a set of one."""
    if isinstance(condition, Wanted):
        return condition
    if isinstance(condition, Between):
        return Wanted(low=condition.low, high=condition.high, extrapolate=extrapolate)
    if isinstance(condition, Missing):
        return Wanted(values=(), missing=True)
    if isinstance(condition, Present):
        return Wanted()
    cells = list(condition) if isinstance(condition, _LISTS) else [condition]
    if not cells:
        raise InvalidConditionError(f"The condition on column {name!r} must list at least one value, got []")
    for cell in cells:
        if not is_scalar(cell):
            raise InvalidConditionError(
                f"The condition on column {name!r} must be a value, a list of values, Between, Missing or "
                f"Present; for a condition per row pass a DataFrame. Got {cell!r:.80}"
            )
    gaps = [cell for cell in cells if pd.isna(cell)]
    kept = dict.fromkeys(cell for cell in cells if not pd.isna(cell))
    # a set's own order isn't the same in every process
    values = sorted(kept, key=lambda cell: (type(cell).__name__, repr(cell)))
    return Wanted(values=tuple(values), missing=bool(gaps), extrapolate=extrapolate)


def satisfies(values: pd.Series[Any], wanted: Wanted) -> NDArray[np.bool_]:
    """Which cells of a column satisfy a condition."""
    missing = values.isna().to_numpy(dtype=bool)
    if wanted.values is not None:
        good = values.isin(list(wanted.values)).to_numpy(dtype=bool)
    else:
        good = np.ones(len(values), dtype=bool)
        present = values[~missing]
        for bound, is_in in ((wanted.low, present.ge), (wanted.high, present.le)):
            if bound is not None:
                good[~missing] &= is_in(bound).to_numpy(dtype=bool)
    return np.where(missing, wanted.missing, good)


def _ask_of_all(name: Hashable, condition: Any, n: int, extrapolate: bool) -> Ask:
    if is_scalar(condition) or isinstance(condition, Missing):
        cell = None if isinstance(condition, Missing) else condition
        return Ask.given_all(pd.Series([cell] * n, dtype=object))
    wanted = as_wanted(name, condition, extrapolate)
    if wanted.values is not None and len(wanted.values) + wanted.missing == 1:
        return Ask.given_all(pd.Series([*wanted.values, None][:1] * n, dtype=object))
    return Ask.within_all(wanted, n)


def _ask_of_cells(name: Hashable, cells: pd.Series[Any], extrapolate: bool) -> Ask:
    """A column of a frame of conditions, whose cells may be values and conditions of any kind."""
    cells = cells.reset_index(drop=True).copy()
    is_plain = np.array([not isinstance(cell, _OBJECTS) for cell in cells]) if cells.dtype == object else None
    if is_plain is None or is_plain.all():
        return Ask.given_all(cells)
    which = np.full(len(cells), GIVEN)
    found: dict[Wanted, int] = {}
    for row in np.flatnonzero(~is_plain).tolist():
        if isinstance(cells[row], Missing):
            cells.iloc[row] = None
        else:
            wanted = as_wanted(name, cells[row], extrapolate)
            which[row] = found.setdefault(wanted, len(found))
    return Ask(which, tuple(found), cells)


def _check_frame(conditions: pd.DataFrame, n: int | None) -> None:
    if n is not None and len(conditions) != n:
        raise InvalidConditionError(
            f"conditions must have a row for each of the {n} rows to draw, got {len(conditions)}"
        )
    if not len(conditions):
        raise InvalidConditionError("conditions must have at least one row, got 0")
    if not conditions.columns.is_unique:
        repeated = conditions.columns[conditions.columns.duplicated()][0]
        raise InvalidConditionError(f"conditions name a column more than once: {repeated!r}")


def _check_columns(asked: Sequence[Hashable], columns: Sequence[Hashable]) -> None:
    unknown = [name for name in asked if name not in columns]
    if unknown:
        known = ", ".join(map(repr, columns[:_MAX_LISTED]))
        raise InvalidConditionError(
            f"conditions name a column that the table hasn't; it has {known}: {unknown[0]!r}"
        )


def read_counts(
    counts: Any, n: int | None, columns: Sequence[Hashable]
) -> tuple[dict[Hashable, tuple[tuple[Wanted, ...], NDArray[np.intp]]], int | None]:
    """Read what a caller passed as ``counts``: for each column, how many rows shall satisfy each condition.

    Parameters
    ----------
    counts : mapping of column to mapping of condition to number of rows, or None
        Keys are values, tuples of values, `Between`, `Missing` or `Present`.
    n : int or None
        Rows to draw, where that is known.
    columns : sequence of hashable

    Returns
    -------
    dict of column to (conditions, numbers of rows)
    n : int or None
        The sum of the numbers, where it wasn't known.

    Raises
    ------
    InvalidConditionError
        An unknown column, a number that isn't one, or sums that differ.
    """
    if counts is None:
        return {}, n
    if not isinstance(counts, Mapping) or not counts:
        raise InvalidConditionError(
            f"counts must be a dict such as {{'city': {{'Lyon': 10, 'Paris': 20}}}}, got {counts!r:.80}"
        )
    _check_columns(list(counts), columns)
    found = {name: _read_quota(name, each) for name, each in counts.items()}
    for name, (_, numbers) in found.items():
        n = int(numbers.sum()) if n is None else n
        if numbers.sum() != n or n < 1:
            raise InvalidConditionError(
                f"counts of column {name!r} must add up to the {n} rows to draw, got {numbers.sum()}"
            )
    return found, n


def _read_quota(name: Hashable, each: Any) -> tuple[tuple[Wanted, ...], NDArray[np.intp]]:
    if not isinstance(each, Mapping) or not each:
        raise InvalidConditionError(
            f"counts of column {name!r} must be a dict of numbers of rows, got {each!r:.80}"
        )
    for key, number in each.items():
        if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < 0:
            raise InvalidConditionError(
                f"counts of column {name!r} must be whole numbers >= 0; for {key!r} got {number!r}"
            )
    wanted = tuple(as_wanted(name, key) for key in each)
    return wanted, np.array([int(number) for number in each.values()], dtype=np.intp)
