"""Penalties: closed forms for linear and quadratic discriminators, at any shape."""

from __future__ import annotations

import pytest
import torch

from ganaug.losses.penalties import PENALTIES, r1, r2, squared_gradient_norm, wgan_gp

SHAPES = [(4,), (2, 3), (1, 4, 5)]


def rng():
    return torch.Generator().manual_seed(0)


def linear(shape):
    weight = torch.randn(*shape, generator=rng())
    return weight, lambda x: (x * weight).flatten(start_dim=1).sum(dim=1)


@pytest.mark.parametrize("shape", SHAPES)
def test_penalty_of_linear_discriminator_is_squared_weight_norm(shape):
    weight, discriminator = linear(shape)
    real, fake = torch.randn(2, 6, *shape, generator=rng())
    norm = weight.square().sum()
    torch.testing.assert_close(r1(discriminator, real, fake, rng()), norm.expand(6))
    torch.testing.assert_close(r2(discriminator, real, fake, rng()), norm.expand(6))
    torch.testing.assert_close(
        wgan_gp(discriminator, real, fake, rng()), (norm.sqrt() - 1).square().expand(6)
    )


def half_square(x):
    return 0.5 * x.square().sum(dim=1)  # its gradient at x is x


def test_r1_looks_at_real_and_r2_at_generated_samples():
    real, fake = torch.tensor([[3.0, 4.0]]), torch.tensor([[0.0, 2.0]])
    assert r1(half_square, real, fake, rng()).item() == 25
    assert r2(half_square, real, fake, rng()).item() == 4


def test_wgan_gp_looks_between_the_two():
    real, fake = torch.zeros(500, 1), torch.full((500, 1), 2.0)
    penalty = wgan_gp(half_square, real, fake, rng())  # (x - 1)^2 for x uniform in [0, 2]
    assert penalty.mean().item() == pytest.approx(1 / 3, abs=0.05)
    assert 0 <= penalty.min() < 0.01
    assert 0.9 < penalty.max() <= 1


def test_each_sample_has_its_own_gradient():
    x = torch.tensor([[1.0, 0.0], [0.0, 3.0]])
    assert squared_gradient_norm(half_square, x).tolist() == [1, 9]


@pytest.mark.parametrize("name", PENALTIES)
def test_penalties_reach_the_weights_and_not_the_samples(name):
    weight = torch.tensor([2.0], requires_grad=True)
    real, fake = (torch.ones(3, 1, requires_grad=True) for _ in range(2))
    PENALTIES[name](lambda x: (x * weight)[:, 0], real, fake, rng()).mean().backward()
    slope = 2.0 if name == "wgan_gp" else 4.0  # of (w - 1)^2 and of w^2, at 2
    assert weight.grad.item() == pytest.approx(slope)
    assert real.grad is None
    assert fake.grad is None


def test_wgan_gp_has_a_gradient_where_the_discriminator_is_flat():
    weight = torch.zeros(1, requires_grad=True)
    wgan_gp(lambda x: (x * weight)[:, 0], torch.ones(2, 1), torch.ones(2, 1), rng()).mean().backward()
    assert torch.isfinite(weight.grad).all()
