"""How faithful are rows drawn under a condition to the real rows that satisfy it?

``python -m benchmarks.conditional`` fits Adult (on its official training part) and Shoppers (on one half),
and draws, for each of ten conditions, as many rows as there are real ones that satisfy it. They are judged
against those, the rows that were fitted on and the unseen ones, wherever there are at least 500. One record
per condition and seed goes to ``benchmarks/results/conditional.json``; what is there already is left alone.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks import protocols
from benchmarks.datasets import load
from benchmarks.records import environment, read_records, write_record
from ganaug import Between, GANSynthesizer, Missing, metrics

RESULTS = Path(__file__).resolve().parent / "results"
FEWEST = 500  # real rows, below which a judge can't tell much
QUICK_ROWS, QUICK_SECONDS = 4_000, 20.0

Chosen = Callable[[pd.DataFrame], "pd.Series[bool]"]


@dataclass(frozen=True)
class Condition:
    """What is asked, and which real rows satisfy it, found without the library."""

    dataset: str
    name: str
    asked: Mapping[str, Any]
    chosen: Chosen


CONDITIONS = (
    Condition("adult", "rare class", {"income": ">50K"}, lambda t: t["income"] == ">50K"),
    Condition(
        "adult",
        "rare level",
        {"workclass": "Self-emp-inc"},
        lambda t: t["workclass"] == "Self-emp-inc",
    ),
    Condition("adult", "range", {"age": Between(60)}, lambda t: t["age"] >= 60),
    Condition(
        "adult",
        "three columns",
        {"sex": "Female", "education": ["Bachelors", "Masters"], "hours-per-week": Between(40, 50)},
        lambda t: (
            (t["sex"] == "Female")
            & t["education"].isin(["Bachelors", "Masters"])
            & t["hours-per-week"].between(40, 50)
        ),
    ),
    Condition("adult", "missing", {"occupation": Missing()}, lambda t: t["occupation"].isna()),
    Condition("shoppers", "rare class", {"Revenue": True}, lambda t: t["Revenue"]),
    Condition("shoppers", "rare level", {"TrafficType": 4}, lambda t: t["TrafficType"] == 4),
    Condition(
        "shoppers",
        "range",
        {"ProductRelated_Duration": Between(1_500)},
        lambda t: t["ProductRelated_Duration"] >= 1_500,
    ),
    Condition(
        "shoppers",
        "three columns",
        {"Month": ["Nov", "Dec"], "VisitorType": "Returning_Visitor", "ExitRates": Between(0, 0.03)},
        lambda t: (
            t["Month"].isin(["Nov", "Dec"])
            & (t["VisitorType"] == "Returning_Visitor")
            & t["ExitRates"].between(0, 0.03)
        ),
    ),
    Condition(
        "shoppers",
        "range of a number with many zeros",
        {"PageValues": Between(1e-9)},
        lambda t: t["PageValues"] > 0,
    ),
)


def main(arguments: list[str] | None = None) -> int:
    """Measure what isn't there yet; 1 if a row drawn breaks its condition."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.conditional", description=__doc__)
    parser.add_argument("--datasets", nargs="+", choices=("adult", "shoppers"), default=("adult", "shoppers"))
    parser.add_argument("--seeds", nargs="+", type=int, default=(0, 1, 2))
    parser.add_argument("--force", action="store_true", help="measure again what is there already")
    parser.add_argument(
        "--quick", action="store_true", help=f"{QUICK_ROWS} rows, {QUICK_SECONDS:g} s, seed 0"
    )
    parser.add_argument("--out", type=Path, help="default: benchmarks/results/conditional[-quick].json")
    options = parser.parse_args(arguments)
    out = options.out or RESULTS / ("conditional-quick.json" if options.quick else "conditional.json")
    all_hold = True
    for seed in (0,) if options.quick else options.seeds:
        for dataset in options.datasets:
            known = set() if options.force else {_key(record) for record in read_records(out)}
            wanted = [c for c in CONDITIONS if c.dataset == dataset]
            wanted = [c for c in wanted if (dataset, c.name, seed) not in known]
            if wanted:
                all_hold &= _measure(dataset, wanted, seed, out, options.quick)
    return int(not all_hold)


