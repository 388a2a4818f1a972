"""A device is found, or refused before any work is done."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest
import torch

from ganaug._util.device import resolve_device

COUNT_BLOCKS_OF_THE_KERNEL = """
import ctypes
import torch
from ganaug._util.device import keep_freed_memory

class State(ctypes.Structure):  # see mallinfo2(3)
    _fields_ = [(name, ctypes.c_size_t) for name in "arena ordblks smblks hblks a b c d e f".split()]

state_of_malloc = ctypes.CDLL(None).mallinfo2
state_of_malloc.restype = State

def asked_for():
    before = state_of_malloc().hblks
    held = torch.empty(28 * 2**20, dtype=torch.uint8)
    return state_of_malloc().hblks - before

before = asked_for()
keep_freed_memory()
print(before, asked_for())
"""


def test_cpu_by_name_and_by_object():
    assert resolve_device("cpu") == torch.device("cpu")
    assert resolve_device(torch.device("cpu")) == torch.device("cpu")


@pytest.mark.parametrize("available", [True, False])
def test_auto_takes_cuda_where_there_is_one(monkeypatch, available):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    assert resolve_device().type == ("cuda" if available else "cpu")


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "", None, 1.5, "cpu:-1"])
def test_unknown_device_is_refused_by_name(device):
    with pytest.raises(ValueError, match="device must be"):
        resolve_device(device)


@pytest.mark.parametrize("device", ["meta", "cuda:99"])
def test_device_that_is_not_here_is_refused_by_name(device):
    with pytest.raises(ValueError, match="device isn't available here"):
        resolve_device(device)


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallinfo2"),
    reason="it is glibc that gives memory back",
)
def test_large_blocks_are_no_longer_asked_of_the_kernel():
    done = subprocess.run(
        [sys.executable, "-c", COUNT_BLOCKS_OF_THE_KERNEL],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.split() == ["1", "0"]
