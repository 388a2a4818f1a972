"""Two columns of numbers, dates or durations on one scale, and their difference on it, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_datetime64_any_dtype, is_timedelta64_dtype

from ganaug._util.cells import missing_kind_of, read_numbers, write_numbers
from ganaug._util.dtypes import MISSING, dtype_from_state, dtype_to_state, kind_of
from ganaug.exceptions import InvalidConditionError, InvalidTableError, ModelFileError
from ganaug.tabular.columns.numeric import learn_decimals
from ganaug.tabular.columns.within import round_to

_UNITS = (86_400_000_000_000, 3_600_000_000_000, 60_000_000_000, 1_000_000_000, 1_000_000, 1_000, 1)  # ns
_WIDEST = 2**61
Read = tuple[NDArray[Any], NDArray[np.bool_]]


@dataclass(frozen=True, eq=False)
class Measure:
    """How the two columns are read as numbers and written back.

    Parameters
    ----------
    dtypes : tuple of dtype
        Of the lower and the higher column.
    missing : tuple of str
        What stands in their gaps.
    ends : array of shape (2, 2)
        Smallest and largest value of each.
    unit : int
        Of the difference, in what the columns are read in; 1 for numbers.
    decimals : int or None
        Those that numbers are rounded to.
    """

    dtypes: tuple[Any, Any]
    missing: tuple[str, str]
    ends: NDArray[Any]
    unit: int
    decimals: int | None

    @classmethod
    def of(cls, low: pd.Series[Any], high: pd.Series[Any], who: str) -> Measure:
        """Learn it; `InvalidTableError` for columns without a difference."""
        kinds = {name: _kind(values) for name, values in (("low", low), ("high", high))}
        if None in kinds.values() or kinds["low"] != kinds["high"]:
            raise InvalidTableError(
                f"{who} needs two columns of numbers, two of dates or two of durations; {low.name!r} is "
                f"{low.dtype} and {high.name!r} is {high.dtype}"
            )
        pairs = [_read(values) for values in (low, high)]
        whole = all(native.dtype.kind in "iu" and _is_narrow(native) for native, _ in pairs)
        present = [native[~gap].astype(np.int64 if whole else np.float64) for native, gap in pairs]
        ends = np.array([[part.min(), part.max()] if len(part) else [0, 0] for part in present])
        both = ~pairs[0][1] & ~pairs[1][1]
        difference = (pairs[1][0][both] - pairs[0][0][both]) if kinds["low"] != "number" else np.zeros(1, int)
        unit = next(unit for unit in _UNITS if not (difference % unit).any())
        decimals = None if whole else _decimals(present)
        gaps = (missing_kind_of(low), missing_kind_of(high))
        dtypes = (low.dtype, high.dtype)
        return cls(dtypes, gaps, ends, unit if kinds["low"] != "number" else 1, decimals)

    @property
    def is_whole(self) -> bool:
        """Whether both columns hold whole numbers, or dates."""
        return self.ends.dtype.kind == "i"

    def read(self, values: pd.Series[Any]) -> Read:
        """Cells as numbers on the scale of both columns, and where they are missing."""
        try:
            if _kind_of(self.dtypes[0]) != "number" and values.dtype == object:
                values = values.astype(self.dtypes[0])
            native, missing = _read(values)
        except (TypeError, ValueError) as error:
            raise InvalidConditionError(
                f"A number, date or duration of the column's kind is needed, got {values.dropna().iloc[0]!r}"
            ) from error
        whole = self.is_whole and native.dtype.kind in "iu"
        return np.where(missing, 0, native).astype(np.int64 if whole else np.float64), missing

    def number(self, value: Any) -> Any:
        """One value on that scale."""
        return self.read(pd.Series([value], dtype=object))[0][0].item()

    def scaled(self, difference: Any) -> Any:
        """A difference in its own unit."""
        return difference if self.unit == 1 else difference / self.unit

    def difference(self, low: Read, high: Read) -> Any:
        """The difference as a column."""
        return self.as_difference(high[0] - low[0], low[1] | high[1]).array

    def as_difference(self, numbers: NDArray[Any], missing: NDArray[np.bool_]) -> pd.Series[Any]:
        """Differences as a column of what is modelled."""
        if self.is_whole:
            whole = np.where(missing, 0, numbers).astype(np.int64) // self.unit
            return pd.Series(pd.arrays.IntegerArray(whole, missing.copy()))
        return pd.Series(np.where(missing, np.nan, round_to(numbers.astype(np.float64), self.decimals)))

    def read_difference(self, values: pd.Series[Any]) -> Read:
        """Inverse of `as_difference`."""
        missing = values.isna().to_numpy(dtype=bool)
        kind = np.int64 if self.is_whole else np.float64
        return values.fillna(0).to_numpy(dtype=kind) * self.unit, missing

    def above(self, low: NDArray[Any], difference: NDArray[Any], strict: bool) -> NDArray[Any]:
        """The higher one: never below the lower one, nor beyond what the higher one ever was."""
        found = np.clip(self._rounded(low + difference), *self.ends[1])
        return np.maximum(found, _next(low, 1, self.dtypes[1]) if strict else low)

    def below(self, high: NDArray[Any], difference: NDArray[Any], strict: bool) -> NDArray[Any]:
        """The lower one: never above the higher one, nor beyond what the lower one ever was."""
        found = np.clip(self._rounded(high - difference), *self.ends[0])
        return np.minimum(found, _next(high, -1, self.dtypes[0]) if strict else high)

    def _rounded(self, numbers: NDArray[Any]) -> NDArray[Any]:
        return numbers if self.is_whole else round_to(numbers.astype(np.float64), self.decimals)

    def write(self, numbers: NDArray[Any], missing: NDArray[np.bool_], which: int) -> Any:
        """Numbers as cells of one of the two columns."""
        dtype = self.dtypes[which]
        if _kind_of(dtype) == "number":
            plain = getattr(dtype, "numpy_dtype", dtype)
            native = numbers if plain.kind == "O" else numbers.astype(plain)
            return write_numbers(native, missing, dtype, self.missing[which])
        ticks = numbers.astype("datetime64[ns]" if _kind_of(dtype) == "date" else "timedelta64[ns]")
        ticks[missing] = "NaT"
        column = pd.Series(ticks)
        if getattr(dtype, "tz", None) is not None:
            column = column.dt.tz_localize("UTC").dt.tz_convert(dtype.tz)
        return column.astype(dtype).array

    def to_state(self) -> dict[str, Any]:
        """JSON-able description."""
        return {
            "dtypes": [dtype_to_state(dtype) for dtype in self.dtypes],
            "missing": list(self.missing),
            "ends": self.ends.tolist(),
            "unit": self.unit,
            "decimals": self.decimals,
        }

    @classmethod
    def from_state(cls, state: Any) -> Measure:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`."""
        low, high = (dtype_from_state(entry) for entry in state["dtypes"])
        missing, ends = tuple(state["missing"]), np.array(state["ends"])
        decimals, unit = state["decimals"], state["unit"]
        good = (
            ends.shape == (2, 2)
            and ends.dtype.kind in "if"
            and (ends[:, 0] <= ends[:, 1]).all()
            and len(missing) == 2
            and set(missing) <= set(MISSING)
            and unit in _UNITS
            and (decimals is None or type(decimals) is int)
        )
        if not good:
            raise ModelFileError("A constraint in the file is broken.")
        return cls((low, high), missing, ends, unit, decimals)


