"""GANOversampler passes imbalanced-learn's own checks, and adds exactly the rows that were asked for."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import polars as pl
import pytest
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.pipeline import make_pipeline
from imblearn.utils.estimator_checks import estimator_checks_generator
from scipy import sparse, stats
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from ganaug import Cascade, GANOversampler, GANSynthesizer
from ganaug.exceptions import ContractError, GanaugWarning, InvalidTableError
from ganaug.pipelines.defaults import default_synthesizer

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


def test_rows_start_from_real_ones_of_their_class_or_are_drawn_whole():
    rng = np.random.default_rng(0)
    y = np.array(["common"] * 60 + ["rare"] * 20)
    X = rng.normal(size=(80, 4)) + 9.0 * (y == "rare")[:, None]
    started, whole = (small(redrawn=share).fit_resample(X, y)[0][80:] for share in (0.0, 1.0))
    assert (
        started > 5
    ).mean() > 0.75  # one cell of four is drawn again, by a network that has learned little
    assert (whole > 5).mean() < 0.6


def test_a_class_of_one_row_stays_within_what_the_others_show():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"far": [*rng.uniform(0, 1, 30), 50.0], "near": [*rng.uniform(0, 1, 30), 0.5]})
    X["level"] = ["a", "b", "c"] * 10 + ["own"]
    for parameters in ({}, {"redrawn": 1.0}, {"synthesizer": Again()}):
        sampler = small(**parameters)
        with pytest.warns(GanaugWarning, match="one row: b"):
            more, _ = sampler.fit_resample(
                X if "synthesizer" not in parameters else X[["near"]], ["a"] * 30 + ["b"]
            )
        drawn = more[31:]
        assert drawn["near"].between(X["near"].min(), X["near"].max()).all()
        if "far" in drawn:
            assert (drawn["far"].between(0, 1) | (drawn["far"] == 50)).all()
            assert drawn["level"].isin(["a", "b", "c", "own"]).all()


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


class Told(Again):
    """Tells what weights it was given."""

    def fit(self, X, y, sample_weight=None):
        self.weights_ = sample_weight
        return super().fit(X, y)


def test_classes_weigh_the_same_for_the_synthesizer_unless_told_otherwise():
    X, y = np.random.default_rng(0).normal(size=(40, 2)), np.array([0] * 30 + [1] * 10)
    sampler = small(synthesizer=Told())
    sampler.fit_resample(X, y)
    assert sampler.synthesizer_.weights_[y == 0].sum() == pytest.approx(
        sampler.synthesizer_.weights_[y == 1].sum()
    )
    sampler.fit_resample(X, y, sample_weight=np.where(y == 1, 2.0, 1.0))
    assert sampler.synthesizer_.weights_[-1] == pytest.approx(6 * sampler.synthesizer_.weights_[0])
    sampler.set_params(class_weight=None).fit_resample(X, y)
    assert sampler.synthesizer_.weights_ is None
    with pytest.raises(InvalidTableError, match="0 for all rows of the class 1"):
        sampler.fit_resample(X, y, sample_weight=1.0 * (y == 0))


class Judge(Again):
    """Draws numbers, and finds large ones realistic."""

    def sample(self, n, *, y):
        self.drawn_ = n
        return np.random.default_rng(self.random_state).uniform(size=(n, self.X_.shape[1]))

    def realism(self, X, y):
        assert len(X) == len(y)
        return np.asarray(X)[:, 0]


def test_of_three_rows_drawn_the_most_realistic_is_kept_and_counts_are_exact():
    X, y = np.random.default_rng(0).normal(size=(400, 2)), np.array([0] * 350 + [1] * 50)
    plain, _ = small(synthesizer=Judge()).fit_resample(X, y)
    sampler = small(synthesizer=Judge(), filter="realism")
    kept, labels = sampler.fit_resample(X, y)
    assert Counter(labels.tolist()) == {0: 350, 1: 350}
    assert sampler.synthesizer_.drawn_ == 900
    assert plain[400:, 0].mean() == pytest.approx(1 / 2, abs=0.05)
    assert kept[400:, 0].mean() == pytest.approx(3 / 4, abs=0.05)
    assert kept[400:, 1].mean() == pytest.approx(1 / 2, abs=0.05)


def test_realism_is_that_of_the_generator():
    X, y = np.random.default_rng(0).normal(size=(40, 2)), np.array([0] * 30 + [1] * 10)
    more, _ = small(filter="realism").fit_resample(X, y)
    assert more.shape == (60, 2)
    with pytest.raises(TypeError, match=r"realism.*Again"):
        small(synthesizer=Again(), filter="realism").fit_resample(X, y)
    with pytest.raises(ValueError, match="filter"):
        small(filter="best").fit_resample(X, y)


def test_a_fitted_synthesizer_is_shared_when_rows_and_settings_are_the_same(tmp_path):
    X, y = np.random.default_rng(0).normal(size=(40, 2)), np.array([0] * 30 + [1] * 10)
    Again.fits = 0
    sampler = small(synthesizer=Again(), memory=str(tmp_path))
    first, _ = sampler.fit_resample(X, y)
    again, _ = clone(sampler).set_params(sampling_strategy={1: 20}).fit_resample(X, y)
    assert Again.fits == 1
    np.testing.assert_array_equal(first[:50], again)
    for other in (X + 1, X[::-1]):
        clone(sampler).fit_resample(other, y)
    assert Again.fits == 3
    clone(sampler).set_params(synthesizer__factor=1, random_state=1).fit_resample(X, y)
    assert Again.fits == 4


def test_a_search_over_the_last_step_fits_a_generator_per_fold(tmp_path):
    X, y = np.random.default_rng(0).normal(size=(60, 2)), np.array([0] * 45 + [1] * 15)
    Again.fits = 0
    pipeline = make_pipeline(small(synthesizer=Again(), memory=str(tmp_path)), LogisticRegression())
    GridSearchCV(pipeline, {"logisticregression__C": [0.1, 1.0, 10.0]}, cv=3).fit(X, y)
    assert Again.fits == 3 + 1


def test_steps_of_a_pipeline_may_be_cached_and_give_frames(tmp_path):
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 2)), columns=["a", "b"])
    y = np.array([0] * 45 + [1] * 15)
    Again.fits = 0
    steps = [StandardScaler(), small(synthesizer=Again()), LogisticRegression()]
    pipeline = make_pipeline(*steps, memory=str(tmp_path)).set_output(transform="pandas")
    first = pipeline.fit(X, y).predict_proba(X)
    second = clone(pipeline).fit(X, y).predict_proba(X)
    assert Again.fits == 1
    np.testing.assert_array_equal(first, second)
    assert pipeline[1].feature_names_in_.tolist() == ["a", "b"]
    assert pipeline[-1].feature_names_in_.tolist() == ["a", "b"]


class Copula(BaseEstimator):
    """A Gaussian copula for each class."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        self.parts_ = {label: np.sort(X[y == label], axis=0) for label in np.unique(y)}
        ranks = {label: stats.rankdata(X[y == label], axis=0) for label in self.parts_}
        scores = {k: stats.norm.ppf(found / (len(found) + 1)) for k, found in ranks.items()}
        self.shape_ = {k: np.cov(found, rowvar=False) for k, found in scores.items()}
        return self

    def sample(self, n, *, y):
        rng = np.random.default_rng(self.random_state)
        rows = np.empty((n, next(iter(self.parts_.values())).shape[1]))
        for label, known in self.parts_.items():
            own = np.flatnonzero(y == label)
            normal = rng.multivariate_normal(np.zeros(rows.shape[1]), self.shape_[label], size=len(own))
            for place in range(rows.shape[1]):
                rows[own, place] = np.quantile(known[:, place], stats.norm.cdf(normal[:, place]))
        return rows


