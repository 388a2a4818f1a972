"""How folds judge: scores, the folds themselves, and the best threshold for what they predict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import average_precision_score, balanced_accuracy_score, check_scoring
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from ganaug._util.sklearn import take

_MOST_THRESHOLDS = 50  # that are tried

Floats = NDArray[np.float64]
Scorer = Callable[[Any, Any, Any], float]


@dataclass(frozen=True, eq=False)
class FoldScores:
    """What one fold says: a score and a balanced accuracy for each treatment, and what nothing predicts.

    Parameters
    ----------
    scores, accuracies : array of shape (n_treatments,)
    y : array of shape (n_test,)
    probabilities : array of shape (n_test, 2), optional
    """

    scores: Floats
    accuracies: Floats
    y: NDArray[Any]
    probabilities: Floats | None


def scorer_of(scoring: Any, model: Any, y: NDArray[Any], is_classifier: bool) -> Any:
    """What scores a fitted model on rows: ``scorer(model, X, y)``."""
    if scoring != "auto":
        return check_scoring(model, scoring=scoring)
    if not is_classifier:
        return check_scoring(model, scoring="r2")
    classes, counts = np.unique(y, return_counts=True)
    return AveragePrecision(classes, classes[counts.argmin()])


def folds_of(
    cv: Any, y: NDArray[Any], groups: Any, seed: int, is_classifier: bool
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Folds whose two sides have every class."""
    classes, counts = np.unique(y, return_counts=True) if is_classifier else (None, np.array([len(y)]))
    if not hasattr(cv, "split"):
        n_folds = min(int(cv), int(counts.min()), len(y) if groups is None else len(np.unique(groups)))
        if n_folds < 2:
            return []
        kind: Any = StratifiedKFold if is_classifier else KFold
        if groups is not None:
            kind = StratifiedGroupKFold if is_classifier else GroupKFold
        cv = kind(n_folds, shuffle=True, random_state=seed)
    empty = np.zeros((len(y), 1))
    found = [(np.asarray(train), np.asarray(test)) for train, test in cv.split(empty, y, groups)]
    if classes is None:
        return found
    return [pair for pair in found if all(len(np.unique(y[side])) == len(classes) for side in pair)]


def measured_fold(
    models: Sequence[Any], X: Any, y: NDArray[Any], test: NDArray[np.intp], scorer: Any, is_classifier: bool
) -> FoldScores:
    """Judge fitted models, that of "nothing" first, by the rows of a fold."""
    rows, labels = take(X, test), y[test]
    scores = [float(scorer(model, rows, labels)) for model in models]
    accuracies, probabilities = [np.nan] * len(models), None
    if is_classifier:
        accuracies = [balanced_accuracy_score(labels, model.predict(rows)) for model in models]
        if hasattr(models[0], "predict_proba"):
            probabilities = np.asarray(models[0].predict_proba(rows), dtype=np.float64)
    return FoldScores(np.array(scores), np.array(accuracies), labels, probabilities)


def tuned_threshold(
    folds: Sequence[FoldScores], scorer: Scorer, classes: NDArray[Any]
) -> tuple[float, tuple[Floats, Floats]]:
    """The best threshold, and what it is worth: each fold is judged by that of all the others.

    What is best is the score, or the balanced accuracy where the score takes no notice of a threshold.
    """
    everything = range(len(folds))
    judged = []
    for place in everything:
        threshold = _best_threshold([folds[other] for other in everything if other != place], scorer, classes)
        fold = folds[place]
        model = _Known(classes, fold.probabilities, threshold)
        accuracy = balanced_accuracy_score(fold.y, model.predict(None))
        judged.append((_score(scorer, model, fold.y), accuracy))
    scores, accuracies = np.array(judged, dtype=np.float64).T
    return _best_threshold(folds, scorer, classes), (scores, accuracies)


class AveragePrecision:
    """Scorer: average precision of the rarer of two classes; of all classes the mean, where there are more.

    Parameters
    ----------
    classes : array of shape (n_classes,)
    rarest : label
    """

    def __init__(self, classes: NDArray[Any], rarest: Any) -> None:
        self.classes, self.rarest = classes, rarest

    def __call__(self, model: Any, X: Any, y: NDArray[Any]) -> float:
        """Score a fitted classifier."""
        if hasattr(model, "predict_proba"):
            found = np.asarray(model.predict_proba(X))
        elif hasattr(model, "decision_function"):
            found = np.asarray(model.decision_function(X))
            found = np.stack([-found, found], axis=1) if found.ndim == 1 else found
        else:
            raise TypeError(
                "Average precision needs predict_proba or decision_function; give Balance another scoring. "
                f"The model is {model!r}"
            )
        own = list(self.classes)
        judged = [self.rarest] if len(own) == 2 else own
        parts = [average_precision_score(y == label, found[:, own.index(label)]) for label in judged]
        return float(np.mean(parts))


class _Known(ClassifierMixin, BaseEstimator):
    """A classifier whose probabilities are known, for a scorer."""

    def __init__(self, classes: Any, probabilities: Any, threshold: float) -> None:
        self.classes = classes
        self.probabilities = probabilities
        self.threshold = threshold

    @property
    def classes_(self) -> NDArray[Any]:
        return self.classes

    def predict_proba(self, X: Any) -> Floats:
        return self.probabilities

    def predict(self, X: Any) -> NDArray[Any]:
        return self.classes[(self.probabilities[:, 1] >= self.threshold).astype(np.intp)]


def _best_threshold(folds: Sequence[FoldScores], scorer: Any, classes: NDArray[Any]) -> float:
    y = np.concatenate([fold.y for fold in folds])
    probabilities = np.concatenate([fold.probabilities for fold in folds])  # type: ignore[arg-type]
    values = np.unique(probabilities[:, 1])
    middles = (values[1:] + values[:-1]) / 2
    if len(middles) > _MOST_THRESHOLDS:
        middles = np.quantile(middles, np.linspace(0, 1, _MOST_THRESHOLDS))
    tried = np.append(0.5, middles)  # the first of those that are as good
    models = [_Known(classes, probabilities, threshold) for threshold in tried]
    scores = np.array([_score(scorer, model, y) for model in models])
    if np.ptp(scores) == 0:
        scores = np.array([balanced_accuracy_score(y, model.predict(None)) for model in models])
    return float(tried[scores.argmax()])


def _score(scorer: Any, model: _Known, y: NDArray[Any]) -> float:
    return float(scorer(model, np.zeros((len(y), 1)), y))
