"""Restricted draws follow the exact conditional distribution, found by enumerating all rows."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import chisquare

from ganaug.tabular.cascade import Cascade
from ganaug.tabular.codec import TableCodec
from ganaug.tabular.prefix_sum import DrawOrder
from ganaug.tabular.quotas import Quota, assign, draw_quotas
from ganaug.tabular.restricted import LEFT_OUT, TO_DRAW, Restriction, _systematic, draw_restricted
from ganaug.tabular.rollout import fill_in
from ganaug.tabular.wanted import Wanted

N_ROWS = 6_000
WANTED = {"a": Wanted(values=("c", "d")), "k": Wanted(low=4, high=6), "b": Wanted(values=("a", "d"))}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def network_of(codec, scale=0.3, n_members=1, seed=3):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        options = Cascade(hidden_units=16, context_units=32, embedding_units=8, n_members=n_members)
        network = options.build(codec.fields)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter += scale * torch.randn_like(parameter)
    return network.eval()


@pytest.fixture(scope="module")
def codec():
    rng = np.random.default_rng(0)
    a = rng.choice(list("abcd"), 300, p=[0.5, 0.3, 0.15, 0.05])
    b = np.where(rng.random(300) < 0.9, a, "a")
    return TableCodec.fit(pd.DataFrame({"a": a, "b": b, "k": rng.integers(0, 5, 300) + (a == "c") * 3}))


@pytest.fixture(scope="module")
def network(codec):
    return network_of(codec)


def restriction(codec, name, wanted=None, n=N_ROWS, which=0):
    wanted = wanted or WANTED[name]
    return Restriction(
        codec.codec_of(name), codec.field_of(name).start, (wanted,), np.full(n, which, dtype=np.intp)
    )


def all_rows(codec):
    return torch.tensor(list(itertools.product(*(range(field.n_codes) for field in codec.fields))))


def log_likelihood(network, rows, order, member=0):
    """In one order of the fields, the same for all rows."""
    fields = torch.tensor(order)[:, None].expand(len(order), len(rows))
    at = torch.arange(len(rows))
    by = [(index * len(rows) + at).reshape(-1) for index in (fields, fields.argsort(dim=0))]
    with torch.no_grad():
        return network.log_likelihood(rows, DrawOrder(*by), member=member).sum(dim=1).double()


def exact(network, codec, restrictions):
    """The distribution of all rows given all restrictions, in the order in which they are drawn."""
    rows = all_rows(codec)
    drawn = [entry.first_field for entry in sorted(restrictions, key=Restriction.mass)]
    rest = [field for field in range(len(codec.fields)) if field not in drawn]
    allowed = torch.ones(len(rows), dtype=torch.bool)
    for entry in restrictions:
        shares = torch.from_numpy(entry.codec.shares(entry.wanted[0]))
        allowed &= shares[rows[:, entry.first_field]] > 0
    members = range(network.n_members)
    each = [log_likelihood(network, rows, [*drawn, *rest], member).exp() for member in members]
    weights = torch.stack(each).mean(dim=0) * allowed
    return (weights / weights.sum()).numpy(), float(weights.sum())


def observed(codes, codec):
    sizes = [field.n_codes for field in codec.fields]
    index = np.ravel_multi_index(codes.numpy(), sizes)
    return np.bincount(index, minlength=int(np.prod(sizes)))


@pytest.mark.parametrize("n_members", [1, 4])
@pytest.mark.parametrize("names", [["a"], ["k"], ["a", "b"], ["a", "b", "k"]])
def test_restricted_rows_follow_the_exact_conditional(codec, names, n_members):
    """Of several members each answers for the rows that it finds probable."""
    network = network_of(codec, scale=0.2, n_members=n_members)
    restrictions = [restriction(codec, name) for name in names]
    codes = torch.full((3, N_ROWS), TO_DRAW, dtype=torch.int32)
    draw_restricted(network, codes, restrictions, seeded())
    fill_in(network, codes, seeded(1))
    expected, _ = exact(network, codec, restrictions)
    found = observed(codes, codec)
    assert found[expected == 0].sum() == 0
    # the others come in random orders, in each of which a network that learnt nothing says something else
    others = tuple({0, 1, 2} - {entry.first_field for entry in restrictions})
    sizes = [field.n_codes for field in codec.fields]
    found, expected = (part.reshape(sizes).sum(axis=others) for part in (found / N_ROWS, expected))
    assert np.abs(found - expected).sum() < 0.08


def test_masking_alone_would_be_wrong(codec):
    """The distance that the test above allows is far less than what resampling puts right."""
    assert max(error_of_masking(network_of(codec, 0.3, seed=seed), codec) for seed in range(8)) > 0.2


def error_of_masking(network, codec):
    """How far off the joint distribution is when each column is only cut to what is asked of it."""
    first, second = sorted((restriction(codec, name) for name in ("a", "b")), key=Restriction.mass)
    expected, _ = exact(network, codec, [first, second])
    rows = all_rows(codec)
    naive = np.zeros(len(rows))
    in_first = first.codec.shares(first.wanted[0])[rows[:, first.first_field]] > 0
    in_second = second.codec.shares(second.wanted[0])[rows[:, second.first_field]] > 0
    joint = log_likelihood(network, rows, [first.first_field, second.first_field, 2]).exp().numpy()
    for code in np.unique(rows[in_first, first.first_field]):
        own = rows[:, first.first_field].numpy() == code
        naive += np.where(own & in_second, joint * joint[own].sum() / joint[own & in_second].sum(), 0)
    return np.abs(naive / naive.sum() - expected).sum()


def test_a_condition_of_probability_near_zero_still_answers(codec):
    restrictions = [restriction(codec, name, n=500) for name in WANTED]
    networks = [network_of(codec, 0.5, seed=seed) for seed in range(8)]
    masses = [exact(network, codec, restrictions)[1] for network in networks]
    assert 0 < min(masses) < 1e-6
    codes = torch.full((3, 500), TO_DRAW, dtype=torch.int32)
    draw_restricted(networks[int(np.argmin(masses))], codes, restrictions, seeded())
    for entry in restrictions:
        assert entry.codec.shares(entry.wanted[0])[codes[entry.first_field]].all()


def test_rows_of_which_different_things_are_asked(network, codec):
    """Half the rows are given a value and restricted, half are free: each follows its own distribution."""
    which = np.arange(N_ROWS) % 2 - 1  # -1, 0, -1, 0, ...
    entries = [
        Restriction(codec.codec_of(n), codec.field_of(n).start, (WANTED[n],), which) for n in ("a", "b")
    ]
    codes = torch.full((3, N_ROWS), TO_DRAW, dtype=torch.int32)
    codes[2, 1::2] = 4
    draw_restricted(network, codes, entries, seeded())
    assert (codes[:2, ::2] == TO_DRAW).all()
    fill_in(network, codes, seeded(1))
    assert (codes[2, 1::2] == 4).all()
    rows = all_rows(codec)
    order = [2, *(entry.first_field for entry in sorted(entries, key=Restriction.mass))]
    weights = log_likelihood(network, rows, order).exp().numpy()
    for entry in entries:
        weights[entry.codec.shares(entry.wanted[0])[rows[:, entry.first_field]] == 0] = 0
    weights[rows[:, 2] != 4] = 0
    found = observed(codes[:, 1::2], codec)
    assert np.abs(found / found.sum() - weights / weights.sum()).sum() < 0.08


def test_numbers_are_drawn_within_a_range_as_they_would_be_freely(network):
    """Against rejection: a number's restricted draw is the free one, of those that fall in the range."""
    rng = np.random.default_rng(0)
    x = np.where(rng.random(400) < 0.2, 0, rng.normal(size=400))
    frame = pd.DataFrame({"x": np.where(rng.random(400) < 0.1, np.nan, x)})
    codec = TableCodec.fit(frame)
    network = network_of(codec)
    wanted = Wanted(low=-0.5, high=1.0)
    n = 20_000
    free = torch.full((1, 2 * n), TO_DRAW, dtype=torch.int32)
    fill_in(network, free, seeded(1))
    held = torch.full((1, n), TO_DRAW, dtype=torch.int32)
    draw_restricted(network, held, [restriction(codec, "x", wanted, n)], seeded(2))
    own = codec.codecs[0]
    values = own.decode_within(held.numpy().T, wanted, rng)
    freely = own.decode(free.numpy().T, rng)
    freely = freely[(freely >= -0.5) & (freely <= 1.0)]
    assert ((values >= -0.5) & (values <= 1.0)).all()
    edges = np.array([-0.5, -0.3, -0.1, -1e-9, 1e-9, 0.1, 0.4, 0.7, 1.0])
    counts, expected = (np.histogram(part, edges)[0] for part in (values, freely))
    assert np.abs(counts / len(values) - expected / len(freely)).max() < 0.02


