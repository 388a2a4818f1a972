"""Classifier two-sample tests: fresh rows pass, moved and independent ones do not."""

import numpy as np
import pandas as pd
import pytest

from ganaug.metrics import harder_judge_auc, tree_detection, xgboost_c2st


@pytest.mark.parametrize("judge", [tree_detection, xgboost_c2st])
def test_fresh_rows_pass(judge, real, fresh):
    assert judge(real, fresh) > 0.85


@pytest.mark.parametrize("judge", [tree_detection, xgboost_c2st])
def test_moved_column_is_found(judge, real, fresh):
    assert judge(real, fresh.assign(size=fresh["size"] + 10)) < 0.01


def test_independent_columns_are_found(real, fresh, independent):
    assert tree_detection(fresh, independent) < 0.7 * tree_detection(fresh, real)


def test_harder_judge_finds_nothing_in_fresh_rows_and_all_in_moved_ones():
    rng = np.random.default_rng(0)
    real, fresh = rng.normal(size=(400, 2)), rng.normal(size=(300, 2))
    assert harder_judge_auc(real, fresh, n_splits=2) == pytest.approx(0.5, abs=0.08)
    assert harder_judge_auc(real, fresh + np.array([9, 0]), n_splits=2) > 0.99


def test_more_levels_than_trees_can_split_are_read_as_numbers():
    names = [f"id{i:03}" for i in range(300)]
    real = pd.DataFrame({"name": names, "x": 0.0})
    assert tree_detection(real, real.assign(x=1.0), n_splits=2) == pytest.approx(0, abs=1e-6)


def test_judges_repeat(real, fresh):
    assert tree_detection(real, fresh) == tree_detection(real, fresh)
    assert xgboost_c2st(real, fresh) == xgboost_c2st(real, fresh)


def test_equals_the_detection_scheme_of_sdmetrics(real, fresh, monkeypatch):
    base = pytest.importorskip("sdmetrics.single_table.detection.sklearn")
    xgboost = pytest.importorskip("xgboost")
    from sklearn.model_selection import StratifiedKFold

    class XGBoostDetection(base.ScikitLearnClassifierDetectionMetric):
        @staticmethod
        def _get_classifier():
            return xgboost.XGBClassifier(eval_metric="logloss", enable_categorical=True, random_state=0)

    monkeypatch.setattr(
        "sdmetrics.single_table.detection.base.StratifiedKFold",
        lambda n_splits, shuffle: StratifiedKFold(n_splits, shuffle=shuffle, random_state=0),
    )
    tables = [frame.assign(channel=frame["channel"].fillna("?")) for frame in (real, fresh)]
    expected = XGBoostDetection.compute(*(table.copy() for table in tables))
    assert xgboost_c2st(*tables) == pytest.approx(expected, abs=1e-6)
