"""A mixed table with missing cells as matrices of numbers: for judges, and for distances."""

from __future__ import annotations

import importlib
import numbers
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import rankdata

from ganaug.exceptions import InvalidTableError

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
_FARTHEST = 1e6  # in ranges of a number: beyond it all is as far
MAX_PLACES = 256  # of a category in a distance


@dataclass(frozen=True, eq=False)
class CodedTables:
    """Several tables of the same columns, coded alike.

    Attributes
    ----------
    names : list
        The columns, in the order of the first table.
    is_category : ndarray of bool, shape (n_features,)
        Which columns hold codes rather than quantities.
    n_levels : ndarray of int, shape (n_features,)
        Distinct levels of a category over all the tables; 0 for a number.
    matrices : list of ndarray, each of shape (n_samples, n_features), float64
        One per table. A category is the rank of its level, a number is itself, a missing cell is NaN.
    levels : list of list
        For each column the levels of a category by their code; empty for a number.
    dtypes : list
        For each column its dtype in the first table: that of a date says what its number means.
    """

    names: list[Any]
    is_category: BoolArray
    n_levels: IntArray
    matrices: list[FloatArray]
    levels: list[list[Any]] = field(default_factory=list)
    dtypes: list[Any] = field(default_factory=list)

    def of(self, *matrices: FloatArray) -> CodedTables:
        """The same columns, other rows."""
        return replace(self, matrices=list(matrices))


def code_tables(*tables: Any, categorical: Iterable[Any] | None = None) -> CodedTables:
    """Turn tables into matrices in which equal cells have equal numbers.

    Parameters
    ----------
    *tables : DataFrame or array-like of shape (n_samples, n_features)
        The first one decides the columns, their order and, by default, which of them are categories.
    categorical : iterable of column names, optional
        Columns to be read as categories; all others are numbers. By default everything that is neither
        numeric nor a date.

    Returns
    -------
    CodedTables

    Raises
    ------
    InvalidTableError
        A table lacks a column of the first one, or a number column holds something else.

    Examples
    --------
    >>> real = pd.DataFrame({"size": [1.5, None, 3.0], "colour": ["red", "blue", "red"]})
    >>> coded = code_tables(real, real.head(1))
    >>> coded.matrices[0].tolist()
    [[1.5, 1.0], [nan, 0.0], [3.0, 1.0]]
    >>> coded.is_category.tolist()
    [False, True]
    """
    frames = [as_frame(table) for table in tables]
    _check_same_columns(frames)
    names = list(frames[0].columns)
    chosen = _categories_by_dtype(frames[0]) if categorical is None else set(categorical)
    is_category = np.array([name in chosen for name in names], dtype=np.bool_)
    levels: list[list[Any]] = [[] for _ in names]
    matrices = [np.empty((len(frame), len(names)), dtype=np.float64) for frame in frames]
    for j, name in enumerate(names):
        columns = [frame[name] for frame in frames]
        if is_category[j]:
            coded, levels[j] = _code_categories(columns)
        else:
            coded = [_as_numbers(column) for column in columns]
        for matrix, values in zip(matrices, coded, strict=True):
            matrix[:, j] = values
    n_levels = np.array([len(known) for known in levels], dtype=np.int64)
    dtypes = [frames[0][name].dtype for name in names]
    return CodedTables(names, is_category, n_levels, matrices, levels, dtypes)


def one_hot(coded: CodedTables, fill: Sequence[float] | None = None) -> list[FloatArray]:
    """Spread each category over 0/1 columns, one per level and one for missing where a cell is missing.

    Parameters
    ----------
    coded : CodedTables
    fill : sequence of float, shape (n_features,), optional
        What a missing number becomes. By default it stays NaN.

    Returns
    -------
    list of ndarray, each of shape (n_samples, n_one_hot), float64
    """
    blocks: list[list[FloatArray]] = [[] for _ in coded.matrices]
    for j, is_category in enumerate(coded.is_category):
        columns = [matrix[:, j] for matrix in coded.matrices]
        if is_category:
            spread = _spread_codes(columns, int(coded.n_levels[j]))
        elif fill is not None:
            spread = [np.where(np.isnan(c), fill[j], c)[:, None] for c in columns]
        else:
            spread = [c[:, None] for c in columns]
        for block, part in zip(blocks, spread, strict=True):
            block.append(part)
    return [np.hstack(block) for block in blocks]


def distance_features(coded: CodedTables, mismatch: float = 1.0) -> list[npt.NDArray[np.float32]]:
    """Scale the columns so that squared Euclidean distance adds one unit per column at most.

    A number runs from 0 to 1 over the first table; two different levels, or a value and a missing cell,
    are at squared distance 1. Of a category with many levels the rare ones share places.

    Parameters
    ----------
    coded : CodedTables
        The first table sets the scale.
    mismatch : float, default=1.0
        Squared distance of two different levels; 2 is that of plain one-hot columns.

    Returns
    -------
    list of ndarray, each of shape (n_samples, n_one_hot), float32
    """
    n_tables = len(coded.matrices)
    blocks: list[list[FloatArray]] = [[] for _ in range(n_tables)]
    for j, is_category in enumerate(coded.is_category):
        columns = [matrix[:, j] for matrix in coded.matrices]
        if is_category:
            folded, n_levels = _fold_levels(columns, int(coded.n_levels[j]))
            spread = [part * np.sqrt(mismatch / 2) for part in _spread_codes(folded, n_levels)]
        else:
            spread = _scale_numbers(columns)
        for block, part in zip(blocks, spread, strict=True):
            block.append(part)
    return [np.hstack(block).astype(np.float32) for block in blocks]


