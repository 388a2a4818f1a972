"""Are synthetic rows closer to the training rows than chance has it? Distances to records, and copies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.neighbors import NearestNeighbors

from ganaug.metrics.features import BoolArray, FloatArray, IntArray, code_tables, distance_features, rank_auc


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
    to_seen, to_unseen = _to_both(synthetic, train, holdout, categorical, random_state)
    return float(closer_to_first(to_seen[:, 0], to_unseen[:, 0]).mean())


def nndr_share(
    synthetic: Any,
    train: Any,
    holdout: Any,
    *,
    categorical: Iterable[Any] | None = None,
    random_state: int = 0,
) -> float:
    """Share of synthetic rows that single out a training row more than they do any unseen row.

    A row's ratio of the distances to its nearest and its second nearest record is small where it imitates
    one record rather than a region; the share is of those whose ratio is smaller among the training rows.
    Ties, cuts and distances are those of `dcr_share`.

    Parameters
    ----------
    synthetic : DataFrame or array-like of shape (n_samples, n_features)
    train : DataFrame or array-like of shape (n_train, n_features)
    holdout : DataFrame or array-like of shape (n_holdout, n_features)
        At least two rows in each.
    categorical : iterable of column names, optional
    random_state : int, default=0

    Returns
    -------
    float
        .5 is ideal; near 1 for copies of the training rows.
    """
    to_seen, to_unseen = _to_both(synthetic, train, holdout, categorical, random_state)
    return float(closer_to_first(distance_ratio(to_seen), distance_ratio(to_unseen)).mean())


def near_copies(
    rows: Any,
    train: Any,
    holdout: Any,
    *,
    quantile: float = 0.01,
    categorical: Iterable[Any] | None = None,
) -> float:
    """Share of rows as close to a training row as the closest of the unseen rows are.

    Parameters
    ----------
    rows : DataFrame or array-like of shape (n_samples, n_features)
    train : DataFrame or array-like of shape (n_train, n_features)
    holdout : DataFrame or array-like of shape (n_holdout, n_features)
        Rows of the same source, not trained on: their distances say what is close.
    quantile : float, default=0.01
        The share of them that is called close: what rows of an ideal generator score.
    categorical : iterable of column names, optional

    Returns
    -------
    float
        From 0 to 1.
    """
    coded = code_tables(train, holdout, rows, categorical=categorical)
    seen, unseen, asked = distance_features(coded)
    limit = np.quantile(two_nearest(unseen, seen)[:, 0], quantile)
    return float(np.mean(two_nearest(asked, seen)[:, 0] <= limit))


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
    closeness = -two_nearest(listed, rows)[:, 0]
    return rank_auc(np.repeat([1, 0], n_rows), closeness)


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
    return float(is_copy(coded.matrices[1], coded.matrices[0]).mean())


def two_nearest(
    rows: npt.NDArray[np.float32], records: npt.NDArray[np.float32], leave_out: bool = False
) -> FloatArray:
    """Distances to the nearest and to the second nearest record, shape (n_samples, 2).

    With a single record, the second distance is infinite. With `leave_out` the two tables are the same one,
    and no row is its own record.
    """
    return nearest_records(rows, records, leave_out)[1]


def nearest_records(
    rows: npt.NDArray[np.float32], records: npt.NDArray[np.float32], leave_out: bool = False
) -> tuple[IntArray, FloatArray]:
    """The nearest record of every row, shape (n_samples,), and the distances of `two_nearest`.

    The search goes by blocks and rounds; the distances to what it found are exact, so that copies tie at 0.
    """
    n_neighbours = min(2 + leave_out, len(records))
    nearest = NearestNeighbors(n_neighbors=n_neighbours, algorithm="brute").fit(records)
    found = nearest.kneighbors(rows, return_distance=False)
    if leave_out:
        found = _without_itself(found)
    distances = np.full((len(rows), 2), np.inf)
    for k in range(min(2, found.shape[1])):
        difference = rows.astype(np.float64) - records[found[:, k]]
        distances[:, k] = np.sqrt(np.einsum("ij,ij->i", difference, difference))
    first = distances.argmin(axis=1) if found.shape[1] > 1 else np.zeros(len(rows), dtype=np.int64)
    index: IntArray = found[np.arange(len(rows)), first]
    return index, np.sort(distances, axis=1)


def _without_itself(found: IntArray) -> IntArray:
    """The neighbours of row i but for i; the last one where copies pushed it out of the list."""
    own = found == np.arange(len(found))[:, None]
    own[~own.any(axis=1), -1] = True
    others: IntArray = found[~own].reshape(len(found), -1)
    return others


def closer_to_first(first: FloatArray, second: FloatArray) -> FloatArray:
    """1 where the first distance is smaller, one half where they tie."""
    closer: FloatArray = (first < second) + 0.5 * (first == second)
    return closer


def distance_ratio(distances: FloatArray) -> FloatArray:
    """Nearest over second nearest, 1 where both are 0."""
    nearest, second = distances.T
    ratio: FloatArray = np.divide(nearest, second, out=np.ones_like(nearest), where=second > 0)
    return ratio


def is_copy(rows: FloatArray, train: FloatArray) -> BoolArray:
    """Which coded rows equal a training row in every cell."""
    return np.isin(_rows_as_bytes(rows), _rows_as_bytes(train))


def _to_both(
    synthetic: Any, train: Any, holdout: Any, categorical: Iterable[Any] | None, random_state: int
) -> tuple[FloatArray, FloatArray]:
    coded = code_tables(train, holdout, synthetic, categorical=categorical)
    seen, unseen, rows = distance_features(coded)
    n_rows = min(len(seen), len(unseen))
    rng = np.random.default_rng(random_state)
    return (
        two_nearest(rows, _at_most(seen, n_rows, rng)),
        two_nearest(rows, _at_most(unseen, n_rows, rng)),
    )


def _at_most(rows: npt.NDArray[np.float32], n_rows: int, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    return rows if len(rows) <= n_rows else rows[rng.choice(len(rows), n_rows, replace=False)]


def _rows_as_bytes(matrix: FloatArray) -> npt.NDArray[np.void]:
    """One opaque value per row; zeros have one sign and missing one pattern."""
    canonical = np.ascontiguousarray(np.where(np.isnan(matrix), np.nan, matrix + 0.0))
    return canonical.view(np.dtype((np.void, canonical.itemsize * canonical.shape[1]))).ravel()
