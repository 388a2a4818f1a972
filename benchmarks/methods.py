"""How does each method that is measured make its rows? Ours, its parts, our baselines, other libraries.

A method is ``generate(parts, seed) -> [(suffix, rows, costs)]``: one fit, and rows drawn from it; the suffix
tells parts of one method apart. Costs are CPU seconds, MB that the fit added to the memory after imports, and
whatever else the method has to say of its fit.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from benchmarks import protocols
from benchmarks.peers.environments import environment_of, python_of
from benchmarks.records import ROOT, read_records, reset_peak_memory, resident_mb

if TYPE_CHECKING:
    from benchmarks.protocols import Split

RESULTS = ROOT / "benchmarks" / "results"
PEER_CPU_SECONDS = {"tabularargn": 120, "ctgan": 60, "tvae": 60, "gaussian-copula": None, "arf": None}
QUICK_CPU_SECONDS = 5
QUICK_ROWS = 2000

Generated = list[tuple[str, pd.DataFrame, dict[str, Any]]]
Generate = Callable[["Split", int], Generated]


def ganaug(parts: Split, seed: int, budget: float | None = None, generator: str = "auto") -> Generated:
    """Rows drawn as by default, then by the parts of what draws them."""
    from ganaug import GANSynthesizer

    model = GANSynthesizer(generator=generator, random_state=seed, time_budget_seconds=budget)
    costs = _fit(model, parts) | {"gain": model._model.guide.gain}
    found = []
    for suffix, guide in _ablated(model._model.guide, parts).items():
        model._model = replace(model._model, guide=guide)
        synthetic, spent = _sample(model, parts, seed)
        found.append((suffix, synthetic, costs | spent | model.sample_info_))
    return found


def residual(parts: Split, seed: int) -> Generated:
    """The one-shot generator, guided and not."""
    guided, bare = ganaug(parts, seed, generator="residual")[:2]
    return [guided, ("-unguided", *bare[1:])]


def matched(parts: Split, seed: int) -> Generated:
    """The same in the CPU seconds that TabularARGN took for these rows: ours may be no slower."""
    wanted = (parts.dataset.name, parts.protocol, "tabularargn", 0)
    taken = [
        record["fit_cpu_seconds"]
        for record in read_records(RESULTS / "fidelity.json")
        if tuple(record[key] for key in ("dataset", "protocol", "method", "seed")) == wanted
    ]
    if not taken:
        raise ValueError(f"Measure {wanted} first: it says how long ganaug-matched may take.")
    return ganaug(parts, seed, 0.95 * float(taken[0]))[:1]  # what it costs to set up and to end comes on top


def baseline(name: str, parts: Split, seed: int) -> Generated:
    """Rows of one of our baselines."""
    from ganaug import baselines

    model = getattr(baselines, name)(random_state=seed)
    costs = _fit(model, parts)
    synthetic, spent = _sample(model, parts, seed)
    return [("", synthetic, costs | spent)]


def end_of_scale(name: str, parts: Split, seed: int) -> Generated:
    """Rows made from the training rows, without a fit."""
    start = time.process_time()
    synthetic = protocols.ENDS[name](parts, seed)
    return [("", synthetic, {"sample_cpu_seconds": time.process_time() - start})]


def peer(name: str, parts: Split, seed: int) -> Generated:
    """Rows of another library, which is told what the judges read as categories."""
    python, script = python_of(environment_of(name)), ROOT / "benchmarks" / "peers" / "fit.py"
    is_cut = len(parts.train) == QUICK_ROWS
    limit = QUICK_CPU_SECONDS if is_cut else PEER_CPU_SECONDS[name]
    spec = {
        "rows": parts.n_synthetic,
        "seed": seed,
        "categorical": list(parts.dataset.categorical),
        "cpu_seconds": limit,
    }
    with tempfile.TemporaryDirectory() as folder:
        train, synthetic, costs = (Path(folder) / part for part in ("train", "synthetic", "costs"))
        parts.train.to_parquet(train)
        files = [str(path) for path in (train, synthetic, costs)]
        subprocess.run([str(python), str(script), name, *files, json.dumps(spec)], check=True, cwd=folder)
        table = pd.read_parquet(synthetic)
        return [("", table.astype(parts.train.dtypes.to_dict()), json.loads(costs.read_text()))]


BASELINES = {"autoencoder": "Autoencoder", "vae": "VAE", "rnn": "RNN"}
METHODS: dict[str, Generate] = {
    "ganaug": ganaug,
    **{name: partial(end_of_scale, name) for name in protocols.ENDS},
    **{name: partial(peer, name) for name in PEER_CPU_SECONDS},
    **{name: partial(baseline, kind) for name, kind in BASELINES.items()},
    "ganaug-matched": matched,
    "residual": residual,
}


def _fit(model: Any, parts: Split) -> dict[str, Any]:
    import torch

    torch.set_num_threads(1)
    reset_peak_memory()
    memory, wall, start = resident_mb(), time.perf_counter(), time.process_time()
    model.fit(parts.train)
    return {
        "fit_cpu_seconds": time.process_time() - start,
        "fit_wall_seconds": time.perf_counter() - wall,
        "fit_memory_mb": resident_mb(peak=True) - memory,
        "n_iter": int(model.n_iter_),
    }


def _sample(model: Any, parts: Split, seed: int) -> tuple[pd.DataFrame, dict[str, Any]]:
    start = time.process_time()
    synthetic = model.sample(parts.n_synthetic, random_state=seed)
    return synthetic, {"sample_cpu_seconds": time.process_time() - start}


def _ablated(guide: Any, parts: Split) -> dict[str, Any]:
    """The guide, and what is left of it without its parts; in the papers' protocol all or nothing."""
    guides = {"": guide, "-cascade": None}
    if parts.protocol == "half":
        guides["-raking"] = replace(guide, discriminator=None)
        one = tuple(np.zeros_like(bins) for bins in guide.margins.bins)
        nothing = replace(guide.margins, bins=one, shares=tuple(np.ones(1) for _ in one))
        guides["-discriminator"] = replace(guide, margins=nothing)
    return guides
