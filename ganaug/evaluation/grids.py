"""Generated images beside the training images that are nearest to them, in one picture."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganaug.metrics.images import ImageReader
from ganaug.metrics.memorisation import nearest_training_images

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_CLASSES = 10
_GAP = 1  # pixels between two images


def neighbour_grid(synthetic: Any, labels: Any, train: Any, *, n_columns: int = 8) -> Figure:
    """Draw generated images, a row for each class, and below each the training image nearest to it.

    Parameters
    ----------
    synthetic : array of images
    labels : array of shape (n_synthetic,) or None
        Without them there are four rows of any images.
    train : array of images
        Those that the generator was fitted on.
    n_columns : int, default=8

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot: save it with ``savefig``.

    Raises
    ------
    ImportError
        If matplotlib isn't installed.
    """
    from ganaug.evaluation.plots import figure_class

    reader = ImageReader.of(train)
    names, places = _rows(len(synthetic), labels, n_columns)
    order, found = nearest_training_images(_taken(synthetic, places.ravel()), train)
    neighbours = np.empty(places.size, dtype=np.int64)
    neighbours[order] = found
    pairs = np.stack([_shown(synthetic, places.ravel(), reader), _shown(train, neighbours, reader)], axis=1)
    tiles = pairs.reshape(len(names), n_columns, 2, *pairs.shape[2:]).transpose(0, 2, 1, 3, 4, 5)
    figure = figure_class()(figsize=(0.75 * n_columns + 1.2, 1.55 * len(names) + 0.5), layout="constrained")
    for ax, name, tile in zip(figure.subplots(len(names), 1, squeeze=False)[:, 0], names, tiles, strict=True):
        ax.imshow(_mosaic(tile), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        ax.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=10)
        ax.set_xticks([])
        ax.set_yticks([])
    figure.suptitle("Generated (upper rows), and the nearest training image (lower rows)", fontsize=11)
    return figure


def nearest_pairs(synthetic: Any, train: Any, *, n_pairs: int = 8) -> str:
    """The generated images that lie nearest to a training image, above it, as a picture in HTML."""
    reader = ImageReader.of(train)
    order, found = nearest_training_images(synthetic, train, n_shown=n_pairs)
    tile = np.stack([_shown(synthetic, order, reader), _shown(train, found, reader)])
    return as_html(_mosaic(tile), "generated images over their nearest training images")


def as_html(mosaic: NDArray[np.float32], words: str) -> str:
    """An image (h, w) or (h, w, 3) in 0 to 1 as a tag that holds all of it, enlarged without a blur."""
    from matplotlib.image import imsave

    held = io.BytesIO()
    imsave(held, mosaic, cmap="gray", vmin=0, vmax=1, format="png")
    code = base64.b64encode(held.getvalue()).decode("ascii")
    style = "width:100%;image-rendering:pixelated"
    return f'<img alt="{words}" style="{style}" src="data:image/png;base64,{code}">'


def _rows(n: int, labels: Any, n_columns: int) -> tuple[list[str], NDArray[np.int64]]:
    """Names of the rows, and which images are in them, (n_rows, n_columns); few images are repeated."""
    if labels is None:
        return [""] * 4, np.resize(np.arange(n), (4, n_columns))
    given = np.asarray(labels)
    classes = np.unique(given)[:_MOST_CLASSES]
    rows = [np.resize(np.flatnonzero(given == label), n_columns) for label in classes]
    return [str(label) for label in classes.tolist()], np.array(rows)


def _taken(images: Any, places: NDArray[np.int64]) -> Any:
    return [images[place] for place in places] if isinstance(images, list) else np.asarray(images)[places]


def _shown(images: Any, places: NDArray[np.int64], reader: ImageReader) -> NDArray[np.float32]:
    """Images (n, h, w, 1 or 3) in 0 to 1: of other than three channels, the mean."""
    read = reader.read(_taken(images, places)).clip(0, 1)
    if read.shape[1] != 3:
        read = read.mean(axis=1, keepdims=True)
    return read.transpose(0, 2, 3, 1)


def _mosaic(tile: NDArray[np.float32]) -> NDArray[np.float32]:
    """Images (n_rows, n_columns, h, w, c) as one, with white gaps; one channel is left out."""
    n_rows, n_columns, height, width, n_channels = tile.shape
    mosaic = np.ones((n_rows, height + _GAP, n_columns, width + _GAP, n_channels), dtype=np.float32)
    mosaic[:, :height, :, :width] = tile.transpose(0, 2, 1, 3, 4)
    whole = mosaic.reshape(n_rows * (height + _GAP), n_columns * (width + _GAP), n_channels)[:-_GAP, :-_GAP]
    return whole[..., 0] if n_channels == 1 else whole
