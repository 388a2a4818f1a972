"""AugmentedClassifier and AugmentedRegressor: fit on real and drawn rows, predict on rows as they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import has_fit_parameter

from ganaug._util.parameters import check_flag, check_parameter
from ganaug._util.random import RandomState, seeded_clone
from ganaug.pipelines.balance import Balance
from ganaug.pipelines.meta import Added, Augmented, Fitted, estimator_has, resampled
from ganaug.pipelines.rows import stacked
from ganaug.pipelines.weights import shares_of_real
from ganaug.synthesizer import GANSynthesizer


def _has_decisions(self: Any) -> bool:
    if self.correct_prior:
        raise AttributeError("There is no decision_function with correct_prior=True: use predict_proba")
    return estimator_has("decision_function")(self)


class AugmentedClassifier(ClassifierMixin, Augmented):
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
    balance : "auto", Balance or None, default=None
        Whether to find out first what helps: an inner cross-validation compares doing nothing, class weights
        (where the estimator has them), a tuned threshold, and drawn rows at several amounts; drawn rows are
        taken only when they win by more than noise. "auto" is `Balance` with default settings. What was found
        is in ``report_``. None adds the rows in any case.
    n_jobs : int, optional
        Folds of that cross-validation that are measured at a time.
    random_state : int, RandomState, Generator or None, default=None
        Every ``random_state`` of the estimator and the sampler that is None gets an integer from it.

    Attributes
    ----------
    estimator_ : classifier
        Fitted on real and drawn rows.
    sampler_ : sampler or None
        None where ``balance`` found that no rows are to be added.
    synthesizer_ : estimator or None
        The one that drew the rows; None where nothing was to be drawn.
    report_ : BalanceReport
        ``frame`` and ``sentence``; only with ``balance``.
    threshold_ : float or None
        Probability of the second class from which on it is predicted, where ``balance`` chose one.
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
        balance: str | Balance | None = None,
        n_jobs: int | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.estimator = estimator
        self.sampler = sampler
        self.synthetic_weight = synthetic_weight
        self.correct_prior = correct_prior
        self.balance = balance
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any, *, sample_weight: Any = None, groups: Any = None) -> AugmentedClassifier:
        """Add rows to the rare classes, and fit the estimator.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
        y : labels of shape (n_samples,)
        sample_weight : array of shape (n_samples,), optional
            Weights of the real rows, for the estimator and, where it takes them, the sampler.
        groups : array of shape (n_samples,), optional
            Rows of a group are never on both sides of a fold of ``balance``; nothing else looks at it.

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
        self._fit(X, labels, sample_weight, groups)
        return self

    def _note_labels(self, labels: NDArray[Any], weights: NDArray[np.float64], n_real: int) -> None:
        self.classes_ = self.estimator_.classes_
        self._ratios = shares_of_real(labels, weights, n_real, self.classes_)

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the class of rows as they are.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        X = self._checked(X)
        if self.threshold_ is not None:
            return self.classes_[(self.predict_proba(X)[:, 1] >= self.threshold_).astype(np.intp)]
        if self.correct_prior:
            return self.classes_[self.predict_proba(X).argmax(axis=1)]
        return self.estimator_.predict(X)

    @available_if(estimator_has("predict_proba"))
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities of the classes, of shape (n_samples, n_classes); see ``correct_prior``."""
        X = self._checked(X)  # first: before fit there is no estimator_
        probabilities = self.estimator_.predict_proba(X)
        if not self.correct_prior:
            return probabilities
        odds = probabilities * self._ratios
        return odds / odds.sum(axis=1, keepdims=True)

    @available_if(estimator_has("predict_proba"))
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

    def _added(self, rows: Fitted, root: Any) -> Added:
        return resampled(self._sampler(), rows, root)

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


class AugmentedRegressor(RegressorMixin, Augmented):
    """A regressor that is fitted on real rows and on rows drawn from what a synthesizer has learned of them.

    Parameters
    ----------
    estimator : regressor, optional
        None is a `HistGradientBoostingRegressor`. It may be a Pipeline.
    sampler : synthesizer or sampler, optional
        Anything with ``fit(X, y)`` and ``sample(n, return_y=True)``; a clone of it is fitted. None is a
        `GANSynthesizer` with default settings. Or anything with ``fit_resample(X, y)`` that leaves the real
        rows first, such as ``GANOversampler(target="relevance")`` for rare ranges of ``y``.
    n_synthetic : float, default=1.0
        How many rows a synthesizer draws, as a multiple of the real ones; a sampler knows itself how many it
        adds. 0 draws none and trains nothing.
    synthetic_weight : float, default=1.0
        Weight of a drawn row where a real one has 1. Unless it is 1, the estimator must take weights.
    balance : "auto", Balance or None, default=None
        Whether to find out first what helps: an inner cross-validation compares drawn rows at several amounts
        with none, and takes them only when they win by more than noise. "auto" is `Balance` with default
        settings. What was found is in ``report_``. None adds the rows in any case.
    n_jobs : int, optional
        Folds of that cross-validation that are measured at a time.
    random_state : int, RandomState, Generator or None, default=None
        Every ``random_state`` of the estimator and the sampler that is None gets an integer from it.

    Attributes
    ----------
    estimator_ : regressor
        Fitted on real and drawn rows.
    sampler_, synthesizer_ : estimator or None
        The synthesizer that drew the rows; None where none were drawn.
    report_ : BalanceReport
        ``frame`` and ``sentence``; only with ``balance``.
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
        balance: str | Balance | None = None,
        n_jobs: int | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.estimator = estimator
        self.sampler = sampler
        self.n_synthetic = n_synthetic
        self.synthetic_weight = synthetic_weight
        self.balance = balance
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any, *, sample_weight: Any = None, groups: Any = None) -> AugmentedRegressor:
        """Draw rows, and fit the estimator on them and the real ones.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
        y : array of shape (n_samples,)
        sample_weight : array of shape (n_samples,), optional
            Weights of the real rows, for the estimator and, where it takes them, the synthesizer.
        groups : array of shape (n_samples,), optional
            Rows of a group are never on both sides of a fold of ``balance``; nothing else looks at it.

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
        self._fit(X, target, sample_weight, groups)
        return self

    def _estimator(self) -> Any:
        return HistGradientBoostingRegressor() if self.estimator is None else self.estimator

    def _added(self, rows: Fitted, root: Any) -> Added:
        n = round(self.n_synthetic * len(rows.y))
        if n == 0:
            return None, rows.X, rows.y
        if hasattr(self.sampler, "fit_resample"):
            return resampled(self.sampler, rows, root)
        own = seeded_clone(GANSynthesizer() if self.sampler is None else self.sampler, root, 1)
        takes = rows.weights is not None and has_fit_parameter(own, "sample_weight")
        own.fit(rows.X, rows.y, **({"sample_weight": rows.weights} if takes else {}))
        drawn, labels = own.sample(n, return_y=True)
        both = np.concatenate([rows.y, np.asarray(labels, dtype=np.float64)])
        return own, stacked(rows.X, drawn, n), both
