"""The cascade is a proper distribution for every order, sees only what was drawn before, and learns."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy.special import ndtri

from ganaug.tabular.cascade import Cascade
from ganaug.tabular.columns.base import CategoryField, NumberField
from ganaug.tabular.prefix_sum import DrawOrder, random_order

TINY = Cascade(hidden_units=8, context_units=16, embedding_units=4, n_components=3)


def number_field(n_points, n_cells):
    edges = ndtri(np.arange(n_cells + 1) / n_cells)
    centre = ndtri((np.arange(n_cells) + 0.5) / n_cells)
    return NumberField(n_points, edges[:-1], edges[1:], centre, np.full(n_points + 1, 7.0))


FIELDS = (number_field(1, 3), CategoryField(3, np.array([5.0, 2.0, 1.0])), number_field(0, 5))
ALL_CODES = torch.tensor(list(itertools.product(range(4), range(3), range(5))))


def network_of(fields, options=TINY, scale=1.0):
    """A network in double precision, with weights large enough that every dependence is visible."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = options.build(fields).double()
        with torch.no_grad():
            for parameter in network.parameters():
                parameter += scale * 0.3 * torch.randn_like(parameter)
    return network.eval()


def order_of(permutation, n_rows):
    """The same order, fields by position, for all rows."""
    fields = torch.tensor(permutation).unsqueeze(1).expand(-1, n_rows)
    rows = torch.arange(n_rows)
    return DrawOrder(
        (fields * n_rows + rows).reshape(-1), (fields.argsort(dim=0) * n_rows + rows).reshape(-1)
    )


@pytest.fixture(scope="module")
def network():
    return network_of(FIELDS)


@pytest.mark.parametrize("permutation", list(itertools.permutations(range(3))), ids=str)
def test_probabilities_of_all_rows_sum_to_one_in_every_order(network, permutation):
    log = network.log_likelihood(ALL_CODES, order_of(permutation, len(ALL_CODES)), member=1)
    assert log.shape == (60, 3)
    assert log.sum(dim=1).exp().sum().item() == pytest.approx(1.0, abs=1e-9)


def test_orders_are_different_factorisations(network):
    first, second = (
        network.log_likelihood(ALL_CODES, order_of(permutation, 60), member=1).sum(dim=1)
        for permutation in ([0, 1, 2], [2, 1, 0])
    )
    assert (first - second).abs().max() > 0.01


def test_a_field_depends_on_those_before_it_and_on_no_other(network):
    n_rows = 50
    generator = torch.Generator().manual_seed(4)
    order = random_order(3, n_rows, generator)
    position = order.by_field.view(3, n_rows).t() // n_rows  # (n_rows, n_fields)
    codes = ALL_CODES[torch.randint(60, (n_rows,), generator=generator)]
    before = network.log_likelihood(codes, order)
    for changed in range(3):
        other = codes.clone()
        other[:, changed] = (codes[:, changed] + 1) % FIELDS[changed].n_codes
        after = network.log_likelihood(other, order)
        is_later = position > position[:, [changed]]
        is_earlier = position < position[:, [changed]]
        assert torch.equal(after[is_earlier], before[is_earlier])
        assert (after[is_later] != before[is_later]).all()


def test_cells_that_are_not_known_tell_the_others_nothing(network):
    codes = ALL_CODES[:40]
    order = random_order(3, 40, torch.Generator().manual_seed(1))
    known = torch.rand(40, 3, generator=torch.Generator().manual_seed(2)) < 0.5
    other = torch.where(known, codes, (codes + 1) % torch.tensor([4, 3, 5]))
    first, second = (network.log_likelihood(held, order, known) for held in (codes, other))
    assert torch.equal(first[known], second[known])
    assert (first - network.log_likelihood(codes, order)).abs().max() > 0.01


def test_all_known_is_the_same_as_no_mask(network):
    order = random_order(3, 60, torch.Generator().manual_seed(1))
    masked = network.log_likelihood(ALL_CODES, order, torch.ones(60, 3, dtype=torch.bool))
    torch.testing.assert_close(masked, network.log_likelihood(ALL_CODES, order))


@pytest.mark.parametrize("field", [FIELDS[0], FIELDS[1]], ids=["number", "category"])
def test_a_table_of_one_field_and_a_batch_of_one_row_work(field):
    network = network_of([field])
    codes = torch.arange(field.n_codes).unsqueeze(1)
    log = network.log_likelihood(codes, random_order(1, len(codes), torch.Generator()), member=0)
    assert log.exp().sum().item() == pytest.approx(1.0, abs=1e-9)
    alone = network.log_likelihood(codes[1:2], random_order(1, 1, torch.Generator()), member=0)
    torch.testing.assert_close(alone, log[1:2])


def test_rows_do_not_see_each_other(network):
    order = order_of([1, 2, 0], 60)
    together = network.log_likelihood(ALL_CODES, order, member=2)
    apart = torch.cat(
        [network.log_likelihood(row.unsqueeze(0), order_of([1, 2, 0], 1), member=2) for row in ALL_CODES]
    )
    torch.testing.assert_close(apart, together)


