"""How close are the rows to real ones? Marginals, pairs, boosted trees, and where the rows lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ganaug.evaluation.judged import Judged, Statistic, measure
from ganaug.evaluation.scale import Limits, Measure
from ganaug.metrics.detection import detection_score, held_out_opinions
from ganaug.metrics.features import CodedTables, FloatArray, distance_features
from ganaug.metrics.marginals import marginal_errors
from ganaug.metrics.pairs import trend_errors, twin_errors
from ganaug.metrics.support import ONE_HOT, coverage, distances_to_centre, precision_from, recall_from

_ERRORS: dict[str, tuple[Limits, str, Callable[[CodedTables], FloatArray], Callable[..., Any]]] = {
    "shape error %": (
        Limits(0.0, 1, 0.5, 3.0),
        "How far the columns' distributions are from the real ones, on average; 100 is nothing shared.",
        marginal_errors,
        np.nanmean,
    ),
    "worst column error %": (
        Limits(0.0, 1, 2.0, 10.0),
        "The same for the one column that agrees the least.",
        marginal_errors,
        np.nanmax,
    ),
    "trend error %": (
        Limits(0.0, 1, 1.0, 4.0),
        "How far pairs of columns are from the real ones, as the papers count it (sdmetrics' pair trends).",
        trend_errors,
        np.nanmean,
    ),
    "pair distance %": (
        Limits(0.0, 1, 1.0, 4.0),
        "Its steadier twin: numbers are cut at the real quantiles, so no extreme value outweighs others.",
        twin_errors,
        np.nanmean,
    ),
    "worst pair distance %": (
        Limits(0.0, 1, 4.0, 15.0),
        "The same for the one pair that agrees the least.",
        twin_errors,
        np.nanmax,
    ),
}


def fidelity(judged: Judged) -> Iterator[Measure]:
    """The measures of a table against as many real rows."""
    for name, (limits, meaning, errors, reduce) in _ERRORS.items():
        if len(judged.coded.names) > 1 or errors is marginal_errors:
            prepared = {
                c: _error_statistic(judged, rows, errors, reduce) for c, rows in judged.candidates.items()
            }
            yield measure(name, "fidelity", limits, meaning, prepared)
    yield measure(
        "tree C2ST",
        "fidelity",
        Limits(1.0, -1, 0.1, 0.4, upper=1.0),
        "Whether boosted trees can tell the rows from real ones: 1 is not at all, 0 always.",
        {c: _detection_statistic(judged, rows) for c, rows in judged.candidates.items()},
    )
    yield from _support(judged)


def _error_statistic(
    judged: Judged,
    rows: FloatArray,
    errors: Callable[[CodedTables], FloatArray],
    reduce: Callable[..., Any],
) -> Statistic:
    def statistic(of_reference: Any, of_rows: Any) -> float:
        found = errors(judged.coded.of(judged.reference[of_reference], rows[of_rows]))
        return 100.0 * float(reduce(found)) if np.isfinite(found).any() else float("nan")

    return statistic, [len(judged.reference), len(rows)]


def _detection_statistic(judged: Judged, rows: FloatArray) -> Statistic:
    n_real, n_rows = len(judged.reference), len(rows)
    y, fold, opinion = held_out_opinions(
        judged.coded.of(judged.reference, rows), n_splits=3, random_state=judged.random_state
    )

    def statistic(of_real: Any, of_rows: Any) -> float:
        kept = np.concatenate([of_real, n_real + of_rows])
        return detection_score(y[kept], fold[kept], opinion[kept])

    return statistic, [n_real, n_rows]


def _support(judged: Judged) -> Iterator[Measure]:
    """Alpha-precision and beta-recall, whose distances are found once for both."""
    precision: dict[str, Statistic] = {}
    recall: dict[str, Statistic] = {}
    for name, rows in judged.candidates.items():
        real, own = distance_features(judged.coded.of(judged.reference, rows), ONE_HOT)
        to_centre, covered = distances_to_centre(real, own), coverage(real, own)
        precision[name] = (
            lambda a, b, d=to_centre: precision_from(d[0][a], d[1][b]),
            [len(real), len(own)],
        )
        recall[name] = (lambda a, c=covered: recall_from(c[0][a], c[1][a]), [len(real)])
    yield measure(
        "alpha-precision",
        "fidelity",
        Limits(None, -1, 0.03, 0.15, upper=1.0),
        "Whether rows lie where real rows lie, the typical ones as the odd ones.",
        precision,
    )
    yield measure(
        "beta-recall",
        "fidelity",
        Limits(None, -1, 0.05, 0.2, upper=1.0),
        "Whether real rows have a synthetic one nearby; other real rows score about .5, copies 1.",
        recall,
    )
