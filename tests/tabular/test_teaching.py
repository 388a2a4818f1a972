"""Lessons: the noise is what the teacher's rows are a function of."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import kstest

from ganaug import Cascade, GANSynthesizer, Residual
from ganaug.tabular.residual import ResidualNetwork
from ganaug.tabular.rollout import roll_out
from ganaug.tabular.teaching import _two_fold_auc, draw_lessons, lesson_loss
from tests.tabular.test_residual import LABELS, TABLE


@pytest.fixture(scope="module")
def teacher():
    options = Cascade(hidden_units=16, context_units=32, n_components=3)
    return GANSynthesizer(generator=options, max_epochs=6, random_state=0).fit(TABLE, LABELS)


@pytest.fixture(scope="module")
def pupil(teacher):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return ResidualNetwork(teacher._model.modality.fields, 1, Residual(hidden_units=32, n_blocks=1))


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def lessons_of(teacher, pupil, n=4000):
    return draw_lessons(teacher.generator_, pupil, n, torch.zeros(n, dtype=torch.long), rng())


def test_noise_is_standard_normal_and_independent(teacher, pupil):
    noise = lessons_of(teacher, pupil).noise.numpy()
    assert noise.shape == (4000, pupil.noise_units)
    for column in noise.T:
        assert kstest(column, "norm").pvalue > 1e-3
    correlation = np.corrcoef(noise.T) - np.eye(noise.shape[1])
    assert np.abs(correlation).max() < 0.07


def test_rows_are_the_teachers(teacher, pupil):
    codes = lessons_of(teacher, pupil).codes.numpy()
    label = {len(pupil.drawn): torch.zeros(4000, dtype=torch.int32)}
    drawn = roll_out(teacher.generator_, 4000, rng(1), label).numpy()
    for column in range(codes.shape[1]):
        both = pd.cut(pd.Series(np.r_[codes[:, column], drawn[:, column]]), 8).cat.codes.to_numpy()
        shares = [np.bincount(part, minlength=8) / 4000 for part in (both[:4000], both[4000:])]
        assert np.abs(shares[0] - shares[1]).max() < 0.12  # one order here, the mixture over orders there


def test_the_first_column_is_a_monotone_function_of_its_noise(teacher, pupil):
    lessons = lessons_of(teacher, pupil)
    kind, own = lessons.codes[:, 0], lessons.noise[:, 0]
    ordered = kind[own.argsort()]
    assert (ordered.diff() >= 0).all()  # a class by inverting the distribution function


def test_scores_and_cells_agree(teacher, pupil):
    lessons = lessons_of(teacher, pupil)
    for i, (span, place) in enumerate(pupil.space.places):
        if place is not None:
            rows = torch.zeros(4000, pupil.space.width)
            rows[:, place] = lessons.scores[:, i]
            if span is not None:
                rows[:, span.stop - 1] = 1
            found = pupil.space.codes(rows)[:, i]
            in_cell = lessons.codes[:, i] >= pupil.drawn[i].n_points
            assert torch.equal(found[in_cell].long(), lessons.codes[in_cell, i].long())


def test_a_pupil_gets_better(teacher, pupil):
    rows = torch.zeros(256, len(pupil.drawn) + 1, dtype=torch.long)
    optimiser = torch.optim.Adam(pupil.parameters(), lr=0.005)
    random, losses = rng(), []
    for _ in range(60):
        loss = lesson_loss(teacher.generator_, pupil, rows, random)
        assert loss.shape == (256,)
        losses.append(loss.mean().item())
        optimiser.zero_grad()
        loss.mean().backward()
        optimiser.step()
    assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:5])


def test_the_judge_knows_the_ends_of_its_scale():
    random = np.random.default_rng(0)
    is_real = np.arange(600) < 300
    same, other = random.integers(9, size=(600, 2)), random.integers(9, size=(600, 2)) + 9 * is_real[:, None]
    assert _two_fold_auc(same, is_real, np.ones(600)) == pytest.approx(0.5, abs=0.08)
    assert _two_fold_auc(other, is_real, np.ones(600)) == 1
