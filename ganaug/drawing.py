"""What a fitted synthesizer answers: new rows, rows completed, and scores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from ganaug._util.parameters import check_flag, check_parameter
from ganaug._util.random import RandomState
from ganaug.base import Guidance
from ganaug.exceptions import UnsupportedError
from ganaug.fitted import FittedSynthesizer
from ganaug.model import Model
from ganaug.training.history import History


class ModelSynthesizer(TransformerMixin, FittedSynthesizer):
    """All that a synthesizer can be asked whose generator keeps conditions and scores rows."""

    def sample(
        self,
        n_samples: int | None = None,
        *,
        y: Any = None,
        conditions: Any = None,
        counts: Any = None,
        extrapolate: bool = False,
        guidance: float | str = "auto",
        return_y: bool = False,
        random_state: RandomState = None,
    ) -> Any:
        """Draw new rows.

        Parameters
        ----------
        n_samples : int, optional
            How many; by default as many as ``y``, ``conditions`` or ``counts`` have, else 1.
        y : label, or array of shape (n_samples,), optional
            Labels that the rows shall have: all of them, without rejection, however rare.
        conditions : dict or DataFrame of shape (n_samples, n_conditions), optional
            What some columns shall have: the same in all rows, or a row for each. A value, a list of values,
            `Between`, `Missing` or `Present`. It holds in every row, without rejection, however rare; the
            other columns follow their distribution given that. A labelled model's ``y`` goes by its name.
        counts : dict, optional
            For some columns, how many rows shall have each of several values or conditions:
            ``{"income": {">50K": 500, "<=50K": 500}}``. Exact for every column; they go together as they do
            in the data, as far as the counts allow. Which rows have which is random.
        extrapolate : bool, default=False
            Whether conditions may ask for numbers beyond a column's range. A range beyond it is drawn from
            uniformly (without a second bound it is its near end); the other columns take it for the column's
            own nearest value.
        guidance : "auto" or float between 0 and 1, default="auto"
            How far the discriminator chooses among a surplus of rows, by the odds that it gives them of being
            real: "auto" is what held-out rows showed to be right in fit, 0 takes rows as they are drawn. What
            was drawn and kept is in ``sample_info_`` afterwards.
        return_y : bool, default=False
            Whether to return the labels too.
        random_state : int, RandomState, Generator or None, default=None
            An int repeats the draw; None goes on with a generator that was seeded at fit.

        Returns
        -------
        X : table of shape (n_samples, n_features)
            In what was given to fit: the same columns, order and dtypes.
        y : labels of shape (n_samples,)
            Only with ``return_y``; they come as they came in fit, too.

        Raises
        ------
        InvalidConditionError
            If a condition names an unknown column, or asks for what the column never had.
        """
        self._check_draw(n_samples, return_y)
        check_flag("extrapolate", extrapolate)
        model, followed = self._model, self._guidance(guidance)
        root = self._root_of(random_state)
        asked = {"counts": counts, "extrapolate": bool(extrapolate), "guidance": followed}
        X, labels = model.modality.sample(model.network, n_samples, y, conditions, root, **asked)
        self.sample_info_ = followed.info()
        return (X, labels) if return_y else X

    def sample_batches(
        self,
        n_samples: int | None = None,
        *,
        batch_rows: int = 65_536,
        y: Any = None,
        conditions: Any = None,
        counts: Any = None,
        extrapolate: bool = False,
        guidance: float | str = "auto",
        return_y: bool = False,
        random_state: RandomState = None,
    ) -> Iterator[Any]:
        """Draw new rows batch after batch, in memory that doesn't grow with their number.

        Parameters
        ----------
        n_samples : int, optional
            How many in all.
        batch_rows : int, default=65536
            How many in a batch; the last one may have fewer.
        y, conditions, counts, extrapolate, guidance, return_y, random_state
            As in `sample`, for the batches together. The rows of one ``random_state`` depend on
            ``batch_rows``.

        Yields
        ------
        X, or X and y
            As `sample` returns them. What can't be had is an error at the call, not at the first batch.
        """
        self._check_draw(n_samples, return_y)
        check_flag("extrapolate", extrapolate)
        check_parameter("batch_rows", batch_rows, int, minimum=1)
        asked = {"y": y, "conditions": conditions, "counts": counts, "extrapolate": bool(extrapolate)}
        model, root = self._model, self._root_of(random_state)
        followed = self._guidance(guidance)
        found = model.modality.sample_batches(
            model.network, n_samples, int(batch_rows), root, followed, **asked
        )
        return ((X, labels) if return_y else X for X, labels in found)

    def complete(self, X: Any, y: Any = None, *, n_draws: int = 1, random_state: RandomState = None) -> Any:
        """Fill the gaps of rows: missing cells are drawn given those that each row has.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            The columns of fit, with missing cells anywhere, in every row others. All of them are filled, also
            in columns that had missing values in fit: a filled cell is never missing (but where a column
            never had a value, there is nothing to fill it with).
        y : array of shape (n_samples,), optional
            Labels, which may have gaps too; only after a fit with them.
        n_draws : int, default=1
            How many times, independently: the spread between draws is what the row leaves open.
        random_state : int, RandomState, Generator or None, default=None
            As in `sample`.

        Returns
        -------
        X : table of shape (n_samples, n_features), or a list of ``n_draws`` of them
            In the container that came in; cells that were present are the same to the bit. Pairs (X, y) when
            ``y`` was given.
        """
        check_is_fitted(self)
        check_parameter("n_draws", n_draws, int, minimum=1)
        validate_data(self, self._model.modality.header(X), reset=False, skip_check_array=True)
        model, root = self._model, self._root_of(random_state)
        found = model.modality.complete(model.network, X, y, int(n_draws), root)
        tables = [(filled, labels) if y is not None else filled for filled, labels in found]
        return tables if n_draws > 1 else tables[0]

    def vary(
        self, X: Any, y: Any = None, *, share: float | str = "random", random_state: RandomState = None
    ) -> Any:
        """Draw rows near given ones: some cells of each are drawn again, given its others and its label.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
        y : array of shape (n_samples,), optional
            Labels, which the rows keep; only after a fit with them.
        share : float or "random", default="random"
            Share of a row's cells, at least one; "random" is any share between none and all for each row.
        random_state : int, RandomState, Generator or None, default=None

        Returns
        -------
        X : table of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        if share != "random":
            check_parameter("share", share, float, minimum=0, maximum=1)
        modality: Any = self._model.modality
        validate_data(self, modality.header(X), reset=False, skip_check_array=True)
        if not hasattr(modality, "vary"):
            raise UnsupportedError(f"Rows of tables alone can be varied, got the modality {modality.name!r}")
        return modality.vary(self._model.network, X, y, share, self._root_of(random_state))

    def score_samples(self, X: Any, y: Any = None) -> NDArray[np.float64]:
        """Log-likelihood of each row, exact for the mixture over eight orders of the columns.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
        y : array of shape (n_samples,), optional
            Labels, whose likelihood counts too; only after a fit with them.

        Returns
        -------
        ndarray of shape (n_samples,)
            Natural logarithm of the probability of the row's codes: levels of categories, cells of numbers
            (see `codec_`). A level never seen in fit counts as one row in all of them. Float64.
        """
        codes = self._codes(X, y)
        return self._model.modality.log_likelihood(self._model.in_double(), codes)

    def realism(self, X: Any, y: Any = None) -> NDArray[np.float64]:
        """Probability that each row is real rather than generated, as far as the discriminator can tell.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
        y : array of shape (n_samples,), optional
            Labels; only after a fit with them.

        Returns
        -------
        ndarray of shape (n_samples,)
            For as many real rows as generated ones (without guidance); calibrated on rows that were held out
            and on fresh ones, see `ganaug.metrics.reliability`. Exactly .5 where nothing was found that tells
            them apart (``discriminator_`` is None).
        """
        codes = self._codes(X, y)
        guide = self._model.guide
        odds = codes[:, 0] * 0.0 if guide is None else guide.log_odds(codes)
        return torch.sigmoid(odds.double()).cpu().numpy()

    def transform(self, X: Any) -> NDArray[np.float64]:
        """What the model makes of each row and cell: one row in, one row out.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            Of images, what the discriminator sees in each, before it knows the class. Of a table, for each
            modelled column the log-likelihood of the cell given the row's other cells: a very low one is an
            odd cell. In a column that others determine, such as a copy or a total, it is 0 where that holds,
            and where it is broken that of a value never seen. Last the row's log-odds of being real (see
            `realism`). Names are those of `get_feature_names_out`; columns that are not modelled have none.
        """
        codes = self._codes(X, None)
        return self._model.modality.features(self._model.in_double(), self._model.guide, codes, X)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of what `transform` returns.

        Parameters
        ----------
        input_features : None or array of str
            Only checked against the names of the columns in fit.

        Returns
        -------
        ndarray of shape (n_features_out,)
        """
        check_is_fitted(self)
        known = getattr(self, "feature_names_in_", None)
        if input_features is not None and known is not None and list(input_features) != list(known):
            raise ValueError("input_features is not equal to feature_names_in_")
        return np.array(self._model.modality.feature_names(self._model.guide), dtype=object)

    def _set_fitted(
        self, model: Model, entropy: str, history: History, n_iter: int, n_draws: int = 0
    ) -> None:
        super()._set_fitted(model, entropy, history, n_iter, n_draws)
        self.discriminator_ = getattr(model.guide, "discriminator", None)

    def _guidance(self, guidance: float | str) -> Guidance:
        if guidance == "auto":
            return Guidance(self._model.guide)
        check_parameter("guidance", guidance, float, minimum=0, maximum=1)
        return Guidance(self._model.guide, float(guidance))
