"""Which codes of a column of dates lead to a range of ticks, and values within it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from ganaug.tabular.columns.base import FloatArray
from ganaug.tabular.columns.calendar import Calendar, Ints
from ganaug.tabular.columns.categorical import CategoryCodec
from ganaug.tabular.columns.numeric import NumberCodec


@dataclass(frozen=True, eq=False)
class Spans:
    """The whole numbers that each code of a part stands for.

    Parameters
    ----------
    low, high : int64 array of shape (n_codes,)
        Both belong to the span; an empty one is that of missing.
    mass : array of shape (n_codes,)
        (Weighted) rows of each code.
    """

    low: Ints
    high: Ints
    mass: FloatArray

    @classmethod
    def of(cls, part: CategoryCodec | NumberCodec) -> Spans:
        """Those of a column of whole numbers."""
        if isinstance(part, CategoryCodec):
            levels = np.array(part.levels, dtype=np.int64)
            gap = np.zeros(int(part.missing is not None), dtype=np.int64)
            return cls(np.append(levels, gap), np.append(levels, gap - 1), part.counts)
        cells, masses = part.cells, part.points.astype(np.int64)
        gap = np.zeros(int(part.missing is not None), dtype=np.int64)
        low, high = np.floor(cells.low + 0.5).astype(np.int64), np.ceil(cells.high - 0.5).astype(np.int64)
        is_exact = cells.exact_of >= 0
        low[is_exact] = high[is_exact] = cells.exact[cells.exact_of[is_exact]]
        edges = ndtr(np.concatenate([[-np.inf], cells.edges, [np.inf]]))
        return cls(
            np.concatenate([masses, gap, low]),
            np.concatenate([masses, gap - 1, np.maximum(low, high)]),
            np.append(part.counts[:-1], part.counts[-1] * np.diff(edges)),
        )

    @classmethod
    def constant(cls, value: int) -> Spans:
        """Those of a part that is the same in all rows."""
        only = np.array([value], dtype=np.int64)
        return cls(only, only, np.ones(1))

    @property
    def is_gap(self) -> NDArray[np.bool_]:
        """Which code is that of missing, shape (n_codes,)."""
        return self.high < self.low

    @property
    def frequency(self) -> FloatArray:
        """How often each code is, apart from missing; never quite never."""
        mass = np.where(self.is_gap, 0.0, self.mass + 1e-9)
        return np.asarray(mass / mass.sum())

    def count(self, first: int, last: int) -> FloatArray:
        """What share of each span lies from ``first`` to ``last``."""
        inside = np.minimum(self.high, last) - np.maximum(self.low, first) + 1
        return np.clip(inside, 0, None) / np.maximum(self.high - self.low + 1, 1)


@dataclass(frozen=True, eq=False)
class Reach:
    """The codes of all parts that lead to ticks from ``low`` to ``high``, both included.

    Parameters
    ----------
    calendar : Calendar
    spans : tuple of Spans
        One for each part that the calendar names.
    low, high : int
        Within the range of the column.
    """

    calendar: Calendar
    spans: tuple[Spans, ...]
    low: int
    high: int

    def shares(self, before: tuple[int, ...]) -> FloatArray:
        """What share of the values of each code of the next part is within, given the codes before."""
        if self.calendar.form != "days":
            return self.spans[0].count(self._first[0], self._last[0])
        if not before:
            return self._mean_of_weeks(self._days @ self.spans[1].frequency)
        weeks = self._weeks(before[0])
        days = self._days[weeks - self._week_0]
        if len(before) == 1:
            return np.asarray(days.mean(axis=0))
        share = days[:, before[1]]
        whole = np.full(self.spans[2].low.shape, float((share == 1).sum()))
        for week in weeks[(share > 0) & (share < 1)]:
            whole += self.spans[2].count(*self._clock(int(week), before[1]))
        return np.where(self.spans[2].is_gap, 0.0, whole / len(weeks))

    def draw(self, codes: tuple[int, ...], n: int, rng: np.random.Generator) -> Ints:
        """Values within, shape (n,), of codes that `shares` gave a positive share, one per part."""
        if self.calendar.form != "days":
            return self.calendar.join(self._pick(0, codes[0], (self._first[0], self._last[0]), n, rng))
        weeks = self._weeks(codes[0])
        open_weeks = [
            week
            for week in weeks[self._days[weeks - self._week_0, codes[1]] > 0].tolist()
            if self.spans[2].count(*self._clock(week, codes[1]))[codes[2]] > 0
        ]
        week = rng.choice(np.array(open_weeks, dtype=np.int64), n)
        clock = np.empty(n, dtype=np.int64)
        for each in np.unique(week).tolist():
            rows = week == each
            clock[rows] = self._pick(2, codes[2], self._clock(each, codes[1]), int(rows.sum()), rng)
        weekday = np.full(n, self.spans[1].low[codes[1]])
        return np.clip(self.calendar.join(week, weekday, clock), self.low, self.high)

    def _pick(self, part: int, code: int, limits: tuple[int, int], n: int, rng: np.random.Generator) -> Ints:
        spans = self.spans[part]
        first, last = max(int(spans.low[code]), limits[0]), min(int(spans.high[code]), limits[1])
        return rng.integers(first, last, size=n, endpoint=True)

    @cached_property
    def _first(self) -> tuple[int, ...]:
        """Parts of the first value of the column's resolution that isn't below ``low``."""
        tick = np.array([self.low])
        parts = self.calendar.split(tick)
        is_below = int(self.calendar.join(*parts)[0]) < self.low
        return (*(int(part[0]) for part in parts[:-1]), int(parts[-1][0]) + is_below)

    @cached_property
    def _last(self) -> tuple[int, ...]:
        """Parts of the last value of the column's resolution that isn't above ``high``."""
        tick = np.array([self.high])
        parts = self.calendar.split(tick)
        is_above = int(self.calendar.join(*parts)[0]) > self.high
        return (*(int(part[0]) for part in parts[:-1]), int(parts[-1][0]) - is_above)

    @property
    def _week_0(self) -> int:
        weeks = self.spans[0]
        return int(weeks.low[~weeks.is_gap].min())

    def _weeks(self, code: int) -> Ints:
        return np.arange(self.spans[0].low[code], self.spans[0].high[code] + 1)

    @cached_property
    def _days(self) -> FloatArray:
        """What share of the values of each day is within, shape (n_weeks, n_weekday_codes)."""
        weeks, weekdays, clock = self.spans
        week = np.arange(self._week_0, int(weeks.high.max()) + 1)
        day = 7 * week[:, None] + weekdays.low
        first, last = (7 * parts[0] + parts[1] for parts in (self._first, self._last))
        share = ((day >= first) & (day <= last)).astype(np.float64)
        share[:, weekdays.is_gap] = 0.0
        for row, column in np.argwhere(((day == first) | (day == last)) & (share > 0)):
            limits = self._clock(int(week[row]), int(column))
            share[row, column] = clock.count(*limits) @ clock.frequency
        return share

    def _clock(self, week: int, weekday_code: int) -> tuple[int, int]:
        """First and last time of a day that is within."""
        day = 7 * week + int(self.spans[1].low[weekday_code])
        first = self._first[2] if day == 7 * self._first[0] + self._first[1] else -(2**62)
        return first, self._last[2] if day == 7 * self._last[0] + self._last[1] else 2**62

    def _mean_of_weeks(self, share: FloatArray) -> FloatArray:
        """Mean of what weeks (n_weeks,) have over the weeks of each code."""
        weeks = self.spans[0]
        total = np.append(0.0, np.cumsum(share))
        low, high = (np.where(weeks.is_gap, 0, end - self._week_0) for end in (weeks.low, weeks.high))
        return np.where(weeks.is_gap, 0.0, (total[high + 1] - total[low]) / (high - low + 1))


def rows_alike(
    codes: NDArray[Any], chosen: NDArray[np.bool_]
) -> list[tuple[NDArray[np.intp], tuple[int, ...]]]:
    """Rows of the chosen ones, by their codes."""
    rows = np.flatnonzero(chosen)
    if not len(rows):
        return []
    distinct, group = np.unique(codes[rows], axis=0, return_inverse=True)
    return [(rows[group.ravel() == at], tuple(row)) for at, row in enumerate(distinct.tolist())]
