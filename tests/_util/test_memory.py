"""How much memory is free."""

from __future__ import annotations

import math

import torch

from ganaug._util import memory


def test_a_cpu_has_some_and_not_all_there_could_be():
    assert 0 < memory.free_bytes(torch.device("cpu")) < 2**50 or math.isinf(
        memory.free_bytes(torch.device("cpu"))
    )


def test_a_limit_counts_and_a_system_that_does_not_say_has_no_end(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    assert math.isinf(memory.free_bytes(torch.device("cpu")))
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:    4000 kB\n")
    monkeypatch.setattr(memory, "_LIMIT", tmp_path / "max")
    assert memory.free_bytes(torch.device("cpu")) == 4000 * 1024
    (tmp_path / "max").write_text("max\n")
    assert memory.free_bytes(torch.device("cpu")) == 4000 * 1024
    (tmp_path / "max").write_text("1000\n")
    assert memory.free_bytes(torch.device("cpu")) == 1000
