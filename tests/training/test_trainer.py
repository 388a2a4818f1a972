"""The loop: what it records, when it ends, which weights it keeps, and whom it tells."""

from __future__ import annotations

import random
import time

import numpy as np
import pytest
import torch
from torch import nn

from ganaug.exceptions import GanaugError, InterruptedFitWarning
from ganaug.training.callbacks import Callback
from ganaug.training.schedules import Schedule
from ganaug.training.trainer import Rows, Settings, Trainer


class Point(nn.Module):
    """One number, which a loss may pull somewhere."""

    def __init__(self):
        super().__init__()
        self.value = nn.Parameter(torch.zeros(1))

    def decayed_parameters(self):
        return []


def squared_distance(network, rows, generator):
    return (rows[:, 0] - network.value).square()


def noisy_distance(network, rows, generator):
    noise = torch.randn(len(rows), generator=generator)
    return (rows[:, 0] + noise - network.value).square()


def constant(network, rows, generator):
    """The rows' own value, whatever the network is."""
    return rows[:, 0] + 0 * network.value


def trainer_of(
    values,
    held_out=None,
    loss=squared_distance,
    weights=None,
    max_steps=40,
    seed=0,
    callbacks=(),
    patience=50,
    **settings,
):
    defaults = {"batch_size": 4, "learning_rate": 0.1, "weight_decay": 0.0, "evaluate_every": 10}
    rows = torch.tensor(values, dtype=torch.float32).reshape(-1, 1)
    judge = None if held_out is None else Rows(torch.tensor(held_out, dtype=torch.float32).reshape(-1, 1))
    return Trainer(
        network=Point(),
        loss=loss,
        held_out_loss=loss,
        rows=Rows(rows, None if weights is None else torch.tensor(weights, dtype=torch.float32)),
        held_out=judge,
        settings=Settings(**{**defaults, **settings}),
        schedule=Schedule(max_steps=max_steps, patience_steps=patience),
        root=np.random.SeedSequence(seed),
        callbacks=callbacks,
    )


def value_of(trainer):
    return trainer.network.value.item()


class Watch(Callback):
    """Note every event, and act at a step."""

    def __init__(self, name="", at=None, act=None):
        self.name, self.at, self.act = name, at, act
        self.events = []

    def on_fit_begin(self, trainer):
        self.events.append(f"{self.name}begin")

    def on_step(self, trainer):
        self.events.append(f"{self.name}step {trainer.step}")
        if trainer.step == self.at:
            self.act(trainer)

    def on_epoch_end(self, trainer):
        self.events.append(f"{self.name}epoch {trainer.epoch}")

    def on_fit_end(self, trainer):
        self.events.append(f"{self.name}end")


def interrupt(trainer):
    raise KeyboardInterrupt


# What it learns from


def test_the_minimum_of_a_known_loss_is_found():
    trainer = trainer_of([1, 2, 3, 6], max_steps=600)
    trainer.run()
    assert value_of(trainer) == pytest.approx(3, abs=0.05)


def test_weights_move_the_minimum_to_the_weighted_mean():
    trainer = trainer_of([1, 2, 3, 6], weights=[0, 0, 2, 2], max_steps=600)
    trainer.run()
    assert value_of(trainer) == pytest.approx(4.5, abs=0.05)


def test_rows_of_weight_zero_do_not_influence():
    found = []
    for garbage in (0.0, 1e6):
        trainer = trainer_of([1, garbage, 3, 6, garbage, 2], weights=[1.5, 0, 1.5, 1.5, 0, 1.5])
        trainer.run()
        found.append(value_of(trainer))
    assert found[0] == found[1]


def test_an_epoch_visits_every_row_once():
    seen = []

    def noting(network, rows, generator):
        seen.append(rows[:, 0].tolist())
        return constant(network, rows, generator)

    trainer_of(range(10), loss=noting, batch_size=5, max_steps=8).run()
    epochs = [sorted(seen[i] + seen[i + 1]) for i in range(0, len(seen) - 1, 2)]
    assert len(epochs) >= 3
    assert all(epoch == list(range(10)) for epoch in epochs)
    assert seen[0:2] != seen[2:4]


def test_a_batch_larger_than_the_table_is_the_table():
    trainer = trainer_of([1, 2, 3], batch_size=1_000, max_steps=3)
    history = trainer.run()
    assert history[-1]["epoch"] == trainer.step == 3


def test_the_network_trains_in_training_mode_and_is_judged_and_left_in_the_other():
    modes = []

    def noting(network, rows, generator):
        modes.append((len(rows), network.training))
        return squared_distance(network, rows, generator)

    trainer = trainer_of([1, 2, 3, 6], held_out=[1.0, 2.0, 3.0], loss=noting)
    trainer.run()
    assert set(modes) == {(4, True), (3, False)}
    assert not trainer.network.training


# What it records


