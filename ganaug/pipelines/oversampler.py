"""GANOversampler: drawn rows for the rare classes, as a step of imbalanced-learn's pipelines."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from numbers import Real
from os import PathLike
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import check_array, check_consistent_length, compute_sample_weight
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_memory, has_fit_parameter, validate_data

try:
    from imblearn.over_sampling.base import BaseOverSampler
    from imblearn.utils import check_sampling_strategy, check_target_type
except ImportError as error:
    raise ImportError('GANOversampler needs imbalanced-learn: pip install "ganaug[imblearn]"') from error

from ganaug._util.frames import header_of, to_frame
from ganaug._util.random import numpy_generator, seed_sequence, seeded_clone
from ganaug._util.sklearn import check_sample_weight, take
from ganaug.exceptions import ContractError, GanaugWarning, InvalidTableError, UnsupportedError
from ganaug.image.reading import are_images
from ganaug.pipelines.defaults import default_synthesizer
from ganaug.pipelines.images import header_of_images, refuse_options_of_tables, stacked_images
from ganaug.pipelines.rows import beside, kept_to_others, stacked
from ganaug.pipelines.targets import TARGETS, Strata, find_strata
from ganaug.synthesizer import GANSynthesizer

_SURPLUS = 3  # rows drawn for each one that a filter keeps
_ROUNDS = 10  # in which numbers beyond what was asked for are drawn again


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
        None is a `GANSynthesizer` of which the size and the length of the fit are bounded by the size of the
        table, so that it costs seconds, and without a discriminator unless the filter needs it; pass
        ``GANSynthesizer()`` for one that takes the time it needs.
    redrawn : "random" or float between 0 and 1, default="random"
        Share of its cells that a drawn row owes to the generator, where the synthesizer has ``vary``: a row
        starts from a real one of its class, of which such a share of the cells, at least one, is drawn again
        given the others. "random" is any share for each row, between next to nothing and everything: it keeps
        rows where their class is, of which few rows show a generator too little. 1.0 draws whole rows.
    class_weight : {"balanced"} or None, default="balanced"
        How much the rows of a class count for the synthesizer, where its fit takes ``sample_weight``:
        "balanced" lets each class count as much as any other, so that what sets a rare one apart is learned
        before what all have in common is learned by heart. How frequent a class is doesn't matter to rows
        that are drawn for it.
    filter : {"realism"} or None, default=None
        "realism" draws three rows for each one wanted, and keeps the one with the highest ``realism`` of the
        synthesizer. Where its discriminator has found nothing that tells drawn rows from real ones, as is
        usual for small tables, that is the first of them.
    target : {"class", "combination", "relevance"} or bounds, default="class"
        What ``y`` is, and what in it may be rare. "class": a label for each row. "relevance": a number; the
        strata are "low", "usual" and "high", by the whiskers of a box plot. Numbers that increase are the
        bounds of ranges of your own, which are called 0, 1, ... "combination": several outputs, each of
        labels or of a number, taken by relevance; a stratum is a combination of them, such as "yes, high".
        Outputs that are numbers are drawn with the rows, within the range of what the stratum has.
    memory : str, path, joblib.Memory or None, default=None
        Where fitted synthesizers are kept. One with the same settings that is to be fitted to the same rows,
        as in a search over the step after this one, isn't fitted again. Give ``random_state`` an integer.
    random_state : int, RandomState or None, default=None
        Every ``random_state`` of the synthesizer that is None gets an integer from it.

    Attributes
    ----------
    is_synthetic_ : ndarray of shape (n_samples_new,), bool
        Which of the rows returned last were drawn.
    sampling_strategy_ : dict
        How many rows are drawn for each class.
    synthesizer_ : estimator or None
        The one that was fitted (where outputs are numbers, on a table with them as its last columns); None
        where nothing was to be drawn, so that nothing was trained.
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
        "redrawn": [Interval(Real, 0, 1, closed="both"), StrOptions({"random"})],
        "class_weight": [StrOptions({"balanced"}), None],
        "filter": [StrOptions({"realism"}), None],
        "target": [StrOptions(set(TARGETS)), "array-like"],
        "memory": [str, PathLike, HasMethods(["cache"]), None],
    }

    def __init__(
        self,
        *,
        sampling_strategy: float | str | Mapping[Any, int] | Callable[[Any], Mapping[Any, int]] = "auto",
        synthesizer: Any = None,
        redrawn: float | str = "random",
        class_weight: str | None = "balanced",
        filter: str | None = None,
        target: str | Sequence[float] = "class",
        memory: Any = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.synthesizer = synthesizer
        self.redrawn = redrawn
        self.class_weight = class_weight
        self.filter = filter
        self.target = target
        self.memory = memory
        self.random_state = random_state

    def fit_resample(self, X: Any, y: Any, *, sample_weight: Any = None) -> tuple[Any, Any]:
        """Learn the table, and add rows to it.

        Parameters
        ----------
        X : table of shape (n_samples, n_features), or images
            A frame of pandas or polars, a pyarrow Table, an array or a list of lists; mixed types and missing
            values are welcome, sparse tables are not. Images are an array of three or four axes, or a list.
        y : labels of shape (n_samples,), or one-hot of shape (n_samples, n_classes); else see ``target``
        sample_weight : array of shape (n_samples,), optional
            How much each row counts for the synthesizer; the rows of a class are counted without it.

        Returns
        -------
        X : table of shape (n_samples_new, n_features)
            The rows that were given, then those drawn, in the container and dtypes that were given; the index
            of a pandas frame is a new one.
        y : labels of shape (n_samples_new,) or (n_samples_new, n_outputs)

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
        if isinstance(y, np.ndarray) and y.shape[1:] == (1,):
            y = y[:, 0]
        _warn_of_single_rows(labels, wanted)
        if not len(repeated):
            every = np.arange(n)
            return _numbered(take(X, every)), _numbered(take(y, every))
        X, y = self._extended(X, y, labels, repeated, sample_weight)
        return _numbered(X), _numbered(y)

    def _fit_resample(self, X: Any, y: Any, **params: Any) -> tuple[Any, Any]:
        """What imbalanced-learn's own `fit_resample` would call, which is replaced here as a whole."""
        return self.fit_resample(X, y, **params)

    def _check_X_y(self, X: Any, y: Any) -> tuple[Any, NDArray[Any], bool]:  # noqa: N802 - imblearn's hook
        """The table as it is, and strata as an array; every error that can be raised before training is."""
        is_image = are_images(X, None)
        if is_image:
            refuse_options_of_tables(filter=self.filter, target=self.target)
        frame = X if is_image else to_frame(X)[0]
        given = np.asarray(y)
        n_missing = int(pd.isna(given).sum())
        if n_missing:
            raise InvalidTableError(f"Drop rows without a label: y has missing values, {n_missing}")
        is_one_hot = False
        if isinstance(self.target, str) and self.target == "class":
            check_array(given, ensure_2d=False, dtype=None, input_name="y")  # refuses infinity
            check_classification_targets(given)
            flat = given[:, 0] if given.ndim == 2 and given.shape[1] == 1 else given
            labels, is_one_hot = check_target_type(flat, indicate_one_vs_all=True)
            self._strata = Strata(labels, pd.DataFrame(index=range(len(labels))), ())
        else:
            self._strata = find_strata(y, self.target)
        check_consistent_length(frame, self._strata.labels)
        header = header_of_images(X) if is_image else header_of(X)
        validate_data(self, header, reset=True, skip_check_array=True)
        return X, self._strata.labels, is_one_hot

    def _extended(
        self, X: Any, y: Any, labels: NDArray[Any], repeated: NDArray[np.intp], sample_weight: Any
    ) -> tuple[Any, Any]:
        """Real rows and drawn ones; outputs that are numbers are drawn with them."""
        strata, asked, n_features = self._strata, labels[repeated], self.n_features_in_
        if are_images(X, None):
            own: Any = self._fitted(X, labels, sample_weight)
            self.synthesizer_, drawn = own, own.sample(len(asked), y=asked)
            return stacked_images(X, drawn, len(asked)), take(y, np.r_[: len(labels), repeated])
        table = beside(X, strata.numbers)
        start = self._start(table, labels, sample_weight)
        self.synthesizer_ = self._fitted(table, labels, sample_weight)
        rows = self._drawn(start, asked)
        for _ in range(_ROUNDS):
            beyond = strata.outside(rows.iloc[:, n_features:], asked)
            if not beyond.any():
                break
            again = self._drawn(start, asked[beyond]).set_index(np.flatnonzero(beyond))
            rows = pd.concat([rows[~beyond], again]).sort_index()
        numbers = strata.clipped(rows.iloc[:, n_features:], asked)
        return stacked(X, rows.iloc[:, :n_features], len(asked)), strata.completed(y, repeated, numbers)

    def _start(self, X: Any, labels: NDArray[Any], sample_weight: Any) -> _Start:
        counts = np.ones(len(labels), dtype=bool)
        if sample_weight is not None:
            counts = check_sample_weight(sample_weight, labels[:, None]) > 0
        lacking = np.setdiff1d(labels, labels[counts])
        if len(lacking):
            raise InvalidTableError(f"sample_weight is 0 for all rows of the class {lacking.tolist()[0]!r}")
        root = seed_sequence() if self.random_state is None else seed_sequence(self.random_state)
        return _Start(X, labels, counts, numpy_generator(root, 1))

    def _fitted(self, X: Any, labels: NDArray[Any], sample_weight: Any) -> Any:
        """A synthesizer that has learned all classes."""
        given = self.synthesizer
        if given is None and are_images(X, None):
            given = GANSynthesizer()
        elif given is None:
            given = default_synthesizer(len(labels), np.shape(X)[1], judges=self.filter is not None)
        root = None if self.random_state is None else seed_sequence(self.random_state)
        own = seeded_clone(given, root, 0)
        takes = has_fit_parameter(own, "sample_weight")
        if sample_weight is not None and not takes:
            raise TypeError(f"sample_weight was given, and fit of the synthesizer doesn't take it: {own!r}")
        if self.filter is not None and not hasattr(own, "realism"):
            raise TypeError(f"filter='realism' needs a synthesizer that has realism, got {own!r}")
        balanced = self.class_weight is not None and not are_images(X, None)  # whose batches are balanced
        weights = {"sample_weight": _weights(labels, sample_weight, balanced)} if takes else {}
        return check_memory(self.memory).cache(_fit)(own, X, labels, weights)

    def _drawn(self, start: _Start, asked: NDArray[Any]) -> pd.DataFrame:
        """Rows with just these labels."""
        own: Any = self.synthesizer_
        surplus = 1 if self.filter is None else _SURPLUS
        every = np.repeat(asked, surplus)
        drawn = None
        if hasattr(own, "vary") and self.redrawn != 1:
            with suppress(UnsupportedError):  # by a one-shot generator, or under a constraint
                drawn = own.vary(*start.rows(every), share=self.redrawn)
        if drawn is None:
            drawn = own.sample(len(every), y=every)
        rows, _ = to_frame(drawn, min_rows=0)
        wanted = (len(every), np.shape(start.X)[1])
        if rows.shape != wanted:
            raise ContractError(
                f"The synthesizer was to draw rows and columns {wanted}, and drew {rows.shape}"
            )
        if self.filter is not None:
            realism = np.asarray(own.realism(drawn, every)).reshape(-1, surplus)
            best = np.arange(len(asked)) * surplus + realism.argmax(axis=1)
            rows = rows.iloc[best].reset_index(drop=True)
        kinds, counts = np.unique(start.labels, return_counts=True)
        single = [label for label in kinds[counts == 1] if (asked == label).any()]
        return kept_to_others(start.X, rows, start.labels, asked, single) if single else rows

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


