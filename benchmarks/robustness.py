"""Do broken model files and killed fits do any harm?

``python -m benchmarks.robustness`` loads 2,000 mutated model files, kills a fit ten times at random moments
and resumes it, and writes ``benchmarks/results/robustness.json``.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.records import environment, write_record
from ganaug import Cascade, Checkpoint, GANSynthesizer
from ganaug.datasets import make_customers
from ganaug.exceptions import ModelFileError

RESULTS = Path(__file__).resolve().parent / "results"
SEED = 0


def main(arguments: list[str] | None = None) -> int:
    """Measure both; 1 unless every file was refused or whole, and every fit ended bit-equal."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.robustness", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100 files, 2 kills")
    parser.add_argument("--fit", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.fit:
        _fit(*map(Path, options.fit))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.ganaug"
        _fit(Path(folder) / "whole.ckpt", whole)
        counts = mutate(whole, 100 if options.quick else 2000) | kill(whole, 2 if options.quick else 10)
    record = {"seed": SEED, **counts}
    print(record)
    if not options.quick:
        write_record(RESULTS / "robustness.json", record | {"environment": environment()}, lambda other: True)
    return int(counts["neither"] > 0 or counts["bit_equal"] < counts["killed"])


def _fit(checkpoint: Path, model: Path) -> None:
    tiny = Cascade(hidden_units=8, context_units=16, embedding_units=4)
    callbacks = [Checkpoint(checkpoint, every_seconds=0.05)]
    fit = GANSynthesizer(generator=tiny, random_state=SEED, max_epochs=20, batch_size=16, callbacks=callbacks)
    fit.fit(make_customers(800, random_state=SEED)).save(model)


def mutate(whole: Path, n_files: int) -> dict[str, int]:
    """Load files that are cut, or have bits, bytes or stretches changed, half of them in the header."""
    rng, data = np.random.default_rng(SEED), whole.read_bytes()
    header = 8 + int.from_bytes(data[:8], "little")
    counts = {"files": n_files, "refused": 0, "loaded_whole": 0, "neither": 0}
    mutant = whole.with_name("mutant.ganaug")
    for i in range(n_files):
        changed = bytearray(data)
        at = int(rng.integers(header if i % 2 else len(data)))
        if i % 5 == 0:
            del changed[at:]
        elif i % 5 == 1:
            changed[at : at + 8] = rng.bytes(8)
        elif i % 5 == 2:
            del changed[at : at + int(rng.integers(1, 64))]
        elif i % 5 == 3:
            changed[at] = int(rng.choice(list(b'0123456789-e.,"[]{}')))
        else:
            changed[at] ^= 1 << int(rng.integers(8))
        mutant.write_bytes(changed)
        counts[_outcome(mutant)] += 1
    return counts


def _outcome(path: Path) -> str:
    try:
        return (
            "loaded_whole"
            if len(GANSynthesizer.load(path).sample(1_100, random_state=0)) == 1_100
            else "neither"
        )
    except ModelFileError:
        return "refused"
    except Exception as error:  # anything else is what this looks for
        print(f"{type(error).__name__}: {error}")
        return "neither"


def kill(whole: Path, n_kills: int) -> dict[str, int]:
    """Kill a fit at a random moment, start it again, and compare its weights with those of one left alone."""
    rng, expected = np.random.default_rng(SEED), _weights(whole)
    counts = {"killed": 0, "resumed": 0, "bit_equal": 0}
    while counts["killed"] < n_kills:
        with tempfile.TemporaryDirectory() as folder:
            checkpoint, model = Path(folder) / "fit.ckpt", Path(folder) / "model.ganaug"
            command = [sys.executable, "-m", "benchmarks.robustness", "--fit", str(checkpoint), str(model)]
            process = subprocess.Popen(command)
            while not checkpoint.exists() and process.poll() is None:
                time.sleep(0.005)
            time.sleep(float(rng.uniform(0, 1.5)))
            process.send_signal(signal.SIGKILL)
            if process.wait() != -signal.SIGKILL:
                continue  # it had already ended
            counts["killed"] += 1
            counts["resumed"] += checkpoint.exists()
            subprocess.run(command, check=True)
            found = _weights(model)
            counts["bit_equal"] += all(np.array_equal(found[name], expected[name]) for name in expected)
    return counts


def _weights(path: Path) -> dict[str, np.ndarray]:
    state = GANSynthesizer.load(path, device="cpu").generator_.state_dict()
    return {name: tensor.numpy() for name, tensor in state.items()}


if __name__ == "__main__":
    sys.exit(main())
