"""Columns and pairs of two tables as pictures of the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from ganaug.evaluation import svg
from ganaug.evaluation.plots import as_floats, bin_edges, in_order, is_number, level_name, level_shares
from ganaug.metrics.features import FloatArray, IntArray, is_time

_N_CUTS = 7
_MAX_LEVELS = 7


def marginal(name: Any, real: pd.Series[Any], synthetic: pd.Series[Any]) -> str:
    """A column of both tables: a histogram, or bars of its levels; empty where a table has no value."""
    if not real.notna().any() or not synthetic.notna().any():
        return ""
    says = f"Distribution of {name}, real and synthetic"
    if is_number(real):
        cells = [as_floats(column) for column in (real, synthetic)]
        edges = bin_edges(*cells)
        shares = [np.histogram(v.clip(edges[0], edges[-1]), edges)[0] / len(v) for v in cells]
        return svg.histogram(shares[0], shares[1], edges, _label_of(real, edges), says)
    levels = level_shares(real, synthetic)
    labels = [level_name(level) for level in levels.index]
    return svg.bars(labels, levels["real"].to_numpy(), levels["synthetic"].to_numpy(), says)


def _label_of(column: pd.Series[Any], edges: FloatArray) -> Callable[[float], str]:
    """How places on a column's axis are told: dates by year, or by month where years are too coarse."""
    if not pd.api.types.is_datetime64_any_dtype(column.dtype):
        return svg.number
    if edges[-1] - edges[0] > 4:
        return lambda year: f"{year:.0f}"
    return lambda year: (pd.Timestamp("1970-01-01") + pd.Timedelta(days=(year - 1970) * 365.2425)).strftime(
        "%d %b %Y"
    )


@dataclass(frozen=True)
class Pair:
    """Two columns of both tables, in cells.

    Attributes
    ----------
    rows, columns : list of str
        Labels of the cells of the first and of the second column.
    real, synthetic : ndarray of shape (n_rows, n_columns)
        Shares of the tables' rows.
    """

    rows: list[str]
    columns: list[str]
    real: FloatArray
    synthetic: FloatArray

    def pictures(self, first: Any, second: Any) -> str:
        """Both tables beside each other, on one scale of colour."""
        top = float(max(self.real.max(), self.synthetic.max()))
        parts = []
        for kind, shares in (("real", self.real), ("synthetic", self.synthetic)):
            says = f"{first} (down) and {second} (across), {kind} rows"
            picture = svg.heat(shares, self.rows, self.columns, top, kind, says)
            parts.append(f'<figure><figcaption class="of-{kind}">{kind}</figcaption>{picture}</figure>')
        return f'<div class="twins">{"".join(parts)}</div>'

    def worst_cell(self, first: Any, second: Any) -> str:
        """The cell whose shares differ the most, in words."""
        i, j = np.unravel_index(np.argmax(np.abs(self.real - self.synthetic)), self.real.shape)
        rows, columns = self.rows[int(i)], self.columns[int(j)]
        shares = [svg.percent(float(table[i, j])) for table in (self.real, self.synthetic)]
        told = f"{shares[0]} of real rows, {shares[1]} of synthetic ones"
        return f"{first} {_after(rows)} and {second} {_after(columns)}: {told}."


def pair(real: pd.DataFrame, synthetic: pd.DataFrame, first: Any, second: Any) -> Pair:
    """Count two columns of both tables in cells."""
    labels, codes = [], []
    for name in (first, second):
        own, of_tables = _cells(real[name], synthetic[name])
        labels.append(own)
        codes.append(of_tables)
    shape = (len(labels[0]), len(labels[1]))
    shares = []
    for k in (0, 1):
        counts = np.bincount(codes[0][k] * shape[1] + codes[1][k], minlength=shape[0] * shape[1])
        shares.append(counts.reshape(shape) / max(len(codes[0][k]), 1))
    return Pair(labels[0], labels[1], shares[0], shares[1])


def _after(label: str) -> str:
    return label if label[:1] in "<≥" or label in ("missing", "others") or "–" in label else f"= {label}"


def _cells(real: pd.Series[Any], synthetic: pd.Series[Any]) -> tuple[list[str], list[IntArray]]:
    """Labels of a column's cells, and their numbers in both tables; missing is the last cell."""
    gaps = [column.isna().to_numpy() for column in (real, synthetic)]
    if is_number(real):
        cuts = np.unique(np.quantile(as_floats(real), np.linspace(0, 1, _N_CUTS + 1)[1:-1]))
        cuts = cuts[cuts > as_floats(real).min()]
        codes = [_number_codes(column, cuts) for column in (real, synthetic)]
        labels = _bin_labels(real, cuts)
    else:
        known = in_order(real, real.dropna().astype(object).value_counts().index[:_MAX_LEVELS])
        index = pd.Index(known, dtype=object)
        codes = [index.get_indexer(pd.Index(column.astype(object))) for column in (real, synthetic)]
        codes = [np.where(own < 0, len(known), own) for own in codes]
        labels = [level_name(level) for level in known]
        if any((own[~gap] == len(known)).any() for own, gap in zip(codes, gaps, strict=True)):
            labels.append("others")
    codes = [np.where(gap, len(labels), own) for own, gap in zip(codes, gaps, strict=True)]
    if any(gap.any() for gap in gaps):
        labels.append("missing")
    return labels, codes


def _number_codes(column: pd.Series[Any], cuts: FloatArray) -> IntArray:
    codes = np.zeros(len(column), dtype=np.int64)
    codes[column.notna().to_numpy()] = np.searchsorted(cuts, as_floats(column), side="right")
    return codes


def _bin_labels(column: pd.Series[Any], cuts: FloatArray) -> list[str]:
    if not len(cuts):
        return ["any"]
    told = [_label_of(column, cuts)(cut) for cut in cuts] if is_time(column) else list(map(svg.number, cuts))
    between = [f"{low}–{high}" for low, high in pairwise(told)]
    return [f"< {told[0]}", *between, f"≥ {told[-1]}"]
