"""Do the rows give away rows that the generator has seen? Distances, copies, and three attacks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ganaug.evaluation.judged import Judged, Statistic, measure
from ganaug.evaluation.scale import Limits, Measure
from ganaug.metrics.attacks import guesses, lone_rows
from ganaug.metrics.features import FloatArray, distance_features, rank_auc
from ganaug.metrics.privacy import closer_to_first, distance_ratio, is_copy, two_nearest

N_GUESSES = 1000
ATTACKED_ROWS = 5000  # of each table are enough for guesses, whose cost grows with them
N_TARGETS = 500
_CLOSE = 0.01

Features = npt.NDArray[np.float32]


def privacy(judged: Judged) -> tuple[list[Measure], pd.DataFrame | None]:
    """The measures, and the shares of attributes guessed by column; most of both need a hold-out."""
    if judged.holdout is None:
        return [_copies(judged), _near_copies(judged, _features_without_holdout(judged))], None
    tables = _tables(judged, judged.holdout)
    measures = [*_distances(judged, tables), _copies(judged)]
    singled, attributes, by_column = _attacks(judged, tables)
    return [*measures, singled, attributes], by_column


def _tables(judged: Judged, holdout: FloatArray) -> dict[str, tuple[FloatArray, FloatArray, FloatArray]]:
    """Rows, training rows and unseen rows of each candidate, the latter two of equal number.

    Real rows that were not trained on are the floor: a half of the hold-out pretends to be synthetic.
    """
    half = len(holdout) // 2
    tables = {}
    for name, rows in judged.candidates.items():
        unseen = holdout[half:] if name == "real" else holdout
        size = min(len(judged.train), len(unseen))
        tables[name] = (holdout[:half] if name == "real" else rows, judged.train[:size], unseen[:size])
    return tables


# --- distances ----------------------------------------------------------------------------------------------


def _distances(
    judged: Judged, tables: dict[str, tuple[FloatArray, FloatArray, FloatArray]]
) -> Iterator[Measure]:
    dcr: dict[str, Statistic] = {}
    nndr: dict[str, Statistic] = {}
    near: dict[str, Statistic] = {}
    attack: dict[str, Statistic] = {}
    for name, (rows, train, unseen) in tables.items():
        seen, other, own = distance_features(judged.coded.of(train, unseen, rows))
        to_seen, to_other = two_nearest(own, seen), two_nearest(own, other)
        dcr[name] = _mean(closer_to_first(to_seen[:, 0], to_other[:, 0]))
        nndr[name] = _mean(closer_to_first(distance_ratio(to_seen), distance_ratio(to_other)))
        limit = np.quantile(two_nearest(other, seen)[:, 0], _CLOSE)
        near[name] = _mean(100.0 * (to_seen[:, 0] <= limit))
        attack[name] = _membership(-two_nearest(seen, own)[:, 0], -two_nearest(other, own)[:, 0])
    share = Limits(0.5, 1, 0.03, 0.15, upper=1.0)
    yield measure("DCR share", "privacy", share, _MEANINGS["dcr"], dcr)
    yield measure("NNDR share", "privacy", share, _MEANINGS["nndr"], nndr)
    yield measure("near copies %", "privacy", Limits(100 * _CLOSE, 1, 1.0, 5.0), _MEANINGS["near"], near)
    yield measure(
        "membership AUC", "privacy", Limits(0.5, 1, 0.02, 0.1, upper=1.0), _MEANINGS["membership"], attack
    )


def _mean(values: npt.NDArray[Any]) -> Statistic:
    return lambda kept: float(values[kept].mean()), [len(values)]


def _membership(seen: FloatArray, other: FloatArray) -> Statistic:
    def statistic(of_seen: npt.NDArray[np.int64], of_other: npt.NDArray[np.int64]) -> float:
        y = np.repeat([1, 0], [len(of_seen), len(of_other)])
        return rank_auc(y, np.concatenate([seen[of_seen], other[of_other]]))

    return statistic, [len(seen), len(other)]


def _features_without_holdout(judged: Judged) -> dict[str, tuple[Features, Features]]:
    return {
        name: tuple(distance_features(judged.coded.of(judged.train, rows)))  # type: ignore[misc]
        for name, rows in judged.candidates.items()
    }


def _near_copies(judged: Judged, features: dict[str, tuple[Features, Features]]) -> Measure:
    """Without unseen rows, what is near is said by the training rows among themselves."""
    near: dict[str, Statistic] = {}
    for name, (seen, own) in features.items():
        limit = np.quantile(two_nearest(seen, seen, leave_out=True)[:, 0], _CLOSE)
        near[name] = _mean(100.0 * (two_nearest(own, seen)[:, 0] <= limit))
    return measure("near copies %", "privacy", Limits(100 * _CLOSE, 1, 1.0, 5.0), _MEANINGS["near"], near)


def _copies(judged: Judged) -> Measure:
    """Among all the rows that were given, not a part of them; chance has the share that unseen rows have."""
    train, synthetic, *holdout = judged.coded.matrices
    tables = {"synthetic": synthetic, "real": holdout[0]} if holdout else {"synthetic": synthetic}
    tables |= {name: rows for name, rows in judged.candidates.items() if name not in tables}
    statistics = {name: _mean(100.0 * is_copy(rows, train)) for name, rows in tables.items()}
    return measure(
        "exact copies %",
        "privacy",
        Limits(None if holdout else 0.0, 1, 0.2, 2.0),
        _MEANINGS["copies"],
        statistics,
    )


# --- attacks ------------------------------------------------------------------------------------------------


def _attacks(
    judged: Judged, tables: dict[str, tuple[FloatArray, FloatArray, FloatArray]]
) -> tuple[Measure, Measure, pd.DataFrame]:
    alone: dict[str, Statistic] = {}
    guessed: dict[str, Statistic] = {}
    said: dict[str, Any] = {}
    for name, (rows, train, unseen) in tables.items():
        coded = judged.coded.of(*(table[:ATTACKED_ROWS] for table in (train, unseen, rows)))
        hits = lone_rows(coded, min(N_GUESSES, 2 * len(rows)), judged.random_state)
        alone[name] = _gain(hits[0], hits[1])
        right, naive = guesses(coded, N_TARGETS, judged.random_state)
        guessed[name] = _gain(right[0].mean(axis=1), right[1].mean(axis=1))
        if name == "synthetic":
            said = {"hits": hits, "right": right, "naive": naive}
    limits = Limits(0.0, 1, 2.0, 10.0, lower=-100.0)
    hits, right, naive = said["hits"], said["right"], said["naive"]
    singled = measure("singling-out gain %", "privacy", limits, _MEANINGS["singled"], alone, _of_hits(hits))
    shares = [f"{100 * part.mean():.1f} %" for part in (*right, naive)]
    detail = (
        f"The nearest synthetic row is right on {shares[0]} of the cells of training rows and on {shares[1]} "
        f"of those of unseen ones; always guessing the usual value, on {shares[2]}."
    )
    attributes = measure("attribute gain %", "privacy", limits, _MEANINGS["attribute"], guessed, detail)
    columns = {"train": right[0].mean(axis=0), "holdout": right[1].mean(axis=0), "naive": naive.mean(axis=0)}
    return singled, attributes, pd.DataFrame(columns, index=pd.Index(judged.coded.names, name="column"))


def _gain(seen: FloatArray, unseen: FloatArray) -> Statistic:
    """Success about training rows less success about unseen ones, in points."""
    if not len(seen):
        return lambda *_: float("nan"), [1]
    return lambda kept: 100.0 * float((seen[kept] - unseen[kept]).mean()), [len(seen)]


def _of_hits(hits: tuple[FloatArray, FloatArray]) -> str:
    if not len(hits[0]):
        return "No guess could be made: no synthetic row is alone in anything."
    shares = [f"{100 * part.mean():.1f} %" for part in hits]
    told = f"{shares[0]} are true of the training rows and {shares[1]} of the unseen ones"
    return f"Of {len(hits[0])} guesses about what one row alone has, {told}."


_MEANINGS = {
    "dcr": "Share of rows that are closer to a training row than to any unseen one; .5 is chance.",
    "nndr": "Share of rows that imitate one training row more than they do any unseen one; .5 is chance.",
    "near": "Share of rows as close to a training row as the closest 1 % of real rows are.",
    "membership": "How well an attacker who has the rows tells training rows from unseen ones; .5 is chance.",
    "copies": "Share of rows that equal a training row in every cell; unseen rows say what chance gives.",
    "singled": "By how much guesses of what one row alone has are truer of training than of unseen rows.",
    "attribute": "By how much a cell is guessed better for training rows than for unseen ones.",
}
