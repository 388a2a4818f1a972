"""AugmentedClassifier and AugmentedRegressor: fit on real and drawn rows, predict on rows as they are."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, RegressorMixin
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, has_fit_parameter, validate_data

from ganaug._util.frames import header_of, is_frame
from ganaug._util.parameters import check_flag, check_parameter
from ganaug._util.random import RandomState, seed_sequence, seeded_clone
from ganaug._util.sklearn import check_sample_weight, take
from ganaug.exceptions import ContractError
from ganaug.pipelines.rows import stacked
from ganaug.pipelines.weights import shares_of_real, weight_parameter
from ganaug.synthesizer import GANSynthesizer


def _estimator_has(name: str) -> Callable[[Any], bool]:
    def check(self: Any) -> bool:
        # An AttributeError that says what is missing is the better one.
        getattr(self.estimator_ if hasattr(self, "estimator_") else self._estimator(), name)
        return True

    return check


def _has_decisions(self: Any) -> bool:
    if self.correct_prior:
        raise AttributeError("There is no decision_function with correct_prior=True: use predict_proba")
    return _estimator_has("decision_function")(self)


class _Augmented(MetaEstimatorMixin, BaseEstimator):
    """What both have in common: rows are added to those of the fit, and to no others."""

    estimator: Any
    synthetic_weight: float
    random_state: RandomState

    def _estimator(self) -> Any:
        raise NotImplementedError

    def _added(
        self, X: Any, y: NDArray[Any], weights: NDArray[np.float64] | None, root: Any
    ) -> tuple[Any, NDArray[Any]]:
        """The real rows, then those drawn; it sets ``sampler_``."""
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

    def _fit(
        self, X: Any, y: NDArray[Any], sample_weight: Any
    ) -> tuple[NDArray[Any], NDArray[np.float64], int]:
        """Fit on real and drawn rows; their labels and weights, and how many are real.

        Rows of weight 0 are left out.
        """
        check_parameter("synthetic_weight", self.synthetic_weight, float, minimum=0)
        weights = None if sample_weight is None else check_sample_weight(sample_weight, np.empty((len(y), 0)))
        if weights is not None and (weights == 0).any():
            kept = np.flatnonzero(weights)
            X, y, weights = take(X, kept), y[kept], weights[kept]
        root = None if self.random_state is None else seed_sequence(self.random_state)
        own = seeded_clone(self._estimator(), root, 0)
        is_weighted = weights is not None or self.synthetic_weight != 1
        name = weight_parameter(own) if is_weighted else ""
        rows, labels = self._added(X, y, weights, root)
        real = np.ones(len(y)) if weights is None else weights
        drawn = np.full(len(labels) - len(y), float(self.synthetic_weight))
        every = np.concatenate([real, drawn])
        self.estimator_ = own.fit(rows, labels, **({name: every} if is_weighted else {}))
        return labels, every, len(y)

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


class AugmentedClassifier(ClassifierMixin, _Augmented):
    """A classifier that is fitted on real rows and on rows drawn for the rare classes.

    scikit-learn's own Pipeline can't change the number of rows; this can be its last step. In
    cross-validation, rows are drawn from the rows of the training folds only.

    Parameters
    ----------
    estimator : classifier, optional
        None is a `HistGradientBoostingClassifier`. It may be a Pipeline.
    sampler : sampler, optional
        What adds rows: anything with ``fit_resample(X, y)`` that leaves the real rows first, as the
        over-samplers of imbalanced-learn do. None is a `GANOversampler` with default settings.
    synthetic_weight : float, default=1.0
        Weight of a drawn row where a real one has 1. Unless it is 1, the estimator must take weights.
    correct_prior : bool, default=False
        Whether probabilities are brought back to the classes' real shares: each is multiplied by the class's
        share among real rows over that in the fit, and `predict` follows them. It is right for models that
        take up the shares as they are, such as logistic regression, and worsens boosted trees and forests.
        There is no ``decision_function`` then.
    random_state : int, RandomState, Generator or None, default=None
        Every ``random_state`` of the estimator and the sampler that is None gets an integer from it.

    Attributes
    ----------
    estimator_ : classifier
        Fitted on real and drawn rows.
    sampler_ : sampler
    synthesizer_ : estimator or None
        The one that drew the rows; None where nothing was to be drawn.
    classes_ : ndarray of shape (n_classes,)
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only when all column names are text.

    See Also
    --------
    GANOversampler : The same for imbalanced-learn's Pipeline.

    Notes
    -----
    Try `sklearn.model_selection.TunedThresholdClassifierCV` and ``class_weight`` first: they cost less, and
    balancing often does not help strong learners.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from ganaug import AugmentedClassifier, GANOversampler, GANSynthesizer
    >>> X = np.random.default_rng(0).normal(size=(60, 2))
    >>> y = np.array(["rare"] * 10 + ["common"] * 50)
    >>> sampler = GANOversampler(synthesizer=GANSynthesizer(max_epochs=1))
    >>> model = AugmentedClassifier(LogisticRegression(), sampler=sampler, random_state=0).fit(X, y)
    >>> model.predict_proba(X).shape
    (60, 2)
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        sampler: Any = None,
        synthetic_weight: float = 1.0,
        correct_prior: bool = False,
        random_state: RandomState = None,
    ) -> None:
        self.estimator = estimator
        self.sampler = sampler
        self.synthetic_weight = synthetic_weight
        self.correct_prior = correct_prior
        self.random_state = random_state

    def fit(self, X: Any, y: Any, *, sample_weight: Any = None) -> AugmentedClassifier:
        """Add rows to the rare classes, and fit the estimator.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
        y : labels of shape (n_samples,)
        sample_weight : array of shape (n_samples,), optional
            Weights of the real rows, for the estimator and, where it takes them, the sampler.

        Returns
        -------
        AugmentedClassifier

        Raises
        ------
        TypeError
            Before anything is trained: if weights are needed and the estimator takes none.
        """
        X = self._note(X, y)
        check_flag("correct_prior", self.correct_prior)
        labels = check_array(column_or_1d(y, warn=True), ensure_2d=False, dtype=None, input_name="y")
        check_classification_targets(labels)
        check_consistent_length(X, labels)
        if self.correct_prior and not hasattr(self._estimator(), "predict_proba"):
            raise TypeError(
                f"correct_prior=True needs predict_proba, got the estimator {self._estimator()!r}"
            )
        fitted_on = self._fit(X, labels, sample_weight)
        self.classes_ = self.estimator_.classes_
        self._ratios = shares_of_real(*fitted_on, self.classes_)
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the class of rows as they are.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        if not self.correct_prior:
            return super().predict(X)
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    @available_if(_estimator_has("predict_proba"))
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities of the classes, of shape (n_samples, n_classes); see ``correct_prior``."""
        X = self._checked(X)  # first: before fit there is no estimator_
        probabilities = self.estimator_.predict_proba(X)
        if not self.correct_prior:
            return probabilities
        odds = probabilities * self._ratios
        return odds / odds.sum(axis=1, keepdims=True)

    @available_if(_estimator_has("predict_proba"))
    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """Logarithms of `predict_proba`, of shape (n_samples, n_classes)."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    @available_if(_has_decisions)
    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """The estimator's decisions, of shape (n_samples,) or (n_samples, n_classes)."""
        X = self._checked(X)
        return self.estimator_.decision_function(X)

    def _estimator(self) -> Any:
        return HistGradientBoostingClassifier() if self.estimator is None else self.estimator

    def _added(
        self, X: Any, y: NDArray[Any], weights: NDArray[np.float64] | None, root: Any
    ) -> tuple[Any, NDArray[Any]]:
        own = seeded_clone(self._sampler(), root, 1)
        takes = weights is not None and "sample_weight" in signature(own.fit_resample).parameters
        rows, labels = own.fit_resample(X, y, **({"sample_weight": weights} if takes else {}))
        labels = np.asarray(labels)
        if len(labels) < len(y) or not (labels[: len(y)] == y).all():
            raise ContractError(f"The sampler must leave the real rows, first; this one doesn't: {own!r}")
        self.sampler_ = own
        return rows, labels

    def _sampler(self) -> Any:
        if self.sampler is None:
            from ganaug.pipelines.oversampler import GANOversampler  # it needs imbalanced-learn

            return GANOversampler()
        if not hasattr(self.sampler, "fit_resample"):
            raise TypeError(
                "sampler must have fit_resample, such as GANOversampler(synthesizer=...); "
                f"got {self.sampler!r}"
            )
        return self.sampler


