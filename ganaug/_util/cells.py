"""The cells of one column as plain arrays, and back: numbers, levels, and ticks of time or of a decimal.

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
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug._util.dtypes import MISSING, TICKS, ObjectDtype, kind_of

Ticks: TypeAlias = tuple[NDArray[np.int64], NDArray[np.bool_]]

_SCALARS: tuple[tuple[type, tuple[type, ...]], ...] = (
    (bool, (bool, np.bool_)),
    (int, (int, np.integer)),
    (float, (float, np.floating)),
    (str, (str, np.str_)),
)
_NAT = np.iinfo(np.int64).min
_NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_DAY = 86_400 * 10**9  # nanoseconds
_MICROSECOND = datetime.timedelta(microseconds=1)
_EPOCH = datetime.datetime(1970, 1, 1)
_EPOCH_DAY = _EPOCH.toordinal()
_DIGITS = 18  # every decimal number of so many digits is an int64
_WIDE = decimal.Context(prec=2 * _DIGITS, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX)


# --- ticks --------------------------------------------------------------------------------------------------


def dtype_of(values: pd.Series[Any]) -> Any:
    """The dtype of a column: an `ObjectDtype` where all cells are dates, or all times, decimals and so on.

    For all others, and where the cells' zones differ, it is ``values.dtype``.
    """
    if kind_of(values.dtype) != "object":
        return values.dtype
    cells = values.to_numpy()
    return _object_dtype(cells[~pd.isna(cells)]) or values.dtype


def read_ticks(values: pd.Series[Any]) -> Ticks | None:
    """Dates, times, durations and decimals as ticks (see the table above), and where they are missing.

    Parameters
    ----------
    values : Series of shape (n_rows,)

    Returns
    -------
    ticks : int64 array of shape (n_rows,)
        0 where missing.
    missing : bool array of shape (n_rows,)
    None
        In their place, when the cells are something else, or a decimal has too many digits for an int64.

    See Also
    --------
    dtype_of : The dtype by which `write_ticks` gives the same cells back.

    Examples
    --------
    >>> read_ticks(pd.Series(pd.to_datetime(["1970-01-02", None])).astype("datetime64[s]"))
    (array([86400,     0]), array([False,  True]))
    """
    dtype = dtype_of(values)
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


# --- numbers ------------------------------------------------------------------------------------------------


def read_numbers(
    values: pd.Series[Any], *, loose: bool = False
) -> tuple[NDArray[Any], NDArray[np.bool_]] | None:
    """Cells as a plain numeric array and where they are missing; None when they aren't all numbers.

    Object columns count when they hold only ints, or only floats, beside missing values. If ``loose``, any
    mix of numbers counts, also as categories.
    """
    dtype: Any = values.dtype
    kind = kind_of(dtype)
    if loose and kind == "category":
        values, kind = values.astype(object), "object"
    missing = values.isna().to_numpy(dtype=bool)
    if kind == "object":
        return _read_object_numbers(values, missing, loose)
    if kind not in ("number", "bool"):
        return None
    if isinstance(dtype, np.dtype):
        native = values.to_numpy()
        native = native.astype(native.dtype.newbyteorder("="), copy=False)
    else:
        native = values.array.to_numpy(dtype=dtype.numpy_dtype, na_value=dtype.numpy_dtype.type(0))
    if native.dtype.kind == "f":
        missing = missing | np.isnan(native)  # a nullable float can hold NaN beside NA
    return native, missing


def _read_object_numbers(
    values: pd.Series[Any], missing: NDArray[np.bool_], loose: bool
) -> tuple[NDArray[Any], NDArray[np.bool_]] | None:
    found = pd.api.types.infer_dtype(values, skipna=True)
    dtype: type | None = {"integer": np.int64, "floating": np.float64}.get(found)
    if loose and found in ("integer", "floating", "mixed-integer-float", "boolean", "empty"):
        dtype = np.float64
    if dtype is None or (missing.all() and not loose):
        return None
    native: NDArray[Any] = np.zeros(len(values), dtype=dtype)
    try:
        native[~missing] = values.to_numpy()[~missing].astype(dtype)
    except OverflowError:  # an int of more than 64 bits
        return None
    return native, missing


def write_numbers(native: NDArray[Any], missing: NDArray[np.bool_], dtype: Any, missing_kind: str) -> Any:
    """Inverse of `read_numbers`: an array of ``dtype``, an object column's gaps of ``missing_kind``."""
    if isinstance(dtype, np.dtype):
        written = native.astype(dtype)
        if missing.any():
            written[missing] = MISSING[missing_kind] if dtype.kind == "O" else np.nan
        return written
    extension = pd.array(native.astype(dtype.numpy_dtype, copy=False), dtype=dtype)
    if missing.any():
        extension[missing] = pd.NA
    return extension


