"""What is asked of columns, as what is known and what is restricted of the fields that a network draws."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug.exceptions import InvalidConditionError, InvalidTableError
from ganaug.tabular.codec import TableCodec
from ganaug.tabular.columns.base import ColumnCodec, IntArray
from ganaug.tabular.conditions import LEFT_OUT as NOT_NEEDED
from ganaug.tabular.conditions import Ask, Asks
from ganaug.tabular.restricted import LEFT_OUT, Restriction
from ganaug.tabular.wanted import Wanted

Codes = NDArray[np.int32]


def write_known(
    codes: Codes,
    asks: Asks,
    codec: TableCodec,
    *,
    first_field: int = 0,
    strict: bool = True,
    extrapolate: bool = False,
) -> list[Restriction]:
    """Write the codes of given cells, and say what is left of the other columns of which something is asked.

    Parameters
    ----------
    codes : array of shape (n_fields, n_rows), int32
        Is written to.
    asks : dict of column to Ask
    codec : TableCodec
    first_field : int, default=0
        Where the codec's fields begin among the codes.
    strict : bool, default=True
        Whether a given value that the column can't draw is an error; else it is left out, as if unknown.
    extrapolate : bool, default=False
        Whether numbers beyond a column's range may be given.

    Returns
    -------
    list of Restriction

    Raises
    ------
    InvalidConditionError
        What no cell of the column satisfies, by name.
    """
    restrictions = []
    for name, ask in asks.items():
        own, span = codec.codec_of(name), codec.field_of(name)
        fields = slice(first_field + span.start, first_field + span.stop)
        codes[fields, ask.which == NOT_NEEDED] = LEFT_OUT
        rows = np.flatnonzero(ask.is_given)
        if len(rows) and ask.values is not None:
            values = ask.values if len(rows) == len(ask.which) else ask.values.iloc[rows]
            codes[fields, rows] = _encode(own, values, strict, extrapolate).T
        which = np.maximum(ask.which, -1)
        for place, wanted in enumerate(ask.wanted):
            if not _restricts(own, wanted, strict):
                which[which == place] = -1
        if (which >= 0).any():
            restrictions.append(Restriction(own, fields.start, ask.wanted, which))
    return restrictions


def _restricts(own: ColumnCodec, wanted: Wanted, strict: bool) -> bool:
    """Whether a condition leaves out anything; raises now, before any work, when it leaves out everything."""
    try:
        shares = own.shares(wanted)
    except InvalidConditionError:
        if strict:
            raise
        return False  # a column without a single value can only be missing
    return wanted != Wanted() or not (shares == 1).all()


def _encode(own: ColumnCodec, values: pd.Series[Any], strict: bool, extrapolate: bool) -> IntArray:
    if not strict:
        codes = own.encode(values, unseen="nearest")
        return np.where((codes < 0).any(axis=1, keepdims=True), LEFT_OUT, codes)
    try:
        return own.encode_asked(values, extrapolate)
    except InvalidConditionError:
        raise
    except InvalidTableError as error:
        raise InvalidConditionError(f"The condition can't be met. {error}") from error


def decode_asked(
    codes: Codes, asks: Asks, codec: TableCodec, rng: np.random.Generator, *, writes: bool = True
) -> dict[Hashable, Any]:
    """Columns that satisfy what was asked of them: codes (n_rows, n_fields) to one array for each name.

    With ``writes``, given cells are those that were given; without, what their codes stand for.
    """
    columns: dict[Hashable, Any] = {}
    for name, own, span in zip(codec.columns, codec.codecs, codec.slices, strict=True):
        part, ask = codes[:, span], asks.get(name)
        known = np.maximum(part, 0)  # what was left out is decoded as anything
        if ask is None:
            columns[name] = own.decode(known, rng)
        else:
            good = Ask(np.where((part < 0).any(axis=1), NOT_NEEDED, ask.which), ask.wanted, ask.values)
            column = _decode_within(known, good, own, rng)
            columns[name] = good.put(column) if writes else column
    return columns


def _decode_within(codes: Codes, ask: Ask, own: ColumnCodec, rng: np.random.Generator) -> Any:
    if len(ask.wanted) == 1 and (ask.which == 0).all():
        return own.decode_within(codes, ask.wanted[0], rng)
    column = own.decode(codes, rng)
    for place, wanted in enumerate(ask.wanted):
        rows = np.flatnonzero(ask.which == place)
        if len(rows):
            column[rows] = own.decode_within(codes[rows], wanted, rng)
    return column
