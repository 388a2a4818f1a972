"""What every synthesizer promises, and what a modality must bring.

A modality knows one kind of data (tables, images): how it becomes tensors and back, which generator draws it,
and what a caller may ask for. The synthesizer on top knows none of that: it splits, trains, draws and saves.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils.validation import validate_data
from torch import Tensor, nn

from ganaug._util.sklearn import check_sample_weight
from ganaug._util.store import (
    Arrays,
    Header,
    header_int,
    header_list,
    load_file,
    save_file,
)
from ganaug.exceptions import ModelFileError
from ganaug.training.course import Course
from ganaug.training.loop import Loop
from ganaug.training.plan import Task

Self = TypeVar("Self", bound="BaseSynthesizer")

_PLAIN = (bool, int, float, str)


class GeneratorOptions(Protocol):
    """Options of a generator: a small estimator, so that ``generator__name`` works in a grid."""

    name: ClassVar[str]
    weight_decay: float

    def __init__(self, **options: Any) -> None: ...

    def check(self) -> None:
        """Raise an error that names the first option that is wrong."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Options by name."""


@dataclass
class Guidance:
    """How a draw is guided, and what came of it.

    Parameters
    ----------
    guide : object, optional
        What a modality's ``make_guide`` made; None guides nothing.
    strength : float, optional
        How far the guide is followed: 0 not at all; None as far as the fit found right.
    """

    guide: Any = None
    strength: float | None = None
    n_drawn: int = 0
    n_kept: int = 0
    effective: float = 0.0

    def note(self, n_drawn: int, n_kept: int, effective_share: float) -> None:
        """Count rows that were drawn and kept, and the effective share of those drawn."""
        self.n_drawn += n_drawn
        self.n_kept += n_kept
        self.effective += effective_share * n_drawn

    def info(self) -> dict[str, float]:
        """Rows drawn and kept, and the effective sample size of those drawn as a share of them."""
        share = self.effective / self.n_drawn if self.n_drawn else 1.0
        return {"n_drawn": self.n_drawn, "n_kept": self.n_kept, "effective_share": share}


