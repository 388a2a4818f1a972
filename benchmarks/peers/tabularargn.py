"""Fit TabularARGN (mostlyai-engine) on a table and draw rows from it; run by its own environment's Python.

``python tabularargn.py train.parquet synthetic.parquet costs.json --rows 1000 --seed 0``

Its defaults throughout, its own stop included; one thread. It needs nothing of ganaug.
"""

import argparse
import json
import time
import warnings
from pathlib import Path

import pandas as pd


def main() -> None:
    """Read, fit, sample, write; the costs are CPU seconds of the two steps alone."""
    parser = argparse.ArgumentParser()
    for name in ("train", "synthetic", "costs"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    costs = run(options.train, options.synthetic, options.rows, options.seed)
    options.costs.write_text(json.dumps(costs))


def run(train: Path, synthetic: Path, n_rows: int, seed: int) -> dict[str, object]:
    """Write the synthetic table and return what it cost."""
    import torch
    from mostlyai.engine import TabularARGN, __version__  # type: ignore[import-not-found]

    torch.set_num_threads(1)
    table = pd.read_parquet(train)
    model = TabularARGN(device="cpu", random_state=seed)
    before = memory_mb("VmRSS")
    start = time.process_time(), time.perf_counter()
    model.fit(table)
    fitted = time.process_time(), time.perf_counter()
    peak = memory_mb("VmHWM")
    rows = model.sample(n_rows)
    sampled = time.process_time()
    rows[list(table.columns)].to_parquet(synthetic)
    return {
        "fit_cpu_seconds": fitted[0] - start[0],
        "fit_wall_seconds": fitted[1] - start[1],
        "sample_cpu_seconds": sampled - fitted[0],
        "fit_memory_mb": peak - before,
        "peer_versions": {"mostlyai-engine": __version__},
    }


def memory_mb(field: str) -> float:
    """Resident size of this process, now (VmRSS) or at its largest (VmHWM), on Linux."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


if __name__ == "__main__":
    main()
