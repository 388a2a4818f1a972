"""Filling the gaps of rows: what is missing is drawn given what is there, and nothing else changes."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from ganaug._util.cells import read_numbers
from ganaug._util.frames import assemble
from ganaug._util.random import numpy_generator, torch_generator
from ganaug.exceptions import InvalidTableError
from ganaug.tabular.columns.base import infinity_in
from ganaug.tabular.conditions import GIVEN, LEFT_OUT, Ask, Asks
from ganaug.tabular.drawer import Drawer, Plan, Request
from ganaug.tabular.restricted import draw_restricted
from ganaug.tabular.rollout import fill_in
from ganaug.tabular.wanted import Wanted

_BLOCK = 65_536  # rows in one go
_ATTEMPTS = 20
_PRESENT = Wanted()


def complete(
    drawer: Drawer, frame: pd.DataFrame, labels: pd.Series[Any] | None, root: np.random.SeedSequence
) -> tuple[pd.DataFrame, pd.Series[Any] | None]:
    """Fill the gaps of a table, and of its labels.

    Parameters
    ----------
    drawer : Drawer
    frame : DataFrame of shape (n_rows, n_columns)
        Under the names of the columns of fit. Gaps that were missing values in fit are gaps here.
    labels : Series of shape (n_rows,), optional
        None leaves them out: they tell nothing.
    root : SeedSequence

    Returns
    -------
    frame, labels
        New ones, whose other cells are the same.
    """
    gaps = frame.isna().to_numpy(dtype=bool)
    open_labels = np.zeros(len(frame), dtype=bool) if labels is None else labels.isna().to_numpy(dtype=bool)
    rows = np.flatnonzero(gaps.any(axis=1) | open_labels)
    filled, more, key = frame, labels, int(root.generate_state(1)[0])
    for attempt in range(_ATTEMPTS):
        if not len(rows):
            break
        own = np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, attempt))
        table, drawn = _draw_rows(drawer, frame, labels, rows, own)
        # no two of the identifiers that are new are alike, whenever they are drawn
        none: dict[Hashable, NDArray[np.bool_]] = dict.fromkeys(
            frame.columns, np.zeros(len(rows), dtype=bool)
        )
        table = drawer.modality.codec.renumber(table, none, attempt * len(frame), key)
        filled = _fill(filled, gaps, table, rows)
        if labels is not None and more is not None:
            chosen = open_labels[rows]
            mask = np.zeros(len(frame), dtype=bool)
            mask[rows[chosen]] = True
            more = pd.Series(fill_column(more, mask, drawn[chosen]), name=labels.name)
        # where a constraint can't be passed on to what is drawn, another draw may satisfy it
        broken = drawer.modality.chain.broken_by(filled)[rows]
        if drawer.modality.codec.relations.bounds:
            given: dict[Hashable, NDArray[np.bool_]]
            given = {name: ~gaps[rows, place] for place, name in enumerate(frame.columns)}
            broken |= drawer.breaks_bounds(filled.iloc[rows].reset_index(drop=True), given) > 0
        rows = rows[broken]
    return filled, more


def _draw_rows(
    drawer: Drawer,
    frame: pd.DataFrame,
    labels: pd.Series[Any] | None,
    rows: NDArray[np.intp],
    root: np.random.SeedSequence,
) -> tuple[pd.DataFrame, pd.Series[Any]]:
    """Rows that have what the given ones have, block after block."""
    parts, more = [], []
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        own = np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, start))
        request = _request(frame.iloc[block], None if labels is None else labels.iloc[block])
        table, drawn = _draw(drawer, request, own)
        parts.append(table)
        more.append(pd.Series(drawn))
    return pd.concat(parts, ignore_index=True), pd.concat(more, ignore_index=True)


def _fill(
    frame: pd.DataFrame, gaps: NDArray[np.bool_], table: pd.DataFrame, rows: NDArray[np.intp]
) -> pd.DataFrame:
    """A table with the gaps of some rows filled from a table of those rows."""
    columns = []
    for place in range(frame.shape[1]):
        chosen = gaps[rows, place]
        mask = np.zeros(len(frame), dtype=bool)
        mask[rows[chosen]] = True
        columns.append(fill_column(frame.iloc[:, place], mask, table.iloc[:, place][chosen]))
    return assemble(columns, frame.columns)


def _request(frame: pd.DataFrame, labels: pd.Series[Any] | None) -> Request:
    """What is there is given; what isn't is asked to be present."""
    asks: Asks = {frame.columns[place]: _ask(frame.iloc[:, place]) for place in range(frame.shape[1])}
    label = Ask(np.full(len(frame), LEFT_OUT)) if labels is None else _ask(labels)
    return Request(len(frame), asks, label)


