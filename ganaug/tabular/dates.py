"""Columns that a date tells: its year, its month's name, whether it is a weekend.

Each has one value for each year (quarter, month, ... minute) that the dates of another column have. They are
modelled like any other, so that they can be asked for, and are set to what the date says once it is known;
where they were asked for and the date was not, the date moves to the nearest that says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug.exceptions import ModelFileError
from ganaug.tabular.columns import ColumnCodec, DatetimeCodec
from ganaug.tabular.columns.base import Arrays, want_array
from ganaug.tabular.columns.calendar import Clock
from ganaug.tabular.lookups import Flat

Given = NDArray[np.bool_] | None
FlatOf = Callable[[ColumnCodec, NDArray[Any]], Flat]

_DAY_SECONDS = 86_400
_FARTHEST = 400  # days, by which a date moves one by one; beyond by years
_MOST_YEARS = 60
_ANY = -2  # in place of a flat code


def _of_year(day: NDArray[np.datetime64]) -> NDArray[np.int64]:
    return (day - day.astype("M8[Y]").astype("M8[D]")).astype(np.int64) + 1


def _weekday(day: NDArray[np.datetime64]) -> NDArray[np.int64]:
    return (day.astype(np.int64) + 3) % 7  # 1970 began on a Thursday


def _week(day: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """By ISO 8601: that of the Thursday."""
    return (_of_year(day - _weekday(day) + 3) - 1) // 7 + 1


OF_DAY: dict[str, Callable[[Any], NDArray[np.int64]]] = {
    "year": lambda day: day.astype("M8[Y]").astype(np.int64) + 1970,
    "quarter": lambda day: day.astype("M8[M]").astype(np.int64) % 12 // 3 + 1,
    "month": lambda day: day.astype("M8[M]").astype(np.int64) % 12 + 1,
    "week": _week,
    "day of the month": lambda day: (day - day.astype("M8[M]").astype("M8[D]")).astype(np.int64) + 1,
    "day of the year": _of_year,
    "weekday": _weekday,
    "month of its year": lambda day: day.astype("M8[M]").astype(np.int64),
    "day": lambda day: day.astype(np.int64),
}
OF_SECOND: dict[str, Callable[[Any], NDArray[np.int64]]] = {
    "hour": lambda second: second // 3_600,
    "minute": lambda second: second // 60 % 60,
    "second": lambda second: second % 60,
}


@dataclass(frozen=True, eq=False)
class DatePart:
    """Wherever the dates of column ``parent`` have ``keys[i]`` of a view, column ``child`` has ``values[i]``.

    Parameters
    ----------
    parent, child : int
        Positions of the columns.
    view : str
        One of `OF_DAY` or `OF_SECOND`.
    keys : int64 array of shape (n,)
        In order.
    values : int64 array of shape (n,)
        Flat codes.
    """

    parent: int
    child: int
    view: str
    keys: NDArray[np.int64]
    values: Flat

    @classmethod
    def fit(cls, parent: int, child: int, view: str, clock: Clock, values: Flat) -> DatePart:
        """What the rows say whose date isn't missing."""
        keys, first = np.unique(view_of(clock, view)[~clock.gaps], return_index=True)
        return cls(parent, child, view, keys, values[~clock.gaps][first])

    def tells(self, clock: Clock) -> Flat:
        """Flat codes of the child, -1 where the date says nothing of it."""
        wanted = view_of(clock, self.view)
        places = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where((self.keys[places] == wanted) & ~clock.gaps, self.values[places], -1)

    def to_arrays(self) -> Arrays:
        """What a file keeps."""
        return {"keys": self.keys, "values": self.values}

    @classmethod
    def from_state(cls, header: Any, arrays: Arrays, sizes: Sequence[int | None]) -> DatePart:
        """Inverse of a header [parent, child, view] and `to_arrays`.

        ``sizes`` are the numbers of flat codes of the columns, -1 of dates, None of others.
        """
        broken = ModelFileError("What a date says of other columns in the file is broken.")
        if not isinstance(header, list) or len(header) != 3 or header[2] not in {**OF_DAY, **OF_SECOND}:
            raise broken
        parent, child = header[:2]
        if not all(type(at) is int and 0 <= at < len(sizes) for at in (parent, child)):
            raise broken
        keys = want_array(arrays, "keys", "i").astype(np.int64)
        values = want_array(arrays, "values", "i", len(keys)).astype(np.int64)
        size = sizes[child]
        if sizes[parent] != -1 or size is None or size < 0 or not len(keys) or (np.diff(keys) <= 0).any():
            raise broken
        if (values < 0).any() or (values >= size).any():
            raise broken
        return cls(parent, child, header[2], keys, values)


