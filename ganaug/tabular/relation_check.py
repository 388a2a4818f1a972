"""Which cells of a table keep to what other columns determine, and which break it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganaug._util.cells import read_numbers
from ganaug.tabular.bounds import broken_by_each
from ganaug.tabular.codec import TableCodec
from ganaug.tabular.columns import ColumnCodec, Field
from ganaug.tabular.lookups import Flat, Lookup
from ganaug.tabular.products import Product
from ganaug.tabular.relations import Relations, Twin, flat_codes
from ganaug.tabular.sums import Sum

Verdicts: TypeAlias = NDArray[np.int8]

HOLDS, OPEN, BROKEN = 1, 0, -1


def check_relations(table: pd.DataFrame, relations: Relations, codecs: Sequence[ColumnCodec]) -> Verdicts:
    """Say of each cell whether it is what other columns determine.

    Parameters
    ----------
    table : DataFrame of shape (n_rows, n_columns)
    relations : Relations
    codecs : sequence of ColumnCodec
        One for each column.

    Returns
    -------
    int8 array of shape (n_rows, n_columns)
        `HOLDS`, `BROKEN`, or `OPEN` where nothing determines the cell: in any other column, and where what
        would determine it was never seen or is missing.
    """
    found = np.full(table.shape, OPEN, dtype=np.int8)

    def flat(at: int) -> Flat:
        return flat_codes(codecs[at], codecs[at].encode(table.iloc[:, at], unseen="mark"))

    for twin in relations.twins:
        if twin.is_same:
            found[:, twin.child] = np.where(_are_same(table, twin), HOLDS, BROKEN)
        else:
            found[:, twin.child] = _verdict(flat(twin.root), flat(twin.child))
    for entry in relations.lookups:
        if isinstance(entry, Lookup):
            found[:, entry.child] = _verdict(entry.only(flat(entry.parent)), flat(entry.child))
    for part in relations.dates:
        clock = codecs[part.parent].clock(table.iloc[:, part.parent])  # type: ignore[attr-defined]
        told = _verdict(part.tells(clock), flat(part.child))
        found[:, part.child] = np.where(told == OPEN, found[:, part.child], told)
    for each in relations.of_numbers:
        found[:, each.members[0]] = _verdict_of_numbers(table, each)
    for bound, rows in broken_by_each(relations.bounds, codecs, table):
        found[:, bound.high] = np.where(rows, BROKEN, found[:, bound.high])
    return found


def told_by_column(codec: TableCodec, table: pd.DataFrame, cells: Tensor) -> list[Tensor]:
    """Log-likelihood of each modelled column's cells, where relations have their say.

    Parameters
    ----------
    codec : TableCodec
    table : DataFrame of shape (n_rows, n_columns)
    cells : tensor of shape (n_rows, n_fields)
        Log-likelihood of each code given the others of its row.

    Returns
    -------
    list of tensors (n_rows,)
        0 where a cell is what others determine, and that of a value never seen where it is not.
    """
    parts = []
    verdicts = check_relations(table, codec.relations, codec.codecs)
    for span, verdict in zip(codec.slices, verdicts.T, strict=True):
        if span.stop > span.start:
            told = torch.from_numpy(verdict).to(cells.device)
            own = cells[:, span].sum(dim=1).masked_fill(told == HOLDS, 0.0)
            parts.append(own.masked_fill(told == BROKEN, log_unseen(codec.fields[span.start])))
    return parts


def log_unseen(field: Field) -> float:
    """Log-probability of a value that the column never had: that of one row more."""
    return float(-np.log(np.sum(field.counts) + 1.0))


def _verdict(wanted: Flat, held: Flat) -> Verdicts:
    return np.where(wanted < 0, OPEN, np.where(wanted == held, HOLDS, BROKEN)).astype(np.int8)


def _are_same(table: pd.DataFrame, twin: Twin) -> NDArray[np.bool_]:
    """Whether two columns have the same value, or both none, in each row."""
    pair = [table.iloc[:, at] for at in (twin.root, twin.child)]
    gaps = [cells.isna().to_numpy(dtype=bool) for cells in pair]
    first, second = (cells.astype(object).to_numpy() for cells in pair)
    either = gaps[0] | gaps[1]
    same: NDArray[np.bool_] = gaps[0] & gaps[1]
    same[~either] = (first[~either] == second[~either]).astype(bool)
    return same


def _verdict_of_numbers(table: pd.DataFrame, entry: Sum | Product) -> Verdicts:
    read = [read_numbers(table.iloc[:, at]) for at in entry.members]
    pairs = [pair for pair in read if pair is not None]
    if len(pairs) < len(read):
        return np.full(len(table), OPEN, dtype=np.int8)
    gaps = np.any([own for _, own in pairs], axis=0)
    numbers = [np.where(own, 0.0, native.astype(np.float64)) for native, own in pairs]
    return np.where(gaps, OPEN, np.where(entry.is_right(numbers), HOLDS, BROKEN)).astype(np.int8)