def test_history_says_what_happened():
    trainer = trainer_of([2.0] * 8, held_out=[5.0] * 3, loss=constant, max_steps=30)
    history = trainer.run()
    assert history is trainer.history
    steps = history.column("step")
    assert steps[0] == 10
    assert steps == sorted(set(steps))
    assert steps[-1] == trainer.step
    for record in history:
        judged = record["phase"] == "search"  # afterwards the held-out rows are learned from too
        assert record["train_loss"] == pytest.approx(2) if judged else 2 <= record["train_loss"] <= 5
        assert record["validation_loss"] == (pytest.approx(5) if judged else None)
        assert not judged or record["epoch"] == record["step"] / 2
        assert record["rows_per_second"] > 0
    assert history.column("seconds") == sorted(history.column("seconds"))
    phases = history.column("phase")
    assert set(phases) == {"search", "decay"}
    assert phases == sorted(phases, reverse=True)


def test_the_training_loss_is_the_mean_since_the_last_record():
    history = trainer_of([1, 2, 3, 6], loss=constant, evaluate_every=1, max_steps=5).run()
    assert history.column("train_loss") == pytest.approx([3.0] * len(history))


def test_evaluations_are_a_share_of_the_steps_apart_once_that_is_more():
    trainer = trainer_of([1, 2, 3, 6], evaluate_every=10, evaluate_share=0.1, max_steps=600, patience=600)
    steps = [0, *trainer.run().column("step")]
    apart = np.diff(steps).tolist()
    assert apart[:10] == [10] * 10
    assert apart == sorted(apart[:-1]) + apart[-1:]
    assert apart[-2] >= 0.1 * steps[-2]


def test_the_held_out_loss_is_weighted():
    trainer = trainer_of([1.0], loss=constant)
    rows = Rows(torch.tensor([[1.0], [3.0]]), torch.tensor([0.5, 1.5]))
    assert trainer.mean_held_out_loss(rows) == pytest.approx(2.5)


def test_without_held_out_rows_there_is_no_validation_loss():
    history = trainer_of([1, 2, 3, 6]).run()
    assert set(history.column("validation_loss")) == {None}


def test_more_held_out_rows_than_fit_into_one_pass_are_all_judged():
    trainer = trainer_of([1.0], loss=constant)
    values = torch.arange(5_000, dtype=torch.float32).reshape(-1, 1)
    assert trainer.mean_held_out_loss(Rows(values)) == pytest.approx(2499.5)


# When it ends, and which weights it keeps


def test_a_search_that_is_cut_short_keeps_the_best_snapshot():
    """Training pulls the point from 0 to 10; the held-out rows would have it at 3."""
    watch = Watch(at=200, act=lambda trainer: trainer.stop())
    trainer = trainer_of(
        [10.0] * 4, held_out=[3.0] * 4, max_steps=4_000, evaluate_every=5, patience=500, callbacks=[watch]
    )
    history = trainer.run()
    best = min(history.column("validation_loss"))
    assert trainer.step == 200
    assert trainer.mean_held_out_loss(trainer.held_out) == pytest.approx(best, abs=1e-6)
    assert value_of(trainer) == pytest.approx(3, abs=0.7)


def test_the_decay_starts_from_the_best_snapshot_and_learns_from_the_held_out_rows_too():
    """Four rows at 10 and four at 3: the search ends near 3, and the mean of all is 6.5."""
    trainer = trainer_of([10.0] * 4, held_out=[3.0] * 4, max_steps=4_000, evaluate_every=5)
    history = trainer.run()
    assert trainer.step < 4_000
    assert len(trainer.rows) == 8
    assert {r["validation_loss"] is None for r in history if r["phase"] == "decay"} == {True}
    assert 3 < value_of(trainer) < 8


def test_without_early_stopping_the_last_weights_are_kept():
    trainer = trainer_of([10.0] * 4, held_out=[3.0] * 4, max_steps=600, early_stopping=False)
    trainer.run()
    assert trainer.step == 600
    assert value_of(trainer) == pytest.approx(10, abs=0.2)


def test_the_steps_allowed_are_the_most():
    for max_steps in (1, 2, 7, 100):
        trainer = trainer_of([1, 2, 3, 6], max_steps=max_steps)
        trainer.run()
        assert trainer.step == max_steps


def test_stop_ends_the_fit_after_this_step():
    watch = Watch(at=3, act=lambda trainer: trainer.stop())
    trainer = trainer_of([1, 2, 3, 6], callbacks=[watch])
    trainer.run()
    assert trainer.step == 3
    assert watch.events[-1] == "end"
    assert not trainer.interrupted
    assert value_of(trainer) > 0


