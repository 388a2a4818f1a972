"""What is asked of columns, as what is known and what is restricted of the fields that a network draws."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug.exceptions import InvalidConditionError, InvalidTableError
from ganaug.tabular.codec import TableCodec
from ganaug.tabular.columns.base import ColumnCodec, IntArray
from ganaug.tabular.conditions import FREE, Ask, Asks
from ganaug.tabular.conditions import LEFT_OUT as NOT_NEEDED
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
    restrictions: list[Restriction] = []
    for name, ask in asks.items():
        own, span = codec.codec_of(name), codec.field_of(name)
        fields = slice(first_field + span.start, first_field + span.stop)
        codes[fields, ask.which == NOT_NEEDED] = LEFT_OUT
        rows = np.flatnonzero(ask.is_given)
        if len(rows) and ask.values is not None:
            values = ask.values if len(rows) == len(ask.which) else ask.values.iloc[rows]
            _write(codes[fields], rows, _encode(own, values, strict, extrapolate).T, name, strict)
        which = np.maximum(ask.which, -1)
        for place, wanted in enumerate(ask.wanted):
            if not _restricts(own, wanted, strict):
                which[which == place] = -1
        if (which >= 0).any() and own.fields:
            restrictions.append(Restriction(own, fields.start, ask.wanted, which))
    for place, entry in enumerate(restrictions):
        _spare_twins(codes, entry, restrictions[:place], strict)
    return [entry for entry in restrictions if (entry.which >= 0).any()]  # none left would free all its rows


def _write(known: Codes, rows: NDArray[np.intp], codes: IntArray, name: Hashable, strict: bool) -> None:
    """Write codes of some rows; a twin column, which has the same fields, may have written there before."""
    before = known[:, rows]
    if strict and ((before >= 0) & (before != codes)).any():
        raise InvalidConditionError(f"Conditions on columns that go together contradict each other: {name!r}")
    known[:, rows] = np.where((codes < 0) & (before >= 0), before, codes)


def _spare_twins(codes: Codes, entry: Restriction, others: Sequence[Restriction], strict: bool) -> None:
    """Take from a restriction the rows in which a twin column already says, or asks, as much or more."""
    first = codes[entry.first_field]
    for place, wanted in enumerate(entry.wanted):
        rows = np.flatnonzero((entry.which == place) & (first >= 0))
        if strict and len(rows) and not entry.codec.shares(wanted)[first[rows]].all():
            raise InvalidConditionError(
                f"Conditions on columns that go together contradict each other: {wanted}"
            )
        entry.which[rows] = -1
    for other in others:
        if other.first_field != entry.first_field:
            continue
        rows = np.flatnonzero((entry.which >= 0) & (other.which >= 0))
        mine, its = (_says_little(each)[each.which[rows]] for each in (entry, other))
        if strict and not (mine | its).all():
            raise InvalidConditionError(
                "Two columns that go together were both restricted in the same rows; ask one of them. Got "
                f"{entry.wanted[0]} and {other.wanted[0]}"
            )
        entry.which[rows[mine]] = -1
        other.which[rows[~mine]] = -1


def _says_little(entry: Restriction) -> NDArray[np.bool_]:
    """Which of the things that are asked only rule out a missing cell."""
    return np.array([wanted == Wanted() for wanted in entry.wanted])


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
    stays, present = _asked_cells(asks, codec, len(codes)) or (None, None)
    codes = codec.settle_codes(codes, rng, stays, present).astype(np.int32, copy=False)
    related = codec.related
    for name, own, span in zip(codec.columns, codec.codecs, codec.slices, strict=True):
        part, ask = codes[:, span], asks.get(name)
        known = np.maximum(part, 0)  # what was left out is decoded as anything
        if ask is None:
            columns[name] = own.decode(known, rng)
        else:
            good = Ask(np.where((part < 0).any(axis=1), NOT_NEEDED, ask.which), ask.wanted, ask.values)
            column = _decode_within(known, good, own, rng)
            columns[name] = good.put(column) if writes else column
            if not writes and name in related:
                columns[name] = _try_to_put(good, column)
    return dict(zip(columns, codec.settle(list(columns.values()), stays), strict=True))


def _try_to_put(ask: Ask, column: Any) -> Any:
    """Given cells, which others are to agree with, where the column's dtype can hold them."""
    try:
        return ask.put(column)
    except (TypeError, ValueError, OverflowError):
        return column


def _asked_cells(
    asks: Asks, codec: TableCodec, n_rows: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    """Of which cells something is asked, so that no other column may change them; and which must be there."""
    if not asks:
        return None
    free = np.full(n_rows, FREE)
    each = [asks.get(name, Ask(free)) for name in codec.columns]
    open_ones = [[at for at, wanted in enumerate(ask.wanted) if wanted == Wanted()] for ask in each]
    present = [np.isin(ask.which, own) for ask, own in zip(each, open_ones, strict=True)]
    asked = [~np.isin(ask.which, [FREE, NOT_NEEDED]) for ask in each]
    return np.stack(asked, axis=1) & ~np.stack(present, axis=1), np.stack(present, axis=1)


def _decode_within(codes: Codes, ask: Ask, own: ColumnCodec, rng: np.random.Generator) -> Any:
    if len(ask.wanted) == 1 and (ask.which == 0).all():
        return own.decode_within(codes, ask.wanted[0], rng)
    column = own.decode(codes, rng)
    for place, wanted in enumerate(ask.wanted):
        rows = np.flatnonzero(ask.which == place)
        if len(rows):
            column[rows] = own.decode_within(codes[rows], wanted, rng)
    return column
