"""Numbers that are text because of how people write them: with currency, per cent, units, thousands apart."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug._util.cells import are_texts
from ganaug._util.dtypes import MISSING, ObjectDtype, kind_of
from ganaug.exceptions import ModelFileError

_SIGN = r"[$€£¥₹]|[A-Z]{3}"
_WRITTEN = re.compile(
    rf"\(?[+-]?({_SIGN})?\s?[+-]?(\d{{1,3}}([.,' ]\d{{3}})+|\d+)([.,]\d+)?([eE][+-]?\d+)?\s?({_SIGN}|%)?\)?"
)
_MARK = re.compile(r"[$€£¥₹%.,]|\d[eE]")  # without any, texts of digits may be codes
_LIKELY = 0.9
_NUMBER = re.compile(r"([^\d(-]{0,8})(\d[\d.,' \u00a0\u202f]*?)([^\d.,')]{0,16})")
_UNIT = re.compile(r"[ \u00a0]?[^\W\d_]{1,12}[²³]?|[ \u00a0]?[°%‰][A-Z]?")
_MARKS = (  # between thousands, and before decimals, the likelier first
    *(("", "."), (",", "."), (".", ","), (" ", ","), ("'", "."), (" ", ".")),
    *(("\u00a0", ","), ("\u202f", ","), ("\u00a0", "."), ("", ",")),
)
_MINUS = ("before", "after", "brackets")  # of what stands before the digits
_DIGITS = 18  # every number of so many digits is an int64
_FIRST = 20  # values that rule most formats out


@dataclass(frozen=True)
class NumberFormat:
    """How numbers are written.

    Parameters
    ----------
    prefix, suffix : str
        What stands before and after the digits.
    thousands, mark : str
        What stands between thousands, and before decimals.
    decimals : int
        How many there are, or with ``is_short`` at most.
    is_short : bool
        Whether zeros at the end are left out.
    minus : {"before", "after", "brackets"}
        Where a minus stands: before or after the prefix; or brackets stand for it.
    """

    prefix: str
    suffix: str
    thousands: str
    mark: str
    decimals: int
    is_short: bool
    minus: str

    def read(self, text: str) -> int | None:
        """The number in units of its last decimal; None for what is no number so written."""
        negative = False
        if self.minus == "brackets" and text[:1] == "(" and text[-1:] == ")":
            negative, text = True, text[1:-1]
        elif self.minus == "before" and text[:1] == "-":
            negative, text = True, text[1:]
        if not (text.startswith(self.prefix) and text.endswith(self.suffix)):
            return None
        text = text[len(self.prefix) : len(text) - len(self.suffix)]
        if self.minus == "after" and text[:1] == "-":
            negative, text = True, text[1:]
        whole, _, part = text.partition(self.mark) if self.decimals else (text, "", "")
        digits = whole.replace(self.thousands, "") if self.thousands else whole
        written = digits + part.ljust(self.decimals, "0")
        if not written.isascii() or not written.isdigit() or len(part) > self.decimals:
            return None
        if len(written) > _DIGITS:
            return None
        return -int(written) if negative else int(written)

    def write(self, tick: int) -> str:
        """Inverse of `read`."""
        whole, part = divmod(abs(tick), 10**self.decimals)
        text = f"{whole:,}".replace(",", self.thousands)
        decimals = str(part).zfill(self.decimals) if self.decimals else ""
        decimals = decimals.rstrip("0") if self.is_short else decimals
        text += self.mark + decimals if decimals else ""
        after = "-" if tick < 0 and self.minus == "after" else ""
        text = f"{self.prefix}{after}{text}{self.suffix}"
        if tick < 0 and self.minus != "after":
            return f"-{text}" if self.minus == "before" else f"({text})"
        return text

    def __str__(self) -> str:
        return json.dumps(list(astuple(self)))


def learn_number_format(values: pd.Series[Any]) -> str | None:
    """The format, in a word, that gives every text back as it was; None where there is none.

    Digits alone may be codes: without a sign of currency, per cent, decimals, or a unit, there is none.

    Parameters
    ----------
    values : Series of shape (n_rows,)
        Missing cells don't count.

    Examples
    --------
    >>> prices = pd.Series(["$1,200.50", "$80.00", None])
    >>> number_example(learn_number_format(prices))
    '$1,234.00'
    """
    if kind_of(values.dtype) not in ("string", "object"):
        return None
    cells = values.dropna().tolist()
    if not cells or not isinstance(cells[0], str):
        return None
    found = _NUMBER.fullmatch(cells[0].lstrip("-(").rstrip(")").replace("-", ""))
    if found is None or not are_texts(cells):
        return None
    distinct = list(dict.fromkeys(cells))
    if found[1] and not look_like_numbers(distinct[:_FIRST]):
        return None
    prefix, _, suffix = found.groups()
    for thousands, mark in _MARKS:
        for minus in _MINUS:
            some = distinct[:_FIRST]
            for part in (some, distinct):
                form = _format_of(part, prefix, suffix, thousands, mark, minus)
                if not all(_gives_back(form, text) for text in part):
                    break
            else:
                return str(form) if _is_measure(form, distinct, len(cells)) else None
    return None


def _format_of(
    texts: list[str], prefix: str, suffix: str, thousands: str, mark: str, minus: str
) -> NumberFormat:
    decimals = {_decimals(text, suffix, mark) for text in texts}
    return NumberFormat(prefix, suffix, thousands, mark, max(decimals), len(decimals) > 1, minus)


def _decimals(text: str, suffix: str, mark: str) -> int:
    """Digits behind the mark."""
    text = text.rstrip(")")
    body = text[: len(text) - len(suffix)] if suffix and text.endswith(suffix) else text
    return len(body.rpartition(mark)[2]) if mark in body else 0


def _gives_back(some: NumberFormat, text: str) -> bool:
    tick = some.read(text)
    return tick is not None and some.write(tick) == text


def _is_measure(some: NumberFormat, distinct: list[str], n_rows: int) -> bool:
    """Whether numbers so written measure something, and aren't names."""
    if look_like_numbers(distinct):
        return True
    has_unit = not some.prefix and _UNIT.fullmatch(some.suffix) is not None
    return has_unit and (some.decimals > 0 or len(distinct) < n_rows)


