"""Which codec a column gets: the caller's choice, else the first one that takes it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
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
FROM_DTYPE = "from_dtype"
_WAYS = {"mask": (bool, np.bool_), "names": (str,), "positions": (int, np.integer)}  # a bool is an int, too


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


def declared_categories(features: Any, labels: pd.Index[Any]) -> dict[Hashable, str]:
    """What ``categorical_features=`` says of the columns, as kinds by name.

    Parameters
    ----------
    features : "from_dtype", or array of names, of positions, or of a bool for each column
        As scikit-learn's ``HistGradientBoostingClassifier`` has it.
    labels : Index
        Names of the columns.

    Raises
    ------
    ValueError
        If it names a column that isn't there.

    Examples
    --------
    >>> declared_categories([0, 2], pd.Index(["zip", "income", "grade"]))
    {'zip': 'category', 'grade': 'category'}
    """
    if isinstance(features, str) and features == FROM_DTYPE:
        return {}
    given = np.asarray(features, dtype=object) if not isinstance(features, str) else np.empty(())
    ways = {next((way for way in _WAYS if isinstance(entry, _WAYS[way])), "none") for entry in given.flat}
    if given.ndim != 1 or len(ways) > 1 or "none" in ways:
        raise ValueError(
            f"categorical_features must be {FROM_DTYPE!r}, or a list of names, of positions, or of a "
            f"bool for each of the {len(labels)} columns, got {features!r:.200}"
        )
    if ways == {"mask"}:
        if len(given) != len(labels):
            raise ValueError(
                f"categorical_features needs a bool for each of the {len(labels)} columns, got {len(given)}"
            )
        return dict.fromkeys(labels[given.astype(bool)], "category")
    chosen = [entry if isinstance(entry, str) else _label_at(entry, labels) for entry in given]
    for name in chosen:
        if name not in labels:
            raise ValueError(f"categorical_features names a column that the table hasn't: {name!r}")
    return dict.fromkeys(chosen, "category")


def _label_at(position: int, labels: pd.Index[Any]) -> Hashable:
    if not 0 <= position < len(labels):
        raise ValueError(
            f"categorical_features must be positions from 0 to {len(labels) - 1}, got {int(position)}"
        )
    return labels[position]  # type: ignore[no-any-return]


def _is_decimal(values: pd.Series[Any]) -> bool:
    """Whether cells are decimals, or text that is nothing but a number, which are modelled as steps."""
    return kind_of(dtype_of(values)) == "decimal" or learn_number_format(values) is not None