class AugmentedRegressor(RegressorMixin, _Augmented):
    """A regressor that is fitted on real rows and on rows drawn from what a synthesizer has learned of them.

    Parameters
    ----------
    estimator : regressor, optional
        None is a `HistGradientBoostingRegressor`. It may be a Pipeline.
    sampler : synthesizer, optional
        Anything with ``fit(X, y)`` and ``sample(n, return_y=True)``; a clone of it is fitted. None is a
        `GANSynthesizer` with default settings.
    n_synthetic : float, default=1.0
        How many rows are drawn, as a multiple of the real ones; 0 draws none and trains no synthesizer.
    synthetic_weight : float, default=1.0
        Weight of a drawn row where a real one has 1. Unless it is 1, the estimator must take weights.
    random_state : int, RandomState, Generator or None, default=None
        Every ``random_state`` of the estimator and the sampler that is None gets an integer from it.

    Attributes
    ----------
    estimator_ : regressor
        Fitted on real and drawn rows.
    sampler_, synthesizer_ : estimator or None
        The synthesizer that drew the rows; None where none were drawn.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only when all column names are text.

    Notes
    -----
    Drawn rows hold nothing that the real ones don't: they smooth, and can harm. Compare ``n_synthetic=0``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from ganaug import AugmentedRegressor, GANSynthesizer
    >>> X = np.random.default_rng(0).normal(size=(60, 2))
    >>> model = AugmentedRegressor(Ridge(), sampler=GANSynthesizer(max_epochs=1), random_state=0)
    >>> model.fit(X, X.sum(axis=1)).predict(X).shape
    (60,)
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        sampler: Any = None,
        n_synthetic: float = 1.0,
        synthetic_weight: float = 1.0,
        random_state: RandomState = None,
    ) -> None:
        self.estimator = estimator
        self.sampler = sampler
        self.n_synthetic = n_synthetic
        self.synthetic_weight = synthetic_weight
        self.random_state = random_state

    def fit(self, X: Any, y: Any, *, sample_weight: Any = None) -> AugmentedRegressor:
        """Draw rows, and fit the estimator on them and the real ones.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
        y : array of shape (n_samples,)
        sample_weight : array of shape (n_samples,), optional
            Weights of the real rows, for the estimator and, where it takes them, the synthesizer.

        Returns
        -------
        AugmentedRegressor

        Raises
        ------
        TypeError
            Before anything is trained: if weights are needed and the estimator takes none.
        """
        X = self._note(X, y)
        check_parameter("n_synthetic", self.n_synthetic, float, minimum=0)
        target = check_array(column_or_1d(y, warn=True), ensure_2d=False, dtype=np.float64, input_name="y")
        check_consistent_length(X, target)
        self._fit(X, target, sample_weight)
        return self

    def _estimator(self) -> Any:
        return HistGradientBoostingRegressor() if self.estimator is None else self.estimator

    def _added(
        self, X: Any, y: NDArray[Any], weights: NDArray[np.float64] | None, root: Any
    ) -> tuple[Any, NDArray[Any]]:
        n = round(self.n_synthetic * len(y))
        self.sampler_ = None
        if n == 0:
            return X, y
        own = seeded_clone(GANSynthesizer() if self.sampler is None else self.sampler, root, 1)
        takes = weights is not None and has_fit_parameter(own, "sample_weight")
        own.fit(X, y, **({"sample_weight": weights} if takes else {}))
        rows, drawn = own.sample(n, return_y=True)
        self.sampler_ = own
        return stacked(X, rows, n), np.concatenate([y, np.asarray(drawn, dtype=np.float64)])


def _read(X: Any) -> Any:
    """A frame as it is; anything else as an array."""
    return X if is_frame(X) else check_array(X, dtype=None, ensure_all_finite=False, input_name="X")
