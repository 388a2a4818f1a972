"""Passes in which every class has as many rows in each batch, however rare it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def balanced_order(
    classes: NDArray[np.intp], weights: NDArray[np.float64] | None, rng: np.random.Generator, n: int
) -> NDArray[np.intp]:
    """Row numbers of a pass: the classes take turns, in an order that is drawn anew for every turn.

    Parameters
    ----------
    classes : array of shape (n_rows,)
        Class of each row.
    weights : array of shape (n_rows,), optional
        How often a row comes beside the others of its class.
    rng : numpy Generator
    n : int

    Returns
    -------
    array of shape (n,)
        Without weights, a class's rows come once each before any of them comes again.
    """
    present = np.unique(classes)
    turns = rng.permuted(np.tile(present, (-(-n // len(present)), 1)), axis=1).ravel()[:n]
    order = np.empty(n, dtype=np.intp)
    for label in present:
        places, members = np.flatnonzero(turns == label), np.flatnonzero(classes == label)
        if weights is None:
            n_rounds = -(-len(places) // len(members))
            drawn = rng.permuted(np.tile(members, (n_rounds, 1)), axis=1).ravel()[: len(places)]
        else:
            drawn = rng.choice(members, len(places), p=weights[members] / weights[members].sum())
        order[places] = drawn
    return order