def test_small_integer_codes_are_as_good_as_large_ones(network):
    order = random_order(3, 60, torch.Generator().manual_seed(1))
    narrow, wide = (network.log_likelihood(ALL_CODES.to(dtype), order) for dtype in (torch.int8, torch.int64))
    assert torch.equal(narrow, wide)


def test_a_step_of_drawing_sees_what_the_parallel_pass_sees(network):
    """Sums term by term, as in drawing, give the distribution that the likelihood is of."""
    codes = ALL_CODES[:30]
    order = order_of([2, 0, 1], 30)
    context = torch.zeros(30, TINY.context_units, dtype=torch.float64)
    context += network.term(2, codes[:, 2]) + network.term(0, codes[:, 0])
    draws = torch.stack(
        [
            network.draw(1, context, torch.full((2, 30), u, dtype=torch.float64), member=3)
            for u in torch.linspace(0.0005, 0.9995, 1000).tolist()
        ]
    )
    share = (draws == codes[:, 1]).double().mean(dim=0)
    torch.testing.assert_close(
        share, network.log_likelihood(codes, order, member=3)[:, 1].exp().detach(), rtol=0, atol=2e-3
    )


def dependent_rows(n, generator):
    """Two categories that agree nine times in ten, and a number whose cell follows them."""
    first = torch.randint(3, (n,), generator=generator)
    second = torch.where(torch.rand(n, generator=generator) < 0.9, first, (first + 1) % 3)
    third = (first * 3 + torch.randint(3, (n,), generator=generator)).clamp(max=8)
    return torch.stack([first, second, third], dim=1)


def test_training_on_dependent_columns_beats_independent_columns_on_held_out_rows():
    generator = torch.Generator().manual_seed(0)
    train, held_out = dependent_rows(600, generator), dependent_rows(400, generator)
    fields = (CategoryField(3, np.ones(3)), CategoryField(3, np.ones(3)), number_field(0, 9))
    network = network_of(fields, Cascade(hidden_units=16, context_units=16), scale=0).float()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(150):
        batch = train[torch.randint(600, (128,), generator=generator)]
        loss = -network.log_likelihood(batch, random_order(3, 128, generator)).sum(dim=1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    found = network.log_likelihood(held_out, random_order(3, 400, generator)).sum(dim=1).mean().item()
    shares = [torch.bincount(train[:, i], minlength=9).double() / 600 for i in range(3)]
    independent = sum(shares[i].log()[held_out[:, i]].mean().item() for i in range(3))
    best = -(np.log(3) - 0.9 * np.log(0.9) - 0.1 * np.log(0.1) + np.log(3))  # the table's own entropy
    assert best - 0.15 < found < best + 0.15
    assert found > independent + 1.0


def test_decay_spares_biases():
    network = network_of(FIELDS)
    decayed = {id(parameter) for parameter in network.decayed_parameters()}
    names = {name for name, parameter in network.named_parameters() if id(parameter) in decayed}
    assert names
    assert not [name for name in names if name.endswith("bias")]
    assert all(parameter.ndim > 1 for parameter in network.decayed_parameters())


def test_building_depends_on_torchs_generator_alone():
    first, second = (network_of(FIELDS).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_middle_cell_has_a_score_although_it_is_zero():
    """Codes without a score are told apart from a cell in the very middle, whose normal score is 0."""
    field = number_field(1, 3)
    assert field.centre[1] == 0
    network = network_of([field, CategoryField(2, np.ones(2))])
    terms = network.terms(torch.tensor([[code, 0] for code in range(4)]))[0]
    assert len(terms.unique(dim=0)) == 4


@pytest.mark.parametrize(
    "name", ["hidden_units", "context_units", "embedding_units", "n_components", "n_blocks", "weight_decay"]
)
@pytest.mark.parametrize("value", [-1, "8", None, True, float("nan"), 10**9])
def test_wrong_option_is_named(name, value):
    if name == "weight_decay" and value == 10**9:
        return  # large, but a number
    with pytest.raises((TypeError, ValueError), match=f"{name} must be"):
        Cascade(**{name: value}).check()


def test_no_residual_blocks_will_do():
    network = network_of(FIELDS, Cascade(hidden_units=4, context_units=4, n_blocks=0))
    log = network.log_likelihood(ALL_CODES, order_of([0, 1, 2], 60), member=0)
    assert log.sum(dim=1).exp().sum().item() == pytest.approx(1.0, abs=1e-9)


def test_members_judge_their_parts_of_the_rows(network):
    order = order_of([1, 2, 0], 60)
    together = network.log_likelihood(ALL_CODES, order)
    each = [network.log_likelihood(ALL_CODES, order, member=member) for member in range(4)]
    parts = torch.cat([part[15 * member : 15 * (member + 1)] for member, part in enumerate(each)])
    torch.testing.assert_close(together, parts)
    assert (each[0] - each[1]).abs().max() > 0.01
