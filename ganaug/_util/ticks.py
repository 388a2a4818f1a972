"""Dates, times, durations and decimals of every dtype as integers, and back.

A tick is the smallest step that a column of dates, times, durations or decimals can make, as an integer:

====================================== ============================================================
dtype                                  tick
====================================== ============================================================
datetime64, with or without time zone  its unit, since 1970-01-01 (in UTC, when there is a zone)
timedelta64                            its unit
arrow timestamp, duration              its unit, as above
arrow date32, date64                   a day since 1970-01-01
arrow time32, time64                   its unit, since midnight
arrow decimal                          the last digit that its scale has
object: date                           a day since 1970-01-01
object: datetime                       a microsecond since 1970-01-01 (in UTC, when there is a zone)
object: timedelta, time                a microsecond; of a time, since midnight
object: pandas Timestamp, Timedelta    a nanosecond
object: Decimal                        the last digit of the cell that has most decimals
====================================== ============================================================
"""

from __future__ import annotations

import datetime
import decimal
import re
import zoneinfo
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug._util.dtypes import MISSING, TICKS, ObjectDtype, kind_of

Ticks: TypeAlias = tuple[NDArray[np.int64], NDArray[np.bool_]]

_NAT = np.iinfo(np.int64).min
_NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_DAY = 86_400 * 10**9  # nanoseconds
_MICROSECOND = datetime.timedelta(microseconds=1)
_EPOCH = datetime.datetime(1970, 1, 1)
_EPOCH_DAY = _EPOCH.toordinal()
_OFFSET = re.compile(r":.*(Z|[+-][0-9]{2}(:?[0-9]{2})?)$")
_DIGITS = 18  # every decimal number of so many digits is an int64
_WIDE = decimal.Context(prec=2 * _DIGITS, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX)


def dtype_of(values: pd.Series[Any]) -> Any:
    """The dtype of a column: an `ObjectDtype` where all cells are dates, or all times, decimals and so on.

    For all others, and where the cells' zones differ, it is ``values.dtype``.
    """
    if kind_of(values.dtype) != "object":
        return values.dtype
    cells = values.to_numpy()
    return _object_dtype(cells[~pd.isna(cells)]) or values.dtype


def read_ticks(values: pd.Series[Any], like: Any = None) -> Ticks | None:
    """Dates, times, durations and decimals as ticks (see the table above), and where they are missing.

    Parameters
    ----------
    values : Series of shape (n_rows,)
    like : dtype, optional
        Whose ticks are meant, by default the column's own: cells of another unit, text (as ISO 8601 has it),
        dates for datetimes and numbers for decimals are converted, exactly. Without a zone they are local.

    Returns
    -------
    ticks : int64 array of shape (n_rows,)
        0 where missing.
    missing : bool array of shape (n_rows,)
    None
        In their place, when the cells are something else, can't be converted, or have too many digits.

    See Also
    --------
    dtype_of : The dtype by which `write_ticks` gives the same cells back.

    Examples
    --------
    >>> read_ticks(pd.Series(pd.to_datetime(["1970-01-02", None])).astype("datetime64[s]"))
    (array([86400,     0]), array([False,  True]))
    """
    dtype = dtype_of(values)
    if like is not None and like != dtype:
        return _converted(values, like)
    if kind_of(dtype) not in TICKS:
        return None
    missing = values.isna().to_numpy(dtype=bool)
    ticks = np.zeros(len(values), dtype=np.int64)
    try:
        if isinstance(dtype, ObjectDtype):
            found = _read_objects(values.to_numpy()[~missing], dtype)
            ticks[~missing] = np.fromiter(found, np.int64, int((~missing).sum()))
        elif isinstance(dtype, pd.ArrowDtype):
            ticks = _read_arrow(values, dtype.pyarrow_dtype)
        else:
            local = (
                values if isinstance(dtype, np.dtype) else values.dt.tz_convert("UTC").dt.tz_localize(None)
            )
            ticks = np.where(missing, 0, local.to_numpy().view(np.int64))
    except (OverflowError, ValueError):  # too many digits; too far from 1970
        return None
    return ticks, missing


