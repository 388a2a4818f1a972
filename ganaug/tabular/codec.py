"""A column codec per column, side by side: a table to a matrix of integers, and back."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ganaug._util.dtypes import index_from_state, index_to_state
from ganaug._util.frames import assemble
from ganaug.exceptions import InvalidTableError, ModelFileError, RejectColumn
from ganaug.tabular.columns import COLUMN_CODECS, ColumnCodec, Field
from ganaug.tabular.columns.base import FloatArray, IntArray, State, Unseen, want


class TableCodec:
    """Exact way between a table and its codes, shape (n_rows, n_fields).

    Parameters
    ----------
    columns : pandas.Index
        The column labels.
    codecs : tuple of ColumnCodec
        One per column, in the same order.

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

    def __init__(self, columns: pd.Index[Any], codecs: tuple[ColumnCodec, ...]) -> None:
        self.columns = columns
        self.codecs = codecs

    @classmethod
    def fit(cls, table: pd.DataFrame, weights: ArrayLike | None = None) -> TableCodec:
        """Learn every column.

        Parameters
        ----------
        table : DataFrame of shape (n_rows, n_columns)
            Column labels must be unique.
        weights : array of shape (n_rows,), optional
            How much each row counts; rows of weight 0 are as if absent.

        Raises
        ------
        RejectColumn
            A column that no codec takes, by name, with what to do.
        """
        checked = None if weights is None else _check_weights(weights, len(table))
        columns = (table.iloc[:, position] for position in range(table.shape[1]))
        labels = table.columns
        return cls(labels, tuple(_fit_column(v, n, checked) for v, n in zip(columns, labels, strict=True)))

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """What a generator must emit, one entry per column of codes."""
        return tuple(field for codec in self.codecs for field in codec.fields)

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """For each column of the table, its columns of codes."""
        ends = np.cumsum([len(codec.fields) for codec in self.codecs]).tolist()
        return tuple(slice(start, end) for start, end in zip([0, *ends], ends, strict=False))

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
            codes[:, span] = codec.encode(table.iloc[:, position], unseen=unseen)
        return codes

    def decode_columns(self, codes: IntArray, rng: np.random.Generator) -> list[Any]:
        """One array per column, in its own dtype."""
        pairs = zip(self.codecs, self.slices, strict=True)
        return [codec.decode(codes[:, span], rng) for codec, span in pairs]

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
        return {"columns": index_to_state(self.columns), "codecs": headers}, arrays

    @classmethod
    def from_state(cls, header: Any, arrays: dict[str, NDArray[Any]]) -> TableCodec:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`."""
        if not isinstance(header, dict):
            raise ModelFileError("The description of the table in the file is broken.")
        labels = index_from_state(header.get("columns"))
        headers = want(header, "codecs", list)
        if len(labels) != len(headers):
            raise ModelFileError(f"The file names {len(labels)} columns and describes {len(headers)}")
        parts: list[dict[str, NDArray[Any]]] = [{} for _ in headers]
        known = {str(position): part for position, part in enumerate(parts)}
        for key, array in arrays.items():
            position, _, rest = key.partition(".")
            known.get(position, {})[rest] = array
        return cls(labels, tuple(map(_load_column, labels, headers, parts)))


def _fit_column(values: pd.Series[Any], name: Hashable, weights: FloatArray | None) -> ColumnCodec:
    for codec in COLUMN_CODECS[:-1]:
        try:
            return codec.fit(values, name, weights)
        except RejectColumn:
            continue
    return COLUMN_CODECS[-1].fit(values, name, weights)


def _load_column(name: Hashable, header: Any, arrays: dict[str, NDArray[Any]]) -> ColumnCodec:
    kinds = {codec.kind: codec for codec in COLUMN_CODECS}
    if not isinstance(header, dict) or want(header, "kind", str) not in kinds:
        raise ModelFileError(f"The file describes column {name!r} in a way that is not known.")
    return kinds[header["kind"]].from_state(name, header, arrays)


def _check_weights(weights: ArrayLike, n_rows: int) -> FloatArray:
    checked = np.asarray(weights, dtype=np.float64)
    if checked.shape != (n_rows,):
        raise InvalidTableError(f"sample_weight should have shape ({n_rows},), got {checked.shape}")
    if not np.isfinite(checked).all() or (checked < 0).any() or not 0 < checked.sum() < np.inf:
        raise InvalidTableError("sample_weight must be finite, not negative, and not all zero.")
    return checked
