"""Images side by side in one picture: to look at, while a generator learns and afterwards."""

from __future__ import annotations

import os
import struct
import time
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug._util.files import atomic_writer, check_output
from ganaug._util.parameters import check_parameter
from ganaug.image.reading import read_images
from ganaug.training.callbacks import Callback

__all__ = ["SampleGrid", "image_grid", "write_png"]

_GAP, _SMALLEST = 2, 32  # pixels between images; of a side, as it is shown
_MOST_ROWS = 10


def image_grid(images: Any, n_columns: int = 10, *, image_shape: Any = None) -> NDArray[np.uint8]:
    """Put images side by side.

    Parameters
    ----------
    images : array of shape (n, h, w), (n, h, w, c) or (n, c, h, w), or list of images
        Of any range, which becomes black to white. One channel or two show the first in grey, more the first
        three in colour.
    n_columns : int, default=10
    image_shape : tuple of int, optional
        Shape of an image, for flat rows.

    Returns
    -------
    ndarray of shape (height, width, 3), uint8
        Small images are enlarged.

    Examples
    --------
    >>> import numpy as np
    >>> image_grid(np.zeros((6, 8, 8)), n_columns=3).shape
    (66, 100, 3)
    """
    array, _ = read_images(images, image_shape)
    return _grid_of(array.astype(np.float64), n_columns)


def write_png(picture: NDArray[np.uint8], path: str | os.PathLike[str]) -> None:
    """Write a picture (height, width, 3) to a PNG file; it appears whole or not at all."""
    height, width, _ = picture.shape
    lines = np.zeros((height, 1 + 3 * width), dtype=np.uint8)  # each begins with a 0: not filtered
    lines[:, 1:] = picture.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes())), (b"IEND", b""))
    with atomic_writer(path) as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, data in chunks:
            check = zlib.crc32(kind + data)
            file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check))


class SampleGrid(Callback):
    """See what a generator of images makes while it learns: a picture that is written again and again.

    The images are always of the same latents and classes, a row for each of the first ten classes.

    Parameters
    ----------
    path : str or path-like
        Of the PNG file. With ``{step}`` in its name there is a file for each time.
    every_seconds : float, default=30
        Time between two pictures; one more is made at the end.
    n_columns : int, default=10

    Attributes
    ----------
    steps : list of int
        After which a picture was made.

    Examples
    --------
    >>> from ganaug import GANSynthesizer, SampleGrid
    >>> synthesizer = GANSynthesizer(callbacks=[SampleGrid("samples.png", every_seconds=10)])
    """

    def __init__(
        self, path: str | os.PathLike[str], every_seconds: float = 30.0, n_columns: int = 10
    ) -> None:
        self.path = path
        self.every_seconds = every_seconds
        self.n_columns = n_columns
        self.steps: list[int] = []
        self._made = 0.0

    def on_fit_begin(self, trainer: Any) -> None:
        """Check what can be checked before any work."""
        check_parameter("every_seconds", self.every_seconds, float, minimum=0.0)
        check_parameter("n_columns", self.n_columns, int, minimum=1, maximum=1000)
        if not hasattr(trainer, "draw_images"):
            raise TypeError(f"SampleGrid is for fits on images, not on tables; got {self.path!r} as its path")
        check_output(os.fspath(self.path).replace("{step}", "0"))
        self.steps = []
        self._made = time.monotonic()

    def on_step(self, trainer: Any) -> None:
        """Make a picture when it is time."""
        if time.monotonic() - self._made >= self.every_seconds:
            self._make(trainer)

    def on_fit_end(self, trainer: Any) -> None:
        """Make the last picture."""
        self._make(trainer)

    def _make(self, trainer: Any) -> None:
        n_rows = min(max(trainer.modality.n_classes, 1), _MOST_ROWS)
        images = trainer.draw_images(n_rows if n_rows > 1 else _MOST_ROWS // 2, self.n_columns)
        path = os.fspath(self.path).replace("{step}", f"{trainer.step:06}")
        write_png(_grid_of(images, self.n_columns), path)
        self.steps.append(trainer.step)
        self._made = time.monotonic()


def _grid_of(images: NDArray[np.float64], n_columns: int) -> NDArray[np.uint8]:
    """Images (n, h, w, c) of any range as a picture (height, width, 3)."""
    shown = images[..., :3] if images.shape[3] >= 3 else images[..., :1]
    low, high = shown.min(), shown.max()
    grey = np.rint((shown - low) * (255 / (high - low if high > low else 1.0))).astype(np.uint8)
    factor = max(1, _SMALLEST // max(grey.shape[1:3]))
    large = np.repeat(np.repeat(grey, factor, axis=1), factor, axis=2)
    n, h, w, c = large.shape
    n_rows = -(-n // n_columns)
    tiles = np.full((n_rows * n_columns, h + _GAP, w + _GAP, 3), 255, dtype=np.uint8)
    tiles[:n, :h, :w] = large if c == 3 else np.repeat(large, 3, axis=3)
    joined = tiles.reshape(n_rows, n_columns, h + _GAP, w + _GAP, 3).swapaxes(1, 2)
    return joined.reshape(n_rows * (h + _GAP), n_columns * (w + _GAP), 3)[:-_GAP, :-_GAP].copy()
