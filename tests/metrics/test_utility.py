"""Train on synthetic, test on real: what is learned is what the rows hold."""

import numpy as np
import pandas as pd
import pytest

from ganaug.exceptions import InvalidTableError
from ganaug.metrics import feature_importances, train_on_synthetic
from ganaug.metrics.utility import importance_overlap


def make_task(n_rows, seed, n_classes=2):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_rows, 2))
    edges = np.linspace(-1, 1, n_classes + 1)[1:-1]
    labels = np.array(list("abcde"))[np.digitize(x[:, 0], edges)]
    return pd.DataFrame({"x0": x[:, 0], "x1": x[:, 1], "place": rng.choice(["p", "q"], n_rows), "y": labels})


@pytest.mark.parametrize("learner", ["quick", "papers"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_separable_classes_are_learned(learner, n_classes):
    train, test = make_task(400, 0, n_classes), make_task(200, 1, n_classes)
    assert train_on_synthetic(train, test, target="y", learner=learner)["auc"] > 0.98


@pytest.mark.parametrize("learner", ["quick", "papers"])
def test_shuffled_labels_teach_nothing(learner):
    train, test = make_task(600, 0), make_task(600, 1)
    train["y"] = np.random.default_rng(2).permutation(train["y"])
    assert train_on_synthetic(train, test, target="y", learner=learner)["auc"] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("learner", ["quick", "papers"])
def test_number_is_regressed(learner):
    train, test = (make_task(500, seed).drop(columns="y").assign(y=lambda t: 3 * t["x0"]) for seed in (0, 1))
    score = train_on_synthetic(train, test, target="y", learner=learner)
    assert score["r2"] > 0.95
    assert score["rmse"] == pytest.approx(np.sqrt((1 - score["r2"]) * test["y"].var(ddof=0)))


def test_log_target_scores_on_the_log_scale():
    train, test = (
        make_task(500, seed).drop(columns="y").assign(y=lambda t: np.exp(5 + t["x0"])) for seed in (0, 1)
    )
    assert train_on_synthetic(train, test, target="y", log_target=True)["rmse"] < 0.3


def test_class_that_the_rows_lack_counts_as_unknown():
    train, test = make_task(400, 0, 3), make_task(400, 1, 3)
    without = train[train["y"] != "c"]
    assert 0.5 < train_on_synthetic(without, test, target="y")["auc"] < 0.95
    assert train_on_synthetic(train.assign(y="a"), test, target="y")["auc"] == pytest.approx(0.5)


def test_target_must_be_a_column_with_values():
    table = make_task(50, 0)
    with pytest.raises(InvalidTableError, match="'z'"):
        train_on_synthetic(table, table, target="z")
    with pytest.raises(InvalidTableError, match="none in 'y'"):
        train_on_synthetic(table.assign(y=None), table, target="y")


def test_importances_name_the_column_that_matters():
    train, test = make_task(400, 0), make_task(300, 1)
    found = feature_importances(train, test, target="y")
    assert found.idxmax() == "x0"
    assert found["x1"] < 0.02
    assert importance_overlap(found, found) == pytest.approx(1)
    assert importance_overlap(pd.Series([3.0, 1.0]), pd.Series([2.0, 6.0])) == pytest.approx(0.5)


def test_importances_of_a_model_that_knows_nothing_agree_with_none():
    nothing, something = pd.Series([0.0, 0.0]), pd.Series([0.0, 1.0])
    assert importance_overlap(nothing, something) == 0
    assert importance_overlap(nothing, nothing) == 1
