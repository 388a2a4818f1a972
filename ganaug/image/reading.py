"""Images as they come in, in any layout, as one array (n, height, width, channels); and back."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug._util.dtypes import numpy_dtype_from
from ganaug._util.store import Header, header_list, header_str
from ganaug.exceptions import InvalidImageError, ModelFileError

_CONTAINERS = ("array", "list", "pillow")
_LONGEST_SIDE = 65_536
_MODES = ("1", "L", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F")


@dataclass(frozen=True)
class Layout:
    """What images came in, so that others can be given back in the same.

    Parameters
    ----------
    container : {"array", "list", "pillow"}
        A list is of arrays, or of images of Pillow.
    shape : tuple of int
        Of one image as it is stored: (h, w), (h, w, c) or (c, h, w); for flat rows (h * w * c,).
    image_shape : tuple of int
        The same for an image that isn't flat.
    dtype : numpy.dtype
    mode : str, optional
        Pillow's name for the kind of image.
    """

    container: str
    shape: tuple[int, ...]
    image_shape: tuple[int, ...]
    dtype: np.dtype[Any]
    mode: str | None = None

    @property
    def channels_first(self) -> bool:
        """Whether the first of three axes, being shorter than the last, is that of the channels."""
        return len(self.image_shape) == 3 and self.image_shape[0] < self.image_shape[2]

    @property
    def size(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        if len(self.image_shape) == 2:
            return (self.image_shape[0], self.image_shape[1], 1)
        first, second, third = self.image_shape
        return (second, third, first) if self.channels_first else (first, second, third)

    def arrange(self, stored: NDArray[Any]) -> NDArray[Any]:
        """Arrays as they are stored, (n, *shape), as (n, h, w, c)."""
        images = stored.reshape(len(stored), *self.image_shape)
        if self.channels_first:
            return np.moveaxis(images, 1, 3)
        return images[..., None] if images.ndim == 3 else images

    def restore(self, images: NDArray[Any]) -> Any:
        """Images (n, h, w, c) in what came in."""
        stored = np.moveaxis(images, 3, 1) if self.channels_first else images
        stored = np.ascontiguousarray(stored).reshape(len(images), *self.shape).astype(self.dtype, copy=False)
        if self.container == "array":
            return stored
        if self.container == "list":
            return list(stored)
        from PIL import Image

        return [_to_pillow(Image, image, self.mode) for image in stored]

    def to_state(self) -> Header:
        """JSON-able description."""
        return {
            "container": self.container,
            "shape": list(self.shape),
            "image_shape": list(self.image_shape),
            "dtype": self.dtype.str,
            "mode": self.mode or "",
        }

    @classmethod
    def from_state(cls, header: Header) -> Layout:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`."""
        shape, image_shape = (tuple(header_list(header, key, of=int)) for key in ("shape", "image_shape"))
        good = len(image_shape) in (2, 3) and all(0 < side <= _LONGEST_SIDE for side in image_shape)
        if not good or shape not in (image_shape, (int(np.prod(image_shape)),)):
            raise ModelFileError(f"The shape of the images in the file is broken: {image_shape!r}")
        container = header_str(header, "container", choices=_CONTAINERS)
        mode = header_str(header, "mode", choices=("", *_MODES))
        if (container == "pillow") != bool(mode):
            raise ModelFileError("The description of the images' container in the file is broken.")
        dtype = numpy_dtype_from(header.get("dtype"), kinds="biuf")
        return cls(container, shape, image_shape, dtype, mode or None)


def are_images(X: Any, image_shape: Any) -> bool:
    """Whether this is meant as images: flat rows with ``image_shape``, an array of three axes or more, or a
    list of images."""
    if image_shape is not None:
        return True
    if isinstance(X, list | tuple) and len(X):
        return _is_pillow(X[0]) or (isinstance(X[0], np.ndarray) and X[0].ndim >= 2)
    return getattr(X, "ndim", 0) >= 3


