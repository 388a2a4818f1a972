"""What keeps a discriminator smooth: the norm of its gradient, at real samples, generated ones, or between.

Each penalty takes (discriminator, real, fake, generator), the samples of any shape (n_samples, ...), and
gives one number per sample, shape (n_samples,).

References
----------
R1, R2 : Mescheder, Geiger, Nowozin: Which Training Methods for GANs do actually Converge?, ICML 2018,
equations 9 and 10.
WGAN-GP : Gulrajani et al., Improved Training of Wasserstein GANs, NeurIPS 2017, equation 3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

Discriminator: TypeAlias = Callable[[Tensor], Tensor]
Penalty: TypeAlias = Callable[[Discriminator, Tensor, Tensor, torch.Generator], Tensor]


def squared_gradient_norm(discriminator: Discriminator, x: Tensor) -> Tensor:
    """Squared norm of the logits' gradient at ``x``, shape (n_samples,); it can be differentiated again.

    Parameters
    ----------
    discriminator : callable
        (n_samples, ...) -> logits (n_samples,), each of its own sample alone.
    x : tensor of shape (n_samples, ...)
    """
    x = x.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    return gradient.flatten(start_dim=1).square().sum(dim=1)


def r1(discriminator: Discriminator, real: Tensor, fake: Tensor, generator: torch.Generator) -> Tensor:
    """Squared gradient norm at real samples."""
    return squared_gradient_norm(discriminator, real)


def r2(discriminator: Discriminator, real: Tensor, fake: Tensor, generator: torch.Generator) -> Tensor:
    """Squared gradient norm at generated samples."""
    return squared_gradient_norm(discriminator, fake)


def wgan_gp(discriminator: Discriminator, real: Tensor, fake: Tensor, generator: torch.Generator) -> Tensor:
    """Squared distance of the gradient norm from 1, at random places between real and generated samples."""
    shape = (len(real), *[1] * (real.dim() - 1))
    share = torch.rand(shape, generator=generator, device=real.device, dtype=real.dtype)
    squared = squared_gradient_norm(discriminator, torch.lerp(real.detach(), fake.detach(), share))
    return ((squared + 1e-12).sqrt() - 1).square()  # a root has no gradient at zero


PENALTIES: dict[str, Penalty] = {"r1": r1, "r2": r2, "wgan_gp": wgan_gp}
