"""Options of the convolutional generator, and its shape for images of a given size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from sklearn.base import BaseEstimator

from ganaug._util.parameters import check_choice, check_parameter

ARCHITECTURES = ("lite", "full")
_LARGEST_LITE = 32  # pixels a side
_SMALLEST_SIDE = 4  # of what an image begins as, the largest being a pixel less than twice that
_BYTES_KEPT = 100  # for each number that a stage holds
_MOST_CHANNELS = {"lite": 256, "full": 768}


class ConvNet(BaseEstimator):
    """Options of the generator of images, and of its discriminator.

    Parameters
    ----------
    architecture : {"auto", "lite", "full"}, default="auto"
        "lite" is plain convolutions, for images up to 32 pixels a side on a CPU; "full" is residual stages of
        grouped convolutions, for a GPU. "auto" is "lite" unless there is a GPU and the images are larger.
    base_channels : int or "auto", default="auto"
        Channels at full size; they double with every halving of the size. "auto" is 16 at 8 pixels, 8 above
        that: what learns most in a core's time. On a GPU it is four times that.
    latent_units : int, default=64
        Numbers that an image is made from.
    weight_decay : float, default=0.0
        Decoupled decay of the weights, per unit of learning rate.

    Examples
    --------
    >>> from ganaug import ConvNet, GANSynthesizer
    >>> GANSynthesizer(generator=ConvNet(base_channels=8)).get_params()["generator__base_channels"]
    8
    """

    name: ClassVar[str] = "convnet"

    def __init__(
        self,
        *,
        architecture: str = "auto",
        base_channels: int | str = "auto",
        latent_units: int = 64,
        weight_decay: float = 0.0,
    ) -> None:
        self.architecture = architecture
        self.base_channels = base_channels
        self.latent_units = latent_units
        self.weight_decay = weight_decay

    def check(self) -> None:
        """Raise an error that names the first option whose type or value is wrong."""
        check_choice("generator's architecture", self.architecture, ("auto", *ARCHITECTURES))
        if self.base_channels != "auto":
            check_parameter("generator's base_channels", self.base_channels, int, minimum=1, maximum=4096)
        check_parameter("generator's latent_units", self.latent_units, int, minimum=1, maximum=65_536)
        check_parameter("generator's weight_decay", self.weight_decay, float, minimum=0.0)

    def settle(self, size: tuple[int, int, int], *, has_gpu: bool) -> ConvNet:
        """The same with what "auto" is for images of this size (height, width, channels) in its place."""
        side = max(size[:2])
        architecture, channels = self.architecture, self.base_channels
        if architecture == "auto":
            architecture = "full" if has_gpu and side > _LARGEST_LITE else "lite"
        if isinstance(channels, str):
            channels = (16 if side <= 10 else 8) * (4 if has_gpu else 1)
        return ConvNet(
            architecture=architecture,
            base_channels=int(channels),
            latent_units=self.latent_units,
            weight_decay=self.weight_decay,
        )


@dataclass(frozen=True)
class Shape:
    """Sizes and widths of the stages of both networks.

    Parameters
    ----------
    base : pair of int
        Height and width that an image begins as.
    widths : tuple of int
        Channels of each stage, that of the base first; each next one is twice as large a side.
    n_channels : int
        Of the images.
    n_classes : int
        0 without labels.
    latent_units : int
    """

    base: tuple[int, int]
    widths: tuple[int, ...]
    n_channels: int
    n_classes: int
    latent_units: int

    @property
    def canvas(self) -> tuple[int, int]:
        """Height and width that the networks work at: those of the images, or a little more."""
        factor = 2 ** (len(self.widths) - 1)
        return (self.base[0] * factor, self.base[1] * factor)

    @property
    def step_bytes(self) -> int:
        """Memory that a step takes for each image, roughly: what both networks keep for their gradients."""
        sides = (self.base[0] * self.base[1] * 4**octave for octave in range(len(self.widths)))
        kept = sum(width * side for width, side in zip(self.widths, sides, strict=True))
        return _BYTES_KEPT * (kept + self.n_channels * self.canvas[0] * self.canvas[1])

    @classmethod
    def of(cls, size: tuple[int, int, int], n_classes: int, options: ConvNet) -> Shape:
        """What suits images of this size (height, width, channels)."""
        height, width, n_channels = size
        n_octaves = max(0, math.floor(math.log2(max(height, width) / _SMALLEST_SIDE)))
        factor = 2**n_octaves
        base = (-(-height // factor), -(-width // factor))
        most = _MOST_CHANNELS[options.architecture]
        own = int(options.base_channels)
        widths = tuple(max(own, min(own * 2**octave, most)) for octave in range(n_octaves, -1, -1))
        return cls(base, widths, n_channels, n_classes, options.latent_units)
