"""How faithful are rows drawn under a condition to the real rows that satisfy it?

``python -m benchmarks.conditional`` fits Adult (on its official training part) and Shoppers (on one half),
and draws, for each of ten conditions, as many rows as there are real ones that satisfy it. They are judged
against those, the rows that were fitted on and the unseen ones, wherever there are at least 500. Other
libraries (``--methods``) are told what they can be told of a condition, and of what they drew the rows that
satisfy it are judged: TabularARGN completes real cells of the columns that the condition names, CTGAN gets
one level of one category. One record per condition, method and seed goes to
``benchmarks/results/conditional.json``; what is there already is left alone.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks import protocols
from benchmarks.datasets import load
from benchmarks.peers.environments import environment_of, python_of
from benchmarks.records import ROOT, environment, read_records, write_record
from ganaug import Between, GANSynthesizer, Missing, metrics

RESULTS = ROOT / "benchmarks" / "results"
PEER_CPU_SECONDS = {"tabularargn": 200, "ctgan": 200}  # about what ours takes on Adult
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
    parser.add_argument("--methods", nargs="+", choices=("ganaug", *PEER_CPU_SECONDS), default=("ganaug",))
    parser.add_argument("--seeds", nargs="+", type=int, default=(0, 1, 2))
    parser.add_argument("--force", action="store_true", help="measure again what is there already")
    parser.add_argument(
        "--quick", action="store_true", help=f"{QUICK_ROWS} rows, {QUICK_SECONDS:g} s, seed 0"
    )
    parser.add_argument("--out", type=Path, help="default: benchmarks/results/conditional[-quick].json")
    options = parser.parse_args(arguments)
    out = options.out or RESULTS / ("conditional-quick.json" if options.quick else "conditional.json")
    all_hold = True
    for seed, method, dataset in itertools.product(
        (0,) if options.quick else options.seeds, options.methods, options.datasets
    ):
        known = set() if options.force else {_key(record) for record in read_records(out)}
        wanted = [c for c in CONDITIONS if c.dataset == dataset]
        wanted = [c for c in wanted if (dataset, c.name, method, seed) not in known]
        if wanted:
            all_hold &= _measure(wanted, method, seed, out, options.quick)
    return int(not all_hold)


def _key(record: dict[str, Any]) -> tuple[str, str, str, int]:
    return record["dataset"], record["condition"], record["method"], record["seed"]


def _measure(wanted: list[Condition], method: str, seed: int, out: Path, quick: bool) -> bool:
    """Fit, draw and judge; whether all rows of ours satisfy what was asked."""
    dataset = wanted[0].dataset
    parts = protocols.split(load(dataset), "half", seed, QUICK_ROWS if quick else None)
    all_hold = True
    draw = _ours if method == "ganaug" else _peers
    for condition, drawn, costs in draw(method, wanted, parts, seed, quick):
        record = {"dataset": dataset, "condition": condition.name, "method": method, "seed": seed}
        record |= judge(drawn, parts, condition, seed)
        all_hold &= method != "ganaug" or record["share_satisfying"] == 1.0
        print({key: round(value, 4) if isinstance(value, float) else value for key, value in record.items()})
        record |= costs | {"n_train": len(parts.train), "environment": environment()}
        key = _key(record)
        write_record(out, record, same=lambda other, key=key: _key(other) == key)  # type: ignore[misc]
    return all_hold


# What draws rows under a condition: the condition, rows drawn in one way or several, and what they cost

Drawn = Iterator[tuple[Condition, dict[str, pd.DataFrame], dict[str, Any]]]


def _ours(_: str, wanted: list[Condition], parts: protocols.Split, seed: int, quick: bool) -> Drawn:
    """Rows as by default, and unguided ones."""
    model = GANSynthesizer(random_state=seed, time_budget_seconds=QUICK_SECONDS if quick else None)
    start = time.process_time()
    model.fit(parts.train)
    costs = {"fit_cpu_seconds": time.process_time() - start}
    for condition in wanted:
        asked = {
            "n_samples": _n_rows(condition, parts),
            "conditions": dict(condition.asked),
            "random_state": seed,
        }
        start = time.process_time()
        rows = model.sample(**asked)
        spent = {"sample_cpu_seconds": time.process_time() - start}
        yield condition, {"": rows, "_unguided": model.sample(guidance=0, **asked)}, costs | spent


def _peers(name: str, wanted: list[Condition], parts: protocols.Split, seed: int, quick: bool) -> Drawn:
    """Rows of another library, around cells of training rows that satisfy the condition."""
    python, script = python_of(environment_of(name)), ROOT / "benchmarks" / "peers" / "fit.py"
    limit = QUICK_SECONDS if quick else PEER_CPU_SECONDS[name]
    spec = {"rows": 1, "seed": seed, "categorical": list(parts.dataset.categorical), "cpu_seconds": limit}
    with tempfile.TemporaryDirectory() as folder:
        train, synthetic, costs = (Path(folder) / part for part in ("train", "synthetic", "costs"))
        parts.train.to_parquet(train)
        given = [Path(folder) / f"{place}.parquet" for place in range(len(wanted))]
        for path, condition in zip(given, wanted, strict=True):
            able = parts.train.loc[_rows(condition, parts.train), list(condition.asked)]
            n_rows = _n_rows(condition, parts)
            able.sample(n_rows, replace=True, random_state=seed).reset_index(drop=True).to_parquet(path)
        files = [str(path) for path in (train, synthetic, costs)]
        asked = json.dumps({**spec, "asked": [str(path) for path in given]})
        subprocess.run([str(python), str(script), name, *files, asked], check=True, cwd=folder)
        for path, condition in zip(given, wanted, strict=True):
            rows = pd.read_parquet(path.with_suffix(".drawn")).astype(parts.train.dtypes.to_dict())
            yield condition, {"": rows}, json.loads(costs.read_text())


def _n_rows(condition: Condition, parts: protocols.Split) -> int:
    """As many rows as there are real ones, and enough to judge."""
    return max(FEWEST, *(int(_rows(condition, table).sum()) for table in (parts.train, parts.unseen)))


def judge(
    drawn: dict[str, pd.DataFrame], parts: protocols.Split, condition: Condition, seed: int
) -> dict[str, Any]:
    """Judge by XGBoost as the papers do, by the harder judge, and two real sets for comparison.

    Returns
    -------
    dict
        ``asked``, ``n_rows`` wanted, the ``share_satisfying`` of those drawn, and for the rows fitted on
        (``seen``) and the others (``unseen``) how many satisfy the condition, and the scores where both these
        and the drawn rows that satisfy it are enough.
    """
    real = {"seen": parts.train, "unseen": parts.unseen}
    real = {name: table[_rows(condition, table)] for name, table in real.items()}
    record: dict[str, Any] = {
        "asked": str(dict(condition.asked)),
        "n_rows": _n_rows(condition, parts),
        "share_satisfying": float(np.mean([_rows(condition, rows).mean() for rows in drawn.values()])),
    }
    declared = parts.dataset.categorical
    for name, table in real.items():
        record[f"n_{name}"] = len(table)
        for suffix, rows in drawn.items():
            able = rows[_rows(condition, rows)]
            n_judged = min(len(table), len(able))
            if n_judged >= FEWEST:
                found = _scores(table.sample(n_judged, random_state=seed), able[:n_judged], declared)
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
