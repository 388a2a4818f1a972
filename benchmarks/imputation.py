"""How well are gaps filled? Five tables, 10 % and 40 % missing, beside scikit-learn's imputers.

``python -m benchmarks.imputation`` makes holes in the columns other than the target, at random ("mcar") or
where another column, which stays whole, is high ("mar"), fills them by each imputer, and measures the error
of the cells, the coverage of 90 % intervals of those that draw several times, and a boosted tree that learns
from the filled rows and is tested on other filled rows. Imputers never see the target. What costs more than
it tells is capped: rows, draws, levels that get a column. One record per cell goes to
``benchmarks/results/imputation.json``; what is there already is left alone.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from scipy import stats
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.experimental import enable_iterative_imputer  # noqa: F401 - it makes the next line possible
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer
from sklearn.metrics import mean_absolute_error, roc_auc_score

from benchmarks.datasets import NAMES, load
from benchmarks.records import environment, read_records, write_record
from ganaug import GANImputer, GANSynthesizer

RESULTS = Path(__file__).resolve().parent / "results"
MAX_ROWS = 400  # to learn from, and as many to fill: more, and the whole takes hours
QUICK_ROWS, QUICK_SECONDS = 300, 15.0
N_DRAWS, OUTERMOST = 19, 1  # a true cell lies between the least and the greatest draw with probability .9
FEW_LEVELS = 10  # of a category have a column for the imputers that need numbers
DRAWN_ROUNDS = 5  # of IterativeImputer for a draw
METHODS = ("ganaug", "simple", "knn", "iterative")

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Cell:
    """One measurement."""

    dataset: str
    share: float
    mechanism: str
    method: str
    seed: int


def main(arguments: list[str] | None = None) -> int:
    """Measure what is asked for and not there yet."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imputation", description=__doc__)
    parser.add_argument("--datasets", nargs="+", choices=NAMES)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--shares", nargs="+", type=float, default=(0.1, 0.4))
    parser.add_argument("--mechanisms", nargs="+", choices=("mcar", "mar"), default=("mcar", "mar"))
    parser.add_argument("--seeds", nargs="+", type=int, default=(0,))
    parser.add_argument("--force", action="store_true", help="measure again what is there already")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS} rows, two tables, 10 %% missing")
    parser.add_argument("--out", type=Path, help="default: benchmarks/results/imputation[-quick].json")
    options = parser.parse_args(arguments)
    out = options.out or RESULTS / ("imputation-quick.json" if options.quick else "imputation.json")
    datasets = options.datasets or (("adult", "magic") if options.quick else NAMES)
    shares, mechanisms = (0.1,) if options.quick else options.shares, options.mechanisms
    known = set() if options.force else {_cell_of(record) for record in read_records(out)}
    kinds = itertools.product(options.seeds, mechanisms, shares, datasets, options.methods)
    for seed, mechanism, share, dataset, method in kinds:
        cell = Cell(dataset, share, mechanism, method, seed)
        if cell not in known:
            record = measure(cell, options.quick)
            print(cell, {key: round(value, 4) for key, value in record["scores"].items()}, flush=True)
            write_record(out, record, same=lambda other, own=cell: _cell_of(other) == own)  # type: ignore[misc]
    return 0


def _cell_of(record: dict[str, Any]) -> Cell:
    return Cell(**{name: record[name] for name in ("dataset", "share", "mechanism", "method", "seed")})


