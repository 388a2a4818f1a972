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
    wide = [
        at
        for at, codec in enumerate(codecs)
        if isinstance(codec, CategoryCodec) and codec.width and not codec.is_ordered
    ]
    if not wide:
        return sorted_ones
    rows = np.arange(len(table)) if weights is None else np.flatnonzero(weights > 0)
    rows = rows[:: -(-len(rows) // MOST_ROWS)]
    others = [at for at, codec in enumerate(codecs) if codec.fields and at not in wide]
    table = table.iloc[rows]
    parts = [_features(codecs[at], table.iloc[:, at]) for at in others]
    features = np.concatenate([np.zeros((len(table), 0)), *parts], axis=1)
    for at in wide:
        codec = codecs[at]
        if isinstance(codec, CategoryCodec):
            flat = codec.flat(codec.encode(table.iloc[:, at], unseen="mark"))
            known = (flat >= 0) & (flat < len(codec.levels))
            own, flat = features[known], flat[known]
            natural = np.array(sorted(range(len(codec.levels)), key=lambda code: str(codec.levels[code])))
            if goes_with(np.argsort(natural)[flat], own):
                sorted_ones[at] = codec.reordered(natural)
            else:
                means = level_means(own, flat, len(codec.levels))
                sorted_ones[at] = codec.reordered(bucket_order(means, codec.width))
    return sorted_ones


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
        table -= table.mean(axis=0)
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
    means = np.stack(
        [np.bincount(levels, column, n_levels) / np.maximum(counts, 1) for column in features.T]
        or [np.zeros(n_levels)],
        axis=1,
    )
    n_rows, n_present = counts.sum(), present.sum()
    if n_present < 2 or n_rows <= n_present or not features.shape[1]:
        return np.zeros((n_levels, 1))
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
