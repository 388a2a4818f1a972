"""Kinds of columns; dtypes and column labels as JSON, and back."""

from __future__ import annotations

import operator
import re
from typing import Any

import numpy as np
import pandas as pd

from ganaug.exceptions import InvalidTableError, ModelFileError

Scalar = bool | int | float | str

_MASKED = {f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)} | {"Float32", "Float64"}
_ARROW_NUMBERS = {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)} | {"float", "double"}
_ARROW_STRINGS = {"string", "large_string"}
_NUMPY_DTYPE = re.compile("[<>|=]?([biuf][0-9]{1,2}|O|U[0-9]{1,8})")
MISSING: dict[str, Any] = {"None": None, "nan": float("nan"), "NA": pd.NA, "NaT": pd.NaT}


def kind_of(dtype: Any) -> str:
    """One of "number", "bool", "string", "object", "category" and, for all others, "other"."""
    if isinstance(dtype, np.dtype):
        if dtype.kind == "f" and dtype.itemsize > 8:
            return "other"
        kinds = {"i": "number", "u": "number", "f": "number", "b": "bool", "O": "object"}
        return kinds.get(dtype.kind, "other")
    if isinstance(dtype, pd.CategoricalDtype):
        return "category"
    if isinstance(dtype, pd.StringDtype):
        return "string"
    if isinstance(dtype, pd.ArrowDtype):
        name = str(dtype.pyarrow_dtype)
        families = {"number": _ARROW_NUMBERS, "string": _ARROW_STRINGS, "bool": {"bool"}}
        return next((kind for kind, names in families.items() if name in names), "other")
    if dtype.name in _MASKED:
        return "number"
    return "bool" if dtype.name == "boolean" else "other"


def can_be_missing(dtype: Any) -> bool:
    """Whether a column of this dtype has room for a missing value."""
    return not isinstance(dtype, np.dtype) or dtype.kind in "fO"


def index_to_state(labels: pd.Index[Any]) -> dict[str, Any]:
    """JSON-able description of column labels (text, numbers and bools)."""
    if isinstance(labels, pd.RangeIndex):
        return {"range": [labels.start, labels.stop, labels.step], "name": labels.name}
    values = labels.tolist()
    for label in (*values, labels.name):
        if not isinstance(label, Scalar | None) or label != label or (label is None and values.count(None)):
            raise InvalidTableError(f"Only names that are text or numbers can be saved; rename {label!r}")
    return {"labels": values, "dtype": dtype_to_state(labels.dtype), "name": labels.name}


def index_from_state(state: Any) -> pd.Index[Any]:
    """Inverse of `index_to_state`; anything malformed is a `ModelFileError`."""
    broken = ModelFileError("The column names in the file are broken.")
    if not isinstance(state, dict) or not isinstance(state.get("name"), Scalar | None):
        raise broken
    try:
        if "range" in state:
            start, stop, step = map(operator.index, state["range"])
            if len(range(start, stop, step)) < 2**31:
                return pd.RangeIndex(start, stop, step, name=state["name"])
        values = state["labels"]
        if not isinstance(values, list) or not all(isinstance(value, Scalar) for value in values):
            raise broken
        labels: pd.Index[Any] = pd.Index(values, dtype=dtype_from_state(state["dtype"]), name=state["name"])
    except (KeyError, TypeError, ValueError, OverflowError, NotImplementedError) as error:
        raise broken from error
    if not labels.is_unique or labels.hasnans:
        raise broken
    return labels


def dtype_to_state(dtype: Any) -> dict[str, Any]:
    """JSON-able description of a dtype that `kind_of` knows."""
    if isinstance(dtype, np.dtype):
        return {"numpy": dtype.str}
    if isinstance(dtype, pd.CategoricalDtype):
        categories = pd.Index(dtype.categories.tolist(), dtype=dtype.categories.dtype)  # a range written out
        return {"categories": index_to_state(categories), "ordered": bool(dtype.ordered)}
    if isinstance(dtype, pd.StringDtype):
        return {"string": dtype.storage, "na": "NA" if dtype.na_value is pd.NA else "nan"}
    if isinstance(dtype, pd.ArrowDtype):
        return {"arrow": str(dtype.pyarrow_dtype)}
    return {"pandas": str(dtype.name)}


def dtype_from_state(state: Any) -> Any:
    """Inverse of `dtype_to_state`; anything malformed is a `ModelFileError`."""
    broken = ModelFileError(f"Unknown dtype in the file: {state!r:.80}")
    if not isinstance(state, dict):
        raise broken
    if "numpy" in state:
        return numpy_dtype_from(state["numpy"], kinds="biufO")
    if "categories" in state and isinstance(state.get("ordered"), bool):
        categories = index_from_state(state["categories"])
        if kind_of(categories.dtype) != "category" and not isinstance(categories, pd.RangeIndex):
            return pd.CategoricalDtype(categories, state["ordered"])
    if state.get("string") in ("python", "pyarrow") and state.get("na") in ("NA", "nan"):
        if state["na"] == "NA":
            return pd.StringDtype(state["string"])
        return pd.StringDtype(state["string"], na_value=np.nan)  # type: ignore[call-arg]
    if state.get("arrow") in (*_ARROW_NUMBERS, *_ARROW_STRINGS, "bool"):
        import pyarrow as pa  # only a table that came from it needs it

        return pd.ArrowDtype(pa.type_for_alias(state["arrow"]))
    if state.get("pandas") in (*_MASKED, "boolean"):
        return pd.api.types.pandas_dtype(state["pandas"])
    raise broken


def numpy_dtype_from(text: Any, kinds: str) -> np.dtype[Any]:
    """Plain numpy dtype from a file, its kind among ``kinds``; anything else is a `ModelFileError`."""
    try:
        dtype = np.dtype(text) if isinstance(text, str) and _NUMPY_DTYPE.fullmatch(text) else None
    except TypeError:
        dtype = None
    if dtype is None or dtype.kind not in kinds or dtype.shape:
        raise ModelFileError(f"Unknown dtype in the file: {text!r:.80}")
    return dtype
