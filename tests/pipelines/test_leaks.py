"""No row of a test fold reaches any fit: a column that tells rows apart says so, through both Pipelines."""

from __future__ import annotations

import numpy as np
import pytest
from imblearn.pipeline import make_pipeline as make_imblearn_pipeline
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from ganaug import AugmentedClassifier, Balance, Cascade, GANOversampler, GANSynthesizer

N = 60
EVENTS: list[tuple[str, set[float]]] = []


def rows_of(X):
    return set(np.asarray(X)[:, 0].tolist())


class Bootstrap(BaseEstimator):
    """Draws its rows again, so that a drawn row tells which real one it came from."""

    def __init__(self, shift=0.0, random_state=None):
        self.shift = shift
        self.random_state = random_state

    def fit(self, X, y):
        EVENTS.append(("fit", rows_of(X)))
        self.X_, self.y_ = np.asarray(X), np.asarray(y)
        return self

    def sample(self, n, *, y):
        rng = np.random.default_rng(self.random_state)
        return self.X_[[rng.choice(np.flatnonzero(self.y_ == label)) for label in y]] + [0, self.shift]


class Generator(GANSynthesizer):
    """Ours, telling what it was fitted on."""

    def fit(self, X, y=None, *, sample_weight=None):
        EVENTS.append(("fit", rows_of(X)))
        return super().fit(X, y, sample_weight=sample_weight)


class Probe(ClassifierMixin, BaseEstimator):
    """A classifier that tells which rows it was fitted on, and which it was asked for."""

    def __init__(self, tells=True):
        self.tells = tells

    def fit(self, X, y):
        if self.tells:
            EVENTS.append(("fit", rows_of(X)))
        self.n_fitted_ = len(X)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        EVENTS.append(("predict", rows_of(X)))
        return np.full(len(X), self.classes_[0])


def in_imblearn(synthesizer, probe):
    return make_imblearn_pipeline(FunctionTransformer(), GANOversampler(synthesizer=synthesizer), probe)


def in_scikit_learn(synthesizer, probe):
    sampler = GANOversampler(synthesizer=synthesizer)
    return make_pipeline(FunctionTransformer(), AugmentedClassifier(probe, sampler=sampler))


@pytest.fixture(autouse=True)
def table():
    EVENTS.clear()
    rng = np.random.default_rng(0)
    y = rng.permutation([0] * 45 + [1] * 15)
    return np.c_[np.arange(float(N)), rng.normal(size=N)], y


def folds():
    return StratifiedKFold(3, shuffle=True, random_state=0)


def check_no_leak(n_predicted):
    """What was fitted since the last prediction has seen all the other rows, and none of these."""
    fitted, n_seen = [], 0
    for kind, rows in EVENTS:
        if kind == "fit":
            fitted.append(rows)
            continue
        assert len(fitted) == 2, "the generator and the classifier"
        assert all(seen == set(range(N)) - rows for seen in fitted)
        fitted, n_seen = [], n_seen + 1
    assert n_seen == n_predicted


@pytest.mark.parametrize("pipeline", [in_imblearn, in_scikit_learn])
def test_cross_validation_draws_from_training_folds_only(table, pipeline):
    cross_val_score(pipeline(Bootstrap(), Probe()), *table, cv=folds())
    check_no_leak(n_predicted=3)


@pytest.mark.parametrize(
    ("pipeline", "name"),
    [
        (in_imblearn, "ganoversampler__synthesizer__shift"),
        (in_scikit_learn, "augmentedclassifier__sampler__synthesizer__shift"),
    ],
)
def test_a_grid_search_draws_from_training_folds_only(table, pipeline, name):
    search = GridSearchCV(pipeline(Bootstrap(), Probe()), {name: [0.0, 1.0]}, cv=folds()).fit(*table)
    assert search.best_estimator_[-1].predict(table[0]).shape == (N,)
    EVENTS.pop()  # of this very prediction
    refit, EVENTS[:] = EVENTS[-2:], EVENTS[:-2]
    assert refit == [("fit", set(range(N)))] * 2
    check_no_leak(n_predicted=6)


