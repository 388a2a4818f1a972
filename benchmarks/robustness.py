"""What broken files and sudden kills do: thousands of mutated model files, and fits that are shot and resumed.

``python -m benchmarks.robustness`` loads 2,000 mutated model files, each of which must be refused with a
`ModelFileError` or load whole and sample, in memory that its size justifies; then it kills ten fits by SIGKILL
at random moments and runs them again, which must end bit-equal to one that was never killed. It writes
``benchmarks/results/robustness.json``.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import safetensors.numpy
import torch

from benchmarks.records import environment, reset_peak_memory, resident_mb, write_record
from ganaug import Callback, Cascade, Checkpoint, GANSynthesizer
from ganaug._util.store import load_file
from ganaug.datasets import make_customers
from ganaug.exceptions import ModelFileError

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
MOST_MEMORY_MB = 2_000  # beyond what is held before a load; more is refused by the system
HOSTILE: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 3, 65_536, 10**6, 10**9, 2**31 - 1, 2**63, -(2**63), 10**400, -(10**30)),
    *(0.5, -0.0, 1e308, -1e308, 1e-320, float("nan"), float("inf"), float("-inf")),
    *(
        "",
        "a",
        "category",
        "number",
        "None",
        "NaT",
        "O",
        "|O",
        "<f8",
        "<U1000000000",
        "<M8[ns]",
        "x" * 10_000,
    ),
    *([], [[]], [None], [0], ["a", "a"], list(range(1_000)), {}, {"": {}}, {"numpy": "<c16"}),
    {"range": [0, 2**31 - 2, 1], "name": None},
    {"range": [0, 3, 1], "name": None},
)


def main(arguments: list[str] | None = None) -> int:
    """Measure both, write them down; 1 if anything was neither refused nor whole, or not bit-equal."""
    options = _parser().parse_args(arguments)
    if options.fit:
        fit_a_little(Path(options.fit[0]), Path(options.fit[1]))
        return 0
    torch.set_num_threads(1)
    out = options.out or RESULTS / ("robustness-quick.json" if options.quick else "robustness.json")
    files = load_mutants(options.files or (200 if options.quick else 2_000), options.seed)
    kills = kill_and_resume(options.kills or (2 if options.quick else 10), options.seed)
    for record in (files, kills):
        record |= {"seed": options.seed, "environment": environment()}
        write_record(out, record, same=lambda other, what=record["what"]: bool(other["what"] == what))
        shown = {key: value for key, value in record.items() if key not in ("environment", "runs")}
        print(json.dumps(shown, indent=2))
    return 1 if files["failed"] or kills["bit_equal"] < kills["fits"] else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.robustness", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="200 files and 2 kills: does it run?")
    parser.add_argument("--files", type=int, help="mutated files, default 2,000")
    parser.add_argument("--kills", type=int, help="fits to kill, default 10")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="default: benchmarks/results/robustness[-quick].json")
    parser.add_argument("--fit", nargs=2, help=argparse.SUPPRESS)
    return parser


# --- mutated files ------------------------------------------------------------------------------------------


def load_mutants(n_files: int, seed: int) -> dict[str, Any]:
    """Load so many mutants of a few model files, and count what became of them."""
    rng = random.Random(seed)
    counts: collections.Counter[str] = collections.Counter()
    by_kind: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    failures, most_memory = [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.ganaug"
        models = [(path.read_bytes(), name) for name, model in _models() if model.save(path) is None]
        for number in range(n_files):
            data, name = models[number % len(models)]
            kind, mutant = mutate(data, rng)
            path.write_bytes(mutant)
            outcome, memory = try_to_load(path)
            most_memory = max(most_memory, memory)
            counts[outcome.partition(":")[0]] += 1
            by_kind[kind][outcome.partition(":")[0]] += 1
            if outcome.startswith("failed"):
                failures.append(f"{number} {name} {kind} {outcome}")
    return {
        "what": "mutated model files",
        "files": n_files,
        **{outcome: counts[outcome] for outcome in ("refused", "whole", "failed")},
        "by_kind": {kind: dict(found) for kind, found in sorted(by_kind.items())},
        "failures": failures[:20],
        "file_mb": max(len(data) for data, _ in models) / 2**20,
        "most_memory_of_a_load_mb": most_memory,
    }


def _models() -> Iterator[tuple[str, GANSynthesizer]]:
    """Small fitted models of several kinds."""
    small = Cascade(hidden_units=8, context_units=8, embedding_units=4, n_components=2)
    customers = make_customers(150, random_state=0)
    kinds = {
        "labelled frame": (customers.iloc[:, 1:], customers.iloc[:, 0]),
        "array": (np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32), None),
        "text array": (np.array([["a", "b"], ["c", "d"]] * 20), None),
        "nullable": (
            pd.DataFrame({"a": pd.array([1, None, 3] * 20, "Int64"), "b": [None, "x", "y"] * 20}),
            None,
        ),
    }
    for name, (X, y) in kinds.items():
        yield name, GANSynthesizer(generator=small, max_epochs=1, random_state=0).fit(X, y)


def try_to_load(path: Path) -> tuple[str, float]:
    """What became of a file ("refused", "whole" or "failed: why"), and the memory that loading took, in MB."""
    reset_peak_memory()
    before = resident_mb()
    model = None
    try:
        with _memory_limit(), warnings.catch_warnings():
            warnings.simplefilter("error")
            model = GANSynthesizer.load(path)
    except ModelFileError:
        pass
    except Exception as error:
        return f"failed: load, {_in_one_line(error)}", resident_mb(peak=True) - before
    memory = resident_mb(peak=True) - before
    if model is None:
        return "refused", memory
    try:
        with _memory_limit():
            drawn = model.sample(3, random_state=0)
        return ("whole" if len(drawn) == 3 else f"failed: {len(drawn)} rows"), memory
    except Exception as error:
        return f"failed: sample, {_in_one_line(error)}", memory


def _in_one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


@contextlib.contextmanager
def _memory_limit() -> Iterator[None]:
    """Let the system refuse more than a little memory, where it can."""
    try:
        import resource
    except ImportError:
        yield
        return
    text = Path("/proc/self/statm")
    if not text.exists():
        yield
        return
    held = int(text.read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (held + MOST_MEMORY_MB * 2**20, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


def mutate(data: bytes, rng: random.Random) -> tuple[str, bytes]:
    """A broken copy of a model file, and in which way it was broken."""
    kind = rng.choice(tuple(_MUTATIONS))
    return kind, _MUTATIONS[kind](data, rng)


def _flip(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 16))):
        changed[_place(data, rng)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _overwrite(data: bytes, rng: random.Random) -> bytes:
    place, length = _place(data, rng), rng.randint(1, 64)
    return data[:place] + rng.randbytes(length) + data[place + length :]


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def _insert(data: bytes, rng: random.Random) -> bytes:
    place = _place(data, rng)
    return data[:place] + rng.randbytes(rng.randint(1, 64)) + data[place:]


def _delete(data: bytes, rng: random.Random) -> bytes:
    place = _place(data, rng)
    return data[:place] + data[place + rng.randint(1, 64) :]


def _edit_header(data: bytes, rng: random.Random) -> bytes:
    """Another value, hostile but valid JSON, somewhere in the header."""
    header, arrays = unpack(data)
    for _ in range(rng.choice((1, 1, 1, 3))):
        holder, key = rng.choice(list(_places(header)))
        if rng.random() < 0.15:
            del holder[key]
        else:
            holder[key] = rng.choice(HOSTILE)
    return pack(header, arrays)


def _nest(data: bytes, rng: random.Random) -> bytes:
    """A value that is nested a hundred to a hundred thousand levels deep."""
    header, arrays = unpack(data)
    holder, key = rng.choice(list(_places(header)))
    holder[key] = "\0nested\0"
    depth = rng.choice((100, 1_000, 100_000))
    opening, closing = rng.choice((("[", "]"), ('{"a":', "}")))
    nested = opening * depth + "1" + closing * depth
    return pack(header, arrays, swap=(json.dumps("\0nested\0"), nested))


def _edit_arrays(data: bytes, rng: random.Random) -> bytes:
    """Another array under one of the names: other values, another shape or type, or none."""
    header, arrays = unpack(data)
    name = rng.choice(sorted(arrays))
    array = arrays[name]
    changes: tuple[Callable[[], np.ndarray], ...] = (
        lambda: np.full_like(array, 255 if array.dtype.kind in "ui" else np.nan),
        lambda: array.astype(np.float64) * np.inf,
        lambda: array.astype(np.float64) + 1e300,
        lambda: array * np.array(1e30).astype(array.dtype),
        lambda: -array,
        lambda: np.zeros_like(array),
        lambda: array.ravel()[::-1].reshape(array.shape),
        lambda: array[:0] if array.ndim else array,
        lambda: array[None],
        lambda: array.ravel(),
        lambda: np.concatenate([array.ravel()] * 3),
        lambda: array.astype(np.int64),
        lambda: array.astype(np.float16),
        lambda: np.zeros((0, 10**6), dtype=np.float32),
    )
    with np.errstate(all="ignore"):
        arrays[name] = rng.choice(changes)()
    if rng.random() < 0.1:
        del arrays[name]
    return pack(header, arrays)


_MUTATIONS: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "flipped bits": _flip,
    "overwritten bytes": _overwrite,
    "cut": _cut,
    "inserted bytes": _insert,
    "deleted bytes": _delete,
    "header edited": _edit_header,
    "header edited twice as often": _edit_header,
    "header nested": _nest,
    "array edited": _edit_arrays,
}


def _place(data: bytes, rng: random.Random) -> int:
    """A position, every other time in the part that describes the rest."""
    length = 8 + struct.unpack("<Q", data[:8])[0]
    return rng.randrange(min(length, len(data)) if rng.random() < 0.5 else len(data))


def unpack(data: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of a sound model file, without any check of ours."""
    length = struct.unpack("<Q", data[:8])[0]
    index = json.loads(data[8 : 8 + length])
    return json.loads(index["__metadata__"]["ganaug"]), safetensors.numpy.load(data)


