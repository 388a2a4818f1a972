"""Does adding rows to a rare class help, and whose rows?

``python -m benchmarks.oversampling`` measures every task of `benchmarks.imbalanced` by repeated stratified
two-fold cross-validation, with everything inside the folds: each cell (task, repetition) runs in a process of
its own on one thread, and adds a record to ``benchmarks/results/oversampling.json``. What is there already is
left alone. ``--adult`` measures Adult with a tenth of its rare class, three seeds, instead.

In a fold one generator is fitted, and shared by all learners: the rows are the same.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.fidelity import ONE_THREAD
from benchmarks.imbalanced import MOST_ROWS, ImbalancedTask, load_task, names
from benchmarks.records import environment, read_records, write_record
from benchmarks.treatments import LEARNERS, METHODS, Fold, judge, measure_adult

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "benchmarks" / "results" / "oversampling.json"
N_FOLDS = 2
QUICK = ("ecoli3", "car-good")

logger = logging.getLogger("benchmarks.oversampling")


def main(arguments: list[str] | None = None) -> int:
    """Measure what is asked for and not there yet; 1 if a cell failed."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    options = _parser().parse_args(arguments)
    options.out = options.out or (OUT.with_stem("oversampling-quick") if options.quick else OUT)
    if options.run_cell:
        return _run_cell_here(options.run_cell, options.out)
    known = {_cell_of(record) for record in read_records(options.out)}
    tasks = ["adult-tenth"] if options.adult else options.tasks or (QUICK if options.quick else names())
    cells = [(task, seed) for seed in options.seeds for task in tasks if (task, seed) not in known]
    logger.info("%d cells, results in %s", len(cells), options.out)
    done = [_run_cell_apart(cell, options.out) for cell in cells]
    return 0 if all(done) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.oversampling", description=__doc__)
    parser.add_argument("--tasks", nargs="+", choices=names())
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1], help="repetitions")
    parser.add_argument("--adult", action="store_true", help="Adult with a tenth of its rare class")
    parser.add_argument("--quick", action="store_true", help=f"{', '.join(QUICK)} alone")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--run-cell", nargs=2, help=argparse.SUPPRESS)
    return parser


def _cell_of(record: dict[str, Any]) -> tuple[str, int]:
    return record["task"], record["seed"]


def _run_cell_apart(cell: tuple[str, int], out: Path) -> bool:
    command = [sys.executable, "-m", "benchmarks.oversampling", "--run-cell", cell[0], str(cell[1])]
    command += ["--out", str(out.resolve())]
    kept: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    result = subprocess.run(command, cwd=ROOT, env=os.environ | ONE_THREAD, check=False, **kept)
    if result.returncode:
        logger.error("%s FAILED:\n%s", cell, result.stdout[-4000:])
        return False
    logger.info("%s", result.stdout.strip().splitlines()[-1])
    return True


def _run_cell_here(cell: list[str], out: Path) -> int:
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # of what learners and others' samplers say about few rows
    name, seed = cell[0], int(cell[1])
    start = time.process_time()
    record = measure_adult(seed) if name == "adult-tenth" else measure(load_task(name, seed), seed)
    record |= {"task": name, "seed": seed, "cpu_seconds": time.process_time() - start}
    record["environment"] = environment()
    write_record(out, record, same=lambda other: _cell_of(other) == (name, seed))
    shown = {
        learner: {method: round(scores["average_precision"], 3) for method, scores in by_method.items()}
        for learner, by_method in record["scores"].items()
    }
    print(f"{name} {seed}: {record['cpu_seconds']:.0f} s {json.dumps(shown)}")
    return 0


def measure(task: ImbalancedTask, seed: int) -> dict[str, Any]:
    """All methods with all learners on the folds of one repetition.

    Returns
    -------
    dict
        Sizes; ``scores`` by learner, method and measure, means over the folds; ``chosen``, what
        balance="auto" took in each fold; and the CPU seconds of each method, learners included.
    """
    from sklearn.model_selection import StratifiedKFold

    found: dict[str, dict[str, list[dict[str, float]]]] = {learner: {} for learner in LEARNERS}
    spent, chosen = dict.fromkeys(METHODS, 0.0), {learner: [] for learner in LEARNERS}
    for train, test in StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed).split(task.X, task.y):
        with tempfile.TemporaryDirectory() as folder:
            fold = Fold(task.X.iloc[train].reset_index(drop=True), task.y[train], seed, folder)
            for method in METHODS:
                start = time.process_time()
                for learner in LEARNERS:
                    model = METHODS[method](fold, learner)
                    scores = judge(model, task.X.iloc[test], task.y[test])
                    found[learner].setdefault(method, []).append(scores)
                    if hasattr(model, "report_"):
                        chosen[learner].append(model.report_.treatment.name)
                spent[method] += time.process_time() - start
    means = {
        learner: {method: pd.DataFrame(scores).mean().to_dict() for method, scores in by_method.items()}
        for learner, by_method in found.items()
    }
    sizes = {"n_rows": len(task.y), "n_columns": task.X.shape[1], "n_rare": int(task.y.sum())}
    sizes |= {"is_mixed": bool(task.is_mixed), "most_rows": MOST_ROWS, "n_folds": N_FOLDS}
    sizes["n_missing"] = int(np.sum(task.X.isna().to_numpy()))
    return {**sizes, "scores": means, "chosen": chosen, "cpu_by_method": spent}


if __name__ == "__main__":
    sys.exit(main())