def test_time_budget_ends_the_fit_with_a_low_rate():
    def slow(network, rows, generator):
        time.sleep(0.002)
        return squared_distance(network, rows, generator)

    trainer = trainer_of([1, 2, 3, 6], loss=slow, max_steps=10**9, time_budget_seconds=0.5)
    began = time.monotonic()
    history = trainer.run()
    assert 0.2 < time.monotonic() - began < 5
    assert history[-1]["phase"] == "decay"
    assert history[-1]["learning_rate"] < 0.06
    assert value_of(trainer) > 0.5


def test_a_budget_that_is_over_at_once_still_makes_a_model():
    trainer = trainer_of([1, 2, 3, 6], max_steps=1_000, time_budget_seconds=1e-9)
    history = trainer.run()
    assert 1 <= trainer.step <= 3
    assert len(history) == 1
    assert history[0]["step"] == trainer.step
    assert value_of(trainer) != 0


@pytest.mark.parametrize("step", [1, 7, 10, 31])
def test_interrupt_keeps_what_there_is_and_warns(step):
    watch = Watch(at=step, act=interrupt)
    trainer = trainer_of([1, 2, 3, 6], held_out=[3.0], callbacks=[watch])
    with pytest.warns(InterruptedFitWarning, match=rf"after {step} steps"):
        trainer.run()
    assert trainer.interrupted
    assert trainer.step == step
    assert watch.events[-1] == "end"
    assert np.isfinite(value_of(trainer))
    assert value_of(trainer) != 0
    assert not trainer.network.training


def test_interrupt_keeps_the_best_snapshot():
    trainer = trainer_of(
        [10.0] * 4,
        held_out=[3.0] * 4,
        max_steps=4_000,
        evaluate_every=5,
        callbacks=[Watch(at=100, act=interrupt)],
    )
    with pytest.warns(InterruptedFitWarning):
        trainer.run()
    assert value_of(trainer) == pytest.approx(3, abs=0.7)


def test_interrupt_while_held_out_rows_are_judged_leaves_the_average():
    calls = []

    def raising(network, rows, generator):
        if not network.training:
            calls.append(1)
            if len(calls) == 2:
                raise KeyboardInterrupt
        return squared_distance(network, rows, generator)

    trainer = trainer_of([10.0] * 4, held_out=[10.0] * 3, loss=raising)
    with pytest.warns(InterruptedFitWarning, match="after 20 steps"):
        trainer.run()
    assert 0 < value_of(trainer) < 10


@pytest.mark.filterwarnings("ignore::ganaug.exceptions.UnstableTrainingWarning")
@pytest.mark.parametrize("held_out", [None, [1.0, 2.0]])
def test_a_loss_that_is_not_a_number_is_an_error_that_names_the_learning_rate(held_out):
    def broken(network, rows, generator):
        return squared_distance(network, rows, generator) * float("nan")

    with pytest.raises(GanaugError, match=r"learning_rate than 0\.1"):
        trainer_of([1, 2, 3, 6], held_out=held_out, loss=broken).run()


def test_other_errors_of_a_callback_are_not_swallowed():
    def fail(trainer):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        trainer_of([1, 2, 3, 6], callbacks=[Watch(at=2, act=fail)]).run()


# Whom it tells


def test_callbacks_are_told_in_this_order():
    first, second = Watch(), Watch()
    second.events = first.events  # one common log
    first.name, second.name = "1st ", "2nd "
    trainer_of([1, 2, 3, 6] * 2, max_steps=4, callbacks=[first, second]).run()
    log = ["begin", "step 1", "step 2", "epoch 1", "step 3", "step 4", "epoch 2", "end"]
    assert first.events == [f"{name} {event}" for event in log for name in ("1st", "2nd")]


def test_gradients_are_on_whatever_the_caller_has():
    with torch.no_grad():
        trainer = trainer_of([10.0] * 4)
        trainer.run()
    assert value_of(trainer) > 0.1


# Randomness


def test_same_root_same_weights_to_the_bit():
    values = []
    for seed in (0, 0, 1):
        trainer = trainer_of([1, 2, 3, 6] * 3, loss=noisy_distance, seed=seed)
        trainer.run()
        values.append(value_of(trainer))
    assert values[0] == values[1] != values[2]


def test_judging_more_often_does_not_change_the_weights():
    values = []
    for every in (3, 10):
        trainer = trainer_of(
            [1, 2, 3, 6] * 3, held_out=[3.0], loss=noisy_distance, evaluate_every=every, early_stopping=False
        )
        trainer.run()
        values.append(value_of(trainer))
    assert values[0] == values[1]


def test_global_random_states_stay_as_they_are():
    before = random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    trainer_of([1, 2, 3, 6], held_out=[3.0], loss=noisy_distance).run()
    assert random.getstate() == before[0]
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[2])


def test_time_that_was_spent_before_the_first_step_counts():
    trainer = trainer_of([1.0] * 8, time_budget_seconds=50.0, max_steps=1_000)
    trainer.spent_seconds = 50.0
    trainer.run()
    assert 1 <= trainer.step <= 2
