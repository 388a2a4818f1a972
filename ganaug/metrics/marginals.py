"""How far is each column's distribution from the real one? Shape error, by sdmetrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd

from ganaug.metrics.features import CodedTables, FloatArray, code_tables

Distance = Callable[[FloatArray, FloatArray], float]


def shape_error(real: Any, synthetic: Any, *, categorical: Iterable[Any] | None = None) -> float:
    """Mean over the columns of the distance between real and synthetic marginal.

    Parameters
    ----------
    real, synthetic : DataFrame or array-like of shape (n_samples, n_features)
    categorical : iterable of column names, optional
        Columns compared as categories. By default everything that is neither numeric nor a date.

    Returns
    -------
    float
        From 0 (the same marginals) to 1.
    """
    errors = shape_error_by_column(real, synthetic, categorical=categorical)["error"].to_numpy(
        dtype=np.float64
    )
    return float(np.nanmean(errors)) if np.isfinite(errors).any() else float("nan")


def shape_error_by_column(
    real: Any, synthetic: Any, *, categorical: Iterable[Any] | None = None
) -> pd.DataFrame:
    """Tell which columns the shape error comes from.

    A number's error is the Kolmogorov-Smirnov statistic (1 - KSComplement), a category's the total
    variation (1 - TVComplement). Missing cells are left out, as sdmetrics does.

    Parameters
    ----------
    real, synthetic : DataFrame or array-like of shape (n_samples, n_features)
    categorical : iterable of column names, optional

    Returns
    -------
    DataFrame, one row per column
        Indexed by column name, with ``kind`` ("number" or "category") and ``error`` (0 to 1; NaN for a
        column that is wholly missing).
    """
    coded = code_tables(real, synthetic, categorical=categorical)
    kinds = ["category" if is_category else "number" for is_category in coded.is_category]
    errors = marginal_errors(coded)
    return pd.DataFrame({"kind": kinds, "error": errors}, index=pd.Index(coded.names, name="column"))


def marginal_errors(coded: CodedTables) -> FloatArray:
    """Errors of `shape_error_by_column` between the first two tables.

    Parameters
    ----------
    coded : CodedTables

    Returns
    -------
    ndarray of shape (n_features,)
    """
    real, synthetic = coded.matrices[:2]
    distances = [_total_variation if own else _kolmogorov_smirnov for own in coded.is_category]
    errors = [_of_present(d, real[:, j], synthetic[:, j]) for j, d in enumerate(distances)]
    return np.array(errors, dtype=np.float64)


def _of_present(distance: Distance, real: FloatArray, synthetic: FloatArray) -> float:
    real, synthetic = real[~np.isnan(real)], synthetic[~np.isnan(synthetic)]
    return distance(real, synthetic) if len(real) and len(synthetic) else float("nan")


def _kolmogorov_smirnov(real: FloatArray, synthetic: FloatArray) -> float:
    """Largest difference of the two distribution functions; sdmetrics' KSComplement without the p-value."""
    real, synthetic = np.sort(real), np.sort(synthetic)
    values = np.concatenate([real, synthetic])
    below = [np.searchsorted(part, values, side="right") / len(part) for part in (real, synthetic)]
    return float(np.abs(below[0] - below[1]).max())


def _total_variation(real: FloatArray, synthetic: FloatArray) -> float:
    """Half the summed difference of the levels' shares."""
    size = int(max(real.max(), synthetic.max())) + 1
    shares = [np.bincount(part.astype(np.int64), minlength=size) / len(part) for part in (real, synthetic)]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)