def number_format(text_format: str) -> NumberFormat:
    """The format of which this is the word; a `ModelFileError` where it is none."""
    broken = ModelFileError(f"Unknown format of numbers in the file: {text_format!r:.80}")
    try:
        given = json.loads(text_format)
    except ValueError as error:
        raise broken from error
    kinds = (str, str, str, str, int, bool, str)
    if not isinstance(given, list) or [type(entry) for entry in given] != list(kinds):
        raise broken
    found = NumberFormat(*given)
    if (found.thousands, found.mark) not in _MARKS or found.minus not in _MINUS:
        raise broken
    if not 0 <= found.decimals < _DIGITS or len(found.prefix) > 8 or len(found.suffix) > 16:
        raise broken
    return found


def number_example(text_format: str | None) -> str:
    """What the number 1234 looks like."""
    found = number_format(text_format or "")
    return found.write(1234 * 10**found.decimals)


def number_ticks(text_format: str) -> ObjectDtype:
    """The dtype whose ticks numbers so written are: decimals."""
    return ObjectDtype("decimal", scale=number_format(text_format).decimals)


def read_number_texts(
    values: pd.Series[Any], text_format: str
) -> tuple[NDArray[np.int64], NDArray[np.bool_]] | None:
    """Ticks (n_rows,) of texts, and where they are missing; None where one doesn't follow the format."""
    missing, own = values.isna().to_numpy(dtype=bool), number_format(text_format)
    cells = values.to_numpy(dtype=object)[~missing].tolist()
    read = {cell: own.read(cell) if isinstance(cell, str) else None for cell in set(cells)}
    if None in read.values():
        return None
    ticks = np.zeros(len(values), dtype=np.int64)
    ticks[~missing] = np.array([read[cell] for cell in cells], dtype=np.int64)
    return ticks, missing


def write_number_texts(
    ticks: NDArray[np.int64], missing: NDArray[np.bool_], dtype: Any, text_format: str, missing_kind: str
) -> Any:
    """Inverse of `read_number_texts`: an array of ``dtype``."""
    own, cells = number_format(text_format), np.empty(len(ticks), dtype=object)
    cells[:] = [own.write(tick) for tick in ticks.tolist()]
    cells[missing] = MISSING[missing_kind]
    return cells if isinstance(dtype, np.dtype) else pd.array(cells, dtype=dtype)


def look_like_numbers(texts: Sequence[str]) -> bool:
    """Whether most texts are numbers, and not only digits, which may be codes.

    Examples
    --------
    >>> look_like_numbers(["$1,200.50", "$80"]), look_like_numbers(["2.5%", "10%"])
    (True, True)
    >>> look_like_numbers(["0123", "0456"]), look_like_numbers(["C-12", "C-13"])
    (False, False)
    """
    written = sum(_WRITTEN.fullmatch(text.strip()) is not None for text in texts)
    return written > 0 and written >= _LIKELY * len(texts) and any(map(_MARK.search, texts))
