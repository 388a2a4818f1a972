"""Dates, times, durations and decimals, by the parts that mean something: each is a number or a category.

A date is its week and its weekday, a point in time its time of day as well: so weekdays and hours keep their
shares, and other columns can depend on them, however few rows a day has. Dates that all are the first, or the
last, of a month are months. Durations, times of day and decimals are steps of the resolution that they show.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug._util.cells import dtype_of, read_ticks, write_ticks
from ganaug._util.dtypes import TICKS, dtype_from_state, dtype_to_state, kind_of
from ganaug.exceptions import InvalidConditionError, InvalidTableError, ModelFileError, RejectColumn
from ganaug.tabular.columns.base import (
    Arrays,
    Field,
    FloatArray,
    IntArray,
    State,
    Unseen,
    refuse_unsupported,
    want,
    want_array,
    weighed_rows,
)
from ganaug.tabular.columns.calendar import PARTS, Calendar, Clock, Ints
from ganaug.tabular.columns.missing import check_missing, learn_missing, refuse_missing
from ganaug.tabular.columns.parts import Part, column_of, fit_part, gap_code, load_part
from ganaug.tabular.columns.spans import Reach, Spans, rows_alike
from ganaug.tabular.columns.texts import (
    are_many,
    example_of,
    format_from,
    learn_format,
    may_be_text,
    read_texts,
    ticks_of,
    write_texts,
)
from ganaug.tabular.columns.within import refuse
from ganaug.tabular.wanted import Wanted

_MOST_REACHES = 100


@dataclass(frozen=True, eq=False)
class DatetimeCodec:
    """A column of dates, times, durations or decimals; one field for each part that isn't always the same.

    Parameters
    ----------
    name : hashable
        The column's label, for errors.
    dtype : dtype
        As `ganaug._util.cells.dtype_of` found it.
    calendar : Calendar
        How values are split into parts.
    parts : tuple of CategoryCodec, NumberCodec or int
        One for each part that the calendar names; an int where it is always that. A missing cell is missing
        in all of them; when codes are drawn, the first decides.
    ends : int64 array of shape (2,)
        The smallest and the largest value, in ticks.
    missing : str or None
        What stands in the gaps; None when there are none.
    text_format : str or None, default None
        That of dates or numbers which are text.
    """

    kind: ClassVar[str] = "datetime"
    name: Hashable
    dtype: Any
    calendar: Calendar
    parts: tuple[Part | int, ...]
    ends: Ints
    missing: str | None
    text_format: str | None = None

    @classmethod
    def fit(
        cls,
        values: pd.Series[Any],
        name: Hashable,
        weights: FloatArray | None = None,
        *,
        chosen: bool = False,
    ) -> DatetimeCodec:
        """Learn the parts; `RejectColumn` for other columns, and for one that is empty.

        Dates and numbers that are text are found when they are many, or the caller has ``chosen`` so.
        """
        refuse_unsupported(values, name)
        values, weights = weighed_rows(values, weights)
        text_format = learn_format(values) if may_be_text(values) else None
        if text_format is not None and not (chosen or are_many(values)):
            text_format = None
        read = read_ticks(values) if text_format is None else read_texts(values, text_format)
        if read is None or read[1].all():
            raise RejectColumn(
                f"Column {name!r} holds no dates, times, durations or decimals; text can be turned into them "
                f"by pandas.to_datetime or to_timedelta. Its dtype is {values.dtype}"
            )
        ticks, gaps = read
        dtype = dtype_of(values)
        calendar = Calendar.learn(ticks[~gaps], dtype if text_format is None else ticks_of(text_format))
        columns = calendar.split(ticks[~gaps])
        varies = [len(np.unique(column)) > 1 for column in columns]
        varies[0] |= not any(varies)
        parts = tuple(
            fit_part(column_of(column, gaps), name, weights) if own else int(column[0])
            for column, own in zip(columns, varies, strict=True)
        )
        ends = np.array([ticks[~gaps].min(), ticks[~gaps].max()])
        return cls(name, dtype, calendar, parts, ends, learn_missing(values, gaps), text_format)

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """One for each part that isn't always the same."""
        return tuple(part.fields[0] for part in self.varying)

    @property
    def why(self) -> str:
        """What it was told by, and the parts that are modelled."""
        named = zip(PARTS[self.calendar.form], self.parts, strict=True)
        parts = ", ".join(name for name, part in named if not isinstance(part, int))
        return f"{self._what} by {parts}; resolution {self.calendar.resolution}"

    @property
    def _what(self) -> str:
        text = "" if self.text_format is None else f" in text ({example_of(self.text_format)})"
        return f"{kind_of(self.calendar.dtype)}s{text}"

    @property
    def shown_kind(self) -> str:
        """What it is to the user, for whom a decimal is a number."""
        return "number" if kind_of(self.calendar.dtype) == "decimal" else self.kind

    @property
    def varying(self) -> tuple[Part, ...]:
        return tuple(part for part in self.parts if not isinstance(part, int))

    def encode(self, values: pd.Series[Any], *, unseen: Unseen = "raise") -> IntArray:
        """Codes of shape (n, n_fields); see `ColumnCodec.encode`."""
        ticks, gaps = self._read(values)
        if self.missing is None:
            refuse_missing(gaps, self.name, unseen)
        inside = np.clip(ticks, *self.ends) if unseen == "nearest" else ticks
        columns = self.calendar.split(np.where(gaps, self.ends[0], inside))
        codes = np.empty((len(ticks), len(self.varying)), dtype=np.int32)
        for at, (part, column) in enumerate(self._of_varying(columns)):
            own = part.encode(pd.Series(column), unseen="nearest" if unseen == "nearest" else "mark")
            codes[:, at] = own[:, 0]
            codes[gaps, at] = -1 if self.missing is None else gap_code(part)
        wrong = (codes < 0).any(axis=1) & ~gaps
        if unseen in ("raise", "group") and wrong.any():
            cell = values.iloc[int(np.argmax(wrong))]
            raise InvalidTableError(
                f"Column {self.name!r} had values of {self.calendar.resolution} in fit, and none like this "
                f"on its weekday or at its time of day: {cell!r}"
            )
        codes[wrong] = -1
        return codes

    def encode_asked(self, values: pd.Series[Any], extrapolate: bool) -> IntArray:
        """As `encode`, but a value beyond the range is an error, unless it may extrapolate."""
        ticks, gaps = self._read(values)
        beyond = ~gaps & ((ticks < self.ends[0]) | (ticks > self.ends[1]))
        if beyond.any() and not extrapolate:
            raise InvalidConditionError(
                f"The condition on column {self.name!r} is beyond what the column had, {self._range}; "
                f"extrapolate=True allows it. Got {values.iloc[int(np.argmax(beyond))]!r}"
            )
        return self.encode(values, unseen="nearest" if extrapolate else "raise")

    def decode(self, codes: IntArray, rng: np.random.Generator) -> Any:
        """Values in the column's own dtype and resolution, within its range."""
        return self._write(*self._decode_ticks(codes, rng))

    def _write(self, ticks: Ints, gaps: NDArray[np.bool_]) -> Any:
        if self.text_format is None:
            return write_ticks(ticks, gaps, self.dtype, self.missing or "NaT")
        return write_texts(ticks, gaps, self.dtype, self.text_format, self.missing or "None")

    def _decode_ticks(self, codes: IntArray, rng: np.random.Generator) -> tuple[Ints, NDArray[np.bool_]]:
        gaps = np.zeros(len(codes), dtype=bool)
        columns, place = [], 0
        for part in self.parts:
            if isinstance(part, int):
                columns.append(np.full(len(codes), part, dtype=np.int64))
                continue
            own = codes[:, place : place + 1].copy()
            if self.missing is not None:
                is_gap = own[:, 0] == gap_code(part)
                gaps |= is_gap & (place == 0)
                own[is_gap] = np.argmax(self._spans[place].frequency)
            columns.append(np.asarray(part.decode(own, rng)).astype(np.int64))
            place += 1
        if self.calendar.form == "days":  # a weekday that the last week didn't come to is the week's before
            *_, last = self._last_day
            columns[0] -= 7 * columns[0] + columns[1] > last
        ticks = np.clip(self.calendar.join(*columns), *self.ends)
        return np.where(gaps, 0, ticks), gaps

    @property
    def has_days(self) -> bool:
        """Whether these are dates."""
        return self.calendar.form != "steps"

    def clock(self, values: pd.Series[Any]) -> Clock:
        """What a calendar and a clock show at dates of the column."""
        ticks, gaps = self._read(values)
        return self.calendar.clock(np.where(gaps, self.ends[0], ticks), gaps)

    @property
    def days(self) -> NDArray[np.datetime64]:
        """The first and the last day."""
        return self.calendar.clock(self.ends, np.zeros(2, dtype=bool)).day

    @property
    def step_seconds(self) -> int | None:
        """The resolution of the time of day; None where there is none of whole seconds."""
        return (
            None if self.calendar.form != "days" or isinstance(self.parts[2], int) else self.calendar.seconds
        )

    def moved(self, values: Any, days: Ints, seconds: Ints) -> Any:
        """The same dates so many days and seconds later, within the column's range."""
        ticks, gaps = self._read(pd.Series(values))
        held = self.calendar.moved(np.where(gaps, self.ends[0], ticks), days, seconds)
        return self._write(np.where(gaps, 0, np.clip(held, *self.ends)), gaps)

    @cached_property
    def _last_day(self) -> tuple[int, int]:
        week, weekday, _ = self.calendar.split(self.ends[1:])
        return 0, int(7 * week[0] + weekday[0])

    def shares(self, wanted: Wanted, before: tuple[int, ...] = ()) -> FloatArray:
        """What share of the values of each code of the next field satisfies a condition."""
        gap = self._spans[len(before)].is_gap
        if before and self.missing is not None and before[0] == gap_code(self.varying[0]):
            return gap.astype(np.float64)
        share = np.zeros(len(gap))
        if wanted.values is not None:
            share = self._shares_of_values(wanted, before)
        else:
            reach = self._reach(wanted)
            if reach is not None:
                share = np.clip(reach.shares(self._whole(before)), 0.0, 1.0)
        share[gap] = wanted.missing and not before
        if not share.any():
            raise refuse(self.name, wanted, self._range, " at its resolution")
        return share

    def _shares_of_values(self, wanted: Wanted, before: tuple[int, ...]) -> FloatArray:
        spans = self._spans[len(before)]
        share = np.zeros(len(spans.low))
        codes, _ = self._codes_of(wanted)
        for code in codes[(codes[:, : len(before)] == before).all(axis=1), len(before)]:
            share[code] += 1.0 / max(spans.high[code] - spans.low[code] + 1, 1)
        return np.minimum(share, 1.0)

    def decode_within(self, codes: IntArray, wanted: Wanted, rng: np.random.Generator) -> Any:
        """As `decode`, for codes that `shares` gave a positive share: every value satisfies the condition."""
        ticks, gaps = self._decode_ticks(codes, rng)
        if wanted.values is not None:
            asked, known = self._codes_of(wanted)
            groups = {tuple(row): known[(asked == row).all(axis=1)] for row in asked}
            for rows, row in rows_alike(codes, ~gaps):
                ticks[rows] = rng.choice(groups[row], len(rows))
        else:
            reach = self._reach(wanted)
            low, high = (0, 0) if reach is None else (reach.low, reach.high)
            for rows, row in rows_alike(codes, ~gaps & ((ticks < low) | (ticks > high))):
                if reach is not None:
                    ticks[rows] = reach.draw(self._whole(row), len(rows), rng)
        return self._write(ticks, gaps)

    def _codes_of(self, wanted: Wanted) -> tuple[IntArray, Ints]:
        """Codes and ticks of the values that are asked for."""
        values = pd.Series(wanted.values or (), dtype=object)
        if not len(values):
            return np.zeros((0, len(self.varying)), dtype=np.int32), np.zeros(0, dtype=np.int64)
        return self.encode_asked(values, wanted.extrapolate), self._read(values)[0]

    @cached_property
    def _spans(self) -> tuple[Spans, ...]:
        """What the codes of each field stand for."""
        return tuple(map(Spans.of, self.varying))

    @cached_property
    def _reaches(self) -> dict[Wanted, Reach | None]:
        """Those that were asked for last."""
        return {}

    def _reach(self, wanted: Wanted) -> Reach | None:
        """The codes that lead to a range, None when none do."""
        if wanted not in self._reaches:
            if len(self._reaches) >= _MOST_REACHES:
                self._reaches.clear()
            self._reaches[wanted] = self._find_reach(wanted)
        return self._reaches[wanted]

    def _find_reach(self, wanted: Wanted) -> Reach | None:
        low, high = self.ends.tolist()
        if wanted.low is not None:
            low = max(low, int(self._read(pd.Series([wanted.low], dtype=object))[0][0]))
        if wanted.high is not None:
            high = min(high, int(self._read(pd.Series([wanted.high], dtype=object))[0][0]))
        own = iter(self._spans)
        spans = tuple(Spans.constant(p) if isinstance(p, int) else next(own) for p in self.parts)
        return Reach(self.calendar, spans, low, high) if low <= high else None

    def _whole(self, codes: tuple[int, ...]) -> tuple[int, ...]:
        """Codes of all parts up to the next field, 0 for those that are always the same."""
        given, whole = list(codes), []
        for part in self.parts:
            if isinstance(part, int):
                whole.append(0)
            elif given:
                whole.append(given.pop(0))
            else:
                break
        return tuple(whole)

    def _of_varying(self, columns: tuple[Ints, ...]) -> list[tuple[Part, Ints]]:
        pairs = zip(self.parts, columns, strict=True)
        return [(part, column) for part, column in pairs if not isinstance(part, int)]

    def _read(self, values: pd.Series[Any]) -> tuple[Ints, NDArray[np.bool_]]:
        if not len(values):
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
        read = None if self.text_format is None else read_texts(values, self.text_format)
        read = read_ticks(values, like=self.calendar.dtype) if read is None else read
        if read is None:
            cells = values[values.notna()]
            raise InvalidTableError(
                f"Column {self.name!r} had {self._what} of dtype {self.dtype} in fit, and this is "
                f"nothing like it: {cells.iloc[0] if len(cells) else None!r}"
            )
        return read

    @property
    def _range(self) -> str:
        none = np.zeros(2, dtype=bool)
        low, high = self._write(self.ends, none)
        return f"{self._what} from {low} to {high}"

    def to_state(self) -> State:
        """A JSON-able header and named arrays."""
        parts: list[Any] = []
        arrays: Arrays = {"ends": self.ends}
        for place, part in enumerate(self.parts):
            if isinstance(part, int):
                parts.append(part)
                continue
            header, held = part.to_state()
            parts.append({"kind": part.kind, **header})
            arrays |= {f"{place}.{key}": array for key, array in held.items()}
        calendar = self.calendar.to_state()
        state = {"dtype": dtype_to_state(self.dtype), "missing": self.missing, "calendar": calendar}
        return {**state, "parts": parts, "text_format": self.text_format}, arrays

    @classmethod
    def from_state(cls, name: Hashable, header: dict[str, Any], arrays: Arrays) -> DatetimeCodec:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`."""
        broken = ModelFileError(f"The description of column {name!r} is broken.")
        dtype = dtype_from_state(header.get("dtype"))
        missing = check_missing(header.get("missing"), dtype)
        text_format = format_from(header.get("text_format"), dtype)
        if text_format is None and kind_of(dtype) not in TICKS:
            raise broken
        ticks = dtype if text_format is None else ticks_of(text_format)
        calendar = Calendar.from_state(header.get("calendar"), ticks)
        ends = want_array(arrays, "ends", "i", 2).astype(np.int64)
        described = want(header, "parts", list)
        if len(described) != len(PARTS[calendar.form]) or ends[0] > ends[1]:
            raise broken
        parts = tuple(load_part(entry, name, arrays, place) for place, entry in enumerate(described))
        codec = cls(name, dtype, calendar, parts, ends, missing, text_format)
        if not codec.varying or any((p.missing is None) != (missing is None) for p in codec.varying):
            raise broken
        try:
            codec._check()
        except (ValueError, ArithmeticError, IndexError, NotImplementedError) as error:
            raise broken from error
        return codec

    def _check(self) -> None:
        """Raise unless every code leads to a value."""
        widest = max(field.n_codes for field in self.fields)
        codes = np.stack([np.arange(widest) % field.n_codes for field in self.fields], axis=1)
        self.decode(codes, np.random.default_rng(0))
