"""How faithful are synthetic tables, to rows that the generator has seen and to rows that it has not?

``python -m benchmarks.fidelity`` measures every cell (data set x protocol x method x seed) in a process of
its own, on one thread, and adds one record per cell to ``benchmarks/results/fidelity.json``. A cell that
is there already is left alone, so a run that was broken off goes on; ``--force`` measures it again.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import queue
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import protocols
from benchmarks.datasets import NAMES, load
from benchmarks.methods import METHODS, QUICK_ROWS, RESULTS
from benchmarks.records import ROOT, environment, read_records, write_record

ALL_METHODS = ("oracle", *METHODS)
SEVERAL_SEEDS = ("ganaug", "oracle")
FEW_DATASETS = ("adult", "magic")  # for a quick look, and for fits in a given time
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
ONE_THREAD = dict.fromkeys(THREADS, "1")

logger = logging.getLogger("benchmarks.fidelity")


@dataclass(frozen=True)
class Cell:
    """One measurement: which generator on which rows."""

    dataset: str
    protocol: str
    method: str
    seed: int

    def __str__(self) -> str:
        return f"{self.dataset} {self.protocol} {self.method} {self.seed}"


def main(arguments: list[str] | None = None) -> int:
    """Measure what is asked for and not there yet; 1 if a cell failed."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    options = _parser().parse_args(arguments)
    if options.run_cell:
        return _run_cell_here(Cell(**json.loads(options.run_cell)), options)
    cells = list(_cells(options))
    logger.info("%d cells, %d worker(s), results in %s", len(cells), options.workers, options.out)
    cores: queue.Queue[int | None] = queue.Queue()
    for core in _cores(options.workers, options.pin):
        cores.put(core)

    def work(cell: Cell) -> bool:
        core = cores.get()
        try:
            return _run_cell_apart(cell, core, options)
        finally:
            cores.put(core)

    with ThreadPoolExecutor(options.workers) as pool:
        done = list(pool.map(work, cells))
    return 0 if all(done) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fidelity", description=__doc__)
    parser.add_argument("--datasets", nargs="+", choices=NAMES)
    parser.add_argument("--protocols", nargs="+", choices=protocols.PROTOCOLS, default=protocols.PROTOCOLS)
    parser.add_argument("--methods", nargs="+", choices=ALL_METHODS, default=ALL_METHODS)
    parser.add_argument("--seeds", nargs="+", type=int, help="default: 0 1 2 for ganaug and oracle, else 0")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--pin", action="store_true", help="tie each worker to a core of its own")
    parser.add_argument("--force", action="store_true", help="measure again what is there already")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS} rows, two tables, seed 0")
    parser.add_argument("--keep", type=Path, help="folder for the synthetic tables (parquet)")
    parser.add_argument("--out", type=Path, help="default: benchmarks/results/fidelity[-quick].json")
    parser.add_argument("--run-cell", help=argparse.SUPPRESS)
    return parser


def _cells(options: argparse.Namespace) -> Iterable[Cell]:
    """The cells asked for, less those whose record is there."""
    options.out = options.out or RESULTS / ("fidelity-quick.json" if options.quick else "fidelity.json")
    known = set() if options.force else {_cell_of(record) for record in read_records(options.out)}
    for method in options.methods:
        everywhere = FEW_DATASETS if method in ("ganaug-matched", "residual") or options.quick else NAMES
        seeds = options.seeds or ((0, 1, 2) if method in SEVERAL_SEEDS and not options.quick else (0,))
        for seed in seeds:
            for dataset in options.datasets or everywhere:
                for protocol in options.protocols:
                    cell = Cell(dataset, protocol, method, seed)
                    if cell not in known:
                        yield cell


def _cell_of(record: dict[str, Any]) -> Cell:
    return Cell(record["dataset"], record["protocol"], record["method"], record["seed"])


def _cores(n_workers: int, pin: bool) -> list[int | None]:
    if not pin or not hasattr(os, "sched_getaffinity"):
        return [None] * n_workers
    available = sorted(os.sched_getaffinity(0))
    return [available[i % len(available)] for i in range(n_workers)]


def _run_cell_apart(cell: Cell, core: int | None, options: argparse.Namespace) -> bool:
    """Run a cell in a fresh process with one thread; tell whether it went well."""
    command = [sys.executable, "-m", "benchmarks.fidelity", "--run-cell", json.dumps(asdict(cell))]
    command += ["--out", str(options.out.resolve())]
    command += ["--quick"] if options.quick else []
    command += ["--keep", str(options.keep.resolve())] if options.keep else []
    limits = ONE_THREAD | ({"GANAUG_BENCHMARK_CORE": str(core)} if core is not None else {})
    result = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | limits,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if result.returncode:
        logger.error("%s FAILED:\n%s", cell, result.stdout[-4000:])
        return False
    logger.info("%s", result.stdout.strip().splitlines()[-1])
    return True


def _run_cell_here(cell: Cell, options: argparse.Namespace) -> int:
    core = os.environ.get("GANAUG_BENCHMARK_CORE")
    if core is not None:
        os.sched_setaffinity(0, {int(core)})
    for record in measure(cell, QUICK_ROWS if options.quick else None, options.keep):
        own = _cell_of(record)
        write_record(options.out, record, same=lambda other, own=own: _cell_of(other) == own)
        shown = {name: round(value, 4) for name, value in record["scores"].items()}
        spent = sum(record["judge_seconds"].values())
        print(f"{own}: fit {record.get('fit_cpu_seconds', 0):.1f} s, judges {spent:.1f} s, {shown}")
    return 0


def measure(cell: Cell, max_rows: int | None = None, keep: Path | None = None) -> list[dict[str, Any]]:
    """Fit, sample and judge one cell; of our own fit, also its parts: the ablation.

    Returns
    -------
    list of dict
        The cell, rows, costs (CPU seconds; MB that the fit added to the memory after imports), ``scores``
        and ``judge_seconds`` by judge, and the environment.
    """
    parts = protocols.split(load(cell.dataset), cell.protocol, cell.seed, max_rows)
    rows = {"n_train": len(parts.train), "n_unseen": len(parts.unseen), "n_synthetic": parts.n_synthetic}
    known = rows | {"environment": environment()}
    if cell.method == "oracle":
        scores, seconds = protocols.judge_real(parts, cell.seed)
        return [asdict(cell) | known | {"scores": scores, "judge_seconds": seconds}]
    records = []
    for suffix, synthetic, costs in METHODS[cell.method](parts, cell.seed):
        own = asdict(replace(cell, method=cell.method + suffix))
        if keep:
            keep.mkdir(parents=True, exist_ok=True)
            synthetic.to_parquet(keep / f"{'-'.join(map(str, own.values()))}.parquet")
        scores, seconds = protocols.judge(parts, synthetic)
        records.append(own | known | costs | {"scores": scores, "judge_seconds": seconds})
    return records


if __name__ == "__main__":
    sys.exit(main())