def _key(record: dict[str, Any]) -> tuple[str, str, int]:
    return record["dataset"], record["condition"], record["seed"]


def _measure(dataset: str, wanted: list[Condition], seed: int, out: Path, quick: bool) -> bool:
    parts = protocols.split(load(dataset), "half", seed, QUICK_ROWS if quick else None)
    model = GANSynthesizer(random_state=seed, time_budget_seconds=QUICK_SECONDS if quick else None)
    start = time.process_time()
    model.fit(parts.train)
    fit_seconds = time.process_time() - start
    all_hold = True
    for condition in wanted:
        record = {"dataset": dataset, "condition": condition.name, "seed": seed}
        record |= judge(model, parts, condition, seed)
        all_hold &= record["share_satisfying"] == 1.0
        print({key: round(value, 4) if isinstance(value, float) else value for key, value in record.items()})
        record |= {"fit_cpu_seconds": fit_seconds, "n_train": len(parts.train), "environment": environment()}
        key = _key(record)
        write_record(out, record, same=lambda other, key=key: _key(other) == key)  # type: ignore[misc]
    return all_hold


def judge(model: GANSynthesizer, parts: protocols.Split, condition: Condition, seed: int) -> dict[str, Any]:
    """Draw and judge: by XGBoost as the papers do, by the harder judge, and two real sets for comparison.

    Returns
    -------
    dict
        ``asked``, ``n_rows`` drawn, their ``share_satisfying``, CPU seconds, and for the rows fitted on
        (``seen``) and the others (``unseen``) how many satisfy the condition, and where they are enough the
        scores.
    """
    real = {"seen": parts.train, "unseen": parts.unseen}
    real = {name: table[_rows(condition, table)] for name, table in real.items()}
    n_rows = max(FEWEST, *(len(table) for table in real.values()))
    start = time.process_time()
    rows = model.sample(n_rows, conditions=dict(condition.asked), random_state=seed)
    spent = time.process_time() - start
    plain = model.sample(n_rows, conditions=dict(condition.asked), guidance=0, random_state=seed)
    record: dict[str, Any] = {
        "asked": str(dict(condition.asked)),
        "n_rows": n_rows,
        "sample_cpu_seconds": spent,
        "share_satisfying": float(np.mean([_rows(condition, drawn).mean() for drawn in (rows, plain)])),
    }
    declared = parts.dataset.categorical
    for name, table in real.items():
        record[f"n_{name}"] = len(table)
        if len(table) >= FEWEST:
            for suffix, drawn in (("", rows), ("_unguided", plain)):
                found = _scores(table, drawn[: len(table)], declared)
                record |= {f"{key}_{name}{suffix}": score for key, score in found.items()}
    fewest = min(map(len, real.values()))
    if fewest >= FEWEST:
        cut = [table.sample(fewest, random_state=seed) for table in real.values()]
        record |= {f"{key}_real": score for key, score in _scores(cut[1], cut[0], declared).items()}
    return record


def _rows(condition: Condition, table: pd.DataFrame) -> npt.NDArray[np.bool_]:
    return condition.chosen(table).fillna(False).to_numpy(dtype=bool)


def _scores(real: pd.DataFrame, rows: pd.DataFrame, declared: tuple[str, ...]) -> dict[str, float]:
    real, rows = (_without_gaps(table, declared) for table in (real, rows))
    constant = [name for name in real if pd.concat([real[name], rows[name]]).nunique() <= 1]
    real, rows = real.drop(columns=constant), rows.drop(columns=constant)
    kept = [name for name in declared if name not in constant]
    return {
        "tree_c2st": float(metrics.xgboost_c2st(real, rows)),
        "harder_auc": float(metrics.harder_judge_auc(real, rows, categorical=kept)),
    }


def _without_gaps(table: pd.DataFrame, declared: tuple[str, ...]) -> pd.DataFrame:
    """The papers read a missing category as a level of its own, "?"."""
    filled = {
        name: table[name].astype(object).where(table[name].notna(), "?")
        for name in declared
        if not pd.api.types.is_numeric_dtype(table[name].dtype)
    }
    return table.assign(**filled).reset_index(drop=True).replace({np.inf: np.nan})


if __name__ == "__main__":
    sys.exit(main())
