"""The neural guide: what it tells, what it makes of the unknown, its way into a file and back."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganaug.exceptions import ModelFileError
from ganaug.tabular.columns.base import CategoryField
from ganaug.tabular.guidance import Trust, measure_trust
from ganaug.tabular.neural_guide import NeuralGuide
from tests.tabular.test_discriminator import FIELDS, draw
from tests.tabular.test_guidance import FIELDS as TWO
from tests.tabular.test_guidance import related, unrelated


@pytest.fixture(scope="module")
def guide():
    """It has seen real rows whose second number is above the middle when their last level is 1."""
    real, fake = draw(1_500, 0), draw(3_000, 1)
    real[:, 1] = np.where((real[:, 4] == 1) == (real[:, 1] > 15), real[:, 1], 31 - real[:, 1])
    return NeuralGuide.fit(FIELDS, real, fake, amount=150)


def test_it_learns_a_dependence_that_no_column_shows_alone(guide):
    rows = draw(2_000, 2)
    odds = guide.log_odds(torch.from_numpy(rows)).numpy()
    goes_together = (rows[:, 4] == 1) == (rows[:, 1] > 15)
    assert odds[goes_together].mean() > 0.4
    assert odds[~goes_together].mean() < -1


def test_a_row_is_judged_by_itself_and_the_unknown_is_no_error(guide):
    rows = torch.from_numpy(draw(60, 3))
    torch.testing.assert_close(guide.log_odds(rows)[7:9], guide.log_odds(rows[7:9]))
    rows[:, :] = -1
    odds = guide.log_odds(rows)
    assert torch.isfinite(odds).all()
    assert len(odds.unique()) == 1


def test_cells_of_a_number_share_a_vector_and_categories_have_their_own():
    assert NeuralGuide(FIELDS).embedding.shape[0] == 7 + 3 + 5 + 400 + 3


def test_stages_are_those_of_a_longer_training(monkeypatch):
    monkeypatch.setattr(NeuralGuide, "stages", (5, 15))
    real, fake = draw(600, 0), draw(900, 1)
    judged = [torch.from_numpy(draw(50, 4))]
    (odds,) = NeuralGuide.try_out(FIELDS[:1], real[:, :1], fake[:, :1], [judged[0][:, :1]])
    assert odds.shape == (len(NeuralGuide.stages), 50)
    again = NeuralGuide.fit(FIELDS[:1], real[:, :1], fake[:, :1], amount=NeuralGuide.stages[1])
    torch.testing.assert_close(again.log_odds(judged[0][:, :1]), odds[1])


def test_global_random_state_is_left_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    NeuralGuide.fit(TWO, related(300, 0), unrelated()(300).numpy(), amount=2)
    assert torch.equal(torch.get_rng_state(), before)


def test_weights_of_rows_count():
    real = related(2_000, 0)
    same = (real[:, 0] == real[:, 1]).astype(float)
    guide = NeuralGuide.fit(TWO, real, unrelated()(3_000).numpy(), amount=150, sample_weight=1e-6 + same)
    odds = guide.log_odds(torch.tensor([[1, 1], [1, 2]]))
    assert odds[0] > 0.8
    assert odds[1] < -2


def test_held_out_rows_judge_it_by_the_divergence(monkeypatch):
    monkeypatch.setattr(NeuralGuide, "stages", (80, 160))
    held_out = torch.from_numpy(related(2_000, 5))
    trust = measure_trust(TWO, related(3_000, 0), held_out, unrelated(), used=range(2), kind="neural")
    divergence = 0.775 * np.log(0.775 * 4) + 0.225 * np.log(0.225 * 4 / 3)
    assert trust.amount > 0
    assert trust.gain == pytest.approx(divergence, abs=0.08)


def test_it_is_dropped_where_nothing_differs_but_for_chance(monkeypatch):
    monkeypatch.setattr(NeuralGuide, "stages", (20, 40))
    found = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        real, held_out = rng.integers(0, 4, (2_000, 2)), torch.from_numpy(rng.integers(0, 4, (1_000, 2)))
        found.append(measure_trust(TWO, real, held_out, unrelated(), used=range(2), kind="neural"))
    assert found.count(Trust(0, 0.0, 0.0)) >= 3  # a gain must be one standard error: chance has it one in six
    assert max(trust.gain for trust in found) < 0.005


def test_a_state_comes_back(guide):
    header, arrays = guide.to_state()
    rows = torch.from_numpy(draw(40, 5))
    back = NeuralGuide.from_state(header, arrays, FIELDS)
    assert torch.equal(back.log_odds(rows), guide.log_odds(rows))


@pytest.mark.parametrize(
    "change", [{"units": 64}, {"units": 10**9}, {"blocks": 3}, {"blocks": -1}, {"n_codes": 1}]
)
def test_a_header_that_contradicts_the_arrays_is_refused(guide, change):
    header, arrays = guide.to_state()
    with pytest.raises(ModelFileError):
        NeuralGuide.from_state({**header, **change}, arrays, FIELDS)


def test_arrays_that_are_no_network_are_refused(guide):
    header, arrays = guide.to_state()
    for name, array in (("embedding", np.full_like(arrays["embedding"], np.nan)), ("more", np.zeros(2))):
        with pytest.raises(ModelFileError):
            NeuralGuide.from_state(header, {**arrays, name: array}, FIELDS)
    with pytest.raises(ModelFileError, match="another table"):
        NeuralGuide.from_state(header, arrays, [*FIELDS[:-1], CategoryField(9, np.ones(9))])
