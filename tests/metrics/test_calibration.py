"""The reliability curve of known probabilities, of constants, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from ganaug.metrics import reliability


def drawn(n_rows, seed=0):
    """Probabilities, and rows that are real just as often."""
    rng = np.random.default_rng(seed)
    predicted = rng.uniform(0.1, 0.9, n_rows)
    return predicted, rng.random(n_rows) < predicted


def test_probabilities_that_are_right_lie_on_the_diagonal():
    predicted, is_real = drawn(20_000)
    found = reliability(predicted[is_real], predicted[~is_real])
    assert len(found) == 10
    assert (abs(found["observed"] - found["predicted"]) < 4 * found["error"]).all()
    assert found["n_rows"].sum() == 20_000


def test_overconfidence_shows():
    predicted, is_real = drawn(20_000)
    odds = 2 * np.log(predicted / (1 - predicted))
    bold = 1 / (1 + np.exp(-odds))
    found = reliability(bold[is_real], bold[~is_real])
    assert found["observed"].iloc[0] > found["predicted"].iloc[0] + 0.05
    assert found["observed"].iloc[-1] < found["predicted"].iloc[-1] - 0.05


def test_both_tables_weigh_the_same():
    found = reliability(np.full(10, 0.5), np.full(1_000, 0.5))
    assert found["observed"].tolist() == pytest.approx([0.5])
    assert found["n_rows"].tolist() == [1_010]


@pytest.mark.parametrize(
    ("real", "generated", "n_bins", "message"),
    [
        ([], [0.5], 10, "real must have rows"),
        ([0.5], [1.5], 10, "generated must be probabilities.*1.5"),
        ([np.nan], [0.5], 10, "real must be probabilities.*nan"),
        ([0.5], [0.5], 0, "n_bins must be at least 1, got 0"),
    ],
)
def test_what_is_no_probability_is_refused(real, generated, n_bins, message):
    with pytest.raises(ValueError, match=message):
        reliability(real, generated, n_bins=n_bins)
