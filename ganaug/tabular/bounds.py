"""Columns that are never above another one: a beginning and an end, a part and the whole.

Where that held in every row, though it needn't have, rows that break it are drawn again. That is exact: what
is left is the generator's distribution given that it holds.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug._util.cells import read_numbers, read_ticks
from ganaug.exceptions import ModelFileError
from ganaug.tabular.columns import ColumnCodec, DatetimeCodec

MOST_COLUMNS = 200  # of one kind, among which pairs are tried
FEWEST_ROWS = 50
SCREENED_ROWS = 2_000  # in which most pairs are already seen to hold nothing
LEAST_SHARE = 0.02  # of pairs of cells from different rows, that would break it
EVIDENCE = 30.0  # nats: how improbable an accident must be
Line = tuple[Hashable, NDArray[Any], NDArray[np.bool_]]


@dataclass(frozen=True)
class Bound:
    """In every row, column ``low`` is at most column ``high``, or one of them is missing.

    Parameters
    ----------
    low, high : int
        Positions of the columns.
    strict : bool
        Whether they were never equal.
    """

    low: int
    high: int
    strict: bool

    def broken_by(self, low: Line | None, high: Line | None) -> NDArray[np.bool_]:
        """Which rows break it, by `line_of` both columns; a single False where they can't be compared."""
        if low is None or high is None or low[0] != high[0]:
            return np.zeros(1, dtype=bool)
        wrong = low[1] >= high[1] if self.strict else low[1] > high[1]
        return np.asarray(wrong & ~low[2] & ~high[2])


def line_of(codec: ColumnCodec, values: pd.Series[Any]) -> Line | None:
    """The cells of a column on a line: of which kind, where, and where they are missing; None without one.

    Numbers are where they are, dates at their seconds as a clock on the wall shows them, durations at their
    ticks.
    """
    if isinstance(codec, DatetimeCodec):
        if codec.has_days:
            clock = codec.clock(values)
            return "date", clock.day.astype(np.int64) * 86_400 + clock.second, clock.gaps
        found = read_ticks(values)
        return None if found is None else (str(codec.dtype), *found)
    numbers = read_numbers(values)
    return None if numbers is None or numbers[0].dtype.kind not in "iuf" else ("number", *numbers)


def broken_by_each(
    bounds: Sequence[Bound], codecs: Sequence[ColumnCodec], table: pd.DataFrame
) -> Iterator[tuple[Bound, NDArray[np.bool_]]]:
    """Each bound, and which rows of a table break it."""
    used = {at for bound in bounds for at in (bound.low, bound.high)}
    lines = {at: line_of(codecs[at], table.iloc[:, at]) for at in used}
    for bound in bounds:
        yield bound, bound.broken_by(lines[bound.low], lines[bound.high])


def find_bounds(table: pd.DataFrame, codecs: Sequence[ColumnCodec], columns: Sequence[int]) -> list[Bound]:
    """Bounds between the columns at the given positions that held in every row, and needn't have.

    What follows from two of them is not among them.
    """
    if len(table) < FEWEST_ROWS:
        return []
    if sum(isinstance(codecs[at], DatetimeCodec) for at in columns) == 1:  # to read dates in text costs time
        columns = [at for at in columns if not isinstance(codecs[at], DatetimeCodec)]
    kinds: dict[Hashable, dict[int, Line]] = {}
    for at in columns:
        line = line_of(codecs[at], table.iloc[:, at])
        if line is not None:
            kinds.setdefault(line[0], {})[at] = line
    found: list[Bound] = []
    for lines in kinds.values():
        if 2 <= len(lines) <= MOST_COLUMNS:
            found += _without_what_follows(_bounds_of(lines), lines)
    return sorted(found, key=lambda bound: (bound.low, bound.high))


def _bounds_of(lines: dict[int, Line]) -> dict[tuple[int, int], Bound]:
    names = list(lines)
    step = max(1, len(lines[names[0]][1]) // SCREENED_ROWS)
    some = np.stack(
        [
            np.where(gaps[::step], np.nan, cells[::step].astype(np.float64))
            for _, cells, gaps in lines.values()
        ]
    )
    found: dict[tuple[int, int], Bound] = {}
    for place, low in enumerate(names):
        for other in np.flatnonzero(~(some[place] > some).any(axis=1)).tolist():
            high = names[other]
            if high != low and _is_no_accident(some[place], some[other]):
                bound = _bound(low, high, lines)
                if bound is not None:
                    found[low, high] = bound
    return {pair: bound for pair, bound in found.items() if pair[::-1] not in found}


def _is_no_accident(low: NDArray[np.float64], high: NDArray[np.float64]) -> bool:
    """Whether pairs of cells from different rows break it so often that rows would, too."""
    n_rows = int((~np.isnan(low) & ~np.isnan(high)).sum())
    if n_rows < FEWEST_ROWS:
        return False
    ranked = np.sort(high[~np.isnan(high)])
    share = float(np.searchsorted(ranked, low[~np.isnan(low)]).mean()) / len(ranked)
    return share >= LEAST_SHARE and -n_rows * np.log1p(-min(share, 1 - 1e-12)) > EVIDENCE


def _bound(low: int, high: int, lines: dict[int, Line]) -> Bound | None:
    """The bound, if it held in every row."""
    both = ~lines[low][2] & ~lines[high][2]
    below, above = lines[low][1][both], lines[high][1][both]
    if (below > above).any():
        return None
    return Bound(low, high, strict=not (below == above).any())


def _without_what_follows(found: dict[tuple[int, int], Bound], lines: dict[int, Line]) -> list[Bound]:
    """Without those that two others imply in every row: what is between is never missing by itself."""
    kept = []
    for (low, high), bound in found.items():
        between = [at for at in lines if (low, at) in found and (at, high) in found]
        if not any((lines[at][2] <= (lines[low][2] | lines[high][2])).all() for at in between):
            kept.append(bound)
    return kept


def bounds_from_state(entries: Any, n_columns: int) -> tuple[Bound, ...]:
    """Bounds from a file's lists; anything malformed is a `ModelFileError`."""
    for entry in entries if isinstance(entries, list) else [None]:
        good = (
            isinstance(entry, list)
            and [type(part) for part in entry] == [int, int, bool]
            and entry[0] != entry[1]
            and all(0 <= at < n_columns for at in entry[:2])
        )
        if not good:
            raise ModelFileError("The bounds between columns in the file are broken.")
    return tuple(Bound(*entry) for entry in entries)
