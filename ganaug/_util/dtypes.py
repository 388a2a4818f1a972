"""Kinds of columns; dtypes and column labels as JSON, and back."""

from __future__ import annotations

import datetime
import decimal
import importlib
import operator
import re
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ganaug.exceptions import InvalidTableError, ModelFileError

Scalar = bool | int | float | str

_MASKED = {f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)} | {"Float32", "Float64"}
_UNITS = ("s", "ms", "us", "ns")
_ARROW_INTEGERS = {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
_ARROW_NUMBERS = _ARROW_INTEGERS | {"halffloat", "float", "double"}
_ARROW_STRINGS = {"string", "large_string"}
_ARROW_TIMES = {"time32[s]", "time32[ms]", "time64[us]", "time64[ns]"}
_ARROW_DURATIONS = {f"duration[{unit}]" for unit in _UNITS}
_ARROW_DATES = {"date32[day]": "date32", "date64[ms]": "date64"}
_ARROW_TIMESTAMP = re.compile(r"timestamp\[(s|ms|us|ns)(?:, tz=([A-Za-z0-9_+\-/:]{1,64}))?\]")
_ARROW_DECIMAL = re.compile(r"decimal(32|64|128|256)\(([0-9]{1,2}), (-?[0-9]{1,2})\)")
_NUMPY_DTYPE = re.compile(r"[<>|=]?([biuf][0-9]{1,2}|O|U[0-9]{1,8}|[mM]8\[(Y|M|W|D|h|m|s|ms|us|ns)\])")
_ZONE_NAME = re.compile(r"[A-Za-z0-9_+\-]{1,32}(/[A-Za-z0-9_+\-]{1,32}){0,2}")
_MOST_DECIMALS = 1_000
_LEVEL_CELLS: dict[str, tuple[type, Callable[[str], Any]]] = {
    "date": (datetime.date, datetime.date.fromisoformat),
    "time": (datetime.time, datetime.time.fromisoformat),
    "decimal": (decimal.Decimal, decimal.Decimal),
}
_OBJECT_KINDS = {
    "date": "date",
    "time": "time",
    "datetime": "datetime",
    "Timestamp": "datetime",
    "timedelta": "duration",
    "Timedelta": "duration",
    "decimal": "decimal",
}
TICKS = (
    "datetime",
    "duration",
    "date",
    "time",
    "decimal",
)  # kinds that `ganaug._util.cells.read_ticks` reads
MISSING: dict[str, Any] = {"None": None, "nan": float("nan"), "NA": pd.NA, "NaT": pd.NaT}


@dataclass(frozen=True)
class ObjectDtype:
    """What an object column holds, where all its cells are of one type that has no numpy dtype.

    Parameters
    ----------
    cells : {"date", "time", "datetime", "timedelta", "decimal", "Timestamp", "Timedelta"}
        Their type: that of the module datetime, decimal.Decimal, or pandas' own.
    zone : tzinfo, optional
        The time zone that all of them are in.
    scale : int, default 0
        Most decimals that a decimal has.
    """

    cells: str
    zone: datetime.tzinfo | None = None
    scale: int = 0


def kind_of(dtype: Any) -> str:
    """What the cells of a column are.

    One of "number", "bool", "string", "object", "category", "datetime", "duration", "date", "time", "decimal"
    and, for all others, "other".
    """
    if isinstance(dtype, ObjectDtype):
        return _OBJECT_KINDS[dtype.cells]
    if isinstance(dtype, np.dtype):
        if dtype.kind == "f" and dtype.itemsize > 8:
            return "other"
        kinds = {"b": "bool", "O": "object", "M": "datetime", "m": "duration"}
        return "number" if dtype.kind in "iuf" else kinds.get(dtype.kind, "other")
    if isinstance(dtype, pd.DatetimeTZDtype):
        return "datetime"
    if isinstance(dtype, pd.CategoricalDtype):
        return "category"
    if isinstance(dtype, pd.StringDtype):
        return "string"
    if isinstance(dtype, pd.ArrowDtype):
        return _kind_of_arrow(str(dtype.pyarrow_dtype))
    if dtype.name in _MASKED:
        return "number"
    return "bool" if dtype.name == "boolean" else "other"


def _kind_of_arrow(name: str) -> str:
    families: dict[str, set[str]] = {
        "number": _ARROW_NUMBERS,
        "string": _ARROW_STRINGS,
        "bool": {"bool"},
        "time": _ARROW_TIMES,
        "duration": _ARROW_DURATIONS,
        "date": set(_ARROW_DATES),
    }
    known = next((kind for kind, names in families.items() if name in names), None)
    if known is None and name.startswith("timestamp["):
        return "datetime"
    return known or ("decimal" if _ARROW_DECIMAL.fullmatch(name) else "other")


def can_be_missing(dtype: Any) -> bool:
    """Whether a column of this dtype has room for a missing value."""
    return not isinstance(dtype, np.dtype) or dtype.kind in "fOmM"


def index_to_state(labels: pd.Index[Any]) -> dict[str, Any]:
    """JSON-able description of column labels (text, numbers and bools)."""
    if isinstance(labels, pd.RangeIndex):
        return {"range": [labels.start, labels.stop, labels.step], "name": labels.name}
    values = labels.tolist()
    for label in (*values, labels.name):
        if not isinstance(label, Scalar | None) or label != label or (label is None and values.count(None)):
            raise InvalidTableError(f"Only names that are text or numbers can be saved; rename {label!r}")
    return {"labels": values, "dtype": dtype_to_state(labels.dtype), "name": labels.name}


def index_from_state(state: Any) -> pd.Index[Any]:
    """Inverse of `index_to_state`; anything malformed is a `ModelFileError`."""
    broken = ModelFileError("The column names in the file are broken.")
    if not isinstance(state, dict) or not isinstance(state.get("name"), Scalar | None):
        raise broken
    try:
        if "range" in state:
            start, stop, step = map(operator.index, state["range"])
            if len(range(start, stop, step)) < 2**31:
                return pd.RangeIndex(start, stop, step, name=state["name"])
        values = state["labels"]
        if not isinstance(values, list) or not all(isinstance(value, Scalar) for value in values):
            raise broken
        labels: pd.Index[Any] = pd.Index(values, dtype=dtype_from_state(state["dtype"]), name=state["name"])
    except (KeyError, TypeError, ValueError, OverflowError, NotImplementedError) as error:
        raise broken from error
    if not labels.is_unique or labels.hasnans:
        raise broken
    return labels


def categories_to_state(categories: pd.Index[Any]) -> dict[str, Any]:
    """JSON-able description of the levels of a category, which may be dates, durations or intervals, too."""
    kind = _level_type(categories)
    if kind == "interval":
        ends = [_ends_to_state(getattr(categories, side)) for side in ("left", "right")]
        return {"intervals": ends, "closed": categories.closed}  # type: ignore[attr-defined]
    if kind == "ticks":
        return _ends_to_state(categories)
    if kind is not None:
        return {"cells": kind, "texts": list(map(str, categories.tolist()))}
    return index_to_state(pd.Index(categories.tolist(), dtype=categories.dtype))  # a range written out


def _ends_to_state(ends: Any) -> dict[str, Any]:
    """Dates and durations as ticks; numbers as texts, for the end of an interval may be infinite."""
    if hasattr(ends, "asi8"):
        return {"ticks": ends.asi8.tolist(), "dtype": dtype_to_state(ends.dtype)}
    return {"numbers": list(map(repr, ends.tolist())), "dtype": ends.dtype.str}


def categories_from_state(state: Any) -> pd.Index[Any]:
    """Inverse of `categories_to_state`; anything malformed is a `ModelFileError`."""
    broken = ModelFileError("The levels of a category in the file are broken.")
    if not isinstance(state, dict) or not state.keys() & {"intervals", "ticks", "numbers", "cells"}:
        return index_from_state(state)
    try:
        found = _categories_from(state, broken)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise broken from error
    if not found.is_unique or found.hasnans:
        raise broken
    return found


def _categories_from(state: dict[str, Any], broken: ModelFileError) -> pd.Index[Any]:
    if "intervals" in state:
        left, right = map(_interval_ends, state["intervals"])
        return pd.IntervalIndex.from_arrays(left, right, closed=state["closed"])
    if "ticks" in state:
        dtype = dtype_from_state(state["dtype"])
        ticks = np.array([operator.index(tick) for tick in state["ticks"]], dtype=np.int64)
        if isinstance(dtype, np.dtype) and dtype.kind in "mM":
            return pd.Index(ticks.view(dtype))
        if isinstance(dtype, pd.DatetimeTZDtype):
            utc = pd.DatetimeIndex(ticks.view(f"M8[{dtype.unit}]")).tz_localize("UTC")
            zoned: pd.Index[Any] = utc.tz_convert(dtype.tz)
            return zoned
        raise broken
    if "numbers" in state:
        plain = numpy_dtype_from(state["dtype"], kinds="iuf")
        read = float if plain.kind == "f" else int
        numbers: pd.Index[Any] = pd.Index([read(text) for text in state["numbers"]], dtype=plain)
        return numbers
    parse = _LEVEL_CELLS[state["cells"]][1]
    named: pd.Index[Any] = pd.Index([parse(text) for text in state["texts"]], dtype=object)
    return named


def _interval_ends(state: Any) -> pd.Index[Any]:
    """The lower or the upper ends of intervals, which may repeat."""
    if not isinstance(state, dict) or not state.keys() & {"ticks", "numbers"}:
        raise ModelFileError("The intervals in the file are broken.")
    return _categories_from(state, ModelFileError("The intervals in the file are broken."))


def _level_type(categories: pd.Index[Any]) -> str | None:
    """How levels that aren't all text, numbers or bools are written; None for all others."""
    dtype: Any = categories.dtype
    if isinstance(dtype, pd.IntervalDtype):
        return "interval"
    if kind_of(dtype) in ("datetime", "duration") and not isinstance(dtype, pd.ArrowDtype):
        return "ticks"
    types = set(map(type, categories.tolist())) if kind_of(dtype) == "object" else set()
    named = [name for name, (kind, _) in _LEVEL_CELLS.items() if types == {kind}]
    return named[0] if named else None


def level_names(categories: pd.Index[Any]) -> list[Any]:
    """Levels of a category as scalars: themselves, or the texts of those that are dates or intervals.

    Examples
    --------
    >>> level_names(pd.Index(["a", "b"])), level_names(pd.interval_range(0, 2))
    (['a', 'b'], ['(0, 1]', '(1, 2]'])
    """
    levels = categories.tolist()
    return levels if _level_type(categories) is None else list(map(str, levels))


def has_named_levels(dtype: Any) -> bool:
    """Whether the levels of a category go by their texts."""
    return isinstance(dtype, pd.CategoricalDtype) and _level_type(dtype.categories) is not None


def dtype_to_state(dtype: Any) -> dict[str, Any]:
    """JSON-able description of a dtype that `kind_of` knows."""
    if isinstance(dtype, np.dtype):
        return {"numpy": dtype.str}
    if isinstance(dtype, ObjectDtype):
        zone = None if dtype.zone is None else _zone_to_state(dtype.zone)
        return {"object": dtype.cells, "zone": zone, "scale": dtype.scale}
    if isinstance(dtype, pd.DatetimeTZDtype):
        return {"unit": dtype.unit, "zone": _zone_to_state(dtype.tz)}
    if isinstance(dtype, pd.CategoricalDtype):
        return {"categories": categories_to_state(dtype.categories), "ordered": bool(dtype.ordered)}
    if isinstance(dtype, pd.StringDtype):
        return {"string": dtype.storage, "na": "NA" if dtype.na_value is pd.NA else "nan"}
    if isinstance(dtype, pd.ArrowDtype):
        return {"arrow": str(dtype.pyarrow_dtype)}
    return {"pandas": str(dtype.name)}


def dtype_from_state(state: Any) -> Any:
    """Inverse of `dtype_to_state`; anything malformed is a `ModelFileError`."""
    broken = ModelFileError(f"Unknown dtype in the file: {state!r:.80}")
    if not isinstance(state, dict):
        raise broken
    if "numpy" in state:
        plain = numpy_dtype_from(state["numpy"], kinds="biufOmM")
        if plain.kind in "mM" and np.datetime_data(plain)[0] not in _UNITS:
            raise broken
        return plain
    if "object" in state:
        return _object_dtype_from(state, broken)
    if "categories" in state and isinstance(state.get("ordered"), bool):
        categories = categories_from_state(state["categories"])
        if kind_of(categories.dtype) != "category" and not isinstance(categories, pd.RangeIndex):
            return pd.CategoricalDtype(categories, state["ordered"])
    if state.get("string") in ("python", "pyarrow") and state.get("na") in ("NA", "nan"):
        if state["na"] == "NA":
            return pd.StringDtype(state["string"])
        return pd.StringDtype(state["string"], na_value=np.nan)  # type: ignore[call-arg]
    if state.get("unit") in _UNITS:
        return pd.DatetimeTZDtype(state["unit"], _zone_from_state(state.get("zone")))
    if isinstance(state.get("arrow"), str):
        return pd.ArrowDtype(arrow_type_from(state["arrow"]))
    if state.get("pandas") in (*_MASKED, "boolean"):
        return pd.api.types.pandas_dtype(state["pandas"])
    raise broken


def _object_dtype_from(state: dict[str, Any], broken: ModelFileError) -> ObjectDtype:
    zone, scale = state.get("zone"), state.get("scale")
    if state["object"] not in _OBJECT_KINDS or type(scale) is not int or not 0 <= scale <= _MOST_DECIMALS:
        raise broken
    return ObjectDtype(state["object"], None if zone is None else _zone_from_state(zone), scale)


def arrow_type_from(name: str) -> Any:
    """Type of pyarrow from its name in a file, one of those that `kind_of` knows."""
    import pyarrow as pa  # only a table that came from it needs it

    timestamp, number = _ARROW_TIMESTAMP.fullmatch(name), _ARROW_DECIMAL.fullmatch(name)
    try:
        if timestamp:
            return pa.timestamp(timestamp[1], timestamp[2])
        if number:
            return getattr(pa, f"decimal{number[1]}")(int(number[2]), int(number[3]))
        if _kind_of_arrow(name) != "other":
            return pa.type_for_alias(_ARROW_DATES.get(name, name))
    except (AttributeError, ValueError):  # a precision that no decimal has
        pass
    raise ModelFileError(f"Unknown dtype in the file: {name!r:.80}")


def _zone_to_state(zone: datetime.tzinfo) -> list[Any]:
    """Library and name of a time zone, or its seconds from UTC; pandas tells pytz's from the others."""
    offset = zone.utcoffset(None)
    library = "pytz" if type(zone).__module__.startswith("pytz") else "zoneinfo"
    name = getattr(zone, "zone", None) if library == "pytz" else getattr(zone, "key", None)
    if name is not None:
        return [library, name]
    if offset is None:
        raise InvalidTableError(
            f"This time zone can't be saved; convert the column, for example by tz_convert('UTC'): {zone!r}"
        )
    return [library, offset.total_seconds()]


def _zone_from_state(state: Any) -> datetime.tzinfo:
    broken = ModelFileError(f"Unknown time zone in the file: {state!r:.80}")
    if not isinstance(state, list) or len(state) != 2 or state[0] not in ("pytz", "zoneinfo"):
        raise broken
    library, name = state
    try:
        if isinstance(name, float) and abs(name) < 86_400:
            return _fixed_offset(library, name)
        if isinstance(name, str) and _ZONE_NAME.fullmatch(name):
            return _named_zone(library, name)
    except (KeyError, ValueError, OSError) as error:  # no such zone on this machine
        raise broken from error
    raise broken


def _fixed_offset(library: str, seconds: float) -> datetime.tzinfo:
    pytz = _pytz() if library == "pytz" else None
    if pytz is not None and seconds % 60 == 0:
        return pytz.FixedOffset(int(seconds // 60))  # type: ignore[no-any-return]
    return datetime.timezone(datetime.timedelta(seconds=seconds))


def _named_zone(library: str, name: str) -> datetime.tzinfo:
    pytz = _pytz() if library == "pytz" else None
    return zoneinfo.ZoneInfo(name) if pytz is None else pytz.timezone(name)


def _pytz() -> Any:
    """The library pytz; None where there is none, as pandas 3 does without."""
    try:
        return importlib.import_module("pytz")
    except ImportError:
        return None


def numpy_dtype_from(text: Any, kinds: str) -> np.dtype[Any]:
    """Plain numpy dtype from a file, its kind among ``kinds``; anything else is a `ModelFileError`."""
    try:
        dtype = np.dtype(text) if isinstance(text, str) and _NUMPY_DTYPE.fullmatch(text) else None
    except TypeError:
        dtype = None
    if dtype is None or dtype.kind not in kinds or dtype.shape:
        raise ModelFileError(f"Unknown dtype in the file: {text!r:.80}")
    return dtype
