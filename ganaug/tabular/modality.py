"""Tables: the codec, the generator and the conditions, put together for GANSynthesizer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_consistent_length
from torch import Tensor

from ganaug._util.cells import write_levels
from ganaug._util.dtypes import TICKS, kind_of
from ganaug._util.frames import Container, to_column, to_frame
from ganaug._util.random import numpy_generator, torch_generator
from ganaug._util.store import Arrays, Header, header_dict
from ganaug.exceptions import InvalidConditionError, InvalidTableError, ModelFileError
from ganaug.tabular.cascade import Cascade, CascadeNetwork
from ganaug.tabular.codec import TableCodec
from ganaug.tabular.columns import CategoryCodec, CategoryField, Field
from ganaug.tabular.columns.base import Unseen
from ganaug.tabular.conditions import known_codes, put_exactly, read_conditions
from ganaug.tabular.prefix_sum import random_order
from ganaug.tabular.rollout import roll_out

_JUDGED_ORDERS = 4  # of the mixture over orders, by which held-out rows judge
_SCORED_ORDERS = 8  # of that by which `log_likelihood` scores
_SCORED_ROWS = 1024  # in one pass
_DRAW_KEY, _DECODE_KEY = 0, 1


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
        codec = TableCodec.fit(column.to_frame("y"), weights)
        return cls(codec, getattr(y, "name", None), container)

    def frame(self, y: Any) -> pd.DataFrame:
        """Labels as a table of one column."""
        return to_column(y)[0].to_frame("y")

    def decode(self, codes: NDArray[Any], rng: np.random.Generator, asked: pd.DataFrame | None = None) -> Any:
        """Labels in the container that came in; those that were asked for as they were asked."""
        table = self.codec.decode(codes, rng)
        if asked is not None:
            put_exactly(table, asked)
        return self.container.rebuild_column(table["y"].array, self.name)


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
    """

    name: ClassVar[str] = "table"
    container: Container
    codec: TableCodec
    target: Target | None

    @classmethod
    def fit(cls, X: Any, y: Any, weights: NDArray[np.float64] | None) -> TableModality:
        """Learn a codec for each column, and for ``y``."""
        frame, container = to_frame(X, min_rows=2)
        codec = TableCodec.fit(frame, weights)
        return cls(container, codec, None if y is None else Target.fit(y, len(frame), weights))

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """What a generator must emit."""
        return self.codec.fields + (() if self.target is None else self.target.codec.fields)

    @property
    def columns(self) -> TableCodec:
        """How each column is understood."""
        return self.codec

    @property
    def is_labelled(self) -> bool:
        """Whether there are labels."""
        return self.target is not None

    @property
    def classes(self) -> NDArray[Any] | None:
        """Levels of a label that is a category, sorted."""
        if self.target is None or not isinstance(self.target.codec.codecs[0], CategoryCodec):
            return None
        codec = self.target.codec.codecs[0]
        levels: Any = codec.levels
        if kind_of(codec.dtype) in TICKS:  # dates, for example
            levels = write_levels(codec.levels, codec.dtype, None)
        return np.sort(np.asarray(levels))

    def encode(self, X: Any, y: Any, *, strict: bool) -> NDArray[Any]:
        """Codes of shape (n_rows, n_fields); without ``y``, its fields are -1."""
        unseen: Unseen = "raise" if strict else "nearest"
        frame, _ = to_frame(X)
        parts = [self.codec.encode(frame.set_axis(self.codec.columns, axis=1), unseen=unseen)]
        if self.target is not None and y is not None:
            labels = self.target.frame(y)
            check_consistent_length(frame, labels)
            parts.append(self.target.codec.encode(labels, unseen=unseen))
        elif self.target is not None:
            parts.append(np.full((len(frame), len(self.target.codec.fields)), -1, dtype=np.int8))
        return np.concatenate(parts, axis=1)

    def decode(self, codes: NDArray[Any], rng: np.random.Generator) -> tuple[Any, Any]:
        """Codes back to a table, and labels (None without any)."""
        n_own = len(self.codec.fields)
        X = self.container.rebuild(self.codec.decode_columns(codes[:, :n_own], rng))
        return X, None if self.target is None else self.target.decode(codes[:, n_own:], rng)

    def rare_rows(self, codes: NDArray[Any], fewest: int) -> NDArray[np.bool_]:
        """Which rows are of a class of ``y`` with fewer rows than this."""
        if self.target is None or not isinstance(self.fields[-1], CategoryField):
            return np.zeros(len(codes), dtype=bool)
        _, kinds, counts = np.unique(codes[:, -1], return_inverse=True, return_counts=True)
        return counts[kinds] < fewest

    def default_generator(self) -> Cascade:
        """Options that suit any table."""
        return Cascade()

    def build(self, options: Any) -> CascadeNetwork:
        """Make the network; its weights are drawn from torch's current generator."""
        if not isinstance(options, Cascade):
            raise TypeError(f"generator must be 'auto', 'cascade' or a Cascade for a table, got {options!r}")
        return options.build(self.fields)

    def loss(self, network: CascadeNetwork, rows: Tensor, generator: torch.Generator) -> Tensor:
        """Negative log-likelihood of each row, in an order of its own."""
        order = random_order(network.n_fields, len(rows), generator)
        return -network.log_likelihood(rows, order).sum(dim=1)

    @torch.no_grad()
    def held_out_loss(self, network: CascadeNetwork, rows: Tensor, generator: torch.Generator) -> Tensor:
        """Negative log-likelihood of each row under the mixture over orders, which rows are drawn from.

        It goes on falling where that of a single order has begun to rise: the orders' errors differ, and the
        mixture averages them.
        """
        orders = [random_order(network.n_fields, len(rows), generator) for _ in range(_JUDGED_ORDERS)]
        scores = torch.stack([network.log_likelihood(rows, order).sum(dim=1) for order in orders])
        return math.log(_JUDGED_ORDERS) - scores.logsumexp(dim=0)

    @torch.no_grad()
    def log_likelihood(self, network: CascadeNetwork, codes: Tensor) -> NDArray[np.float64]:
        """Log-likelihood of each row under the mixture over orders that rows are drawn from.

        The network should be of double precision: then a row's value doesn't depend on the rows beside it.
        """
        unknown = torch.tensor([_log_unseen(field) for field in self.fields]).to(codes.device)
        n_own = len(self.codec.fields)
        if self.target is not None and bool((codes[:, n_own:] < 0).all()):
            unknown[n_own:] = 0.0  # no labels were given: the rows alone count
        parts = []
        for rows in codes.split(_SCORED_ROWS):
            known, scores = rows >= 0, []
            generator = torch.Generator(codes.device).manual_seed(0)  # the same orders for all rows
            for _ in range(_SCORED_ORDERS):
                order = random_order(network.n_fields, len(rows), generator, shared=True)
                each = network.log_likelihood(rows.clamp(min=0), order, known=known)
                scores.append(torch.where(known, each, unknown).sum(dim=1))
            parts.append(torch.stack(scores).logsumexp(dim=0) - math.log(_SCORED_ORDERS))
        return torch.cat(parts).cpu().numpy()

    def sample(
        self, network: CascadeNetwork, n: int | None, y: Any, conditions: Any, root: np.random.SeedSequence
    ) -> tuple[Any, Any]:
        """Draw a table, and labels (None without any)."""
        n = n if n is not None or np.ndim(y) == 0 else len(y)
        asked = read_conditions(conditions, n, self.codec)
        n = n if n is not None else 1 if asked is None else len(asked)
        labels = self._read_labels(y, n)
        known = {} if asked is None else known_codes(asked, self.codec)
        if labels is not None and self.target is not None:
            known |= known_codes(labels, self.target.codec, first_field=len(self.codec.fields))
        device = network.first_code.device
        given = {field: torch.from_numpy(codes).to(device) for field, codes in known.items()}
        codes = roll_out(network, n, torch_generator(root, _DRAW_KEY, device=device), given)
        return self._finish(codes.cpu().numpy(), asked, labels, numpy_generator(root, _DECODE_KEY))

    def _read_labels(self, y: Any, n: int) -> pd.DataFrame | None:
        if y is None:
            return None
        if self.target is None:
            raise InvalidConditionError("y was given to sample, but fit was not given any: use conditions=")
        labels = self.target.frame([y] * n if np.ndim(y) == 0 else y)
        if not len(labels):
            raise InvalidConditionError("y must have at least one label, got 0")
        if len(labels) != n:
            raise InvalidConditionError(f"y must have a label for each of the {n} rows, got {len(labels)}")
        return labels

    def _finish(
        self,
        codes: NDArray[Any],
        asked: pd.DataFrame | None,
        labels: pd.DataFrame | None,
        rng: np.random.Generator,
    ) -> tuple[Any, Any]:
        """Decode, and write what was asked for as it was asked."""
        n_own = len(self.codec.fields)
        table = self.codec.decode(codes[:, :n_own], rng)
        if asked is not None:
            put_exactly(table, asked)
        columns = [table.iloc[:, position].array for position in range(table.shape[1])]
        X = self.container.rebuild(columns)
        if self.target is None:
            return X, None
        return X, self.target.decode(codes[:, n_own:], rng, labels)

    def to_state(self) -> tuple[Header, Arrays]:
        """A JSON-able header and arrays."""
        header, arrays = self.codec.to_state()
        state: Header = {"container": self.container.to_state(), "codec": header, "target": None}
        held = {f"codec.{key}": array for key, array in arrays.items()}
        if self.target is not None:
            header, arrays = self.target.codec.to_state()
            name = self.target.name if isinstance(self.target.name, str | int) else None
            container = self.target.container.to_state()
            state["target"] = {"codec": header, "name": name, "container": container}
            held |= {f"target.{key}": array for key, array in arrays.items()}
        return state, held

    @classmethod
    def from_state(cls, header: Header, arrays: Arrays) -> TableModality:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`."""
        container = Container.from_state(header_dict(header, "container"))
        codec = TableCodec.from_state(header_dict(header, "codec"), _under("codec.", arrays))
        if not container.columns.equals(codec.columns) or not container.takes(codec.dtypes):
            raise ModelFileError("The table's columns in the file contradict each other.")
        target = header.get("target")
        if target is None:
            return cls(container, codec, None)
        if not isinstance(target, dict) or not isinstance(target.get("name"), str | int | None):
            raise ModelFileError("The description of the labels in the file is broken.")
        labels = TableCodec.from_state(header_dict(target, "codec"), _under("target.", arrays))
        given = Container.from_state(header_dict(target, "container"))
        if list(labels.columns) != ["y"] or len(given.columns) != 1 or not given.takes(labels.dtypes):
            raise ModelFileError("The description of the labels in the file is broken.")
        return cls(container, codec, Target(labels, target.get("name"), given))


def _under(prefix: str, arrays: Arrays) -> Arrays:
    return {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}


def _log_unseen(field: Field) -> float:
    """Log-probability of a value that the column never had: that of one row more."""
    return float(-np.log(np.sum(field.counts) + 1.0))
