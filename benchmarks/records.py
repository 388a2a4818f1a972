"""What a measurement writes down: records in one JSON file, and the machine that they come from."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (*"numpy pandas polars pyarrow hypothesis scikit-learn torch sdmetrics xgboost".split(),)


def read_records(path: Path) -> list[dict[str, Any]]:
    """The records of a results file; none where there is no file."""
    if not path.exists():
        return []
    records: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return records


def write_record(path: Path, record: dict[str, Any], same: Callable[[dict[str, Any]], bool]) -> None:
    """Add a record in place of the `same` one. Other processes may be doing so; the file is always whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path):
        records = [other for other in read_records(path) if not same(other)] + [record]
        lines = sorted(json.dumps(_rounded(entry)) for entry in records)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
            file.write("[\n" + ",\n".join(lines) + "\n]\n")
        os.chmod(file.name, 0o644)
        os.replace(file.name, path)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold what belongs to a path alone, across processes (where the platform has file locks)."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
    with open(Path(tempfile.gettempdir()) / f"ganaug-{digest}.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def environment() -> dict[str, Any]:
    """Versions, machine and how busy it is, commit and date of a measurement."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return {
        "versions": versions,
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "commit": _git("rev-parse", "HEAD"),
        "dirty": bool(_git("status", "--porcelain", "--", ".", ":!benchmarks/results")),
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    }


def resident_mb(peak: bool = False) -> float:
    """Memory of this process, now or at its largest since `reset_peak_memory`; NaN but on Linux."""
    field = "VmHWM" if peak else "VmRSS"
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return float("nan")
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def reset_peak_memory() -> None:
    """Forget the peak so far, such as that of imports, where the platform lets us."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _rounded(value: Any) -> Any:
    """Six decimals say all that these figures hold; NaN becomes null, which JSON knows."""
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    if isinstance(value, float):
        return round(value, 6) if value == value and abs(value) != float("inf") else None
    return value
