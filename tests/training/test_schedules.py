"""When the rate begins to fall, and when training ends."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from ganaug.exceptions import ModelFileError
from ganaug.training.schedules import Schedule


def schedule_of(**changes):
    return Schedule(**{"max_steps": 3_000, "patience_steps": 100, "decay_share": 0.5, **changes})


def over(schedule, step, *, early_stopping=True, seconds=0.0, budget=None):
    return schedule.search_is_over(step, seconds, budget, early_stopping=early_stopping)


def test_the_rate_rises_and_then_is_constant():
    schedule = schedule_of()
    rates = [schedule.rate(step, 0.0, None) for step in range(2_000)]
    assert 0 < rates[0] < 0.1
    assert rates == sorted(rates)
    assert rates[1_000:] == [1.0] * 1_000


def test_the_rate_falls_to_almost_nothing_in_the_decay():
    schedule = schedule_of()
    schedule.start_decay(500, reached=400, seconds=0.0)
    rates = [schedule.rate(step, 0.0, None) for step in range(500, 700)]
    assert rates[0] == 1.0
    assert rates == sorted(rates, reverse=True)
    assert 0 < rates[-1] < 0.05
    assert not schedule.is_over(699, 0.0, None)
    assert schedule.is_over(700, 0.0, None)  # half as many steps as led to the best


@pytest.mark.parametrize("falls_as", ["line", "cosine"])
def test_a_decay_can_begin_at_a_share_of_the_rate(falls_as):
    schedule = schedule_of(decay_start=0.3, falls_as=falls_as)
    assert schedule.rate(499, 0.0, None) == 1.0
    schedule.start_decay(500, reached=400, seconds=0.0)
    rates = [schedule.rate(step, 0.0, None) for step in range(500, 701)]
    assert rates[0] == pytest.approx(0.3)
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == schedule.floor


def test_the_best_is_the_lowest_by_more_than_noise():
    schedule = schedule_of()
    assert schedule.observe(10, 5.0)
    assert not schedule.observe(20, 5.0 - 1e-9)
    assert schedule.observe(30, 4.0)
    assert not schedule.observe(40, 4.5)
    assert not schedule.observe(50, float("nan"))
    assert (schedule.best_step, schedule.best_loss) == (30, 4.0)


def test_losses_below_zero_can_improve():
    schedule = schedule_of()
    assert schedule.observe(10, -5.0)
    assert schedule.observe(20, -6.0)


def test_the_search_ends_when_the_best_is_old_in_steps_and_in_share():
    schedule = schedule_of(patience_steps=100, patience_share=0.2)
    schedule.observe(200, 1.0)
    assert not over(schedule, 299)
    assert over(schedule, 300)
    schedule.observe(1_000, 0.5)
    assert not over(schedule, 1_200)  # older than 100 steps, but not than a fifth of all
    assert over(schedule, 1_250)


def test_without_early_stopping_only_the_limit_ends_the_search():
    schedule = schedule_of()
    assert not over(schedule, 1_999, early_stopping=False)
    assert over(schedule, 2_000, early_stopping=False)  # two thirds: the decay takes the rest


def test_the_clock_ends_the_search_and_the_decay():
    schedule = schedule_of(max_steps=10**9)
    assert not over(schedule, 10, early_stopping=False, seconds=1.9, budget=3.0)
    assert over(schedule, 10, early_stopping=False, seconds=2.1, budget=3.0)
    schedule.start_decay(10, 10**9, seconds=2.0)
    assert not schedule.is_over(11, 2.9, 3.0)
    assert schedule.is_over(11, 3.0, 3.0)
    assert schedule.rate(11, 2.5, 3.0) == pytest.approx(0.5)


def test_a_decay_that_begins_after_the_budget_is_over_at_once():
    schedule = schedule_of()
    schedule.start_decay(10, 10, seconds=4.0)
    assert schedule.is_over(11, 4.0, 3.0)


def test_a_search_that_is_over_is_not_over_again():
    schedule = schedule_of()
    schedule.start_decay(2_500, 2_500, seconds=0.0)
    assert not over(schedule, 2_600)


def test_expected_steps_are_within_the_limit_and_exact_in_the_decay():
    schedule = schedule_of()
    schedule.observe(100, 1.0)
    assert 100 < schedule.expected_steps(150) <= 3_000
    schedule.start_decay(150, 100, seconds=0.0)
    assert schedule.expected_steps(160) == 200


def test_state_comes_back():
    schedule = schedule_of()
    schedule.observe(70, 0.125)
    schedule.start_decay(150, 100, seconds=1.5)
    assert Schedule.from_state(asdict(schedule)) == schedule


@pytest.mark.parametrize(
    "change", [{"phase": "other"}, {"max_steps": -1}, {"best_step": 1.5}, {"best_loss": "1"}, {"phase": None}]
)
def test_a_broken_state_is_refused(change):
    with pytest.raises(ModelFileError):
        Schedule.from_state({**asdict(schedule_of()), **change})


def test_a_known_length_falls_along_half_a_cosine():
    schedule = Schedule.known_length(100, floor=0.25)
    rates = [schedule.rate(step, 0.0, None) for step in (0, 50, 100)]
    assert rates == pytest.approx([1.0, 0.625, 0.25])
    assert schedule.progress(30, 0.0, None) == pytest.approx(0.3)
    assert schedule.progress(30, 5.0, 10.0) == pytest.approx(0.5)  # the clock is further
    assert schedule.expected_steps(0) == 100
    assert not schedule.is_over(99, 0.0, None)
    assert schedule.is_over(100, 0.0, None)
    assert schedule.is_over(3, 10.0, 10.0)
    assert Schedule.from_state(asdict(schedule)) == schedule
    with pytest.raises(ModelFileError):
        Schedule.from_state({**asdict(schedule), "falls_as": "stone"})
