"""Tables: the codec, the generator and the conditions, put together for GANSynthesizer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_consistent_length
from torch import Tensor

from ganaug._util.dtypes import index_from_state, index_to_state
from ganaug._util.frames import Container, columns_of_frame, header_of, to_column, to_frame
from ganaug._util.store import Arrays, Header, arrays_under, header_dict, header_list
from ganaug.base import Guidance
from ganaug.exceptions import InvalidConditionError, InvalidTableError, ModelFileError
from ganaug.tabular.cascade import Cascade, CascadeNetwork
from ganaug.tabular.choices import FROM_DTYPE, Choices, declared_categories
from ganaug.tabular.codec import TableCodec
from ganaug.tabular.columns import COLUMN_CODECS, CategoryCodec, CategoryField, ColumnCodec, Field
from ganaug.tabular.columns.base import Unseen
from ganaug.tabular.complete import draws, refuse_infinity
from ganaug.tabular.constraints import Chain, Constraint
from ganaug.tabular.drawer import Drawer
from ganaug.tabular.guidance import Guide
from ganaug.tabular.likelihood import cell_log_likelihood, make_guide, make_trainer, mixture_log_likelihood
from ganaug.tabular.relation_check import log_unseen, told_by_column
from ganaug.tabular.residual import Residual, ResidualNetwork, require_likelihood
from ganaug.tabular.teaching import make_course
from ganaug.tabular.vary import vary
from ganaug.training.course import Course
from ganaug.training.loop import Loop
from ganaug.training.plan import Task


@dataclass(frozen=True)
class Target:
    """The label: one more column, with a name and a container of its own.

    Parameters
    ----------
    codec : TableCodec
        Of a table with this one column.
    name : hashable
        Name of the Series that came in.
    container : Container
        What labels come in and go out in.
    """

    codec: TableCodec
    name: Any
    container: Container

    @classmethod
    def fit(cls, y: Any, n_rows: int, weights: NDArray[np.float64] | None) -> Target:
        """Learn the labels."""
        column, container = to_column(y)
        check_consistent_length(np.empty(n_rows), column)
        if column.isna().any():
            raise InvalidTableError(f"y contains {int(column.isna().sum())} missing values; drop those rows.")
        codec = TableCodec.fit(column.to_frame("y"), weights, Choices(finds_identifiers=False))
        return cls(codec, getattr(y, "name", None), container)

    def frame(self, y: Any) -> pd.DataFrame:
        """Labels as a table of one column."""
        return to_column(y)[0].to_frame("y")

    def decode(self, codes: NDArray[Any], rng: np.random.Generator) -> Any:
        """Labels in the container that came in."""
        (column,) = self.codec.decode_columns(codes, rng)
        return self.wrap(column)

    def wrap(self, column: Any) -> Any:
        """A column of labels in the container that came in."""
        return self.container.rebuild_column(column, self.name)


@dataclass(frozen=True)
class TableModality:
    """A table with or without labels.

    Parameters
    ----------
    container : Container
        What tables come in and go out in.
    codec : TableCodec
        Of the columns.
    target : Target or None
        Of the labels, whose fields come last.
    chain : Chain
        What makes the table that the codec knows out of the one that comes in.
    labels : tuple
        The names of the columns that come in.
    kept : tuple of int
        Positions of those that aren't dropped.
    """

    name: ClassVar[str] = "table"
    vary = vary
    fit_parameters: ClassVar[tuple[str, ...]] = (
        *("constraints", "categorical_features", "columns", "min_level_count", "missing_values"),
    )
    parameters: ClassVar[tuple[str, ...]] = (*fit_parameters, "discriminator")
    container: Container
    codec: TableCodec
    target: Target | None
    chain: Chain = field(default_factory=Chain)
    labels: tuple[Any, ...] = ()
    kept: tuple[int, ...] = ()

    @classmethod
    def recognises(cls, X: Any, **given: Any) -> bool:
        """Whether this may be a table: all that nothing else is."""
        return True

    def header(self, X: Any) -> Any:
        """What scikit-learn may look at to note the columns."""
        return header_of(X)

    @classmethod
    def fit(
        cls,
        X: Any,
        y: Any,
        weights: NDArray[np.float64] | None,
        *,
        constraints: Sequence[Constraint] = (),
        categorical_features: Any = FROM_DTYPE,
        columns: Mapping[Any, Any] | None = None,
        min_level_count: int = 1,
        missing_values: str = "model",
    ) -> TableModality:
        """Learn the constraints, a codec for each column that isn't dropped, and for ``y``."""
        frame, container = to_frame(X, min_rows=2)
        declared = declared_categories(categorical_features, container.columns)
        choices = Choices(declared | dict(columns or {}), min_level_count)
        kept = choices.kept(container.columns)
        labels, container = container.columns.tolist(), container.select(kept)
        chain, frame = Chain.fit(constraints, frame.iloc[:, kept])
        ignores = missing_values == "ignore"
        codec = TableCodec.fit(frame, weights, choices, apart=chain.shadows, ignores_missing=ignores)
        target = None if y is None else Target.fit(y, len(frame), weights)
        return cls(container, codec, target, chain, tuple(labels), tuple(kept))

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """What a generator must emit."""
        return self.codec.fields + (() if self.target is None else self.target.codec.fields)

    @property
    def columns(self) -> TableCodec:
        """How each column is understood."""
        return self.codec

    @property
    def constraints(self) -> list[Constraint]:
        """What must hold in every row."""
        return [step.constraint for step in self.chain.steps]

    def with_constraints(self, constraints: Sequence[Constraint]) -> TableModality:
        """The same after it was loaded, with the functions that no file holds."""
        return replace(self, chain=self.chain.with_functions(constraints))

    @property
    def foreign_codecs(self) -> list[type[Any]]:
        """The classes of column codecs that aren't ganaug's own."""
        kinds = dict.fromkeys(map(type, self.codec.codecs))
        return [kind for kind in kinds if kind not in COLUMN_CODECS]

    @property
    def is_labelled(self) -> bool:
        """Whether there are labels."""
        return self.target is not None

    @property
    def classes(self) -> NDArray[Any] | None:
        """Levels of a label that is a category, sorted."""
        if self.target is None or not isinstance(self.target.codec.codecs[0], CategoryCodec):
            return None
        return np.sort(np.asarray(self.target.codec.codecs[0].levels))

    def encode(self, X: Any, y: Any, *, strict: bool) -> NDArray[Any]:
        """Codes of shape (n_rows, n_fields); without ``y``, its fields are -1."""
        unseen: Unseen = "group" if strict else "nearest"
        frame, _ = to_frame(X)
        frame = self._own(frame)
        if strict:
            self.chain.check(frame)
        parts = [self.codec.encode(self.chain.forward(frame), unseen=unseen)]
        if not strict:
            parts[0][:, self.shadows] = -1  # the others tell what these are
        if self.target is not None and y is not None:
            labels = self.target.frame(y)
            check_consistent_length(frame, labels)
            parts.append(self.target.codec.encode(labels, unseen=unseen))
        elif self.target is not None:
            parts.append(np.full((len(frame), len(self.target.codec.fields)), -1, dtype=np.int8))
        return np.concatenate(parts, axis=1)

    def decode(self, codes: NDArray[Any], rng: np.random.Generator) -> tuple[Any, Any]:
        """Codes back to a table, and labels (None without any)."""
        n_own, stages = len(self.codec.fields), self.chain.translate({}, len(codes))
        X = self._rebuild(self.chain.inverse(self.codec.decode(codes[:, :n_own], rng), stages))
        return X, None if self.target is None else self.target.decode(codes[:, n_own:], rng)

    @cached_property
    def shadows(self) -> list[int]:
        """Fields of columns that are drawn only where they are asked for."""
        spans = [self.codec.field_of(name) for name in self.chain.shadows]
        return [field for span in spans for field in range(span.start, span.stop)]

    def rare_rows(self, codes: NDArray[Any], fewest: int) -> NDArray[np.bool_]:
        """Which rows are of a class of ``y`` with fewer rows than this."""
        if self.target is None or not isinstance(self.fields[-1], CategoryField):
            return np.zeros(len(codes), dtype=bool)
        _, kinds, counts = np.unique(codes[:, -1], return_inverse=True, return_counts=True)
        return counts[kinds] < fewest

    def default_generator(self) -> Cascade:
        """Options that suit any table."""
        return Cascade()

    def settle(self, options: Any, device: torch.device) -> Any:
        """Options as they are: they leave nothing to the device."""
        return options

    def build(self, options: Any) -> CascadeNetwork | ResidualNetwork:
        """Make the network; its weights are drawn from torch's current generator."""
        if isinstance(options, Residual):
            n_label_fields = 0 if self.target is None else len(self.target.codec.fields)
            return options.build(self.fields, n_label_fields)
        if not isinstance(options, Cascade):
            raise TypeError(f"generator must be 'auto', a name, a Cascade or a Residual, got {options!r}")
        return options.build(self.fields, self.codec.tied)

    def trainer(self, network: Any, options: Any, task: Task) -> Loop | Course:
        """What trains the network, ready to run."""
        if isinstance(network, ResidualNetwork):
            return make_course(self, options, network, task)
        return make_trainer(self, network, options, task)

    def make_guide(
        self,
        network: Any,
        codes: NDArray[Any],
        weights: NDArray[np.float64] | None,
        task: Task,
        trainer: Any,
        seed: int,
    ) -> Guide | None:
        """Margins of the real rows, and a discriminator where held-out rows said that it gains."""
        return make_guide(self, network, codes, weights, task, trainer, seed)

    def guide_from_state(self, header: Header, arrays: Arrays) -> Guide:
        """Inverse of the guide's ``to_state``; anything malformed is a `ModelFileError`."""
        return Guide.from_state(header, arrays, self.fields)

    def log_likelihood(self, network: Any, codes: Tensor) -> NDArray[np.float64]:
        """Log-likelihood of each row under the mixture over orders that rows are drawn from.

        The network should be of double precision: then a row's value doesn't depend on the rows beside it.
        """
        require_likelihood(network)
        return mixture_log_likelihood(network, codes, self.unknown(codes))

    def features(self, network: Any, guide: Guide | None, codes: Tensor, X: Any) -> NDArray[np.float64]:
        """Log-likelihood of each cell given the others of its row, and the row's log-odds of being real."""
        require_likelihood(network)
        cells = cell_log_likelihood(network, codes, self.unknown(codes))
        own = told_by_column(self.codec, self.chain.forward(self._own(to_frame(X)[0])), cells)
        odds = torch.zeros(len(codes)) if guide is None else guide.log_odds(codes)
        return torch.stack([*own, odds.to(cells)], dim=1).double().cpu().numpy()

    def feature_names(self, guide: Any) -> list[str]:
        """What `features` are, in their order."""
        named = zip(self.codec.columns, self.codec.slices, strict=True)
        return [*(f"log_likelihood_{name}" for name, span in named if span.stop > span.start), "log_odds"]

    def unknown(self, codes: Tensor) -> Tensor:
        """Log-probability of a value that each field never had, (n_fields,); without labels, 0 for theirs."""
        unknown = torch.tensor([log_unseen(field) for field in self.fields]).to(codes.device)
        unknown[self.shadows] = 0.0
        n_own = len(self.codec.fields)
        if self.target is not None and bool((codes[:, n_own:] < 0).all()):
            unknown[n_own:] = 0.0  # the rows alone count
        return unknown

    def sample(
        self,
        network: CascadeNetwork,
        n: int | None,
        y: Any,
        conditions: Any,
        root: np.random.SeedSequence,
        *,
        counts: Any = None,
        extrapolate: bool = False,
        guidance: Guidance | None = None,
    ) -> tuple[Any, Any]:
        """Draw a table, and labels (None without any)."""
        drawer = Drawer(self, network, guidance)
        table, labels = drawer.draw(drawer.ask(n, y, conditions, counts, extrapolate), root)
        return self._rebuild(table), labels

    def sample_batches(
        self,
        network: CascadeNetwork,
        n: int | None,
        batch_rows: int,
        root: np.random.SeedSequence,
        guidance: Guidance,
        **asked: Any,
    ) -> Iterator[tuple[Any, Any]]:
        """Draw tables and labels batch after batch."""
        found = Drawer(self, network, guidance).batches(n, batch_rows, root, **asked)
        return ((self._rebuild(table), labels) for table, labels in found)

    def complete(
        self, network: CascadeNetwork, X: Any, y: Any, n_draws: int, root: np.random.SeedSequence
    ) -> Iterator[tuple[Any, Any]]:
        """Fill the gaps of a table, and of labels where there are some, several times."""
        frame, container = to_frame(X)
        if frame.shape[1] != len(self.kept):
            container = container.select(self.kept)
        frame = self._own(frame)
        refuse_infinity(frame)
        labels = None
        if y is not None:
            if self.target is None:
                raise InvalidConditionError("y was given to complete, but fit was not given any")
            labels = self.target.frame(y)["y"]
            check_consistent_length(frame, labels)
        for table, more in draws(Drawer(self, network), frame, labels, n_draws, root):
            filled = container.rebuild(columns_of_frame(table))
            if isinstance(filled, pd.DataFrame) and isinstance(X, pd.DataFrame):
                filled.index = X.index
            yield filled, None if more is None or self.target is None else self.target.wrap(more.array)

    def _own(self, frame: pd.DataFrame) -> pd.DataFrame:
        """A table that came in without the columns that were dropped, which it may lack already."""
        if frame.shape[1] == len(self.labels) != len(self.kept):
            frame = frame.iloc[:, list(self.kept)]
        return frame.set_axis(self.container.columns, axis=1)

    def _rebuild(self, table: pd.DataFrame) -> Any:
        return self.container.rebuild(columns_of_frame(table))

    def to_state(self) -> tuple[Header, Arrays]:
        """A JSON-able header and arrays."""
        header, arrays = self.codec.to_state()
        state: Header = {"container": self.container.to_state(), "codec": header, "target": None}
        state["kept"] = list(self.kept)
        state["labels"] = index_to_state(pd.Index(list(self.labels), dtype=object))
        state["constraints"] = self.chain.to_state() if self.chain.steps else None
        held = {f"codec.{key}": array for key, array in arrays.items()}
        if self.target is not None:
            header, arrays = self.target.codec.to_state()
            name = self.target.name if isinstance(self.target.name, str | int) else None
            container = self.target.container.to_state()
            state["target"] = {"codec": header, "name": name, "container": container}
            held |= {f"target.{key}": array for key, array in arrays.items()}
        return state, held

    @classmethod
    def from_state(
        cls, header: Header, arrays: Arrays, codecs: Sequence[type[ColumnCodec]] = ()
    ) -> TableModality:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`."""
        container = Container.from_state(header_dict(header, "container"))
        codec = TableCodec.from_state(header_dict(header, "codec"), arrays_under("codec.", arrays), codecs)
        labels = index_from_state(header.get("labels")).tolist()
        kept = header_list(header, "kept", length=len(container.columns), of=int)
        if [labels[at] for at in kept if 0 <= at < len(labels)] != container.columns.tolist():
            raise ModelFileError("The table's columns in the file contradict each other.")
        more = {"labels": tuple(labels), "kept": tuple(kept)}
        chain = Chain.from_state(header.get("constraints"))
        columns, dtypes = (chain.columns, chain.dtypes) if chain.steps else (codec.columns, codec.dtypes)
        if not container.columns.equals(columns) or not container.takes(dtypes):
            raise ModelFileError("The table's columns in the file contradict each other.")
        target = header.get("target")
        if target is None:
            return cls(container, codec, None, chain, **more)
        if not isinstance(target, dict) or not isinstance(target.get("name"), str | int | None):
            raise ModelFileError("The description of the labels in the file is broken.")
        own = TableCodec.from_state(header_dict(target, "codec"), arrays_under("target.", arrays))
        given = Container.from_state(header_dict(target, "container"))
        if list(own.columns) != ["y"] or len(given.columns) != 1 or not given.takes(own.dtypes):
            raise ModelFileError("The description of the labels in the file is broken.")
        return cls(container, codec, Target(own, target.get("name"), given), chain, **more)
