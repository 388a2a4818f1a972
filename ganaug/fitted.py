"""A fitted synthesizer's state: what it draws with, and its way into files, pickles and copies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

import numpy as np
import pandas as pd
import torch
from sklearn.utils.validation import check_is_fitted, validate_data

from ganaug._util.device import keep_freed_memory, resolve_device
from ganaug._util.parameters import check_parameter
from ganaug._util.random import RandomState, seed_sequence
from ganaug._util.store import Arrays, Header, header_dict, header_int, header_list, header_str
from ganaug.base import (
    BaseSynthesizer,
    GeneratorOptions,
    Modality,
    columns_from_state,
    parameters_from_state,
    parameters_to_state,
)
from ganaug.exceptions import ModelFileError
from ganaug.model import Model
from ganaug.training.history import History

Self = TypeVar("Self", bound="FittedSynthesizer")

_SAMPLE_KEY = 3


class FittedSynthesizer(BaseSynthesizer):
    """A synthesizer whose ``fit`` makes a `Model`, and ends in `_set_fitted`.

    A subclass has ``fit`` and ``sample``, and says which modalities and generators its files may hold.
    """

    _modalities: ClassVar[Mapping[str, type[Modality]]]
    _generators: ClassVar[Mapping[str, type[GeneratorOptions]]]
    _model: Model

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

    @property
    def columns_(self) -> pd.DataFrame:
        """What was decided of each column, and why: a row for each, in their order."""
        check_is_fitted(self)
        if not hasattr(self._model.modality.columns, "describe"):
            raise AttributeError(f"columns_ is for tables, not for a modality {self._model.modality.name!r}")
        found: pd.DataFrame = self._model.modality.columns.describe()
        return found

    def _codes(self, X: Any, y: Any) -> torch.Tensor:
        """Codes of rows on the model's device, -1 where a value was never seen."""
        check_is_fitted(self)
        validate_data(self, self._model.modality.header(X), reset=False, skip_check_array=True)
        modality = self._model.modality
        labels = y if modality.is_labelled else None  # scikit-learn's searches pass y to every estimator
        return torch.from_numpy(modality.encode(X, labels, strict=False)).to(self.device_)

    def _check_draw(self, n_samples: int | None, return_y: bool) -> None:
        check_is_fitted(self)
        if n_samples is not None:
            check_parameter("n_samples", n_samples, int, minimum=1)
        if return_y and not self._model.modality.is_labelled:
            raise ValueError("return_y=True needs a fit with y, got return_y=True after fit(X)")

    def _root_of(self, random_state: RandomState) -> np.random.SeedSequence:
        return self._next_root() if random_state is None else seed_sequence(random_state)

    def _next_root(self) -> np.random.SeedSequence:
        self._n_draws += 1
        return np.random.SeedSequence(int(self._entropy), spawn_key=(_SAMPLE_KEY, self._n_draws))

    def __getstate__(self) -> dict[str, Any]:
        """Parameters, and the fitted state as plain arrays: a model fitted on a GPU then loads on a CPU."""
        state: dict[str, Any] = {"parameters": self.get_params(deep=False)}
        if hasattr(self, "_model"):
            state["fitted"] = self._to_state()
            state["codecs"] = self._model.modality.foreign_codecs
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state["parameters"])  # type: ignore[misc]
        if "fitted" in state:
            header, arrays = state["fitted"]
            constraints = state["parameters"].get("constraints", ())
            self._restore(header, arrays, resolve_device("auto"), constraints, state["codecs"])

    def _to_state(self) -> tuple[Header, Arrays]:
        check_is_fitted(self)
        header, arrays = self._model.to_state()
        names = getattr(self, "feature_names_in_", None)
        state = {
            "content": "synthesizer",
            "parameters": parameters_to_state(self.get_params(deep=False)),
            "n_features": self.n_features_in_,
            "feature_names": None if names is None else [str(name) for name in names],
            "n_iter": self.n_iter_,
            "history": list(self.history_),
            "entropy": self._entropy,
            "n_draws": self._n_draws,
        }
        return {**state, **header}, arrays

    @classmethod
    def _from_state(
        cls: type[Self],
        header: Header,
        arrays: Arrays,
        device: Any,
        constraints: Sequence[Any] = (),
        codecs: Sequence[type[Any]] = (),
    ) -> Self:
        if header.get("content") != "synthesizer":
            raise ModelFileError(f"It holds no synthesizer, but {str(header.get('content'))[:100]!r}")
        given, known = parameters_from_state(header_dict(header, "parameters")), cls().get_params(deep=False)
        synthesizer = cls(**{key: value for key, value in given.items() if key in known})
        synthesizer._restore(header, arrays, resolve_device(device), constraints, codecs)
        if "constraints" in known and synthesizer._model.modality.constraints:
            synthesizer.set_params(constraints=synthesizer._model.modality.constraints)
        return synthesizer

    def _restore(
        self,
        header: Header,
        arrays: Arrays,
        device: torch.device,
        constraints: Sequence[Any],
        codecs: Sequence[type[Any]],
    ) -> None:
        model = Model.from_state(header, arrays, self._modalities, self._generators, codecs)
        model = replace(model, modality=model.modality.with_constraints(constraints))
        model.network.to(device).eval()
        keep_freed_memory()
        entropy = header_str(header, "entropy")
        if not (entropy.isascii() and entropy.isdigit() and len(entropy) < 100):
            raise ModelFileError(f"Its seed is no number: {entropy[:100]!r}")
        history = History(header_list(header, "history", of=dict))
        n_iter, n_draws = (header_int(header, key, minimum=0) for key in ("n_iter", "n_draws"))
        self._note_columns(columns_from_state(header, model.modality.labels))
        self._set_fitted(model, entropy, history, n_iter, n_draws)
