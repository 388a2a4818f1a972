"""Where do synthetic rows go wrong? Columns and pairs, the worst first, and the reasons in words."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from ganaug.evaluation.judged import Judged
from ganaug.evaluation.scale import WORDS
from ganaug.metrics.features import CodedTables, FloatArray
from ganaug.metrics.marginals import marginal_errors
from ganaug.metrics.pairs import dependence_errors, twin_errors
from ganaug.metrics.reasons import find_reasons

MAX_PAIR_COLUMNS = 60  # of wider tables, pairs of the columns with the worst marginals only
_NOISE = 1.5  # times its floor, an error is still taken for noise
_SURE = 1.4  # Kolmogorov's and Smirnov's 4 %: chance alone goes no farther, in units of the root of 1/n + 1/m
LOOK, BAD = 2.0, 10.0  # points of severity


@dataclass(frozen=True)
class Faults:
    """What gives rows away.

    Attributes
    ----------
    columns : DataFrame of shape (n_features, 7)
        Indexed by column, the worst first. ``error`` of the marginal and its ``floor``, the shares
        ``missing_real`` and ``missing_synthetic``, all in per cent; ``severity``, the points by which the
        marginal and the ties to other columns exceed their floors, where a column that stands above has
        not explained them; ``ties``, the columns to which the ties are off; ``word``.
    pairs : DataFrame of shape (n_pairs, 6)
        The worst first: ``first``, ``second``, ``distance`` with marginals and its ``floor``,
        ``dependence``, what is left of it when the marginals are made equal, and ``excess``, what of this
        is beyond noise; in per cent.
    reasons : DataFrame
        As `ganaug.metrics.reasons` makes it.
    """

    columns: pd.DataFrame
    pairs: pd.DataFrame
    reasons: pd.DataFrame


def find_faults(judged: Judged) -> Faults:
    """Compare with the reference rows, and take for noise what other real rows show, too."""
    floor = judged.candidates.get("real", judged.candidates["bootstrap"])
    coded = [judged.coded.of(judged.reference, rows) for rows in (judged.candidates["synthetic"], floor)]
    own, of_floor = (_marginals(tables) for tables in coded)
    present = [(~np.isnan(rows)).sum(axis=0) for rows in coded[0].matrices]
    chance = 100.0 * _SURE * np.sqrt(sum(1.0 / np.maximum(n, 1) for n in present))
    excess = np.maximum(0.0, own - np.maximum(_NOISE * of_floor, chance))
    pairs = _pairs(judged, coded, excess)
    columns = _columns(judged, own, of_floor, excess, pairs)
    reasons = find_reasons(coded[0], random_state=judged.random_state)
    return Faults(columns, pairs.drop(columns=["i", "j"]), reasons)


def _marginals(tables: CodedTables) -> FloatArray:
    """Error of each marginal in per cent; missing cells and whole numbers count, as a tree sees them."""
    errors = np.nan_to_num(marginal_errors(tables))
    real, synthetic = tables.matrices
    missing = np.abs(np.isnan(real).mean(axis=0) - np.isnan(synthetic).mean(axis=0))
    with np.errstate(invalid="ignore"):
        whole = [((rows == np.round(rows)) | np.isnan(rows)).mean(axis=0) for rows in (real, synthetic)]
    worst: FloatArray = np.maximum(np.maximum(errors, missing), np.abs(whole[0] - whole[1]))
    return 100.0 * worst


def _pairs(judged: Judged, coded: list[CodedTables], excess: FloatArray) -> pd.DataFrame:
    """One row per pair of the columns that are looked at, with their positions ``i`` and ``j``."""
    chosen = np.sort(np.argsort(-excess, kind="stable")[:MAX_PAIR_COLUMNS])
    parts = [_select(tables, chosen) for tables in coded]
    distance, floor = (100.0 * twin_errors(part) for part in parts)
    dependence, of_floor = (100.0 * dependence_errors(part) for part in parts)
    noise = _NOISE * np.maximum(of_floor, np.median(of_floor) if len(of_floor) else 0.0)
    positions = np.array(list(combinations(chosen, 2)), dtype=np.int64).reshape(-1, 2)
    names = judged.coded.names
    table = pd.DataFrame(
        {
            "i": positions[:, 0],
            "j": positions[:, 1],
            "first": [names[i] for i in positions[:, 0]],
            "second": [names[j] for j in positions[:, 1]],
            "distance": distance,
            "floor": floor,
            "dependence": dependence,
            "excess": np.maximum(0.0, dependence - noise),
        }
    )
    return table.sort_values(["excess", "distance"], ascending=False, kind="stable", ignore_index=True)


def _select(tables: CodedTables, chosen: Any) -> CodedTables:
    return CodedTables(
        [tables.names[j] for j in chosen],
        tables.is_category[chosen],
        tables.n_levels[chosen],
        [matrix[:, chosen] for matrix in tables.matrices],
    )


def _columns(
    judged: Judged, own: FloatArray, floor: FloatArray, excess: FloatArray, pairs: pd.DataFrame
) -> pd.DataFrame:
    n_columns = len(judged.coded.names)
    ties = np.zeros((n_columns, n_columns))
    ties[pairs["i"], pairs["j"]] = ties[pairs["j"], pairs["i"]] = pairs["excess"]
    order, severity = _explain_away(excess, own, ties)
    gaps = [
        100.0 * np.isnan(rows).mean(axis=0) for rows in (judged.reference, judged.candidates["synthetic"])
    ]
    names = judged.coded.names
    words = [WORDS[int(points > LOOK) + int(points > BAD)] for points in severity]
    table = pd.DataFrame(
        {
            "error": own,
            "floor": floor,
            "missing_real": gaps[0],
            "missing_synthetic": gaps[1],
            "severity": severity,
            "ties": [_worst_ties(row, names) for row in ties],
            "word": words,
        },
        index=pd.Index(names, name="column", dtype=object),
    )
    return table.iloc[order]


def _explain_away(excess: FloatArray, own: FloatArray, ties: FloatArray) -> tuple[list[int], FloatArray]:
    """The columns, the worst first, and their severities.

    A column whose values are shuffled spoils its ties to every other column, and each of these has one
    spoilt tie; so the worst column is taken out with its ties, before the next one is looked for.
    """
    left = ties.copy()
    severity = np.zeros(len(excess))
    order: list[int] = []
    rest = set(range(len(excess)))
    while rest:
        total = excess + left.sum(axis=1)
        worst = max(rest, key=lambda j: (total[j], own[j], -j))
        severity[worst] = total[worst]
        left[worst] = left[:, worst] = 0.0
        order.append(worst)
        rest.remove(worst)
    return order, severity


def _worst_ties(row: FloatArray, names: list[Any]) -> list[Any]:
    """The columns to which the ties are off, three at most."""
    return [names[j] for j in np.argsort(-row, kind="stable")[:3] if row[j] > 0]
