"""How far is the joint distribution of two columns from the real one? Trend error, and a steadier twin."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from ganaug.metrics.features import CodedTables, FloatArray, IntArray, code_tables


def trend_error(real: Any, synthetic: Any, *, categorical: Iterable[Any] | None = None) -> float:
    """Mean over all column pairs of the error that sdmetrics' quality report calls column pair trends.

    Every pair counts, as in the papers; since 0.27 the report itself drops weakly related pairs unless its
    two thresholds are set to 0.

    Parameters
    ----------
    real, synthetic : DataFrame or array-like of shape (n_samples, n_features)
    categorical : iterable of column names, optional
        Columns compared as categories. By default everything that is neither numeric nor a date.

    Returns
    -------
    float
        From 0 (the same trends) to 1. NaN for fewer than two columns.
    """
    errors = trend_error_by_pair(real, synthetic, categorical=categorical)["error"].to_numpy(dtype=np.float64)
    return float(np.nanmean(errors)) if np.isfinite(errors).any() else float("nan")


def trend_error_by_pair(
    real: Any, synthetic: Any, *, categorical: Iterable[Any] | None = None
) -> pd.DataFrame:
    """Tell which pairs of columns the trend error comes from.

    Two numbers: half the difference of their Pearson correlations. Any other pair: total variation of the
    contingency tables, a number cut into ten bins of equal width *between its own table's ends*.

    Parameters
    ----------
    real, synthetic : DataFrame or array-like of shape (n_samples, n_features)
    categorical : iterable of column names, optional

    Returns
    -------
    DataFrame, one row per pair
        ``first``, ``second``, ``metric`` (sdmetrics' name) and ``error`` (0 to 1; NaN where it is not
        defined, such as the correlation with a constant).
    """
    coded = code_tables(real, synthetic, categorical=categorical)
    pairs = list(combinations(range(len(coded.names)), 2))
    any_category = [coded.is_category[i] or coded.is_category[j] for i, j in pairs]
    return pd.DataFrame(
        {
            "first": [coded.names[i] for i, _ in pairs],
            "second": [coded.names[j] for _, j in pairs],
            "metric": ["ContingencySimilarity" if c else "CorrelationSimilarity" for c in any_category],
            "error": trend_errors(coded),
        }
    )


def trend_twin(
    real: Any, synthetic: Any, *, categorical: Iterable[Any] | None = None, n_bins: int = 10
) -> float:
    """Mean total variation over all column pairs, numbers cut at the real column's quantiles.

    The same question as `trend_error` without its two artefacts: the edges are those of the real column
    for both tables, and no correlation hangs on a few extreme values. A missing cell is a level.

    Parameters
    ----------
    real, synthetic : DataFrame or array-like of shape (n_samples, n_features)
    categorical : iterable of column names, optional
    n_bins : int, default=10
        Bins of equal real probability; ties may leave fewer.

    Returns
    -------
    float
        From 0 (the same joint distributions) to 1. NaN for fewer than two columns.

    Examples
    --------
    >>> x = np.arange(100.0)
    >>> trend_twin(np.column_stack([x, x]), np.column_stack([x, x]))
    0.0
    >>> round(trend_twin(np.column_stack([x, x]), np.column_stack([x, x[::-1]])), 2)
    1.0
    """
    errors = twin_errors(code_tables(real, synthetic, categorical=categorical), n_bins)
    return float(np.mean(errors)) if len(errors) else float("nan")


def trend_errors(coded: CodedTables) -> FloatArray:
    """Errors of `trend_error_by_pair` between the first two tables, shape (n_pairs,)."""
    real, synthetic = coded.matrices[:2]
    binned = [_bin_by_width(matrix, coded.is_category) for matrix in (real, synthetic)]
    sizes = np.maximum(binned[0].max(axis=0, initial=0), binned[1].max(axis=0, initial=0)) + 1
    errors = []
    for i, j in combinations(range(len(coded.names)), 2):
        if coded.is_category[i] or coded.is_category[j]:
            own, other = (codes[:, [i, j]] for codes in binned)
            errors.append(_total_variation(own, other, int(sizes[j])))
        else:
            found = [_correlation(matrix[:, i], matrix[:, j]) for matrix in (real, synthetic)]
            errors.append(abs(found[0] - found[1]) / 2)
    return np.array(errors, dtype=np.float64)


def twin_errors(coded: CodedTables, n_bins: int = 10) -> FloatArray:
    """Total variations that `trend_twin` is the mean of, shape (n_pairs,)."""
    real, synthetic, n_levels = bin_by_real_quantiles(coded, n_bins)
    errors = [
        _total_variation(real[:, [i, j]], synthetic[:, [i, j]], int(n_levels[j]))
        for i, j in combinations(range(len(n_levels)), 2)
    ]
    return np.array(errors, dtype=np.float64)


def dependence_errors(coded: CodedTables, n_bins: int = 10, max_levels: int = 40) -> FloatArray:
    """How far two columns' dependence is from the real one, whatever their marginals: shape (n_pairs,).

    The total variation of `trend_twin` after the synthetic table of a pair was raked to the real marginals
    over the levels that both have. It is 0 where only the marginals differ.

    Parameters
    ----------
    coded : CodedTables
        The real table, then the synthetic one.
    n_bins : int, default=10
    max_levels : int, default=40
        Levels of a category that are told apart, the most frequent of the real table; the others are one.
    """
    real, synthetic, n_levels = bin_by_real_quantiles(coded, n_bins)
    for j in np.flatnonzero(n_levels > max_levels):
        size = int(n_levels[j])
        counts = np.bincount(real[:, j], minlength=size)
        place = np.full(size, max_levels - 1)
        place[np.argsort(-counts, kind="stable")[: max_levels - 1]] = np.arange(max_levels - 1)
        real[:, j], synthetic[:, j] = place[real[:, j]], place[synthetic[:, j]]
    n_levels = np.minimum(n_levels, max_levels)
    errors = []
    for first, second in combinations(range(len(n_levels)), 2):
        shape = (int(n_levels[first]), int(n_levels[second]))
        tables = [
            np.bincount(codes[:, first] * shape[1] + codes[:, second], minlength=shape[0] * shape[1]).reshape(
                shape
            )
            for codes in (real, synthetic)
        ]
        errors.append(_raked_distance(tables[0].astype(np.float64), tables[1].astype(np.float64)))
    return np.array(errors, dtype=np.float64)


def _raked_distance(real: FloatArray, synthetic: FloatArray) -> float:
    rows = (real.sum(axis=1) > 0) & (synthetic.sum(axis=1) > 0)
    real, synthetic = real[rows], synthetic[rows]
    columns = (real.sum(axis=0) > 0) & (synthetic.sum(axis=0) > 0)
    real, synthetic = real[:, columns], synthetic[:, columns]
    if min(real.shape) < 2 or real.sum() == 0 or synthetic.sum() == 0:
        return 0.0
    real, raked = real / real.sum(), synthetic / synthetic.sum()
    for _ in range(10):
        raked = raked * _ratio(real.sum(axis=1), raked.sum(axis=1))[:, None]
        raked = raked * _ratio(real.sum(axis=0), raked.sum(axis=0))
    return float(np.abs(real - raked).sum() / 2)


def _ratio(wanted: FloatArray, given: FloatArray) -> FloatArray:
    return np.divide(wanted, given, out=np.zeros_like(wanted), where=given > 0)


def _correlation(first: FloatArray, second: FloatArray) -> float:
    """Pearson's, over the rows that have both; NaN where one of them doesn't vary."""
    present = ~(np.isnan(first) | np.isnan(second))
    first, second = first[present], second[present]
    if len(first) < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    first, second = (values / np.abs(values).max() for values in (first, second))  # squares may not overflow
    first, second = (values - values.mean() for values in (first, second))
    return float(first @ second / np.sqrt((first @ first) * (second @ second)))


def _bin_by_width(matrix: FloatArray, is_category: Any) -> IntArray:
    """Codes from 0; ten equal widths per number; as in sdmetrics, the maximum and missing share one."""
    codes = np.where(np.isnan(matrix), -1, matrix)
    for j in np.flatnonzero(~is_category):
        present = matrix[~np.isnan(matrix[:, j]), j]
        codes[:, j] = np.digitize(matrix[:, j], _ten_widths(present))
    return codes.astype(np.int64) + 1


def _ten_widths(present: FloatArray) -> FloatArray:
    """Edges of ten bins; of a constant that is too large for bins of width .1, those of a small one."""
    if len(present) and np.ptp(present) == 0 and abs(present[0]) > 1e12:
        edges: FloatArray = present[0] * (1 + np.sign(present[0]) * np.linspace(-0.5, 0.5, 11))
    else:
        edges = np.histogram_bin_edges(present, bins=10)
    return edges


def bin_by_real_quantiles(coded: CodedTables, n_bins: int) -> tuple[IntArray, IntArray, IntArray]:
    """Codes of the first two tables, missing as the last level, and the number of levels of each column."""
    n_levels = coded.n_levels.copy()
    codes = [matrix.copy() for matrix in coded.matrices[:2]]
    for j in np.flatnonzero(~coded.is_category):
        real = coded.matrices[0][:, j]
        present = real[~np.isnan(real)]
        inner = np.linspace(0, 1, n_bins + 1)[1:-1]
        edges = np.unique(np.quantile(present, inner)) if len(present) else np.empty(0)
        n_levels[j] = len(edges) + 1
        for matrix in codes:
            missing = np.isnan(matrix[:, j])
            matrix[:, j] = np.searchsorted(edges, matrix[:, j], side="right")
            matrix[missing, j] = np.nan
    filled = [np.where(np.isnan(matrix), n_levels, matrix).astype(np.int64) for matrix in codes]
    return filled[0], filled[1], n_levels + 1


def _total_variation(real: IntArray, synthetic: IntArray, n_second: int) -> float:
    cells = [pair[:, 0] * n_second + pair[:, 1] for pair in (real, synthetic)]
    if cells[0].max(initial=0) > 1_000_000:  # too wide to count directly
        together = np.unique(np.concatenate(cells), return_inverse=True)[1]
        cells = [together[: len(real)], together[len(real) :]]
    size = int(max(cell.max(initial=0) for cell in cells)) + 1
    shares = [np.bincount(cell, minlength=size) / max(len(cell), 1) for cell in cells]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)
