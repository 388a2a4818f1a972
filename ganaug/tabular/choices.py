"""Which codec a column gets: the caller's choice, else the first one that takes it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ganaug._util.cells import dtype_of
from ganaug._util.dtypes import kind_of
from ganaug.exceptions import InvalidTableError, RejectColumn
from ganaug.tabular.columns import (
    CategoryCodec,
    ColumnCodec,
    DatetimeCodec,
    IdentifierCodec,
    NumberCodec,
    TextCodec,
)
from ganaug.tabular.columns.base import FloatArray
from ganaug.tabular.columns.textnumbers import learn_number_format

DROP = "drop"
KINDS = ("category", "number", "datetime", "identifier", "text", DROP)


@dataclass(frozen=True)
class Choices:
    """What the caller has to say of the columns.

    Parameters
    ----------
    columns : mapping of column name to kind or codec
        A kind is one of `KINDS`; a codec, an object whose ``fit(values, name, weights)`` gives a fitted
        `ColumnCodec`.
    min_level_count : int, default 1
        Levels of categories that fewer rows have are left out.
    finds_identifiers : bool, default True
        Whether a column may be an identifier that isn't chosen to be one; labels never are.
    """

    columns: Mapping[Hashable, Any] = field(default_factory=dict)
    min_level_count: int = 1
    finds_identifiers: bool = True

    def check(self, labels: pd.Index[Any]) -> None:
        """Raise an error that names the first column that isn't there, or whose kind is none."""
        for name, choice in self.columns.items():
            if name not in labels:
                known = ", ".join(map(repr, labels[:20]))
                raise InvalidTableError(
                    f"columns= names a column that the table hasn't; it has {known}: {name!r}"
                )
            is_codec = callable(getattr(choice, "fit", None)) and isinstance(
                getattr(choice, "kind", None), str
            )
            if not is_codec and not (isinstance(choice, str) and choice in KINDS):
                raise InvalidTableError(
                    f"columns= gives column {name!r} a kind that is none of {', '.join(map(repr, KINDS))}, "
                    f"and no column codec: {choice!r:.80}"
                )

    def kept(self, labels: pd.Index[Any]) -> list[int]:
        """Positions of the columns that aren't left out; an error where none is, or a choice is wrong."""
        self.check(labels)
        kept = [at for at, label in enumerate(labels) if self._of(label) is not DROP]
        if not kept:
            raise InvalidTableError("columns= drops all columns; leave one of them out of it.")
        return kept

    def fit(self, values: pd.Series[Any], name: Hashable, weights: FloatArray | None) -> ColumnCodec:
        """The codec of a column; `RejectColumn`, which names it, when none takes it."""
        choice = self._of(name)
        if choice is not None and not isinstance(choice, str):
            return choice.fit(values, name, weights)
        if choice == "category":
            return CategoryCodec.fit(values, name, weights, chosen=True, min_level_count=self.min_level_count)
        if choice == "text":
            return TextCodec.fit(values, name, weights)
        if choice == "datetime" or (choice == "number" and _is_decimal(values)):
            return DatetimeCodec.fit(values, name, weights, chosen=True)
        if choice is not None:
            kind = NumberCodec if choice == "number" else IdentifierCodec
            return kind.fit(values, name, weights, chosen=True)
        return self._found(values, name, weights)

    def _found(self, values: pd.Series[Any], name: Hashable, weights: FloatArray | None) -> ColumnCodec:
        kinds: Sequence[type[ColumnCodec]] = (DatetimeCodec, IdentifierCodec, NumberCodec)
        for kind in kinds:
            if kind is not IdentifierCodec or self.finds_identifiers:
                try:
                    return kind.fit(values, name, weights)
                except RejectColumn:
                    continue
        is_number = kind_of(values.dtype) == "number"  # its few values are no names that could be protected
        least = 1 if is_number else self.min_level_count
        return CategoryCodec.fit(values, name, weights, min_level_count=least)

    def _of(self, name: Hashable) -> Any:
        choice = self.columns.get(name)
        return DROP if isinstance(choice, str) and choice == DROP else choice


def _is_decimal(values: pd.Series[Any]) -> bool:
    """Whether cells are decimals, or text that is nothing but a number, which are modelled as steps."""
    return kind_of(dtype_of(values)) == "decimal" or learn_number_format(values) is not None
