"""GANSynthesizer: learn a table, draw new rows of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted, validate_data

from ganaug._util.device import resolve_device
from ganaug._util.parameters import check_choice, check_flag, check_parameter
from ganaug._util.random import RandomState, numpy_generator, seed_sequence
from ganaug._util.store import Arrays, Header, header_dict, header_int, header_list, header_str
from ganaug.base import (
    BaseSynthesizer,
    GeneratorOptions,
    Modality,
    Model,
    check_weights,
    columns_from_state,
    columns_of,
    is_plain,
)
from ganaug.exceptions import InvalidTableError, ModelFileError
from ganaug.tabular.cascade import Cascade
from ganaug.tabular.modality import TableModality
from ganaug.training.callbacks import Callback, Checkpoint, ProgressBar
from ganaug.training.history import History
from ganaug.training.plan import FEWEST_TO_SPLIT, plan_fit, split_rows, take_rows
from ganaug.training.trainer import Trainer

MODALITIES: dict[str, type[Modality]] = {"table": TableModality}
GENERATORS: dict[str, type[GeneratorOptions]] = {"cascade": Cascade}

_SPLIT_KEY, _WEIGHTS_KEY, _TRAIN_KEY, _SAMPLE_KEY = 0, 1, 2, 3


class GANSynthesizer(BaseSynthesizer):
    """Learn a table and draw new rows that are hard to tell from the real ones.

    Parameters
    ----------
    modality : {"auto", "table"}, default="auto"
        What the data is.
    generator : {"auto", "cascade"} or Cascade, default="auto"
        What draws the rows.
    max_epochs : int or "auto", default="auto"
        Most passes over the training rows. "auto" lets held-out rows decide, with a limit of 10,000 steps.
    time_budget_seconds : float, optional
        Wall-clock time for ``fit``; the learning rate falls in time to end well.
    batch_size : int or "auto", default="auto"
        Rows in a step; "auto" is 128.
    learning_rate : float or "auto", default="auto"
        Rate while it is constant; "auto" is 0.003.
    validation_fraction : float, default=0.1
        Share of the rows, at most 2,048, that is held out to judge; 0 holds out none.
    early_stopping : bool, default=True
        Whether held-out rows decide when to end and which weights to keep.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the weights it has; columns and levels must be those of the first fit.
    callbacks : sequence of Callback, default=()
        What watches the fit.
    device : str or torch.device, default="auto"
        Where to compute: a GPU where there is one.
    random_state : int, RandomState, Generator or None, default=None
        An int repeats ``fit`` and ``sample`` to the bit on one machine.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    codec_ : TableCodec
        How each column is understood.
    generator_ : Module
        The network.
    classes_ : ndarray of shape (n_classes,)
        Levels of ``y``; only when it is a category.
    history_ : History
        A record per evaluation, with ``plot()``.
    n_iter_ : int
        Passes over the training rows, the last one perhaps in part.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only when all column names are text.
    device_ : torch.device

    See Also
    --------
    ganaug.evaluate : How close, how useful and how private the drawn rows are.

    Examples
    --------
    >>> from ganaug import GANSynthesizer
    >>> from ganaug.datasets import make_customers
    >>> customers = make_customers(200, random_state=0)
    >>> synthesizer = GANSynthesizer(max_epochs=2, random_state=0).fit(customers)
    >>> synthesizer.sample(5).shape == (5, customers.shape[1])
    True
    """

    def __init__(
        self,
        *,
        modality: str = "auto",
        generator: str | Cascade = "auto",
        max_epochs: int | str = "auto",
        time_budget_seconds: float | None = None,
        batch_size: int | str = "auto",
        learning_rate: float | str = "auto",
        validation_fraction: float = 0.1,
        early_stopping: bool = True,
        warm_start: bool = False,
        callbacks: tuple[Callback, ...] | list[Callback] = (),
        device: str | torch.device = "auto",
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.modality = modality
        self.generator = generator
        self.max_epochs = max_epochs
        self.time_budget_seconds = time_budget_seconds
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None, *, sample_weight: Any = None) -> GANSynthesizer:
        """Learn the joint distribution of the columns, and of ``y`` with them.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_features)
            Numbers, bools, text and categories, missing values among them.
        y : array or Series of shape (n_samples,), optional
            Labels, which `sample` can then be asked for.
        sample_weight : array of shape (n_samples,), optional
            How much each row counts; rows of weight 0 are left out.

        Returns
        -------
        GANSynthesizer

        Raises
        ------
        InvalidTableError
            If the table, or a column of it (`RejectColumn`), can't be used; nothing has been trained then.
        """
        self._check_parameters()
        device = resolve_device(self.device)
        weights = None if sample_weight is None else check_weights(sample_weight, X)
        goes_on = bool(self.warm_start) and hasattr(self, "_model")
        if goes_on:
            validate_data(self, X, reset=False, skip_check_array=True)
        modality = self._model.modality if goes_on else MODALITIES[self._modality_name()].fit(X, y, weights)
        codes = modality.encode(X, y, strict=weights is None)
        if goes_on and (codes < 0).any():
            raise InvalidTableError(
                "With warm_start, fit needs the same y as before; pass it, or use a new one."
            )
        columns, root = columns_of(X), seed_sequence(self.random_state)
        model = self._model.copy() if goes_on else Model.build(modality, self._options(modality), _seed(root))
        trainer = self._trainer(model, codes, weights, root, device)
        history = trainer.run()
        n_iter = max(1, trainer.epoch)
        if goes_on:
            history, n_iter = History([*self.history_, *history]), n_iter + self.n_iter_
        else:
            self._note_columns(columns)
        self._set_fitted(model, str(root.entropy), history, n_iter)
        return self

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
        y : array or Series of shape (n_samples,)
            Only with ``return_y``.

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
        validate_data(self, X, reset=False, skip_check_array=True)
        modality = self._model.modality
        labels = y if modality.is_labelled else None  # scikit-learn's searches pass y to every estimator
        codes = torch.from_numpy(modality.encode(X, labels, strict=False)).to(self.device_)
        return modality.log_likelihood(self._model.in_double(), codes)

    def _check_parameters(self) -> None:
        check_choice("modality", self.modality, ("auto", *MODALITIES))
        for name, kind, minimum in (
            ("max_epochs", int, 1),
            ("batch_size", int, 1),
            ("learning_rate", float, 0),
        ):
            if getattr(self, name) != "auto":
                check_parameter(name, getattr(self, name), kind, minimum=minimum, inclusive=minimum > 0)
        if self.time_budget_seconds is not None:
            check_parameter(
                "time_budget_seconds", self.time_budget_seconds, float, minimum=0, inclusive=False
            )
        check_parameter("validation_fraction", self.validation_fraction, float, minimum=0, maximum=0.9)
        check_flag("early_stopping", self.early_stopping)
        check_flag("warm_start", self.warm_start)
        check_parameter("verbose", self.verbose if not isinstance(self.verbose, bool) else 0, int, minimum=0)
        given = self.callbacks
        if not isinstance(given, list | tuple) or not all(isinstance(entry, Callback) for entry in given):
            raise TypeError(f"callbacks must be a list of instances of ganaug.Callback, got {given!r}")
        if self.random_state is None and any(isinstance(entry, Checkpoint) for entry in given):
            raise ValueError("A Checkpoint needs a fit that repeats: give random_state an integer, got None")

    def _modality_name(self) -> str:
        return "table" if self.modality == "auto" else self.modality

    def _options(self, modality: Modality) -> GeneratorOptions:
        if isinstance(self.generator, str):
            check_choice("generator", self.generator, ("auto", *GENERATORS))
            options = (
                modality.default_generator() if self.generator == "auto" else GENERATORS[self.generator]()
            )
        else:
            options = self.generator
        if not isinstance(options, tuple(GENERATORS.values())):
            raise TypeError(f"generator must be 'auto', a name or its options, got {options!r}")
        options.check()
        return options

    def _trainer(
        self,
        model: Model,
        codes: NDArray[Any],
        weights: NDArray[np.float64] | None,
        root: np.random.SeedSequence,
        device: torch.device,
    ) -> Trainer:
        """Rows split, settings found: one fit, ready to run; rare classes of ``y`` are all learned from."""
        counts = np.ones(len(codes), dtype=bool) if weights is None else weights > 0
        is_rare = model.modality.rare_rows(codes, fewest=FEWEST_TO_SPLIT)
        rng = numpy_generator(root, _SPLIT_KEY)
        learnt_from, held_out = split_rows(counts, is_rare, self.validation_fraction, rng)
        settings, schedule = plan_fit(
            len(learnt_from),
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            max_epochs=self.max_epochs,
            weight_decay=model.options.weight_decay,
            stops_early=bool(self.early_stopping) and len(held_out) > 0,
            time_budget_seconds=self.time_budget_seconds,
        )
        return Trainer(
            network=model.network.to(device),
            loss=model.modality.loss,
            held_out_loss=model.modality.held_out_loss,
            rows=take_rows(codes, weights, learnt_from, device),
            held_out=take_rows(codes, weights, held_out, device) if len(held_out) else None,
            settings=settings,
            schedule=schedule,
            root=np.random.SeedSequence(root.entropy, spawn_key=(_TRAIN_KEY,)),
            callbacks=(*self.callbacks, *([ProgressBar()] if self.verbose else [])),
        )

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

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

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
    def _from_state(cls, header: Header, arrays: Arrays, device: Any) -> GANSynthesizer:
        if header.get("content") != "synthesizer":
            raise ModelFileError(f"It holds no synthesizer, but {str(header.get('content'))[:100]!r}")
        given, known = header_dict(header, "parameters"), cls().get_params(deep=False)
        synthesizer = cls(**{key: value for key, value in given.items() if key in known})
        synthesizer._restore(header, arrays, resolve_device(device))
        return synthesizer

    def _restore(self, header: Header, arrays: Arrays, device: torch.device) -> None:
        model = Model.from_state(header, arrays, MODALITIES, GENERATORS)
        model.network.to(device).eval()
        entropy = header_str(header, "entropy")
        if not (entropy.isascii() and entropy.isdigit() and len(entropy) < 100):
            raise ModelFileError(f"Its seed is no number: {entropy[:100]!r}")
        history = History(header_list(header, "history", of=dict))
        n_iter, n_draws = (header_int(header, key, minimum=0) for key in ("n_iter", "n_draws"))
        self._note_columns(columns_from_state(header, model.modality.columns.columns))
        self._set_fitted(model, entropy, history, n_iter, n_draws)


def _seed(root: np.random.SeedSequence) -> int:
    return int(np.random.SeedSequence(root.entropy, spawn_key=(_WEIGHTS_KEY,)).generate_state(1)[0])