def _weights(labels: NDArray[Any], sample_weight: Any, balanced: bool) -> NDArray[np.float64] | None:
    given = None if sample_weight is None else check_sample_weight(sample_weight, labels[:, None])
    if not balanced:
        return given
    return compute_sample_weight("balanced", labels) * (1.0 if given is None else given)


def _fit(synthesizer: Any, X: Any, y: NDArray[Any], weights: dict[str, Any]) -> Any:
    """What a cache keeps: a synthesizer after its fit."""
    return synthesizer.fit(X, y, **weights)


@dataclass(frozen=True, eq=False)
class _Start:
    """The rows that drawn ones may start from."""

    X: Any
    labels: NDArray[Any]
    counts: NDArray[np.bool_]
    rng: np.random.Generator

    def rows(self, asked: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
        """A real row of each label asked for, with that label."""
        chosen = np.empty(len(asked), dtype=np.intp)
        for label in np.unique(asked):
            own = np.flatnonzero((self.labels == label) & self.counts)
            chosen[asked == label] = self.rng.choice(own, int((asked == label).sum()))
        return take(self.X, chosen), asked


def _warn_of_single_rows(labels: NDArray[Any], wanted: Mapping[Any, int]) -> None:
    single = [label for label in wanted if (labels == label).sum() == 1]
    if single:
        message = (
            "One row doesn't show how its class varies; rows are drawn by what the other classes show, and "
            f"within it. Classes with one row: {', '.join(map(str, single))}"
        )
        warnings.warn(message, GanaugWarning, stacklevel=3)


def _numbered(values: Any) -> Any:
    """As imbalanced-learn gives them: numbered from 0 in pandas."""
    if isinstance(values, pd.Series | pd.DataFrame):
        return values.reset_index(drop=True)
    return values
