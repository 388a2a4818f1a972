"""The GANs of the tutorials, as the tutorials have them, told the class: a plain one and DCGAN.

Both minimise cross-entropy with Adam at 2e-4 and beta1 of .5, batches of 64; neither averages weights,
penalises or augments.

References
----------
Goodfellow et al., Generative Adversarial Nets, NeurIPS 2014 (layers of units).
Radford, Metz, Chintala: DCGAN, ICLR 2016 (transposed convolutions, batch norm, tanh).
Mirza, Osindero: Conditional Generative Adversarial Nets, 2014 (how the class enters).
"""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

N_LATENT, N_EMBEDDED, BATCH = 64, 16, 64


class Plain(nn.Module):
    """Layers of units: latent or pixels, and the class, in; pixels or a logit out."""

    def __init__(self, n_in: int, units: tuple[int, ...], n_out: int, n_classes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(n_classes, N_EMBEDDED)
        layers: list[nn.Module] = []
        width = n_in + N_EMBEDDED
        for wide in units:
            layers += [nn.Linear(width, wide), nn.LeakyReLU(0.2)]
            width = wide
        self.layers = nn.Sequential(*layers, nn.Linear(width, n_out))

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        out: Tensor = self.layers(torch.cat([x.flatten(start_dim=1), self.embedding(labels)], dim=1))
        return out


class Upward(nn.Module):
    """DCGAN's generator: every stage twice as large, batch norm between."""

    def __init__(
        self, base: tuple[int, int], widths: tuple[int, ...], n_channels: int, n_classes: int
    ) -> None:
        super().__init__()
        self.base, self.width = base, widths[0]
        self.embedding = nn.Embedding(n_classes, N_EMBEDDED)
        self.input = nn.Linear(N_LATENT + N_EMBEDDED, widths[0] * base[0] * base[1])
        stages: list[nn.Module] = [nn.BatchNorm2d(widths[0]), nn.ReLU()]
        for wide, narrow in pairwise(widths):
            stages += [nn.ConvTranspose2d(wide, narrow, 4, 2, 1), nn.BatchNorm2d(narrow), nn.ReLU()]
        self.stages = nn.Sequential(*stages, nn.ConvTranspose2d(widths[-1], n_channels, 4, 2, 1))

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        x = self.input(torch.cat([z, self.embedding(labels)], dim=1))
        out: Tensor = self.stages(x.view(-1, self.width, *self.base))
        return out


class Downward(nn.Module):
    """DCGAN's discriminator; the class is one channel more."""

    def __init__(
        self, size: tuple[int, int], widths: tuple[int, ...], n_channels: int, n_classes: int
    ) -> None:
        super().__init__()
        self.size = size
        self.embedding = nn.Embedding(n_classes, size[0] * size[1])
        layers: list[nn.Module] = [nn.Conv2d(n_channels + 1, widths[0], 4, 2, 1), nn.LeakyReLU(0.2)]
        for narrow, wide in pairwise(widths):
            layers += [nn.Conv2d(narrow, wide, 4, 2, 1), nn.BatchNorm2d(wide), nn.LeakyReLU(0.2)]
        factor = 2 ** len(widths)
        n_last = widths[-1] * (size[0] // factor) * (size[1] // factor)
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(n_last, 1))

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        told = self.embedding(labels).view(-1, 1, *self.size)
        out: Tensor = self.layers(torch.cat([x, told], dim=1))
        return out


def rival(
    name: str,
    images: NDArray[np.float32],
    codes: NDArray[np.int64],
    seed: int,
    *,
    n_steps: int | None = None,
    cpu_seconds: float | None = None,
) -> tuple[Any, int]:
    """Train one for so many steps, or until its time is up.

    Parameters
    ----------
    name : {"vanilla", "dcgan"}
    images : ndarray of shape (n, channels, height, width)
        In 0 to 1; height and width a multiple of 4, of 2 only below 16 pixels.
    codes : ndarray of shape (n,)
    seed : int
    n_steps : int, optional
    cpu_seconds : float, optional

    Returns
    -------
    draw : callable
        ``draw(codes)`` -> images (n, channels, height, width) in 0 to 1.
    n_steps : int
    """
    start, shape, n_classes = time.process_time(), images.shape[1:], int(codes.max()) + 1
    torch.manual_seed(seed)
    generator, discriminator = (_plain if name == "vanilla" else _dcgan)(shape, n_classes)
    players = [torch.optim.Adam(net.parameters(), 2e-4, (0.5, 0.999)) for net in (generator, discriminator)]
    data, labels, step = torch.from_numpy(2 * images - 1), torch.from_numpy(codes), 0
    while step != n_steps and (cpu_seconds is None or time.process_time() - start < cpu_seconds):
        chosen = torch.randint(len(data), (BATCH,))
        _step(generator, discriminator, players, data[chosen], labels[chosen])
        step += 1

    def draw(asked: NDArray[np.int64]) -> NDArray[np.float32]:
        generator.eval()
        with torch.no_grad():
            made = torch.tanh(generator(torch.randn(len(asked), N_LATENT), torch.from_numpy(asked)))
        drawn: NDArray[np.float32] = made.view(-1, *shape).add(1).div(2).numpy()
        return drawn

    return draw, step


def _step(generator: Any, discriminator: Any, players: list[Any], real: Tensor, labels: Tensor) -> None:
    fake = torch.tanh(generator(torch.randn(len(real), N_LATENT), labels)).view_as(real)
    loss = (
        F.softplus(-discriminator(real, labels)).mean()
        + F.softplus(discriminator(fake.detach(), labels)).mean()
    )
    players[1].zero_grad()
    loss.backward()
    players[1].step()
    players[0].zero_grad()
    F.softplus(-discriminator(fake, labels)).mean().backward()
    players[0].step()


def _plain(shape: tuple[int, ...], n_classes: int) -> tuple[nn.Module, nn.Module]:
    n_pixels = int(np.prod(shape))
    up = Plain(N_LATENT, (128, 256), n_pixels, n_classes)
    return up, Plain(n_pixels, (256, 128), 1, n_classes)


def _dcgan(shape: tuple[int, ...], n_classes: int) -> tuple[nn.Module, nn.Module]:
    n_channels, height, width = shape
    widths = (64,) if max(height, width) < 16 else (32, 64)
    factor = 2 ** len(widths)
    up = Upward((height // factor, width // factor), widths[::-1], n_channels, n_classes)
    return up, Downward((height, width), widths, n_channels, n_classes)