def test_fields_that_each_row_lacks_are_drawn_given_those_that_it_has(network, codec):
    """Every row has a pattern of its own; what is there stays, and what isn't needed is not drawn."""
    start = all_rows(codec)[torch.randint(128, (N_ROWS,), generator=seeded(3))].t().int()
    patterns = torch.randint(3, (3, N_ROWS), generator=seeded(4))
    codes = torch.where(patterns == 0, TO_DRAW, torch.where(patterns == 1, LEFT_OUT, start)).int()
    before = codes.clone()
    fill_in(network, codes, seeded())
    assert torch.equal(codes[patterns == 2], start[patterns == 2])
    assert (codes[patterns == 1] == LEFT_OUT).all()
    assert (codes[patterns == 0] >= 0).all()
    rows = (before[0] == 1) & (before[2] == 0) & (before[1] == TO_DRAW)
    drawn = codes[1, rows].bincount(minlength=4).numpy()
    pairs = torch.tensor([[1, code, 0] for code in range(4)])
    chances = log_likelihood(network, pairs, [0, 2, 1]).exp().numpy()
    assert chisquare(drawn, chances / chances.sum() * drawn.sum()).pvalue > 1e-4


def test_a_field_left_out_tells_nothing(network, codec):
    """The marginal of a field, other fields left out, is its own head given nothing."""
    codes = torch.full((3, N_ROWS), LEFT_OUT, dtype=torch.int32)
    codes[0] = TO_DRAW
    fill_in(network, codes, seeded())
    rows = torch.tensor([[code, 0, 0] for code in range(4)])
    first = DrawOrder(torch.arange(12), torch.arange(12))
    with torch.no_grad():
        chances = network.log_likelihood(rows, first)[:, 0].exp().double().numpy()
    found = codes[0].bincount(minlength=4).numpy()
    assert chisquare(found, chances / chances.sum() * N_ROWS).pvalue > 1e-4