def view_of(clock: Clock, view: str) -> NDArray[np.int64]:
    """Years, months, ... of dates."""
    return OF_DAY[view](clock.day) if view in OF_DAY else OF_SECOND[view](clock.second)


def settle_dates(
    parts: Sequence[DatePart],
    columns: list[Any],
    codecs: Sequence[ColumnCodec],
    given: Given,
    flat_of: FlatOf,
    write: Callable[[ColumnCodec, Flat], Any],
) -> None:
    """Change decoded columns, in place, so that they are what dates say; given cells stay as they are.

    Parameters
    ----------
    parts : sequence of DatePart
    columns : list of array
    codecs : sequence of ColumnCodec
    given : bool array of shape (n_rows, n_columns), optional
    flat_of, write : callable
        Codes of a column to flat ones, and flat ones to its cells.
    """
    for parent in dict.fromkeys(part.parent for part in parts):
        codec, own = codecs[parent], [part for part in parts if part.parent == parent]
        assert isinstance(codec, DatetimeCodec)
        clock = codec.clock(pd.Series(columns[parent]))
        if given is not None and given.any():
            held = {}
            for part in own:
                cells = pd.Series(columns[part.child])
                flat = flat_of(codecs[part.child], codecs[part.child].encode(cells, unseen="mark"))
                held[part.child] = np.where(given[:, part.child] & (flat >= 0), flat, _ANY)
            days, seconds = _ways(own, held, clock, given[:, parent], codec)
            if days.any() or seconds.any():
                columns[parent] = codec.moved(columns[parent], days, seconds)
                clock = codec.clock(pd.Series(columns[parent]))
        for part in own:
            told = part.tells(clock)
            moves = told >= 0 if given is None else (told >= 0) & ~given[:, part.child]
            if moves.any():
                column = columns[part.child].copy()
                column[moves] = write(codecs[part.child], told[moves])
                columns[part.child] = column


def _ways(
    parts: Sequence[DatePart],
    held: dict[int, Flat],
    clock: Clock,
    stays: NDArray[np.bool_],
    codec: DatetimeCodec,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """By how many days and seconds each date is to move."""
    first, last = codec.days
    moved = np.zeros((2, len(stays)), dtype=np.int64)
    for kind, (views, steps) in enumerate(((OF_DAY, _days()), (OF_SECOND, _seconds(codec.step_seconds)))):
        own = [part for part in parts if part.view in views]

        def fits(rows: NDArray[np.intp], at: Clock, own: list[DatePart] = own) -> NDArray[np.bool_]:
            each = [
                (held[part.child][rows] == _ANY) | (part.tells(at) == held[part.child][rows]) for part in own
            ]
            return np.all(each, axis=0) if each else np.ones(len(rows), dtype=bool)

        open_ones = np.flatnonzero(~stays & ~clock.gaps)
        left = open_ones[~fits(open_ones, clock.of(open_ones))]
        for step in steps:
            if not len(left):
                break
            here = clock.of(left)
            by_day, by_second = (0, step) if kind else (step, 0)
            there = Clock(here.day + by_day, here.second + by_second, here.gaps)
            inside = (there.day >= first) & (there.day <= last)
            inside &= (there.second >= 0) & (there.second < _DAY_SECONDS)
            good = inside & fits(left, there)
            moved[kind, left[good]] = step
            left = left[~good]
    return moved[0], moved[1]


def _days() -> Iterator[int]:
    for step in range(1, _FARTHEST + 1):
        yield from (step, -step)
    for year in range(2, _MOST_YEARS):
        yield from (round(365.25 * year), -round(365.25 * year))


def _seconds(step: int | None) -> Iterator[int]:
    if step:
        for times in count(1):
            if times * step >= _DAY_SECONDS:
                return
            yield from (times * step, -times * step)