def read_levels(values: pd.Series[Any]) -> tuple[NDArray[np.intp], list[Any]]:
    """Cells as indices into a list of distinct Python scalars, -1 where missing.

    Levels that no cell has may be listed. Raises TypeError, which ends in the type, for other objects.
    """
    kind = kind_of(values.dtype)
    if kind == "category":
        codes, levels = values.cat.codes.to_numpy().astype(np.intp), values.cat.categories.tolist()
        for level in levels:
            _family(type(level))
        return codes, levels
    if kind == "object" and isinstance(dtype_of(values), ObjectDtype):
        kind = "ticks"
    if kind == "object":
        return _read_object_levels(values.to_numpy())
    if kind == "string":
        codes, unique = pd.factorize(values)
        return codes, unique.tolist()
    numbers = read_ticks(values) if kind in (*TICKS, "ticks") else read_numbers(values)
    if numbers is None:
        raise TypeError(f"Expected text, numbers or bools, got {values.dtype}")
    codes, distinct = pd.factorize(numbers[0])
    codes[numbers[1]] = -1
    return codes, distinct.tolist()


def _read_object_levels(cells: NDArray[Any]) -> tuple[NDArray[np.intp], list[Any]]:
    codes = np.full(len(cells), -1, dtype=np.intp)
    present = np.flatnonzero(~pd.isna(cells))
    types = list(map(type, cells[present]))
    families = {kind: _family(kind) for kind in dict.fromkeys(types)}
    levels: list[Any] = []
    for family in dict.fromkeys(families.values()):  # apart, or 1, 1.0 and True would be one level
        chosen = present
        if len(set(families.values())) > 1:
            chosen = present[np.fromiter((families[kind] is family for kind in types), bool, len(types))]
        found, unique = pd.factorize(cells[chosen])
        codes[chosen] = found + len(levels)
        levels.extend(family(level) for level in unique)
    return codes, levels


def _family(kind: type) -> type:
    for family, members in _SCALARS:
        if kind in members or (kind.__module__ == "numpy" and issubclass(kind, members)):
            return family
    raise TypeError(f"Expected text, numbers or bools, got {kind.__name__}")


def write_levels(levels: Sequence[Any], dtype: Any, missing_kind: str | None) -> Any:
    """Array of ``dtype`` holding the levels and, last, a missing value unless ``missing_kind`` is None."""
    if kind_of(dtype) in TICKS:
        ticks = np.array([*levels] if missing_kind is None else [*levels, 0], dtype=np.int64)
        gap = np.arange(len(ticks)) == len(levels)
        return write_ticks(ticks, gap, dtype, missing_kind or "NaT")
    cells = [*levels] if missing_kind is None else [*levels, MISSING[missing_kind]]
    if isinstance(dtype, np.dtype):
        written = np.empty(len(cells), dtype=dtype)
        written[:] = cells
        return written
    return pd.array([None if pd.isna(cell) else cell for cell in cells], dtype=dtype)


def missing_kind_of(values: pd.Series[Any]) -> str:
    """The most common kind of missing value: "None", "nan", "NA" or "NaT"."""
    if kind_of(values.dtype) != "object":
        return "nan"
    cells = values.to_numpy()
    kinds = [type(cell).__name__ for cell in cells[pd.isna(cells)]]
    names = {"NoneType": "None", "NAType": "NA", "NaTType": "NaT"}
    found = [names.get(kind, "nan") for kind in kinds]
    return max(MISSING, key=found.count)