def read_images(X: Any, image_shape: Any = None) -> tuple[NDArray[Any], Layout]:
    """Read images in any form that we accept.

    Parameters
    ----------
    X : array of shape (n, h, w), (n, h, w, c), (n, c, h, w) or (n, h * w * c), or list of images
        The channels' axis is the shorter of the first and the last, the last where they are equal.
    image_shape : tuple of int, optional
        Shape of an image, for flat rows.

    Returns
    -------
    images : array of shape (n, h, w, c)
        A view where that is possible.
    layout : Layout

    Raises
    ------
    InvalidImageError
        They are no images, or not all of one size.
    """
    if hasattr(X, "detach") and hasattr(X, "numpy"):
        raise TypeError("Tensors are not accepted: pass X.numpy(), an array of uint8 or float; got a Tensor")
    stored, container, mode = _stored(X)
    if stored.dtype.kind not in "biuf":
        raise InvalidImageError(f"Images must hold numbers, got an array of dtype {stored.dtype}")
    shape = stored.shape[1:]
    own = check_image_shape(image_shape, stored.shape)
    if not (stored.ndim == 2 and own is not None) and stored.ndim not in (3, 4):
        raise InvalidImageError(
            "Images must be an array (n, h, w), (n, h, w, c) or (n, c, h, w), or flat rows with "
            f"image_shape=; got an array of shape {stored.shape}"
        )
    layout = Layout(container, shape, own or shape, stored.dtype, mode)
    if 0 in stored.shape or max(layout.image_shape) > _LONGEST_SIDE:
        raise InvalidImageError(
            f"Images must have pixels, and at most {_LONGEST_SIDE} a side; got an array "
            f"of shape {stored.shape}"
        )
    return layout.arrange(stored), layout


def check_image_shape(image_shape: Any, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape of an image, where it is given; an error unless it goes with that of the array."""
    if image_shape is None:
        return None
    given = tuple(image_shape) if isinstance(image_shape, list | tuple) else ()
    whole = all(
        isinstance(side, int | np.integer) and not isinstance(side, bool) and side > 0 for side in given
    )
    if len(given) not in (2, 3) or not whole:
        raise ValueError(f"image_shape must be (h, w), (h, w, c) or (c, h, w), got {image_shape!r}")
    own = tuple(int(side) for side in given)
    if shape[1:] not in (own, (int(np.prod(own)),)):
        raise InvalidImageError(f"image_shape={own} doesn't go with an array of shape {shape}")
    return own


def _stored(X: Any) -> tuple[NDArray[Any], str, str | None]:
    """Images as one array, what they came in, and Pillow's mode."""
    if not isinstance(X, list | tuple):
        return np.asarray(X), "array", None
    if not len(X):
        raise InvalidImageError("Images are needed to learn from, got an empty list")
    is_pillow = [_is_pillow(image) for image in X]
    if any(is_pillow) and not all(is_pillow):
        raise InvalidImageError(f"All images must be of one kind, got {type(X[is_pillow.index(False)])!r}")
    kinds = {(image.size, image.mode) if is_pillow[0] else np.shape(image) for image in X}
    if len(kinds) > 1:
        first, second = sorted(map(str, kinds))[:2]
        raise InvalidImageError(
            f"All images must be of one size and kind; resize or pad them first. Got {first} and {second}"
        )
    if not is_pillow[0]:
        return np.stack([np.asarray(image) for image in X]), "list", None
    mode = X[0].mode
    if mode not in _MODES:
        raise InvalidImageError(
            f"Images of Pillow must be of a mode such as L or RGB: convert them; got {mode!r}"
        )
    return np.stack([np.asarray(image) for image in X]), "pillow", mode


def _is_pillow(image: Any) -> bool:
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(image, pillow.Image)


def _to_pillow(library: Any, image: NDArray[Any], mode: str | None) -> Any:
    if mode == "YCbCr" or mode == "CMYK":
        return library.frombytes(mode, (image.shape[1], image.shape[0]), image.tobytes())
    made = library.fromarray(image)
    return made if made.mode == mode else made.convert(mode)
