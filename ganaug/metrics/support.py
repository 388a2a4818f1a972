"""Do synthetic rows lie where real ones do, and does each real one have some near it?

Alpha-precision and beta-recall of Alaa, van Breugel, Saveliev, van der Schaar: How Faithful is your Synthetic
Data?, ICML 2022 (section 4), in the form of the tabular papers: numbers from 0 to 1 and categories one-hot,
the centre is the mean, 30 steps.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from ganaug.metrics.features import BoolArray, FloatArray, code_tables, distance_features
from ganaug.metrics.privacy import nearest_records, two_nearest

N_STEPS = 30
ONE_HOT = 2.0  # squared distance of two levels


def alpha_precision(real: Any, synthetic: Any, *, categorical: Iterable[Any] | None = None) -> float:
    """Score whether synthetic rows spread about the real centre as the real rows do.

    Parameters
    ----------
    real, synthetic : DataFrame or array-like of shape (n_samples, n_features)
    categorical : iterable of column names, optional
        By default everything that is neither numeric nor a date.

    Returns
    -------
    float
        1 where every ball about the real centre holds as many synthetic rows as real ones.
    """
    features = distance_features(code_tables(real, synthetic, categorical=categorical), ONE_HOT)
    return precision_from(*distances_to_centre(features[0], features[1]))


def beta_recall(real: Any, synthetic: Any, *, categorical: Iterable[Any] | None = None) -> float:
    """Score how much of the real rows is covered by synthetic ones, the typical first.

    A real row is covered if a synthetic one is no farther than the nearest other real row, and among the
    typical ones that count at this step. Real rows of another sample score about .5.

    Parameters
    ----------
    real, synthetic : DataFrame or array-like of shape (n_samples, n_features)
    categorical : iterable of column names, optional

    Returns
    -------
    float
        1 for copies.
    """
    features = distance_features(code_tables(real, synthetic, categorical=categorical), ONE_HOT)
    return recall_from(*coverage(features[0], features[1]))


def distances_to_centre(
    real: npt.NDArray[np.float32], synthetic: npt.NDArray[np.float32]
) -> tuple[FloatArray, FloatArray]:
    """Distances of both tables' rows, as features, to the mean of the real ones."""
    centre = real.mean(axis=0, dtype=np.float64)
    return _distances(real, centre), _distances(synthetic, centre)


def precision_from(real: FloatArray, synthetic: FloatArray) -> float:
    """Alpha-precision from the distances to the centre."""
    alphas = np.linspace(0, 1, N_STEPS)
    radii = np.quantile(real, alphas)
    return _closeness(np.searchsorted(np.sort(synthetic), radii, side="right") / len(synthetic))


def coverage(
    real: npt.NDArray[np.float32], synthetic: npt.NDArray[np.float32]
) -> tuple[BoolArray, FloatArray]:
    """Which real rows are covered, and how far from their centre the synthetic rows are that do it."""
    nearest, distances = nearest_records(real, synthetic)
    own = two_nearest(real, real, leave_out=True)
    centre = synthetic.mean(axis=0, dtype=np.float64)
    return distances[:, 0] <= own[:, 0], _distances(synthetic[nearest], centre)


def recall_from(covered: BoolArray, typicality: FloatArray) -> float:
    """Beta-recall from what `coverage` says of the real rows."""
    radii = np.quantile(typicality, np.linspace(0, 1, N_STEPS))
    ordered = np.sort(typicality[covered])
    return _closeness(np.searchsorted(ordered, radii, side="right") / len(typicality))


def _closeness(curve: FloatArray) -> float:
    """1 where a curve of shares follows the diagonal."""
    steps = np.linspace(0, 1, N_STEPS)
    return float(1 - np.abs(steps - curve).sum() / steps.sum())


def _distances(rows: npt.NDArray[np.float32], centre: FloatArray) -> FloatArray:
    distances: FloatArray = np.sqrt(((rows.astype(np.float64) - centre) ** 2).sum(axis=1))
    return distances
