"""A column codec per column, side by side: a table to a matrix of integers, and back."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ganaug._util.cells import share_texts
from ganaug._util.dtypes import ObjectDtype, index_from_state, index_to_state
from ganaug._util.frames import assemble
from ganaug.exceptions import InvalidTableError, ModelFileError, RejectColumn
from ganaug.tabular.bounds import broken_by_each
from ganaug.tabular.choices import Choices
from ganaug.tabular.columns import (
    COLUMN_CODECS,
    CategoryCodec,
    ColumnCodec,
    DatetimeCodec,
    Field,
    IdentifierCodec,
    NumberCodec,
    TextCodec,
)
from ganaug.tabular.columns.base import Arrays, FloatArray, IntArray, State, Unseen, want
from ganaug.tabular.level_order import sort_levels
from ganaug.tabular.relation_search import find_relations
from ganaug.tabular.relations import Given, Relations
from ganaug.tabular.ties import Tied, find_tied

GAP = -2  # in place of a code: a cell that is missing, and isn't learned from


class TableCodec:
    """Exact way between a table and its codes, shape (n_rows, n_fields).

    Parameters
    ----------
    columns : pandas.Index
        The column labels.
    codecs : tuple of ColumnCodec
        One per column, in the same order.
    relations : Relations, optional
        What is known of columns that others determine.
    chosen : tuple of int
        Positions of the columns whose kind the caller chose.
    ignores_missing : bool, default False
        Whether gaps of rows to learn from are passed over: their codes are `GAP`, and no column has a code
        for missing.

    Examples
    --------
    >>> table = pd.DataFrame({"colour": ["red", "blue", "red"], "size": [1.5, 2.5, 1.5]})
    >>> codec = TableCodec.fit(table)
    >>> codes = codec.encode(table)
    >>> codes.shape
    (3, 2)
    >>> codec.decode(codes, np.random.default_rng(0)).equals(table)
    True
    """

    def __init__(
        self,
        columns: pd.Index[Any],
        codecs: tuple[ColumnCodec, ...],
        relations: Relations | None = None,
        chosen: tuple[int, ...] = (),
        ignores_missing: bool = False,
    ) -> None:
        self.columns = columns
        self.codecs = codecs
        self.relations = Relations() if relations is None else relations
        self.chosen = chosen
        self.ignores_missing = ignores_missing

    @classmethod
    def fit(
        cls,
        table: pd.DataFrame,
        weights: ArrayLike | None = None,
        choices: Choices | None = None,
        apart: Collection[Hashable] = (),
        *,
        ignores_missing: bool = False,
    ) -> TableCodec:
        """Learn every column.

        Parameters
        ----------
        table : DataFrame of shape (n_rows, n_columns)
            Column labels must be unique.
        weights : array of shape (n_rows,), optional
            How much each row counts; rows of weight 0 are as if absent.
        choices : Choices, optional
            What the caller has to say of the columns; none of them may be dropped.
        apart : collection of column labels, default ()
            Columns that no relation may be about.
        ignores_missing : bool, default False
            Whether gaps are passed over instead of learned.

        Raises
        ------
        RejectColumn
            A column that no codec takes, by name, with what to do.
        InvalidTableError
            All columns are identifiers or free text, and nothing is left to learn.
        """
        checked = None if weights is None else _check_weights(weights, len(table))
        choices = Choices() if choices is None else choices
        labels = table.columns
        fitted = _fit_all(table, checked, choices, ignores_missing)
        if not any(codec.fields for codec in fitted):
            kinds = ", ".join(f"{name!r}: {codec.kind}" for name, codec in zip(labels, fitted, strict=True))
            raise InvalidTableError(
                "No column is left to learn from; choose another kind for one of them, for example by "
                f"columns={{{labels[0]!r}: 'category'}}. They are {kinds:.200}"
            )
        open_ones = [name not in apart for name in labels]
        relations, codecs = find_relations(table, sort_levels(table, fitted, checked), checked, open_ones)
        chosen = tuple(at for at, name in enumerate(labels) if name in choices.columns)
        return cls(labels, codecs, relations, chosen, ignores_missing)

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """What a generator must emit, one entry per column of codes."""
        own = (codec for at, codec in enumerate(self.codecs) if at not in self._root_of)
        return tuple(field for codec in own for field in codec.fields)

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """For each column of the table, its columns of codes; twins share theirs."""
        spans: list[slice] = []
        end = 0
        for at, codec in enumerate(self.codecs):
            if at in self._root_of:
                spans.append(spans[self._root_of[at]])
            else:
                spans.append(slice(end, end := end + len(codec.fields)))
        return tuple(spans)

    @cached_property
    def tied(self) -> tuple[Tied, ...]:
        """Columns that tell each other's value, which draws keep to."""
        return find_tied(self.relations, self.codecs, self.slices)

    @cached_property
    def _root_of(self) -> dict[int, int]:
        return {twin.child: twin.root for twin in self.relations.twins}

    @property
    def dtypes(self) -> list[Any]:
        """The dtype of each column of the table."""
        return [codec.dtype for codec in self.codecs]

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """Smallest signed integer type that holds every code, and -1."""
        widest = max((field.n_codes for field in self.fields), default=1)
        return np.dtype(next(kind for kind in ("int8", "int16", "int32") if widest <= np.iinfo(kind).max))

    def field_of(self, column: Hashable) -> slice:
        """The columns of codes that belong to the column of this name."""
        position: Any = self.columns.get_loc(column)
        return self.slices[position]

    def codec_of(self, column: Hashable) -> ColumnCodec:
        """The codec of the column of this name."""
        position: Any = self.columns.get_loc(column)
        return self.codecs[position]

    def encode(self, table: pd.DataFrame, *, unseen: Unseen = "raise") -> IntArray:
        """Codes of shape (n_rows, n_fields), of type `dtype`; see `ColumnCodec.encode` for ``unseen``."""
        codes: IntArray = np.empty((len(table), len(self.fields)), dtype=self.dtype)
        for position, (codec, span) in enumerate(zip(self.codecs, self.slices, strict=True)):
            if position in self._root_of:
                continue
            column = table.iloc[:, position]
            gaps = column.isna().to_numpy(dtype=bool)
            if self.ignores_missing and gaps.any() and getattr(codec, "missing", None) is None:
                codes[gaps, span] = GAP
                codes[~gaps, span] = codec.encode(column[~gaps], unseen=unseen)
            else:
                codes[:, span] = codec.encode(column, unseen=unseen)
        return codes

    def decode_columns(self, codes: IntArray, rng: np.random.Generator) -> list[Any]:
        """One array per column, in its own dtype; columns that others determine keep to that."""
        codes = self.settle_codes(codes, rng)
        pairs = zip(self.codecs, self.slices, strict=True)
        return self.settle([codec.decode(codes[:, span], rng) for codec, span in pairs])

    def settle_codes(
        self, codes: IntArray, rng: np.random.Generator, given: Given = None, present: Given = None
    ) -> IntArray:
        """Codes (n_rows, n_fields) in which each column is what the one that determines it says.

        Parameters
        ----------
        codes : array of shape (n_rows, n_fields)
        rng : numpy Generator
        given : bool array of shape (n_rows, n_columns), optional
            Cells that were asked for and stay as they are.
        present : bool array of shape (n_rows, n_columns), optional
            Cells that mustn't be missing.
        """
        return self.relations.settle_codes(codes, self.codecs, self.slices, rng, given, present)

    def settle(self, columns: list[Any], given: Given = None) -> list[Any]:
        """Decoded columns, the same for what is told by their values: copies, dates, products, sums."""
        return self.relations.settle(columns, self.codecs, given)

    def breaks_bounds(self, table: pd.DataFrame, given: Given = None) -> NDArray[np.int64]:
        """How many bounds each row breaks, (n_rows,), but for those between two cells that were given."""
        broken = np.zeros(len(table), dtype=np.int64)
        for bound, rows in broken_by_each(self.relations.bounds, self.codecs, table):
            moves = True if given is None else ~given[:, [bound.low, bound.high]].all(axis=1)
            broken += rows & moves
        return broken

    @cached_property
    def related(self) -> frozenset[Hashable]:
        """Columns whose values, not only whose codes, others must agree with."""
        twins = [at for twin in self.relations.twins for at in (twin.root, twin.child)]
        sums = [at for entry in self.relations.of_numbers for at in entry.members]
        dates = [at for part in self.relations.dates for at in (part.parent, part.child)]
        return frozenset(self.columns[at] for at in (*twins, *sums, *dates))

    @property
    def identifiers(self) -> list[Hashable]:
        """Columns whose values tell rows apart."""
        pairs = zip(self.columns, self.codecs, strict=True)
        return [name for name, codec in pairs if isinstance(codec, IdentifierCodec)]

    def renumber(
        self, table: pd.DataFrame, stays: Mapping[Hashable, NDArray[np.bool_]], first_row: int, key: int
    ) -> pd.DataFrame:
        """A table with identifiers that no other batch of the same ``key`` has.

        Parameters
        ----------
        table : DataFrame of shape (n_rows, n_columns)
        stays : mapping of column to bool array of shape (n_rows,)
            Cells that are left as they are.
        first_row : int
            The number of the first row among those of all batches.
        key : int
        """
        cells = [table.iloc[:, at].array for at in range(table.shape[1])]
        for at, name in enumerate(table.columns):
            own = self.codec_of(name) if name in self.columns else None
            if isinstance(own, IdentifierCodec):
                rng = np.random.default_rng([key, first_row])
                codes = np.empty((len(table), 0), dtype=np.int32)
                fresh = own.decode(codes, rng, first_row=first_row, key=key)
                fresh[stays[name]] = cells[at][stays[name]]
                cells[at] = fresh
        return assemble(cells, table.columns)

    def describe(self) -> pd.DataFrame:
        """What was decided of each column, and why."""
        notes = self.relations.describe(self.columns)
        return pd.DataFrame(
            {
                "column": self.columns.tolist(),
                "dtype": [_dtype_name(codec.dtype) for codec in self.codecs],
                "kind": [getattr(codec, "shown_kind", codec.kind) for codec in self.codecs],
                "chosen": [at in self.chosen for at in range(len(self.codecs))],
                "why": [getattr(codec, "why", "") for codec in self.codecs],
                "n_fields": [0 if at in self._root_of else len(c.fields) for at, c in enumerate(self.codecs)],
                "missing": [_missing_share(codec) for codec in self.codecs],
                "note": [notes.get(at, "") for at in range(len(self.codecs))],
            }
        )

    def decode(self, codes: IntArray, rng: np.random.Generator) -> pd.DataFrame:
        """Table of the same columns, order and dtypes."""
        return assemble(self.decode_columns(codes, rng), self.columns)

    def to_state(self) -> State:
        """A JSON-able header and named arrays."""
        headers, arrays = [], {}
        for position, codec in enumerate(self.codecs):
            header, held = codec.to_state()
            headers.append({"kind": codec.kind, **header})
            arrays.update({f"{position}.{key}": array for key, array in held.items()})
        relations, held = self.relations.to_state()
        arrays.update({f"relations.{key}": array for key, array in held.items()})
        header = {"columns": index_to_state(self.columns), "codecs": headers, "chosen": list(self.chosen)}
        return {**header, "relations": relations, "ignores_missing": self.ignores_missing}, arrays

    @classmethod
    def from_state(
        cls, header: Any, arrays: dict[str, NDArray[Any]], codecs: Sequence[type[ColumnCodec]] = ()
    ) -> TableCodec:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`.

        ``codecs`` are classes beside ganaug's own that the file may name by their ``kind``.
        """
        if not isinstance(header, dict):
            raise ModelFileError("The description of the table in the file is broken.")
        labels = index_from_state(header.get("columns"))
        headers = want(header, "codecs", list)
        if len(labels) != len(headers):
            raise ModelFileError(f"The file names {len(labels)} columns and describes {len(headers)}")
        parts: list[dict[str, NDArray[Any]]] = [{} for _ in headers]
        held: Arrays = {}
        known = {str(position): part for position, part in enumerate(parts)} | {"relations": held}
        for key, array in arrays.items():
            position, _, rest = key.partition(".")
            known.get(position, {})[rest] = array
        kinds = {codec.kind: codec for codec in (*codecs, *COLUMN_CODECS)}
        loaded = tuple(_load_column(*each, kinds) for each in zip(labels, headers, parts, strict=True))
        chosen = want(header, "chosen", list)
        if not all(type(at) is int and 0 <= at < len(labels) for at in chosen):
            raise ModelFileError("The file names columns that it doesn't have.")
        relations = Relations.from_state(header.get("relations"), held, loaded)
        return cls(labels, loaded, relations, tuple(chosen), want(header, "ignores_missing", bool))


def _fit_all(
    table: pd.DataFrame, weights: FloatArray | None, choices: Choices, ignores_missing: bool
) -> list[ColumnCodec]:
    """A codec for each column; one error for all columns that none takes, so that they are named at once."""
    fitted, refused = [], []
    for at, name in enumerate(table.columns):
        column = share_texts(table.iloc[:, at])
        present = column.notna().to_numpy(dtype=bool) & (weights is None or weights > 0)
        own = present if ignores_missing and present.any() else slice(None)
        try:
            fitted.append(choices.fit(column[own], name, None if weights is None else weights[own]))
        except RejectColumn as error:
            refused.append(error)
    if len(refused) == 1:
        raise refused[0]
    if refused:
        raise RejectColumn("\n".join([f"{len(refused)} columns can't be used.", *map(str, refused)]))
    return fitted


def _load_column(
    name: Hashable,
    header: Any,
    arrays: dict[str, NDArray[Any]],
    kinds: Mapping[str, type[ColumnCodec]],
) -> ColumnCodec:
    if not isinstance(header, dict):
        raise ModelFileError(f"The file describes column {name!r} in a way that is not known.")
    kind = want(header, "kind", str)
    if kind not in kinds:
        raise ModelFileError(
            f"The file has a column codec of its own for column {name!r}; pass its class to load: "
            f"codecs=[...]. Its kind is {kind!r:.80}"
        )
    return kinds[kind].from_state(name, header, arrays)


def _dtype_name(dtype: Any) -> str:
    return f"object ({dtype.cells})" if isinstance(dtype, ObjectDtype) else str(dtype)


def _missing_share(codec: ColumnCodec) -> float:
    """Share of cells that were missing in fit; NaN where the codec doesn't say."""
    if isinstance(codec, IdentifierCodec):
        return codec.missing_share
    if isinstance(codec, DatetimeCodec):
        codec = codec.varying[0]
    if isinstance(codec, TextCodec):
        codec = codec.values
    if isinstance(codec, CategoryCodec):
        return float(codec.counts[len(codec.levels) :].sum() / codec.counts.sum())
    if isinstance(codec, NumberCodec):
        return float(codec.counts[len(codec.points) : -1].sum() / codec.counts.sum())
    return float("nan")


def _check_weights(weights: ArrayLike, n_rows: int) -> FloatArray:
    checked = np.asarray(weights, dtype=np.float64)
    if checked.shape != (n_rows,):
        raise InvalidTableError(f"sample_weight should have shape ({n_rows},), got {checked.shape}")
    if not np.isfinite(checked).all() or (checked < 0).any() or not 0 < checked.sum() < np.inf:
        raise InvalidTableError("sample_weight must be finite, not negative, and not all zero.")
    return checked
