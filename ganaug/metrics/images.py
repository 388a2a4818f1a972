"""Images of any layout as one: what the measures of images start from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ganaug.exceptions import InvalidImageError

ImageArray = npt.NDArray[np.float32]

_MOST_CHANNELS = 16


@dataclass(frozen=True)
class ImageReader:
    """How the images of one set are laid out, so that those of others are read alike.

    Attributes
    ----------
    shape : tuple of int
        Of one image as it came.
    channels : {"none", "first", "last"}
    low, high : float
        Smallest and largest value of the set, which are read as 0 and 1.

    Examples
    --------
    >>> grey = np.arange(2 * 4 * 6).reshape(2, 4, 6)
    >>> reader = ImageReader.of(grey)
    >>> reader.read(grey).shape, reader.read(grey).max()
    ((2, 1, 4, 6), np.float32(1.0))
    """

    shape: tuple[int, ...]
    channels: str
    low: float
    high: float

    @classmethod
    def of(cls, images: Any) -> ImageReader:
        """Learn the layout and the range.

        Parameters
        ----------
        images : array of images, or list of images of one shape
            (n, height, width), (n, height, width, channels) or (n, channels, height, width). Of the first and
            the last axis of an image, the shorter one, of at most 16, is that of the channels; the last where
            they are equal.

        Raises
        ------
        InvalidImageError
            Another number of axes, no image, no axis that can be that of the channels, or values that are
            not finite.
        """
        array = _as_array(images)
        if array.ndim not in (3, 4) or not array.size:
            raise InvalidImageError(
                "Images must be an array (n, height, width), (n, height, width, channels) or "
                f"(n, channels, height, width) with one image at least; got the shape {array.shape}"
            )
        _check_finite(array)
        return cls(array.shape[1:], _layout(array.shape), float(array.min()), float(array.max()))

    def read(self, images: Any) -> ImageArray:
        """Images (n, channels, height, width) in float32, the set's range as 0 to 1.

        Raises
        ------
        InvalidImageError
            The images have another shape than those of the set, or values that are not finite.
        """
        array = _as_array(images)
        if array.shape[1:] != self.shape:
            raise InvalidImageError(
                f"Images must have one shape to be compared, that of the real ones, {self.shape}; "
                f"got {array.shape[1:]}"
            )
        _check_finite(array)
        scaled = (array.astype(np.float32) - np.float32(self.low)) / np.float32(self._width)
        if self.channels == "none":
            scaled = scaled[:, None]
        elif self.channels == "last":
            scaled = scaled.transpose(0, 3, 1, 2)
        return np.ascontiguousarray(scaled)

    @property
    def n_channels(self) -> int:
        """Channels of an image as `read` gives it."""
        return {"none": 1, "first": self.shape[0], "last": self.shape[-1]}[self.channels]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        height, width = {"first": self.shape[1:], "last": self.shape[:2], "none": self.shape}[self.channels]
        return height, width

    @property
    def _width(self) -> float:
        return self.high - self.low if self.high > self.low else 1.0


def flat_pixels(images: Any, reader: ImageReader) -> ImageArray:
    """Images as rows of pixels in 0 to 1, shape (n, channels x height x width)."""
    read = reader.read(images)
    return read.reshape(len(read), -1)


def some_of(
    n_samples: int, rows: npt.NDArray[Any], rng: np.random.Generator, *others: npt.NDArray[Any]
) -> list[npt.NDArray[Any]]:
    """At most so many of the rows, at random, and the same ones of what goes with them."""
    if len(rows) <= n_samples:
        return [rows, *others]
    chosen = np.sort(rng.choice(len(rows), n_samples, replace=False))
    return [part[chosen] for part in (rows, *others)]


def _as_array(images: Any) -> npt.NDArray[Any]:
    if isinstance(images, list | tuple):
        parts = [np.asarray(image) for image in images]
        shapes = {part.shape for part in parts}
        if len(shapes) > 1:
            raise InvalidImageError(f"Images must be of one shape to be compared; got {sorted(shapes)[:3]}")
        images = np.stack(parts) if parts else np.empty(0)
    array = np.asarray(images)
    if not (np.issubdtype(array.dtype, np.number) or array.dtype == bool):
        raise InvalidImageError(f"Images must be numbers; got the dtype {array.dtype}")
    return array


def _check_finite(array: npt.NDArray[Any]) -> None:
    if not np.isfinite(array).all():
        n_bad = int((~np.isfinite(array)).reshape(len(array), -1).any(axis=1).sum())
        raise InvalidImageError(f"Images must be finite; some hold NaN or infinity, {n_bad}")


def _layout(shape: tuple[int, ...]) -> str:
    if len(shape) == 3:
        return "none"
    first, last = shape[1], shape[3]
    if min(first, last) > _MOST_CHANNELS:
        raise InvalidImageError(
            f"Images must have at most {_MOST_CHANNELS} channels, on their first or last axis; got {shape}"
        )
    return "first" if first < last else "last"