class Modality(Protocol):
    """Everything that knows what the data is.

    ``fit`` learns the codec; ``encode`` and ``decode`` are its exact way to integers and back; the rest is
    the generator's business.
    """

    name: ClassVar[str]
    parameters: ClassVar[tuple[str, ...]]  # of the synthesizer's, those that are this modality's alone
    fit_parameters: ClassVar[tuple[str, ...]]  # of these, those that `fit` takes

    @classmethod
    def recognises(cls, X: Any, **given: Any) -> bool:
        """Whether this is such data, by its looks and by the synthesizer's ``parameters`` given."""

    @classmethod
    def fit(cls, X: Any, y: Any, weights: Any, *args: Any, **given: Any) -> Modality:
        """Learn what the data is; raise an error that names what can't be used.

        ``given`` are the ``fit_parameters``.
        """

    def header(self, X: Any) -> Any:
        """What scikit-learn may look at to note the number of features, and their names."""

    @property
    def constraints(self) -> list[Any]:
        """What must hold in every row."""

    def with_constraints(self, constraints: Sequence[Any]) -> Modality:
        """The same after it was loaded, with what no file holds of these constraints."""

    @property
    def columns(self) -> Any:
        """How each column is understood: the codec."""

    @property
    def labels(self) -> Sequence[Any]:
        """The names of what came in."""

    @property
    def foreign_codecs(self) -> list[type[Any]]:
        """The classes of column codecs that aren't ganaug's own."""

    @property
    def is_labelled(self) -> bool:
        """Whether ``fit`` was given ``y``."""

    @property
    def classes(self) -> NDArray[Any] | None:
        """Levels of ``y``; None without any."""

    def encode(self, X: Any, y: Any, *, strict: bool) -> NDArray[np.integer[Any]]:
        """Codes (n_rows, n_fields); a value never seen is an error when ``strict``, else -1."""

    def decode(self, codes: NDArray[np.integer[Any]], rng: np.random.Generator) -> tuple[Any, Any]:
        """Codes back to ``X`` and ``y`` (None without any)."""

    def rare_rows(self, codes: NDArray[np.integer[Any]], fewest: int) -> NDArray[np.bool_]:
        """Which rows are of a class of ``y`` with fewer rows than this."""

    def default_generator(self) -> GeneratorOptions:
        """Options that suit any data."""

    def settle(self, options: Any, device: torch.device) -> GeneratorOptions:
        """Options with what "auto" is for this data on this device in its place."""

    def build(self, options: GeneratorOptions) -> nn.Module:
        """Make the generator's network."""

    def trainer(self, network: Any, options: GeneratorOptions, task: Task) -> Loop | Course:
        """What trains the network, ready to run."""

    def make_guide(
        self,
        network: Any,
        codes: NDArray[Any],
        weights: NDArray[np.float64] | None,
        task: Task,
        trainer: Any,
        seed: int,
    ) -> Any:
        """What guides sampling, learned from the rows of the fit; None for nothing."""

    def guide_from_state(self, header: Header, arrays: Arrays) -> Any:
        """Inverse of the guide's ``to_state``; anything malformed is a `ModelFileError`."""

    def log_likelihood(self, network: Any, codes: Tensor) -> NDArray[np.float64]:
        """Log-likelihood of each row, shape (n_rows,)."""

    def features(self, network: Any, guide: Any, codes: Tensor, X: Any) -> NDArray[np.float64]:
        """What the discriminator and the generator say of each row of ``X``, (n_rows, n_features)."""

    def feature_names(self, guide: Any) -> list[str]:
        """Names of the features."""

    def sample(
        self,
        network: Any,
        n: int | None,
        y: Any,
        conditions: Any,
        root: np.random.SeedSequence,
        *,
        counts: Any,
        extrapolate: bool,
        guidance: Guidance,
    ) -> tuple[Any, Any]:
        """Draw ``X`` and ``y``."""

    def sample_batches(
        self,
        network: Any,
        n: int | None,
        batch_rows: int,
        root: np.random.SeedSequence,
        guidance: Guidance,
        **asked: Any,
    ) -> Iterator[tuple[Any, Any]]:
        """Draw ``X`` and ``y`` batch after batch; what can't be had is an error before the first."""

    def complete(
        self, network: Any, X: Any, y: Any, n_draws: int, root: np.random.SeedSequence
    ) -> Iterator[tuple[Any, Any]]:
        """Fill the gaps of ``X`` and ``y``, as often as asked."""

    def to_state(self) -> tuple[Header, Arrays]:
        """A JSON-able header and arrays."""

    @classmethod
    def from_state(cls, header: Header, arrays: Arrays, codecs: Sequence[type[Any]] = ()) -> Modality:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`."""


class BaseSynthesizer(DensityMixin, BaseEstimator):
    """Contract of synthesizers: fit, sample, score, save and load.

    A subclass has ``fit``, ``sample``, ``score_samples``, and a fitted state that is a JSON-able header and
    arrays (`_to_state`, `_from_state`): files, pickles and copies all go through it.
    """

    def score(self, X: Any, y: Any = None) -> float:
        """Mean log-likelihood of the rows.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
        y : array of shape (n_samples,), optional
            Its likelihood counts too, when ``fit`` was given one; without it the rows alone are scored.

        Returns
        -------
        float
            Higher is more typical.
        """
        return float(np.mean(self.score_samples(X, y)))

    def score_samples(self, X: Any, y: Any = None) -> NDArray[np.float64]:
        """Log-likelihood of each row, shape (n_samples,)."""
        raise NotImplementedError

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted synthesizer to one file, atomically.

        Parameters
        ----------
        path : str or path-like
            If writing fails, the file that was there stays whole.

        Notes
        -----
        The file holds tensors and JSON, no code and no pickle. ``callbacks`` are not saved, nor is a
        ``random_state`` that is an object.
        """
        save_file(path, *self._to_state())

    @classmethod
    def load(
        cls: type[Self],
        path: str | os.PathLike[str],
        *,
        device: str | torch.device = "auto",
        constraints: Sequence[Any] = (),
        codecs: Sequence[type[Any]] = (),
    ) -> Self:
        """Read a synthesizer that `save` wrote; no code of the file is run.

        Parameters
        ----------
        path : str or path-like
        device : str or torch.device, default="auto"
            Where it computes, whatever it was fitted on.
        constraints : list of constraints, default=()
            All those of the fit, where a `Transformed` is among them: a file can't hold its functions.
        codecs : list of classes, default=()
            The classes of column codecs of your own that ``columns=`` had in the fit: a file names them by
            their ``kind``, and holds none of their code.

        Returns
        -------
        GANSynthesizer

        Raises
        ------
        ModelFileError
            If the file is cut, broken, hostile or of a newer version.
        """
        header, arrays = load_file(path)
        try:
            return cls._from_state(header, arrays, device, constraints, codecs)
        except ModelFileError as error:
            raise ModelFileError(f"{os.fspath(path)!r} is not a whole model file: {error}") from error

    def _note_columns(self, columns: dict[str, Any]) -> None:
        """Take what `columns_of` found, in place of what an earlier fit had."""
        self.__dict__.pop("feature_names_in_", None)
        self.__dict__.update(columns)

    def _to_state(self) -> tuple[Header, Arrays]:
        raise NotImplementedError

    @classmethod
    def _from_state(
        cls: type[Self],
        header: Header,
        arrays: Arrays,
        device: Any,
        constraints: Sequence[Any] = (),
        codecs: Sequence[type[Any]] = (),
    ) -> Self:
        raise NotImplementedError


def columns_of(header: Any) -> dict[str, Any]:
    """What scikit-learn notes of data: ``n_features_in_`` and, where columns have names, those."""
    noted = BaseEstimator()
    validate_data(noted, header, skip_check_array=True)
    return dict(noted.__dict__)


def columns_from_state(header: Header, labels: Sequence[Any]) -> dict[str, Any]:
    """What `columns_of` had found, from a file; a `ModelFileError` when the labels contradict it."""
    n_features = header_int(header, "n_features", minimum=len(labels), maximum=len(labels))
    if header.get("feature_names") is None:
        return {"n_features_in_": n_features}
    names = header_list(header, "feature_names", length=n_features, of=str)
    if names != list(labels):
        raise ModelFileError("The names of the columns in the file contradict each other.")
    return {"n_features_in_": n_features, "feature_names_in_": np.array(names, dtype=object)}


def check_weights(sample_weight: Any, X: Any) -> NDArray[np.float64]:
    """Weights of shape (n_rows,), not negative and not all zero."""
    shape = np.empty((len(X), 0)) if hasattr(X, "__len__") else X
    weights = check_sample_weight(sample_weight, shape)
    if not weights.sum() > 0:
        raise ValueError(f"sample_weight must have a positive sum, got {weights.sum()!r}")
    return weights


def parameters_to_state(parameters: Mapping[str, Any]) -> Header:
    """Those of a constructor's parameters that a file can hold: no callbacks and no objects."""
    state: Header = {}
    for name, given in parameters.items():
        value = given.tolist() if isinstance(given, np.ndarray) else given
        if isinstance(value, Mapping):  # JSON would turn numbers among the keys into text
            pairs = [[k, v] for k, v in value.items() if isinstance(k, _PLAIN) and isinstance(v, _PLAIN)]
            state[name] = {"pairs": pairs}
        elif isinstance(value, list | tuple) and all(isinstance(entry, _PLAIN) for entry in value):
            state[name] = list(value)
        elif name != "callbacks" and (value is None or isinstance(value, _PLAIN)):
            state[name] = value
    return state


def parameters_from_state(state: Header) -> dict[str, Any]:
    """Inverse of `parameters_to_state`; anything malformed is a `ModelFileError`."""
    parameters = {}
    for name, value in state.items():
        parameters[name] = tuple(value) if isinstance(value, list) else value
        if isinstance(value, dict):
            pairs = header_list(value, "pairs", of=list)
            if not all(len(pair) == 2 and all(isinstance(part, _PLAIN) for part in pair) for pair in pairs):
                raise ModelFileError(f"The parameter {name!r} in the file is broken.")
            parameters[name] = dict(pairs)
    return parameters