def measure(cell: Cell, quick: bool = False) -> dict[str, Any]:
    """Make holes, fill them, and judge."""
    dataset, rng = load(cell.dataset), np.random.default_rng(cell.seed)
    table = dataset.table.dropna(subset=[dataset.target])
    torch.set_num_threads(1)
    limit = QUICK_ROWS if quick else MAX_ROWS
    order = rng.permutation(len(table))[: 2 * limit]
    table = table.iloc[order].reset_index(drop=True)
    features, target = table.drop(columns=dataset.target), table[dataset.target]
    holes = make_holes(features, cell.share, cell.mechanism, rng)
    # a nullable or whole-number column with gaps as a person would have it: floats
    whole = [name for name in features if pd.api.types.is_integer_dtype(features[name].dtype)]
    features = features.astype(dict.fromkeys(whole, np.float64))
    partial = features.mask(holes)
    is_train = np.arange(len(table)) < len(table) // 2
    categories = [name for name in features if _is_category(name, features, dataset.categorical)]
    start = time.process_time()
    filled, draws = _FILL[cell.method](partial, is_train, categories, cell.seed, quick)
    seconds = time.process_time() - start
    scores = _cell_errors(features, filled, draws, holes, categories, ~is_train)
    scores |= _coverage(features, draws, holes, categories, ~is_train)
    scores |= _downstream(filled, target, is_train, categories, dataset.is_classification)
    record = {"n_train": int(is_train.sum()), "n_test": int((~is_train).sum()), "cpu_seconds": seconds}
    return asdict(cell) | record | {"scores": scores, "environment": environment()}


def _is_category(name: str, features: pd.DataFrame, declared: tuple[str, ...]) -> bool:
    return name in declared or not pd.api.types.is_numeric_dtype(features[name].dtype)


def make_holes(features: pd.DataFrame, share: float, mechanism: str, rng: np.random.Generator) -> Bools:
    """Which cells to hide, shape (n_rows, n_columns).

    "mcar": each with the same probability. "mar": every third column stays whole, and the others are missing
    with a probability that grows from 0 to twice the share with the rank of a whole column's value.
    """
    n_rows, n_columns = features.shape
    if mechanism == "mcar":
        return rng.random((n_rows, n_columns)) < share
    holes = np.zeros((n_rows, n_columns), dtype=bool)
    whole = [place for place in range(n_columns) if place % 3 == 0]
    ranks = []
    for place in whole:
        codes = pd.Series(pd.factorize(features.iloc[:, place], sort=True)[0])
        ranks.append((codes.rank(method="average").to_numpy() - 0.5) / n_rows)
    for place in range(n_columns):
        if place not in whole:
            driver = ranks[int(rng.integers(len(whole)))]
            holes[:, place] = rng.random(n_rows) < 2 * share * driver
    return holes


# The imputers: a filled table, and several draws of it where there is such a thing

Filled = tuple[pd.DataFrame, list[pd.DataFrame]]


def _ganaug(partial: pd.DataFrame, is_train: Bools, categories: list[str], seed: int, quick: bool) -> Filled:
    own = GANSynthesizer(random_state=seed, time_budget_seconds=QUICK_SECONDS if quick else None)
    imputer = GANImputer(own, random_state=seed).fit(partial[is_train])
    draws = imputer.impute(partial[~is_train], n_draws=N_DRAWS, random_state=seed + 1)
    return imputer.transform(partial), [_at(draw, partial, ~is_train) for draw in draws]


def _simple(partial: pd.DataFrame, is_train: Bools, categories: list[str], seed: int, quick: bool) -> Filled:
    filled = partial.copy()
    for name in partial:
        cells = partial[[name]].astype(object).where(partial[[name]].notna(), np.nan)
        if name not in categories:
            cells = partial[[name]].astype(np.float64)
        strategy = "most_frequent" if name in categories else "median"
        imputer = SimpleImputer(strategy=strategy, keep_empty_features=True).fit(cells[is_train])
        filled[name] = imputer.transform(cells)[:, 0]
    return filled, []


def _knn(partial: pd.DataFrame, is_train: Bools, categories: list[str], seed: int, quick: bool) -> Filled:
    coder = _Coder(partial[is_train], categories)
    imputer = KNNImputer(keep_empty_features=True).fit(coder.code(partial[is_train]))
    return coder.decode(imputer.transform(coder.code(partial)), partial), []


