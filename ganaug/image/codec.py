"""Pixels to numbers between -1 and 1 and back: the range is learned from the images, and restored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ganaug._util.store import Arrays, Header, array_of, header_bool, header_dict
from ganaug.exceptions import InvalidImageError, ModelFileError
from ganaug.image.reading import Layout, read_images

_CHUNK = 1024  # images that are looked at together


@dataclass(frozen=True)
class ImageCodec:
    """What images are made of.

    Codes are pixels, channels first and flat: of whole numbers over a range of at most 255 their distance
    from the channel's lowest, in a byte; of others their place in the channel's range, from -1 to 1.

    Parameters
    ----------
    layout : Layout
    is_whole : bool
        Whether all pixels are whole numbers, and stay so.
    low, high : array of shape (n_channels,)
        Range of each channel.
    background : array of shape (n_channels,)
        What is around an image: the median of its outermost pixels.
    """

    layout: Layout
    is_whole: bool
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    background: NDArray[np.float64]

    @classmethod
    def fit(cls, X: Any, image_shape: Any = None) -> ImageCodec:
        """Learn layout and range; an `InvalidImageError` for images that nothing can be learned from."""
        images, layout = read_images(X, image_shape)
        if len(images) < 2:
            raise InvalidImageError(f"At least two images are needed to learn from, got {len(images)}")
        n_channels = images.shape[3]
        low, high = np.full(n_channels, np.inf), np.full(n_channels, -np.inf)
        is_whole, varies = True, False
        for start in range(0, len(images), _CHUNK):
            part = images[start : start + _CHUNK]
            _refuse_non_finite(part, start)
            low = np.minimum(low, part.min(axis=(0, 1, 2)))
            high = np.maximum(high, part.max(axis=(0, 1, 2)))
            is_whole = is_whole and (part.dtype.kind in "biu" or bool((part == np.rint(part)).all()))
            varies = varies or bool((part != images[0]).any())
        if not (high > low).any():
            raise InvalidImageError(f"All pixels of all images have one value, got {float(low[0])!r}")
        with np.errstate(over="ignore"):
            if not np.isfinite(2 * (high - low)).all():
                raise InvalidImageError(
                    f"Pixels must be in a range that a number can hold, got {low} to {high}"
                )
        if not varies:
            raise InvalidImageError(
                f"All images are the same: nothing varies that could be learned, in {len(images)}"
            )
        edge = np.concatenate(
            [
                images[:_CHUNK, [0, -1]].reshape(-1, n_channels),
                images[:_CHUNK, :, [0, -1]].reshape(-1, n_channels),
            ]
        )
        return cls(layout, is_whole, low, high, np.median(edge, axis=0).astype(np.float64))

    @property
    def n_pixels(self) -> int:
        """Numbers in an image."""
        return int(np.prod(self.layout.image_shape))

    @property
    def in_bytes(self) -> bool:
        """Whether a byte holds a code."""
        return self.is_whole and float((self.high - self.low).max()) <= 255

    def encode(self, X: Any) -> NDArray[Any]:
        """Codes of shape (n, n_pixels), uint8 or float32."""
        is_flat = getattr(X, "ndim", 0) == 2
        images, layout = read_images(X, self.layout.image_shape if is_flat else None)
        if layout.size != self.layout.size or layout.channels_first != self.layout.channels_first:
            raise InvalidImageError(
                f"Images must be of the shape that they had in fit, {self.layout.image_shape}; got an array "
                f"of shape {(len(images), *layout.shape)}"
            )
        kind = np.uint8 if self.in_bytes else np.float32
        codes = np.empty((len(images), images.shape[3], *images.shape[1:3]), dtype=kind)
        for start in range(0, len(images), _CHUNK):
            part = images[start : start + _CHUNK]
            _refuse_non_finite(part, start)
            moved = np.moveaxis(part, 3, 1)
            moved = moved - self.low[:, None, None]
            if self.in_bytes:
                codes[start : start + _CHUNK] = np.clip(np.rint(moved), 0, 255)
            else:
                codes[start : start + _CHUNK] = moved * (2 / self.span)[:, None, None] - 1
        return codes.reshape(len(images), -1)

    def to_samples(self, codes: Tensor, canvas: tuple[int, int]) -> Tensor:
        """Codes (n, n_pixels) as what networks see, (n, c, *canvas): between -1 and 1, with a border."""
        h, w, c = self.layout.size
        images = codes.float().view(-1, c, h, w)
        if self.in_bytes:
            scale = torch.from_numpy((2 / self.span).astype(np.float32)).to(codes.device)
            images = images * scale.view(1, c, 1, 1) - 1
        if canvas == (h, w):
            return images
        top, left = (canvas[0] - h) // 2, (canvas[1] - w) // 2
        border = self.border.to(codes.device)
        inside = F.pad(images - border, (left, canvas[1] - w - left, top, canvas[0] - h - top))
        return inside + border

    @property
    def border(self) -> Tensor:
        """The background as networks see it, (c, 1, 1)."""
        edge = (self.background - self.low) * (2 / self.span) - 1
        return torch.from_numpy(edge.astype(np.float32)).view(-1, 1, 1)

    @property
    def span(self) -> NDArray[np.float64]:
        """Width of each channel's range; 1 where it has none."""
        return np.where(self.high > self.low, self.high - self.low, 1.0)

    def decode(self, samples: Tensor) -> Any:
        """What a generator makes, (n, c, *canvas), in what came in: cropped, clipped, whole where all was."""
        images = self.pixels(samples)
        if self.is_whole:
            images = np.rint(images)
        return self.layout.restore(images.astype(self.layout.dtype))

    def pixels(self, samples: Tensor) -> NDArray[np.float64]:
        """The same as numbers in their own range, (n, h, w, c)."""
        h, w, _ = self.layout.size
        top, left = (samples.shape[2] - h) // 2, (samples.shape[3] - w) // 2
        cropped = samples[:, :, top : top + h, left : left + w].clamp(-1, 1)
        scaled = np.moveaxis(cropped.detach().float().cpu().numpy(), 1, 3).astype(np.float64)
        images: NDArray[np.float64] = np.clip(self.low + (scaled + 1) * (self.span / 2), self.low, self.high)
        return images

    def to_state(self) -> tuple[Header, Arrays]:
        """A JSON-able header and arrays."""
        header = {"layout": self.layout.to_state(), "is_whole": self.is_whole}
        return header, {"low": self.low, "high": self.high, "background": self.background}

    @classmethod
    def from_state(cls, header: Header, arrays: Arrays) -> ImageCodec:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`."""
        layout = Layout.from_state(header_dict(header, "layout"))
        shape = (layout.size[2],)
        low, high, background = (
            array_of(arrays, name, "f", shape=shape, finite=True).astype(np.float64)
            for name in ("low", "high", "background")
        )
        if not (high >= low).all():
            raise ModelFileError("The range of the pixels in the file is broken.")
        if layout.dtype.kind != "f":
            info = np.iinfo(layout.dtype) if layout.dtype.kind in "iu" else np.iinfo(np.uint8)
            if low.min() < info.min or high.max() > info.max:
                raise ModelFileError(f"The range of the pixels in the file isn't that of {layout.dtype}.")
        return cls(layout, header_bool(header, "is_whole"), low, high, background)


def _refuse_non_finite(images: NDArray[Any], first: int) -> None:
    if images.dtype.kind == "f" and not np.isfinite(images).all():
        bad = int(np.flatnonzero(~np.isfinite(images).all(axis=(1, 2, 3)))[0])
        raise InvalidImageError(
            "Images must hold finite numbers; drop or mend those that have NaN or infinity. Got one at "
            f"{first + bad}"
        )