class Sure(Probe):
    """The same with probabilities."""

    def predict_proba(self, X):
        EVENTS.append(("predict", rows_of(X)))
        near = 1 / (1 + np.exp(-np.asarray(X)[:, 1]))
        return np.c_[1 - near, near]


@pytest.mark.parametrize("pipeline", [in_imblearn, in_scikit_learn])
def test_calibration_stacking_and_threshold_tuning_draw_from_training_folds_only(table, pipeline):
    inner = pipeline(Bootstrap(), Sure())
    for model in (
        CalibratedClassifierCV(inner, cv=folds()),
        StackingClassifier([("one", inner)], Sure(tells=False), cv=folds(), stack_method="predict_proba"),
        TunedThresholdClassifierCV(inner, cv=folds()),
    ):
        EVENTS.clear()
        model.fit(*table)
        check_folds_do_not_leak()


def check_folds_do_not_leak():
    """Whatever a fitted model is asked for is of rows that its generator and its classifier didn't see.

    Fits on all rows, which these estimators keep for later predictions, are followed by none within fit.
    """
    last, n_judged = [], 0
    for kind, rows in EVENTS:
        if kind == "fit":
            last = [*last, rows][-2:]
        elif len(rows) < N:
            assert len(last) == 2
            assert all(rows.isdisjoint(fitted) for fitted in last)
            assert all(fitted | rows == set(range(N)) for fitted in last)
            n_judged += 1
    assert n_judged >= 3


@pytest.mark.parametrize("pipeline", [in_imblearn, in_scikit_learn])
def test_the_generator_itself_is_fitted_on_training_folds_only(table, pipeline):
    tiny = Cascade(hidden_units=8, context_units=16, embedding_units=4)
    generator = Generator(generator=tiny, max_epochs=1, discriminator=None)
    cross_val_score(pipeline(generator, Probe(tells=False)), *table, cv=folds())
    kinds = [kind for kind, _ in EVENTS]
    assert kinds == ["fit", "predict"] * 3
    for (_, fitted), (_, asked) in zip(EVENTS[::2], EVENTS[1::2], strict=True):
        assert fitted == set(range(N)) - asked


@pytest.mark.parametrize("pipeline", [in_imblearn, in_scikit_learn])
def test_rows_are_drawn_in_fit_and_none_in_predict(table, pipeline):
    model = pipeline(Bootstrap(), Probe()).fit(*table)
    last = getattr(model[-1], "estimator_", model[-1])
    assert last.n_fitted_ == 90
    assert model.predict(table[0]).shape == (N,)
    assert EVENTS[-1] == ("predict", set(range(N)))


def test_what_balance_compares_has_seen_training_rows_only(table):
    X, y = table
    sampler = GANOversampler(synthesizer=Bootstrap())
    model = AugmentedClassifier(Sure(), sampler=sampler, balance=Balance(cv=folds(), amounts=[1.0]))
    cross_val_score(model, X, y, cv=folds(), scoring="roc_auc")
    outer, asked = [], [rows for kind, rows in EVENTS if kind == "predict"]
    for train, test in folds().split(X, y):
        outer.append((set(train.tolist()), set(test.tolist())))
    for kind, rows in EVENTS:
        if kind == "fit":  # every fit is of one outer training part, or of an inner one
            assert any(rows <= train for train, _ in outer)
    for train, test in outer:
        assert test in asked
        assert any(rows < train for rows in asked)


def test_groups_and_weights_are_routed_where_they_are_requested(table):
    X, y = table
    groups = np.arange(N) // 2
    sampler = GANOversampler(synthesizer=Bootstrap())
    options = Balance(cv=2, amounts=[1.0], scoring="roc_auc")
    with config_context(enable_metadata_routing=True):
        model = AugmentedClassifier(Sure(), sampler=sampler, balance=options, random_state=0)
        model = model.set_fit_request(groups=True)
        make_pipeline(FunctionTransformer(), model).fit(X, y, groups=groups)
    fitted = [rows for kind, rows in EVENTS if kind == "fit" and len(rows) < N]
    assert fitted
    for rows in fitted:
        assert {row // 2 for row in rows}.isdisjoint({row // 2 for row in set(range(N)) - rows})