def _ask(values: pd.Series[Any]) -> Ask:
    missing = values.isna().to_numpy(dtype=bool)
    return Ask(np.where(missing, 0, GIVEN), (_PRESENT,), values.reset_index(drop=True))


def _draw(drawer: Drawer, request: Request, root: np.random.SeedSequence) -> tuple[pd.DataFrame, Any]:
    generator = torch_generator(root, 0, device=drawer.device)
    plan = drawer.plan(request, strict=False)
    codes = torch.from_numpy(plan.codes).to(drawer.device)
    first, later = _split(plan)
    draw_restricted(drawer.network, codes, first, generator)
    fill_in(drawer.network, codes, generator, later)
    return drawer.decode(plan, codes.cpu().numpy(), numpy_generator(root, 1))


def _split(plan: Plan) -> tuple[list[Any], list[Any]]:
    """What a constraint leaves of a column comes first; that a gap is to be filled says nothing of others."""
    later = [entry for entry in plan.within if set(entry.wanted) <= {_PRESENT}]
    return [entry for entry in plan.within if entry not in later], later


def fill_column(column: pd.Series[Any], gaps: NDArray[np.bool_], cells: pd.Series[Any]) -> Any:
    """A column with its gaps filled, in its own dtype where that holds the cells; nothing else changes.

    Parameters
    ----------
    column : Series of shape (n_rows,)
    gaps : array of shape (n_rows,), bool
    cells : Series of shape (n_gaps,)

    Returns
    -------
    array of shape (n_rows,)
        In the cells' dtype where the column has nothing but gaps and its own can't hold them; else object.

    Examples
    --------
    >>> column = pd.Series([1.0, np.nan])
    >>> pd.Series(fill_column(column, np.array([False, True]), pd.Series([7]))).tolist()
    [1.0, 7.0]
    """
    if not gaps.any() or cells.isna().all():
        return column.array
    dtype: Any = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        new = [level for level in cells.dropna().unique() if level not in dtype.categories]
        column = column.cat.add_categories(new)
        dtype = column.dtype
    try:
        fitting = cells.astype(dtype)
        lost = not (fitting.isna().to_numpy() == cells.isna().to_numpy()).all()
    except (TypeError, ValueError, OverflowError):
        lost = True
    if lost and gaps.all():
        return cells.array
    if lost:
        column, fitting = column.astype(object), cells.astype(object)
    filled = column.array.copy()
    filled[gaps] = fitting.array
    return filled


def refuse_infinity(frame: pd.DataFrame) -> None:
    """Raise for infinite cells: they are neither missing nor a number."""
    for place, name in enumerate(frame.columns):
        numbers = read_numbers(frame.iloc[:, place])
        if numbers is not None and np.isinf(numbers[0][~numbers[1]].astype(np.float64)).any():
            raise InvalidTableError(infinity_in(name))


def draws(
    drawer: Drawer,
    frame: pd.DataFrame,
    labels: pd.Series[Any] | None,
    n_draws: int,
    root: np.random.SeedSequence,
) -> Iterator[tuple[pd.DataFrame, pd.Series[Any] | None]]:
    """`complete` several times, each draw independent of the others; many at once where rows are few."""
    at_once = max(1, min(n_draws, _BLOCK // max(len(frame), 1)))
    if drawer.modality.chain.is_unique:
        at_once = 1  # rows of one draw must differ, not those of different draws
    for first in range(0, n_draws, at_once):
        own = np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, first))
        n_alike = min(at_once, n_draws - first)
        rows = np.tile(np.arange(len(frame)), n_alike)
        repeated = None if labels is None else labels.iloc[rows].reset_index(drop=True)
        table, more = complete(drawer, frame.iloc[rows].reset_index(drop=True), repeated, own)
        for start in range(0, len(rows), len(frame)):
            part = slice(start, start + len(frame))
            one = table.iloc[part].reset_index(drop=True)
            yield one, None if more is None else more.iloc[part].reset_index(drop=True)
