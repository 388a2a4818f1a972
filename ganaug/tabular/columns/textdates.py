"""Dates that are text, as a table from a CSV file has them: the one format of all, read and written."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug._util.cells import are_texts
from ganaug._util.dtypes import MISSING, kind_of
from ganaug.exceptions import ModelFileError

TICKS = np.dtype("M8[us]")  # what they are inside
_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y")
_WORDY_DATES = ("%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%-d %b %Y", "%-d %B %Y")
_SHORT_YEARS = ("%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%-m/%-d/%y", "%-d/%-m/%y", "%d-%b-%y")
_TIMES = ("", " %H:%M:%S", " %H:%M", "T%H:%M:%S", "T%H:%M", " %H:%M:%S.%f", "T%H:%M:%S.%f", "T%H:%M:%SZ")
_SHORT_DATES = ("%-d.%-m.%Y", "%-m/%-d/%Y", "%-d/%-m/%Y", "%Y/%-m/%-d", "%-m-%-d-%Y", "%-d-%-m-%Y")
_SHORT_TIMES = ("", " %H:%M:%S", " %H:%M", " %-H:%M:%S", " %-H:%M", " %-I:%M %p", " %-I:%M:%S %p")
_CLOCK_TIMES = (" %I:%M %p", " %I:%M:%S %p")
_FORMATS = (
    *map("".join, product(_DATES, (*_TIMES, *_SHORT_TIMES[3:]))),
    *map("".join, product(_SHORT_DATES, _SHORT_TIMES)),  # "%-d": without a zero before
    *map("".join, product((*_DATES, *_SHORT_DATES), _CLOCK_TIMES)),
    *map("".join, product((*_SHORT_YEARS, *_WORDY_DATES), (*_TIMES[:3], *_SHORT_TIMES[3:]))),
    *map("".join, product((*_SHORT_YEARS, *_WORDY_DATES), _CLOCK_TIMES)),
    "%Y%m%dT%H%M%S",
)
_MONTH = r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_DAY = (
    rf"\d{{1,4}}[-/.]\d{{1,2}}[-/.]\d{{1,4}}|\d{{1,2}}[- ]{_MONTH}[- ]\d{{2,4}}|{_MONTH} \d{{1,2}}, \d{{4}}"
)
_LIKE_A_DATE = rf"({_DAY})([ T]\d{{1,2}}:\d{{2}}.*)?|\d{{8}}T\d{{6}}"
_ZERO = "~"  # stands before a part that may have a zero too many
_LIKELY = 0.9  # of the values, from which on they are dates, perhaps of no single format
_FIRST = 20  # values that rule most formats out


def learn_format(values: pd.Series[Any]) -> str | None:
    """The format that gives every text back as it was; None where there is none.

    Parameters
    ----------
    values : Series of shape (n_rows,)
        Missing cells don't count.

    Examples
    --------
    >>> learn_format(pd.Series(["24.12.2021 18:30", "01.02.2022 07:05", None]))
    '%d.%m.%Y %H:%M'
    """
    cells = _texts(values)
    if cells is None:
        return None
    for some in _FORMATS:
        if _gives_back(cells.iloc[:_FIRST], some) and _gives_back(cells, some):
            return some
    return None


def _gives_back(cells: pd.Series[Any], text_format: str) -> bool:
    read = _read(cells, text_format)
    return bool(read.notna().all() and (_write(pd.DatetimeIndex(read), text_format) == cells).all())


def _read(cells: pd.Series[Any], text_format: str) -> Any:
    """Dates of texts, NaT where they don't follow the format."""
    return pd.to_datetime(cells, format=text_format.replace("%-", "%"), errors="coerce")


def _write(dates: pd.DatetimeIndex, text_format: str) -> NDArray[Any]:
    """Texts of dates, (n,); what C's library doesn't know on all systems is done here."""
    texts = dates.strftime(text_format.replace("%-", _ZERO + "%"))
    if "%-" in text_format:
        texts = texts.str.replace(_ZERO + "0?", "", regex=True)
    return texts.to_numpy(dtype=object, copy=True)


def look_like_dates(values: pd.Series[Any]) -> bool:
    """Whether most texts look like dates, of whatever format."""
    cells = _texts(values)
    return cells is not None and bool(cells.str.fullmatch(_LIKE_A_DATE).mean() >= _LIKELY)


def read_dates(
    values: pd.Series[Any], text_format: str
) -> tuple[NDArray[np.int64], NDArray[np.bool_]] | None:
    """Ticks (n_rows,) of texts, and where they are missing; None where one doesn't follow the format."""
    missing = values.isna().to_numpy(dtype=bool)
    read = _read(values.astype(object).where(~missing, None), text_format)
    if not isinstance(read.dtype, np.dtype) or (read.isna().to_numpy() & ~missing).any():
        return None
    ticks = read.to_numpy().astype(TICKS).view(np.int64)
    return np.where(missing, 0, ticks), missing


def write_dates(
    ticks: NDArray[np.int64], missing: NDArray[np.bool_], dtype: Any, text_format: str, missing_kind: str
) -> Any:
    """Inverse of `read_dates`: an array of ``dtype``."""
    cells = _write(pd.DatetimeIndex(ticks.view(TICKS)), text_format)
    cells[missing] = MISSING[missing_kind]
    return cells if isinstance(dtype, np.dtype) else pd.array(cells, dtype=dtype)


def format_from(state: Any, dtype: Any) -> str | None:
    """Format from a file; anything malformed is a `ModelFileError`."""
    if state is None:
        return None
    if isinstance(state, str) and state in _FORMATS and kind_of(dtype) in ("string", "object"):
        return str(state)
    raise ModelFileError(f"Unknown format of dates in the file: {state!r:.80}")


def _texts(values: pd.Series[Any]) -> pd.Series[Any] | None:
    """Distinct texts, when there are only such, and the first looks like a date."""
    if kind_of(values.dtype) not in ("string", "object"):
        return None
    cells = values[values.notna()].astype(object)
    first = cells.iloc[0] if len(cells) else None
    if not isinstance(first, str) or not re.fullmatch(_LIKE_A_DATE, first):
        return None
    return cells.drop_duplicates() if are_texts(cells) else None