def write_ticks(ticks: NDArray[np.int64], missing: NDArray[np.bool_], dtype: Any, missing_kind: str) -> Any:
    """Inverse of `read_ticks`.

    Parameters
    ----------
    ticks : int64 array of shape (n_rows,)
    missing : bool array of shape (n_rows,)
    dtype : dtype
        As `dtype_of` found it.
    missing_kind : {"None", "nan", "NA", "NaT"}
        What stands in the gaps of an object column; all others have a gap of their own.

    Returns
    -------
    array of shape (n_rows,)
    """
    if isinstance(dtype, ObjectDtype):
        cells = np.empty(len(ticks), dtype=object)
        cells[:] = MISSING[missing_kind]
        write = _object_writer(dtype)
        cells[~missing] = _as_objects(write(tick) for tick in ticks[~missing].tolist())
        return cells
    if isinstance(dtype, pd.ArrowDtype):
        return _write_arrow(ticks, missing, dtype)
    native = np.where(missing, _NAT, ticks)
    if isinstance(dtype, np.dtype):
        return native.view(dtype.newbyteorder("="))
    return pd.DatetimeIndex(native.view(f"M8[{dtype.unit}]")).tz_localize("UTC").tz_convert(dtype.tz).array


def nanoseconds_per_tick(dtype: Any) -> int | None:
    """How long a tick is; None for decimals.

    Examples
    --------
    >>> nanoseconds_per_tick(np.dtype("M8[ms]"))
    1000000
    """
    if isinstance(dtype, ObjectDtype):
        short = {"date": _DAY, "decimal": None, "Timestamp": 1, "Timedelta": 1}
        return short.get(dtype.cells, 1_000)
    if kind_of(dtype) == "date":
        return _DAY
    if kind_of(dtype) == "decimal":
        return None
    inner = dtype.pyarrow_dtype if isinstance(dtype, pd.ArrowDtype) else dtype
    unit: str = np.datetime_data(inner)[0] if isinstance(inner, np.dtype) else inner.unit
    return _NANOSECONDS[unit]


def zone_of(dtype: Any) -> datetime.tzinfo | None:
    """The time zone of a column; None where it has none.

    Examples
    --------
    >>> str(zone_of(pd.DatetimeTZDtype("us", "Europe/Paris")))
    'Europe/Paris'
    """
    if isinstance(dtype, pd.ArrowDtype):
        name = getattr(dtype.pyarrow_dtype, "tz", None)
        return None if name is None else pd.DatetimeTZDtype("ns", name).tz
    zone: datetime.tzinfo | None = getattr(dtype, "tz", None) or getattr(dtype, "zone", None)
    return zone


def zone_at(ticks: NDArray[np.int64], dtype: Any) -> datetime.tzinfo | None:
    """The time zone of a column, as an object that pandas converts these ticks of it by rightly.

    pytz knows the changes of the clock since 1677, and pandas 2 reads beside that table for older ticks; the
    standard library, which takes longer, has none of that.
    """
    zone, length = zone_of(dtype), nanoseconds_per_tick(dtype)
    name = getattr(zone, "zone", None)
    is_old = name is not None and len(ticks) > 0 and int(ticks.min()) * (length or 1) < pd.Timestamp.min.value
    return zoneinfo.ZoneInfo(name) if is_old and name is not None else zone


# --- from another dtype -------------------------------------------------------------------------------------


def _converted(values: pd.Series[Any], like: Any) -> Ticks | None:
    missing = values.isna().to_numpy(dtype=bool)
    ticks = np.zeros(len(values), dtype=np.int64)
    try:
        present = _in_kind(values[~missing].reset_index(drop=True), kind_of(like))
        found = None if present is None else read_ticks(present)
        if present is None or found is None:
            return None
        ticks[~missing] = _in_unit(found[0], dtype_of(present), like)
    except (ArithmeticError, TypeError, ValueError):  # OverflowError and decimal's own among them
        return None
    return ticks, missing