def require(module: str, extra: str = "metrics") -> Any:
    """Import an optional dependency of the metrics, or say how to install it.

    Raises
    ------
    ImportError
        The module is missing; the message names the extra that brings it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.split(".")[0]
        raise ImportError(
            f'This metric needs {package}, which is not installed: pip install "ganaug[{extra}]"'
        ) from error


def as_frame(table: Any) -> pd.DataFrame:
    """Any table as a pandas DataFrame; one that is a DataFrame already is not copied."""
    if isinstance(table, pd.DataFrame):
        return table
    if hasattr(table, "to_pandas"):  # polars, pyarrow
        return pd.DataFrame(table.to_pandas())
    return pd.DataFrame(np.asarray(table))


def without_empty(X: FloatArray, *others: FloatArray) -> list[FloatArray]:
    """The matrices, with 0 in columns where the first has no value: boosted trees can't bin those."""
    empty = np.isnan(X).all(axis=0)
    return [np.where(empty, 0.0, matrix) if empty.any() else matrix for matrix in (X, *others)]


def rank_auc(is_positive: npt.NDArray[Any], score: FloatArray) -> float:
    """Area under the ROC curve, as `roc_auc_score` has it, without its checks; NaN for a single class."""
    positive = np.asarray(is_positive, dtype=np.bool_)
    n_positive = int(positive.sum())
    n_pairs = n_positive * (len(positive) - n_positive)
    if not n_pairs:
        return float("nan")
    ranks = rankdata(score)
    return float((ranks[positive].sum() - n_positive * (n_positive + 1) / 2) / n_pairs)


def is_time(column: pd.Series[Any]) -> bool:
    """Tell dates and durations, which are compared as numbers."""
    dtype = column.dtype
    return pd.api.types.is_datetime64_any_dtype(dtype) or pd.api.types.is_timedelta64_dtype(dtype)


def _check_same_columns(frames: list[pd.DataFrame]) -> None:
    names = list(frames[0].columns)
    if len(set(names)) < len(names):
        raise InvalidTableError(f"A metric needs distinct column names, got {names!r}")
    for frame in frames[1:]:
        if lacking := [name for name in names if name not in frame.columns]:
            raise InvalidTableError(f"A metric compares tables of the same columns; one lacks {lacking!r}")


def _categories_by_dtype(frame: pd.DataFrame) -> set[Any]:
    return {name for name in frame.columns if not _is_quantity(frame[name])}


def _is_quantity(column: pd.Series[Any]) -> bool:
    dtype = column.dtype
    if pd.api.types.is_bool_dtype(dtype):
        return False
    return pd.api.types.is_numeric_dtype(dtype) or is_time(column)


def _as_numbers(column: pd.Series[Any]) -> FloatArray:
    if is_time(column):
        ticks = column.astype("int64").to_numpy(dtype=np.float64)
        return np.where(column.isna().to_numpy(), np.nan, ticks)
    try:
        return pd.to_numeric(column).to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise InvalidTableError(
            f"Column {column.name!r} is compared as numbers but holds something else; "
            f"name it in `categorical`, got dtype {column.dtype}"
        ) from error


def _code_categories(columns: list[pd.Series[Any]]) -> tuple[list[FloatArray], list[Any]]:
    together = np.concatenate([column.astype(object).to_numpy() for column in columns])
    codes, levels = pd.factorize(together)
    order = sorted(range(len(levels)), key=lambda i: _level_key(levels[i]))
    rank = np.empty(len(levels) + 1)
    rank[order] = np.arange(len(levels))
    rank[-1] = np.nan  # factorize says -1 for missing
    ends = np.cumsum([len(column) for column in columns])[:-1]
    return np.split(rank[codes], ends), [levels[i] for i in order]


def _level_key(level: Any) -> tuple[int, float, str]:
    if isinstance(level, numbers.Real):
        return (0, float(level), "")
    return (1, 0.0, str(level))


def _spread_codes(columns: list[FloatArray], n_levels: int) -> list[FloatArray]:
    any_missing = any(np.isnan(codes).any() for codes in columns)
    identity = np.eye(n_levels + any_missing)
    return [identity[np.where(np.isnan(codes), n_levels, codes).astype(np.int64)] for codes in columns]


def _fold_levels(columns: list[FloatArray], n_levels: int) -> tuple[list[FloatArray], int]:
    """At most `MAX_PLACES` codes: the frequent levels keep one of their own, the others share a few."""
    if n_levels <= MAX_PLACES:
        return columns, n_levels
    together = np.concatenate(columns)
    counts = np.bincount(together[~np.isnan(together)].astype(np.int64), minlength=n_levels)
    rank = np.empty(n_levels)
    rank[np.argsort(-counts, kind="stable")] = np.arange(n_levels)
    own = 3 * MAX_PLACES // 4
    place = np.append(np.where(rank < own, rank, own + rank % (MAX_PLACES - own)), np.nan)
    return [place[np.where(np.isnan(c), n_levels, c).astype(np.int64)] for c in columns], MAX_PLACES


def _scale_numbers(columns: list[FloatArray]) -> list[FloatArray]:
    seen = columns[0][~np.isnan(columns[0])]
    low, high = (seen.min(), seen.max()) if len(seen) else (0.0, 1.0)
    width = high - low if high > low else 1.0
    missing = [np.isnan(column) for column in columns]
    scaled = [np.clip((column - low) / width, -_FARTHEST, _FARTHEST) for column in columns]
    if not any(m.any() for m in missing):
        return [column[:, None] for column in scaled]
    # half way and the square root of 3/4 away: at most 1 from any value within the range
    return [
        np.column_stack([np.where(m, 0.5, column), np.where(m, np.sqrt(0.75), 0.0)])
        for m, column in zip(missing, scaled, strict=True)
    ]
