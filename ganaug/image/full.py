"""Larger networks for larger images, on a GPU: residual stages with grouped convolutions, no normalisation.

Shape
-----
Generator: latent (n, latent_units), labels (n,) -> images (n, c, h, w), not clipped.
Discriminator: images (n, c, h, w), labels (n,) -> logits (n,).

On a GPU the stages larger than the smallest compute in bfloat16; their weights stay in single precision.

References
----------
Huang et al., The GAN is dead; long live the GAN! A Modern Baseline GAN, NeurIPS 2024 (the stages: expand, a
grouped convolution, back; resampling that doesn't alias; a learned basis at the smallest size).
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.image.convnet import Shape
from ganaug.image.lite import Conditional, Head, convolution, leaky, linear

_EXPANSION = 2
_GROUP_CHANNELS = 16
_N_BLOCKS = 2  # of a stage


class Block(nn.Module):
    """x + back(leaky(grouped(leaky(expand(x))))); at first it changes nothing.

    Parameters
    ----------
    channels : int
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = _EXPANSION * channels
        n_groups = inner // _GROUP_CHANNELS if inner % _GROUP_CHANNELS == 0 else 1
        self.expand = convolution(channels, inner, 1)
        self.grouped = convolution(inner, inner, 3, groups=n_groups)
        self.back = convolution(inner, channels, 1, gain=0.0)

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        step: Tensor = self.back(leaky(self.grouped(leaky(self.expand(x)))))
        return x + step


def stage(channels: int) -> nn.Sequential:
    """Blocks at one size."""
    return nn.Sequential(*(Block(channels) for _ in range(_N_BLOCKS)))


class FullGenerator(Conditional):
    """Latent and class to image.

    Parameters
    ----------
    shape : Shape
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        units, first = shape.latent_units, shape.widths[0]
        self.embedding = nn.Embedding(shape.n_classes, units) if shape.n_classes else None
        self.input = linear(units * (2 if shape.n_classes else 1), first)
        self.basis = nn.Parameter(torch.randn(first, *shape.base))
        self.stages = nn.ModuleList([stage(width) for width in shape.widths])
        steps = [convolution(wide, narrow, 1, slope=1.0) for wide, narrow in pairwise(shape.widths)]
        self.steps = nn.ModuleList(steps)
        self.output = convolution(shape.widths[-1], shape.n_channels, 1, slope=1.0)

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images on the canvas."""
        if self.embedding is not None:
            latent = torch.cat([latent, self.condition_share * self.embedding(labels)], dim=1)
        x = self.stages[0](self.input(latent)[:, :, None, None] * self.basis)
        with half_precision(x):
            for step, blocks in zip(self.steps, self.stages[1:], strict=True):
                x = blocks(blur(F.interpolate(step(x), scale_factor=2.0, mode="nearest")))
            images: Tensor = self.output(x)
        return images.float() if images.dtype == torch.bfloat16 else images


class FullDiscriminator(Conditional):
    """Image and class to the log-odds of being real.

    Parameters
    ----------
    shape : Shape
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        widths = shape.widths[::-1]
        self.input = convolution(shape.n_channels, widths[0], 1, slope=1.0)
        self.stages = nn.ModuleList([stage(width) for width in widths])
        steps = [convolution(narrow, wide, 1, slope=1.0) for narrow, wide in pairwise(widths)]
        self.steps = nn.ModuleList(steps)
        self.head = Head(shape)

    def features(self, images: Tensor) -> Tensor:
        """What is seen in an image before its class is known, (n, n_features)."""
        with half_precision(images):
            x = self.input(images)
            for step, blocks in zip(self.steps, self.stages, strict=False):
                x = step(F.avg_pool2d(blur(blocks(x)), 2))
        seen: Tensor = self.head.features(leaky(self.stages[-1](x.to(images.dtype))))
        return seen

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Logits (n,)."""
        return self.head(self.features(images), labels, self.condition_share)  # type: ignore[no-any-return]


def blur(x: Tensor) -> Tensor:
    """Each pixel mixed with its neighbours, 1 : 2 : 1 along both sides; the edge is continued."""
    edged = F.pad(x, (1, 1, 1, 1), mode="replicate")
    return F.avg_pool2d(F.avg_pool2d(edged, 2, stride=1), 2, stride=1)


def half_precision(x: Tensor) -> AbstractContextManager[object]:
    """Convolutions in bfloat16 on a GPU; elsewhere as they are."""
    return torch.autocast(x.device.type, torch.bfloat16, enabled=x.device.type == "cuda")
