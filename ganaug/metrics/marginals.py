"""How far is each column's distribution from the real one? Shape error, by sdmetrics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from ganaug.metrics.features import FloatArray, code_tables, require


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

    Raises
    ------
    ImportError
        sdmetrics is not installed.
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
    metrics = require("sdmetrics.single_column")
    coded = code_tables(real, synthetic, categorical=categorical)
    kinds = ["category" if is_category else "number" for is_category in coded.is_category]
    errors = [
        _column_error(
            metrics.TVComplement if kind == "category" else metrics.KSComplement,
            coded.matrices[0][:, j],
            coded.matrices[1][:, j],
        )
        for j, kind in enumerate(kinds)
    ]
    return pd.DataFrame({"kind": kinds, "error": errors}, index=pd.Index(coded.names, name="column"))


def _column_error(metric: Any, real: FloatArray, synthetic: FloatArray) -> float:
    if np.isnan(real).all() or np.isnan(synthetic).all():
        return float("nan")
    return 1.0 - float(metric.compute(pd.Series(real), pd.Series(synthetic)))
