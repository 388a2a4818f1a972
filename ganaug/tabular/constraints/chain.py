"""Constraints one after another: a table to the one that is modelled, and back."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug._util.dtypes import dtype_from_state, dtype_to_state, index_from_state, index_to_state
from ganaug.exceptions import ModelFileError
from ganaug.tabular.conditions import LEFT_OUT, Ask, Asks, satisfies
from ganaug.tabular.constraints.base import Constraint, Step, check_rows
from ganaug.tabular.constraints.combinations import CombinationsStep, FixedCombinations
from ganaug.tabular.constraints.inequality import Inequality, InequalityStep
from ganaug.tabular.constraints.measure import replace_cells
from ganaug.tabular.constraints.simple import OneOf, OneOfStep, Range, RangeStep, Unique, UniqueStep
from ganaug.tabular.constraints.transformed import Transformed, TransformedStep

_STEPS: dict[str, type[Step]] = {
    FixedCombinations.kind: CombinationsStep,
    Inequality.kind: InequalityStep,
    OneOf.kind: OneOfStep,
    Range.kind: RangeStep,
    Transformed.kind: TransformedStep,
    Unique.kind: UniqueStep,
}


@dataclass(frozen=True, eq=False)
class Chain:
    """Steps in their order, each for the table that those before it make.

    Parameters
    ----------
    steps : tuple of Step
    columns : pandas.Index
        Of the table that comes in; empty without steps.
    dtypes : tuple of dtype
        Of those columns.
    """

    steps: tuple[Step, ...] = ()
    columns: pd.Index[Any] = field(default_factory=lambda: pd.RangeIndex(0))
    dtypes: tuple[Any, ...] = ()

    @classmethod
    def fit(cls, constraints: Sequence[Constraint], frame: pd.DataFrame) -> tuple[Chain, pd.DataFrame]:
        """Learn all of them; also the table that is modelled.

        Raises
        ------
        InvalidTableError
            Rows that break a constraint, of which the first are shown, or a column that there isn't.
        """
        if not constraints:
            return cls(), frame
        columns, dtypes, steps = frame.columns, tuple(frame.dtypes), []
        for constraint in constraints:
            check_rows(constraint, frame)
            steps.append(constraint.fit(frame))
            frame = steps[-1].forward(frame)
        return cls(tuple(steps), columns, dtypes), frame

    @property
    def shadows(self) -> frozenset[Hashable]:
        """Modelled columns that are drawn only where they are asked for."""
        return frozenset().union(*(step.shadows for step in self.steps))

    def check(self, frame: pd.DataFrame) -> None:
        """Raise for rows that break a constraint."""
        for step in self.steps:
            check_rows(step.constraint, frame)
            frame = step.forward(frame)

    def broken_by(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Which rows don't satisfy all constraints."""
        broken = np.zeros(len(frame), dtype=bool)
        for step in self.steps:
            broken |= step.broken_by(frame)
            frame = step.forward(frame)
        return broken

    def forward(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The table that is modelled in place of this one."""
        for step in self.steps:
            frame = step.forward(frame)
        return frame

    def translate(self, asks: Asks, n: int, *, strict: bool = True) -> list[Asks]:
        """What is asked of the table, and of those that each step makes of it; the last is modelled."""
        stages = [asks]
        for step in self.steps:
            stages.append(step.translate(stages[-1], n, strict))
        known = stages[-1]
        idle = {name: Ask(np.full(n, LEFT_OUT)) for name in self.shadows if name not in known}
        return [*stages[:-1], {**known, **idle}]

    def inverse(self, frame: pd.DataFrame, stages: Sequence[Asks]) -> pd.DataFrame:
        """Rows that satisfy every constraint, from modelled rows, in the columns' own order and dtypes."""
        if not self.steps:
            return frame
        for step, asks in zip(reversed(self.steps), reversed(stages[1:]), strict=True):
            frame = step.inverse(frame, asks)
        frame = frame[list(self.columns)].set_axis(self.columns, axis=1)
        for place, dtype in enumerate(self.dtypes):
            if frame.dtypes.iloc[place] != dtype:
                frame.isetitem(place, frame.iloc[:, place].astype(dtype).array)
        return _held(frame, stages[0])

    def repeats(
        self, frame: pd.DataFrame, seen: dict[int, set[int]], identifiers: Collection[Hashable] = ()
    ) -> NDArray[np.bool_]:
        """Which rows a `Unique` forbids, given what was seen; the keys of the others are added to that.

        What identifiers are in can't repeat: they are numbered anew afterwards, apart from each other.
        """
        found = np.zeros(len(frame), dtype=bool)
        for place, step in enumerate(self.steps):
            if isinstance(step, UniqueStep) and not set(identifiers) & set(step.constraint.columns):
                found |= step.repeats(frame, seen.setdefault(place, set()))
        return found

    @property
    def is_unique(self) -> bool:
        """Whether there is a `Unique` among the constraints."""
        return any(isinstance(step, UniqueStep) for step in self.steps)

    def to_state(self) -> dict[str, Any]:
        """JSON-able description."""
        return {
            "steps": [{"kind": step.constraint.kind, **step.to_state()} for step in self.steps],
            "columns": index_to_state(self.columns),
            "dtypes": [dtype_to_state(dtype) for dtype in self.dtypes],
        }

    @classmethod
    def from_state(cls, state: Any) -> Chain:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`."""
        if state is None:
            return cls()
        try:
            columns = index_from_state(state["columns"])
            dtypes = tuple(dtype_from_state(dtype) for dtype in state["dtypes"])
            steps = tuple(_STEPS[entry["kind"]].from_state(entry) for entry in state["steps"])
        except ModelFileError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise ModelFileError("The constraints in the file are broken.") from error
        if len(columns) != len(dtypes):
            raise ModelFileError("The constraints in the file are broken.")
        return cls(steps, columns, dtypes)

    def with_functions(self, constraints: Sequence[Constraint]) -> Chain:
        """The same with a user's functions, which no file holds; `ModelFileError` where they are lacking."""
        given = [*constraints, *[None] * len(self.steps)]
        steps = [
            step.with_functions(own) if isinstance(step, TransformedStep) else step
            for step, own in zip(self.steps, given, strict=False)
        ]
        return Chain(tuple(steps), self.columns, self.dtypes)


def check_constraints(constraints: Any) -> None:
    """Raise a TypeError unless these are constraints."""
    if not isinstance(constraints, list | tuple) or not all(isinstance(c, Constraint) for c in constraints):
        raise TypeError(f"constraints must be a list of ganaug.constraints, got {constraints!r}")


def _held(frame: pd.DataFrame, asks: Asks) -> pd.DataFrame:
    """Numbers that a sum has rounded out of what was asked for are put back: a last place, no more."""
    for name, ask in asks.items():
        for place, wanted in enumerate(ask.wanted):
            rows = np.flatnonzero(ask.which == place)
            column = frame[name].iloc[rows]
            wrong = ~satisfies(column, wanted) & column.notna().to_numpy(dtype=bool)
            if wrong.any():
                if wanted.values is not None:
                    near = [min(wanted.values, key=lambda value: abs(value - cell)) for cell in column[wrong]]
                else:
                    near = column[wrong].clip(wanted.low, wanted.high).tolist()
                cells = pd.Series(near, dtype=object).astype(frame[name].dtype).array
                mask = np.zeros(len(frame), dtype=bool)
                mask[rows[wrong]] = True
                frame[name] = replace_cells(frame[name], cells, mask)
    return frame
