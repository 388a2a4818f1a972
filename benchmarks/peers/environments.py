"""Where another library runs: a virtual environment of its own, made when it is missing.

``GANAUG_PEERS`` names the folder of the environments; by default ``~/.cache/ganaug-peers``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.records import locked

TORCH = "torch==2.13.0"


def python_of(peer: str, *, needs_torch: bool = True) -> Path:
    """Python of a peer's environment, which takes some minutes the first time.

    Parameters
    ----------
    peer : str
        Stem of its requirements file in this folder. They are complete, hence ``--no-deps``.
    needs_torch : bool, default=True
    """
    given = os.environ.get("GANAUG_PEERS")
    folder = (Path(given) if given else Path.home() / ".cache" / "ganaug-peers") / peer
    python = folder / "bin" / "python"
    ready = folder / "ready"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        if not ready.exists():
            requirements = Path(__file__).with_name(f"{peer}.txt")
            pip = [str(python), "-m", "pip", "install", "--quiet"]
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
            if needs_torch:
                subprocess.run([*pip, TORCH], check=True)  # first and alone: nothing pulls another build
            subprocess.run([*pip, "--no-deps", "-r", str(requirements)], check=True)
            ready.touch()
    return python
