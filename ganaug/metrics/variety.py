"""Do generated images have the classes and the variety of the real ones? Modes, histograms, spread."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ganaug.metrics.features import FloatArray
from ganaug.metrics.neighbours import neighbourhoods


def label_variety(real_labels: Any, synthetic_labels: Any) -> dict[str, float]:
    """Classes that are there, and how far their shares are from the real ones.

    Parameters
    ----------
    real_labels : array of shape (n_real,)
        Of real images: what a classifier says of them, or the truth.
    synthetic_labels : array of shape (n_synthetic,)
        What the same classifier says of generated images; for stacked digits, all three in one label.

    Returns
    -------
    dict
        ``modes``: classes of the real images that generated ones have; ``modes_share``: as a share;
        ``label_kl``: Kullback-Leibler divergence of the generated histogram from the real one, in nats.

    Examples
    --------
    >>> label_variety(["a", "b", "c", "d"], ["a", "a", "b", "b"])["modes_share"]
    0.5
    """
    classes, real_counts = np.unique(np.asarray(real_labels), return_counts=True)
    given = np.asarray(synthetic_labels)
    counts = np.array([(given == label).sum() for label in classes], dtype=np.float64)
    real, drawn = real_counts / real_counts.sum(), counts / max(counts.sum(), 1.0)
    there = drawn > 0
    divergence = float((drawn[there] * np.log(drawn[there] / real[there])).sum())
    modes = float(there.sum())
    return {"modes": modes, "modes_share": modes / len(classes), "label_kl": divergence}


def class_spread(real: Any, real_labels: Any, synthetic: Any, synthetic_labels: Any) -> dict[Any, float]:
    """Mean distance between two generated samples of a class, over that of two real ones.

    Parameters
    ----------
    real, synthetic : array of shape (n_samples, n_features)
        Features, or pixels.
    real_labels, synthetic_labels : array of shape (n_samples,)

    Returns
    -------
    dict
        By class, those with two samples in both sets: near 1 where the variety is that of the real ones,
        near 0 where a class has collapsed to one image.
    """
    parts = _by_class(real, real_labels, synthetic, synthetic_labels, fewest=2)
    return {label: _mean_distance(drawn) / max(_mean_distance(had), 1e-12) for label, had, drawn in parts}


def class_coverage(
    real: Any, real_labels: Any, synthetic: Any, synthetic_labels: Any, *, k: int = 5
) -> dict[Any, float]:
    """Coverage, as of `neighbourhoods`, of each class alone; the larger set is cut to the smaller.

    Parameters
    ----------
    real, synthetic : array of shape (n_samples, n_features)
    real_labels, synthetic_labels : array of shape (n_samples,)
    k : int, default=5

    Returns
    -------
    dict
        By class; 0 for one that was not generated, and none for one with k real samples or fewer.
    """
    found = {}
    for label, had, drawn in _by_class(real, real_labels, synthetic, synthetic_labels, fewest=0):
        size = min(len(had), len(drawn))
        if len(had) > k:
            found[label] = neighbourhoods(had[:size], drawn[:size], k=k)["coverage"] if size > k else 0.0
    return found


def _by_class(
    real: Any, real_labels: Any, synthetic: Any, synthetic_labels: Any, fewest: int
) -> list[tuple[Any, FloatArray, FloatArray]]:
    real, synthetic = (np.asarray(part, dtype=np.float64) for part in (real, synthetic))
    had, asked = np.asarray(real_labels), np.asarray(synthetic_labels)
    parts = [(label, real[had == label], synthetic[asked == label]) for label in np.unique(had)]
    return [part for part in parts if min(len(part[1]), len(part[2])) >= fewest]


def _mean_distance(points: npt.NDArray[np.float64]) -> float:
    squares = (points * points).sum(axis=1)
    squared = squares[:, None] + squares - 2 * points @ points.T
    n = len(points)
    return float(np.sqrt(squared.clip(min=0)).sum() / (n * (n - 1)))
