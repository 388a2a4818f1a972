"""AugmentedClassifier and AugmentedRegressor are scikit-learn estimators that fit on drawn rows as well."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from imblearn.over_sampling import SMOTE
from imblearn.under_sampling import RandomUnderSampler
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from ganaug import AugmentedClassifier, AugmentedRegressor, Cascade, GANOversampler, GANSynthesizer
from ganaug.exceptions import ContractError

TINY = Cascade(hidden_units=8, context_units=16, embedding_units=4)
GENERATOR = GANSynthesizer(generator=TINY, max_epochs=1, discriminator=None)
EXPECTED_TO_FAIL = {
    "check_sample_weight_equivalence_on_dense_data": "rows repeated and rows weighed draw other rows"
}
REFUSED_FIRST = {
    "check_dtype_object": "the generator refuses a dict first, as a ValueError that names its column"
}


def expected_to_fail(estimator):
    return EXPECTED_TO_FAIL | (REFUSED_FIRST if isinstance(estimator, AugmentedRegressor) else {})


def classifier(estimator=None, **parameters):
    sampler = GANOversampler(synthesizer=GENERATOR)
    inner = LogisticRegression() if estimator is None else estimator
    return AugmentedClassifier(inner, **{"sampler": sampler, "random_state": 0, **parameters})


def regressor(estimator=None, **parameters):
    inner = Ridge() if estimator is None else estimator
    given = {"sampler": GENERATOR, "n_synthetic": 0.1, "random_state": 0, **parameters}
    return AugmentedRegressor(inner, **given)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
@pytest.mark.filterwarnings("ignore:One row doesn't show:ganaug.exceptions.GanaugWarning")
@parametrize_with_checks([classifier(), regressor()], expected_failed_checks=expected_to_fail)
def test_scikit_learn_s_own_checks(estimator, check):
    check(estimator)


class Recorder(LogisticRegression):
    """A classifier that keeps what it was fitted on."""

    def fit(self, X, y, sample_weight=None):
        self.seen_ = X, np.asarray(y), sample_weight
        return super().fit(X, y, sample_weight)


@pytest.fixture(scope="module")
def rare():
    rng = np.random.default_rng(0)
    y = np.array(["common"] * 60 + ["rare"] * 20)
    return pd.DataFrame({"a": rng.normal(size=80) + (y == "rare"), "b": rng.normal(size=80)}), y


def test_the_estimator_sees_real_rows_then_drawn_ones_with_their_weights(rare):
    X, y = rare
    weights = np.linspace(1, 2, 80)
    model = classifier(Recorder(), synthetic_weight=0.25).fit(X, y, sample_weight=weights)
    rows, labels, used = model.estimator_.seen_
    pd.testing.assert_frame_equal(rows[:80], X)
    assert labels.tolist() == [*y, *["rare"] * 40]
    assert used.tolist() == [*weights, *[0.25] * 40]
    assert model.sampler_.is_synthetic_.sum() == 40
    assert isinstance(model.synthesizer_, GANSynthesizer)
    assert model.feature_names_in_.tolist() == ["a", "b"]
    np.testing.assert_array_equal(model.predict_proba(X), model.estimator_.predict_proba(X))


def test_rows_of_weight_zero_are_left_out(rare):
    X, y = rare
    weights = np.where(np.arange(80) < 30, 0.0, 1.0)
    rows, labels, _ = classifier(Recorder()).fit(X, y, sample_weight=weights).estimator_.seen_
    assert (len(rows), (labels == "rare").sum()) == (60, 30)
    np.testing.assert_array_equal(rows[:50], X[30:])


def test_an_estimator_without_weights_is_told_of_before_training(rare):
    for parameters in ({"synthetic_weight": 0.5}, {"sampler": Failing(), "synthetic_weight": 0.5}):
        with pytest.raises(TypeError, match=r"takes no sample_weight.*KNeighbors"):
            classifier(KNeighborsClassifier(), **parameters).fit(*rare)
    assert classifier(KNeighborsClassifier()).fit(*rare).predict(rare[0]).shape == (80,)


class Failing(BaseEstimator):
    """A sampler that must not be reached."""

    def fit_resample(self, X, y):
        raise AssertionError


def test_weights_reach_the_last_step_of_a_pipeline(rare):
    model = classifier(make_pipeline(StandardScaler(), Recorder()), synthetic_weight=0.5).fit(*rare)
    assert model.estimator_[-1].seen_[2].tolist() == [1.0] * 80 + [0.5] * 40


def test_corrected_probabilities_have_the_real_share_of_the_classes(rare):
    X, y = rare
    blind = pd.DataFrame({"nothing": np.zeros(80)})  # only the shares can be learned
    plain = classifier(sampler=SMOTE(), correct_prior=False).fit(blind, y)
    assert plain.predict_proba(blind)[0, 1] == pytest.approx(0.5, abs=1e-3)
    corrected = classifier(sampler=SMOTE(), correct_prior=True).fit(blind, y)
    assert corrected.predict_proba(blind)[0, 1] == pytest.approx(0.25, abs=1e-3)
    np.testing.assert_allclose(corrected.predict_proba(X[["a"]].set_axis(["nothing"], axis=1)).sum(axis=1), 1)
    halved = classifier(sampler=SMOTE(), correct_prior=True, synthetic_weight=0.5).fit(blind, y)
    assert halved.predict_proba(blind)[0, 1] == pytest.approx(0.25, abs=1e-3)


def test_corrected_predictions_follow_the_probabilities(rare):
    X, y = rare
    model = classifier(correct_prior=True).fit(X, y)
    assert model.predict(X).tolist() == model.classes_[model.predict_proba(X).argmax(axis=1)].tolist()
    assert (model.predict(X) == "rare").sum() < (classifier().fit(X, y).predict(X) == "rare").sum()
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), model.predict_proba(X))


def test_methods_are_those_of_the_estimator(rare):
    assert hasattr(classifier(LinearSVC()), "decision_function")
    assert not hasattr(classifier(LinearSVC()), "predict_proba")
    assert not hasattr(classifier(correct_prior=True), "decision_function")
    assert classifier(LinearSVC()).fit(*rare).decision_function(rare[0]).shape == (80,)
    with pytest.raises(TypeError, match=r"predict_proba.*LinearSVC"):
        classifier(LinearSVC(), correct_prior=True).fit(*rare)


@pytest.mark.parametrize(
    ("parameters", "error", "named"),
    [
        ({"sampler": GENERATOR}, TypeError, "fit_resample.*GANSynthesizer"),
        ({"sampler": RandomUnderSampler()}, ContractError, "real rows, first.*RandomUnderSampler"),
        ({"synthetic_weight": -1}, ValueError, "synthetic_weight.*-1"),
        ({"correct_prior": "yes"}, TypeError, "correct_prior.*'yes'"),
    ],
)
def test_wrong_parameters_are_named(rare, parameters, error, named):
    with pytest.raises(error, match=named):
        classifier(**parameters).fit(*rare)


def test_random_state_repeats_and_a_clone_has_the_parameters(rare):
    X, y = rare
    first, second = classifier(), clone(classifier())
    np.testing.assert_array_equal(first.fit(X, y).predict_proba(X), second.fit(X, y).predict_proba(X))
    assert first.sampler.random_state is None
    third = clone(first).set_params(sampler__synthesizer__max_epochs=2)
    assert third.fit(X, y).synthesizer_.max_epochs == 2


def test_defaults_are_boosted_trees_and_the_generator():
    model = AugmentedClassifier(random_state=0)
    assert hasattr(model, "predict_proba")
    assert isinstance(model._sampler(), GANOversampler)
    assert model.__sklearn_tags__().input_tags.allow_nan


def test_a_regressor_is_fitted_on_rows_drawn_with_their_target():
    X = np.random.default_rng(0).normal(size=(80, 2))
    y = 3 * X[:, 0]

    class Seen(LinearRegression):
        def fit(self, X, y, sample_weight=None):
            self.seen_ = X, y, sample_weight
            return super().fit(X, y, sample_weight)

    model = regressor(Seen(), n_synthetic=0.5, synthetic_weight=0.1).fit(X, y, sample_weight=np.full(80, 2.0))
    rows, target, weights = model.estimator_.seen_
    assert rows.shape == (120, 2)
    np.testing.assert_array_equal(rows[:80], X)
    np.testing.assert_array_equal(target[:80], y)
    assert weights.tolist() == [2.0] * 80 + [0.1] * 40
    assert ((target[80:] >= y.min()) & (target[80:] <= y.max())).all()
    assert model.synthesizer_ is model.sampler_


def test_a_regressor_that_draws_nothing_is_the_estimator():
    X = np.random.default_rng(0).normal(size=(30, 2))
    model = regressor(sampler=Failing(), n_synthetic=0).fit(X, X[:, 0])
    np.testing.assert_array_equal(model.predict(X), Ridge().fit(X, X[:, 0]).predict(X))
    assert model.sampler_ is None


def test_imbalanced_learn_is_needed_by_the_default_sampler_alone(monkeypatch, rare):
    monkeypatch.setitem(sys.modules, "imblearn", None)
    monkeypatch.setitem(sys.modules, "imblearn.over_sampling.base", None)
    monkeypatch.delitem(sys.modules, "ganaug.pipelines.oversampler")
    spec = importlib.util.find_spec("ganaug.pipelines.augmented")
    anew = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(anew)
    X = np.arange(20.0).reshape(10, 2)
    assert anew.AugmentedRegressor(Ridge(), n_synthetic=0).fit(X, X[:, 0]).predict(X).shape == (10,)
    with pytest.raises(ImportError, match=r'pip install "ganaug\[imblearn\]"'):
        anew.AugmentedClassifier(LogisticRegression()).fit(*rare)


def test_polars_is_predicted_from_as_it_is_fitted(rare):
    X, y = rare
    frame = pl.DataFrame({name: X[name].to_numpy() for name in X})
    model = classifier(make_pipeline(FunctionTransformer(to_pandas), LogisticRegression())).fit(frame, y)
    assert model.predict(frame).shape == (80,)
    assert model.feature_names_in_.tolist() == ["a", "b"]


def to_pandas(X):
    return X.to_pandas() if isinstance(X, pl.DataFrame) else X


def test_weights_are_routed_where_they_are_requested(rare):
    X, y = rare
    weights = np.linspace(1, 2, 80)
    with config_context(enable_metadata_routing=True):
        model = classifier(Recorder()).set_fit_request(sample_weight=True)
        pipeline = make_pipeline(MinMaxScaler(), model).fit(X, y, sample_weight=weights)
    assert pipeline[-1].estimator_.seen_[2][:80].tolist() == weights.tolist()
