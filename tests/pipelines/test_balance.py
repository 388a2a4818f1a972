"""What helps is found out on the rows of the fit alone, and drawn rows are taken only when they win."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import average_precision_score
from sklearn.model_selection import KFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from ganaug import AugmentedClassifier, AugmentedRegressor, Balance
from ganaug.pipelines.balance import NOTHING, choose, noise_of
from ganaug.pipelines.judging import AveragePrecision, FoldScores, folds_of, tuned_threshold
from ganaug.pipelines.rows import thinned


class Rows(BaseEstimator):
    """A sampler that adds rows of class 1: as many as there are, ``place`` being where they lie."""

    fits: list[set[float]] = []  # noqa: RUF012 - the same for all clones

    def __init__(self, place=2.0, random_state=None):
        self.place = place
        self.random_state = random_state

    def fit_resample(self, X, y):
        Rows.fits.append(set(X[:, 1].tolist()))
        self.synthesizer_ = "the synthesizer"
        more = np.c_[np.full(len(y), self.place), np.zeros(len(y))]
        return np.concatenate([X, more]), np.concatenate([y, np.ones(len(y), dtype=int)])


@pytest.fixture(autouse=True)
def table():
    """Class 1, 12 of 60 rows, lies between 1.5 and 2.5 in the first column; the second numbers the rows."""
    Rows.fits.clear()
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [48, 12])
    X = np.c_[np.where(y == 1, rng.uniform(1.5, 2.5, 60), rng.uniform(-1, 2.2, 60)), np.arange(60.0)]
    order = rng.permutation(60)
    return X[order], y[order]


class Blind(LogisticRegression):
    """Learns where class 1 lies from nothing but rows whose second column is 0: drawn ones."""

    def fit(self, X, y, sample_weight=None):
        drawn = X[:, 1] == 0
        self.middle_ = X[drawn, 0].mean() if drawn.sum() > 10 else None
        self.classes_ = np.unique(y)
        self.n_fitted_ = len(y)
        return self

    def predict_proba(self, X):
        near = np.full(len(X), 0.5) if self.middle_ is None else np.exp(-np.abs(X[:, 0] - self.middle_))
        return np.c_[1 - near, near]

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def blind(**parameters):
    given = {"sampler": Rows(), "balance": Balance(cv=3, amounts=[0.5, 1.0]), "random_state": 0, **parameters}
    return AugmentedClassifier(Blind(), **given)


def test_drawn_rows_that_win_are_taken(table):
    model = blind().fit(*table)
    frame = model.report_.frame
    assert frame.index.tolist() == [
        "nothing",
        "tuned threshold",
        "class weight",
        "50% of the drawn rows",
        "100% of the drawn rows",
    ]
    assert frame["chosen"].tolist() == [False, False, False, True, False]
    assert frame["gain"].iloc[0] == 0
    assert frame["score"].iloc[3] - frame["score"].iloc[0] == pytest.approx(frame["gain"].iloc[3])
    assert model.estimator_.n_fitted_ == 60 + 30
    assert model.synthesizer_ == "the synthesizer"
    assert "they are taken" in str(model.report_)


def test_drawn_rows_that_harm_are_not_taken_and_nothing_is_fitted_to_draw_them(table):
    model = blind(sampler=Rows(place=-9.0)).fit(*table)
    assert model.report_.treatment is NOTHING
    assert model.estimator_.n_fitted_ == 60
    assert model.sampler_ is None
    assert model.synthesizer_ is None
    assert model.threshold_ is None
    assert len(Rows.fits) == 3  # those of the folds
    assert "the rows stay as they are" in model.report_.sentence


def test_one_fit_per_fold_serves_all_amounts_and_sees_its_training_rows_only(table):
    blind(balance=Balance(cv=3, amounts=[0.1, 0.2, 0.5, 1.0])).fit(*table)
    inner, last = Rows.fits[:3], Rows.fits[3:]
    every = set(range(60))
    assert sorted(row for fitted in inner for row in every - fitted) == list(range(60))
    assert last == [every]


def test_groups_stay_together(table):
    X, y = table
    groups = (X[:, 1] // 4).astype(int)
    blind().fit(X, y, groups=groups)
    for fitted in Rows.fits[:3]:
        assert {row // 4 for row in fitted}.isdisjoint({row // 4 for row in set(range(60)) - fitted})


@pytest.fixture
def overlapping():
    """A tenth of 900 rows is of class 1, and few of them likelier to be than not."""
    rng = np.random.default_rng(0)
    y = rng.permutation(np.repeat([0, 1], [810, 90]))
    return np.c_[rng.normal(size=900) + 1.5 * y, rng.normal(size=900)], y


def test_a_threshold_is_taken_where_the_score_knows_of_one(overlapping):
    X, y = overlapping
    options = Balance(scoring="balanced_accuracy", cv=3, amounts=[1.0])
    model = AugmentedClassifier(GaussianNB(), sampler=Rows(-9.0), balance=options, random_state=0)
    model.fit(X, y)
    assert model.report_.treatment.name == "tuned threshold"
    predicted = model.predict_proba(X)[:, 1] >= model.threshold_
    assert model.predict(X).tolist() == predicted.astype(int).tolist()
    assert 0 < model.threshold_ < 0.5


def test_class_weights_are_set_in_the_last_step_of_a_pipeline(overlapping):
    options = Balance(scoring="balanced_accuracy", cv=3, amounts=[1.0])
    pipeline = make_pipeline(StandardScaler(), LinearSVC(C=0.01))  # no probabilities, hence no threshold
    model = AugmentedClassifier(pipeline, sampler=Rows(-9.0), balance=options, random_state=0)
    model.fit(*overlapping)
    assert "tuned threshold" not in model.report_.frame.index
    assert model.report_.treatment.name == "class weight"
    assert model.estimator_[-1].class_weight == "balanced"
    assert pipeline[-1].class_weight is None


def test_an_estimator_without_class_weights_is_not_given_any(table):
    model = blind().set_params(estimator=KNeighborsClassifier()).fit(*table)
    assert "class weight" not in model.report_.frame.index


@pytest.mark.filterwarnings("ignore:The least populated class:UserWarning")
def test_a_class_of_one_row_can_not_be_compared(table):
    X, y = table
    rare = np.where(np.cumsum(y) == 1, y, 0)
    model = blind().fit(X, rare)
    assert model.report_.n_folds == 0
    assert model.report_.treatment is NOTHING
    assert "Nothing was compared" in model.report_.sentence
    assert not Rows.fits


def test_no_fold_is_begun_after_the_time_budget(table):
    options = Balance(cv=4, time_budget_seconds=1e-9)
    assert blind(balance=options).fit(*table).report_.n_folds == 2


def test_folds_may_be_measured_side_by_side_and_by_a_splitter(table):
    alone = blind(balance=Balance(cv=KFold(3, shuffle=True, random_state=1))).fit(*table)
    both = blind(balance=Balance(cv=KFold(3, shuffle=True, random_state=1)), n_jobs=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JOBLIB_MULTIPROCESSING", "1")
        from joblib import parallel_backend

        with parallel_backend("threading"):
            both.fit(*table)
    assert alone.report_.frame.equals(both.report_.frame)


def test_a_regressor_compares_amounts_with_none():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = X[:, 0] + 0.1 * rng.normal(size=60)
    options = Balance(cv=3, amounts=[1.0])
    model = AugmentedRegressor(Ridge(), sampler=Rows(place=30.0), balance=options, random_state=0)
    model.fit(X, np.rint(y))
    assert model.report_.frame.columns.tolist() == ["score", "gain", "noise", "chosen"]
    assert model.report_.treatment is NOTHING
    assert model.sampler_ is None
    np.testing.assert_allclose(model.predict(X), Ridge().fit(X, np.rint(y)).predict(X))


@pytest.mark.parametrize(
    ("balance", "error", "named"),
    [
        ("yes", TypeError, "balance.*'yes'"),
        (Balance(amounts=[]), ValueError, r"amounts.*\[\]"),
        (Balance(amounts=[1.5]), ValueError, "amounts.*1.5"),
        (Balance(cv=1), ValueError, "cv.*1"),
        (Balance(time_budget_seconds=0), ValueError, "time_budget_seconds.*0"),
        (Balance(scoring="no such"), ValueError, "no such"),
    ],
)
def test_wrong_options_are_named(table, balance, error, named):
    with pytest.raises(error, match=named):
        blind(balance=balance).fit(*table)
    assert not Rows.fits


def test_options_are_within_reach_of_a_search():
    model = blind()
    assert clone(model).set_params(balance__cv=4).get_params()["balance__cv"] == 4


def test_noise_of_folds_that_share_rows_is_more_than_a_standard_error():
    differences = np.array([0.0, 0.1, 0.2])
    assert noise_of(differences, 3) == pytest.approx(0.1 * np.sqrt(1 / 3 + 1 / 2))


def test_what_is_cheaper_wins_unless_rows_beat_it():
    cheap_and_rows = np.array([[0.5, 0.60, 0.61], [0.5, 0.62, 0.60], [0.5, 0.61, 0.63]])
    assert choose(cheap_and_rows, [False, False, True], 3) == 1
    assert choose(cheap_and_rows + np.array([0, 0, 0.1]), [False, False, True], 3) == 2


def test_average_precision_is_of_the_rarer_class_whatever_it_is_called(table):
    X, y = table
    model = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, np.where(y == 1, "a", "b"))
    scorer = AveragePrecision(np.array(["a", "b"]), "a")
    known = average_precision_score(y, model.predict_proba(X)[:, 0])
    assert scorer(model, X, np.where(y == 1, "a", "b")) == pytest.approx(known)
    three = AveragePrecision(np.array([0, 1, 2]), 2)
    assert three(Perfect(), np.array([0, 1, 2, 2]), np.array([0, 1, 2, 2])) == 1.0
    with pytest.raises(TypeError, match=r"another scoring.*Ridge"):
        scorer(Ridge(), X, y)


class Perfect:
    """Knows the class of rows that are classes."""

    def predict_proba(self, X):
        return np.eye(3)[X]


def test_folds_have_every_class_on_both_sides_or_are_left_out():
    y = np.repeat([0, 1], [20, 4])
    assert len(folds_of(5, y, None, 0, True)) == 4
    assert len(folds_of(KFold(7), y, None, 0, True)) == 1
    assert folds_of(5, np.arange(30.0), None, 0, False)[0][1].shape == (6,)


def test_a_threshold_is_tuned_on_the_other_folds():
    y = np.array([0, 0, 1, 1])
    folds = [
        FoldScores(np.zeros(1), np.zeros(1), y, np.c_[1 - p, p]) for p in np.array([[0.1, 0.2, 0.3, 0.4]] * 2)
    ]
    scorer = AveragePrecision(np.array([0, 1]), 1)  # takes no notice: balanced accuracy decides
    threshold, (scores, accuracies) = tuned_threshold(folds, scorer, np.array([0, 1]))
    assert threshold == pytest.approx(0.25)
    assert scores.tolist() == [1.0, 1.0]
    assert accuracies.tolist() == [1.0, 1.0]


def test_a_share_of_the_drawn_rows_is_one_of_each_class():
    labels = np.array([0, 1, 2] + [1] * 10 + [2] * 4)
    kept = thinned(3, labels, 0.5, by_class=True)
    assert np.bincount(labels[kept][3:]).tolist() == [0, 5, 2]
    assert kept[:4].tolist() == [0, 1, 2, 3]
    assert len(thinned(3, np.linspace(0, 1, 13), 0.5, by_class=False)) == 3 + 5
