"""Are synthetic rows closer to the training rows than chance has it? Distances to records, and copies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import pairwise_distances_argmin, roc_auc_score

from ganaug.metrics.features import FloatArray, code_tables, distance_features


def dcr_share(
    synthetic: Any,
    train: Any,
    holdout: Any,
    *,
    categorical: Iterable[Any] | None = None,
    random_state: int = 0,
) -> float:
    """Share of synthetic rows that are closer to a training row than to any unseen row.

    The distance is Euclidean (L2) over numbers scaled to 0-1 and categories as match or mismatch. A tie
    counts half. The larger of `train` and `holdout` is cut, at random, to the rows of the smaller.

    Parameters
    ----------
    synthetic : DataFrame or array-like of shape (n_samples, n_features)
    train : DataFrame or array-like of shape (n_train, n_features)
        Rows that the generator was fitted on; they set the scale.
    holdout : DataFrame or array-like of shape (n_holdout, n_features)
        Rows of the same source that it has not seen.
    categorical : iterable of column names, optional
        By default everything that is neither numeric nor a date.
    random_state : int, default=0
        Of the cut.

    Returns
    -------
    float
        .5 is ideal; 1 for copies of the training rows.
    """
    coded = code_tables(train, holdout, synthetic, categorical=categorical)
    seen, unseen, rows = distance_features(coded)
    n_rows = min(len(seen), len(unseen))
    rng = np.random.default_rng(random_state)
    to_seen = _nearest_squared_distance(rows, _at_most(seen, n_rows, rng))
    to_unseen = _nearest_squared_distance(rows, _at_most(unseen, n_rows, rng))
    return float(np.mean((to_seen < to_unseen) + 0.5 * (to_seen == to_unseen)))


def membership_auc(
    synthetic: Any,
    train: Any,
    holdout: Any,
    *,
    categorical: Iterable[Any] | None = None,
    random_state: int = 0,
) -> float:
    """AUC of an attacker who takes rows close to a synthetic one for training rows.

    The attacker has the synthetic rows and a list of real ones, half of which were trained on, and orders
    the list by the distance to the closest synthetic row; distances are those of `dcr_share`.

    Parameters
    ----------
    synthetic : DataFrame or array-like of shape (n_samples, n_features)
    train : DataFrame or array-like of shape (n_train, n_features)
        Rows that the generator was fitted on; they set the scale.
    holdout : DataFrame or array-like of shape (n_holdout, n_features)
        Rows of the same source that it has not seen.
    categorical : iterable of column names, optional
        By default everything that is neither numeric nor a date.
    random_state : int, default=0
        Of the cut to equal numbers.

    Returns
    -------
    float
        .5 where the attacker learns nothing; 1 for copies of the training rows.

    References
    ----------
    Chen, Yu, Zhang, Fritz: GAN-Leaks, CCS 2020 (the full black-box attack).
    """
    coded = code_tables(train, holdout, synthetic, categorical=categorical)
    seen, unseen, rows = distance_features(coded)
    n_rows = min(len(seen), len(unseen))
    rng = np.random.default_rng(random_state)
    listed = np.concatenate([_at_most(part, n_rows, rng) for part in (seen, unseen)])
    closeness = -_nearest_squared_distance(listed, rows)
    return float(roc_auc_score(np.repeat([1, 0], n_rows), closeness))


def exact_copies(rows: Any, train: Any, *, categorical: Iterable[Any] | None = None) -> float:
    """Share of rows that equal a training row in every cell, a missing cell equal to a missing one.

    Parameters
    ----------
    rows : DataFrame or array-like of shape (n_samples, n_features)
        Synthetic rows; or unseen real ones, for the share that chance gives.
    train : DataFrame or array-like of shape (n_train, n_features)
    categorical : iterable of column names, optional
        By default everything that is neither numeric nor a date.

    Returns
    -------
    float
        From 0 to 1.

    Examples
    --------
    >>> exact_copies([[1.0, 2.0], [3.0, np.nan]], [[3.0, np.nan], [5.0, 6.0]])
    0.5
    """
    coded = code_tables(train, rows, categorical=categorical)
    known, asked = (_rows_as_bytes(matrix) for matrix in coded.matrices)
    return float(np.isin(asked, known).mean())


def _nearest_squared_distance(
    rows: npt.NDArray[np.float32], records: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """Squared distance to the nearest record, shape (n_samples,).

    The search goes by blocks and rounds; the distance to what it found is exact, so that copies tie at 0.
    """
    nearest = pairwise_distances_argmin(rows, records)
    difference = rows.astype(np.float64) - records[nearest]
    squared: npt.NDArray[np.float64] = np.einsum("ij,ij->i", difference, difference)
    return squared


def _at_most(rows: npt.NDArray[np.float32], n_rows: int, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    return rows if len(rows) <= n_rows else rows[rng.choice(len(rows), n_rows, replace=False)]


def _rows_as_bytes(matrix: FloatArray) -> npt.NDArray[np.void]:
    """One opaque value per row; zeros have one sign and missing one pattern."""
    canonical = np.ascontiguousarray(np.where(np.isnan(matrix), np.nan, matrix + 0.0))
    return canonical.view(np.dtype((np.void, canonical.itemsize * canonical.shape[1]))).ravel()
