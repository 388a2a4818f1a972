"""Missing cells and cells with values never seen: one rule for every kind of column."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug._util.cells import missing_kind_of
from ganaug._util.dtypes import can_be_missing
from ganaug.exceptions import InvalidTableError, ModelFileError
from ganaug.tabular.columns.base import Unseen

KINDS = ("None", "nan", "NA", "NaT")


def learn_missing(values: pd.Series[Any], missing: NDArray[np.bool_]) -> str | None:
    """What to put back into gaps; None when the column has no gap, so that none can come out."""
    return missing_kind_of(values) if missing.any() else None


def check_missing(kind: Any, dtype: Any) -> str | None:
    """Kind of missing value from a file; a `ModelFileError` when the column's dtype has no room for it."""
    if kind is None:
        return None
    if kind not in KINDS or not can_be_missing(dtype):
        raise ModelFileError(f"A column of dtype {dtype} can't have missing values of kind {kind!r:.80}")
    return str(kind)


def refuse_missing(missing: NDArray[np.bool_], name: Hashable, unseen: Unseen) -> None:
    """Raise for gaps in a column that had none when it was learned, if that is what the caller wants."""
    if unseen in ("raise", "group") and missing.any():
        raise InvalidTableError(
            f"Column {name!r} had no missing values in fit; fill or drop the first gap, "
            f"in row {int(np.argmax(missing))}"
        )
