"""The sum over what comes before: equal to a plain loop, and so is its gradient."""

from __future__ import annotations

import pytest
import torch

from ganaug.tabular.prefix_sum import random_order, sums_before


def naive_sums_before(terms, order):
    """One row and one field at a time, from the positions alone."""
    n_fields, n_rows, n_units = terms.shape
    position = order.by_field.view(n_fields, n_rows) // n_rows  # of each field in each row's order
    sums = torch.zeros(n_fields, n_rows, n_units, dtype=terms.dtype)
    for field in range(n_fields):
        for other in range(n_fields):
            comes_before = (position[other] < position[field]).to(terms.dtype).unsqueeze(1)
            sums[field] = sums[field] + comes_before * terms[other]
    return sums


def drawn(n_fields, n_rows, n_units, seed):
    generator = torch.Generator().manual_seed(seed)
    terms = torch.randn(n_fields, n_rows, n_units, generator=generator, dtype=torch.float64)
    return terms, random_order(n_fields, n_rows, generator)


@pytest.mark.parametrize("shape", [(1, 3, 2), (2, 1, 4), (3, 5, 1), (7, 11, 3)])
@pytest.mark.parametrize("seed", range(3))
def test_sums_equal_a_plain_loop(shape, seed):
    terms, order = drawn(*shape, seed)
    torch.testing.assert_close(sums_before(terms, order), naive_sums_before(terms, order))


def test_known_order_gives_known_sums():
    order = random_order(3, 1, torch.Generator().manual_seed(1), shared=True)
    first, second, third = order.by_position.tolist()
    terms = torch.zeros(3, 1, 1)
    terms[first], terms[second], terms[third] = 1.0, 10.0, 100.0
    sums = sums_before(terms, order).flatten()
    assert sums[[first, second, third]].tolist() == [0.0, 1.0, 11.0]


def test_gradient_is_that_of_the_plain_loop():
    terms, order = drawn(4, 3, 2, seed=5)
    terms.requires_grad_(True)
    seen = torch.randn(4, 3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(9))
    (ours,) = torch.autograd.grad((sums_before(terms, order).square() * seen).sum(), terms)
    (naive,) = torch.autograd.grad((naive_sums_before(terms, order).square() * seen).sum(), terms)
    torch.testing.assert_close(ours, naive)


def test_gradient_is_that_of_finite_differences():
    terms, order = drawn(4, 3, 2, seed=6)
    assert torch.autograd.gradcheck(lambda t: sums_before(t, order), terms.requires_grad_(True))


def test_every_row_has_an_order_of_its_own():
    order = random_order(5, 400, torch.Generator().manual_seed(0))
    positions = order.by_field.view(5, 400) // 400
    assert positions.sort(dim=0).values.eq(torch.arange(5).unsqueeze(1)).all()
    assert len(positions.unique(dim=1).t()) > 90  # of 120 that there are
    # each field is as often first as any other
    assert (positions == 0).sum(dim=1).min() > 50


def test_a_shared_order_is_the_same_for_all_rows():
    order = random_order(6, 9, torch.Generator().manual_seed(0), shared=True)
    positions = order.by_field.view(6, 9) // 9
    assert (positions == positions[:, :1]).all()


def test_the_two_halves_of_an_order_are_inverse():
    order = random_order(6, 9, torch.Generator().manual_seed(3))
    assert order.by_position[order.by_field].equal(torch.arange(54))
