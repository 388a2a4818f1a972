"""Dates and numbers that are text: one way to learn, read and write the format of either."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug._util.cells import dtype_of
from ganaug._util.dtypes import kind_of
from ganaug.exceptions import ModelFileError
from ganaug.tabular.columns import textdates, textnumbers

Ticks = tuple[NDArray[np.int64], NDArray[np.bool_]]

_FEW_TEXTS, _FEWEST_TEXTS = 50, 20  # different ones; fewer may as well be levels, ...
_LEVEL_ROWS = 5  # ... and up to the larger number if each has so many rows


def may_be_text(values: pd.Series[Any]) -> bool:
    """Whether a column holds text, or objects that are nothing in particular."""
    return kind_of(values.dtype) in ("string", "object") and dtype_of(values) == values.dtype


def are_many(values: pd.Series[Any]) -> bool:
    """Whether so many texts are different that, as dates, they are more than levels."""
    n_texts = values.nunique()
    has_rows = n_texts * _LEVEL_ROWS <= values.count()
    return n_texts > _FEW_TEXTS or (n_texts >= _FEWEST_TEXTS and not has_rows)


def learn_format(values: pd.Series[Any]) -> str | None:
    """The format of texts, which gives every one of them back; None where there is none.

    Examples
    --------
    >>> learn_format(pd.Series(["2024-05-01", "2024-06-30"]))
    '%Y-%m-%d'
    >>> example_of(learn_format(pd.Series(["12.5 kg", "80.0 kg"])))
    '1234.0 kg'
    """
    return textdates.learn_format(values) or textnumbers.learn_number_format(values)


def ticks_of(text_format: str) -> Any:
    """The dtype that they have inside."""
    return textnumbers.number_ticks(text_format) if _is_number(text_format) else textdates.TICKS


def example_of(text_format: str) -> str:
    """The format in words: that of dates, or a number so written."""
    return textnumbers.number_example(text_format) if _is_number(text_format) else text_format


def read_texts(values: pd.Series[Any], text_format: str) -> Ticks | None:
    """Ticks (n_rows,) of texts, and where they are missing; None where one doesn't follow the format."""
    read = textnumbers.read_number_texts if _is_number(text_format) else textdates.read_dates
    return read(values, text_format)


def write_texts(
    ticks: NDArray[np.int64], missing: NDArray[np.bool_], dtype: Any, text_format: str, missing_kind: str
) -> Any:
    """Inverse of `read_texts`: an array of ``dtype``."""
    write = textnumbers.write_number_texts if _is_number(text_format) else textdates.write_dates
    return write(ticks, missing, dtype, text_format, missing_kind)


def format_from(state: Any, dtype: Any) -> str | None:
    """Format from a file; anything malformed is a `ModelFileError`."""
    if not isinstance(state, str) or not _is_number(state):
        return textdates.format_from(state, dtype)
    if kind_of(dtype) not in ("string", "object"):
        raise ModelFileError(f"Numbers in text have no such dtype: {dtype}")
    textnumbers.number_format(state)
    return state


def _is_number(text_format: str) -> bool:
    return text_format.startswith("[")