def _in_kind(values: pd.Series[Any], wanted: str) -> pd.Series[Any] | None:
    """Cells, none of them missing, as some dtype of the kind that is wanted; None or an error where not."""
    dtype = dtype_of(values)
    kind = kind_of(dtype)
    if isinstance(dtype, pd.CategoricalDtype):
        return _in_kind(values.astype(dtype.categories.dtype), wanted)
    if kind == wanted or (kind, wanted) == ("date", "datetime"):
        return values
    if not len(values):
        return pd.Series([], dtype="M8[s]" if wanted in ("date", "datetime") else "m8[s]")
    if (kind, wanted) == ("datetime", "date"):
        return values if zone_of(dtype) is None else None
    if wanted == "decimal":
        return pd.Series(_as_objects(decimal.Decimal(str(cell)) for cell in values), dtype=object)
    if wanted == "time":
        return pd.Series(_as_objects(datetime.time.fromisoformat(cell) for cell in values), dtype=object)
    if pd.api.types.infer_dtype(values) not in ("string", "datetime", "datetime64", "timedelta64"):
        return None  # whatever a number would be taken for
    if wanted == "duration":
        return pd.to_timedelta(values)
    aware = {bool(_OFFSET.search(str(cell))) for cell in values}
    if len(aware) > 1:
        return None
    try:
        return pd.to_datetime(values, format="ISO8601", utc=True in aware)
    except pd.errors.OutOfBoundsDatetime:  # there is room for 9999-12-31 in microseconds only
        return pd.Series(
            _as_objects(datetime.datetime.fromisoformat(str(cell)) for cell in values), dtype=object
        )


def _in_unit(ticks: NDArray[np.int64], dtype: Any, like: Any) -> NDArray[np.int64]:
    """Ticks of one dtype as those of another, or a ValueError when they would not be whole."""
    length, wanted = nanoseconds_per_tick(dtype), nanoseconds_per_tick(like)
    if length is None or wanted is None:
        return _scaled(
            ticks, 10 ** max(_scale(like) - _scale(dtype), 0), 10 ** max(_scale(dtype) - _scale(like), 0)
        )
    if (zone_of(dtype) is None) != (zone_of(like) is None):
        if zone_of(like) is None:
            raise ValueError("A point in time is none of a column without a time zone")
        wall = _scaled(ticks, length, 10**3)
        zone = zone_at(wall, pd.DatetimeTZDtype("us", zone_of(like)))
        there = pd.DatetimeIndex(wall.view("M8[us]")).tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
        if there.hasnans:
            raise ValueError("This hour is twice, or never, in the column's time zone")
        ticks, length = there.tz_convert("UTC").tz_localize(None).to_numpy().view(np.int64), 10**3
    return _scaled(ticks, length, wanted)


