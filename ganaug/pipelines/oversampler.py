"""GANOversampler: drawn rows for the rare classes, as a step of imbalanced-learn's pipelines."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import has_fit_parameter, validate_data

try:
    from imblearn.over_sampling.base import BaseOverSampler
    from imblearn.utils import check_sampling_strategy, check_target_type
except ImportError as error:
    raise ImportError('GANOversampler needs imbalanced-learn: pip install "ganaug[imblearn]"') from error

from ganaug._util.frames import header_of, to_frame
from ganaug._util.random import seed_sequence, seeded_clone
from ganaug._util.sklearn import take
from ganaug.exceptions import GanaugWarning, InvalidTableError
from ganaug.pipelines.rows import stacked
from ganaug.synthesizer import GANSynthesizer


class GANOversampler(BaseOverSampler):
    """Add rows of the rare classes that a generator has drawn.

    The generator learns from the rows of all classes, so that a rare one borrows from the others what they
    share, and is then asked for rows of exactly the classes that are wanted.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        How many rows each class shall have, as everywhere in imbalanced-learn. A float is the number of rows
        of the minority class over that of the majority class (two classes only); "minority",
        "not minority", "not majority", "all" and "auto" (which is "not majority") say which classes get as
        many rows as the largest has; a dict says for each class how many rows it shall have; a callable takes
        ``y`` and returns such a dict.
    synthesizer : estimator, optional
        What draws the rows: anything with ``fit(X, y)`` and ``sample(n, y=labels)``; a clone of it is fitted.
        None is a `GANSynthesizer` with default settings.
    random_state : int, RandomState or None, default=None
        Every ``random_state`` of the synthesizer that is None gets an integer from it.

    Attributes
    ----------
    is_synthetic_ : ndarray of shape (n_samples_new,), bool
        Which of the rows returned last were drawn.
    sampling_strategy_ : dict
        How many rows are drawn for each class.
    synthesizer_ : estimator or None
        The one that was fitted; None where nothing was to be drawn, so that nothing was trained.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only when all column names are text.

    See Also
    --------
    AugmentedClassifier : The same for scikit-learn's own Pipeline, which can't change the number of rows.

    Examples
    --------
    >>> import numpy as np
    >>> from ganaug import GANOversampler, GANSynthesizer
    >>> X = np.random.default_rng(0).normal(size=(60, 2))
    >>> y = np.array(["rare"] * 10 + ["common"] * 50)
    >>> sampler = GANOversampler(synthesizer=GANSynthesizer(max_epochs=1), random_state=0)
    >>> X_more, y_more = sampler.fit_resample(X, y)
    >>> X_more.shape, int(sampler.is_synthetic_.sum())
    ((100, 2), 40)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseOverSampler._parameter_constraints,
        "synthesizer": [HasMethods(["fit", "sample"]), None],
    }

    def __init__(
        self,
        *,
        sampling_strategy: float | str | Mapping[Any, int] | Callable[[Any], Mapping[Any, int]] = "auto",
        synthesizer: Any = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.synthesizer = synthesizer
        self.random_state = random_state

    def fit_resample(self, X: Any, y: Any, *, sample_weight: Any = None) -> tuple[Any, Any]:
        """Learn the table, and add rows to it.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            A frame of pandas or polars, a pyarrow Table, an array or a list of lists; mixed types and missing
            values are welcome, sparse tables are not.
        y : labels of shape (n_samples,), or one-hot of shape (n_samples, n_classes)
        sample_weight : array of shape (n_samples,), optional
            How much each row counts for the synthesizer; the rows of a class are counted without it.

        Returns
        -------
        X : table of shape (n_samples_new, n_features)
            The rows that were given, then those drawn, in the container and dtypes that were given; the index
            of a pandas frame is a new one.
        y : labels of shape (n_samples_new,) or (n_samples_new, n_classes)

        Raises
        ------
        ValueError
            Before anything is trained: if there is one class only, or the strategy asks for a class that
            isn't there or for fewer rows than there are.
        """
        self._validate_params()
        X, labels, _ = self._check_X_y(X, y)
        self.sampling_strategy_ = check_sampling_strategy(self.sampling_strategy, labels, self._sampling_type)
        wanted = {label: int(n) for label, n in self.sampling_strategy_.items() if n > 0}
        n, self.synthesizer_ = len(labels), None
        firsts = [int(np.flatnonzero(labels == label)[0]) for label in wanted]
        repeated = np.repeat(np.array(firsts, dtype=np.intp), list(wanted.values()))
        self.is_synthetic_ = np.arange(n + len(repeated)) >= n
        if len(repeated):
            _warn_of_single_rows(labels, wanted)
            drawn = self._drawn(X, labels, labels[repeated], sample_weight)
            X = stacked(X, drawn, len(repeated))
        if isinstance(y, np.ndarray) and y.shape[1:] == (1,):
            y = y[:, 0]
        return _numbered(X), _numbered(take(y, np.concatenate([np.arange(n), repeated])))

    def _fit_resample(self, X: Any, y: Any, **params: Any) -> tuple[Any, Any]:
        """What imbalanced-learn's own `fit_resample` would call, which is replaced here as a whole."""
        return self.fit_resample(X, y, **params)

    def _check_X_y(self, X: Any, y: Any) -> tuple[Any, NDArray[Any], bool]:  # noqa: N802 - imblearn's hook
        """The table as it is, and labels as an array; every error that can be raised before training is."""
        frame, _ = to_frame(X)
        given = np.asarray(y)
        n_missing = int(pd.isna(given).sum())
        if n_missing:
            raise InvalidTableError(f"Drop rows without a label: y has missing values, {n_missing}")
        check_array(given, ensure_2d=False, dtype=None, input_name="y")  # refuses infinity
        check_classification_targets(given)
        flat = given[:, 0] if given.ndim == 2 and given.shape[1] == 1 else given
        labels, is_one_hot = check_target_type(flat, indicate_one_vs_all=True)
        check_consistent_length(frame, labels)
        validate_data(self, header_of(X), reset=True, skip_check_array=True)
        return X, labels, is_one_hot

    def _drawn(self, X: Any, labels: NDArray[Any], asked: NDArray[Any], sample_weight: Any) -> Any:
        """Rows with just these labels, from a synthesizer that has learned all classes."""
        given = GANSynthesizer() if self.synthesizer is None else self.synthesizer
        root = None if self.random_state is None else seed_sequence(self.random_state)
        own = seeded_clone(given, root, 0)
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        if weights and not has_fit_parameter(own, "sample_weight"):
            raise TypeError(f"sample_weight was given, and fit of the synthesizer doesn't take it: {own!r}")
        own.fit(X, labels, **weights)
        rows = own.sample(len(asked), y=asked)
        self.synthesizer_ = own
        return rows

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


def _warn_of_single_rows(labels: NDArray[Any], wanted: Mapping[Any, int]) -> None:
    single = [label for label in wanted if (labels == label).sum() == 1]
    if single:
        message = (
            "One row doesn't show how its class varies; rows are drawn by what the other classes show. "
            f"Classes with one row: {', '.join(map(str, single))}"
        )
        warnings.warn(message, GanaugWarning, stacklevel=3)


def _numbered(values: Any) -> Any:
    """As imbalanced-learn gives them: numbered from 0 in pandas."""
    if isinstance(values, pd.Series | pd.DataFrame):
        return values.reset_index(drop=True)
    return values
