"""What `AugmentedClassifier` and `AugmentedRegressor` share: rows are added to those of a fit alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import check_is_fitted, validate_data

from ganaug._util.frames import header_of, is_frame
from ganaug._util.parameters import check_parameter
from ganaug._util.random import RandomState, numpy_generator, seed_sequence, seeded_clone
from ganaug._util.sklearn import check_sample_weight, take
from ganaug.exceptions import ContractError
from ganaug.pipelines.balance import (
    ALL_ROWS,
    Balance,
    BalanceReport,
    Treatment,
    compare,
    options_of,
    treatments_of,
)
from ganaug.pipelines.judging import FoldScores, folds_of, measured_fold, scorer_of
from ganaug.pipelines.rows import thinned
from ganaug.pipelines.weights import class_weight_parameter, weight_parameter

_FOLDS_KEY, _FOLD_KEY = 2, 3  # 0 and 1 are those of the estimator and the sampler


def estimator_has(name: str) -> Callable[[Any], bool]:
    """Check that the estimator, fitted or not, has an attribute."""

    def check(self: Any) -> bool:
        # An AttributeError that says what is missing is the better one.
        getattr(self.estimator_ if hasattr(self, "estimator_") else self._estimator(), name)
        return True

    return check


@dataclass(frozen=True, eq=False)
class Fitted:
    """Rows of a fit.

    Parameters
    ----------
    X : table of shape (n_samples, n_features)
    y : array of shape (n_samples,)
    weights : array of shape (n_samples,), optional
    groups : array of shape (n_samples,), optional
    """

    X: Any
    y: NDArray[Any]
    weights: NDArray[np.float64] | None = None
    groups: NDArray[Any] | None = None

    def of(self, rows: NDArray[np.intp]) -> Fitted:
        """Some of the rows."""
        more = [None if given is None else given[rows] for given in (self.weights, self.groups)]
        return Fitted(take(self.X, rows), self.y[rows], *more)


Added = tuple[Any, Any, NDArray[Any]]  # a fitted sampler, rows and labels: the real ones, then those drawn


class Augmented(MetaEstimatorMixin, BaseEstimator):
    """Rows are added to those of the fit, and to no others."""

    estimator: Any
    synthetic_weight: float
    balance: Any
    n_jobs: int | None
    random_state: RandomState

    def _estimator(self) -> Any:
        raise NotImplementedError

    def _added(self, rows: Fitted, root: Any) -> Added:
        """A sampler that was fitted, the real rows, then those drawn."""
        raise NotImplementedError

    @property
    def synthesizer_(self) -> Any:
        """The fitted synthesizer that drew the rows; the sampler itself where it has none."""
        check_is_fitted(self)
        return getattr(self.sampler_, "synthesizer_", self.sampler_)

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict rows as they are.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        X = self._checked(X)
        return self.estimator_.predict(X)

    def _checked(self, X: Any) -> Any:
        check_is_fitted(self)
        X = _read(X)
        validate_data(self, header_of(X), reset=False, skip_check_array=True)
        return X

    def _fit(self, X: Any, y: NDArray[Any], sample_weight: Any, groups: Any) -> None:
        """Choose what is done, draw rows as far as it is that, and fit. Rows of weight 0 are left out."""
        check_parameter("synthetic_weight", self.synthetic_weight, float, minimum=0)
        options = options_of(self.balance)
        weights = None if sample_weight is None else check_sample_weight(sample_weight, np.empty((len(y), 0)))
        check_consistent_length(y, groups)
        rows = Fitted(X, y, weights, None if groups is None else np.asarray(groups))
        if weights is not None and (weights == 0).any():
            rows = rows.of(np.flatnonzero(weights))
        if rows.weights is not None or self.synthetic_weight != 1:
            weight_parameter(self._estimator())  # an error before anything is trained
        root = None if self.random_state is None else seed_sequence(self.random_state)
        treatment = ALL_ROWS
        self.__dict__.pop("report_", None)
        if options is not None:
            self.report_ = self._compared(options, rows, root)
            treatment = self.report_.treatment
        added = self._added(rows, root) if treatment.amount else None
        self._fit_on(rows, added, treatment, root)

    def _fit_on(self, rows: Fitted, added: Added | None, treatment: Treatment, root: Any) -> None:
        """Fit the estimator on real rows and as many of the drawn ones as the treatment says."""
        own = seeded_clone(self._estimator(), root, 0)
        name = class_weight_parameter(own)
        if treatment.weighs_classes and name is not None:
            own.set_params(**{name: "balanced"})
        self.sampler_: Any
        self.sampler_, table, labels = (None, rows.X, rows.y) if added is None else added
        n_real = len(rows.y)
        if added is not None and treatment.amount < 1:
            kept = thinned(n_real, labels, treatment.amount, by_class=is_classifier(self))
            table, labels = take(table, kept), labels[kept]
        is_weighted = rows.weights is not None or self.synthetic_weight != 1
        real = np.ones(n_real) if rows.weights is None else rows.weights
        every = np.concatenate([real, np.full(len(labels) - n_real, float(self.synthetic_weight))])
        self.estimator_ = own.fit(table, labels, **({weight_parameter(own): every} if is_weighted else {}))
        self.threshold_ = treatment.threshold
        self._note_labels(labels, every, n_real)

    def _note_labels(self, labels: NDArray[Any], weights: NDArray[np.float64], n_real: int) -> None:
        """Take note of what was fitted on."""

    def _compared(self, options: Balance, rows: Fitted, root: Any) -> BalanceReport:
        """What an inner cross-validation says of the ways to go."""
        own_root = seed_sequence() if root is None else root
        seed = int(numpy_generator(own_root, _FOLDS_KEY).integers(2**31))
        classifies = is_classifier(self)
        weighs = classifies and class_weight_parameter(self._estimator()) is not None
        treatments = treatments_of(options, weighs)
        scorer = scorer_of(options.scoring, self, rows.y, classifies)

        def measure(train: NDArray[np.intp], test: NDArray[np.intp], fold: int) -> FoldScores:
            part, models = rows.of(train), []
            fold_root = np.random.SeedSequence(own_root.entropy, spawn_key=(_FOLD_KEY, fold))
            added = self._added(part, fold_root)
            for treatment in treatments:
                model = clone(self)
                model._note(part.X, part.y)
                model._fit_on(part, added if treatment.amount else None, treatment, fold_root)
                models.append(model)
            return measured_fold(models, rows.X, rows.y, test, scorer, classifies)

        folds = folds_of(options.cv, rows.y, rows.groups, seed, classifies)
        classes = np.unique(rows.y) if classifies else None
        return compare(options, measure, treatments, folds, scorer, classes, self.n_jobs)

    def _note(self, X: Any, y: Any) -> Any:
        """The table, read as far as needed to tell rows; names and number of its columns are noted."""
        X = _read(X)
        required = None if y is None else "no_validation"
        validate_data(self, header_of(X), y=required, reset=True, skip_check_array=True)
        return X

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = getattr(self._estimator(), "__sklearn_tags__", None)
        if inner is not None:
            given = inner().input_tags
            tags.input_tags.allow_nan = given.allow_nan
            tags.input_tags.string = given.string
            tags.input_tags.categorical = given.categorical
        tags.input_tags.sparse = False
        return tags


def resampled(sampler: Any, rows: Fitted, root: Any) -> Added:
    """Real rows and those that an over-sampler adds, from a clone of it."""
    own = seeded_clone(sampler, root, 1)
    takes = rows.weights is not None and "sample_weight" in signature(own.fit_resample).parameters
    table, labels = own.fit_resample(rows.X, rows.y, **({"sample_weight": rows.weights} if takes else {}))
    labels, n_real = np.asarray(labels), len(rows.y)
    if len(labels) < n_real or not (labels[:n_real] == rows.y).all():
        raise ContractError(f"The sampler must leave the real rows, first; this one doesn't: {own!r}")
    return own, table, labels


def _read(X: Any) -> Any:
    """A frame as it is; anything else as an array."""
    return X if is_frame(X) else check_array(X, dtype=None, ensure_all_finite=False, input_name="X")
