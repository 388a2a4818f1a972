"""Which part of the real images is generated, and which part of the generated is real? Neighbourhoods.

References
----------
precision, recall : Kynkäänniemi et al., Improved Precision and Recall Metric, NeurIPS 2019, equation 1, 2.
density, coverage : Naeem et al., Reliable Fidelity and Diversity Metrics, ICML 2020, equation 5, 7.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.neighbors import NearestNeighbors

from ganaug.exceptions import InvalidTableError
from ganaug.metrics.features import BoolArray, FloatArray, IntArray

_BLOCK = 1024  # rows at a time


def neighbourhoods(real: Any, synthetic: Any, *, k: int = 5) -> dict[str, float]:
    """Precision, recall, density and coverage of generated features among real ones.

    Every sample has a ball around it that reaches its k-th nearest neighbour of the same set.

    Parameters
    ----------
    real, synthetic : array of shape (n_samples, n_features)
        Of about equal size: the balls shrink as there are more.
    k : int, default=5

    Returns
    -------
    dict
        ``precision``, share of generated samples within a real ball; ``recall``, share of real samples
        within a generated ball; ``density``, in how many real balls a generated sample lies, over k: above 1
        where they crowd together; ``coverage``, share of real balls that hold a generated sample.

    Raises
    ------
    InvalidTableError
        One of the sets has no more than k samples.

    Examples
    --------
    >>> points = np.arange(20.0)[:, None]
    >>> neighbourhoods(points, points[:10], k=2)["coverage"]
    0.55
    """
    return {name: float(found.mean()) for name, found in neighbourhood_shares(real, synthetic, k=k).items()}


def neighbourhood_shares(real: Any, synthetic: Any, *, k: int = 5) -> dict[str, FloatArray]:
    """What each sample adds to the four measures of `neighbourhoods`, which are means of these.

    Returns
    -------
    dict of ndarray
        ``precision`` and ``density`` of shape (n_synthetic,), ``recall`` and ``coverage`` of shape (n_real,).
    """
    one, other = (np.asarray(part, dtype=np.float64) for part in (real, synthetic))
    if min(len(one), len(other)) <= k:
        raise InvalidTableError(
            f"Neighbourhoods of k={k} need more samples than that in both sets; got {len(one)} and "
            f"{len(other)}"
        )
    holds = _within(other, one, _radii(one, k))  # (n_synthetic, n_real)
    in_generated = _within(one, other, _radii(other, k))
    return {
        "precision": holds.any(axis=1).astype(np.float64),
        "recall": in_generated.any(axis=1).astype(np.float64),
        "density": holds.sum(axis=1) / k,
        "coverage": holds.any(axis=0).astype(np.float64),
    }


def nearest(rows: Any, records: Any) -> tuple[FloatArray, IntArray]:
    """Distance of each row to the nearest record, and which one that is.

    The search goes by rounded products; the distance to what it found is exact, so that copies are at 0.

    Parameters
    ----------
    rows : array of shape (n_rows, n_features)
    records : array of shape (n_records, n_features)

    Returns
    -------
    distance, place : ndarray of shape (n_rows,)
    """
    rows, records = np.asarray(rows), np.asarray(records)
    search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(records)
    place = search.kneighbors(rows, return_distance=False)[:, 0]
    difference = rows.astype(np.float64) - records[place]
    return np.sqrt(np.einsum("ij,ij->i", difference, difference)), place.astype(np.int64)


def _radii(points: FloatArray, k: int) -> FloatArray:
    """Distance of each point to its k-th neighbour, itself not counted."""
    search = NearestNeighbors(n_neighbors=k + 1, algorithm="brute").fit(points)
    radii: FloatArray = search.kneighbors(points)[0][:, k]
    return radii


def _within(points: FloatArray, centres: FloatArray, radii: FloatArray) -> BoolArray:
    """Which points lie in which balls, shape (n_points, n_centres)."""
    squares = (centres * centres).sum(axis=1)
    limits = radii * radii * (1 + 1e-9) + 1e-12
    found = np.empty((len(points), len(centres)), dtype=np.bool_)
    for start in range(0, len(points), _BLOCK):
        block = points[start : start + _BLOCK]
        squared = (block * block).sum(axis=1)[:, None] + squares - 2 * block @ centres.T
        found[start : start + _BLOCK] = squared <= limits
    return found
