"""How a synthesizer is judged: two ways to split a table, the judges of each, and the ends of the scale.

*half*: fitted on one random half, judged against the other, which it has never seen, with as many synthetic
rows (Adult: fitted on the official training part, judged against the test part). The headline.

*papers*: fitted on the training part and judged against those very rows, as the tabular papers do, with as
many synthetic rows (Adult: official split; the others: a random 90/10). It flatters who remembers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.neighbors import NearestNeighbors

from benchmarks.datasets import Dataset
from ganaug import metrics

PROTOCOLS = ("half", "papers")
MAX_DECIMALS = 6

Scores = dict[str, float]


@dataclass(frozen=True)
class Split:
    """What a synthesizer is given, and what it is judged by.

    Attributes
    ----------
    dataset : Dataset
    protocol : {"half", "papers"}
    train : DataFrame
        Rows to fit on.
    unseen : DataFrame
        Real rows never fitted on: the judge's rows in the half protocol, the test rows in both.
    n_synthetic : int
        Rows to generate.
    """

    dataset: Dataset
    protocol: str
    train: pd.DataFrame
    unseen: pd.DataFrame
    n_synthetic: int


def split(dataset: Dataset, protocol: str, seed: int, max_rows: int | None = None) -> Split:
    """Split a table as the protocol says, at random by `seed` where there is no official split.

    Parameters
    ----------
    dataset : Dataset
    protocol : {"half", "papers"}
    seed : int
    max_rows : int, optional
        Cut both parts to this many rows, for a quick look.
    """
    table, n_train = dataset.table, dataset.n_official_train
    if n_train is not None:
        train, unseen = table.iloc[:n_train], table.iloc[n_train:]
    else:
        order = np.random.default_rng(seed).permutation(len(table))
        n_unseen = len(table) // (2 if protocol == "half" else 10)
        n_fit = n_unseen if protocol == "half" else len(table) - n_unseen
        unseen, train = table.iloc[order[:n_unseen]], table.iloc[order[n_unseen : n_unseen + n_fit]]
    train, unseen = (part.iloc[:max_rows].reset_index(drop=True) for part in (train, unseen))
    n_synthetic = len(unseen) if protocol == "half" else len(train)
    return Split(dataset, protocol, train, unseen, n_synthetic)


def judge(parts: Split, synthetic: pd.DataFrame) -> tuple[Scores, Scores]:
    """Score synthetic rows by every judge of the split's protocol.

    Returns
    -------
    scores : dict
        Errors, shares and the C2ST score as fractions; see `ganaug.metrics`.
    seconds : dict
        CPU seconds of each judge.
    """
    judges = _half_judges if parts.protocol == "half" else _papers_judges
    return _run(judges(parts, synthetic))


def judge_real(parts: Split, seed: int) -> tuple[Scores, Scores]:
    """Score real rows in the place of synthetic ones: the upper end of the scale.

    Half: the rows fitted on, as many as are judged against. Papers: the unseen rows against the training
    rows for the comparison of tables, the training rows themselves for train-on-synthetic.
    """
    if parts.protocol == "half":
        real = parts.train.sample(parts.n_synthetic, random_state=seed)
        judges = _half_judges(parts, real)
        del (
            judges["dcr_share"],
            judges["membership_auc"],
            judges["copies"],
        )  # these rows are the training rows
    else:
        judges = _table_judges(parts.dataset, parts.train, parts.unseen)
        judges |= _utility_judges(parts, parts.train, with_grid=True)
        judges["copies_unseen"] = _copies_judge(parts, parts.unseen)
    return _run(judges)


Judges = dict[str, Callable[[], float | Scores]]


def _half_judges(parts: Split, synthetic: pd.DataFrame) -> Judges:
    declared = parts.dataset.categorical
    real, rows = _as_judged(parts.dataset, parts.unseen), _as_judged(parts.dataset, synthetic)
    train = _as_judged(parts.dataset, parts.train)
    return {
        **_table_judges(parts.dataset, parts.unseen, synthetic),
        "harder_auc": lambda: metrics.harder_judge_auc(real, rows, categorical=declared),
        "dcr_share": lambda: metrics.dcr_share(rows, train, real, categorical=declared),
        "membership_auc": lambda: metrics.membership_auc(rows, train, real, categorical=declared),
        "copies": _copies_judge(parts, synthetic),
        "copies_unseen": _copies_judge(parts, parts.unseen),
        **_utility_judges(parts, synthetic, with_grid=False),
    }


def _papers_judges(parts: Split, synthetic: pd.DataFrame) -> Judges:
    return {
        **_table_judges(parts.dataset, parts.train, synthetic),
        "copies": _copies_judge(parts, synthetic),
        "copies_unseen": _copies_judge(parts, parts.unseen),
        **_utility_judges(parts, synthetic, with_grid=True),
    }


def _table_judges(dataset: Dataset, real: pd.DataFrame, synthetic: pd.DataFrame) -> Judges:
    declared = dataset.categorical
    real, rows = _as_judged(dataset, real), _as_judged(dataset, synthetic)
    return {
        "shape_error": lambda: metrics.shape_error(real, rows, categorical=declared),
        "trend_error": lambda: metrics.trend_error(real, rows, categorical=declared),
        "trend_twin": lambda: metrics.trend_twin(real, rows, categorical=declared),
        "tree_c2st": lambda: metrics.xgboost_c2st(real, rows),
    }


def _utility_judges(parts: Split, rows: pd.DataFrame, with_grid: bool) -> Judges:
    dataset = parts.dataset
    train, test = _as_judged(dataset, rows), _as_judged(dataset, parts.unseen)
    options: dict[str, Any] = {"target": dataset.target, "categorical": dataset.categorical}
    judges: Judges = {"quick": lambda: metrics.train_on_synthetic(train, test, **options)}
    if with_grid:
        options_grid = options | {"learner": "papers", "log_target": not dataset.is_classification}
        judges["grid"] = lambda: metrics.train_on_synthetic(train, test, **options_grid)
    return judges


def _copies_judge(parts: Split, rows: pd.DataFrame) -> Callable[[], float]:
    declared = parts.dataset.categorical
    return lambda: metrics.exact_copies(rows, parts.train, categorical=declared)


def _as_judged(dataset: Dataset, table: pd.DataFrame) -> pd.DataFrame:
    """The papers read a missing category as a level of its own, "?"."""
    filled = {
        name: table[name].astype(object).where(table[name].notna(), "?")
        for name in dataset.categorical
        if table[name].isna().any()
    }
    return table.assign(**filled)


def _run(judges: Judges) -> tuple[Scores, Scores]:
    scores: Scores = {}
    seconds: Scores = {}
    for name, run in judges.items():
        start = time.process_time()
        result = run()
        seconds[name] = round(time.process_time() - start, 2)
        if isinstance(result, dict):
            scores |= {f"{name}_{key}": float(value) for key, value in result.items()}
        else:
            scores[name] = float(result)
    return scores, seconds


def bootstrap(parts: Split, seed: int) -> pd.DataFrame:
    """Training rows drawn with replacement: all it knows is what it remembers."""
    return parts.train.sample(parts.n_synthetic, replace=True, random_state=seed).reset_index(drop=True)


def independent(parts: Split, seed: int) -> pd.DataFrame:
    """Every column shuffled alone: perfect marginals, no dependence."""
    rng = np.random.default_rng(seed)
    rows = [rng.permutation(len(parts.train))[: parts.n_synthetic] for _ in parts.train]
    columns = {
        name: column.take(index).reset_index(drop=True)
        for (name, column), index in zip(parts.train.items(), rows, strict=True)
    }
    return pd.DataFrame(columns)


def smote(parts: Split, seed: int, n_neighbours: int = 5) -> pd.DataFrame:
    """Points between a training row and one of its neighbours, target included; categories from the pair.

    Neighbours are sought over standardised numbers and matching categories; numbers are rounded to their
    column's decimals. What is a category is the judge's declaration.
    """
    train, rng = _dates_as_days(parts.train), np.random.default_rng(seed)
    first = rng.permutation(len(train))[: parts.n_synthetic]
    features = _standardised(train, parts.dataset.categorical)
    search = NearestNeighbors(n_neighbors=n_neighbours + 1).fit(features)
    found = search.kneighbors(features[first], return_distance=False)
    others = np.array([row[row != i][:n_neighbours] for row, i in zip(found, first, strict=True)])
    second = others[np.arange(len(first)), rng.integers(n_neighbours, size=len(first))]
    step = rng.random(len(first))
    columns: dict[Any, pd.Series[Any]] = {}
    for name, column in train.items():
        a, b = (column.take(index).reset_index(drop=True) for index in (first, second))
        if name in parts.dataset.categorical:
            columns[name] = a.where(rng.random(len(a)) < 0.5, b)
        else:
            between = (a + step * (b - a)).round(_decimals(column))
            columns[name] = between.astype(column.dtype)
    dates = {name: pd.to_datetime(columns[name], unit="D") for name in parts.train.select_dtypes("datetime")}
    return pd.DataFrame({**columns, **dates}).astype(parts.train.dtypes.to_dict())


def _dates_as_days(table: pd.DataFrame) -> pd.DataFrame:
    days = {
        name: column.astype("int64") // 86_400_000_000_000
        for name, column in table.select_dtypes("datetime").items()
    }
    return table.assign(**days)


def _standardised(table: pd.DataFrame, categorical: tuple[str, ...]) -> npt.NDArray[np.float64]:
    """Numbers of unit variance; two different levels at squared distance 1."""
    features = pd.get_dummies(table, columns=list(categorical), dummy_na=True, dtype=np.float64)
    numbers = [name for name in table if name not in categorical]
    spread = features[numbers].std().replace(0, 1)
    features = features * np.sqrt(0.5)
    features[numbers] = ((table[numbers] - table[numbers].mean()) / spread).fillna(0)
    matrix: npt.NDArray[np.float64] = features.to_numpy(dtype=np.float64)
    return matrix


def _decimals(column: pd.Series[Any]) -> int:
    present = column.dropna().to_numpy(dtype=np.float64)
    for decimals in range(MAX_DECIMALS):
        if np.allclose(present, present.round(decimals), rtol=0, atol=1e-9):
            return decimals
    return MAX_DECIMALS


ENDS: dict[str, Callable[[Split, int], pd.DataFrame]] = {
    "bootstrap": bootstrap,
    "smote": smote,
    "independent": independent,
}
