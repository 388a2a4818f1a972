"""How far is the joint distribution of two columns from the real one? Trend error, and a steadier twin."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from ganaug.metrics.features import CodedTables, FloatArray, IntArray, code_tables, require


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

    Raises
    ------
    ImportError
        sdmetrics is not installed.
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
    metrics = require("sdmetrics.column_pairs")
    coded = code_tables(real, synthetic, categorical=categorical)
    binned = [_bin_by_width(matrix, coded.is_category) for matrix in coded.matrices]
    rows = []
    for i, j in combinations(range(len(coded.names)), 2):
        any_category = coded.is_category[i] or coded.is_category[j]
        name = "ContingencySimilarity" if any_category else "CorrelationSimilarity"
        real_part, synthetic_part = (
            (codes if any_category else matrix)[:, [i, j]]
            for codes, matrix in zip(binned, coded.matrices, strict=True)
        )
        error = _pair_error(getattr(metrics, name), real_part, synthetic_part)
        rows.append((coded.names[i], coded.names[j], name, error))
    return pd.DataFrame(rows, columns=["first", "second", "metric", "error"])


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
    coded = code_tables(real, synthetic, categorical=categorical)
    real_codes, synthetic_codes, n_levels = _bin_by_real_quantiles(coded, n_bins)
    errors = [
        _total_variation(real_codes[:, [i, j]], synthetic_codes[:, [i, j]], int(n_levels[j]))
        for i, j in combinations(range(len(n_levels)), 2)
    ]
    return float(np.mean(errors)) if errors else float("nan")


def _bin_by_width(matrix: FloatArray, is_category: Any) -> IntArray:
    """Ten bins of equal width per number; as in sdmetrics, the maximum and missing share an eleventh."""
    codes = np.where(np.isnan(matrix), -1, matrix)
    for j in np.flatnonzero(~is_category):
        present = matrix[~np.isnan(matrix[:, j]), j]
        codes[:, j] = np.digitize(matrix[:, j], np.histogram_bin_edges(present, bins=10))
    return codes.astype(np.int64)


def _pair_error(metric: Any, real: Any, synthetic: Any) -> float:
    errors = require("sdmetrics.errors")
    columns = ["first", "second"]
    tables = pd.DataFrame(real, columns=columns), pd.DataFrame(synthetic, columns=columns)
    try:
        with warnings.catch_warnings():  # scipy on constant input: the answer is NaN, which is said
            warnings.simplefilter("ignore")
            return 1.0 - float(metric.compute(*tables))
    except (errors.ConstantInputError, ValueError):  # ValueError: fewer than two rows without a gap
        return float("nan")


def _bin_by_real_quantiles(coded: CodedTables, n_bins: int) -> tuple[IntArray, IntArray, IntArray]:
    """Codes of the two tables, missing as the last level, and the number of levels of each column."""
    n_levels = coded.n_levels.copy()
    codes = [matrix.copy() for matrix in coded.matrices]
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
