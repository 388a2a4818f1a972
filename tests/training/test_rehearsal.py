"""Made-up rows before the real ones: learned from as long as held-out rows gain by it."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from ganaug import GANSynthesizer
from ganaug.exceptions import InterruptedFitWarning
from ganaug.tabular import likelihood
from ganaug.training.player import Player
from ganaug.training.rehearsal import EVALUATE_EVERY, MOST_STEPS, PATIENCE, UNJUDGED_STEPS, rehearse


class Point(nn.Module):
    """One number, which learns the mean of rows."""

    def __init__(self):
        super().__init__()
        self.at = nn.Parameter(torch.zeros(1))


def square(network, rows, generator):
    return (rows - network.at) ** 2


class Fit:
    """A rehearsal of a `Point`, and how many batches it took."""

    def __init__(self, judge, *, centre=1.0, is_over=lambda: False):
        self.n_batches, self.centre = 0, centre
        player = Player(Point(), learning_rate=0.01)
        self.found = rehearse(player, square, self.draw, judge, torch.Generator().manual_seed(0), is_over)[0]

    def draw(self, n, generator):
        self.n_batches += 1
        return self.centre + 0.01 * torch.randn((n, 1), generator=generator)


def distance_to(target):
    return lambda average: float((average.values[0] - target).abs())


def test_it_ends_where_held_out_rows_gain_no_more_and_keeps_the_best():
    fit = Fit(distance_to(0.6))
    assert fit.n_batches < MOST_STEPS
    assert fit.n_batches % EVALUATE_EVERY == 0
    assert abs(float(fit.found) - 0.6) < 0.4


def test_what_is_no_gain_leaves_the_weights_as_they_were():
    fit = Fit(distance_to(-1.0))
    assert fit.n_batches == PATIENCE * EVALUATE_EVERY
    assert float(fit.found) == 0.0


def test_without_a_judge_it_has_a_length_of_its_own():
    fit = Fit(None)
    assert fit.n_batches == UNJUDGED_STEPS
    assert float(fit.found) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("judge", [None, distance_to(1.0)])
def test_weights_that_are_not_finite_are_never_kept(judge):
    assert float(Fit(judge, centre=float("nan")).found) == 0.0


def test_it_ends_when_time_is_over():
    assert Fit(distance_to(1.0), is_over=lambda: True).n_batches == EVALUATE_EVERY


def table(n=150):
    rng = np.random.default_rng(0)
    x = rng.normal(size=n)
    return pd.DataFrame({f"x{at}": x + 0.3 * rng.normal(size=n) for at in range(6)})


def losses(synthesizer):
    return [record["validation_loss"] for record in synthesizer.history_ if record["validation_loss"]]


def test_few_rows_are_learned_better_after_it(monkeypatch):
    found = []
    for limit in (0, likelihood._MOST_TO_REHEARSE):
        monkeypatch.setattr(likelihood, "_MOST_TO_REHEARSE", limit)
        found.append(min(losses(GANSynthesizer(random_state=0, discriminator=None).fit(table()))))
    assert found[1] < found[0] - 0.1


@pytest.mark.parametrize("options", [{"max_epochs": 2}, {"warm_start": True}])
def test_a_fit_of_given_length_and_one_that_goes_on_do_without(options, monkeypatch):
    synthesizer = GANSynthesizer(random_state=0, discriminator=None, **options)
    if "warm_start" in options:
        synthesizer.set_params(max_epochs=1).fit(table()).set_params(max_epochs="auto")
        synthesizer.set_params(time_budget_seconds=1.0)
    rehearsed = []
    monkeypatch.setattr("ganaug.training.trainer.rehearse", lambda player, *_: rehearsed.append(player))
    assert len(synthesizer.fit(table()).sample(3)) == 3
    assert not rehearsed


def test_an_interruption_ends_the_fit_with_a_warning(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("ganaug.training.trainer.rehearse", interrupted)
    with pytest.warns(InterruptedFitWarning):
        synthesizer = GANSynthesizer(random_state=0).fit(table())
    assert len(synthesizer.sample(5)) == 5


def test_it_repeats_to_the_bit():
    pair = [
        GANSynthesizer(random_state=3, discriminator=None).fit(table(60)).sample(20, random_state=1)
        for _ in "ab"
    ]
    pd.testing.assert_frame_equal(*pair)
