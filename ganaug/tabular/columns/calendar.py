"""Ticks of time as parts that mean something: weeks, weekdays and the time of day; months; or plain steps.

Every value is one tuple of parts, and the parts give it back exactly. Weeks are counted from the first day
that the column has, so that a weekday is a level of its own however few rows a day has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug._util.cells import nanoseconds_per_tick, zone_at, zone_of
from ganaug._util.dtypes import kind_of
from ganaug.exceptions import ModelFileError
from ganaug.tabular.columns.base import want

Ints = NDArray[np.int64]

DAY = 86_400 * 10**9  # nanoseconds
PARTS = {"steps": ("step",), "months": ("month",), "days": ("week", "weekday", "time of day")}
_FEWEST_MONTHS = 3
_FIRST_YEAR, _LAST_YEAR = (
    -62_104_060_800,
    253_368_000_000,
)  # a day in winter of the years 2 and 9998, in seconds
_UNITS = {DAY: "d", 3_600 * 10**9: "h", 60 * 10**9: "min", 10**9: "s", 10**6: "ms", 10**3: "us", 1: "ns"}


class Clock(NamedTuple):
    """What calendar and clock on the wall show: days (n,), seconds of the day, and where nothing is."""

    day: NDArray[np.datetime64]
    second: Ints
    gaps: NDArray[np.bool_]

    def of(self, rows: NDArray[np.intp]) -> Clock:
        """The same of some of the rows."""
        return Clock(self.day[rows], self.second[rows], self.gaps[rows])


@dataclass(frozen=True)
class Calendar:
    """How the ticks of a column are split.

    Parameters
    ----------
    dtype : dtype
        Whose ticks they are.
    form : {"steps", "months", "days"}
        Into which parts; see `PARTS`.
    unit, rest : int
        The resolution that was learned: all steps (of "days", all times of day) are ``rest`` more than a
        multiple of ``unit`` ticks. Of "months", ``rest`` is how far all are from the month's beginning.
    origin : int
        The day, since 1970, that weeks are counted from.
    from_end : bool
        Whether ``rest`` counts from the beginning of the next month.
    """

    dtype: Any
    form: str
    unit: int = 1
    rest: int = 0
    origin: int = 0
    from_end: bool = False

    @classmethod
    def learn(cls, ticks: Ints, dtype: Any) -> Calendar:
        """The parts and the resolution of these values, at least one."""
        distinct = np.unique(ticks)
        if kind_of(dtype) not in ("date", "datetime"):
            return cls(dtype, "steps", *_resolution(distinct))
        wall = _to_wall(distinct, dtype)
        per_day = _per_day(dtype)
        months = _learn_months(wall, per_day)
        if months is not None:
            return cls(dtype, "months", 1, *months)
        clock = _to_clock(distinct, wall, dtype)
        times = np.unique(clock)
        unit, rest = (per_day, int(times[0])) if len(times) == 1 else _resolution(times)
        return cls(dtype, "days", unit, rest, int(wall.min() // per_day))

    def split(self, ticks: Ints) -> tuple[Ints, ...]:
        """The parts of each value, as many as `PARTS` names; `join` is the inverse."""
        if self.form == "steps":
            return (ticks // self.unit,)
        wall = _to_wall(ticks, self.dtype)
        day = wall // _per_day(self.dtype)
        if self.form == "months":
            shift = (wall - self.rest) // _per_day(self.dtype)
            return (shift.view("M8[D]").astype("M8[M]").astype(np.int64) - self.from_end,)
        week, weekday = np.divmod(day - self.origin, 7)
        return week, weekday, _to_clock(ticks, wall, self.dtype) // self.unit

    def clock(self, ticks: Ints, gaps: NDArray[np.bool_]) -> Clock:
        """Day and second of the day of dates."""
        per_day = _per_day(self.dtype)
        day, part = np.divmod(_to_wall(ticks, self.dtype), per_day)
        return Clock(day.view("M8[D]"), part // max(1, per_day // 86_400), gaps)

    def moved(self, ticks: Ints, days: Ints, seconds: Ints) -> Ints:
        """Dates so many days and seconds later, by the clock on the wall."""
        per_day = _per_day(self.dtype)
        wall = _to_wall(ticks, self.dtype) + days * per_day + seconds * (per_day // 86_400)
        return _from_wall(wall, np.zeros(len(wall), dtype=bool), self.dtype)

    def join(self, *parts: Ints) -> Ints:
        """Values from their parts."""
        if self.form == "steps":
            return parts[0] * self.unit + self.rest
        per_day = _per_day(self.dtype)
        if self.form == "months":
            first = (parts[0] + self.from_end).view("M8[M]").astype("M8[D]").astype(np.int64)
            return _from_wall(first * per_day + self.rest, np.zeros(len(first), dtype=bool), self.dtype)
        week, weekday, clock = parts
        # An hour that is twice in a night is beyond the day's end when it comes again.
        again, clock = np.divmod(clock * self.unit + self.rest, per_day)
        day = self.origin + 7 * week + weekday
        return _from_wall(day * per_day + clock, again > 0, self.dtype)

    @property
    def seconds(self) -> int | None:
        """The smallest step of the time of day in seconds; None where that is no whole number, or none."""
        if self.form != "days":
            return None
        seconds, rest = divmod(self.unit * (nanoseconds_per_tick(self.dtype) or 1), 10**9)
        return None if rest else seconds

    @property
    def resolution(self) -> str:
        """The smallest step between values, in words."""
        length = nanoseconds_per_tick(self.dtype)
        if self.form == "months":
            return "1 month"
        if length is None:
            return f"{self.unit} of the last digit"
        step = self.unit * length
        size = next(size for size in _UNITS if step % size == 0)
        return f"{step // size} {_UNITS[size]}"

    def to_state(self) -> dict[str, Any]:
        """JSON-able description, without the dtype."""
        return {key: value for key, value in vars(self).items() if key != "dtype"}

    @classmethod
    def from_state(cls, state: Any, dtype: Any) -> Calendar:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`."""
        broken = ModelFileError("The calendar of a column in the file is broken.")
        if not isinstance(state, dict):
            raise broken
        unit, rest, origin = (want(state, key, int) for key in ("unit", "rest", "origin"))
        form, from_end = want(state, "form", str), want(state, "from_end", bool)
        if form not in PARTS or not 1 <= unit <= 2**62 or max(abs(rest), abs(origin)) > 2**62:
            raise broken
        if form != "steps" and kind_of(dtype) not in ("date", "datetime"):
            raise broken
        return cls(dtype, form, unit, rest, origin, from_end)


