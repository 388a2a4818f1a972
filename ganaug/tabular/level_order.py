"""An order for the many levels of a column, in which those that go with alike values are neighbours.

More levels than a field can have are written as a bucket and a member. If a bucket's levels are alike, it
says most of what there is to know of the row, and its levels are learned from together. Where the levels' own
order goes with another column (invoices are numbered through the year), that order is the one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug.tabular.columns import CategoryCodec, ColumnCodec
from ganaug.tabular.columns.base import FloatArray, NumberField

Levels = NDArray[np.int64]

MOST_ROWS = 200_000  # that are looked at
MOST_FEATURES = 50  # that the order is made from, those that differ most between levels
SAME_ORDER = 0.9  # correlation from which levels are in the order of another column
FEW_LEVELS = 20  # of a column whose levels are told apart, one by one
SMALLEST_SHARE = 1e-6  # of a column's variance that lies between levels, below which it says nothing of them


def sort_levels(
    table: pd.DataFrame, codecs: Sequence[ColumnCodec], weights: FloatArray | None
) -> list[ColumnCodec]:
    """The codecs, those that need buckets and have no order of their own with their levels in such an order.

    Parameters
    ----------
    table : DataFrame of shape (n_rows, n_columns)
    codecs : sequence of ColumnCodec
        One for each column.
    weights : array of shape (n_rows,), optional
        Rows of weight 0 are as if absent.
    """
    sorted_ones = list(codecs)
    wide = {
        at: codec
        for at, codec in enumerate(codecs)
        if isinstance(codec, CategoryCodec) and codec.width and not codec.is_ordered
    }
    if not wide:
        return sorted_ones
    rows = np.arange(len(table)) if weights is None else np.flatnonzero(weights > 0)
    rows = rows[:: -(-len(rows) // MOST_ROWS)]
    table = table.iloc[rows]
    told = {at: _Told.of(codec, table.iloc[:, at]) for at, codec in wide.items()}
    for at, codec in enumerate(codecs):
        if codec.fields and at not in wide:
            features = _features(codec, table.iloc[:, at])
            for each in told.values():
                each.take(features)
    for at, codec in wide.items():
        sorted_ones[at] = codec.reordered(told[at].order(codec.width))
    return sorted_ones


class _Told:
    """What other columns, one after the other, tell of a column's levels."""

    def __init__(self, levels: Levels, natural: Levels) -> None:
        self.known = (levels >= 0) & (levels < len(natural))
        self.levels, self.natural = levels[self.known], natural
        self.counts = np.bincount(self.levels, minlength=len(natural))
        self.places = np.argsort(natural)[self.levels]
        self.is_natural = False
        self.means = np.zeros((len(natural), 0))

    @classmethod
    def of(cls, codec: CategoryCodec, values: pd.Series[Any]) -> _Told:
        natural = sorted(range(len(codec.levels)), key=lambda code: str(codec.levels[code]))
        return cls(codec.flat(codec.encode(values, unseen="mark")), np.array(natural))

    def take(self, features: FloatArray) -> None:
        """Learn from a column's features, shape (n_rows, n_features)."""
        own = features[self.known]
        self.is_natural |= goes_with(self.places, own)
        means = np.concatenate([self.means, level_means(own, self.levels, len(self.natural))], axis=1)
        best = np.argsort(-(self.counts @ np.square(means)), kind="stable")[:MOST_FEATURES]
        self.means = means[:, np.sort(best)]

    def order(self, width: int) -> Levels:
        """The levels' own order, if another column keeps to it, else one that puts together what is alike."""
        return self.natural if self.is_natural else bucket_order(self.means, width)


def _features(codec: ColumnCodec, values: pd.Series[Any]) -> FloatArray:
    """What a column says of rows, shape (n_rows, n_features), of mean 0 and a variance of 1 for each field.

    Normal scores of numbers, places of levels in an order, and indicators of few levels.
    """
    codes = codec.encode(values, unseen="mark").astype(np.int64)
    found = [np.zeros((len(codes), 0))]
    for field, own in zip(codec.fields, codes.T, strict=True):
        if isinstance(field, NumberField):
            places = np.full(field.n_points, np.nan) if field.places is None else field.places
            table = np.nan_to_num(np.append(places, field.centre)[own])[:, None]
        elif field.n_ordered:
            table = own[:, None].astype(np.float64)
        elif field.n_codes <= FEW_LEVELS:
            table = (own[:, None] == np.arange(field.n_codes)).astype(np.float64)
        else:
            continue
        table -= table[own >= 0].mean(axis=0) if (own >= 0).any() else 0.0
        table[own < 0] = 0.0
        inertia = table.var(axis=0).sum()
        found.append(table / np.sqrt(inertia) if inertia > 0 else table)
    return np.concatenate(found, axis=1)


def goes_with(places: Levels, features: FloatArray) -> bool:
    """Whether some feature goes up, or down, with the places of the rows' levels in an order."""
    if not len(places):
        return False
    centred = (places - places.mean()) / max(places.std(), 1e-12)
    norms = np.sqrt(np.square(features).mean(axis=0))
    correlations = centred @ features / len(places) / np.maximum(norms, 1e-12)
    return bool((np.abs(correlations) > SAME_ORDER).any())


def level_means(features: FloatArray, levels: Levels, n_levels: int) -> FloatArray:
    """Mean features of each level, shape (n_levels, n_features), less what chance accounts for.

    Of a random-effects model: a level of n rows keeps n / (n + k) of its mean, where k is the variance within
    levels over that between them.
    """
    counts = np.bincount(levels, minlength=n_levels).astype(np.float64)
    present = counts > 0
    means = np.zeros((n_levels, features.shape[1]))
    for place, column in enumerate(features.T):
        means[:, place] = np.bincount(levels, column, n_levels) / np.maximum(counts, 1)
    n_rows, n_present = counts.sum(), present.sum()
    if n_present < 2 or n_rows <= n_present:
        return np.zeros((n_levels, features.shape[1]))
    within = np.square(features - means[levels]).sum(axis=0) / (n_rows - n_present)
    between = (counts[:, None] * np.square(means)).sum(axis=0) - (n_present - 1) * within
    between /= n_rows - np.square(counts).sum() / n_rows
    kept = counts[:, None] * between / (counts[:, None] * between + within + 1e-300)
    return np.where(between > SMALLEST_SHARE, kept, 0.0) * means


def bucket_order(means: FloatArray, width: int) -> Levels:
    """An order of levels in which every ``width`` of them are alike: halves, and halves of these.

    Each part is cut across the direction in which its levels differ most.
    """

    def ordered(levels: Levels) -> Levels:
        own = means[levels] - means[levels].mean(axis=0)
        if not own.shape[1]:
            return levels
        values, directions = np.linalg.eigh(own.T @ own)
        if values[-1] <= 0:
            return levels
        levels = levels[np.argsort(own @ directions[:, -1], kind="stable")]
        n_buckets = -(-len(levels) // width)
        if n_buckets < 2:
            return levels
        cut = n_buckets // 2 * width
        return np.concatenate([ordered(levels[:cut]), ordered(levels[cut:])])

    return ordered(np.arange(len(means)))
