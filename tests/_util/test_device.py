"""A device is found, or refused before any work is done."""

from __future__ import annotations

import pytest
import torch

from ganaug._util.device import resolve_device


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