def pack(header: Any, arrays: dict[str, np.ndarray], swap: tuple[str, str] = ("", "")) -> bytes:
    """A sound container of a header and arrays, however hostile; ``swap`` replaces text in the header."""
    text = json.dumps(header)
    text = text.replace(*swap) if swap[0] else text
    ready = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return bytes(safetensors.numpy.save(ready, metadata={"ganaug": text}))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) of a JSON value."""
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in list(keys):
        yield value, key
        yield from _places(value[key])


# --- kills --------------------------------------------------------------------------------------------------


def kill_and_resume(n_fits: int, seed: int) -> dict[str, Any]:
    """Kill fits at random moments, some of them again and again, and compare how they end."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole"
        seconds = _run(None, whole)
        assert seconds is not None
        runs = [_kill_until_done(Path(folder) / str(number), seconds, rng) for number in range(n_fits)]
        for number, run in enumerate(runs):
            run["bit_equal"] = same_weights(whole, Path(folder) / str(number) / "model")
    return {
        "what": "fits killed by SIGKILL and resumed",
        "fits": n_fits,
        "kills": sum(len(run["kills"]) for run in runs),
        "kills_while_writing": sum(kill["while_writing"] for run in runs for kill in run["kills"]),
        "bit_equal": sum(run["bit_equal"] for run in runs),
        "seconds_of_a_whole_fit": seconds,
        "runs": runs,
    }


