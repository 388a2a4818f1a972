"""README says what is so: its Python runs, its commands are one line each, its tables are those measured."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON_BLOCKS = re.findall(r"^```python\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE)


def marked_command(name: str) -> str:
    """The code block that follows a ``command:`` comment."""
    (block,) = re.findall(
        rf"^<!-- command:{name} -->\n```\w*\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE
    )
    return block


def test_python_blocks_run_in_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert PYTHON_BLOCKS
    names: dict[str, object] = {}
    for block in PYTHON_BLOCKS:
        exec(compile(block, "README.md", "exec"), names)


@pytest.mark.parametrize(("name", "last"), [("demo", "ganaug demo"), ("test", "pytest")])
def test_commands_are_one_line_and_install_torch_first(name, last):
    command = marked_command(name)
    assert command.count("\n") == 1
    steps = command.strip().split(" && ")
    assert steps[0] == "pip install torch==2.13.0"
    assert steps[1].startswith("pip install ")
    assert steps[-1] == last


def test_links_into_the_repository_exist():
    targets = re.findall(r"\]\((?!https?:|#)([^)\s]+)\)", TEXT)
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_markers_of_tables_come_in_pairs():
    opened = re.findall(r"<!-- table:([\w-]+) -->", TEXT)
    closed = re.findall(r"<!-- /table:([\w-]+) -->", TEXT)
    assert opened == closed
    assert len(opened) == len(set(opened)) > 0


@pytest.mark.skipif(not list(ROOT.glob("benchmarks/results/*.json")), reason="nothing was measured yet")
def test_tables_are_those_of_the_results():
    command = [sys.executable, "-m", "benchmarks.tables", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ}, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
