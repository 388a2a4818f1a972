"""Numbers that are not finite, injected at any step: back to the last good weights, at half the rate."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from ganaug import Callback, Cascade, GANSynthesizer
from ganaug.datasets import make_customers
from ganaug.exceptions import GanaugError, UnstableTrainingWarning
from ganaug.training.loop import Rows, Settings
from ganaug.training.player import Player
from ganaug.training.schedules import Schedule
from ganaug.training.stability import MOST_FAULTS, Guard
from ganaug.training.trainer import Trainer


class Line(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))


def guard_of(network):
    guard = Guard([Player(network, learning_rate=0.1)], torch.device("cpu"))
    guard.keep(0)
    return guard


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_one_broken_number_among_good_ones_leaves_a_trace(broken):
    guard = guard_of(Line())
    guard.note(torch.tensor(1.0), torch.tensor(3e38))
    assert guard.is_whole()
    guard.note(torch.tensor(1.0), torch.tensor(broken))
    guard.note(torch.tensor(1.0))
    assert not guard.is_whole()


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_one_broken_weight_is_found_and_the_snapshot_restored(broken):
    network = Line()
    guard = guard_of(network)
    guard.players[0].learn((network.weight * torch.tensor([1.0, -2.0])).sum(), step=0)
    guard.keep(1)
    kept = network.weight.detach().clone()
    with torch.no_grad():
        network.weight[1] = broken
    assert not guard.is_whole()
    with pytest.warns(UnstableTrainingWarning, match=r"last 6 steps: training goes on from step 1 at half"):
        guard.go_back(7, learning_rate=0.2)
    assert torch.equal(network.weight, kept)
    assert guard.is_whole()
    assert guard.rate_share == 0.5


def test_going_back_to_before_the_first_step_empties_the_optimiser():
    network = Line()
    guard = guard_of(network)
    guard.players[0].learn(network.weight.sum() * math.nan, step=0)
    with pytest.warns(UnstableTrainingWarning):
        guard.go_back(1, learning_rate=0.1)
    assert network.weight.tolist() == [1, 1]
    assert all(not tensor.any() for name, _, tensor in guard.players[0].tensors() if "adam" in name)


class Inject(Callback):
    """Put a number into a weight, a gradient or the optimiser after certain steps."""

    def __init__(self, steps, where="weight", number=math.nan):
        self.steps, self.where, self.number = set(steps), where, number

    def on_step(self, trainer):
        if trainer.step in self.steps:
            with torch.no_grad():
                if self.where == "adam":
                    for name, _, tensor in trainer.kept.tensors():
                        if name.endswith("exp_avg_sq"):
                            tensor.fill_(self.number)
                elif self.where == "average":
                    trainer.kept.average.values[0].fill_(self.number)
                else:
                    trainer.kept.parameters[0].fill_(self.number)


def trainer_of(loss, callbacks=(), max_steps=200, **settings):
    rows = torch.tensor([1.0, 2, 3, 6]).repeat(4).reshape(-1, 1)
    defaults = {"batch_size": 8, "learning_rate": 0.1, "weight_decay": 0.0, "evaluate_every": 10}
    return Trainer(
        network=Line(),
        loss=loss,
        held_out_loss=loss,
        rows=Rows(rows),
        held_out=None,
        settings=Settings(**{**defaults, **settings}),
        schedule=Schedule(max_steps=max_steps, patience_steps=50),
        root=np.random.SeedSequence(0),
        callbacks=callbacks,
    )


def distance(network, rows, generator):
    return (rows[:, 0] - network.weight[0]).square()


@pytest.mark.parametrize("where", ["weight", "average", "adam"])
@pytest.mark.parametrize("number", [math.nan, math.inf])
@pytest.mark.parametrize("step", [1, 9, 10, 37, 150, 199])
def test_a_number_injected_at_any_step_is_survived(where, number, step):
    trainer = trainer_of(distance, [Inject([step], where, number)])
    with pytest.warns(UnstableTrainingWarning, match=r"time 1 of at most 3.*learning_rate lower than 0\.1"):
        trainer.run()
    assert trainer.network.weight[0].item() == pytest.approx(3, abs=0.4)
    assert trainer.guard.faults == 1
    assert trainer.guard.rate_share == 0.5
    assert all(math.isfinite(loss) for loss in trainer.history.column("train_loss"))


@pytest.mark.parametrize("seed", range(4))
def test_losses_that_break_at_random_steps_are_survived(seed):
    bad = set(np.random.default_rng(seed).choice(np.arange(1, 180), 2).tolist())
    calls = []

    def breaking(network, rows, generator):
        calls.append(1)
        return distance(network, rows, generator) * (math.nan if len(calls) in bad else 1)

    trainer = trainer_of(breaking)
    with pytest.warns(UnstableTrainingWarning):
        trainer.run()
    assert trainer.network.weight[0].item() == pytest.approx(3, abs=0.4)


def test_the_rate_is_half_as_high_afterwards():
    trainer = trainer_of(distance, [Inject([45])], max_steps=400)
    with pytest.warns(UnstableTrainingWarning):
        trainer.run()
    rates = {record["step"]: record["learning_rate"] for record in trainer.history}
    untouched = trainer_of(distance, max_steps=400)
    for record in untouched.run():
        if record["step"] != 50:  # of which there is no record
            share = 1.0 if record["step"] < 50 else 0.5
            assert rates[record["step"]] == pytest.approx(share * record["learning_rate"])


def test_a_fit_that_breaks_again_and_again_ends_with_the_best_weights_it_had():
    trainer = trainer_of(distance, [Inject(range(40, 200))])
    with pytest.warns(UnstableTrainingWarning) as caught:
        trainer.run()
    assert len(caught) == MOST_FAULTS + 1
    assert "4th time" in str(caught[-1].message)
    assert trainer.step == 80  # kept at 40, then four intervals of which none was whole
    assert torch.isfinite(trainer.network.weight).all()
    assert 1 < trainer.network.weight[0].item() < 4


@pytest.mark.filterwarnings("ignore::ganaug.exceptions.UnstableTrainingWarning")
def test_a_fit_of_which_no_step_was_good_is_an_error():
    with pytest.raises(GanaugError, match="Training diverged"):
        trainer_of(distance, [Inject(range(200))]).run()


def test_a_fit_without_faults_is_not_touched():
    weights = []
    for every in (7, 200):
        trainer = trainer_of(distance, evaluate_every=every)
        trainer.run()
        assert trainer.guard.faults == 0
        weights.append(trainer.network.weight[0].item())
    assert weights[0] == weights[1]


def test_a_synthesizer_survives_and_says_so():
    customers = make_customers(300)
    model = GANSynthesizer(
        generator=Cascade(hidden_units=8, context_units=8, embedding_units=4, n_components=2),
        max_epochs=40,
        random_state=0,
        callbacks=[Inject([60])],
    )
    with pytest.warns(UnstableTrainingWarning, match="half the rate"):
        model.fit(customers)
    assert len(model.sample(20, random_state=0)) == 20
