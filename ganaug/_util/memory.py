"""How much memory there is to compute with, so that what can't fit is refused before it is tried."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["free_bytes"]

_MEMINFO, _LIMIT = Path("/proc/meminfo"), Path("/sys/fs/cgroup/memory.max")


def free_bytes(device: torch.device) -> float:
    """Memory that is free on a device; infinity where the system doesn't say.

    Parameters
    ----------
    device : torch.device

    Returns
    -------
    float
    """
    import torch

    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    if device.type != "cpu":
        return float("inf")
    try:
        lines = dict(line.split(":", 1) for line in _MEMINFO.read_text().splitlines())
        free = 1024.0 * int(lines["MemAvailable"].split()[0])
    except (OSError, KeyError, ValueError):
        return float("inf")
    try:
        return min(free, float(_LIMIT.read_text()))
    except (OSError, ValueError):  # no limit
        return free
