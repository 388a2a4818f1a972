"""What all baselines share: rows become codes, and a network draws rows of codes, as a whole.

A baseline's network has ``draw_codes(n_rows, random, known)``, which returns codes (n_rows, n_fields) with
those of the labels in ``known``, and ``log_likelihood(codes, unknown)`` where that has a meaning.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganaug._util.random import RandomState, seed_sequence
from ganaug.base import Modality, columns_of
from ganaug.exceptions import UnsupportedError
from ganaug.fitted import FittedSynthesizer
from ganaug.model import Model
from ganaug.tabular.modality import TableModality
from ganaug.training.history import History

_WEIGHTS_KEY = 1


class WholeRows(TableModality):
    """A table whose rows are drawn as a whole."""

    def build(self, options: Any) -> Any:
        """Make the network; its weights are drawn from torch's current generator."""
        return options.build(self)

    def log_likelihood(self, network: Any, codes: Tensor) -> NDArray[np.float64]:
        """Log-likelihood of each row, shape (n_rows,); an `UnsupportedError` where there is none."""
        if not hasattr(network, "log_likelihood"):
            raise UnsupportedError(
                f"{network.no_likelihood} Use IndependentColumns, RNN or GANSynthesizer to score rows; got "
                f"{network.name!r}"
            )
        with torch.no_grad():
            found: Tensor = network.log_likelihood(codes, self.unknown(codes))
        return found.double().cpu().numpy()


class Baseline(FittedSynthesizer):
    """A synthesizer of tables to compare others with.

    A subclass says what shapes its network, as ``_options``, and how it learns, as ``_learn``.
    """

    _modalities: ClassVar[dict[str, type[Modality]]] = {"table": WholeRows}
    random_state: RandomState

    def fit(self, X: Any, y: Any = None) -> Any:
        """Learn the columns, and ``y`` with them.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Whatever `ganaug.GANSynthesizer` takes.
        y : labels of shape (n_samples,), optional
            Labels, which `sample` can then be asked for.

        Returns
        -------
        The synthesizer itself.

        Raises
        ------
        InvalidTableError
            If the table, or a column of it (`RejectColumn`), can't be used.
        """
        self._check_parameters()
        modality = WholeRows.fit(X, y, None)
        codes = modality.encode(X, y, strict=True)
        columns, root = columns_of(modality.header(X)), seed_sequence(self.random_state)
        seed = np.random.SeedSequence(root.entropy, spawn_key=(_WEIGHTS_KEY,)).generate_state(1)[0]
        model = Model.build(modality, self._options(len(codes)), int(seed))
        history, n_iter = self._learn(model, codes, root)
        model.network.eval()
        self._note_columns(columns)
        self._set_fitted(model, str(root.entropy), history, n_iter)
        return self

    def sample(
        self,
        n_samples: int | None = None,
        *,
        y: Any = None,
        return_y: bool = False,
        random_state: RandomState = None,
    ) -> Any:
        """Draw new rows.

        Parameters
        ----------
        n_samples : int, optional
            How many; by default as many as ``y`` has, else 1.
        y : label, or array of shape (n_samples,), optional
            Labels that the rows shall have.
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
            If fit never had a label that is asked for, or had none.
        """
        self._check_draw(n_samples, return_y)
        modality: Any = self._model.modality
        X, labels = modality.sample(self._model.network, n_samples, y, None, self._root_of(random_state))
        return (X, labels) if return_y else X

    def score_samples(self, X: Any, y: Any = None) -> NDArray[np.float64]:
        """Log-likelihood of each row, shape (n_samples,), where the family has one.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
        y : array of shape (n_samples,), optional
            Labels, whose likelihood counts too; only after a fit with them.

        Raises
        ------
        UnsupportedError
            Where it has none; the message says why.
        """
        codes = self._codes(X, y)
        return self._model.modality.log_likelihood(self._model.in_double(), codes)

    def _check_parameters(self) -> None:
        """Raise an error that names the first parameter that is wrong."""

    def _options(self, n_rows: int) -> Any:
        raise NotImplementedError

    def _learn(self, model: Model, codes: NDArray[Any], root: np.random.SeedSequence) -> tuple[History, int]:
        """Train the network; what happened, and passes over the rows."""
        raise NotImplementedError

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags
