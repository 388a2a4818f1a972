"""The game: what it learns, what it records, which weights it keeps, and that it goes on where it was."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from torch import nn

from ganaug import Callback, Checkpoint
from ganaug.exceptions import CheckpointError, ModeCollapseWarning, UnstableTrainingWarning
from ganaug.losses import LOSSES, resolve_loss
from ganaug.training.adversarial import AdversarialTrainer, Pace
from ganaug.training.loop import Rows, Settings
from ganaug.training.schedules import Schedule
from tests.killing import KillAt, KilledError


class Shift(nn.Module):
    """Generator: a line through the latent; told a class, a line for each."""

    def __init__(self, n_classes=1):
        super().__init__()
        self.offset = nn.Parameter(torch.zeros(n_classes))
        self.slope = nn.Parameter(torch.ones(n_classes))

    def forward(self, latent, condition=None):
        condition = torch.zeros(len(latent), dtype=torch.long) if condition is None else condition
        return self.offset[condition, None] + self.slope[condition, None] * latent


class Judge(nn.Module):
    def __init__(self, n_classes=0, units=24):
        super().__init__()
        self.classes = n_classes
        self.layers = nn.Sequential(
            nn.Linear(1 + n_classes, units),
            nn.SiLU(),
            nn.Linear(units, units),
            nn.SiLU(),
            nn.Linear(units, 1),
        )

    def forward(self, x, condition=None):
        if self.classes:
            x = torch.cat([x, nn.functional.one_hot(condition, self.classes)], dim=1)
        return self.layers(x)


def trainer_of(rows, *, loss="relativistic", n_classes=0, max_steps=300, seed=0, callbacks=(), **options):
    defaults = {"batch_size": 64, "learning_rate": 0.02, "weight_decay": 0.0, "evaluate_every": 50}
    own = ("condition", "measure", "generator", "pace", "augment", "follow", "order")
    fields = {name: options.pop(name) for name in own if name in options}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        networks = {"generator": Shift(max(1, n_classes)), "discriminator": Judge(n_classes)}
    return AdversarialTrainer(
        **{**networks, **fields},
        latent_units=1,
        loss=resolve_loss(loss),
        rows=Rows(rows, options.pop("weights", None)),
        settings=Settings(**{**defaults, **options}),
        schedule=Schedule(max_steps=max_steps, patience_steps=100),
        root=np.random.SeedSequence(seed),
        callbacks=callbacks,
    )


def normal(n=512, mean=2.0, spread=0.5):
    return mean + spread * torch.randn(n, 1, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_finds_a_normal_distribution(loss):
    trainer = trainer_of(normal(), loss=loss, learning_rate=0.01, max_steps=800, evaluate_every=200)
    if loss == "wasserstein":  # in one dimension a slope of the wrong sign is shut in by the full penalty
        trainer.loss = dataclasses.replace(trainer.loss, penalties={"wgan_gp": 0.3})
    trainer.run()
    assert trainer.generator.offset.item() == pytest.approx(2, abs=0.5)


def test_relativistic_with_both_penalties_finds_the_spread_too():
    trainer = trainer_of(normal(), max_steps=600)
    trainer.run()
    assert trainer.generator.offset.item() == pytest.approx(2, abs=0.15)
    assert abs(trainer.generator.slope.item()) == pytest.approx(0.5, abs=0.15)


def test_a_users_own_pair_of_functions_plays():
    calls = {"discriminator": 0, "generator": 0}

    def discriminator(real, fake):
        calls["discriminator"] += 1
        return nn.functional.softplus(fake - real)

    def generator(real, fake):
        calls["generator"] += 1
        return nn.functional.softplus(real - fake)

    trainer_of(normal(), loss=(discriminator, generator), max_steps=7).run()
    assert calls == {"discriminator": 7, "generator": 7}


def test_a_condition_reaches_both_sides():
    classes = torch.arange(512) % 2
    rows = normal(mean=0.0, spread=0.3) + 3.0 * classes[:, None]
    trainer = trainer_of(rows, condition=classes, n_classes=2, max_steps=600)
    trainer.run()
    assert trainer.generator.offset.tolist() == pytest.approx([0, 3], abs=0.4)


def test_weights_move_what_is_learnt():
    rows = torch.cat([normal(256, mean=0.0), normal(256, mean=4.0)])
    weights = torch.cat([torch.zeros(256), torch.full((256,), 2.0)])
    trainer = trainer_of(rows, weights=weights, max_steps=600)
    trainer.run()
    assert trainer.generator.offset.item() > 3.3


def test_a_record_says_how_the_game_stands():
    trainer = trainer_of(normal(), max_steps=100)
    record = trainer.run()[-1]
    assert record["step"] == 100
    assert 0 <= record["told_apart"] <= 1
    assert 0 < record["discriminator_loss"] < 5
    assert 0 < record["modes_covered"] <= 1
    assert record["spread"] > 0
    assert record["generator_gradient"] > 0
    assert record["discriminator_gradient"] > 0
    assert record["validation_loss"] is None


def test_the_best_by_the_measure_is_kept_also_when_it_is_the_start():
    start = Shift()
    with torch.no_grad():
        start.offset.fill_(2.0)
        start.slope.fill_(0.5)
    trainer = trainer_of(
        normal(), generator=start, learning_rate=0.5, measure=lambda g: abs(g.offset.item() - 2.0)
    )
    trainer.run()
    assert trainer.generator.offset.item() == pytest.approx(2.0)
    trainer = trainer_of(normal(), measure=lambda g: abs(g.offset.item() - 2.0))
    history = trainer.run()
    best = min(history.column("validation_loss"))
    assert abs(trainer.generator.offset.item() - 2.0) == pytest.approx(best)


def test_same_root_same_weights_to_the_bit():
    found = []
    for seed in (0, 0, 1):
        trainer = trainer_of(normal(), loss="wasserstein", max_steps=40, seed=seed)
        trainer.run()
        found.append(trainer.generator.offset.item())
    assert found[0] == found[1] != found[2]


def test_real_and_generated_samples_together_teach_as_they_do_apart():
    trainer = trainer_of(normal(), pace=Pace(is_joint=True), max_steps=600)
    trainer.run()
    assert trainer.generator.offset.item() == pytest.approx(2, abs=0.15)
    assert abs(trainer.generator.slope.item()) == pytest.approx(0.5, abs=0.15)


def test_both_penalties_in_one_pass_are_those_of_two():
    loss = dataclasses.replace(LOSSES["relativistic"], penalties={"r1": 0.3, "r2": 0.7})
    found = []
    for is_joint in (False, True):
        trainer = trainer_of(normal(), loss=loss, pace=Pace(is_joint=is_joint))
        parts = trainer._penalties(normal(8), normal(8, mean=0.0), (), trainer._factors())
        found.append(sum(factor * penalty for factor, penalty in parts))
    torch.testing.assert_close(*found)


def test_a_lazy_penalty_counts_for_the_steps_between():
    pace = Pace(penalty_every=8, penalty_fall=0.1)
    assert [pace.penalty_factor("r1", step, 0.0) for step in (0, 1, 7, 8)] == [8, 0, 0, 8]
    assert pace.penalty_factor("r2", 8, 1.0) == pytest.approx(0.8)
    assert pace.penalty_factor("wgan_gp", 8, 1.0) == 8
    assert Pace(memory=(0.9, 0.99)).memory_at(0.5) == pytest.approx(0.945)


def test_a_game_follows_its_progress_and_sees_what_augmentation_makes():
    told, seen = [], []

    def augment(samples, random):
        seen.append(len(samples))
        return samples

    trainer = trainer_of(
        normal(),
        max_steps=4,
        follow=told.append,
        augment=augment,
        order=lambda rng, n: np.zeros(n, dtype=int),
    )
    trainer.schedule = Schedule.known_length(4, floor=0.25)
    trainer.run()
    assert told == pytest.approx([0, 0.25, 0.5, 0.75])
    assert len(seen) == 4 * 4  # real and generated, for each of both players
    assert trainer.players[0].optimiser.param_groups[0]["lr"] < 0.02


@pytest.mark.parametrize("step", [1, 20, 61, 80])
def test_a_game_killed_at_any_step_ends_bit_equal(tmp_path, step):
    options = {"max_steps": 90, "evaluate_every": 20, "measure": lambda g: abs(g.offset.item() - 1.0)}
    whole = trainer_of(normal(), **options)
    whole.run()
    path = tmp_path / "state"
    with pytest.raises(KilledError):
        trainer_of(normal(), callbacks=[Checkpoint(path, every_seconds=0), KillAt(step)], **options).run()
    resumed = trainer_of(normal(), callbacks=[Checkpoint(path)], **options)
    resumed.run()
    for name, tensor in whole.generator.state_dict().items():
        assert torch.equal(resumed.generator.state_dict()[name], tensor)
    for mine, other in zip(resumed.history, whole.history, strict=True):
        assert {k: v for k, v in mine.items() if "second" not in k} == {
            k: v for k, v in other.items() if "second" not in k
        }
    assert not path.exists()


def test_a_checkpoint_of_another_game_is_refused(tmp_path):
    path = tmp_path / "state"
    with pytest.raises(KilledError):
        trainer_of(normal(), callbacks=[Checkpoint(path, every_seconds=0), KillAt(3)]).run()
    with pytest.raises(CheckpointError, match="another path"):
        trainer_of(normal(mean=5.0), callbacks=[Checkpoint(path)]).run()


def test_a_time_budget_ends_the_game():
    trainer = trainer_of(normal(), max_steps=10**6, time_budget_seconds=0.3)
    trainer.run()
    assert trainer.schedule.phase == "decay"
    assert trainer.step < 10**5


# What it diagnoses


class BreakAt(Callback):
    def __init__(self, step, player):
        self.step, self.player = step, player

    def on_step(self, trainer):
        if trainer.step == self.step:
            with torch.no_grad():
                trainer.players[self.player].parameters[0].fill_(math.nan)


@pytest.mark.parametrize("player", [0, 1], ids=["generator", "discriminator"])
@pytest.mark.parametrize("step", [3, 50, 177])
def test_nan_in_either_network_is_survived(player, step):
    trainer = trainer_of(normal(), callbacks=[BreakAt(step, player)])
    with pytest.warns(UnstableTrainingWarning, match="half the rate"):
        trainer.run()
    assert trainer.generator.offset.item() == pytest.approx(2, abs=0.4)
    assert trainer.history[-1]["learning_rate"] <= 0.01
    assert all(np.isfinite(list(r.values())[4]) for r in trainer.history)


class Net(nn.Sequential):
    def __init__(self, n_in, n_out, units=32):
        super().__init__(nn.Linear(n_in, units), nn.ReLU(), nn.Linear(units, n_out))


def ring_game(loss, rate):
    angle = torch.arange(1024) % 8 * (2 * math.pi / 8)
    rows = torch.stack([angle.cos(), angle.sin()], dim=1)
    rows = 2 * rows + 0.02 * torch.randn(1024, 2, generator=torch.Generator().manual_seed(0))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        networks = {"generator": Net(2, 2), "discriminator": Net(2, 1)}
    return AdversarialTrainer(
        **networks,
        latent_units=2,
        loss=LOSSES[loss],
        rows=Rows(rows),
        settings=Settings(batch_size=64, learning_rate=rate, weight_decay=0.0, evaluate_every=50),
        schedule=Schedule(max_steps=400, patience_steps=400),
        root=np.random.SeedSequence(0),
    )


def test_collapse_forced_by_a_large_rate_and_no_penalty_is_diagnosed():
    trainer = ring_game("minimax", rate=0.3)
    with pytest.warns(ModeCollapseWarning, match=r"After \d+ steps .*loss='relativistic'"):
        trainer.run()
    record = trainer.history[-1]
    assert record["modes_covered"] < 0.5 or record["spread"] < 0.25 or record["told_apart"] > 0.99


def test_collapse_in_spite_of_penalties_names_the_rate():
    trainer = ring_game("hinge", rate=0.3)
    trainer.loss = dataclasses.replace(trainer.loss, penalties={"r1": 1e-9})
    with pytest.warns(ModeCollapseWarning, match=r"learning_rate lower than 0\.3"):
        trainer.run()


def test_a_game_that_goes_well_warns_of_nothing():
    trainer = ring_game("relativistic", rate=0.003)
    trainer.run()
    assert trainer.history[-1]["modes_covered"] > 0.5
