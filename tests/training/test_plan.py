"""Rows split and settings found, from sizes."""

from __future__ import annotations

import numpy as np
import pytest

from ganaug.training.plan import plan_fit, split_rows


def split(n, fraction=0.2, counts=None, is_rare=None, seed=0):
    counts = np.ones(n, dtype=bool) if counts is None else counts
    is_rare = np.zeros(n, dtype=bool) if is_rare is None else is_rare
    return split_rows(counts, is_rare, fraction, np.random.default_rng(seed))


def test_rows_are_learnt_from_or_held_out():
    learnt, held_out = split(100)
    assert len(held_out) == 20
    assert sorted([*learnt, *held_out]) == list(range(100))
    assert learnt.tolist() == sorted(learnt)
    assert held_out.tolist() == sorted(held_out)


def test_rows_that_do_not_count_are_in_neither_part():
    counts = np.arange(100) % 2 == 0
    learnt, held_out = split(100, counts=counts)
    assert sorted([*learnt, *held_out]) == list(range(0, 100, 2))
    assert len(held_out) == 10


def test_rare_rows_are_all_learnt_from():
    is_rare = np.arange(100) < 60
    learnt, held_out = split(100, is_rare=is_rare)
    assert set(range(60)) <= set(learnt)
    assert len(held_out) == 20


@pytest.mark.parametrize(("n", "fraction"), [(100, 0.0), (5, 0.5), (30, 0.01)])
def test_no_rows_are_held_out_when_there_are_none_to_spare(n, fraction):
    learnt, held_out = split(n, fraction)
    assert len(learnt) == n
    assert len(held_out) == 0


def test_too_many_rare_rows_leave_none_to_hold_out():
    learnt, held_out = split(100, is_rare=np.arange(100) < 95)
    assert len(held_out) == 0
    assert len(learnt) == 100


def test_the_judge_need_not_grow_with_the_table():
    assert len(split(200_000)[1]) < 10_000


def test_the_split_is_the_generators():
    assert split(100, seed=1)[1].tolist() == split(100, seed=1)[1].tolist()
    assert split(100, seed=1)[1].tolist() != split(100, seed=2)[1].tolist()


def plan(n_rows=1_000, **changes):
    auto = {"batch_size": "auto", "learning_rate": "auto", "max_epochs": "auto", "weight_decay": 0.01}
    return plan_fit(n_rows, **{**auto, "stops_early": True, "time_budget_seconds": None, **changes})


def test_what_is_given_is_taken():
    settings, schedule = plan(
        batch_size=50, learning_rate=0.02, max_epochs=3, stops_early=False, time_budget_seconds=7.0
    )
    assert (settings.batch_size, settings.learning_rate, settings.weight_decay) == (50, 0.02, 0.01)
    assert (settings.early_stopping, settings.time_budget_seconds) == (False, 7.0)
    assert schedule.max_steps == 60


def test_a_fit_that_nothing_can_stop_is_shorter():
    assert plan(stops_early=False)[1].max_steps < plan(stops_early=True)[1].max_steps


@pytest.mark.parametrize("n_rows", [1, 2, 30, 1_000, 100_000, 10_000_000])
def test_settings_are_sound_for_any_number_of_rows(n_rows):
    settings, schedule = plan(n_rows)
    assert settings.batch_size > 0
    assert 0 < settings.learning_rate < 1
    assert 0 < settings.evaluate_every <= schedule.max_steps
    assert settings.evaluate_every <= schedule.patience_steps


def test_a_short_fit_is_judged_at_least_once():
    settings, schedule = plan(30, max_epochs=1)
    assert settings.evaluate_every == schedule.max_steps == 1


@pytest.mark.parametrize(
    ("max_epochs", "stops_early", "starts_low"),
    [("auto", True, True), ("auto", False, False), (200, True, False)],
)
def test_only_a_fit_that_finds_its_length_goes_on_from_averaged_weights_at_a_low_rate(
    max_epochs, stops_early, starts_low
):
    _, schedule = plan_fit(
        5_000,
        batch_size="auto",
        learning_rate="auto",
        max_epochs=max_epochs,
        weight_decay=0.0,
        stops_early=stops_early,
        time_budget_seconds=None,
    )
    schedule.start_decay(900, reached=900, seconds=0.0)
    assert (schedule.rate(900, 0.0, None) < 0.5) == starts_low
    assert (schedule.last_step < 1_100) == starts_low