def _iterative(
    partial: pd.DataFrame, is_train: Bools, categories: list[str], seed: int, quick: bool
) -> Filled:
    coder = _Coder(partial[is_train], categories, drops_one=True)
    coded = coder.code(partial)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that ten rounds weren't enough
        point = IterativeImputer(random_state=seed, keep_empty_features=True).fit(coded[is_train])
        filled = coder.decode(point.transform(coded), partial)
        options = {"random_state": seed, "max_iter": DRAWN_ROUNDS, "keep_empty_features": True}
        drawer = IterativeImputer(sample_posterior=True, **options).fit(coded[is_train])
        unseen, cells = partial[~is_train], coded[~is_train]
        # each transform goes on with the imputer's own generator
        draws = [coder.decode(drawer.transform(cells), unseen) for _ in range(N_DRAWS)]
    return filled, [_at(draw, partial, ~is_train) for draw in draws]


def _at(draw: pd.DataFrame, partial: pd.DataFrame, rows: Bools) -> pd.DataFrame:
    """A draw of some rows at their places in the whole table, whose other rows are never looked at."""
    return draw.set_axis(partial.index[rows]).reindex(partial.index)


_FILL = {"ganaug": _ganaug, "simple": _simple, "knn": _knn, "iterative": _iterative}


class _Coder:
    """Numbers of unit variance, and a column for each of a category's levels; and back.

    For a regression the rarest level has none: the others would tell it, and it them, whatever the row is,
    so that what they were first filled with would never change.
    """

    def __init__(self, train: pd.DataFrame, categories: list[str], *, drops_one: bool = False) -> None:
        self.drops_one = drops_one
        self.levels = {name: train[name].value_counts().index[:FEW_LEVELS].tolist() for name in categories}
        numbers = train.drop(columns=categories).astype(np.float64)
        self.mean, self.spread = numbers.mean(), numbers.std().replace(0, 1)

    def code(self, table: pd.DataFrame) -> npt.NDArray[np.float64]:
        numbers = (table[self.mean.index].astype(np.float64) - self.mean) / self.spread
        parts = [numbers.to_numpy(np.float64)]
        for name, levels in self.levels.items():
            cells = table[name].astype(object)
            dummies = np.stack([(cells == level).fillna(False).to_numpy(bool) for level in levels], axis=1)
            kept = dummies[:, : len(levels) - self.drops_one]
            parts.append(np.where(table[name].isna().to_numpy()[:, None], np.nan, kept))
        return np.concatenate(parts, axis=1)

    def decode(self, coded: npt.NDArray[np.float64], partial: pd.DataFrame) -> pd.DataFrame:
        """The table with its gaps filled from coded rows."""
        filled, place = partial.copy(), 0
        for name in self.mean.index:
            column = pd.Series(coded[:, place] * self.spread[name] + self.mean[name], index=partial.index)
            filled[name] = partial[name].astype(np.float64).fillna(column)
            place += 1
        for name, levels in self.levels.items():
            width = len(levels) - self.drops_one
            scores = coded[:, place : place + width]
            if self.drops_one:
                scores = np.column_stack([scores, 1 - scores.sum(axis=1)])
            best = scores.argmax(axis=1)
            column = pd.Series([levels[code] for code in best], index=partial.index, dtype=object)
            filled[name] = partial[name].astype(object).where(partial[name].notna(), column)
            place += width
        return filled


# The judges


