"""Both sides of each game: values that are known in closed form, and which way each side pulls."""

from __future__ import annotations

import math

import pytest
import torch

from ganaug.losses import LOSSES, AdversarialLoss, resolve_loss

ZERO = torch.zeros(3)
LOGITS = torch.tensor([-2.0, -0.3, 0.0, 0.4, 1.7])


@pytest.mark.parametrize("name", LOSSES)
def test_one_number_per_sample(name):
    for side in (LOSSES[name].discriminator, LOSSES[name].generator):
        assert side(LOGITS, LOGITS.flip(0)).shape == LOGITS.shape


@pytest.mark.parametrize(
    ("name", "discriminator", "generator"),
    [
        ("minimax", 2 * math.log(2), -math.log(2)),
        ("non_saturating", 2 * math.log(2), math.log(2)),
        ("least_squares", 0.5, 0.5),
        ("wasserstein", 0.0, 0.0),
        ("hinge", 2.0, 0.0),
        ("relativistic", math.log(2), math.log(2)),
    ],
)
def test_values_where_the_discriminator_knows_nothing(name, discriminator, generator):
    loss = LOSSES[name]
    torch.testing.assert_close(loss.discriminator(ZERO, ZERO), torch.full((3,), discriminator))
    torch.testing.assert_close(loss.generator(ZERO, ZERO), torch.full((3,), generator))


def test_minimax_at_the_optimal_discriminator_is_the_jensen_shannon_divergence():
    p, q = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.1, 0.3, 0.6])
    logits = torch.log(p / q)
    loss = LOSSES["minimax"].discriminator
    expected = (p * loss(logits, ZERO) + q * loss(ZERO, logits)).sum() - 2 * math.log(2)
    middle = (p + q) / 2
    divergence = (p * torch.log(p / middle) + q * torch.log(q / middle)).sum() / 2
    torch.testing.assert_close(expected, 2 * math.log(2) - 2 * divergence)


@pytest.mark.parametrize("name", LOSSES)
def test_each_side_pulls_its_own_way(name):
    real, fake = (LOGITS.clone().requires_grad_(True) for _ in range(2))
    LOSSES[name].discriminator(real, fake).sum().backward()
    inside = (real > -1) & (real < 1)  # beyond it the hinge may be satisfied, and squares turn round
    assert (real.grad[inside] < 0).all()
    assert (fake.grad[(fake > 0)] > 0).all()
    fake.grad = None
    LOSSES[name].generator(real.detach(), fake).sum().backward()
    assert (fake.grad[fake < 1] < 0).all()


def test_minimax_is_a_game_of_zero_sum_and_non_saturating_has_the_steeper_slope():
    fake = torch.tensor([-8.0], requires_grad=True)
    slopes = [
        torch.autograd.grad(LOSSES[name].generator(fake, fake).sum(), fake)[0].item()
        for name in ("minimax", "non_saturating")
    ]
    assert slopes[0] == pytest.approx(-1 / (1 + math.exp(8)), rel=1e-4)
    assert slopes[1] == pytest.approx(-1 / (1 + math.exp(-8)), rel=1e-4)


def test_relativistic_sides_mirror_each_other_and_depend_on_differences_only():
    loss = LOSSES["relativistic"]
    other = LOGITS.flip(0)
    torch.testing.assert_close(loss.discriminator(LOGITS, other), loss.generator(other, LOGITS))
    torch.testing.assert_close(loss.discriminator(LOGITS + 5, other + 5), loss.discriminator(LOGITS, other))


def test_hinge_is_content_beyond_the_margin():
    far = torch.tensor([1.5, 3.0])
    torch.testing.assert_close(LOSSES["hinge"].discriminator(far, -far), torch.zeros(2))


@pytest.mark.parametrize("name", ["minimax", "non_saturating", "relativistic"])
def test_extreme_logits_stay_finite(name):
    far = torch.tensor([1e4, -1e4])
    for side in (LOSSES[name].discriminator, LOSSES[name].generator):
        assert torch.isfinite(side(far, -far)).all()


def test_a_pair_of_functions_is_taken_without_a_penalty():
    pair = (lambda real, fake: fake - real, lambda real, fake: real - fake)
    loss = resolve_loss(pair)
    assert (loss.discriminator, loss.generator) == pair
    assert loss.penalties == {}


def test_what_is_taken_by_name_or_ready_made_is_itself():
    assert resolve_loss("hinge") is LOSSES["hinge"]
    assert resolve_loss(LOSSES["minimax"]) is LOSSES["minimax"]


@pytest.mark.parametrize(
    ("loss", "error", "message"),
    [
        ("hing", ValueError, "'relativistic'.*got 'hing'"),
        (abs, TypeError, "pair of functions"),
        ((abs,), TypeError, "pair of functions"),
        ((abs, 1), TypeError, "pair of functions"),
        (None, TypeError, "got None"),
        (AdversarialLoss(abs, abs, {"r3": 1.0}), ValueError, "wgan_gp; got 'r3'"),
    ],
)
def test_wrong_losses_are_named(loss, error, message):
    with pytest.raises(error, match=message):
        resolve_loss(loss)
