"""Rows near given ones keep their labels, most of their cells, their container, and what constraints say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from ganaug import Cascade, GANSynthesizer
from ganaug.constraints import Inequality, Unique
from ganaug.exceptions import UnsupportedError

TINY = Cascade(hidden_units=8, context_units=16, embedding_units=4)


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    low = rng.normal(size=60)
    X = pd.DataFrame({"low": low, "high": low + rng.uniform(1, 2, 60), "level": rng.choice(["a", "b"], 60)})
    X.loc[::4, "low"] = np.nan
    return X, np.array(["x", "y"] * 30)


def fitted(X, y, **parameters):
    given = {"generator": TINY, "max_epochs": 2, "discriminator": None, "random_state": 0, **parameters}
    return GANSynthesizer(**given).fit(X, y)


def test_one_cell_of_a_row_is_drawn_again_at_least_and_all_at_most(table):
    X, y = table
    model = fitted(X, y)
    one, every = (model.vary(X, y, share=share, random_state=0) for share in (0.0, 1.0))
    same_level = {
        name: (rows["level"] == X["level"]).mean() for name, rows in (("one", one), ("every", every))
    }
    assert same_level["one"] > 0.7 > same_level["every"]
    near = (one["high"] - X["high"]).abs() < 0.3
    assert near.mean() > 0.55 > ((every["high"] - X["high"]).abs() < 0.3).mean()
    assert one.dtypes.equals(X.dtypes)


def test_missing_cells_are_cells_like_others(table):
    X, y = table
    rows = fitted(X, y).vary(X, y, share=0.0, random_state=0)
    assert rows["low"][::4].isna().mean() > 0.4


def test_random_state_repeats_and_none_goes_on(table):
    X, y = table
    model = fitted(X, y)
    pd.testing.assert_frame_equal(model.vary(X, y, random_state=1), model.vary(X, y, random_state=1))
    assert not model.vary(X, y).equals(model.vary(X, y))


def test_rows_come_in_what_was_fitted():
    X = pl.DataFrame({"a": np.arange(40.0), "b": ["x", "y"] * 20})
    model = GANSynthesizer(generator=TINY, max_epochs=1, discriminator=None, random_state=0).fit(X)
    assert model.vary(X[:5]).schema == X.schema


def test_constraints_hold_and_what_can_not_be_varied_is_told(table):
    X, y = table
    model = fitted(X, y, constraints=[Inequality("low", "high")])
    rows = model.vary(X, y)
    assert not (rows["low"] > rows["high"]).any()
    with pytest.raises(UnsupportedError, match="Unique"):
        fitted(X.reset_index(names="key"), y, constraints=[Unique(["key"])]).vary(
            X.reset_index(names="key"), y
        )
    with pytest.raises(ValueError, match=r"share.*1\.5"):
        model.vary(X, y, share=1.5)
