"""How far apart are two clouds of features? Fréchet distance and kernel distance."""

from __future__ import annotations

from typing import Any

import numpy as np

from ganaug.exceptions import InvalidTableError
from ganaug.metrics.features import FloatArray
from ganaug.metrics.images import some_of


def frechet_distance(real: Any, synthetic: Any, *, random_state: int = 0) -> float:
    """Squared Fréchet distance between two normal distributions fitted to features.

    It grows as there are fewer samples, so the larger set is cut, at random, to the size of the smaller:
    compare figures at equal sizes only, and beside that of two real sets.

    Parameters
    ----------
    real, synthetic : array of shape (n_samples, n_features)
        Features of images, from any network: that of a classifier gives *FD_clf*, Inception's pool layer the
        well-known FID.
    random_state : int, default=0
        Of the cut.

    Returns
    -------
    float
        0 for equal means and covariances.

    References
    ----------
    Heusel et al., GANs Trained by a Two Time-Scale Update Rule, NeurIPS 2017, equation 6.

    Examples
    --------
    >>> points = np.random.default_rng(0).normal(size=(50, 3))
    >>> round(frechet_distance(points, points + 2.0), 6)
    12.0
    """
    one, other = _equal_sizes(real, synthetic, random_state)
    gap = one.mean(axis=0) - other.mean(axis=0)
    centred = [(part - part.mean(axis=0)) / np.sqrt(len(part) - 1) for part in (one, other)]
    spread = sum(float((part * part).sum()) for part in centred) - 2 * _shared_spread(*centred)
    return float(max(gap @ gap + spread, 0.0))


def kernel_distance(real: Any, synthetic: Any, *, random_state: int = 0) -> float:
    """Squared maximum mean discrepancy of features, kernel (x y / d + 1)^3: KID.

    Unbiased in the number of samples. Features are standardised over the real ones, so that it doesn't
    depend on their scale.

    Parameters
    ----------
    real, synthetic : array of shape (n_samples, n_features)
    random_state : int, default=0
        Of the cut of the larger set to the size of the smaller.

    Returns
    -------
    float
        About 0, on either side, for two sets of the same source.

    References
    ----------
    Bińkowski et al., Demystifying MMD GANs, ICLR 2018, equation 4.
    """
    one, other = _equal_sizes(real, synthetic, random_state)
    scale = one.std(axis=0)
    scale[scale < 1e-9] = 1.0
    one, other = ((part - one.mean(axis=0)) / scale for part in (one, other))
    n, d = one.shape
    within = sum((_cubic(part, part, d).sum() - _cubic_diagonal(part, d)) for part in (one, other))
    return float(within / (n * (n - 1)) - 2 * _cubic(one, other, d).mean())


def _equal_sizes(real: Any, synthetic: Any, random_state: int) -> tuple[FloatArray, FloatArray]:
    parts = [np.asarray(part, dtype=np.float64) for part in (real, synthetic)]
    for name, part in zip(("real", "synthetic"), parts, strict=True):
        if part.ndim != 2 or len(part) < 2 or part.shape[1:] != parts[0].shape[1:]:
            raise InvalidTableError(
                "Features must be (n_samples, n_features), two samples at least and as many features in "
                f"both; got {part.shape} for {name}"
            )
    rng = np.random.default_rng(random_state)
    size = min(map(len, parts))
    one, other = (some_of(size, part, rng)[0] for part in parts)
    return one, other


def _shared_spread(one: FloatArray, other: FloatArray) -> float:
    """Trace of the root of the product of two covariances, from rows that are centred and scaled.

    It is the sum of the singular values of the rows' products: the shorter way where rows are few.
    """
    if len(one) < one.shape[1]:
        return float(np.linalg.svd(one @ other.T, compute_uv=False).sum())
    root = _symmetric_root(one.T @ one)
    values = np.linalg.eigvalsh(root @ (other.T @ other) @ root)
    return float(np.sqrt(values.clip(min=0)).sum())


def _symmetric_root(matrix: FloatArray) -> FloatArray:
    values, vectors = np.linalg.eigh(matrix)
    root: FloatArray = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    return root


def _cubic(one: FloatArray, other: FloatArray, d: int) -> FloatArray:
    kernel: FloatArray = (one @ other.T / d + 1) ** 3
    return kernel


def _cubic_diagonal(part: FloatArray, d: int) -> float:
    return float((((part * part).sum(axis=1) / d + 1) ** 3).sum())
