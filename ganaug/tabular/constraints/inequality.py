"""One column never above another: what is modelled is the lower one and the difference."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug.exceptions import InvalidConditionError
from ganaug.tabular.conditions import FREE, GIVEN, LEFT_OUT, Ask, Asks
from ganaug.tabular.constraints.base import Constraint, Step, fresh_name, untranslatable
from ganaug.tabular.constraints.measure import Measure, replace_cells
from ganaug.tabular.wanted import Wanted


@dataclass(frozen=True)
class Inequality(Constraint):
    """In every row, ``low`` is at most ``high`` (or missing, or ``high`` is).

    Numbers, dates and durations. What is modelled beside ``low`` is the difference, which can't be negative.
    A value for either column can be given as a condition, and `complete` fills either; a range or a list on
    ``high`` needs a value for ``low`` beside it.

    Parameters
    ----------
    low, high : hashable
        The two columns.
    strict : bool, default=False
        Whether they must differ.
    """

    kind: ClassVar[str] = "inequality"
    low: Hashable
    high: Hashable
    strict: bool = False

    @property
    def needs(self) -> tuple[Hashable, ...]:
        """Both columns."""
        return (self.low, self.high)

    def broken_by(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Rows in which the difference has the wrong sign."""
        measure = Measure.of(frame[self.low], frame[self.high], repr(self))
        low, high = measure.read(frame[self.low]), measure.read(frame[self.high])
        wrong = low[0] >= high[0] if self.strict else low[0] > high[0]
        return wrong & ~low[1] & ~high[1]

    def fit(self, frame: pd.DataFrame) -> Step:
        """Learn in what to measure, the ends of both columns, and how they are missing."""
        low, high = frame[self.low], frame[self.high]
        is_lonely = (low.isna() & high.notna()).any()
        measure = Measure.of(low, high, repr(self))
        name = fresh_name(f"{self.high} - {self.low}", frame.columns)
        return InequalityStep(self, measure, name, bool(is_lonely), bool(low.isna().any()))