def _kill_until_done(folder: Path, seconds: float, rng: random.Random) -> dict[str, Any]:
    """Kill a fit once or more, a random time after it has begun, then let it end."""
    folder.mkdir()
    state, kills = folder / "state", []
    n_kills = rng.choice((1, 1, 2, 3))
    while len(kills) < n_kills:
        after = rng.uniform(0.0, seconds)
        if _run(state, folder / "model", kill_after=after) is not None:
            (folder / "model").unlink()  # it was done before its time had come: once more
            continue
        parts = list(folder.glob(".state.*.tmp"))
        step = load_file(state)[0]["step"] if state.exists() else 0
        kills.append({"after_seconds": after, "resumed_from_step": step, "while_writing": bool(parts)})
        for part in parts:
            part.unlink()
    _run(state, folder / "model")
    return {"kills": kills}


def _run(state: Path | None, model: Path, kill_after: float | None = None) -> float | None:
    """Fit in a process of its own: the seconds that the fit took, None when it was killed."""
    command = [sys.executable, "-m", "benchmarks.robustness", "--fit", str(state or ""), str(model)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process, process.stdout as output:
        output.readline()  # it has begun
        began = time.monotonic()
        if kill_after is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(kill_after)
            process.send_signal(signal.SIGKILL)
        process.wait()
        seconds = time.monotonic() - began
    if process.returncode == -signal.SIGKILL and kill_after is not None:
        return None
    if process.returncode:
        raise RuntimeError(f"A fit ended with status {process.returncode}")
    return seconds


class _Say(Callback):
    def on_fit_begin(self, trainer: Any) -> None:
        print("begun", flush=True)


def fit_a_little(state: Path, model: Path) -> None:
    """What is killed: a fit with labels that writes its state after every step, unless there is no file."""
    torch.set_num_threads(1)
    customers = make_customers(400, random_state=0)
    keep = [] if str(state) == "." else [Checkpoint(state, every_seconds=0)]
    synthesizer = GANSynthesizer(
        generator=Cascade(hidden_units=32, context_units=64),
        max_epochs=40,
        batch_size=64,
        random_state=0,
        callbacks=[_Say(), *keep],
    )
    synthesizer.fit(customers.iloc[:, 1:], customers.iloc[:, 0]).save(model)


def same_weights(first: Path, second: Path) -> bool:
    """Whether two model files hold the same arrays, bit for bit."""
    (_, ours), (_, theirs) = load_file(first), load_file(second)
    return ours.keys() == theirs.keys() and all(
        ours[name].dtype == theirs[name].dtype and ours[name].tobytes() == theirs[name].tobytes()
        for name in ours
    )


if __name__ == "__main__":
    sys.exit(main())
