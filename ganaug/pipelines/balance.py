"""Does any of it help? Ways to treat a rare class, compared by an inner cross-validation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone

from ganaug._util.parameters import check_parameter
from ganaug.pipelines.judging import Floats, FoldScores, Scorer, tuned_threshold


class Balance(BaseEstimator):
    """How `AugmentedClassifier` and `AugmentedRegressor` find out whether drawn rows help.

    Parameters
    ----------
    scoring : str or callable, default="auto"
        What is compared, as everywhere in scikit-learn; more is better. "auto" is the average precision of
        the rarer of two classes, the mean of those of all classes where there are more, and R2 for a
        regressor. It takes no notice of a threshold.
    amounts : sequence of float, default=(0.25, 0.5, 1.0)
        How many drawn rows are tried, as shares of those that the sampler adds, which are never exceeded.
    cv : int or splitter, default=5
        Folds, the same for all that is compared; at most as many as the rarest class has rows. With
        ``groups`` in fit, the rows of a group stay together.
    time_budget_seconds : float or None, default=600.0
        Wall-clock time after which no further fold is begun; two are always measured.

    Examples
    --------
    >>> from ganaug import AugmentedClassifier, Balance
    >>> model = AugmentedClassifier(balance=Balance(scoring="roc_auc", amounts=[1.0], cv=3))
    >>> model.get_params()["balance__cv"]
    3
    """

    def __init__(
        self,
        *,
        scoring: str | Callable[[Any, Any, Any], float] = "auto",
        amounts: Sequence[float] = (0.25, 0.5, 1.0),
        cv: Any = 5,
        time_budget_seconds: float | None = 600.0,
    ) -> None:
        self.scoring = scoring
        self.amounts = amounts
        self.cv = cv
        self.time_budget_seconds = time_budget_seconds

    def check(self) -> None:
        """Raise an error that names the first option whose type or value is wrong."""
        if not len(self.amounts):
            raise ValueError(f"balance's amounts must hold at least one number, got {self.amounts!r}")
        for amount in self.amounts:
            check_parameter("balance's amounts", amount, float, minimum=0, maximum=1, inclusive=False)
        if not hasattr(self.cv, "split"):
            check_parameter("balance's cv", self.cv, int, minimum=2)
        if self.time_budget_seconds is not None:
            check_parameter(
                "balance's time_budget_seconds", self.time_budget_seconds, float, minimum=0, inclusive=False
            )


@dataclass(frozen=True)
class Treatment:
    """What is done about a rare class.

    Parameters
    ----------
    name : str
    amount : float, default=0.0
        Drawn rows, as a share of those that the sampler adds.
    weighs_classes : bool, default=False
        Whether the estimator's ``class_weight`` is "balanced".
    threshold : float, optional
        Probability of the second class from which on it is predicted; None is where the estimator has it.
    """

    name: str
    amount: float = 0.0
    weighs_classes: bool = False
    threshold: float | None = None


NOTHING = Treatment("nothing")
ALL_ROWS = Treatment("all drawn rows", amount=1.0)
THRESHOLD = "tuned threshold"


@dataclass(frozen=True, eq=False)
class BalanceReport:
    """What was compared, and what was found.

    Parameters
    ----------
    frame : DataFrame
        A row for each treatment: its mean ``score``; its ``gain`` over nothing, and the ``noise`` of that, a
        standard error over folds that share rows; the mean ``balanced_accuracy`` of a classifier's
        predictions; whether it was ``chosen``.
    sentence : str
        The same in words.
    treatment : Treatment
        The one that was chosen.
    n_folds : int
    """

    frame: pd.DataFrame
    sentence: str
    treatment: Treatment
    n_folds: int

    def __str__(self) -> str:
        return f"{self.sentence}\n{self.frame.to_string(float_format='{:.4f}'.format)}"


def treatments_of(options: Balance, weighs_classes: bool) -> list[Treatment]:
    """What is fitted, the simplest first."""
    found = [NOTHING]
    if weighs_classes:
        found.append(Treatment("class weight", weighs_classes=True))
    shares = sorted(map(float, options.amounts))
    return [*found, *(Treatment(f"{share:.0%} of the drawn rows", amount=share) for share in shares)]


def compare(
    options: Balance,
    measure: Callable[[NDArray[np.intp], NDArray[np.intp], int], FoldScores],
    treatments: Sequence[Treatment],
    folds: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]],
    scorer: Scorer,
    classes: NDArray[Any] | None,
    n_jobs: int | None,
) -> BalanceReport:
    """Measure the treatments on the folds, and choose.

    Parameters
    ----------
    options : Balance
    measure : callable
        ``measure(train, test, fold)`` fits all treatments on some rows, and judges them by others.
    treatments : sequence of Treatment
        "nothing" first.
    folds : sequence of (train, test)
    scorer : callable
    classes : array of shape (n_classes,), or None for a regressor
    n_jobs : int, optional
        Folds at a time.
    """
    if len(folds) < 2:
        sentence = (
            "Nothing was compared, and nothing is done: that takes at least two folds that have every class "
            "on both sides."
        )
        return BalanceReport(_frame(treatments[:1], None, None, 0, classes), sentence, NOTHING, 0)
    found = list(_measured(options, measure, folds, n_jobs))
    scores = np.stack([fold.scores for fold in found])
    accuracies = np.stack([fold.accuracies for fold in found])
    treatments = list(treatments)
    if classes is not None and len(classes) == 2 and found[0].probabilities is not None:
        threshold, by_fold = tuned_threshold(found, scorer, classes)
        treatments.insert(1, Treatment(THRESHOLD, threshold=threshold))
        scores = np.insert(scores, 1, by_fold[0], axis=1)
        accuracies = np.insert(accuracies, 1, by_fold[1], axis=1)
    chosen = choose(scores, [treatment.amount > 0 for treatment in treatments], len(folds))
    frame = _frame(treatments, scores, accuracies, chosen, classes, len(folds))
    return BalanceReport(
        frame, _sentence(frame, treatments[chosen], treatments), treatments[chosen], len(found)
    )


def choose(scores: Floats, draws_rows: Sequence[bool], n_folds: int) -> int:
    """The treatment to take: drawn rows only when they beat all that is cheaper by more than noise.

    Parameters
    ----------
    scores : array of shape (n_measured, n_treatments)
        The first is that of nothing.
    draws_rows : sequence of bool
    n_folds : int
        Folds that were planned: they say how many rows two fits share.

    Examples
    --------
    >>> scores = np.array([[0.50, 0.52, 0.61], [0.40, 0.39, 0.52], [0.45, 0.46, 0.57]])
    >>> choose(scores, [False, False, True], 3)
    2
    >>> choose(scores[:, :2], [False, False], 3)
    0
    """
    best = 0
    for kind in (False, True):
        own = [place for place, draws in enumerate(draws_rows) if draws == kind and place]
        better = [place for place in own if _beats(scores[:, place] - scores[:, best], n_folds)]
        if better:
            best = max(better, key=lambda place: float(scores[:, place].mean()))
    return best


def noise_of(differences: Floats, n_folds: int) -> float:
    """Standard error of a mean over folds of cross-validation, whose training rows overlap.

    References
    ----------
    Nadeau, Bengio: Inference for the Generalization Error, Machine Learning 52, 2003.
    """
    factor = 1 / len(differences) + 1 / (n_folds - 1)
    return float(np.sqrt(factor) * differences.std(ddof=1))


def options_of(balance: Any) -> Balance | None:
    """The options, from what was given as ``balance``."""
    if balance is None:
        return None
    options = Balance() if isinstance(balance, str) and balance == "auto" else balance
    if not isinstance(options, Balance):
        raise TypeError(f"balance must be 'auto', a Balance or None, got {balance!r}")
    options = clone(options)
    options.check()
    return options


def _measured(
    options: Balance, measure: Any, folds: Sequence[Any], n_jobs: int | None
) -> Iterator[FoldScores]:
    began, budget = time.monotonic(), options.time_budget_seconds
    parallel = Parallel(n_jobs=n_jobs, return_as="generator", pre_dispatch="n_jobs")
    found = parallel(delayed(measure)(train, test, place) for place, (train, test) in enumerate(folds))
    for n_done, fold in enumerate(found, start=1):
        yield fold
        if budget is not None and n_done >= 2 and time.monotonic() - began >= budget:
            found.close()
            return


def _beats(differences: Floats, n_folds: int) -> bool:
    return float(differences.mean()) > noise_of(differences, n_folds)


def _frame(
    treatments: Sequence[Treatment],
    scores: Floats | None,
    accuracies: Floats | None,
    chosen: int,
    classes: Any,
    n_folds: int = 0,
) -> pd.DataFrame:
    n = len(treatments)
    frame = pd.DataFrame(index=pd.Index([treatment.name for treatment in treatments], name="treatment"))
    frame["score"] = np.full(n, np.nan) if scores is None else scores.mean(axis=0)
    differences = np.zeros((2, n)) if scores is None else scores - scores[:, :1]
    frame["gain"] = differences.mean(axis=0)
    frame["noise"] = [noise_of(differences[:, place], max(n_folds, 2)) for place in range(n)]
    if classes is not None:
        frame["balanced_accuracy"] = np.nan if accuracies is None else accuracies.mean(axis=0)
    frame["chosen"] = np.arange(n) == chosen
    return frame


def _sentence(frame: pd.DataFrame, chosen: Treatment, treatments: Sequence[Treatment]) -> str:
    names = [treatment.name for treatment in treatments]
    gains, noises = frame["gain"].to_numpy(), frame["noise"].to_numpy()
    draws = [place for place, treatment in enumerate(treatments) if treatment.amount > 0]
    best = max(draws, key=lambda place: float(gains[place]))
    said = f"Drawn rows change the score by {gains[best]:+.4f} ± {noises[best]:.4f} at best ({names[best]}; "
    said += f"nothing has {frame['score'].iloc[0]:.4f})"
    if chosen.amount:
        said += ", more than noise and than anything cheaper: they are taken"
    elif chosen.name == NOTHING.name:
        said += ", and nothing else gains more than noise either: the rows stay as they are"
    else:
        said += f"; what is taken is the {chosen.name}, with {gains[names.index(chosen.name)]:+.4f}"
    if THRESHOLD in names and chosen.name != THRESHOLD:
        place = names.index(THRESHOLD)
        before, after = frame["balanced_accuracy"].iloc[[0, place]]
        threshold = treatments[place].threshold
        said += f"; a threshold of {threshold:.3g} takes balanced accuracy from {before:.3f} to {after:.3f}"
    return said + "."
