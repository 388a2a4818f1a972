"""Small networks for small images: plain convolutions, no normalisation.

Shape
-----
Generator: latent (n, latent_units), labels (n,) -> images (n, c, h, w), not clipped.
Discriminator: images (n, c, h, w), labels (n,) -> logits (n,).

References
----------
Huang et al., The GAN is dead; long live the GAN! A Modern Baseline GAN, NeurIPS 2024 (no normalisation,
residual branches that begin at zero).
Miyato, Koyama: cGANs with Projection Discriminator, ICLR 2018 (how a class enters).
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.image.convnet import Shape

SLOPE = 0.2


class Residual(nn.Module):
    """x + outer(leaky(inner(leaky(x)))); at first it changes nothing.

    Parameters
    ----------
    channels : int
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.inner = convolution(channels, channels, 3)
        self.outer = convolution(channels, channels, 3, gain=0.0)

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        step: Tensor = self.outer(leaky(self.inner(leaky(x))))
        return x + step


class Conditional(nn.Module):
    """A network that may be told a class; how much the class counts can change while it learns.

    Parameters
    ----------
    shape : Shape
    """

    condition_share: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("condition_share", torch.ones((), device="cpu"), persistent=False)

    def decayed_parameters(self) -> list[nn.Parameter]:
        """Weights of matrices and convolutions."""
        return [p for p in self.parameters() if p.dim() > 1]


class LiteGenerator(Conditional):
    """Latent and class to image.

    Parameters
    ----------
    shape : Shape
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        units = shape.latent_units
        self.embedding = nn.Embedding(shape.n_classes, units) if shape.n_classes else None
        first = shape.widths[0]
        self.input = linear(units * (2 if shape.n_classes else 1), first * shape.base[0] * shape.base[1])
        self.residual = Residual(first)
        self.stages = nn.ModuleList([convolution(wide, narrow, 3) for wide, narrow in pairwise(shape.widths)])
        self.output = convolution(shape.widths[-1], shape.n_channels, 3, slope=1.0)

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images on the canvas."""
        if self.embedding is not None:
            latent = torch.cat([latent, self.condition_share * self.embedding(labels)], dim=1)
        x = self.input(latent).view(-1, self.shape.widths[0], *self.shape.base)
        x = x.contiguous(memory_format=torch.channels_last)  # which processors convolve faster
        x = leaky(self.residual(x))
        for stage in self.stages:
            x = leaky(stage(F.interpolate(x, scale_factor=2.0, mode="nearest")))
        images: Tensor = self.output(x)
        return images


class LiteDiscriminator(Conditional):
    """Image and class to the log-odds of being real.

    Parameters
    ----------
    shape : Shape
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        widths = shape.widths[::-1]
        self.input = convolution(shape.n_channels, widths[0], 3)
        stages = [convolution(narrow, wide, 4, stride=2) for narrow, wide in pairwise(widths)]
        self.stages = nn.ModuleList(stages)
        self.residual = Residual(widths[-1])
        self.head = Head(shape)

    def features(self, images: Tensor) -> Tensor:
        """What is seen in an image before its class is known, (n, n_features)."""
        x = leaky(self.input(images.contiguous(memory_format=torch.channels_last)))
        for stage in self.stages:
            x = leaky(stage(x))
        seen: Tensor = self.head.features(leaky(self.residual(x)))
        return seen

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Logits (n,)."""
        return self.head(self.features(images), labels, self.condition_share)  # type: ignore[no-any-return]


class Head(nn.Module):
    """What a discriminator ends in: features, and their product with a vector for each class.

    Parameters
    ----------
    shape : Shape
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        first = shape.widths[0]
        self.n_features = 2 * first
        self.linear = linear(first * shape.base[0] * shape.base[1], self.n_features)
        self.direction = nn.Parameter(torch.randn(self.n_features))
        self.embedding = nn.Embedding(shape.n_classes, self.n_features) if shape.n_classes else None

    def features(self, x: Tensor) -> Tensor:
        """Features (n, n_features) of the smallest stage (n, channels, h, w)."""
        seen: Tensor = self.linear(x.flatten(start_dim=1))
        return seen

    def forward(self, seen: Tensor, labels: Tensor | None, share: Tensor) -> Tensor:
        """Logits (n,) of features, for a class where there is one."""
        direction = self.direction
        if self.embedding is not None and labels is not None:
            direction = direction + share * self.embedding(labels)
        return (seen * direction).sum(dim=1) / math.sqrt(self.n_features)


def leaky(x: Tensor) -> Tensor:
    """The activation of all networks here."""
    return F.leaky_relu(x, SLOPE)


def convolution(
    n_in: int,
    n_out: int,
    kernel: int,
    *,
    stride: int = 1,
    groups: int = 1,
    gain: float = 1.0,
    slope: float = SLOPE,
) -> nn.Conv2d:
    """Convolution that keeps the size, or halves it, and the variance of what comes after a `leaky`."""
    layer = nn.Conv2d(n_in, n_out, kernel, stride, padding=1 if kernel > 1 else 0, groups=groups)
    _scale(layer, gain, slope)
    return layer


def linear(n_in: int, n_out: int) -> nn.Linear:
    """Linear layer that keeps the variance."""
    layer = nn.Linear(n_in, n_out)
    _scale(layer, 1.0, 1.0)
    return layer


@torch.no_grad()
def _scale(layer: nn.Conv2d | nn.Linear, gain: float, slope: float) -> None:
    nn.init.kaiming_normal_(layer.weight, a=slope)
    layer.weight.mul_(gain)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
