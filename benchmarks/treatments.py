"""What is done about a rare class: ours, and what everybody else does, each with each learner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTE, SMOTEN, SMOTENC
from numpy.typing import NDArray
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    roc_auc_score,
)
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks.datasets import load
from ganaug import AugmentedClassifier, Balance, GANOversampler

LEARNERS: dict[str, Callable[..., Any]] = {
    "logistic regression": lambda seed, **given: LogisticRegression(max_iter=1000, **given),
    "random forest": lambda seed, **given: RandomForestClassifier(30, random_state=seed, **given),
    "boosted trees": lambda seed, **given: HistGradientBoostingClassifier(
        max_iter=50, early_stopping=False, random_state=seed, **given
    ),
}
Rows = tuple[pd.DataFrame, NDArray[np.int64]]


@dataclass(eq=False)
class Fold:
    """The training rows of a fold, and what has been drawn for them.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_columns)
    y : array of shape (n_rows,)
    seed : int
    folder : str
        Where fitted generators are kept for all learners.
    """

    X: pd.DataFrame
    y: NDArray[np.int64]
    seed: int
    folder: str
    drawn: dict[str, Rows] = field(default_factory=dict)

    def rows(self, name: str, draw: Callable[[Fold], Rows]) -> Rows:
        """Real rows and drawn ones, drawn once for all learners."""
        if name not in self.drawn:
            self.drawn[name] = draw(self)
        return self.drawn[name]

    def estimator(self, learner: str, **given: Any) -> Pipeline:
        """A learner behind what makes numbers of a table."""
        return make_pipeline(numbers_of(self.X), LEARNERS[learner](self.seed, **given))

    def sampler(self, **given: Any) -> GANOversampler:
        """Ours, with default settings."""
        return GANOversampler(random_state=self.seed, memory=self.folder, **given)


def numbers_of(X: pd.DataFrame) -> Any:
    """What makes scaled numbers of a table: medians for gaps, one column per category."""
    categories = [name for name in X if X[name].dtype == object]
    numbers = [name for name in X if name not in categories]
    return make_column_transformer(
        (
            make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()),
            numbers,
        ),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), categories),
    )


def _rare_and_wanted(fold: Fold) -> tuple[NDArray[np.intp], int]:
    rare = np.flatnonzero(fold.y == 1)
    return rare, int((fold.y == 0).sum()) - len(rare)


def _below(fold: Fold, rows: pd.DataFrame) -> Rows:
    both = pd.concat([fold.X, rows], ignore_index=True)
    return both, np.concatenate([fold.y, np.ones(len(rows), dtype=np.int64)])


def _random(fold: Fold) -> Rows:
    rare, n = _rare_and_wanted(fold)
    return _below(fold, fold.X.iloc[np.random.default_rng(fold.seed).choice(rare, n)])


def _smoothed(fold: Fold) -> Rows:
    """Bootstrap with normal noise on numbers, of the width of a kernel density estimate (Silverman's)."""
    rare, n = _rare_and_wanted(fold)
    rng = np.random.default_rng(fold.seed)
    rows = fold.X.iloc[rng.choice(rare, n)].reset_index(drop=True)
    numbers = [name for name in rows if rows[name].dtype != object]
    width = (4 / ((len(numbers) + 2) * len(rare))) ** (1 / (len(numbers) + 4))
    spread = fold.X[numbers].iloc[rare].std().fillna(0.0).to_numpy()
    rows[numbers] = rows[numbers] + width * spread * rng.normal(size=(n, len(numbers)))
    return _below(fold, rows)


def _smote(fold: Fold) -> Rows:
    """SMOTE; with categories SMOTENC, of categories alone SMOTEN; gaps are filled first, as they must be."""
    categories = [name for name in fold.X if fold.X[name].dtype == object]
    filled = fold.X.copy()
    for name in filled:
        gap = "none" if name in categories else filled[name].median()
        filled[name] = filled[name].fillna(0.0 if gap != gap else gap)
    near = {"k_neighbors": min(5, int(fold.y.sum()) - 1), "random_state": fold.seed}
    if len(categories) == filled.shape[1]:
        sampler: Any = SMOTEN(**near)
    else:
        sampler = SMOTENC(categories, **near) if categories else SMOTE(**near)
    rows, _ = sampler.fit_resample(filled, fold.y)
    return _below(fold, rows.iloc[len(fold.y) :])


def _ours(fold: Fold) -> Rows:
    return fold.sampler().fit_resample(fold.X, fold.y)


def _realistic(fold: Fold) -> Rows:
    return fold.sampler(filter="realism").fit_resample(fold.X, fold.y)


def _with_rows(name: str, draw: Callable[[Fold], Rows]) -> Callable[[Fold, str], Any]:
    return lambda fold, learner: fold.estimator(learner).fit(*fold.rows(name, draw))


def _nothing(fold: Fold, learner: str) -> Any:
    return fold.estimator(learner).fit(fold.X, fold.y)


def _threshold(fold: Fold, learner: str) -> Any:
    model = TunedThresholdClassifierCV(fold.estimator(learner), cv=2, random_state=fold.seed)
    try:
        return model.fit(fold.X, fold.y)
    except ValueError:  # of few rare rows a learner may make nothing: there is no threshold then
        return _nothing(fold, learner)


def _class_weight(fold: Fold, learner: str) -> Any:
    return fold.estimator(learner, class_weight="balanced").fit(fold.X, fold.y)


def _balance(fold: Fold, learner: str) -> Any:
    balance, sampler = Balance(cv=3, amounts=[0.5, 1.0]), fold.sampler()
    model = AugmentedClassifier(
        fold.estimator(learner), sampler=sampler, balance=balance, random_state=fold.seed
    )
    return model.fit(fold.X, fold.y)


METHODS: dict[str, Callable[[Fold, str], Any]] = {
    "nothing": _nothing,
    "tuned threshold": _threshold,
    "class weight": _class_weight,
    "random": _with_rows("random", _random),
    "smoothed bootstrap": _with_rows("smoothed", _smoothed),
    "SMOTE": _with_rows("smote", _smote),
    "ganaug": _with_rows("ours", _ours),
    "ganaug, realism": _with_rows("realistic", _realistic),
    "ganaug, auto": _balance,
}


def judge(model: Any, X: pd.DataFrame, y: NDArray[np.int64]) -> dict[str, float]:
    """Scores of a fitted model on rows that nothing has seen."""
    probabilities, labels = model.predict_proba(X)[:, 1], model.predict(X)
    return {
        "average_precision": float(average_precision_score(y, probabilities)),
        "auc": float(roc_auc_score(y, probabilities)),
        "brier": float(brier_score_loss(y, probabilities)),
        "f1": float(f1_score(y, labels, zero_division=0)),
        "balanced_accuracy": float(balanced_accuracy_score(y, labels)),
    }


def measure_adult(seed: int) -> dict[str, Any]:
    """Adult's training part with a tenth of its rare class; boosted trees, judged by the test part."""
    import tempfile

    adult = load("adult")
    table = adult.table.drop(columns="income").astype(dict.fromkeys(adult.categorical[:-1], object))
    table, y = table.where(table.notna(), None), (adult.table["income"] == ">50K").to_numpy(dtype=np.int64)
    n = adult.n_official_train or 0
    rng = np.random.default_rng(seed)
    rare = np.flatnonzero(y[:n])
    rows = np.sort(np.r_[np.flatnonzero(y[:n] == 0), rng.choice(rare, len(rare) // 10, replace=False)])
    scores = {}
    with tempfile.TemporaryDirectory() as folder:
        fold = Fold(table.iloc[rows].reset_index(drop=True), y[rows], seed, folder)
        for method in ("nothing", "class weight", "SMOTE", "ganaug"):
            model = METHODS[method](fold, "boosted trees")
            scores[method] = judge(model, table[n:], y[n:])
    sizes = {"n_rows": len(rows), "n_columns": table.shape[1], "n_rare": int(y[rows].sum()), "is_mixed": True}
    return {**sizes, "scores": {"boosted trees": scores}}
