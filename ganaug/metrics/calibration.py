"""Is a probability of being real what it says? Of rows called 70 % real, 70 % should be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def reliability(real: Any, generated: Any, *, n_bins: int = 10) -> pd.DataFrame:
    """Compare predicted probabilities of being real with how often it is true.

    Parameters
    ----------
    real, generated : array-like of shape (n_samples,)
        What `realism` says of real rows, and of generated ones drawn with ``guidance=0``. Neither should
        have been fitted on. Both weigh the same, whatever their numbers.
    n_bins : int, default=10
        Rows are sorted by what was predicted, and cut into so many bins of equal weight; rows of which the
        same was predicted stay together.

    Returns
    -------
    pandas.DataFrame of shape (at most n_bins, 4)
        A row for each bin: ``predicted`` on average, ``observed`` share of real rows, the ``error`` that
        chance leaves in it (one standard deviation), and ``n_rows``.

    Raises
    ------
    ValueError
        If a table has no rows, a probability isn't in [0, 1], or ``n_bins`` is less than 1.

    References
    ----------
    Niculescu-Mizil, Caruana: Predicting Good Probabilities with Supervised Learning, ICML 2005.

    Examples
    --------
    >>> reliability([0.75, 0.75, 0.75, 0.25], [0.25, 0.25, 0.25, 0.75], n_bins=2).round(2)
       predicted  observed  error  n_rows
    0       0.25      0.25   0.22       4
    1       0.75      0.75   0.22       4
    """
    if n_bins < 1:
        raise ValueError(f"n_bins must be at least 1, got {n_bins!r}")
    both = [_probabilities(name, given) for name, given in (("real", real), ("generated", generated))]
    predicted = np.concatenate(both)
    is_real = np.repeat([1.0, 0.0], [len(part) for part in both])
    weight = np.repeat([1 / len(part) for part in both], [len(part) for part in both])
    which = np.unique(predicted, return_inverse=True)[1]
    mass = np.bincount(which, weights=weight)
    middle = (np.cumsum(mass) - mass / 2) / mass.sum()
    place = np.minimum((middle * n_bins).astype(np.int64), n_bins - 1)[which]
    table = pd.DataFrame({"place": place, "w": weight, "p": weight * predicted, "o": weight * is_real})
    sums = table.groupby("place").agg(w=("w", "sum"), p=("p", "sum"), o=("o", "sum"), n_rows=("w", "size"))
    found = pd.DataFrame({"predicted": sums["p"] / sums["w"], "observed": sums["o"] / sums["w"]})
    found["error"] = np.sqrt(found["observed"] * (1 - found["observed"]) / sums["n_rows"])
    return found.assign(n_rows=sums["n_rows"]).reset_index(drop=True)


def _probabilities(name: str, given: Any) -> np.ndarray:
    found = np.asarray(given, dtype=np.float64).ravel()
    if not len(found):
        raise ValueError(f"{name} must have rows, got {given!r}")
    wrong = ~((found >= 0) & (found <= 1))
    if wrong.any():
        raise ValueError(f"{name} must be probabilities between 0 and 1, got {float(found[wrong][0])!r}")
    return found
