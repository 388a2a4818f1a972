"""Constraints on single columns: a range, a list of values; and rows that differ from each other."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug._util.cells import missing_kind_of
from ganaug._util.dtypes import MISSING, dtype_from_state, dtype_to_state
from ganaug.exceptions import InvalidConditionError, ModelFileError
from ganaug.tabular.conditions import Asks
from ganaug.tabular.constraints.base import (
    Constraint,
    Step,
    scalar_from_state,
    scalar_to_state,
    untranslatable,
)
from ganaug.tabular.wanted import Wanted


@dataclass(frozen=True)
class Range(Constraint):
    """A column's values lie between two bounds, both included.

    Numbers and dates are never drawn beyond what the training rows had; so this says that those are right,
    and holds conditions with ``extrapolate=True`` within the bounds.

    Parameters
    ----------
    column : hashable
    low, high : scalar, optional
        None is no bound.
    strict : bool, default=False
        Whether the bounds themselves are excluded.
    """

    kind: ClassVar[str] = "range"
    column: Hashable
    low: Any = None
    high: Any = None
    strict: bool = False

    @property
    def needs(self) -> tuple[Hashable, ...]:
        """The column."""
        return (self.column,)

    def broken_by(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Rows outside the bounds."""
        return ~self.holds(frame[self.column])

    def holds(self, values: pd.Series[Any]) -> NDArray[np.bool_]:
        """Which cells are within the bounds, or missing."""
        missing = values.isna().to_numpy(dtype=bool)
        present, good = values[~missing], np.ones(len(values), dtype=bool)
        above, below = (present.gt, present.lt) if self.strict else (present.ge, present.le)
        for bound, is_in in ((self.low, above), (self.high, below)):
            if bound is not None and len(present):
                good[~missing] &= is_in(bound).to_numpy(dtype=bool)
        return good

    def fit(self, frame: pd.DataFrame) -> Step:
        """Nothing is to be learned."""
        return RangeStep(self)


class Positive(Range):
    """A column's numbers are above zero: a `Range` from 0, strictly.

    Parameters
    ----------
    column : hashable
    """

    def __init__(self, column: Hashable) -> None:
        super().__init__(column, low=0, strict=True)


