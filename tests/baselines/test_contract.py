"""Every baseline passes scikit-learn's checks, draws by label, and says whether it has a likelihood."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from ganaug import baselines
from ganaug.datasets import make_customers
from ganaug.exceptions import InvalidConditionError, InvalidTableError, ModelFileError, UnsupportedError

SMALL = {"hidden_units": 8, "max_epochs": 1}
BASELINES = {
    "IndependentColumns": {},
    "Bootstrap": {},
    "SmoteSynthesizer": {},
    "Autoencoder": {**SMALL, "latent_units": 2},
    "VAE": {**SMALL, "latent_units": 2},
    "RNN": {**SMALL, "embedding_units": 4},
}
WITHOUT_LIKELIHOOD = ("Bootstrap", "SmoteSynthesizer", "Autoencoder", "VAE")
NEED_A_SCORE = (
    "check_fit_score_takes_y",
    "check_pipeline_consistency",
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
)


def make(name, **parameters):
    return getattr(baselines, name)(**BASELINES[name], random_state=0, **parameters)


def refusals(estimator):
    refuses = type(estimator).__name__ in WITHOUT_LIKELIHOOD
    return dict.fromkeys(NEED_A_SCORE if refuses else (), "it has no likelihood, and says so")


def test_all_baselines_are_here():
    assert set(BASELINES) == set(baselines.__all__)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
@parametrize_with_checks(list(map(make, BASELINES)), expected_failed_checks=refusals)
def test_scikit_learn_s_own_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("name", WITHOUT_LIKELIHOOD)
def test_who_has_no_likelihood_says_why(name):
    X = np.random.default_rng(0).normal(size=(40, 2))
    fitted = make(name).fit(X)
    with pytest.raises(UnsupportedError, match="likelihood"):
        fitted.score_samples(X)
    with pytest.raises(
        UnsupportedError, match=r"Use IndependentColumns, RNN or GANSynthesizer .*; got '\w+'"
    ):
        fitted.score(X)


@pytest.mark.parametrize("name", BASELINES)
def test_a_mixed_table_comes_back_as_it_was(name):
    customers = make_customers(80, random_state=0)
    fitted = make(name).fit(customers)
    rows = fitted.sample(30, random_state=1)
    assert (rows.dtypes == customers.dtypes).all()
    assert fitted.columns_["column"].tolist() == list(customers)
    again = pickle.loads(pickle.dumps(fitted)).sample(30, random_state=1)
    pd.testing.assert_frame_equal(rows, again)


@pytest.mark.parametrize("name", BASELINES)
def test_rare_classes_are_drawn_for_an_oversampler(name):
    from ganaug import GANOversampler

    rng = np.random.default_rng(0)
    X = pd.DataFrame({"size": rng.normal(size=60), "kind": rng.choice(["a", "b"], 60)})
    y = np.array(["rare"] * 6 + ["common"] * 54)
    sampler = GANOversampler(synthesizer=make(name), random_state=0)
    X_more, y_more = sampler.fit_resample(X, y)
    assert (y_more == "rare").sum() == (y_more == "common").sum() == 54
    assert (X_more.dtypes == X.dtypes).all()


@pytest.mark.parametrize("name", ["Bootstrap", "SmoteSynthesizer", "IndependentColumns", "RNN"])
def test_labels_that_are_numbers_can_be_asked_for(name):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(120, 2)), rng.normal(size=120)
    _, drawn = make(name).fit(X, y).sample(y=y[:7], return_y=True)
    np.testing.assert_array_equal(drawn, y[:7])


@pytest.mark.parametrize("name", ["Autoencoder", "VAE"])
def test_labels_that_are_numbers_are_drawn_only(name):
    rng = np.random.default_rng(0)
    fitted = make(name).fit(rng.normal(size=(120, 2)), rng.normal(size=120))
    assert fitted.sample(5, return_y=True)[1].shape == (5,)
    with pytest.raises(InvalidConditionError, match=f"only classes can; got y for '{name.lower()}'"):
        fitted.sample(2, y=[0.0, 0.1])


@pytest.mark.parametrize("name", BASELINES)
def test_what_has_no_label_is_refused_one(name):
    fitted = make(name).fit(np.random.default_rng(0).normal(size=(40, 2)))
    with pytest.raises(InvalidConditionError, match="fit was not given any"):
        fitted.sample(2, y="a")
    with pytest.raises(ValueError, match="got return_y=True after fit"):
        fitted.sample(2, return_y=True)


def test_a_file_of_another_family_is_refused(tmp_path):
    X = np.random.default_rng(0).normal(size=(40, 2))
    make("VAE").fit(X).save(tmp_path / "vae")
    with pytest.raises(ModelFileError, match="name"):
        baselines.Autoencoder.load(tmp_path / "vae")


@pytest.mark.parametrize(
    ("name", "parameter", "wrong"),
    [
        ("SmoteSynthesizer", "n_neighbors", 0),
        ("VAE", "latent_units", 0),
        ("Autoencoder", "n_blocks", -1),
        ("RNN", "embedding_units", 1.5),
        ("RNN", "hidden_units", "wide"),
        ("VAE", "max_epochs", 0),
        ("VAE", "time_budget_seconds", 0),
        ("RNN", "batch_size", 0),
        ("RNN", "learning_rate", 0.0),
        ("VAE", "validation_fraction", 1.0),
        ("VAE", "device", "abacus"),
        ("Bootstrap", "random_state", "seed"),
    ],
)
def test_wrong_parameters_are_named(name, parameter, wrong):
    baseline = make(name).set_params(**{parameter: wrong})
    with pytest.raises((TypeError, ValueError), match=parameter):
        baseline.fit(np.random.default_rng(0).normal(size=(40, 2)))


def test_a_table_that_can_t_be_used_is_refused():
    with pytest.raises(InvalidTableError):
        make("Bootstrap").fit(pd.DataFrame({"a": [1.0, np.inf, 2.0]}))
