"""GANImputer is a scikit-learn transformer that leaves no gap, and touches nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from ganaug import Cascade, GANImputer, GANSynthesizer

TINY = Cascade(hidden_units=8, context_units=16, embedding_units=4)


def small(**parameters):
    synthesizer = GANSynthesizer(generator=TINY, max_epochs=2)
    return GANImputer(synthesizer, **{"n_draws": 3, "random_state": 0, **parameters})


@parametrize_with_checks([small()])
def test_scikit_learn_s_own_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    n = 120
    x = rng.normal(size=n).round(3)
    frame = pd.DataFrame(
        {
            "x": x,
            "double": 2 * x,
            "sign": np.where(x > 0, "plus", "minus"),
            "whole": pd.array(rng.integers(0, 1000, n), dtype="Int64"),
            "flag": pd.array(rng.random(n) < 0.5, dtype="boolean"),
            "never": np.nan,
        },
        index=pd.RangeIndex(1000, 1000 + n),
    )
    holes = rng.random(frame.shape) < 0.2
    return frame.mask(holes)


@pytest.mark.parametrize("strategy", ["median", "mean", "draw"])
def test_every_gap_is_filled_and_nothing_else_changes(table, strategy):
    filled = small(strategy=strategy).fit_transform(table)
    pd.testing.assert_series_equal(filled.dtypes, table.dtypes)
    assert filled.index.equals(table.index)
    assert filled["never"].isna().all()
    assert filled.drop(columns="never").notna().all().all()
    for name in table:
        present = table[name].notna()
        pd.testing.assert_series_equal(filled.loc[present, name], table.loc[present, name])


def test_transform_repeats_and_draws_differ(table):
    imputer = small(strategy="draw").fit(table)
    pd.testing.assert_frame_equal(imputer.transform(table), imputer.transform(table))
    first, second = imputer.impute(table, n_draws=2, random_state=1)
    assert not first.equals(second)
    pd.testing.assert_frame_equal(first, imputer.impute(table, n_draws=2, random_state=1)[0])


def test_a_median_is_a_value_that_was_drawn(table):
    imputer = small(n_draws=4).fit(table)
    gaps = table["whole"].isna()
    draws = imputer.impute(table[gaps], n_draws=4, random_state=imputer._entropy)
    middle = np.sort([draw["whole"].to_numpy(dtype=float) for draw in draws], axis=0)[1]
    assert imputer.transform(table[gaps])["whole"].tolist() == middle.tolist()


def test_the_most_frequent_draw_of_a_category():
    frame = pd.DataFrame({"a": ["x"] * 95 + ["y"] * 5, "b": np.arange(100.0)})
    imputer = small(n_draws=15).fit(frame)
    assert imputer.transform(pd.DataFrame({"a": [None], "b": [50.0]}))["a"].tolist() == ["x"]


def test_of_many_levels_the_likeliest_is_taken_whatever_is_drawn():
    letters = np.array(list("abcdefghijklmnopqrst"))
    rng = np.random.default_rng(0)
    shares = np.r_[0.12, np.full(19, 0.88 / 19)]
    frame = pd.DataFrame({"a": rng.choice(letters, 1_000, p=shares), "b": rng.normal(size=1_000)})
    imputer = small(n_draws=1).fit(frame)
    gaps = pd.DataFrame({"a": [None] * 60, "b": rng.normal(size=60)})
    filled = imputer.transform(gaps)["a"]
    drawn = imputer.impute(gaps, n_draws=1, random_state=0)[0]["a"]
    assert filled.nunique() <= 3
    assert drawn.nunique() > 10


@pytest.mark.parametrize("output", ["default", "pandas"])
def test_set_output_and_names(table, output):
    imputer = small().set_output(transform=output).fit(table)
    filled = imputer.transform(table)
    assert isinstance(filled, pd.DataFrame)
    assert imputer.get_feature_names_out().tolist() == table.columns.tolist()


def test_in_a_pipeline_of_arrays():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    y = X.sum(axis=1)
    X[rng.random(X.shape) < 0.1] = np.nan
    model = make_pipeline(small(), LinearRegression()).fit(X, y)
    assert model.score(X, y) > 0.5


@pytest.mark.parametrize(
    ("parameters", "named"), [({"n_draws": 0}, "n_draws.*0"), ({"strategy": "best"}, "strategy.*'best'")]
)
def test_wrong_parameters_are_named(table, parameters, named):
    with pytest.raises(ValueError, match=named):
        small(**parameters).fit(table)
