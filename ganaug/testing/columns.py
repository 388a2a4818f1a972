"""The contract of a column codec as code: for ganaug's own, and for yours.

A column codec (`ganaug.tabular.columns.base.ColumnCodec`) is one class; `check_column_codec` calls all that
it must have, on a column of your own data, and says what is wrong.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Hashable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug.exceptions import ContractError, ModelFileError
from ganaug.tabular.columns.base import Arrays, CategoryField, ColumnCodec, NumberField
from ganaug.tabular.wanted import Wanted

__all__ = ["check_column_codec"]

_STORABLE = "biuf"  # kinds of arrays that a model file holds
_N_RANDOM = 200
_N_ASKED = 5


def check_column_codec(codec: Any, values: pd.Series[Any], name: Hashable = "column") -> None:
    """Check that a column codec keeps its contract on a column.

    Parameters
    ----------
    codec : class or object
        What ``columns=`` would be given: its ``fit(values, name)`` is called.
    values : Series of shape (n_rows,)
        A column that the codec takes, missing cells among them where it takes those.
    name : hashable, default="column"
        The column's label.

    Raises
    ------
    ContractError
        The first thing that is wrong, in words; also an AssertionError.

    Examples
    --------
    >>> from ganaug.tabular.columns import NumberCodec
    >>> check_column_codec(NumberCodec, pd.Series(np.arange(1_000) ** 0.5))
    """
    values = values.reset_index(drop=True)
    fitted = codec.fit(values, name)
    _check_fields(fitted)
    codes = _check_encode(fitted, values)
    _check_decode(fitted, values, codes)
    _check_random_codes(fitted)
    _check_asked(fitted, values)
    _check_state(fitted, name, values, codes)
    _demand(
        json.dumps(fitted.to_state()[0]) == json.dumps(codec.fit(values, name).to_state()[0]),
        "fit gives another result when it is called again",
    )
    _check_broken_states(fitted, name)


def _demand(holds: Any, what: str) -> None:
    if not holds:
        raise ContractError(f"The column codec breaks its contract: {what}")


def _check_fields(codec: ColumnCodec) -> None:
    _demand(isinstance(codec.kind, str) and codec.kind, "kind must be a text that names the class")
    _demand(isinstance(codec.fields, tuple), f"fields must be a tuple, got {codec.fields!r:.80}")
    for field in codec.fields:
        _demand(isinstance(field, CategoryField | NumberField), f"{field!r:.80} is no field")
        counts = np.asarray(field.counts)
        n_counts = field.n_codes if isinstance(field, CategoryField) else field.n_points + 1
        _demand(counts.shape == (n_counts,), f"a field has {n_counts} counts to give, got {counts.shape}")
        _demand(np.isfinite(counts).all() and (counts >= 0).all(), "counts must be finite and not negative")
        if isinstance(field, NumberField):
            edges = np.append(field.lower, field.upper[-1])
            rising = (np.diff(np.clip(edges, -40, 40).astype(np.float32)) > 0).all()
            _demand(rising, "the edges of a number's cells must increase, also in float32")
            _demand(np.isinf(edges[[0, -1]]).all(), "the outermost cells must be open")
            _demand(np.isfinite(field.centre).all(), "the centres of cells must be finite")


def _check_encode(codec: ColumnCodec, values: pd.Series[Any]) -> NDArray[Any]:
    codes = np.asarray(codec.encode(values))
    shape = (len(values), len(codec.fields))
    _demand(codes.shape == shape, f"encode must give codes of shape {shape}, got {codes.shape}")
    _demand(codes.dtype.kind in "iu", f"codes must be integers, got {codes.dtype}")
    for at, field in enumerate(codec.fields):
        own = codes[:, at]
        _demand(
            ((own >= 0) & (own < field.n_codes)).all(), f"field {at} has codes beyond its {field.n_codes}"
        )
    backwards = codec.encode(values.iloc[::-1].reset_index(drop=True))
    _demand(np.array_equal(backwards[::-1], codes), "codes of a cell depend on the rows around it")
    for unseen in ("mark", "nearest"):
        _demand(
            np.array_equal(codec.encode(values, unseen=unseen), codes),
            f"unseen={unseen!r} changes known cells",
        )
    _demand(codec.encode(values.iloc[:0]).shape == (0, shape[1]), "encode must take a column without rows")
    return codes


def _check_decode(codec: ColumnCodec, values: pd.Series[Any], codes: NDArray[Any]) -> None:
    back = _decoded(codec, codes)
    _demand(len(back) == len(values), f"decode must give {len(values)} cells, got {len(back)}")
    _demand(back.dtype == values.dtype, f"decode must give dtype {values.dtype}, got {back.dtype}")
    _demand(back.equals(_decoded(codec, codes)), "decode must give the same cells for the same generator")
    if codec.fields:
        _demand((back.isna() == values.isna()).all(), "missing cells must come back, and no others")
    again = np.asarray(codec.encode(back))
    if all(isinstance(field, CategoryField) for field in codec.fields):
        _demand(np.array_equal(again, codes), "encode must invert decode where all fields are categories")


def _check_random_codes(codec: ColumnCodec) -> None:
    """Any codes within the fields' widths are cells that the codec itself takes."""
    back = _decoded(codec, _random_codes(codec))
    _demand(len(back) == _N_RANDOM, "decode must take any codes within the fields' widths")
    codec.encode(back)


