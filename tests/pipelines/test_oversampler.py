"""GANOversampler passes imbalanced-learn's own checks, and adds exactly the rows that were asked for."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import polars as pl
import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline
from imblearn.utils.estimator_checks import estimator_checks_generator
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from ganaug import Cascade, GANOversampler, GANSynthesizer
from ganaug.exceptions import ContractError, GanaugWarning

TINY = Cascade(hidden_units=8, context_units=16, embedding_units=4)
EXPECTED_TO_FAIL = {"check_samplers_pandas_sparse": "sparse tables are refused by name"}


def small(**parameters):
    synthesizer = GANSynthesizer(generator=TINY, max_epochs=1, discriminator=None)
    return GANOversampler(**{"synthesizer": synthesizer, "random_state": 0, **parameters})


# What parametrize_with_checks does, with a list in place of the generator that pytest 9 warns of.
CHECKS = list(estimator_checks_generator(small(), expected_failed_checks=EXPECTED_TO_FAIL, mark="xfail"))


@pytest.mark.parametrize(("estimator", "check"), CHECKS)
def test_imbalanced_learn_s_own_checks(estimator, check):
    check(estimator)


class Again(BaseEstimator):
    """A synthesizer of somebody else: real rows of the label again, as floats in an array."""

    fits = 0

    def __init__(self, factor=1, random_state=None):
        self.factor = factor
        self.random_state = random_state

    def fit(self, X, y):
        type(self).fits += 1
        self.X_, self.y_ = np.asarray(X, dtype=float), np.asarray(y)
        return self

    def sample(self, n, *, y):
        rng = np.random.default_rng(self.random_state)
        rows = [rng.choice(np.flatnonzero(self.y_ == label)) for label in y[: n * self.factor]]
        return self.X_[rows] + 0.4


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    n = 90
    X = pd.DataFrame(
        {
            "number": rng.normal(size=n).astype(np.float32),
            "gaps": np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n)),
            "text": rng.choice(["a", "b", None], n),
            "level": pd.Categorical(rng.choice(["lo", "hi"], n), ["lo", "hi"], ordered=True),
            "whole": pd.array(rng.integers(0, 9, n), dtype="Int64"),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 99, n), unit="D"),
            7: rng.random(n) < 0.5,
        },
        index=np.arange(n) * 3,
    )
    y = pd.Series(["common"] * 60 + ["rare"] * 20 + ["rarest"] * 10, index=X.index, name="kind")
    return X, y


def test_real_rows_come_first_as_they_were_then_those_drawn(table):
    X, y = table
    sampler = small()
    more, labels = sampler.fit_resample(X, y)
    pd.testing.assert_frame_equal(more[:90], X.reset_index(drop=True))
    pd.testing.assert_series_equal(labels[:90], y.reset_index(drop=True))
    assert Counter(labels[90:]) == {"rare": 40, "rarest": 50} == sampler.sampling_strategy_
    assert sampler.is_synthetic_.tolist() == [False] * 90 + [True] * 90
    assert not more[90:].duplicated(["number", "gaps"]).all()
    assert sampler.synthesizer_.classes_.tolist() == ["common", "rare", "rarest"]


def test_polars_comes_back_as_polars(table):
    X = pl.DataFrame({"number": [0.5, 1.5, 2.5, 3.5] * 10, "text": ["a", None, "b", "a"] * 10})
    y = pl.Series("kind", ["x"] * 30 + ["y"] * 10)
    more, labels = small().fit_resample(X, y)
    assert more.schema == X.schema
    assert more[:40].equals(X)
    assert (labels.name, labels.dtype) == ("kind", pl.String)
    assert labels.value_counts().sort("kind")["count"].to_list() == [30, 30]


def only_second(y):
    return {1: 25}


@pytest.mark.parametrize(
    ("strategy", "counts"),
    [
        ("auto", {0: 40, 1: 40, 2: 40}),
        ("minority", {0: 40, 1: 12, 2: 40}),
        ("not minority", {0: 40, 1: 40, 2: 8}),
        ("all", {0: 40, 1: 40, 2: 40}),
        ({1: 13}, {0: 40, 1: 13, 2: 8}),
        (only_second, {0: 40, 1: 25, 2: 8}),
    ],
)
def test_every_form_of_strategy_is_exact(strategy, counts):
    X, y = np.arange(120.0).reshape(60, 2), np.repeat([0, 1, 2], [40, 12, 8])
    sampler = small(sampling_strategy=strategy, synthesizer=Again())
    _, labels = sampler.fit_resample(X, y)
    assert Counter(labels.tolist()) == counts


def test_a_float_is_the_ratio_of_two_classes():
    X, y = np.arange(100.0).reshape(50, 2), np.repeat([True, False], [10, 40])
    _, labels = small(sampling_strategy=0.5, synthesizer=Again()).fit_resample(X, y)
    assert Counter(labels.tolist()) == {True: 20, False: 40}
    assert labels.dtype == bool


@pytest.mark.parametrize("n_rare", [1, 2, 20])
@pytest.mark.filterwarnings("ignore:One row doesn't show:ganaug.exceptions.GanaugWarning")
def test_the_smallest_classes_are_drawn(n_rare):
    X = np.random.default_rng(0).normal(size=(60 + n_rare, 2))
    y = np.array(["common"] * 60 + ["rare"] * n_rare)
    more, labels = small().fit_resample(X, y)
    assert Counter(labels) == {"common": 60, "rare": 60}
    assert np.isfinite(more).all()


def test_a_class_of_one_row_is_told_of():
    with pytest.warns(GanaugWarning, match="one row: b"):
        small(synthesizer=Again()).fit_resample([[1.0], [2.0], [3.0]], ["a", "a", "b"])


def test_many_classes_that_are_numbers_are_classes():
    y = np.r_[np.arange(40).repeat(3), np.zeros(3, dtype=int)]
    _, labels = small().fit_resample(np.random.default_rng(0).normal(size=(123, 2)), y)
    assert set(Counter(labels.tolist()).values()) == {6}


def test_nothing_to_draw_trains_nothing():
    X, y = np.arange(20.0).reshape(10, 2), np.repeat([0, 1], 5)
    Again.fits = 0
    sampler = small(synthesizer=Again())
    more, labels = sampler.fit_resample(X, y)
    np.testing.assert_array_equal(more, X)
    np.testing.assert_array_equal(labels, y)
    assert Again.fits == 0
    assert sampler.synthesizer_ is None
    assert not sampler.is_synthetic_.any()


WRONG = [
    ({"sampling_strategy": {2: 9}}, np.ones((6, 2)), [0, 0, 0, 0, 1, 1], "not present"),
    ({"sampling_strategy": {1: 1}}, np.ones((6, 2)), [0, 0, 0, 0, 1, 1], "greater or equal"),
    ({"sampling_strategy": "most"}, np.ones((6, 2)), [0, 0, 0, 0, 1, 1], "sampling_strategy"),
    ({}, np.ones((6, 2)), [1] * 6, "class"),
    ({}, np.ones((6, 2)), [0, 0, 1], "inconsistent"),
    ({}, np.ones((6, 2)), pd.Series(["a", "a", "b", "b", "b", None]), "missing values, 1"),
    ({}, np.ones((3, 2)), [0.0, np.nan, 1.0], "missing values, 1"),
    ({}, np.ones(6), [0, 0, 0, 0, 1, 1], "1D array"),
]


@pytest.mark.parametrize(("parameters", "X", "y", "named"), WRONG)
def test_what_is_wrong_is_told_before_training(parameters, X, y, named):
    Again.fits = 0
    with pytest.raises((ValueError, TypeError), match=named):
        small(synthesizer=Again(), **parameters).fit_resample(X, y)
    assert Again.fits == 0


def test_sparse_is_refused_by_name():
    with pytest.raises(TypeError, match=r"Sparse input.*toarray"):
        small().fit_resample(sparse.csr_matrix(np.eye(6)), [0, 0, 0, 0, 1, 1])


def test_a_synthesizer_without_the_methods_is_refused():
    with pytest.raises(ValueError, match="synthesizer"):
        small(synthesizer=LogisticRegression()).fit_resample(np.ones((3, 1)), [0, 0, 1])


def test_floats_of_another_synthesizer_are_rounded_in_whole_columns():
    X = pd.DataFrame({"whole": np.arange(10), "real": np.arange(10.0)})
    more, _ = small(synthesizer=Again()).fit_resample(X, [0] * 8 + [1] * 2)
    assert more.dtypes.tolist() == X.dtypes.tolist()
    assert set(more["whole"][10:]) <= {8, 9}
    assert set(more["real"][10:]) <= {8.4, 9.4}


def test_a_synthesizer_that_draws_too_few_is_told_of():
    with pytest.raises(ContractError, match=r"to draw rows and columns \(6, 2\), and drew \(0, 2\)"):
        small(synthesizer=Again(factor=0)).fit_resample(np.ones((10, 2)), [0] * 8 + [1] * 2)


def test_random_state_is_passed_down_where_none_was_given():
    X, y = np.random.default_rng(0).normal(size=(40, 2)), [0] * 30 + [1] * 10
    first, second = (small(synthesizer=Again()).fit_resample(X, y)[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    sampler = small(synthesizer=Again(random_state=5))
    sampler.fit_resample(X, y)
    assert sampler.synthesizer_.random_state == 5
    assert sampler.synthesizer.random_state == 5
    assert clone(sampler).synthesizer.random_state == 5


def test_weights_reach_the_synthesizer_or_are_refused():
    X, y = np.random.default_rng(0).normal(size=(40, 2)), np.array([0] * 30 + [1] * 10)
    weights = np.where(X[:, 0] < 1, 1.0, 0.0)
    more, _ = small().fit_resample(X, y, sample_weight=weights)
    assert more[40:, 0].max() < 1.0
    with pytest.raises(TypeError, match="sample_weight"):
        small(synthesizer=Again()).fit_resample(X, y, sample_weight=weights)


def test_a_grid_reaches_the_synthesizer_through_the_pipeline():
    X = np.random.default_rng(0).normal(size=(60, 2))
    y = np.array([0] * 45 + [1] * 15)
    pipeline = make_pipeline(small(), LogisticRegression())
    grid = {"ganoversampler__synthesizer__max_epochs": [1, 2], "ganoversampler__sampling_strategy": [0.6]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    sampler = search.best_estimator_[0]
    assert sampler.synthesizer_.max_epochs == search.best_params_["ganoversampler__synthesizer__max_epochs"]


def test_labels_and_counts_are_those_of_random_oversampling(table):
    X, y = table
    _, ours = small(synthesizer=Again()).fit_resample(X[["number"]], y)
    _, theirs = RandomOverSampler(random_state=0).fit_resample(X[["number"]], y)
    pd.testing.assert_series_equal(ours, theirs)
