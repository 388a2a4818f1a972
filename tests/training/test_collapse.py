"""The detector on samples whose variety is known."""

from __future__ import annotations

import warnings

import pytest
import torch

from ganaug.exceptions import ModeCollapseWarning
from ganaug.training.collapse import PATIENCE, CollapseDetector

GOOD = {"modes_covered": 1.0, "spread": 1.0, "told_apart": 0.6, "generator_gradient": 0.1}


def eight_modes(n, seed=0):
    random = torch.Generator().manual_seed(seed)
    which = torch.randint(8, (n,), generator=random)
    centres = torch.eye(8)[which] * 10
    return centres + 0.1 * torch.randn(n, 8, generator=random), which


def detector(conditional=False):
    real, which = eight_modes(600)
    return CollapseDetector(real, which if conditional else None)


def test_real_samples_cover_themselves():
    found = detector().look(eight_modes(552, seed=1)[0])
    assert found["modes_covered"] > 0.98
    assert found["spread"] == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("n_modes", [1, 2, 4])
def test_samples_of_some_modes_cover_their_share(n_modes):
    samples, which = eight_modes(4000, seed=1)
    chosen = samples[which < n_modes][:552]
    assert detector().look(chosen)["modes_covered"] == pytest.approx(n_modes / 8, abs=0.07)


def test_spread_is_that_within_a_class():
    judge = detector(conditional=True)
    (classes,) = judge.given
    narrow = torch.eye(8)[classes] * 10 + 0.01 * torch.randn(len(classes), 8)
    assert judge.look(narrow)["spread"] == pytest.approx(0.1, abs=0.03)
    assert detector().look(narrow)["spread"] == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("entry", "value", "text"),
    [
        ("modes_covered", 0.1, "covers only 10% of the real modes"),
        ("spread", 0.05, "vary only 5% as much"),
        ("told_apart", 1.0, "tells 100.0% of the samples apart"),
    ],
)
def test_each_symptom_warns_once_and_names_the_knob(entry, value, text):
    judge = detector()
    bad = {**GOOD, entry: value}
    for _ in range(PATIENCE - 1):
        judge.judge(bad, 50, 0.1, is_penalised=False)
    with pytest.warns(ModeCollapseWarning, match=f"After 50 steps.*{text}.*loss='relativistic'"):
        judge.judge(bad, 50, 0.1, is_penalised=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        judge.judge(bad, 60, 0.1, is_penalised=False)


def test_a_bad_moment_is_no_collapse():
    judge = detector()
    for _ in range(3 * PATIENCE):
        judge.judge({**GOOD, "spread": 0.0}, 50, 0.1, is_penalised=True)
        judge.judge(GOOD, 60, 0.1, is_penalised=True)


@pytest.mark.parametrize("n", [1, 2, 9])
def test_few_samples_and_images_will_do(n):
    real = torch.rand(n, 2, 3)
    judge = CollapseDetector(real, None)
    assert judge.look(torch.rand(judge.n_judged, 2, 3))["modes_covered"] >= 0


def test_pixels_share_a_scale():
    random = torch.Generator().manual_seed(0)
    real = torch.randn(400, 1, 4, 4, generator=random)
    real[:, :, 0] *= 1e-4  # an edge that hardly varies
    fake = torch.randn(352, 1, 4, 4, generator=random)
    fake[:, :, 0] *= 0.05
    found = CollapseDetector(real, None).look(fake)
    assert found["spread"] == pytest.approx(1, abs=0.1)
    assert found["modes_covered"] > 0.9
