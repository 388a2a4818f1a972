"""The parts of a date: whole numbers, each with a number or category codec of its own."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug.exceptions import ModelFileError, RejectColumn
from ganaug.tabular.columns.base import Arrays, FloatArray, want
from ganaug.tabular.columns.calendar import Ints
from ganaug.tabular.columns.categorical import CategoryCodec
from ganaug.tabular.columns.numeric import NumberCodec

Part: TypeAlias = CategoryCodec | NumberCodec

_CODECS: tuple[type[Part], ...] = (NumberCodec, CategoryCodec)


def fit_part(values: pd.Series[Any], name: Hashable, weights: FloatArray) -> Part:
    """A codec of whole numbers: a category where they are few."""
    try:
        return NumberCodec.fit(values, name, weights)
    except RejectColumn:
        return CategoryCodec.fit(values, name, weights)


def column_of(values: Ints, gaps: NDArray[np.bool_]) -> pd.Series[Any]:
    """Values of the rows without a gap as a column of all rows."""
    if not gaps.any():
        return pd.Series(values)
    whole = np.zeros(len(gaps), dtype=np.int64)
    whole[~gaps] = values
    return pd.Series(pd.arrays.IntegerArray(whole, gaps))


def gap_code(part: Part) -> int:
    """The code of missing."""
    return len(part.levels) if isinstance(part, CategoryCodec) else len(part.points)


def load_part(entry: Any, name: Hashable, arrays: Arrays, place: int) -> Part | int:
    """A part from a file; anything malformed is a `ModelFileError`."""
    if type(entry) is int and abs(entry) < 2**62:
        return entry
    kinds = {codec.kind: codec for codec in _CODECS}
    if not isinstance(entry, dict) or want(entry, "kind", str) not in kinds:
        raise ModelFileError(f"The parts of column {name!r} are broken.")
    own = {k.removeprefix(f"{place}."): array for k, array in arrays.items() if k.startswith(f"{place}.")}
    part = kinds[entry["kind"]].from_state(name, entry, own)
    integers = pd.api.types.is_integer_dtype(part.dtype)
    if not integers or len(part.fields) != 1 or (isinstance(part, CategoryCodec) and not part.levels):
        raise ModelFileError(f"The parts of column {name!r} are broken.")
    return part