class RangeStep(Step):
    """The table stays as it is: drawn values are within those of the training rows."""

    def translate(self, asks: Asks, n: int, strict: bool) -> Asks:
        """Values asked for must be within the bounds; ranges beyond them are cut."""
        ask = asks.get(self.constraint.column)
        if ask is None or not strict:
            return asks
        if ask.values is not None:
            given = ask.values[ask.is_given]
            broken = ~self.constraint.holds(given)
            if broken.any():
                raise untranslatable(
                    self.constraint.column,
                    self.constraint,
                    f"it isn't within the bounds, {given[broken].iloc[0]!r}",
                )
        cut = tuple(self._cut(wanted) if wanted.extrapolate else wanted for wanted in ask.wanted)
        return {**asks, self.constraint.column: replace(ask, wanted=cut)}

    def _cut(self, wanted: Wanted) -> Wanted:
        if wanted.values is not None:
            kept = self.constraint.holds(pd.Series(wanted.values, dtype=object))
            return replace(
                wanted, values=tuple(v for v, good in zip(wanted.values, kept, strict=True) if good)
            )
        lows = [bound for bound in (wanted.low, self._inner(self.constraint.low, 1)) if bound is not None]
        highs = [bound for bound in (wanted.high, self._inner(self.constraint.high, -1)) if bound is not None]
        low, high = max(lows, default=None), min(highs, default=None)
        if low is not None and high is not None and not low <= high:
            raise untranslatable(self.constraint.column, self.constraint, f"nothing is left of it, {wanted}")
        return replace(wanted, low=low, high=high)

    def _inner(self, bound: Any, sign: int) -> Any:
        """A bound that is itself excluded, one step further in."""
        if bound is None or not self.constraint.strict:
            return bound
        if isinstance(bound, pd.Timestamp | pd.Timedelta):
            return bound + sign * pd.Timedelta(1, "ns")
        return float(np.nextafter(bound, sign * np.inf))

    def to_state(self) -> dict[str, Any]:
        """The constraint."""
        own = self.constraint
        return {
            "column": own.column,
            "low": scalar_to_state(own.low),
            "high": scalar_to_state(own.high),
            "strict": own.strict,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> RangeStep:
        """Inverse of `to_state`."""
        low, high = (scalar_from_state(state[key]) for key in ("low", "high"))
        found = Range(state["column"], low, high, state["strict"] is True)
        positive = Positive(state["column"])
        return cls(positive if (found.low, found.high, found.strict) == (0, None, True) else found)


@dataclass(frozen=True)
class OneOf(Constraint):
    """A column's values are among those listed, also where they are numbers that could lie between.

    Those that the training rows don't have are allowed, and never drawn.

    Parameters
    ----------
    column : hashable
    values : iterable of scalars
    """

    kind: ClassVar[str] = "one_of"
    column: Hashable
    values: tuple[Any, ...]

    def __init__(self, column: Hashable, values: Iterable[Any]) -> None:
        listed = tuple(dict.fromkeys(values))
        if not listed or isinstance(values, str):
            raise ValueError(f"OneOf must list at least one value for column {column!r}, got {values!r}")
        object.__setattr__(self, "column", column)
        object.__setattr__(self, "values", listed)

    @property
    def needs(self) -> tuple[Hashable, ...]:
        """The column."""
        return (self.column,)

    def broken_by(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Rows with another value."""
        column = frame[self.column]
        return ~(column.isin(list(self.values)) | column.isna()).to_numpy(dtype=bool)

    def fit(self, frame: pd.DataFrame) -> Step:
        """Learn the column's dtype."""
        column = frame[self.column]
        return OneOfStep(self, column.dtype, missing_kind_of(column))


class OneOfStep(Step):
    """The column is a category, whatever it was."""

    def __init__(self, constraint: OneOf, dtype: Any, missing: str) -> None:
        super().__init__(constraint)
        self.dtype, self.missing = dtype, missing

    def forward(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Values as categories."""
        name, values = self.constraint.column, list(self.constraint.values)
        if isinstance(self.dtype, pd.CategoricalDtype):
            return frame
        return _with(frame, name, pd.Categorical(frame[name], values))

    def inverse(self, frame: pd.DataFrame, asks: Asks) -> pd.DataFrame:
        """Categories back to the column's dtype."""
        name = self.constraint.column
        if isinstance(self.dtype, pd.CategoricalDtype):
            return frame
        column = frame[name].astype(self.dtype)
        if self.dtype == object:
            column[frame[name].isna()] = MISSING[self.missing]
        return _with(frame, name, column)

    def to_state(self) -> dict[str, Any]:
        """The constraint and the column's dtype."""
        values = [scalar_to_state(value) for value in self.constraint.values]
        return {
            "column": self.constraint.column,
            "values": values,
            "dtype": dtype_to_state(self.dtype),
            "missing": self.missing,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> OneOfStep:
        """Inverse of `to_state`."""
        if state["missing"] not in MISSING:
            raise ModelFileError("A constraint in the file is broken.")
        values = [scalar_from_state(value) for value in state["values"]]
        return cls(OneOf(state["column"], values), dtype_from_state(state["dtype"]), state["missing"])


@dataclass(frozen=True)
class Unique(Constraint):
    """No two rows of a draw have the same values in these columns; rows with a gap in one are exempt.

    Rows that repeat earlier ones are drawn again, under the same conditions. In `sample_batches` that goes
    for all batches together, which takes some memory for each row.

    Parameters
    ----------
    columns : hashable or list of hashable
    """

    kind: ClassVar[str] = "unique"
    columns: tuple[Hashable, ...]

    def __init__(self, columns: Hashable | list[Hashable]) -> None:
        given = tuple(columns) if isinstance(columns, list | tuple) else (columns,)
        object.__setattr__(self, "columns", given)

    @property
    def needs(self) -> tuple[Hashable, ...]:
        """The columns."""
        return self.columns

    def broken_by(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Rows that repeat an earlier one."""
        keys = frame[list(self.columns)]
        return (keys.duplicated() & keys.notna().all(axis=1)).to_numpy(dtype=bool)

    def fit(self, frame: pd.DataFrame) -> Step:
        """Nothing is to be learned."""
        return UniqueStep(self)


class UniqueStep(Step):
    """The table stays as it is; `repeats` finds what is to be drawn again."""

    def repeats(self, frame: pd.DataFrame, seen: set[int]) -> NDArray[np.bool_]:
        """Which rows repeat an earlier one, or one that was seen; the others' keys are added to ``seen``."""
        keys = frame[list(self.constraint.columns)]
        exempt = keys.isna().any(axis=1).to_numpy(dtype=bool)
        repeated = self.constraint.broken_by(frame)
        hashes = pd.util.hash_pandas_object(keys.astype(object), index=False).to_numpy()
        if seen:
            repeated |= np.fromiter((int(key) in seen for key in hashes), bool, len(hashes)) & ~exempt
        seen.update(hashes[~repeated & ~exempt].tolist())
        return repeated

    def translate(self, asks: Asks, n: int, strict: bool) -> Asks:
        """Values that repeat can't be asked for in all of the columns."""
        own = [asks.get(name) for name in self.constraint.columns]
        if strict and all(ask is not None and ask.values is not None for ask in own):
            given = [ask for ask in own if ask is not None and ask.values is not None]
            rows = np.logical_and.reduce([ask.is_given for ask in given])
            frame = pd.DataFrame({place: ask.values for place, ask in enumerate(given)})[rows]
            if (frame.duplicated() & frame.notna().all(axis=1)).any():
                raise InvalidConditionError(
                    f"The conditions ask for two rows with the same {list(self.constraint.columns)!r}, which "
                    f"{self.constraint!r} forbids."
                )
        return asks

    def to_state(self) -> dict[str, Any]:
        """The constraint."""
        return {"columns": list(self.constraint.columns)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> UniqueStep:
        """Inverse of `to_state`."""
        return cls(Unique(list(state["columns"])))


def _with(frame: pd.DataFrame, name: Hashable, column: Any) -> pd.DataFrame:
    """A frame with one column replaced, whatever its name is."""
    changed = frame.copy(deep=False)
    changed[name] = column
    return changed