class Interpolation(BaseEstimator):
    """SMOTE as a synthesizer."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        self.X_, self.y_ = X, y
        return self

    def sample(self, n, *, y):
        kinds, counts = np.unique(y, return_counts=True)
        have = dict(zip(*np.unique(self.y_, return_counts=True), strict=True))
        wanted = {k: have[k] + count for k, count in zip(kinds, counts, strict=True)}
        smote = SMOTE(sampling_strategy=wanted, k_neighbors=3, random_state=self.random_state)
        rows, labels = smote.fit_resample(self.X_, self.y_)
        rows, labels = rows[len(self.y_) :], labels[len(self.y_) :]
        found = np.empty((n, rows.shape[1]))
        for kind in kinds:
            found[y == kind] = rows[labels == kind]
        return found


@pytest.mark.parametrize("synthesizer", [Copula(), Interpolation()])
def test_another_synthesizer_draws_the_rows(synthesizer):
    rng = np.random.default_rng(0)
    y = np.repeat(["a", "b", "c"], [60, 20, 10])
    X = rng.normal(size=(90, 2)) + 5 * (y == "b")[:, None] - 5 * (y == "c")[:, None]
    more, labels = small(synthesizer=synthesizer).fit_resample(X, y)
    assert Counter(labels) == {"a": 60, "b": 60, "c": 60}
    for label, middle in (("b", 5), ("c", -5)):
        drawn = more[90:][labels[90:] == label]
        assert np.abs(drawn.mean(axis=0) - middle).max() < 1


def test_the_default_fit_is_bounded_by_the_size_of_the_table():
    small_one, large, wide = (default_synthesizer(*size) for size in ((200, 20), (5_000, 20), (5_000, 200)))
    assert small_one.max_epochs == 120
    assert large.max_epochs * (4_500 // 128) <= 520
    assert wide.max_epochs < large.max_epochs
    assert large.time_budget_seconds is None
    assert (large.discriminator, default_synthesizer(200, 2, judges=True).discriminator) == (None, "auto")


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
