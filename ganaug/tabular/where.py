"""Conditions written as text, as on a command line: ``age>=60``, ``city=Lyon``, ``income is missing``."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype, is_timedelta64_dtype

from ganaug.exceptions import InvalidConditionError
from ganaug.tabular.wanted import Between, Missing, Present

_REST = re.compile(r"\s*(?:(>=|<=|==|=|>|<)\s*(.*)|is\s+(missing|present)\s*)", re.DOTALL)
_BOOLS = {"true": True, "1": True, "false": False, "0": False}
_SHOWN = 20


def parse_where(texts: Sequence[str], columns: Mapping[str, Any]) -> dict[str, Any]:
    """Read conditions; those on one column belong together.

    Parameters
    ----------
    texts : sequence of str
        ``column=value`` (repeated: one of the values), ``column>=value`` and the like (two of them: a range),
        ``column is missing``, ``column is present``.
    columns : mapping of str to dtype
        Those that there are.

    Returns
    -------
    dict of column to condition
        As `GANSynthesizer.sample` takes them.

    Raises
    ------
    InvalidConditionError
        What can't be read, with what to do.

    Examples
    --------
    >>> parse_where(["age>=60", "age<70", "city=Lyon"], {"age": "int64", "city": "object"})
    {'age': Between(low=60, high=69.99999999999999), 'city': ['Lyon']}
    """
    parts: dict[str, list[tuple[str, Any]]] = {}
    for text in texts:
        name, sign, value = _split(text, columns)
        cell = value if sign == "is" else _value(value, columns[name], text)
        parts.setdefault(name, []).append((sign, cell))
    return {name: _joined(name, found) for name, found in parts.items()}


def _split(text: str, columns: Mapping[str, Any]) -> tuple[str, str, str]:
    """The column (of several that fit, the longest), the sign and the value."""
    for name in sorted(columns, key=len, reverse=True):
        if text.startswith(name):
            found = _REST.fullmatch(text[len(name) :])
            if found:
                sign, value, state = found.groups()
                return (name, "is", state) if state else (name, sign.replace("==", "="), value)
    known = ", ".join(map(repr, list(columns)[:_SHOWN]))
    raise InvalidConditionError(
        "A condition is written column=value, column>=value, or 'column is missing' (or present), with "
        f"one of the columns {known}; got {text!r}"
    )


def _value(text: str, dtype: Any, whole: str) -> Any:
    """A value of a column of this dtype."""
    dtype = dtype.categories.dtype if isinstance(dtype, pd.CategoricalDtype) else dtype
    try:
        if is_bool_dtype(dtype):
            return _BOOLS[text.lower()]
        if is_numeric_dtype(dtype):
            return _number(text)
        if is_datetime64_any_dtype(dtype):
            return pd.Timestamp(text, tz=getattr(dtype, "tz", None))
        if is_timedelta64_dtype(dtype):
            return pd.Timedelta(text)
    except (KeyError, ValueError) as error:
        raise InvalidConditionError(
            f"The value must be one that the column (of type {dtype}) could have; got {whole!r}"
        ) from error
    return text


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        number = float(text)
        if not math.isfinite(number):
            raise
        return number


def _joined(name: str, found: list[tuple[str, Any]]) -> Any:
    signs = {sign for sign, _ in found}
    if signs == {"="}:
        return [value for _, value in found]
    if signs == {"is"} and len({value for _, value in found}) == 1:
        return Missing() if found[0][1] == "missing" else Present()
    if signs & {"=", "is"}:
        raise InvalidConditionError(
            f"Conditions on one column must be values, or bounds, or whether it is missing, not several of "
            f"these; got {len(found)} of them for column {name!r}"
        )
    lows = [_inside(value, sign, 1) for sign, value in found if sign[0] == ">"]
    highs = [_inside(value, sign, -1) for sign, value in found if sign[0] == "<"]
    try:
        return Between(max(lows, default=None), min(highs, default=None))
    except TypeError as error:
        raise InvalidConditionError(f"Bounds need a column of numbers or dates, got {name!r}") from error


def _inside(bound: Any, sign: str, step: int) -> Any:
    """The first value on this side of a bound that is itself excluded, or the bound."""
    if sign.endswith("="):
        return bound
    if isinstance(bound, int | float):
        return math.nextafter(bound, step * math.inf)
    if isinstance(bound, pd.Timestamp | pd.Timedelta):
        return bound + step * pd.Timedelta(1, "ns")
    raise InvalidConditionError(
        f"Only numbers and dates can be bounded by < and >; use <= or >=, got {bound!r}"
    )