def _scaled(ticks: NDArray[np.int64], up: int, down: int) -> NDArray[np.int64]:
    factor = Fraction(up, down)
    most = np.iinfo(np.int64).max // factor.numerator
    if (ticks % factor.denominator).any() or (np.abs(ticks // factor.denominator) > most).any():
        raise ValueError("These ticks can't be told in the other unit")
    return ticks // factor.denominator * factor.numerator


def _scale(dtype: Any) -> int:
    scale: int = dtype.scale if isinstance(dtype, ObjectDtype) else dtype.pyarrow_dtype.scale
    return scale


# --- object columns, and those of arrow ---------------------------------------------------------------------


def _object_dtype(cells: NDArray[Any]) -> ObjectDtype | None:
    kinds = set(map(type, cells))
    name = _OBJECTS.get(kinds.pop()) if len(kinds) == 1 else None
    if name in ("date", "timedelta", "Timedelta"):
        return ObjectDtype(name)
    if name == "decimal":
        finite = all(cell.is_finite() for cell in cells)
        return ObjectDtype(name, scale=max(map(_decimals, cells))) if finite else None
    if name == "time":
        return ObjectDtype(name) if all(cell.tzinfo is None for cell in cells) else None
    if name is None:
        return None
    zones = {cell.tzinfo: None for cell in cells}
    if None in zones:
        return ObjectDtype(name) if len(zones) == 1 else None
    dtypes = [pd.DatetimeTZDtype("ns", zone) for zone in zones]  # pytz has a zone object for each offset
    return ObjectDtype(name, zone=dtypes[0].tz) if all(other == dtypes[0] for other in dtypes) else None


def _decimals(cell: decimal.Decimal) -> int:
    exponent: Any = cell.as_tuple().exponent
    return max(-exponent, 0) if cell else 0


def _read_objects(cells: NDArray[Any], dtype: ObjectDtype) -> Iterable[int]:
    if dtype.cells == "decimal":
        if any(cell and cell.adjusted() + dtype.scale >= _DIGITS for cell in cells):
            raise OverflowError
        return (int(cell.scaleb(dtype.scale, _WIDE)) if cell else 0 for cell in cells)
    if dtype.cells == "datetime":
        start = _EPOCH if dtype.zone is None else _EPOCH.replace(tzinfo=datetime.timezone.utc)
        return ((cell - start) // _MICROSECOND for cell in cells)
    readers: dict[str, Callable[[Any], int]] = {
        "date": lambda cell: cell.toordinal() - _EPOCH_DAY,
        "time": lambda cell: (datetime.datetime.combine(_EPOCH, cell) - _EPOCH) // _MICROSECOND,
        "timedelta": lambda cell: cell // _MICROSECOND,
        "Timestamp": lambda cell: cell.as_unit("ns").value,
        "Timedelta": lambda cell: cell.as_unit("ns").value,
    }
    return map(readers[dtype.cells], cells)


def _object_writer(dtype: ObjectDtype) -> Callable[[int], Any]:
    zone = dtype.zone
    writers: dict[str, Callable[[int], Any]] = {
        "date": lambda tick: datetime.date.fromordinal(tick + _EPOCH_DAY),
        "time": lambda tick: (_EPOCH + tick * _MICROSECOND).time(),
        "datetime": lambda tick: _EPOCH + tick * _MICROSECOND,
        "timedelta": lambda tick: tick * _MICROSECOND,
        "decimal": lambda tick: decimal.Decimal(tick).scaleb(-dtype.scale, _WIDE),
        "Timestamp": lambda tick: pd.Timestamp(tick, unit="ns", tz=zone),
        "Timedelta": lambda tick: pd.Timedelta(tick, unit="ns"),
    }
    write = writers[dtype.cells]
    if dtype.cells == "datetime" and zone is not None:
        return lambda tick: write(tick).replace(tzinfo=datetime.timezone.utc).astimezone(zone)
    return write


def _as_objects(cells: Iterable[Any]) -> NDArray[Any]:
    listed = list(cells)
    array = np.empty(len(listed), dtype=object)  # numpy.array would make datetime64 of Timestamps
    array[:] = listed
    return array


def _read_arrow(values: pd.Series[Any], kind: Any) -> NDArray[np.int64]:
    import pyarrow as pa  # a column that came from it: it is there

    cells = pa.chunked_array([pa.array(values.array)]).combine_chunks()
    if pa.types.is_decimal(kind):
        # The same digits, read as whole numbers; a cast refuses those that have too many.
        cells = cells.cast(pa.decimal256(76, kind.scale)).view(pa.decimal256(76, 0))
    elif kind in (pa.date32(), pa.time32("s"), pa.time32("ms")):
        cells = cells.cast(pa.int32())
    ticks: NDArray[np.int64] = cells.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    return ticks // 86_400_000 if kind == pa.date64() else ticks


def _write_arrow(ticks: NDArray[np.int64], missing: NDArray[np.bool_], dtype: Any) -> Any:
    import pyarrow as pa

    kind = dtype.pyarrow_dtype
    cells = pa.array(ticks * 86_400_000 if kind == pa.date64() else ticks, mask=missing)
    if pa.types.is_decimal(kind):
        cells = cells.cast(pa.decimal256(76, 0)).view(pa.decimal256(76, kind.scale))
    elif kind in (pa.date32(), pa.time32("s"), pa.time32("ms")):
        cells = cells.cast(pa.int32())
    return pd.arrays.ArrowExtensionArray(cells.cast(kind))  # type: ignore[attr-defined]


_OBJECTS = {
    datetime.date: "date",
    datetime.time: "time",
    datetime.datetime: "datetime",
    datetime.timedelta: "timedelta",
    decimal.Decimal: "decimal",
    pd.Timestamp: "Timestamp",
    pd.Timedelta: "Timedelta",
}
