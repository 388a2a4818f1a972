"""What are the rows good for? A model learns from them alone, and is tried on real rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from ganaug.evaluation.judged import Judged, Statistic, measure
from ganaug.evaluation.scale import Limits, Measure, make_measure
from ganaug.metrics.features import FloatArray
from ganaug.metrics.utility import feature_importances, importance_overlap, main_score, predict_target

_TEST_ROWS = 2000  # on which importances are found


def usefulness(judged: Judged, holdout: FloatArray) -> tuple[list[Measure], pd.DataFrame]:
    """The worth of a model, and what it goes by; also its importances by column, "real" and "synthetic"."""
    importances = _importances(judged, holdout)
    return [*_worth(judged, holdout), _overlap(importances)], importances[["real", "synthetic"]]


def _worth(judged: Judged, holdout: FloatArray) -> Iterator[Measure]:
    statistics: dict[str, Statistic] = {}
    for name, rows in judged.candidates.items():
        y, prediction, n_classes = predict_target(
            judged.frame(rows), judged.frame(holdout), judged.target, judged.categories, judged.random_state
        )
        kind = "AUC" if n_classes else "R2"
        statistics[name] = (
            lambda kept, y=y, p=prediction, n=n_classes: main_score(y[kept], p[kept], n),
            [len(y)],
        )
    ignorance = 0.5 if kind == "AUC" else 0.0
    real = statistics["real"]
    worth = max(real[0](np.arange(*real[1])) - ignorance, 0.05)  # what the real rows add to knowing nothing
    yield measure(
        f"trained on it, {kind}",
        "usefulness",
        Limits(None, -1, 0.05 * worth, 0.2 * worth, lower=0.0 if kind == "AUC" else -1.0, upper=1.0),
        f"What a model that learned {judged.target} from these rows alone is worth on unseen real ones.",
        statistics,
    )


def _importances(judged: Judged, holdout: FloatArray) -> pd.DataFrame:
    """Importances of the columns to models of equally many rows, a column for each table.

    "real" is one half of the training rows, with which the others are compared; "other half" is the other.
    """
    half = len(judged.candidates["real"]) // 2
    tables = {name: rows[:half] for name, rows in judged.candidates.items()}
    tables["other half"] = judged.candidates["real"][half:]
    test = judged.frame(holdout[:_TEST_ROWS])
    options: dict[str, Any] = {"target": judged.target, "categorical": judged.categories}
    found = {
        name: feature_importances(judged.frame(rows), test, random_state=judged.random_state, **options)
        for name, rows in tables.items()
    }
    return pd.DataFrame(found)


def _overlap(importances: pd.DataFrame) -> Measure:
    tables = {"synthetic": "synthetic", "real": "other half"}
    tables |= {name: name for name in ("bootstrap", "independent")}
    values = {name: importance_overlap(importances["real"], importances[of]) for name, of in tables.items()}
    return make_measure(
        "importances in common",
        "usefulness",
        values,
        {name: _column_error(importances, of) for name, of in list(tables.items())[:2]},
        Limits(1.0, -1, 0.1, 0.35, upper=1.0),
        "Whether the model goes by the columns that one of real rows goes by; 0 is others altogether.",
    )


def _column_error(importances: pd.DataFrame, of: str) -> float:
    """Standard error of an overlap, by leaving out a column each."""
    n = len(importances)
    if n < 2:
        return 0.0
    kept = (importances.drop(index=name) for name in importances.index)
    values = np.array([importance_overlap(part["real"], part[of]) for part in kept])
    return float(np.sqrt((n - 1) / n * np.square(values - values.mean()).sum()))
