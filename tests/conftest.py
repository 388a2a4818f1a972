"""What every test shares: a headless matplotlib, and the folder of real tables where there is one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the source tree."""
    return ROOT


@pytest.fixture(scope="session")
def data_directory() -> Path:
    """The real tables, in the folder that the environment variable GANAUG_DATA names."""
    folder = Path(os.environ.get("GANAUG_DATA", ""))
    if not (folder / "tab").is_dir():
        pytest.skip("GANAUG_DATA names no folder of real tables")
    return folder
