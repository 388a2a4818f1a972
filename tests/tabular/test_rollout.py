"""Rows are drawn from the distribution that the likelihood is of; what is known stays as it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from ganaug.tabular import rollout
from ganaug.tabular.cascade import Cascade
from ganaug.tabular.columns.base import CategoryField
from ganaug.tabular.prefix_sum import random_order
from ganaug.tabular.rollout import roll_out

FIELDS = tuple(CategoryField(n, np.ones(n)) for n in (2, 3, 5))
TINY = Cascade(hidden_units=8, context_units=16, embedding_units=4)
N_ROWS = 3_000  # several blocks, the last one short


def seeded(seed):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = TINY.build(FIELDS)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter += 0.3 * torch.randn_like(parameter)
    return network.eval()


def test_known_fields_are_kept_exactly_in_every_block(network):
    known = {
        0: torch.randint(2, (N_ROWS,), generator=seeded(1)).int(),
        2: torch.randint(5, (N_ROWS,), generator=seeded(2)).int(),
    }
    codes = roll_out(network, N_ROWS, seeded(0), known)
    assert codes.shape == (N_ROWS, 3)
    assert codes.dtype == torch.int32
    assert torch.equal(codes[:, 0], known[0])
    assert torch.equal(codes[:, 2], known[2])
    assert set(codes[:, 1].tolist()) == {0, 1, 2}


def test_everything_known_comes_back(network):
    known = {field: torch.arange(70).int() % FIELDS[field].n_codes for field in range(3)}
    codes = roll_out(network, 70, seeded(0), known)
    assert torch.equal(codes, torch.stack(list(known.values()), dim=1))


def test_same_seed_same_rows(network):
    first, second, other = (roll_out(network, N_ROWS, seeded(seed)) for seed in (5, 5, 6))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("n_rows", [1, 63, 64, 65, 2_048])
def test_any_number_of_rows(network, n_rows):
    codes = roll_out(network, n_rows, seeded(0))
    assert codes.shape == (n_rows, 3)
    assert (codes >= 0).all()
    assert (codes < torch.tensor([2, 3, 5])).all()


def test_draws_given_the_other_fields_follow_the_exact_probabilities(network):
    known = {0: torch.ones(N_ROWS, dtype=torch.int32), 2: torch.full((N_ROWS,), 3, dtype=torch.int32)}
    drawn = roll_out(network, N_ROWS, seeded(0), known)[:, 1].bincount(minlength=3).numpy()
    rows = torch.tensor([[1, code, 3] for code in range(3)])
    # the order in which field 1 comes last: its sum is that of the known ones
    for seed in range(100):
        order = random_order(3, 3, seeded(seed), shared=True)
        if (order.by_field.view(3, 3)[1] // 3 == 2).all():
            break
    each = [network.log_likelihood(rows, order, member=member)[:, 1].exp() for member in range(4)]
    exact = torch.stack(each).mean(dim=0).detach().double().numpy()
    assert exact.sum() == pytest.approx(1, abs=1e-5)
    assert chisquare(drawn, exact / exact.sum() * N_ROWS).pvalue > 1e-4


def test_a_learnt_joint_distribution_is_reproduced():
    joint = torch.tensor([[0.35, 0.05, 0.1], [0.0, 0.4, 0.1]])
    train = torch.multinomial(joint.flatten(), 2_000, replacement=True, generator=seeded(0))
    train = torch.stack([train // 3, train % 3], dim=1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = TINY.build(FIELDS[:2])
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.01, total_iters=200)
    generator = seeded(1)
    for _ in range(200):
        loss = -network.log_likelihood(train, random_order(2, 2_000, generator)).sum(dim=1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    codes = roll_out(network, 20_000, seeded(2)).long()
    shares = (codes[:, 0] * 3 + codes[:, 1]).bincount(minlength=6) / 20_000
    learnt = (train[:, 0] * 3 + train[:, 1]).bincount(minlength=6) / 2_000
    torch.testing.assert_close(shares, learnt, rtol=0, atol=0.02)
    assert shares[3] < 0.005  # the pair that never was


@pytest.mark.parametrize("known", [{}, {0: torch.arange(N_ROWS).int() % 2}, {1: torch.ones(N_ROWS).int()}])
def test_rows_that_share_a_sum_draw_what_each_would_by_itself(network, known, monkeypatch):
    shared = roll_out(network, N_ROWS, seeded(3), known)
    monkeypatch.setattr(rollout, "_FEW_SUMS", 0)  # no sum is shared
    alone = roll_out(network, N_ROWS, seeded(3), known)
    assert (shared == alone).all(dim=1).float().mean() > 0.999  # a uniform may fall on a rounded edge
