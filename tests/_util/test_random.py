"""One seed gives one family of independent generators, and nobody else's state moves."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
import torch

from ganaug._util.random import numpy_generator, seed_sequence, torch_generator


def draws(root, *key):
    return numpy_generator(root, *key).integers(2**32, size=4).tolist()


def torch_draws(root, *key):
    return torch.randint(2**31, (4,), generator=torch_generator(root, *key)).tolist()


def test_an_integer_always_gives_the_same():
    assert draws(seed_sequence(3), 0) == draws(seed_sequence(np.int64(3)), 0)
    assert torch_draws(seed_sequence(3), 0) == torch_draws(seed_sequence(3), 0)


@pytest.mark.parametrize("draw", [draws, torch_draws])
def test_keys_and_seeds_are_told_apart(draw):
    found = [draw(seed_sequence(seed), *key) for seed in (0, 1) for key in ((0,), (1,), (0, 0), (0, 1))]
    assert len(set(map(tuple, found))) == len(found)


@pytest.mark.parametrize("draw", [draws, torch_draws])
def test_order_of_making_does_not_matter(draw):
    root = seed_sequence(0)
    first = draw(root, 5)
    draw(root, 1)
    root.spawn(2)
    assert draw(root, 5) == first


@pytest.mark.parametrize("make", [np.random.RandomState, np.random.default_rng])
def test_a_numpy_generator_is_advanced(make):
    state = make(0)
    first, second = seed_sequence(state), seed_sequence(state)
    assert first.entropy != second.entropy
    assert first.entropy == seed_sequence(make(0)).entropy


def test_none_takes_fresh_entropy():
    assert seed_sequence(None).entropy != seed_sequence(None).entropy


@pytest.mark.parametrize("random_state", [None, 0, 2**32 - 1, np.random.RandomState(0)])
def test_root_comes_back_from_its_entropy_through_json(random_state):
    root = seed_sequence(random_state)
    again = seed_sequence(json.loads(json.dumps(root.entropy)))
    assert draws(again, 2) == draws(root, 2)


@pytest.mark.parametrize("random_state", [-1, 1.0, "0", [1]])
def test_anything_else_is_refused_by_name(random_state):
    with pytest.raises(ValueError, match=r"random_state must be .*got"):
        seed_sequence(random_state)


def test_global_states_are_not_touched():
    before = random.getstate(), np.random.mtrand._rand.get_state(), torch.get_rng_state()
    root = seed_sequence(None)
    numpy_generator(root, 0).normal(size=3)
    torch.randn(3, generator=torch_generator(root, 0))
    assert random.getstate() == before[0]
    np.testing.assert_array_equal(np.random.mtrand._rand.get_state()[1], before[1][1])
    assert torch.equal(torch.get_rng_state(), before[2])


def test_numpy_and_torch_children_are_uncorrelated():
    root = seed_sequence(0)
    columns = [numpy_generator(root, k).normal(size=4000) for k in range(4)]
    columns += [torch.randn(4000, generator=torch_generator(root, k)).numpy() for k in range(4)]
    correlations = np.corrcoef(columns) - np.eye(8)
    assert np.abs(correlations).max() < 0.06