def test_systematic_resampling_differs_least_from_the_weights():
    rng = np.random.default_rng(0)
    owner = np.repeat([0, 1], [6, 4])
    weights = np.array([0.5, 0.25, 0.25, 0, 0, 0, 1, 1, 1, 1])
    group = np.repeat([1, 0], [8, 12])
    with np.errstate(divide="ignore"):
        chosen = _systematic(np.log(weights), owner, group, rng.random(2), rng.random(20))
    assert np.bincount(chosen[group == 0], minlength=10)[:6].tolist() == [6, 3, 3, 0, 0, 0]
    assert np.bincount(chosen[group == 1], minlength=10)[6:].tolist() == [2, 2, 2, 2]


def test_assigned_classes_have_exactly_their_counts():
    rng = np.random.default_rng(0)
    chances = rng.normal(size=(1_000, 4)) * 3
    for counts in ([250] * 4, [997, 1, 1, 1], [0, 1000, 0, 0], [0, 10, 0, 990]):
        which = assign(chances, np.array(counts), rng)
        assert np.bincount(which, minlength=4).tolist() == counts


def test_assigned_classes_go_where_they_are_probable():
    """Two groups of rows, odds 4:1 and 1:4: with equal counts the odds ratio of 16 is kept."""
    chances = np.log(np.repeat([[0.8, 0.2], [0.2, 0.8]], 5_000, axis=0))
    which = assign(chances, np.array([5_000, 5_000]), np.random.default_rng(0))
    assert which[:5_000].mean() == pytest.approx(0.2, abs=0.02)
    assert which[5_000:].mean() == pytest.approx(0.8, abs=0.02)


def test_counts_of_two_columns_keep_the_learnt_odds_ratios(codec):
    network = network_of(codec, scale=0.2)
    n = 8_000
    every = {name: tuple(Wanted(values=(v,)) for v in "abcd") for name in ("a", "b")}
    counts = {"a": np.array([2_000] * 4), "b": np.array([3_000, 1_000, 2_000, 2_000])}
    quotas = [
        Quota(
            Restriction(codec.codec_of(x), codec.field_of(x).start, every[x], np.zeros(n, np.intp)), counts[x]
        )
        for x in ("a", "b")
    ]
    codes = torch.full((3, n), TO_DRAW, dtype=torch.int32)
    first, second = draw_quotas(network, codes, quotas, seeded())
    assert np.bincount(first.which).tolist() == counts["a"].tolist()
    assert np.bincount(second.which).tolist() == counts["b"].tolist()
    found = np.zeros((4, 4))
    np.add.at(found, (first.which, second.which), 1)
    # the exact answer: the learnt table, raked to these margins
    place = {x: [int(np.argmax(codec.codec_of(x).shares(w))) for w in every[x]] for x in ("a", "b")}
    joint = log_likelihood(network, all_rows(codec), [0, 1, 2]).exp().numpy()
    table = joint.reshape(4, 4, -1).sum(axis=2)[np.ix_(place["a"], place["b"])]
    for _ in range(500):
        table *= (counts["a"] / table.sum(axis=1))[:, None]
        table *= counts["b"] / table.sum(axis=0)
    assert np.abs(found - table).sum() / n < 0.06
