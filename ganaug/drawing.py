"""What a fitted synthesizer answers: new rows, scores, and its own state for files and pickles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted, validate_data

from ganaug._util.device import resolve_device
from ganaug._util.frames import header_of
from ganaug._util.parameters import check_parameter
from ganaug._util.random import RandomState, seed_sequence
from ganaug._util.store import Arrays, Header, header_dict, header_int, header_list, header_str
from ganaug.base import BaseSynthesizer, GeneratorOptions, Modality, columns_from_state, is_plain
from ganaug.exceptions import ModelFileError
from ganaug.model import Model
from ganaug.training.history import History

Self = TypeVar("Self", bound="ModelSynthesizer")

_SAMPLE_KEY = 3


class ModelSynthesizer(BaseSynthesizer):
    """A synthesizer whose ``fit`` makes a `Model`: all that it can be asked afterwards.

    A subclass has ``fit``, which ends in `_set_fitted`, and says which modalities and generators its files
    may hold.
    """

    _modalities: ClassVar[Mapping[str, type[Modality]]]
    _generators: ClassVar[Mapping[str, type[GeneratorOptions]]]
    _model: Model

    def sample(
        self,
        n_samples: int | None = None,
        *,
        y: Any = None,
        conditions: Any = None,
        return_y: bool = False,
        random_state: RandomState = None,
    ) -> Any:
        """Draw new rows.

        Parameters
        ----------
        n_samples : int, optional
            How many; by default as many as ``y`` or ``conditions`` have, else 1.
        y : label, or array of shape (n_samples,), optional
            Labels that the rows shall have: all of them, without rejection, however rare.
        conditions : dict or DataFrame of shape (n_samples, n_conditions), optional
            Values of some columns that the rows shall have: the same for all, or a row for each.
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
            If a condition names an unknown column, or a value that the column never had.
        """
        check_is_fitted(self)
        if n_samples is not None:
            check_parameter("n_samples", n_samples, int, minimum=1)
        if return_y and not self._model.modality.is_labelled:
            raise ValueError("return_y=True needs a fit with y, got return_y=True after fit(X)")
        root = self._next_root() if random_state is None else seed_sequence(random_state)
        X, labels = self._model.modality.sample(self._model.network, n_samples, y, conditions, root)
        return (X, labels) if return_y else X

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
        check_is_fitted(self)
        validate_data(self, header_of(X), reset=False, skip_check_array=True)
        modality = self._model.modality
        labels = y if modality.is_labelled else None  # scikit-learn's searches pass y to every estimator
        codes = torch.from_numpy(modality.encode(X, labels, strict=False)).to(self.device_)
        return modality.log_likelihood(self._model.in_double(), codes)

    def _set_fitted(
        self, model: Model, entropy: str, history: History, n_iter: int, n_draws: int = 0
    ) -> None:
        self._model = model
        self._entropy, self._n_draws = entropy, n_draws
        self.codec_ = model.modality.columns
        self.generator_ = model.network
        self.device_ = model.device
        self.history_ = history
        self.n_iter_ = n_iter
        if model.modality.classes is not None:
            self.classes_ = model.modality.classes
        elif hasattr(self, "classes_"):
            del self.classes_

    def _next_root(self) -> np.random.SeedSequence:
        self._n_draws += 1
        return np.random.SeedSequence(int(self._entropy), spawn_key=(_SAMPLE_KEY, self._n_draws))

    def __getstate__(self) -> dict[str, Any]:
        """Parameters, and the fitted state as plain arrays: a model fitted on a GPU then loads on a CPU."""
        state: dict[str, Any] = {"parameters": self.get_params(deep=False)}
        if hasattr(self, "_model"):
            state["fitted"] = self._to_state()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state["parameters"])  # type: ignore[misc]
        if "fitted" in state:
            header, arrays = state["fitted"]
            self._restore(header, arrays, resolve_device("auto"))

    def _to_state(self) -> tuple[Header, Arrays]:
        check_is_fitted(self)
        header, arrays = self._model.to_state()
        names = getattr(self, "feature_names_in_", None)
        state = {
            "content": "synthesizer",
            "parameters": {k: v for k, v in self.get_params(deep=False).items() if is_plain(k, v)},
            "n_features": self.n_features_in_,
            "feature_names": None if names is None else [str(name) for name in names],
            "n_iter": self.n_iter_,
            "history": list(self.history_),
            "entropy": self._entropy,
            "n_draws": self._n_draws,
        }
        return {**state, **header}, arrays

    @classmethod
    def _from_state(cls: type[Self], header: Header, arrays: Arrays, device: Any) -> Self:
        if header.get("content") != "synthesizer":
            raise ModelFileError(f"It holds no synthesizer, but {str(header.get('content'))[:100]!r}")
        given, known = header_dict(header, "parameters"), cls().get_params(deep=False)
        synthesizer = cls(**{key: value for key, value in given.items() if key in known})
        synthesizer._restore(header, arrays, resolve_device(device))
        return synthesizer

    def _restore(self, header: Header, arrays: Arrays, device: torch.device) -> None:
        model = Model.from_state(header, arrays, self._modalities, self._generators)
        model.network.to(device).eval()
        entropy = header_str(header, "entropy")
        if not (entropy.isascii() and entropy.isdigit() and len(entropy) < 100):
            raise ModelFileError(f"Its seed is no number: {entropy[:100]!r}")
        history = History(header_list(header, "history", of=dict))
        n_iter, n_draws = (header_int(header, key, minimum=0) for key in ("n_iter", "n_draws"))
        self._note_columns(columns_from_state(header, model.modality.columns.columns))
        self._set_fitted(model, entropy, history, n_iter, n_draws)
