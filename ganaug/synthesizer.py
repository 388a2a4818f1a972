"""GANSynthesizer: learn a table or images, draw new ones."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data

from ganaug._util.device import resolve_device
from ganaug._util.parameters import check_choice, check_flag, check_parameter
from ganaug._util.random import RandomState, numpy_generator, seed_sequence
from ganaug.base import (
    GeneratorOptions,
    Modality,
    check_weights,
    columns_of,
)
from ganaug.drawing import ModelSynthesizer
from ganaug.exceptions import InvalidTableError
from ganaug.image.convnet import ConvNet
from ganaug.image.modality import ImageModality
from ganaug.losses import AdversarialLoss, resolve_loss
from ganaug.losses.adversarial import LogitLoss
from ganaug.model import Model
from ganaug.tabular.cascade import Cascade
from ganaug.tabular.choices import FROM_DTYPE
from ganaug.tabular.constraints import Constraint, check_constraints
from ganaug.tabular.guidance import DISCRIMINATORS
from ganaug.tabular.modality import TableModality
from ganaug.tabular.residual import Residual
from ganaug.training.callbacks import Callback, Checkpoint, ProgressBar
from ganaug.training.history import History
from ganaug.training.loop import Loop
from ganaug.training.plan import FEWEST_TO_SPLIT, Task, split_rows, take_rows

MODALITIES: dict[str, type[Modality]] = {"image": ImageModality, "table": TableModality}
GENERATORS: dict[str, type[GeneratorOptions]] = {"cascade": Cascade, "residual": Residual, "convnet": ConvNet}

_SPLIT_KEY, _WEIGHTS_KEY, _TRAIN_KEY = 0, 1, 2  # 3 is that of the draws


class GANSynthesizer(ModelSynthesizer):
    """Learn a table, or images, and draw new rows that are hard to tell from the real ones.

    With images, a row is an image. What is said of columns doesn't apply to them.

    Parameters
    ----------
    modality : {"auto", "table", "image"}, default="auto"
        What the data is: "auto" takes arrays of three or four axes, and lists of images, for images.
    generator : str, Cascade, Residual or ConvNet, default="auto"
        What draws the rows. Of a table: "cascade" ("auto") or "residual", which draws all columns in one
        pass, several times faster; it can't score rows, and keeps no condition but ``y``. Of images:
        "convnet".
    loss : str, pair of callables, or AdversarialLoss, default="relativistic"
        What a residual or convolutional generator and its discriminator minimise: "minimax",
        "non_saturating", "least_squares", "wasserstein", "hinge" or "relativistic", each with the penalty
        that suits it; or (the discriminator's, the generator's) functions,
        ``loss(real_logits, fake_logits)`` -> a tensor of one number per row. The cascade is trained by
        likelihood and doesn't use it.
    discriminator : {"auto", "trees", "neural"} or None, default="auto"
        What tells real rows from generated ones, and guides `sample`: boosted trees ("auto"), or a neural
        network; kept when it gains on rows that it has not seen. None does without.
    categorical_features : "from_dtype" or list of str, int or bool, default="from_dtype"
        Columns of a table that are categories, by name, by position, or with a bool for each column;
        "from_dtype" finds out from dtypes and values. ``columns`` has the last word.
    columns : dict of column name to kind, default=None
        What you know better of a column than can be seen: "category", "number", "datetime", "identifier"
        (never modelled; new ones of the same pattern), "text" (never modelled; whole values of the training
        rows, as they are, drawn by how frequent they are: nothing of them is protected), "drop" (neither
        modelled nor in what is drawn), or a column codec of your own; see ``columns_`` for what was decided.
    min_level_count : int, default=1
        Levels of text, bools and categories that fewer rows have are protected: they are in no row that is
        drawn, and in no saved file. Their rows are learned from as if they had one of the others.
    missing_values : {"model", "ignore"}, default="model"
        Whether gaps are a part of the table, to be learned and drawn, or only passed over: rows with gaps are
        then learned from by the cells that they have, and no row that is drawn has a gap.
    constraints : list of constraints, default=()
        What holds in every row that is drawn, by construction; see `ganaug.constraints`.
    image_shape : tuple of int, optional
        Shape of an image, (h, w), (h, w, c) or (c, h, w), where ``X`` has a flat row for each.
    max_epochs : int or "auto", default="auto"
        Most passes over the training rows. "auto" lets held-out rows decide, with a limit of 12,500 steps;
        for images the number of steps follows from their size and number.
    time_budget_seconds : float, optional
        Wall-clock time for ``fit``; the learning rate falls in time to end well.
    batch_size : int or "auto", default="auto"
        Rows in a step; "auto" is 128, of images 64, or 256 for the full network.
    learning_rate : float or "auto", default="auto"
        Rate while it is constant; "auto" is 0.003. For images the rate at the beginning: 0.001, or 0.0002 for
        the full network.
    validation_fraction : float, default=0.1
        Share of the rows, at most 2,048, that is held out to judge; 0 holds out none.
    early_stopping : bool, default=True
        Whether held-out rows decide when to end and which weights to keep. A fit on images keeps its last
        weights, but where an earlier snapshot was clearly closer to the held-out images.
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
    columns_ : DataFrame
        What was decided of each column, and why, in words.
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

    _modalities = MODALITIES
    _generators = GENERATORS

    def __init__(
        self,
        *,
        modality: str = "auto",
        generator: str | Cascade | Residual | ConvNet = "auto",
        loss: str | tuple[LogitLoss, LogitLoss] | AdversarialLoss = "relativistic",
        discriminator: str | None = "auto",
        categorical_features: Any = "from_dtype",
        columns: Mapping[Any, Any] | None = None,
        min_level_count: int = 1,
        missing_values: str = "model",
        constraints: list[Constraint] | tuple[Constraint, ...] = (),
        image_shape: tuple[int, ...] | None = None,
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
        self.loss = loss
        self.discriminator = discriminator
        self.categorical_features = categorical_features
        self.columns = columns
        self.min_level_count = min_level_count
        self.missing_values = missing_values
        self.constraints = constraints
        self.image_shape = image_shape
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
        """Learn the joint distribution of the columns, or the images, and of ``y`` with them.

        Parameters
        ----------
        X : DataFrame of pandas or polars, pyarrow Table, array or list of shape (n_samples, n_features)
            Numbers, bools, text, categories, dates, times and decimals, missing values among them. What is
            drawn comes in the same container, with the same columns, order and dtypes. Or images: an array of
            shape (n, h, w), (n, h, w, c) or (n, c, h, w) of whole numbers or floats of any range, flat rows
            with ``image_shape=``, or a list of arrays or of images of Pillow, all of one size.
        y : array, Series of pandas or polars, or pyarrow ChunkedArray of shape (n_samples,), optional
            Labels, which `sample` can then be asked for; of images they are classes.
        sample_weight : array of shape (n_samples,), optional
            How much each row counts; rows of weight 0 are left out.

        Returns
        -------
        GANSynthesizer

        Raises
        ------
        InvalidTableError
            If the table, or a column of it (`RejectColumn`), can't be used; nothing has been trained then.
        InvalidImageError
            The same of images.
        """
        began = time.monotonic()
        self._check_parameters()
        device = resolve_device(self.device)
        weights = None if sample_weight is None else check_weights(sample_weight, X)
        kind = self._modality_of(X)
        goes_on = bool(self.warm_start) and hasattr(self, "_model")
        if goes_on:
            validate_data(self, self._model.modality.header(X), reset=False, skip_check_array=True)
        given = {name: getattr(self, name) for name in kind.fit_parameters}
        modality = self._model.modality if goes_on else kind.fit(X, y, weights, **given)
        codes = modality.encode(X, y, strict=weights is None)
        if goes_on and (codes == -1).any():
            raise InvalidTableError(
                "With warm_start, fit needs the same y as before; pass it, or use a new one."
            )
        columns, root = columns_of(modality.header(X)), seed_sequence(self.random_state)
        options = modality.settle(self._options(modality), device)
        model = self._model.copy() if goes_on else Model.build(modality, options, _seed(root))
        task = self._task(model, codes, weights, root, device)
        trainer = modality.trainer(model.network.to(device), model.options, task)
        if isinstance(trainer, Loop):
            trainer.spent_seconds = time.monotonic() - began
        history = trainer.run()
        n_iter = max(1, trainer.epoch)
        if goes_on:
            history, n_iter = History([*self.history_, *history]), n_iter + self.n_iter_
        else:
            self._note_columns(columns)
        guide = modality.make_guide(model.network, codes, weights, task, trainer, _seed(root))
        self._set_fitted(replace(model, guide=guide), str(root.entropy), history, n_iter)
        return self

    def _check_parameters(self) -> None:
        check_choice("modality", self.modality, ("auto", *MODALITIES))
        resolve_loss(self.loss)
        if self.discriminator is not None:
            check_choice("discriminator", self.discriminator, ("auto", *DISCRIMINATORS))
        check_constraints(self.constraints)
        check_parameter("min_level_count", self.min_level_count, int, minimum=1)
        check_choice("missing_values", self.missing_values, ("model", "ignore"))
        if isinstance(self.categorical_features, str):
            check_choice("categorical_features", self.categorical_features, (FROM_DTYPE,))
        if self.columns is not None and not isinstance(self.columns, Mapping):
            raise TypeError(f"columns must be a dict of column name to kind, got {self.columns!r}")
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

    def _modality_of(self, X: Any) -> type[Modality]:
        """What the data is; an error for parameters that are set and mean nothing for it."""
        given = {name: getattr(self, name) for kind in MODALITIES.values() for name in kind.parameters}
        fitting = (kind for kind in MODALITIES.values() if kind.recognises(X, **given))
        kind = next(fitting) if self.modality == "auto" else MODALITIES[self.modality]
        defaults = type(self)().get_params(deep=False)
        for other in MODALITIES.values():
            for name in set(other.parameters) - set(kind.parameters):
                is_empty = hasattr(given[name], "__len__") and len(given[name]) == 0
                if not is_empty and not np.array_equal(given[name], defaults[name]):
                    raise ValueError(
                        f"{name} is for a modality {other.name!r}, and this one is {kind.name!r}; "
                        f"got {name}={given[name]!r}"
                    )
        return kind

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

    def _task(
        self,
        model: Model,
        codes: NDArray[Any],
        weights: NDArray[np.float64] | None,
        root: np.random.SeedSequence,
        device: torch.device,
    ) -> Task:
        """Rows split, settings found; rare classes of ``y`` are all learned from."""
        counts = np.ones(len(codes), dtype=bool) if weights is None else weights > 0
        is_rare = model.modality.rare_rows(codes, fewest=FEWEST_TO_SPLIT)
        rng = numpy_generator(root, _SPLIT_KEY)
        learnt_from, held_out = split_rows(counts, is_rare, self.validation_fraction, rng)
        return Task(
            rows=take_rows(codes, weights, learnt_from, device),
            held_out=take_rows(codes, weights, held_out, device) if len(held_out) else None,
            batch_size=self.batch_size,
            max_epochs=self.max_epochs,
            learning_rate=self.learning_rate,
            early_stopping=bool(self.early_stopping),
            time_budget_seconds=self.time_budget_seconds,
            loss=resolve_loss(self.loss),
            root=np.random.SeedSequence(root.entropy, spawn_key=(_TRAIN_KEY,)),
            callbacks=(*self.callbacks, *([ProgressBar()] if self.verbose else [])),
            discriminator="trees" if self.discriminator == "auto" else self.discriminator,
            guide=model.guide,
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


def _seed(root: np.random.SeedSequence) -> int:
    return int(np.random.SeedSequence(root.entropy, spawn_key=(_WEIGHTS_KEY,)).generate_state(1)[0])
