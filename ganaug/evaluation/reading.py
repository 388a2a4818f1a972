"""Tables as they come, made comparable: same columns, same kinds, or an error that names the column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ganaug._util.frames import to_frame
from ganaug.exceptions import InvalidTableError
from ganaug.metrics.features import is_time

LEAST_ROWS = 20
SMALL = 200  # rows below which a note warns
_MANY_LEVELS = 100
_SEQUENCE = 5  # an integer column that numbers its rows spans at most so many times their number


@dataclass(frozen=True)
class Tables:
    """What `read_tables` made of the tables.

    Attributes
    ----------
    frames : dict of DataFrame
        "real_train", "synthetic" and, where it was given, "real_holdout", with the columns of the first and
        in its order. Numbers are float64, times datetime64 or timedelta64, all else objects.
    categorical : list
        The columns that are neither numbers nor times.
    left_out : list
        Columns that tell rows apart or hold free text, which no measure takes.
    notes : list of str
    """

    frames: dict[str, pd.DataFrame]
    categorical: list[Any]
    left_out: list[Any]
    notes: list[str]


def read_tables(real_train: Any, synthetic: Any, real_holdout: Any = None, target: Any = None) -> Tables:
    """Check the tables of `ganaug.evaluate` and bring them to one form.

    Raises
    ------
    InvalidTableError
        A table is too small, its columns differ, ``target`` isn't one of them, or a column holds in one
        table what can't be compared with the other's.
    """
    given = {"real_train": real_train, "synthetic": synthetic, "real_holdout": real_holdout}
    raw = {name: _frame(name, table) for name, table in given.items() if table is not None}
    columns = list(raw["real_train"].columns)
    for name, frame in raw.items():
        _check_columns(name, list(frame.columns), columns)
        if len(frame) < LEAST_ROWS:
            raise InvalidTableError(f"{name} must have at least {LEAST_ROWS} rows; got {len(frame)}.")
    if target is not None and target not in columns:
        known = ", ".join(map(repr, columns[:30]))
        raise InvalidTableError(f"target must be a column of the tables ({known}); got {target!r}.")
    raw = {name: frame[columns] for name, frame in raw.items()}
    read = [_read_column(name, {table: frame[name] for table, frame in raw.items()}) for name in columns]
    frames = {
        table: pd.DataFrame({name: column[table] for name, column in zip(columns, read, strict=True)})
        for table in raw
    }
    left_out = [name for name in columns if name != target and _tells_rows_apart(frames["real_train"][name])]
    if len(left_out) == len(columns):
        raise InvalidTableError(
            f"No column is left to judge: each has a value of its own in nearly every row; got {columns!r}."
        )
    kept = frames["real_train"].drop(columns=left_out)
    return Tables(
        frames,
        [name for name in kept.columns if kept[name].dtype == object],
        left_out,
        [*_kind_notes(raw), *_left_out_notes(frames, left_out), *_size_notes(frames)],
    )


def _frame(name: str, table: Any) -> pd.DataFrame:
    shape = getattr(table, "shape", ())
    if len(shape) > 2:
        raise InvalidTableError(f"{name} must be a table; got an array of shape {tuple(shape)}.")
    try:
        return to_frame(table, min_rows=0)[0]
    except (ValueError, TypeError) as error:
        raise InvalidTableError(f"{name} can't be read. {error}") from error


def _check_columns(name: str, columns: list[Any], wanted: list[Any]) -> None:
    lacking = [column for column in wanted if column not in columns]
    besides = [column for column in columns if column not in wanted]
    parts = [f"it lacks {', '.join(map(repr, lacking[:5]))}"] if lacking else []
    parts += [f"it has {', '.join(map(repr, besides[:5]))} besides"] if besides else []
    if parts:
        raise InvalidTableError(f"{name} must have the columns of real_train; {' and '.join(parts)}.")


# --- one column ---------------------------------------------------------------------------------------------


def _read_column(name: Any, columns: dict[str, pd.Series[Any]]) -> dict[str, pd.Series[Any]]:
    """The column of each table in one form, which that of the training rows decides, if it has values."""
    first = next((c for c in columns.values() if c.notna().any()), columns["real_train"])
    read = _as_time if _is_time_like(first) else _as_number if _is_number(first) else _as_levels
    return {table: read(column, f"{table}: column {name!r}") for table, column in columns.items()}


def _is_number(column: pd.Series[Any]) -> bool:
    types = pd.api.types
    if types.is_object_dtype(column.dtype):  # decimals, and numbers among objects
        return types.infer_dtype(column, skipna=True) in (
            "integer",
            "floating",
            "decimal",
            "mixed-integer-float",
        )
    return types.is_numeric_dtype(column.dtype) and not types.is_bool_dtype(column.dtype)


def _is_time_like(column: pd.Series[Any]) -> bool:
    """Whether a column holds times, also days as objects, or as text if there are many of them."""
    if is_time(column):
        return True
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind in ("date", "datetime", "datetime64"):
        return True
    if kind != "string" or isinstance(column.dtype, pd.CategoricalDtype):
        return False
    present = column.dropna()
    if present.nunique() <= LEAST_ROWS:
        return False
    return bool(_parsed(present.iloc[:50]).notna().all()) and bool(_parsed(present).notna().all())


def _parsed(text: pd.Series[Any]) -> pd.Series[Any]:
    moments: pd.Series[Any] = pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True)
    return moments


def _as_number(column: pd.Series[Any], where: str) -> pd.Series[Any]:
    try:
        numbers = pd.to_numeric(column).to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        numbers = pd.to_numeric(column.astype(object), errors="coerce").to_numpy(dtype=np.float64)
        odd = column[np.isnan(numbers) & column.notna().to_numpy()]
        shown = repr(odd.iloc[0]) if len(odd) else str(column.dtype)
        raise InvalidTableError(f"{where} must hold numbers as in real_train; got {shown}.") from error
    if np.isinf(numbers).any():
        raise InvalidTableError(f"{where} must be finite; got {numbers[np.isinf(numbers)][0]}.")
    return pd.Series(numbers)


def _as_time(column: pd.Series[Any], where: str) -> pd.Series[Any]:
    if pd.api.types.is_timedelta64_dtype(column.dtype):
        return pd.Series(column.astype("timedelta64[ns]").to_numpy())
    try:
        if not is_time(column):
            column = pd.to_datetime(column.astype(object), format="ISO8601", utc=True)
        elif getattr(column.dt, "tz", None) is not None:
            column = column.dt.tz_convert("UTC")
        return pd.Series(column.to_numpy(dtype="datetime64[ns]", na_value=np.datetime64("NaT")))
    except (TypeError, ValueError, OverflowError) as error:
        odd = column.dropna()
        shown = repr(odd.iloc[0]) if len(odd) else str(column.dtype)
        raise InvalidTableError(f"{where} must hold times as in real_train; got {shown}.") from error


def _as_levels(column: pd.Series[Any], where: str) -> pd.Series[Any]:
    cells = column.astype(object).where(column.notna(), None)
    try:
        pd.factorize(cells.to_numpy())
    except TypeError as error:
        odd = next(cell for cell in cells if cell is not None and cell.__hash__ is None)
        raise InvalidTableError(
            f"{where} must hold plain values; got a {type(odd).__name__}, {str(odd)[:40]!r}."
        ) from error
    return pd.Series(cells.to_numpy(dtype=object), dtype=object)


# --- notes --------------------------------------------------------------------------------------------------


def _tells_rows_apart(column: pd.Series[Any]) -> bool:
    """Free text and identifiers: nearly as many values as rows; numbers only if they number the rows."""
    present = column.dropna()
    if column.dtype == object:
        return present.nunique() > max(_MANY_LEVELS, len(present) / 2)
    if column.dtype != np.float64 or len(present) < _MANY_LEVELS or present.nunique() < len(present):
        return False
    whole = bool((present == present.round()).all())
    return whole and float(present.max() - present.min()) < _SEQUENCE * len(present)


def _left_out_notes(frames: dict[str, pd.DataFrame], left_out: list[Any]) -> list[str]:
    notes = []
    for name in left_out:
        train, synthetic = frames["real_train"][name], frames["synthetic"][name].dropna()
        kept = f"Column {name!r} was left out: it has a value of its own in nearly every row."
        if train.dtype == object and len(synthetic):
            share = float(synthetic.isin(set(train.dropna())).mean())
            kept += (
                f" {100 * share:.0f} % of the synthetic values are values of training rows, word for word."
            )
        notes.append(kept)
    return notes


def _kind_notes(raw: dict[str, pd.DataFrame]) -> list[str]:
    """Columns that are text in one table and something else in another, which few want."""
    notes = []
    train = raw["real_train"]
    for table, frame in raw.items():
        for name in train.columns:
            kinds = [_kind(part[name]) for part in (train, frame)]
            if "" not in kinds and kinds[0] != kinds[1]:
                notes.append(f"Column {name!r} holds {kinds[0]} in real_train and {kinds[1]} in {table}.")
    return notes


def _kind(column: pd.Series[Any]) -> str:
    """What the cells are, in a word; empty where there are none."""
    present = column.dropna()
    if present.empty:
        return ""
    if is_time(column):
        return "times"
    kind = pd.api.types.infer_dtype(present.astype(object))
    words = {"string": "text", "boolean": "truth values", "bytes": "bytes"}
    if kind in words:
        return words[kind]
    if kind in ("integer", "floating", "decimal", "mixed-integer-float"):
        return "numbers"
    return "times" if kind.startswith(("date", "timedelta")) else "objects of several kinds"


def _size_notes(frames: dict[str, pd.DataFrame]) -> list[str]:
    smallest = min(frames, key=lambda name: len(frames[name]))
    if len(frames[smallest]) >= SMALL:
        return []
    few = f"{smallest} has {len(frames[smallest])} rows only: "
    return [few + "differences that matter may not show, and intervals are wide."]
