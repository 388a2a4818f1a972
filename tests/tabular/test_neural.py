"""The neural discriminator: shapes, what it can tell, and where its gradients go."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ganaug.losses.penalties import r1
from ganaug.tabular.columns.base import CategoryField
from ganaug.tabular.neural import NeuralDiscriminator
from ganaug.tabular.relaxed import Relaxation
from tests.tabular.test_relaxed import FIELDS, number_field, random_codes, rng


def build(fields=FIELDS, n_labels=0, units=16):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return NeuralDiscriminator(fields, n_labels, units, 1)


@pytest.mark.parametrize("fields", [FIELDS, FIELDS[:1], FIELDS[1:2]], ids=["both", "categories", "numbers"])
def test_a_logit_per_row_each_of_its_own(fields):
    rows = Relaxation(fields).relax(random_codes(20, fields), rng())
    discriminator = build(fields)
    logits = discriminator(rows)
    assert logits.shape == (20,)
    torch.testing.assert_close(discriminator(rows[3:5]), logits[3:5])


def test_labels_count():
    rows = Relaxation(FIELDS).relax(random_codes(20), rng())
    discriminator = build(n_labels=2)
    first, second = (discriminator(rows, torch.full((20,), label)) for label in (0, 1))
    assert not torch.allclose(first, second)


def test_a_penalty_reaches_every_weight_of_a_column():
    discriminator = build()
    rows = Relaxation(FIELDS).relax(random_codes(20), rng())
    r1(discriminator, rows, rows, rng()).mean().backward()
    assert discriminator.embedding.weight.grad.abs().sum() > 0
    assert discriminator.curves.weight.grad.abs().sum() > 0


def test_it_learns_a_dependence_that_no_column_shows_alone():
    fields = (CategoryField(2, np.ones(2)), number_field(40))
    space, discriminator = Relaxation(fields), build((CategoryField(2, np.ones(2)), number_field(40)))
    optimiser = torch.optim.Adam(discriminator.parameters(), lr=0.01)
    random = np.random.default_rng(0)
    cell = random.integers(40, size=2000)
    real = torch.tensor(np.column_stack([cell >= 20, cell]).astype(np.int64))
    fake = torch.tensor(np.column_stack([random.permutation(cell >= 20), cell]).astype(np.int64))
    generator = rng()
    for _ in range(60):
        x, z = space.relax(real, generator), space.relax(fake, generator)
        loss = F.softplus(discriminator(z) - discriminator(x)).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        told = discriminator(space.relax(real, generator)) > discriminator(space.relax(fake, generator))
    assert told.float().mean() > 0.7  # half of the fake rows are as real ones
