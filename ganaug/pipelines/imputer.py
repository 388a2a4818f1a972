"""GANImputer: gaps filled from the joint distribution of all columns, once or several times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype, is_timedelta64_dtype
from scipy import stats
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, clone
from sklearn.utils.validation import check_is_fitted, validate_data

from ganaug._util.frames import header_of, to_frame
from ganaug._util.parameters import check_choice, check_parameter
from ganaug._util.random import RandomState, seed_sequence
from ganaug.base import columns_of
from ganaug.synthesizer import GANSynthesizer
from ganaug.tabular.cascade import CascadeNetwork
from ganaug.tabular.complete import fill_column
from ganaug.tabular.likeliest import likeliest_levels

STRATEGIES = ("median", "mean", "draw")


class GANImputer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Fill missing cells from what a synthesizer has learnt of all columns together.

    It fits on tables with gaps: no complete row is needed.

    Parameters
    ----------
    synthesizer : GANSynthesizer, optional
        What learns the table; None is one with default settings. Its ``missing_values`` is "ignore".
    n_draws : int, default=20
        Draws of each gap that "median" and "mean" are taken over.
    strategy : {"median", "mean", "draw"}, default="median"
        What a gap is filled with. "median" is the middle draw of numbers and dates (never a value that the
        column couldn't have), "mean" the mean of numbers, and both are the likeliest of all else.
        "draw" is one draw, which keeps the spread of each column, where the others take it away.
    random_state : int, RandomState, Generator or None, default=None
        Of the fit, and of the draws: `transform` gives the same for the same rows every time.

    Attributes
    ----------
    synthesizer_ : GANSynthesizer
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only when all column names are text.

    See Also
    --------
    GANSynthesizer.complete : The same without a pipeline.

    Examples
    --------
    >>> import numpy as np
    >>> from ganaug import GANImputer, GANSynthesizer
    >>> X = np.random.default_rng(0).normal(size=(60, 2))
    >>> X[::7, 0] = np.nan
    >>> imputer = GANImputer(GANSynthesizer(max_epochs=1), random_state=0).fit(X)
    >>> bool(np.isnan(imputer.transform(X)).any())
    False
    """

    def __init__(
        self,
        synthesizer: GANSynthesizer | None = None,
        *,
        n_draws: int = 20,
        strategy: str = "median",
        random_state: RandomState = None,
    ) -> None:
        self.synthesizer = synthesizer
        self.n_draws = n_draws
        self.strategy = strategy
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, *, sample_weight: Any = None) -> GANImputer:
        """Learn the table.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            With gaps.
        y : None
            Not used, so that no label leaks into the rows.
        sample_weight : array of shape (n_samples,), optional
            As in `GANSynthesizer.fit`.

        Returns
        -------
        GANImputer
        """
        check_parameter("n_draws", self.n_draws, int, minimum=1)
        check_choice("strategy", self.strategy, STRATEGIES)
        own = GANSynthesizer() if self.synthesizer is None else clone(self.synthesizer)
        entropy: Any = seed_sequence(self.random_state).entropy
        own.set_params(missing_values="ignore")
        if own.random_state is None:
            own.set_params(random_state=entropy)
        columns = columns_of(X)
        self.synthesizer_ = own.fit(X, sample_weight=sample_weight)
        self._entropy = entropy
        self.__dict__.pop("feature_names_in_", None)
        self.__dict__.update(columns)
        return self

    def transform(self, X: Any) -> Any:
        """Fill the gaps.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)

        Returns
        -------
        table of shape (n_samples, n_features)
            In the container that came in; cells that were present are the same to the bit.
        """
        check_is_fitted(self)
        X = _as_table(X)
        frame, container = to_frame(X)
        validate_data(self, header_of(X), reset=False, skip_check_array=True)
        if self.strategy == "draw":
            return self.impute(X, n_draws=1, random_state=self._entropy)[0]
        filled = self.impute(X, n_draws=self.n_draws, random_state=self._entropy)
        frames = [to_frame(table)[0] for table in filled]
        columns = [
            _pooled(frame.iloc[:, place], [table.iloc[:, place] for table in frames], self.strategy)
            for place in range(frame.shape[1])
        ]
        for place, cells in self._likeliest(frame):
            column = frame.iloc[:, place]
            columns[place] = fill_column(column, column.isna().to_numpy(dtype=bool), cells)
        pooled = container.rebuild(columns)
        if isinstance(pooled, pd.DataFrame) and isinstance(X, pd.DataFrame):
            pooled.index = X.index
        return pooled

    def _likeliest(self, frame: pd.DataFrame) -> Iterator[tuple[int, pd.Series[Any]]]:
        """Fillings of columns of levels, where nothing but the network has a say in them."""
        codec, network = self.synthesizer_.codec_, self.synthesizer_.generator_
        if not isinstance(network, CascadeNetwork) or self.synthesizer_.constraints:
            return iter(())
        return likeliest_levels(codec, network, frame) if frame.shape[1] == len(codec.codecs) else iter(())

    def impute(self, X: Any, n_draws: int = 10, *, random_state: RandomState = None) -> list[Any]:
        """Fill the gaps several times, independently: multiple imputation.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
        n_draws : int, default=10
        random_state : int, RandomState, Generator or None, default=None
            None goes on with the synthesizer's own generator.

        Returns
        -------
        list of ``n_draws`` tables of shape (n_samples, n_features)
            What differs between them is what the rows leave open; analyse each, and pool the results by
            Rubin's rules.
        """
        check_is_fitted(self)
        check_parameter("n_draws", n_draws, int, minimum=1)
        found = self.synthesizer_.complete(X, n_draws=n_draws, random_state=random_state)
        return found if n_draws > 1 else [found]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


def _as_table(X: Any) -> Any:
    """Lists as an array, as scikit-learn's transformers have it."""
    if not isinstance(X, list | tuple):
        return X
    array = np.asarray(X)
    return np.asarray(X, dtype=object) if array.dtype.kind in "US" else array


def _pooled(column: pd.Series[Any], draws: list[pd.Series[Any]], strategy: str) -> Any:
    """A column with its gaps filled by the middle, the mean or the most frequent of the draws."""
    gaps = column.isna().to_numpy(dtype=bool)
    cells = pd.concat([draw[gaps] for draw in draws], ignore_index=True)
    if not gaps.any() or cells.isna().any():  # a column that never had a value stays as it is
        return column.array
    dtype = cells.dtype
    if strategy == "mean" and is_numeric_dtype(dtype) and not is_bool_dtype(dtype):
        mean = cells.to_numpy(dtype=np.float64).reshape(len(draws), -1).mean(axis=0)
        whole = pd.api.types.is_integer_dtype(dtype)
        return fill_column(column, gaps, pd.Series(np.rint(mean) if whole else mean))
    codes, values = pd.factorize(cells, sort=_has_order(dtype))
    chosen = _middle(codes.reshape(len(draws), -1), _has_order(dtype))
    return fill_column(column, gaps, pd.Series(values.take(chosen)))


def _has_order(dtype: Any) -> bool:
    if is_numeric_dtype(dtype):
        return not is_bool_dtype(dtype)
    return is_datetime64_any_dtype(dtype) or is_timedelta64_dtype(dtype)


def _middle(codes: NDArray[Any], has_order: bool) -> NDArray[np.intp]:
    """The middle code of each column, the lower of two; or the most frequent."""
    if has_order:
        return np.sort(codes, axis=0)[(len(codes) - 1) // 2].astype(np.intp)
    return np.asarray(stats.mode(codes, axis=0).mode, dtype=np.intp)
