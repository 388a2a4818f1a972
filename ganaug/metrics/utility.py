"""What is a model worth that learned from synthetic rows only? Train on synthetic, test on real."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import product
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import r2_score, root_mean_squared_error

from ganaug.exceptions import InvalidTableError
from ganaug.metrics.features import (
    BoolArray,
    CodedTables,
    FloatArray,
    code_tables,
    one_hot,
    rank_auc,
    require,
    without_empty,
)

N_TREES = (10, 50, 100)
GRID = tuple(product((5, 10, 20), (1, 10), (0.0, 1.0)))  # max_depth, min_child_weight, gamma
MAX_TREE_LEVELS = 255


def train_on_synthetic(
    train: Any,
    test: Any,
    *,
    target: Any,
    categorical: Iterable[Any] | None = None,
    learner: Literal["quick", "papers"] = "quick",
    log_target: bool = False,
    random_state: int = 0,
) -> dict[str, float]:
    """Fit boosted trees on one table and score them on the real rows of another.

    Call it with the real training rows as well: that is the value to compare with.

    Parameters
    ----------
    train : DataFrame or array-like of shape (n_train, n_features)
        Synthetic rows, or the real ones for the reference.
    test : DataFrame or array-like of shape (n_test, n_features)
        Real rows that the generator has not seen.
    target : column name
        A category is classified, a number is regressed. Rows without it are left out.
    categorical : iterable of column names, optional
        By default everything that is neither numeric nor a date.
    learner : {"quick", "papers"}, default="quick"
        "quick" is one `HistGradientBoosting` model. "papers" is XGBoost over their 36 points (number of
        trees, depth, child weight, gamma), fitted on 8/9 of the rows and chosen on the other 1/9.
    log_target : bool, default=False
        Regress log(clip(target, 1, 20000)), as the papers do.
    random_state : int, default=0

    Returns
    -------
    dict
        ``{"auc": ...}`` (macro average of one against the rest for several classes), or
        ``{"r2": ..., "rmse": ...}``.

    Raises
    ------
    InvalidTableError
        The target isn't a column, or has no value in `train` or in `test`.
    ImportError
        ``learner="papers"`` and xgboost is not installed.
    """
    coded, y, n_classes = _split_target(train, test, target, categorical, log_target)
    predict = _predict_quick if learner == "quick" else _predict_papers
    return _score(y[0], predict(coded, y[1], n_classes, random_state), n_classes)


def predict_target(
    train: Any, test: Any, target: Any, categorical: Iterable[Any] | None = None, random_state: int = 0
) -> tuple[FloatArray, FloatArray, int]:
    """The target of the test rows, its prediction by the "quick" model, and the number of classes.

    Rows of either table without a target are left out. `main_score` scores any part of them.
    """
    coded, y, n_classes = _split_target(train, test, target, categorical, log_target=False)
    return y[0], _predict_quick(coded, y[1], n_classes, random_state), n_classes


def main_score(y: FloatArray, prediction: FloatArray, n_classes: int) -> float:
    """AUC, or R2 for a number, of what `predict_target` returned."""
    return _score(y, prediction, n_classes)["auc" if n_classes else "r2"]


def feature_importances(
    train: Any,
    test: Any,
    *,
    target: Any,
    categorical: Iterable[Any] | None = None,
    n_repeats: int = 2,
    random_state: int = 0,
) -> pd.Series[float]:
    """Tell what the "quick" model of `train_on_synthetic` goes by: permutation importances on the test rows.

    Parameters
    ----------
    train : DataFrame or array-like of shape (n_train, n_features)
        Synthetic rows, or the real ones for the reference.
    test : DataFrame or array-like of shape (n_test, n_features)
    target : column name
    categorical : iterable of column names, optional
    n_repeats : int, default=2
        Shuffles of each column, of which the mean is taken.
    random_state : int, default=0

    Returns
    -------
    Series of shape (n_features - 1,)
        What shuffling each column of the test rows takes from the AUC, or from R2; at least 0.

    References
    ----------
    Breiman: Random Forests, 2001 (section 10).
    """
    coded, y, n_classes = _split_target(train, test, target, categorical, log_target=False)
    model = _fit_quick(coded, y[1], n_classes, random_state)
    rng = np.random.default_rng(random_state)
    best = main_score(y[0], model(coded.matrices[0]), n_classes)
    losses = np.zeros(len(coded.names))
    for _ in range(n_repeats):
        shuffled = np.repeat(coded.matrices[0][None], len(losses), axis=0)
        for j, rows in enumerate(shuffled):
            rows[:, j] = rng.permutation(rows[:, j])
        predictions = np.split(model(shuffled.reshape(-1, len(losses))), len(losses))
        losses += [best - main_score(y[0], part, n_classes) for part in predictions]
    return pd.Series(
        np.maximum(np.nan_to_num(losses / n_repeats), 0.0), index=pd.Index(coded.names, name="column")
    )


def importance_overlap(first: pd.Series[float], second: pd.Series[float]) -> float:
    """Shared part of two sets of importances, each scaled to sum to 1; 1 where they agree, 0 at worst."""
    if not first.sum() > 0 or not second.sum() > 0:
        return float(first.sum() == second.sum())
    return float(np.minimum(first / first.sum(), second / second.sum()).sum())


def _split_target(
    train: Any, test: Any, target: Any, categorical: Iterable[Any] | None, log_target: bool
) -> tuple[CodedTables, list[FloatArray], int]:
    """Test and training table without the target, their targets, and how many classes; 0 for a number."""
    coded = code_tables(test, train, categorical=categorical)
    if target not in coded.names:
        raise InvalidTableError(f"The target must be a column, one of {coded.names!r}, got {target!r}")
    j = coded.names.index(target)
    coded = _rows_with_target(coded, j)
    y = [_target_of(matrix[:, j], log_target) for matrix in coded.matrices]
    return _without_column(coded, j), y, int(coded.n_levels[j])


def _predict_quick(X: CodedTables, y: FloatArray, n_classes: int, random_state: int) -> FloatArray:
    return _fit_quick(X, y, n_classes, random_state)(X.matrices[0])


def _fit_quick(
    X: CodedTables, y: FloatArray, n_classes: int, random_state: int
) -> Callable[[FloatArray], FloatArray]:
    """A model of the second table, as a function: numbers, or a probability for each class."""
    by_level = X.is_category & (X.n_levels <= MAX_TREE_LEVELS)
    options = {"categorical_features": by_level if by_level.any() else None, "random_state": random_state}
    X_train = without_empty(X.matrices[1])[0]

    def filled(rows: FloatArray) -> FloatArray:
        return without_empty(X.matrices[1], rows)[1]

    if not n_classes:
        regressor = HistGradientBoostingRegressor(**options).fit(X_train, y)
        return lambda rows: cast(FloatArray, regressor.predict(filled(rows)))
    classes = np.unique(y)
    if len(classes) == 1:
        return lambda rows: _spread_probabilities(np.ones((len(rows), 1)), classes, n_classes)
    model = HistGradientBoostingClassifier(**options).fit(X_train, y)
    return lambda rows: _spread_probabilities(model.predict_proba(filled(rows)), model.classes_, n_classes)


def _predict_papers(X: CodedTables, y: FloatArray, n_classes: int, random_state: int) -> FloatArray:
    """The prediction for the test rows of the grid's best point on the held-out ninth."""
    xgboost = require("xgboost")
    X_test, X_train = (matrix.astype(np.float32) for matrix in one_hot(X))
    shuffled = np.random.default_rng(random_state).permutation(len(y))
    held, used = np.split(shuffled, [len(y) // 9])
    learn = xgboost.QuantileDMatrix(X_train[used], label=y[used])
    validation, test = xgboost.DMatrix(X_train[held]), xgboost.DMatrix(X_test)
    best_score, best_model, best_trees = -np.inf, None, 0
    for depth, child_weight, gamma in GRID:
        options = {"max_depth": depth, "min_child_weight": child_weight, "gamma": gamma}
        model = xgboost.train(options | _objective(n_classes), learn, num_boost_round=max(N_TREES))
        for n_trees in N_TREES:  # the first trees of a long run are those of a short one
            prediction = model.predict(validation, iteration_range=(0, n_trees))
            score = _choice_score(y[held], _two_columns(prediction, n_classes), n_classes)
            if score > best_score:
                best_score, best_model, best_trees = score, model, n_trees
    chosen: Any = best_model
    return _two_columns(chosen.predict(test, iteration_range=(0, best_trees)), n_classes)


def _objective(n_classes: int) -> dict[str, Any]:
    if not n_classes:
        return {"objective": "reg:squarederror"}
    if n_classes <= 2:
        return {"objective": "binary:logistic"}
    return {"objective": "multi:softprob", "num_class": n_classes}


def _choice_score(y: FloatArray, prediction: FloatArray, n_classes: int) -> float:
    score = _score(y, prediction, n_classes)
    value = score["auc"] if n_classes else -score["rmse"]
    return value if np.isfinite(value) else -1e300


def _score(y: FloatArray, prediction: FloatArray, n_classes: int) -> dict[str, float]:
    if not n_classes:
        return {
            "r2": float(r2_score(y, prediction)),
            "rmse": float(root_mean_squared_error(y, prediction)),
        }
    positives = range(n_classes) if n_classes > 2 else [1]
    aucs = [rank_auc(y == level, prediction[:, level]) for level in positives if 0 < np.mean(y == level) < 1]
    return {"auc": float(np.mean(aucs)) if aucs else float("nan")}


def _spread_probabilities(probabilities: FloatArray, classes: npt.NDArray[Any], n_classes: int) -> FloatArray:
    """Zero probability for the classes that the training rows lack."""
    full = np.zeros((len(probabilities), max(n_classes, 2)))
    full[:, classes.astype(np.int64)] = probabilities
    return full


def _two_columns(prediction: FloatArray, n_classes: int) -> FloatArray:
    """XGBoost gives a binary problem as the probability of class 1 alone."""
    if n_classes and prediction.ndim == 1:
        return np.column_stack([1 - prediction, prediction])
    return prediction


def _rows_with_target(coded: CodedTables, j: int) -> CodedTables:
    kept = [matrix[~np.isnan(matrix[:, j])] for matrix in coded.matrices]
    if not all(len(matrix) for matrix in kept):
        raise InvalidTableError(f"The target must have values in both tables, got none in {coded.names[j]!r}")
    return coded.of(*kept)


def _without_column(coded: CodedTables, j: int) -> CodedTables:
    keep: BoolArray = np.arange(len(coded.names)) != j
    return CodedTables(
        [name for name, kept in zip(coded.names, keep, strict=True) if kept],
        coded.is_category[keep],
        coded.n_levels[keep],
        [matrix[:, keep] for matrix in coded.matrices],
    )


def _target_of(y: FloatArray, log_target: bool) -> FloatArray:
    return np.log(np.clip(y, 1, 20_000)) if log_target else y
