"""Generated images after real ones, in what these came in: `GANOversampler` on images."""

from __future__ import annotations

from typing import Any

import numpy as np

from ganaug.exceptions import ContractError


def header_of_images(X: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """No row, and a column for each pixel: what scikit-learn may look at to note the number of features."""
    return np.empty((0, int(np.prod(np.shape(X[0])))))


def refuse_options_of_tables(**options: Any) -> None:
    """An error for an option of `GANOversampler` that means nothing for images and isn't the default."""
    for name, value in options.items():
        if not (value is None or (isinstance(value, str) and value == "class")):
            raise ValueError(f"{name} is for tables, not for images; got {value!r}")


def stacked_images(X: Any, drawn: Any, n_drawn: int) -> Any:
    """Real images, then those that a synthesizer drew.

    Parameters
    ----------
    X : array of images, or list of images
    drawn : array of images, or list of images
    n_drawn : int
        How many were asked for.

    Returns
    -------
    array or list
        Of the dtype of ``X``; whole numbers are rounded.

    Raises
    ------
    ContractError
        The synthesizer drew something else than was asked for.
    """
    shapes = [(n, *np.shape(images[0])) for n, images in ((n_drawn, X), (len(drawn), drawn))]
    if shapes[0] != shapes[1]:
        raise ContractError(f"The synthesizer was to draw images {shapes[0]}, and drew {shapes[1]}")
    if isinstance(X, list | tuple):
        return [*X, *drawn]
    rows = np.asarray(drawn)
    if np.issubdtype(X.dtype, np.integer) and not np.issubdtype(rows.dtype, np.integer):
        rows = np.rint(rows)
    return np.concatenate([X, rows.astype(X.dtype)])
