"""The tables of a report, coded, and how a measure of them is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ganaug.evaluation.scale import Limits, Measure, make_measure, standard_error
from ganaug.metrics.features import CodedTables, FloatArray

Statistic = tuple[Callable[..., float], list[int]]
"""A number of rows: a function of the positions kept of each table, and the tables' sizes."""


@dataclass(frozen=True, eq=False)
class Judged:
    """The tables of a report, coded.

    Attributes
    ----------
    coded : CodedTables
        How they are coded; its matrices are whole: training, synthetic and, if there is one, hold-out.
    train, holdout, reference : ndarray of shape (n_rows, n_features)
        Rows drawn from them; ``reference``, equal in number to the candidates', is what fidelity compares
        with. ``holdout`` is ``None`` where none was given.
    candidates : dict of ndarray, each of shape (n_rows, n_features)
        What is judged: "synthetic", then the ends of the scale.
    target : column name, optional
    random_state : int
    """

    coded: CodedTables
    train: FloatArray
    holdout: FloatArray | None
    reference: FloatArray
    candidates: dict[str, FloatArray]
    target: Any
    random_state: int

    @property
    def categories(self) -> list[Any]:
        """Names of the columns that hold codes."""
        return [name for name, own in zip(self.coded.names, self.coded.is_category, strict=True) if own]

    def frame(self, matrix: FloatArray) -> pd.DataFrame:
        """Coded rows as a table that the metrics take."""
        return pd.DataFrame(matrix, columns=pd.Index(self.coded.names, dtype=object))


def measure(
    name: str,
    group: str,
    limits: Limits,
    meaning: str,
    statistics: dict[str, Statistic],
    detail: str = "",
) -> Measure:
    """A measure from its statistic for each candidate; only two of them need an error."""
    values, errors = {}, {}
    for candidate, (statistic, sizes) in statistics.items():
        values[candidate] = statistic(*(np.arange(size) for size in sizes))
        if candidate in ("synthetic", "real"):
            errors[candidate] = standard_error(statistic, sizes)
    return make_measure(name, group, values, errors, limits, meaning, detail)
