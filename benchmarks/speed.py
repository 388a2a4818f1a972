"""What drawing, encoding, judging and over-sampling cost, beside plain matrix products on the same core.

``python -m benchmarks.speed`` measures on one thread (a report on all cores), takes medians, and writes
``benchmarks/results/speed.json``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.datasets import make_classification

from benchmarks.datasets import load
from benchmarks.fidelity import ONE_THREAD
from benchmarks.records import ROOT, environment, reset_peak_memory, resident_mb, write_record
from ganaug import GANOversampler, GANSynthesizer, evaluate
from ganaug.tabular.codec import TableCodec

RESULTS = Path(__file__).resolve().parent / "results"


def main(arguments: list[str] | None = None) -> int:
    """Measure everything and write it down."""
    measures = {m.__name__: m for m in (importing, drawing, coding, judging, resampling, checking)}
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--measures", nargs="+", choices=measures, help="default: all")
    parser.add_argument("--quick", action="store_true", help="fewer rows: does it run?")
    parser.add_argument("--out", type=Path, default=RESULTS / "speed.json")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    scale = 20 if options.quick else 1
    adult = load("adult")
    train = adult.table.iloc[: adult.n_official_train]
    for name in options.measures or measures:
        for what, value, note in measures[name](train, scale):
            record = {"what": what, "value": value, "note": note}
            write_record(options.out, record | {"environment": environment()}, _same(record))
            print(f"{what}: {value} ({note})")
    return 0


def _same(record: dict[str, Any]) -> Callable[[dict[str, Any]], bool]:
    return lambda other: other["what"] == record["what"]


def importing(train: pd.DataFrame, scale: int) -> list[tuple[str, str, str]]:
    """Time of ``import ganaug``, in a fresh process each."""
    code = "import time; t = time.perf_counter(); import ganaug; print(time.perf_counter() - t)"
    seconds = [float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(5)]
    return [("import ganaug", f"{statistics.median(seconds):.3f} s", "median of 5 processes")]


def drawing(train: pd.DataFrame, scale: int) -> list[tuple[str, str, str]]:
    """Rows of Adult a second on one core, and what fitting them adds to the memory."""
    model = GANSynthesizer(random_state=0, max_epochs=8)
    reset_peak_memory()
    before = resident_mb()
    model.fit(train)
    added = resident_mb(peak=True) - before
    n_rows = 100_000 // scale
    rate, guided = (
        statistics.median(
            n_rows / _cpu_seconds(partial(model.sample, n_rows, guidance=own)) for _ in range(3)
        )
        for own in (0, "auto")
    )
    trees, peak = model.discriminator_.n_trees if model.discriminator_ else 0, _matmul_rate()
    products = _products_per_row(model.generator_)
    share = rate * products / peak
    return [
        ("sampling Adult, unguided", f"{rate:,.0f} rows/s", "one core, whole rows as a table, median of 3"),
        (
            "sampling Adult, guided",
            f"{guided:,.0f} rows/s",
            f"by {trees} trees, {model.sample_info_['n_drawn'] // n_rows} rows drawn for one",
        ),
        ("unguided, beside plain matrix products", f"{share:.0%}", "of that core's rate of multiplications"),
        ("memory that fitting Adult adds", f"{added:,.0f} MB", "peak, after imports"),
    ]


def coding(train: pd.DataFrame, scale: int) -> list[tuple[str, str, str]]:
    """Encoding and decoding of a million rows."""
    n_rows = 1_000_000 // scale
    table = train.sample(n_rows, replace=True, random_state=0).reset_index(drop=True)
    reset_peak_memory()
    before = resident_mb()
    start = time.process_time()
    codec = TableCodec.fit(table)
    fitted = time.process_time()
    codes = codec.encode(table)
    codec.decode(codes, np.random.default_rng(0))
    seconds = time.process_time() - fitted
    size = f"{n_rows:,} x {table.shape[1]}"
    return [
        (f"learning the codec of {size}", f"{fitted - start:.1f} s", "CPU"),
        (f"encoding and decoding {size}", f"{seconds:.1f} s", "CPU"),
        ("memory that the three add", f"{resident_mb(peak=True) - before:,.0f} MB", "peak"),
    ]


def judging(train: pd.DataFrame, scale: int) -> list[tuple[str, str, str]]:
    """A report with its page, of rows of which every third column is shuffled."""
    real, unseen = train.iloc[: 30_000 // scale], load("adult").table.iloc[len(train) :]
    rows = real.sample(len(real), replace=True, random_state=0).reset_index(drop=True)
    for name in rows.columns[::3]:
        rows[name] = rows[name].sample(frac=1, random_state=0).to_numpy()
    began, start = time.perf_counter(), time.process_time()
    report = evaluate(real, rows, real_holdout=unseen, target="income", random_state=0)
    with tempfile.TemporaryDirectory() as folder:
        report.save_html(Path(folder) / "report.html")
    wall, cpu = time.perf_counter() - began, time.process_time() - start
    return [
        (f"report of {len(real):,} x {real.shape[1]} rows", f"{wall:.0f} s", f"wall clock; {cpu:.0f} CPU s")
    ]


def resampling(train: pd.DataFrame, scale: int) -> list[tuple[str, str, str]]:
    """`GANOversampler` with default settings on made-up classes, nine to one."""
    found = []
    for n_rows in (5_000 // scale, 200):
        X, y = make_classification(n_rows, 20, n_informative=8, weights=[0.9], random_state=0)
        sampler = GANOversampler(random_state=0)
        seconds = _cpu_seconds(partial(sampler.fit_resample, X, y))
        found.append((f"over-sampling {n_rows:,} x 20 rows", f"{seconds:.1f} s", "CPU, defaults"))
    return found


def checking(train: pd.DataFrame, scale: int) -> list[tuple[str, str, str]]:
    """scikit-learn's checks of `GANSynthesizer` and the meta-estimators, imbalanced-learn's of its own."""
    suites = {
        "check suite of GANSynthesizer": ["tests/test_sklearn.py"],
        "check suites of the over-sampler and the augmented": [
            "tests/pipelines/test_oversampler.py",
            "tests/pipelines/test_augmented.py",
        ],
    }
    found = []
    for what, files in suites.items():
        command = [sys.executable, "-m", "pytest", "-q", *files, "-k", "own_checks"]
        start = time.perf_counter()
        kept: dict[str, Any] = {"capture_output": True, "text": True, "env": os.environ | ONE_THREAD}
        said = subprocess.run(command, cwd=ROOT, check=True, **kept).stdout
        seconds, last = time.perf_counter() - start, said.strip().splitlines()[-1]
        found.append((what, f"{seconds:.0f} s", last.split(" in ")[0]))
    return found


def _cpu_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _matmul_rate() -> float:
    """Multiplications a second in a large float32 product."""
    a = torch.randn(1024, 1024)
    seconds = statistics.median(_cpu_seconds(lambda: a @ a) for _ in range(9))
    return 1024**3 / seconds


def _products_per_row(network: torch.nn.Module) -> int:
    """Multiplications that a row needs: every weight matrix once."""
    matrices = [
        p for name, p in network.named_parameters() if p.dim() == 3 and not name.endswith(("bias", "common"))
    ]
    return sum(matrix.numel() for matrix in matrices)


if __name__ == "__main__":
    sys.exit(main())
