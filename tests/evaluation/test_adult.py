"""Adult, where its tables are at hand: the figures that are known of real rows and of shuffled columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ganaug.metrics import shape_error, trend_error, trend_twin


@pytest.fixture(scope="module")
def adult(data_directory) -> list[pd.DataFrame]:
    """Training and test part, and the training part with each column shuffled for itself."""
    train, test = (
        pd.read_parquet(data_directory / "tab" / f"adult_{part}.parquet") for part in ("train", "test")
    )
    rng = np.random.default_rng(0)
    shuffled = {name: train[name].iloc[rng.permutation(len(train))].array for name in train.columns}
    return [train, test, pd.DataFrame(shuffled)]


def test_independent_columns_have_a_perfect_shape_and_the_known_trend(adult):
    train, _, shuffled = adult
    assert shape_error(train, shuffled) == pytest.approx(0, abs=1e-9)
    assert 100 * trend_error(train, shuffled) == pytest.approx(7.4, abs=0.1)
    assert 100 * trend_twin(train, shuffled) == pytest.approx(7.2, abs=0.1)


def test_test_part_against_training_part_is_the_known_floor(adult):
    train, test, _ = adult
    assert 100 * shape_error(train, test) == pytest.approx(0.63, abs=0.03)
    assert 100 * trend_error(train, test) == pytest.approx(1.78, abs=0.01)
