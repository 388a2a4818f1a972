"""Rare ranges of numbers and rare combinations of outputs get rows whose outputs are those asked for."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import Ridge

from ganaug import AugmentedRegressor, Cascade, GANOversampler, GANSynthesizer
from ganaug.exceptions import InvalidTableError
from ganaug.pipelines.targets import relevance

TINY = Cascade(hidden_units=8, context_units=16, embedding_units=4)


def sampler(target, **parameters):
    synthesizer = GANSynthesizer(generator=TINY, max_epochs=1, discriminator=None)
    return GANOversampler(**{"target": target, "synthesizer": synthesizer, "random_state": 0, **parameters})


class Noisy(BaseEstimator):
    """Draws rows of the label again, their last column anywhere."""

    fits = 0

    def fit(self, X, y):
        Noisy.fits += 1
        self.X_, self.y_ = np.asarray(X, dtype=float), np.asarray(y)
        return self

    def sample(self, n, *, y):
        rng = np.random.default_rng(0)
        rows = self.X_[[rng.choice(np.flatnonzero(self.y_ == label)) for label in y]]
        rows[:, -1] = rng.uniform(-99, 99, n)
        return rows


@pytest.fixture(scope="module")
def prices():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"size": rng.normal(size=80), "city": rng.choice(["a", "b"], 80)})
    return X, pd.Series(np.r_[rng.normal(10, 1, 74), 30.0 + np.arange(6)], name="price")


def test_relevance_is_one_beyond_the_whiskers_and_nought_at_the_median():
    values = np.array([1.0, 2, 3, 4, 5, 6, 7, 99])
    found = relevance(values)
    assert found[-1] == 1
    assert found[6] == 1  # the end of the whisker
    assert (found[:4] == 0).all()  # nothing is extreme on the other side
    assert (np.diff(found[3:7]) > 0).all()
    np.testing.assert_allclose(relevance(-values), found)
    assert (relevance(np.arange(9.0)) == 0).all()


def test_rare_ranges_get_rows_whose_target_lies_within(prices):
    X, y = prices
    model = sampler("relevance")
    more, target = model.fit_resample(X, y)
    n_high = int((target[:80] >= 30).sum())
    counts = Counter(model._strata.labels)
    assert model.sampling_strategy_["high"] == counts["usual"] - counts["high"]
    assert len(more) == len(target) == 80 + sum(model.sampling_strategy_.values())
    pd.testing.assert_frame_equal(more[:80], X)
    pd.testing.assert_series_equal(target[:80], y)
    assert n_high == 6
    assert target[80:].max() <= 35
    assert more.dtypes.equals(X.dtypes)


@pytest.mark.parametrize("synthesizer", [Noisy(), None])
def test_bounds_of_ones_own_hold_whatever_draws(synthesizer):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 2)), np.r_[rng.uniform(0, 1, 50), rng.uniform(5, 6, 10)]
    given = {} if synthesizer is None else {"synthesizer": synthesizer}
    more, target = sampler([3.0], sampling_strategy={1: 30}, **given).fit_resample(X, y)
    assert more.shape == (80, 2)
    assert target.dtype == y.dtype
    assert ((target[60:] >= y[50:].min()) & (target[60:] <= y[50:].max())).all()


def test_combinations_of_outputs_are_what_is_rare(prices):
    X, price = prices
    y = pd.DataFrame({"sold": ["yes", "no"] * 40, "price": price, "kind": [1, 1, 1, 2] * 20})
    model = sampler("combination", sampling_strategy={"yes, high, 1": 9})
    have = Counter(model.fit(X, y)._strata.labels)["yes, high, 1"]
    more, outputs = model.fit_resample(X, y)
    drawn = outputs[80:]
    assert len(more) == len(outputs) == 80 + 9 - have
    assert drawn["sold"].eq("yes").all()
    assert drawn["kind"].eq(1).all()
    high = price[model._strata.labels == "yes, high, 1"]
    assert drawn["price"].between(high.min(), high.max()).all()
    assert outputs.dtypes.equals(y.dtypes)


def test_labels_alone_are_combinations_in_any_container():
    rng = np.random.default_rng(0)
    X = pl.DataFrame({"a": rng.normal(size=40), "b": rng.normal(size=40)})
    y = np.c_[np.repeat([0, 1], 20), np.repeat([0, 1, 0], [10, 28, 2])]
    more, labels = sampler("combination").fit_resample(X, y)
    assert Counter(map(tuple, labels.tolist())) == {(0, 0): 18, (0, 1): 18, (1, 1): 18, (1, 0): 18}
    assert isinstance(more, pl.DataFrame)


WRONG = [
    ("relevance", np.arange(20.0), InvalidTableError, "No value of y is rare.*from 0 to 19"),
    ([2.0, 1.0], np.arange(20.0), ValueError, r"increase; got \[2.0, 1.0\]"),
    ("rare", np.arange(20.0), ValueError, "target"),
    ("relevance", np.ones((20, 2)), ValueError, "2 outputs.*'relevance'"),
    ([3.0], np.r_[np.arange(19.0), np.nan], InvalidTableError, "missing values, 1"),
    ([99.0], np.arange(20.0), ValueError, "class"),
]


@pytest.mark.parametrize(("target", "y", "error", "named"), WRONG)
def test_what_is_wrong_is_told_before_training(target, y, error, named):
    Noisy.fits = 0
    with pytest.raises(error, match=named):
        sampler(target, synthesizer=Noisy()).fit_resample(np.ones((20, 1)), y)
    assert Noisy.fits == 0


def test_a_regressor_takes_the_sampler(prices):
    X, y = prices
    numbers = X[["size"]]
    model = AugmentedRegressor(Ridge(), sampler=sampler("relevance"), random_state=0).fit(numbers, y)
    assert model.sampler_.is_synthetic_.sum() == sum(model.sampler_.sampling_strategy_.values())
    assert isinstance(model.synthesizer_, GANSynthesizer)
    assert model.predict(numbers).shape == (80,)
