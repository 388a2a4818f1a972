"""GANSynthesizer is a scikit-learn estimator: its own check suite, clones, searches and pipelines."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from ganaug import Cascade, GANSynthesizer

EXPECTED_TO_FAIL = {
    "check_sample_weight_equivalence_on_dense_data": (
        "rows repeated and rows weighed are learned from in other batches, so the networks differ"
    )
}


def small(**parameters):
    tiny = Cascade(hidden_units=8, context_units=16, embedding_units=4)
    return GANSynthesizer(**{"generator": tiny, "max_epochs": 2, "random_state": 0, **parameters})


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
@parametrize_with_checks([small()], expected_failed_checks=lambda estimator: EXPECTED_TO_FAIL)
def test_scikit_learn_s_own_checks(estimator, check):
    check(estimator)


def test_a_grid_searches_the_generator_s_options():
    X = np.random.default_rng(0).normal(size=(60, 2))
    search = GridSearchCV(small(), {"generator__hidden_units": [4, 8]}, cv=2).fit(X)
    assert search.best_params_["generator__hidden_units"] in (4, 8)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.sample(3).shape == (3, 2)


def test_a_clone_has_the_parameters_and_nothing_fitted():
    fitted = small(max_epochs=1).fit(np.random.default_rng(0).normal(size=(30, 2)))
    copy = clone(fitted)
    assert copy.get_params()["generator__hidden_units"] == 8
    assert not hasattr(copy, "generator_")


def test_it_is_the_last_step_of_a_pipeline():
    X = np.random.default_rng(0).normal(size=(40, 2))
    pipeline = make_pipeline(StandardScaler(), small()).fit(X)
    assert np.isfinite(pipeline.score(X))
    assert pipeline[-1].sample(4).shape == (4, 2)