class InequalityStep(Step):
    """A column with the difference beside the two; the higher one is drawn only where nothing else tells it.

    Parameters
    ----------
    constraint : Inequality
    measure : Measure
        How both columns are read and written.
    name : str
        Of the column with the difference.
    is_lonely : bool
        Whether ``high`` was ever present where ``low`` was missing.
    has_gaps : bool
        Whether ``low`` was ever missing.
    """

    def __init__(
        self, constraint: Inequality, measure: Measure, name: str, is_lonely: bool, has_gaps: bool
    ) -> None:
        super().__init__(constraint)
        self.measure, self.name = measure, name
        self.is_lonely, self.has_gaps = is_lonely, has_gaps

    @property
    def shadows(self) -> frozenset[Hashable]:
        """The higher one, which the other two tell."""
        return frozenset() if self.is_lonely else frozenset([self.constraint.high])

    @cached_property
    def _least(self) -> float:
        """The smallest difference."""
        return float(np.nextafter(0.0, 1.0)) if self.constraint.strict else 0.0

    def forward(self, frame: pd.DataFrame) -> pd.DataFrame:
        """With the difference as one more column, after the higher one."""
        low, high = (self.measure.read(frame[name]) for name in self.constraint.needs)
        changed = frame.copy(deep=False)
        place: Any = frame.columns.get_loc(self.constraint.high)
        changed.insert(place + 1, self.name, self.measure.difference(low, high))
        return changed

    def inverse(self, frame: pd.DataFrame, asks: Asks) -> pd.DataFrame:
        """The higher one from the lower one and the difference; the other way where the higher is given."""
        low, high = (self.measure.read(frame[name]) for name in self.constraint.needs)
        difference, gap = self.measure.read_difference(frame[self.name])
        downwards = _state(asks, self.constraint.low, len(frame)) == LEFT_OUT
        upwards = ~downwards & ~low[1]
        low_found = self.measure.below(high[0], difference, self.constraint.strict)
        high_found = self.measure.above(low[0], difference, self.constraint.strict)
        alone = low[1] & ~downwards  # then the higher one was drawn by itself, if there is such a thing
        high_gap = np.where(
            upwards, gap, high[1] | (alone & (not self.is_lonely) & ~self._is_given(asks, len(frame)))
        )
        changed = frame.drop(columns=self.name)
        for place, found, computed, missing in (
            (0, low_found, downwards, gap),
            (1, high_found, upwards, high_gap),
        ):
            name, was_missing = self.constraint.needs[place], (low, high)[place][1]
            rows = computed | (missing & ~was_missing if place else computed)
            if rows.any():
                cells = self.measure.write(found[rows], missing[rows], place)
                changed[name] = replace_cells(changed[name], cells, rows)
        return changed

    def _is_given(self, asks: Asks, n: int) -> NDArray[np.bool_]:
        return _state(asks, self.constraint.high, n) == GIVEN

    def translate(self, asks: Asks, n: int, strict: bool) -> Asks:
        """Conditions on the higher one, as conditions on the difference."""
        rows = _Rows(self, asks, n, strict)
        low, high, difference = rows.translated()
        own = {self.constraint.low: low, self.constraint.high: high, self.name: difference}
        return {**asks, **{name: ask for name, ask in own.items() if (ask.which != FREE).any()}}

    def to_state(self) -> dict[str, Any]:
        """The constraint, and what was learned."""
        own = self.constraint
        return {
            "low": own.low,
            "high": own.high,
            "strict": own.strict,
            "name": self.name,
            "is_lonely": self.is_lonely,
            "has_gaps": self.has_gaps,
            "measure": self.measure.to_state(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> InequalityStep:
        """Inverse of `to_state`."""
        constraint = Inequality(state["low"], state["high"], state["strict"] is True)
        measure = Measure.from_state(state["measure"])
        flags = state["is_lonely"] is True, state["has_gaps"] is True
        return cls(constraint, measure, str(state["name"]), *flags)


class _Rows:
    """What is asked of both columns, row by row, on its way to the three that are modelled."""

    def __init__(self, step: InequalityStep, asks: Asks, n: int, strict: bool) -> None:
        self.step, self.strict, self.n = step, strict, n
        self.asks = [asks.get(name, Ask(np.full(n, FREE))) for name in step.constraint.needs]
        for name, ask in zip(step.constraint.needs, self.asks, strict=True):
            if (ask.which == LEFT_OUT).any() and strict:
                raise untranslatable(name, step.constraint, "two constraints would decide this column")
        self.values, self.gaps = zip(*(self._given(ask) for ask in self.asks), strict=True)
        self.wanted: dict[Wanted, int] = {}
        self.which = np.full(n, FREE)
        self.number = np.zeros(n)
        self.missing = np.zeros(n, dtype=bool)

    def _given(self, ask: Ask) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        if ask.values is None:
            return np.zeros(self.n), np.zeros(self.n, dtype=bool)
        numbers, missing = self.step.measure.read(ask.values.where(ask.is_given))
        return numbers, missing & ask.is_given

    def translated(self) -> tuple[Ask, Ask, Ask]:
        """What is asked of the lower one, of the higher one, and of the difference."""
        low, high = (ask.which.copy() for ask in self.asks)
        is_low, is_high = low == GIVEN, high == GIVEN
        gone = self.gaps[0] | self.gaps[1]
        self._both(is_low & is_high & ~gone)
        self.which[gone], self.missing[gone] = GIVEN, True
        up, down = is_low & ~is_high & ~gone, is_high & ~is_low & ~gone
        self._shift(up, self.asks[1], given=0)
        self._shift(down, self.asks[0], given=1)
        self._neither(~is_low & ~is_high, low, high)
        high[up], low[down] = LEFT_OUT, LEFT_OUT
        high[self.gaps[0] & (high == FREE) & (not self.step.is_lonely)] = LEFT_OUT
        values = self.step.measure.as_difference(self.number, self.missing)
        asks = [Ask(state, ask.wanted, ask.values) for state, ask in zip((low, high), self.asks, strict=True)]
        if self.present is not None:
            asks[0] = Ask(asks[0].which, (*asks[0].wanted, self.present), asks[0].values)
        return asks[0], asks[1], Ask(self.which, tuple(self.wanted), values)

    present: Wanted | None = None

    def _both(self, rows: NDArray[np.bool_]) -> None:
        """Two values: their difference."""
        found = self.values[1] - self.values[0]
        wrong = rows & (found < self.step._least)
        if wrong.any() and self.strict:
            row = int(np.argmax(wrong))
            pair = tuple(ask.values.iloc[row] for ask in self.asks if ask.values is not None)
            raise InvalidConditionError(f"The conditions break {self.step.constraint!r}: {pair!r}")
        good = rows & ~wrong
        self.which[good], self.number[good] = GIVEN, found[good]
        self.which[wrong] = LEFT_OUT

    def _shift(self, rows: NDArray[np.bool_], other: Ask, given: int) -> None:
        """One value, and a condition on the other column (or none): a condition on the difference."""
        for row in np.flatnonzero(rows & (other.which >= 0)):
            wanted = self._shifted(other.wanted[other.which[row]], self.values[given][row], given)
            self.which[row] = self.wanted.setdefault(wanted, len(self.wanted))

    def _shifted(self, wanted: Wanted, value: Any, given: int) -> Wanted:
        sign = 1 if given == 0 else -1  # of the other column in the difference

        def gap(bound: Any) -> Any:
            return None if bound is None else sign * (self.step.measure.number(bound) - value)

        if wanted.values is not None:
            kept = tuple(d for d in map(gap, wanted.values) if d >= self.step._least)
            low = high = None
            empty = not kept and not wanted.missing
        else:
            kept, ends = None, [gap(wanted.low), gap(wanted.high)][::sign]
            low = self.step._least if ends[0] is None else max(ends[0], self.step._least)
            high, empty = ends[1], ends[1] is not None and ends[1] < low
        if empty:
            name = self.step.constraint.needs[1 - given]
            raise untranslatable(name, self.step.constraint, f"no value is left, {wanted}")
        scale = self.step.measure.scaled
        if kept is None and wanted.low is None and wanted.high is None:
            return Wanted(missing=wanted.missing)
        if kept is not None:
            return Wanted(tuple(map(scale, kept)), None, None, wanted.missing, wanted.extrapolate)
        return Wanted(
            None, scale(low), None if high is None else scale(high), wanted.missing, wanted.extrapolate
        )

    def _neither(self, rows: NDArray[np.bool_], low: NDArray[np.intp], high: NDArray[np.intp]) -> None:
        """No value: the higher one may only be asked to be there."""
        constraint = self.step.constraint
        asked = rows & (high >= 0)
        if asked.any():
            for place in np.unique(high[asked]):
                if self.asks[1].wanted[place] != Wanted():
                    raise untranslatable(
                        constraint.high, constraint, f"give a value for column {constraint.low!r} as well"
                    )
            if self.step.is_lonely and self.strict and (low[asked] == FREE).any():
                raise untranslatable(
                    constraint.high, constraint, f"ask column {constraint.low!r} to be Present too"
                )
            self.which[asked] = self.wanted.setdefault(Wanted(), len(self.wanted))
            if self.step.has_gaps:
                self.present = Wanted()
                low[asked & (low == FREE)] = len(self.asks[0].wanted)
        if not self.step.is_lonely:
            high[rows] = LEFT_OUT
        else:
            high[asked] = LEFT_OUT


def _state(asks: Asks, name: Hashable, n: int) -> NDArray[np.intp]:
    return asks[name].which if name in asks else np.full(n, FREE)
