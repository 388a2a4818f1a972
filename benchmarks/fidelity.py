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
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.records import environment, read_records, reset_peak_memory, resident_mb, write_record

if TYPE_CHECKING:
    import pandas as pd

    from benchmarks.protocols import Split

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
TUNED = ("adult", "shoppers", "magic", "beijing", "default")
DATASETS = (*TUNED, "telco", "king_county", "california", "wine", "german")
PROTOCOLS = ("half", "papers")
DEFAULT_SEEDS = {
    "ganaug": (0, 1, 2),
    "oracle": (0, 1, 2),
    "bootstrap": (0,),
    "smote": (0,),
    "independent": (0,),
    "tabularargn": (0,),
    "ganaug-matched": (0,),
}
PEER_DATASETS = ("adult", "magic")
QUICK_ROWS = 2000
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
    parser.add_argument("--datasets", nargs="+", choices=DATASETS)
    parser.add_argument("--protocols", nargs="+", choices=PROTOCOLS, default=PROTOCOLS)
    parser.add_argument("--methods", nargs="+", choices=list(DEFAULT_SEEDS), default=list(DEFAULT_SEEDS))
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
        everywhere = (
            PEER_DATASETS if method in ("tabularargn", "ganaug-matched") or options.quick else DATASETS
        )
        seeds = options.seeds or ((0,) if options.quick else DEFAULT_SEEDS[method])
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
    from benchmarks import protocols
    from benchmarks.datasets import load

    parts = protocols.split(load(cell.dataset), cell.protocol, cell.seed, max_rows)
    rows = {"n_train": len(parts.train), "n_unseen": len(parts.unseen), "n_synthetic": parts.n_synthetic}
    known = rows | {"environment": environment()}
    if cell.method == "oracle":
        scores, seconds = protocols.judge_real(parts, cell.seed)
        return [asdict(cell) | known | {"scores": scores, "judge_seconds": seconds}]
    if cell.method == "ganaug-matched":
        generated = _ganaug(parts, cell.seed, _seconds_of_peer(cell))[:1]
    elif cell.method == "ganaug":
        generated = _ganaug(parts, cell.seed)
    else:
        generate = _METHODS.get(cell.method) or _end_of_scale(protocols.ENDS[cell.method])
        generated = [("", *generate(parts, cell.seed))]
    records = []
    for suffix, synthetic, costs in generated:
        own = asdict(replace(cell, method=cell.method + suffix))
        if keep:
            keep.mkdir(parents=True, exist_ok=True)
            synthetic.to_parquet(keep / f"{'-'.join(map(str, own.values()))}.parquet")
        scores, seconds = protocols.judge(parts, synthetic)
        records.append(own | known | costs | {"scores": scores, "judge_seconds": seconds})
    return records


Generate = Callable[["Split", int], "tuple[pd.DataFrame, dict[str, Any]]"]


def _ganaug(
    parts: Split, seed: int, budget: float | None = None
) -> list[tuple[str, pd.DataFrame, dict[str, Any]]]:
    """One fit, and rows drawn from it: as by default, then by its parts."""
    import torch

    from ganaug import GANSynthesizer

    torch.set_num_threads(1)
    model = GANSynthesizer(random_state=seed, time_budget_seconds=budget)
    reset_peak_memory()
    memory, wall, start = resident_mb(), time.perf_counter(), time.process_time()
    model.fit(parts.train)
    fitted, wall = time.process_time(), time.perf_counter() - wall
    added = resident_mb(peak=True) - memory
    costs = {
        "fit_cpu_seconds": fitted - start,
        "fit_wall_seconds": wall,
        "fit_memory_mb": added,
        "n_iter": int(model.n_iter_),
        "gain": model._model.guide.gain,
    }
    found = []
    for suffix, guide in _ablated(model._model.guide, parts).items():
        model._model = replace(model._model, guide=guide)
        start = time.process_time()
        synthetic = model.sample(parts.n_synthetic, random_state=seed)
        spent = {"sample_cpu_seconds": time.process_time() - start, **model.sample_info_}
        found.append((suffix, synthetic, costs | spent))
    return found


def _ablated(guide: Any, parts: Split) -> dict[str, Any]:
    """The guide, and what is left of it without its parts; in the papers' protocol all or nothing."""
    if parts.dataset.name not in TUNED:
        return {"": guide}
    guides = {"": guide, "-cascade": None}
    if parts.protocol == "half":
        guides["-raking"] = replace(guide, discriminator=None)
        one = tuple(np.zeros_like(bins) for bins in guide.margins.bins)
        nothing = replace(guide.margins, bins=one, shares=tuple(np.ones(1) for _ in one))
        guides["-discriminator"] = replace(guide, margins=nothing)
    return guides


def _seconds_of_peer(cell: Cell) -> float:
    """CPU seconds that TabularARGN took for the same rows: ours may be no slower."""
    peer = Cell(cell.dataset, cell.protocol, "tabularargn", 0)
    taken = [r["fit_cpu_seconds"] for r in read_records(RESULTS / "fidelity.json") if _cell_of(r) == peer]
    if not taken:
        raise ValueError(f"Measure {peer} first: it says how long ganaug-matched may take.")
    return 0.95 * float(taken[0])  # what it costs to set up and to end comes on top


def _end_of_scale(draw: Callable[[Split, int], pd.DataFrame]) -> Generate:
    def generate(parts: Split, seed: int) -> tuple[pd.DataFrame, dict[str, Any]]:
        start = time.process_time()
        synthetic = draw(parts, seed)
        return synthetic, {"sample_cpu_seconds": time.process_time() - start}

    return generate


def _tabularargn(parts: Split, seed: int) -> tuple[pd.DataFrame, dict[str, Any]]:
    import pandas as pd

    from benchmarks.peers.environments import python_of

    python, script = python_of("tabularargn"), ROOT / "benchmarks" / "peers" / "tabularargn.py"
    with tempfile.TemporaryDirectory() as folder:
        train, synthetic, costs = (Path(folder) / name for name in ("train", "synthetic", "costs"))
        parts.train.to_parquet(train)
        files, extra = [str(train), str(synthetic), str(costs)], ["--rows", str(parts.n_synthetic)]
        command = [str(python), str(script), *files, *extra, "--seed", str(seed)]
        subprocess.run(command, check=True, cwd=folder)
        table = pd.read_parquet(synthetic)
        return table.astype(parts.train.dtypes.to_dict()), json.loads(costs.read_text())


_METHODS: dict[str, Generate] = {"tabularargn": _tabularargn}


if __name__ == "__main__":
    sys.exit(main())
