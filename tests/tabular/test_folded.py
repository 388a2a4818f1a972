"""A folded cascade draws what the cascade itself draws."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganaug.tabular import folded
from ganaug.tabular.cascade import Cascade
from ganaug.tabular.columns.base import CategoryField, NumberField
from ganaug.tabular.folded import FoldedCascade

EDGES = np.linspace(-2, 2, 29)
NUMBER = NumberField(
    2, np.append(-np.inf, EDGES), np.append(EDGES, np.inf), np.linspace(-2.2, 2.2, 30), np.ones(3),
    np.array([0.05, np.nan]),
)  # fmt: skip
FIELDS = (CategoryField(7, np.ones(7)), NUMBER, CategoryField(5, np.ones(5), n_ordered=4))
N_ROWS = 500


@pytest.fixture(params=[{"n_members": 4, "n_blocks": 1}, {"n_members": 1, "n_blocks": 0}])
def network(request):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        options = Cascade(hidden_units=8, context_units=16, embedding_units=4, **request.param)
        network = options.build(FIELDS)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter += 0.3 * torch.randn_like(parameter)
    return network.double().eval()  # of doubles, rounding changes no draw


@torch.no_grad()
def test_draws_and_terms_are_those_of_the_network(network):
    quick, generator = FoldedCascade(network, N_ROWS), torch.Generator().manual_seed(0)
    context = torch.randn(N_ROWS, 16, generator=generator, dtype=torch.float64)
    uniforms = torch.rand(2, N_ROWS, generator=generator, dtype=torch.float64)
    for field in range(len(FIELDS)):
        for member in range(network.n_members):
            given = context.clone()
            codes = quick.draw(field, given, uniforms, member)
            assert torch.equal(given, context)
            assert torch.equal(codes, network.draw(field, context, uniforms, member))
            assert len(codes.unique()) > 2
        torch.testing.assert_close(quick.term(field, codes), network.term(field, codes))


@torch.no_grad()
@pytest.mark.parametrize("name", ["_MOST_TERMS", "_MOST_IN_ALL"])
def test_terms_of_many_codes_are_not_kept(network, monkeypatch, name):
    monkeypatch.setattr(folded, name, 6 * 16)
    quick, codes = FoldedCascade(network, N_ROWS), torch.arange(5)
    for field in range(len(FIELDS)):
        torch.testing.assert_close(quick.term(field, codes), network.term(field, codes))
    assert [kept is not None for kept in quick._terms.values()] == [False, False, True]
