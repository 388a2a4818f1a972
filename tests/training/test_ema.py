"""The average of the weights: closed forms."""

from __future__ import annotations

import pytest
import torch

from ganaug.training.ema import WeightAverage


def test_the_average_of_a_constant_is_the_constant():
    weight = torch.full((3,), 2.0)
    average = WeightAverage([weight], decay=0.9)
    for step in range(50):
        average.update(step)
    assert torch.equal(average.values[0], weight)


def test_a_warm_average_keeps_its_share():
    weight = torch.zeros(1)
    average = WeightAverage([weight], decay=0.75)
    weight.fill_(8.0)
    average.update(10_000)
    assert average.values[0].item() == pytest.approx(2.0)
    average.update(10_000)
    assert average.values[0].item() == pytest.approx(3.5)


def test_a_young_average_forgets_the_first_weights_soon():
    weight = torch.zeros(1)
    average = WeightAverage([weight], decay=0.999)
    weight.fill_(1.0)
    for step in range(10):
        average.update(step)
    assert average.values[0].item() > 0.9


def test_a_snapshot_is_a_copy():
    weight = torch.zeros(2)
    average = WeightAverage([weight], decay=0.5)
    snapshot = average.snapshot()
    weight.fill_(1.0)
    average.update(100)
    assert snapshot[0].tolist() == [0, 0]
    average.restart_from(snapshot)
    assert weight.tolist() == average.values[0].tolist() == [0, 0]


def test_the_average_is_applied_for_a_while_and_also_after_an_error_taken_back():
    weight = torch.zeros(1)
    average = WeightAverage([weight], decay=0.5)
    weight.fill_(1.0)
    with average.applied():
        assert weight.item() == 0.0
    assert weight.item() == 1.0
    with pytest.raises(KeyboardInterrupt), average.applied():
        raise KeyboardInterrupt
    assert weight.item() == 1.0