def _check_asked(codec: ColumnCodec, values: pd.Series[Any]) -> None:
    rng = np.random.default_rng(0)
    present = values[values.notna()]
    some = present.iloc[rng.permutation(len(present))[:_N_ASKED]].reset_index(drop=True)
    _demand(
        np.array_equal(codec.encode_asked(some, False), codec.encode(some)),
        "encode_asked must give the codes of cells that the column had",
    )
    for value in some.tolist():
        drawn = _drawn_within(codec, Wanted(values=(value,)), rng)
        _demand((drawn == value).all(), f"decode_within must give the value asked for, {value!r}")
    if len(present):
        _demand(_drawn_within(codec, Wanted(), rng).notna().all(), "a missing cell where none was wanted")
    if values.isna().any():
        missing = _drawn_within(codec, Wanted(values=(), missing=True), rng)
        _demand(missing.isna().all(), "a value where a missing cell was wanted")


def _drawn_within(codec: ColumnCodec, wanted: Wanted, rng: np.random.Generator) -> pd.Series[Any]:
    """Cells from codes that are drawn field after field by their shares."""
    rows = []
    for _ in range(20 if codec.fields else 1):
        row: tuple[int, ...] = ()
        for field in codec.fields:
            share = np.asarray(codec.shares(wanted, row))
            _demand(
                share.shape == (field.n_codes,),
                f"shares must have shape ({field.n_codes},), got {share.shape}",
            )
            _demand(
                ((share >= 0) & (share <= 1)).all() and share.any(), "shares must be in [0, 1], and not all 0"
            )
            row = (*row, int(rng.choice(len(share), p=share / share.sum())))
        rows.append(row)
    codes = np.array(rows, dtype=np.int32).reshape(len(rows), len(codec.fields))
    return pd.Series(codec.decode_within(codes, wanted, rng))


def _check_state(codec: ColumnCodec, name: Hashable, values: pd.Series[Any], codes: NDArray[Any]) -> None:
    header, arrays = codec.to_state()
    for key, array in arrays.items():
        good = isinstance(array, np.ndarray) and array.dtype.kind in _STORABLE
        _demand(good, f"a file can't hold the array {key!r}; arrays are of numbers or bools")
    loaded = type(codec).from_state(name, json.loads(json.dumps(header)), dict(arrays))
    widths = [[field.n_codes for field in each.fields] for each in (codec, loaded)]
    _demand(widths[0] == widths[1], "from_state gives other fields than to_state had")
    _demand(np.array_equal(loaded.encode(values), codes), "from_state gives a codec of other codes")
    _demand(_decoded(loaded, codes).equals(_decoded(codec, codes)), "from_state gives a codec of other cells")


def _check_broken_states(codec: ColumnCodec, name: Hashable) -> None:
    """A state that is damaged is refused, or harmless: it never breaks a later call in another way."""
    for what, header, arrays in _broken_states(codec):
        try:
            loaded = type(codec).from_state(name, header, arrays)
            _decoded(loaded, _random_codes(loaded))
        except ModelFileError:
            continue
        except Exception as error:
            raise ContractError(
                f"The column codec breaks its contract: a file with {what} must be a ModelFileError, or do "
                f"no harm; it is a {type(error).__name__}: {error}"
            ) from error


def _broken_states(codec: ColumnCodec) -> Iterator[tuple[str, dict[str, Any], Arrays]]:
    header, arrays = codec.to_state()
    header = json.loads(json.dumps(header))
    for key in header:
        yield f"no {key!r}", {k: copy.deepcopy(v) for k, v in header.items() if k != key}, dict(arrays)
        for value in (None, "x", -1, 10**30, 0.5, [], [None], {}, {"x": 1}):
            yield f"{key!r} of {value!r}", {**copy.deepcopy(header), key: value}, dict(arrays)
    for key, array in arrays.items():
        yield f"no array {key!r}", copy.deepcopy(header), {k: v for k, v in arrays.items() if k != key}
        for what, other in _broken_arrays(array):
            yield f"array {key!r} {what}", copy.deepcopy(header), {**arrays, key: other}


def _broken_arrays(array: NDArray[Any]) -> Iterator[tuple[str, NDArray[Any]]]:
    yield "reversed", array[::-1].copy()
    yield "cut", array[:-1]
    yield "empty", array[:0]
    yield "in two dimensions", array[None]
    yield "of bools", np.ones(len(array), dtype=bool)
    yield "of NaN", np.full(len(array), np.nan)
    if array.dtype.kind in "if":
        yield "negative", -np.abs(array) - 1
    if array.dtype.kind in "iu":
        yield "of the largest numbers", np.full_like(array, np.iinfo(array.dtype).max)


def _random_codes(codec: ColumnCodec) -> NDArray[Any]:
    rng = np.random.default_rng(1)
    columns = [rng.integers(field.n_codes, size=_N_RANDOM) for field in codec.fields]
    return np.array(columns, dtype=np.int32).reshape(len(columns), _N_RANDOM).T


def _decoded(codec: ColumnCodec, codes: NDArray[Any]) -> pd.Series[Any]:
    return pd.Series(codec.decode(codes, np.random.default_rng(0)))