def _resolution(distinct: Ints) -> tuple[int, int]:
    """The largest unit of which all values are multiples, but for the same rest."""
    steps = np.diff(distinct).view(np.uint64)  # right also where the difference is beyond int64
    unit = int(np.gcd.reduce(steps)) if len(steps) > 1 else 1
    unit = unit if 0 < unit < 2**62 else 1
    return unit, int(distinct[0]) % unit


def _learn_months(wall: Ints, per_day: int) -> tuple[int, int, bool] | None:
    """Rest, origin and direction where all values are equally far from a month's beginning; else None."""
    days = (wall // per_day).view("M8[D]")
    months = days.astype("M8[M]")
    if len(np.unique(months)) < max(_FEWEST_MONTHS, len(wall)):  # several in one month
        return None
    since = np.unique(wall - months.astype("M8[D]").astype(np.int64) * per_day)
    until = np.unique(wall - (months + 1).astype("M8[D]").astype(np.int64) * per_day)
    if len(since) == 1:
        return int(since[0]), 0, False
    return (int(until[0]), 0, True) if len(until) == 1 else None


def _per_day(dtype: Any) -> int:
    return DAY // (nanoseconds_per_tick(dtype) or DAY)


def _to_clock(ticks: Ints, wall: Ints, dtype: Any) -> Ints:
    """Ticks since midnight by the clock on the wall; of an hour's second coming, a day more."""
    per_day = _per_day(dtype)
    clock = wall % per_day
    if zone_of(dtype) is None:
        return clock
    return clock + per_day * (_from_wall(wall, np.zeros(len(wall), dtype=bool), dtype) != ticks)


def _index(ticks: Ints, dtype: Any) -> pd.DatetimeIndex:
    length = nanoseconds_per_tick(dtype)
    units = {10**9: "s", 10**6: "ms", 10**3: "us", 1: "ns"}
    return pd.DatetimeIndex(ticks.view(f"M8[{units[length or 1]}]"))


def _to_wall(ticks: Ints, dtype: Any) -> Ints:
    """What the clock on the wall shows, in ticks."""
    zone = zone_at(ticks, dtype)
    if zone is None:
        return ticks
    near = _near(ticks, dtype)
    local = _index(near, dtype).tz_localize("UTC").tz_convert(zone).tz_localize(None)
    return np.asarray(ticks + (local.to_numpy().view(np.int64) - near))


def _from_wall(wall: Ints, again: NDArray[np.bool_], dtype: Any) -> Ints:
    """Inverse of `_to_wall`; ``again`` says which of two hours of the same name is meant."""
    zone = zone_at(wall, dtype)
    if zone is None:
        return wall
    near = _near(wall, dtype)
    there = _index(near, dtype).tz_localize(zone, ambiguous=~again, nonexistent="shift_forward")
    return np.asarray(wall + (there.tz_convert("UTC").tz_localize(None).to_numpy().view(np.int64) - near))


def _near(ticks: Ints, dtype: Any) -> Ints:
    """Those beyond the years that Python has, moved to where clocks are as far from UTC as there."""
    length = nanoseconds_per_tick(dtype) or 1
    ends = (_FIRST_YEAR * 10**9 // length, _LAST_YEAR * 10**9 // length)
    whole = np.iinfo(np.int64)
    return np.clip(ticks, max(ends[0], whole.min), min(ends[1], whole.max))