def _cell_errors(
    truth: pd.DataFrame,
    filled: pd.DataFrame,
    draws: list[pd.DataFrame],
    holes: Bools,
    categories: list[str],
    rows: Bools,
) -> dict[str, float]:
    """Errors of hidden cells of unseen rows, averaged over columns; numbers in units of their spread.

    The pinball loss, over the quantiles .1, .5 and .9, is that of the draws, where there are any.
    """
    mae, pinball, wrong = [], [], []
    for place, name in enumerate(truth):
        hidden = holes[:, place] & rows & truth[name].notna().to_numpy(dtype=bool)
        if not hidden.any():
            continue
        true, found = truth.loc[hidden, name], filled.loc[hidden, name]
        if name in categories:
            wrong.append(float(np.mean(true.astype(object).to_numpy() != found.astype(object).to_numpy())))
            continue
        spread = float(truth[name].std()) or 1.0
        true, found = (cells.to_numpy(dtype=np.float64) / spread for cells in (true, found))
        mae.append(float(np.abs(true - found).mean()))
        drawn = [draw.loc[hidden, name].to_numpy(dtype=np.float64) / spread for draw in draws] or [found]
        losses = []
        for level in (0.1, 0.5, 0.9):
            gap = true - np.quantile(np.stack(drawn), level, axis=0)
            losses.append(np.maximum(level * gap, (level - 1) * gap).mean())
        pinball.append(float(np.mean(losses)))
    scores = {"mae": mae, "pinball": pinball, "category_error": wrong}
    return {name: float(np.mean(values)) for name, values in scores.items() if values}


def _coverage(
    truth: pd.DataFrame, draws: list[pd.DataFrame], holes: Bools, categories: list[str], rows: Bools
) -> dict[str, float]:
    """Share of 90 % intervals that hold the truth: of hidden numbers, and of column means (Rubin's rules)."""
    inside, means = [], []
    for place, name in enumerate(truth):
        hidden = holes[:, place] & rows & truth[name].notna().to_numpy(dtype=bool)
        if name in categories or not hidden.any() or len(draws) < 2:
            continue
        true = truth.loc[hidden, name].to_numpy(dtype=np.float64)
        drawn = np.sort([draw.loc[hidden, name].to_numpy(dtype=np.float64) for draw in draws], axis=0)
        if len(draws) == N_DRAWS:
            inside.append(float(((drawn[OUTERMOST - 1] <= true) & (true <= drawn[-OUTERMOST])).mean()))
        # of the column's mean in these very rows: only what was imputed is uncertain
        each = np.array([draw.loc[hidden, name].to_numpy(dtype=np.float64).mean() for draw in draws])
        error = np.sqrt(each.var(ddof=1) * (1 + 1 / len(each)))
        reach = stats.t.ppf(0.95, len(each) - 1) * error
        means.append(float(abs(each.mean() - true.mean()) <= reach))
    scores = {"coverage": inside, "coverage_of_means": means}
    return {name: float(np.mean(values)) for name, values in scores.items() if values}


def _downstream(
    filled: pd.DataFrame, target: pd.Series[Any], is_train: Bools, categories: list[str], classifies: bool
) -> dict[str, float]:
    """A boosted tree fitted on filled rows and tested on others: AUC, or mean absolute error in spreads."""
    coded = filled.copy()
    for name in categories:
        codes, levels = pd.factorize(filled[name].astype(object))
        frequent = np.argsort(np.argsort(-np.bincount(codes[codes >= 0], minlength=len(levels))))
        coded[name] = np.where(codes < 0, np.nan, np.minimum(frequent[codes], 254))
    X = coded.to_numpy(dtype=np.float64)
    is_category = [name in categories for name in coded]
    options = {"random_state": 0, "categorical_features": is_category if any(is_category) else None}
    if classifies:
        y = pd.factorize(target, sort=True)[0]
        judge = HistGradientBoostingClassifier(**options).fit(X[is_train], y[is_train])
        return {"auc": float(roc_auc_score(y[~is_train], judge.predict_proba(X[~is_train])[:, 1]))}
    y = target.to_numpy(dtype=np.float64)
    judge = HistGradientBoostingRegressor(loss="absolute_error", **options).fit(X[is_train], y[is_train])
    error = mean_absolute_error(y[~is_train], judge.predict(X[~is_train]))
    return {"target_mae": float(error / y[is_train].std())}


if __name__ == "__main__":
    sys.exit(main())