def replace_cells(column: pd.Series[Any], new: Any, rows: NDArray[np.bool_]) -> pd.Series[Any]:
    """A column with other cells in some rows; ``new`` has as many of the same dtype."""
    cells = column.array.copy()
    cells[rows] = new
    return pd.Series(cells, name=column.name)


def _read(values: pd.Series[Any]) -> Read:
    """Numbers as they are, dates and durations in nanoseconds; TypeError for anything else."""
    kind = _kind(values)
    found = read_numbers(values, loose=True) if kind == "number" else None
    if found is not None:
        return found
    if kind is None:
        raise TypeError(f"neither numbers nor dates: {values.dtype}")
    missing = values.isna().to_numpy(dtype=bool)
    if getattr(values.dtype, "tz", None) is not None:
        values = values.dt.tz_convert("UTC").dt.tz_localize(None)
    ticks = values.to_numpy(dtype="datetime64[ns]" if kind == "date" else "timedelta64[ns]")
    return np.where(missing, 0, ticks.astype(np.int64)), missing


def _kind(values: pd.Series[Any]) -> str | None:
    kind = _kind_of(values.dtype)
    return kind if kind != "number" or read_numbers(values, loose=True) is not None else None


def _kind_of(dtype: Any) -> str | None:
    if is_datetime64_any_dtype(dtype):
        return "date"
    if is_timedelta64_dtype(dtype):
        return "duration"
    return "number" if kind_of(dtype) in ("number", "object") else None


def _is_narrow(native: NDArray[Any]) -> bool:
    """Whether differences of whole numbers fit into 64 bits."""
    return not len(native) or (int(native.min()) > -_WIDEST and int(native.max()) < _WIDEST)


def _decimals(parts: list[NDArray[Any]]) -> int | None:
    found = [learn_decimals(part) for part in parts]
    return None if None in found else max(entry for entry in found if entry is not None)


def _next(numbers: NDArray[Any], sign: int, dtype: Any) -> NDArray[Any]:
    """The nearest number above (or below) that a column of this dtype can hold."""
    if numbers.dtype.kind == "i":
        return numbers + sign
    plain = getattr(dtype, "numpy_dtype", dtype)
    kind = plain if isinstance(plain, np.dtype) and plain.kind == "f" else np.dtype(np.float64)
    return np.nextafter(numbers.astype(kind), kind.type(sign * np.inf)).astype(np.float64)
