"""What a report of images shows beside its measures: images, and the training images nearest to them."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganaug.evaluation.page import Card, Section
from ganaug.evaluation.plots import figure_class
from ganaug.metrics.images import ImageReader
from ganaug.metrics.memorisation import nearest_training_images

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_CLASSES = 10
_ABREAST_FROM = 6  # classes: two of them side by side
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
    reader = ImageReader.of(train)
    names, places = _rows(len(synthetic), labels, n_columns)
    order, found = nearest_training_images(_taken(synthetic, places.ravel()), train)
    neighbours = np.empty(places.size, dtype=np.int64)
    neighbours[order] = found
    pairs = np.stack([_shown(synthetic, places.ravel(), reader), _shown(train, neighbours, reader)], axis=1)
    tiles = pairs.reshape(len(names), n_columns, 2, *pairs.shape[2:]).transpose(0, 2, 1, 3, 4, 5)
    abreast = 1 if len(names) < _ABREAST_FROM else 2
    n_rows = -(-len(names) // abreast)
    size = (abreast * (0.55 * n_columns + 0.8), 1.15 * n_rows + 0.5)
    figure = figure_class()(figsize=size, layout="constrained")
    axes = figure.subplots(n_rows, abreast, squeeze=False).T.ravel()
    for ax in axes[len(names) :]:
        ax.set_axis_off()
    for ax, name, tile in zip(axes, names, tiles, strict=False):
        ax.imshow(_mosaic(tile), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        ax.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=10)
        ax.set_xticks([])
        ax.set_yticks([])
    gap = " " if abreast > 1 else "\n"
    figure.suptitle(f"Generated (upper rows), and{gap}the nearest training image (lower rows)", fontsize=11)
    return figure


@dataclass(frozen=True, eq=False)
class ImageExhibits:
    """Implements `ganaug.evaluation.report.Exhibits` for images.

    Attributes
    ----------
    synthetic, train : array of images
    labels : ndarray of shape (n_synthetic,) or None
    worst : list of (label, coverage of it)
        The classes that are covered the least.
    """

    synthetic: Any
    labels: NDArray[Any] | None
    train: Any
    worst: list[tuple[Any, float]]

    def words(self) -> list[str]:
        """Lines for the summary."""
        if not self.worst:
            return []
        told = [f"{label} ({100 * share:.0f} %)" for label, share in self.worst]
        return [f"Classes that are covered the least: {', '.join(told)}."]

    def draw(self, **options: Any) -> Figure:
        """The picture of `neighbour_grid`."""
        return neighbour_grid(self.synthetic, self.labels, self.train, **options)

    def sections(self) -> list[Section]:
        """The images themselves: a grid by class, and the pairs that look most like copies."""
        grid = Card(
            "By class",
            _figure_as_html(self.draw(), "generated images by class over their nearest training images"),
            "Each generated image, and below it the training image that is nearest in pixels.",
        )
        pairs = Card(
            "Nearest to a training image",
            _nearest_pairs(self.synthetic, self.train),
            "Of all generated images, those that lie nearest to a training image, which is below.",
        )
        lead = " ".join(self.words())
        return [Section("The images, and their nearest training images", lead, [grid, pairs], kind="wide")]


def _nearest_pairs(synthetic: Any, train: Any, *, n_pairs: int = 8) -> str:
    """The generated images that lie nearest to a training image, above it, as a picture in HTML."""
    reader = ImageReader.of(train)
    order, found = nearest_training_images(synthetic, train, n_shown=n_pairs)
    tile = np.stack([_shown(synthetic, order, reader), _shown(train, found, reader)])
    return _as_html(_mosaic(tile), "generated images over their nearest training images")


def _figure_as_html(figure: Figure, words: str) -> str:
    """A figure as a tag that holds all of it."""
    held = io.BytesIO()
    figure.savefig(held, format="png", dpi=90)
    return _tag(held.getvalue(), words, "width:100%")


def _as_html(mosaic: NDArray[np.float32], words: str) -> str:
    """An image (h, w) or (h, w, 3) in 0 to 1 as a tag that holds all of it, enlarged without a blur."""
    from matplotlib.image import imsave

    held = io.BytesIO()
    imsave(held, mosaic, cmap="gray", vmin=0, vmax=1, format="png")
    return _tag(held.getvalue(), words, "width:100%;image-rendering:pixelated")


def _tag(png: bytes, words: str, style: str) -> str:
    code = base64.b64encode(png).decode("ascii")
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
