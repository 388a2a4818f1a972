"""Can boosted trees tell synthetic rows from real ones? Classifier two-sample tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import RobustScaler

from ganaug.metrics.features import (
    CodedTables,
    FloatArray,
    IntArray,
    as_frame,
    code_tables,
    is_time,
    one_hot,
    rank_auc,
    require,
    without_empty,
)

MAX_TREE_LEVELS = 255  # scikit-learn's boosted trees take no more levels of a category


def tree_detection(
    real: Any,
    synthetic: Any,
    *,
    categorical: Iterable[Any] | None = None,
    n_splits: int = 5,
    random_state: int = 0,
) -> float:
    """Score how well synthetic rows pass for real before gradient boosting.

    Parameters
    ----------
    real, synthetic : DataFrame or array-like of shape (n_samples, n_features)
    categorical : iterable of column names, optional
        Columns split as categories. By default everything that is neither numeric nor a date.
    n_splits : int, default=5
        Stratified folds; each is judged by trees that have not seen it.
    random_state : int, default=0

    Returns
    -------
    float
        1 - (2 max(.5, AUC) - 1), mean over the folds: 1 where nothing tells them apart, 0 where all does.

    See Also
    --------
    harder_judge_auc : For what comes close to 1.
    """
    coded = code_tables(real, synthetic, categorical=categorical)
    return detection_score(*held_out_opinions(coded, n_splits, random_state))


def held_out_opinions(
    coded: CodedTables, n_splits: int = 5, random_state: int = 0
) -> tuple[FloatArray, IntArray, FloatArray]:
    """What the judge of `tree_detection` thinks of every row, by trees that have not seen it.

    Parameters
    ----------
    coded : CodedTables
        The real table, then the synthetic one.
    n_splits : int, default=5
    random_state : int, default=0

    Returns
    -------
    y : ndarray of shape (n_real + n_synthetic,)
        1 for the real rows, which come first.
    fold : ndarray of shape (n_real + n_synthetic,)
    opinion : ndarray of shape (n_real + n_synthetic,)
        Probability that the row is real.
    """
    X, y = _stack(coded.matrices[:2])
    fold, opinion = np.zeros(len(y), dtype=np.int64), np.zeros(len(y))
    make_judge = _boosting(coded, random_state, early_stopping=False)
    folds = StratifiedKFold(n_splits=n_splits, shuffle=True, random_state=random_state)
    for k, (train, test) in enumerate(folds.split(X, y)):
        fold[test] = k
        X_train, X_test = without_empty(X[train], X[test])
        opinion[test] = make_judge().fit(X_train, y[train]).predict_proba(X_test)[:, 1]
    return y, fold, opinion


def detection_score(y: FloatArray, fold: IntArray, opinion: FloatArray) -> float:
    """Score of `tree_detection` from the opinions about any part of the rows."""
    parts = (fold == k for k in np.unique(fold))
    return _mean_score([rank_auc(y[part], opinion[part]) for part in parts])


def harder_judge_auc(
    real: Any,
    synthetic: Any,
    *,
    categorical: Iterable[Any] | None = None,
    n_splits: int = 5,
    random_state: int = 0,
) -> float:
    """AUC of long boosting telling synthetic from real rows, equal numbers of both.

    Its power grows with the rows: compare it at equal sizes only. The larger table is cut, at random, to
    the rows of the smaller.

    Parameters
    ----------
    real, synthetic : DataFrame or array-like of shape (n_samples, n_features)
    categorical : iterable of column names, optional
    n_splits : int, default=5
    random_state : int, default=0

    Returns
    -------
    float
        Mean over the folds; .5 where nothing tells them apart. Below .5 signals duplicates across tables.
    """
    coded = _equal_rows(code_tables(real, synthetic, categorical=categorical), random_state)
    aucs = _boosting_aucs(
        coded,
        n_splits,
        random_state,
        max_iter=500,
        max_leaf_nodes=63,
        learning_rate=0.05,
        early_stopping=False,
    )
    return float(np.mean(aucs))


def xgboost_c2st(real: Any, synthetic: Any, *, n_splits: int = 3, random_state: int = 0) -> float:
    """Tree C2ST as the tabular papers count it: XGBoost in sdmetrics' detection scheme.

    Text columns one-hot, everything else a number as it is (also integer codes of categories), missing
    numbers at the real mean, `RobustScaler`, three shuffled stratified folds.

    Parameters
    ----------
    real, synthetic : DataFrame or array-like of shape (n_samples, n_features)
    n_splits : int, default=3
    random_state : int, default=0
        Of the folds; sdmetrics leaves them to numpy's global state.

    Returns
    -------
    float
        1 where the trees can't tell them apart, 0 where they always can.

    Raises
    ------
    ImportError
        xgboost is not installed.
    """
    xgboost = require("xgboost")
    coded = _papers_coding(real, synthetic)
    means = [_mean_of_present(column) for column in coded.matrices[0].T]
    X, y = _stack(one_hot(coded, fill=means))

    def make_judge() -> Any:
        judge = xgboost.XGBClassifier(eval_metric="logloss", enable_categorical=True, random_state=0)
        return Pipeline([("imputer", SimpleImputer()), ("scaler", RobustScaler()), ("judge", judge)])

    return _mean_score(_fold_aucs(make_judge, X, y, n_splits, random_state))


def _boosting_aucs(coded: CodedTables, n_splits: int, random_state: int, **options: Any) -> list[float]:
    X, y = _stack(coded.matrices)
    return _fold_aucs(_boosting(coded, random_state, **options), X, y, n_splits, random_state)


def _boosting(coded: CodedTables, random_state: int, **options: Any) -> Callable[[], Any]:
    by_level = coded.is_category & (coded.n_levels <= MAX_TREE_LEVELS)

    def make_judge() -> Any:
        return HistGradientBoostingClassifier(
            categorical_features=by_level if by_level.any() else None, random_state=random_state, **options
        )

    return make_judge


def _fold_aucs(
    make_judge: Callable[[], Any], X: FloatArray, y: FloatArray, n_splits: int, random_state: int
) -> list[float]:
    folds = StratifiedKFold(n_splits=n_splits, shuffle=True, random_state=random_state)
    aucs = []
    for train, test in folds.split(X, y):
        X_train, X_test = without_empty(X[train], X[test])
        judge = make_judge().fit(X_train, y[train])
        aucs.append(rank_auc(y[test], judge.predict_proba(X_test)[:, 1]))
    return aucs


def _mean_score(aucs: list[float]) -> float:
    return float(np.mean([1 - (2 * max(0.5, auc) - 1) for auc in aucs]))


def _stack(matrices: list[FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Real rows with label 1 over synthetic rows with label 0."""
    real, synthetic = matrices
    return np.vstack(matrices), np.repeat([1.0, 0.0], [len(real), len(synthetic)])


def _equal_rows(coded: CodedTables, random_state: int) -> CodedTables:
    n_rows = min(len(matrix) for matrix in coded.matrices)
    rng = np.random.default_rng(random_state)
    cut = [
        matrix if len(matrix) == n_rows else matrix[rng.choice(len(matrix), n_rows, replace=False)]
        for matrix in coded.matrices
    ]
    return coded.of(*cut)


def _papers_coding(real: Any, synthetic: Any) -> CodedTables:
    """sdmetrics one-hots by dtype, not by what is declared: text yes, integers and booleans no."""
    frame = as_frame(real)
    text = [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name].dtype)]
    text = [name for name in text if not is_time(frame[name])]
    return code_tables(frame, synthetic, categorical=text)


def _mean_of_present(column: FloatArray) -> float:
    present = column[~np.isnan(column)]
    return float(present.mean()) if len(present) else 0.0
