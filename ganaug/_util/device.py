"""Which device to compute on: ``"auto"``, a name, or a ``torch.device``, checked before any work is done.

And what makes computing on the CPU faster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["keep_freed_memory", "resolve_device"]

_LARGEST_LEARNED_FROM = 2**25 - 2**17  # bytes; what glibc's rule still learns from, with its own overhead


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """Find the device and make sure that it can be used.

    Parameters
    ----------
    device : str or torch.device, default="auto"
        ``"auto"`` takes the current CUDA device where there is one and the CPU otherwise. Apple's ``"mps"``
        is used only when asked for: it has no float64.

    Returns
    -------
    torch.device

    Raises
    ------
    ValueError
        If the name is unknown, or there is no such device on this machine.

    Examples
    --------
    >>> resolve_device("cpu")
    device(type='cpu')
    """
    import torch

    if isinstance(device, str) and device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"device must be 'auto', 'cpu', 'cuda', 'cuda:1' or so; got {device!r}.") from error
    try:
        torch.empty(1, device=found).fill_(0.0).tolist()  # also says no to "meta", which holds no numbers
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:
        raise ValueError(f"device isn't available here: use 'auto' or 'cpu'; got {device!r}.") from error
    return found


def keep_freed_memory() -> None:
    """Let the C library keep what a step frees for the next one, instead of asking the kernel again.

    glibc gives large blocks back to the kernel as soon as they are free, and gets them anew, page by page;
    that is a quarter of the time of a step of training. Its own rule (``mallopt(3)``, dynamic mmap threshold)
    is to stop doing so for blocks of a size that it has seen come and go; so it is shown one of the largest
    size that the rule knows, untouched. It keeps at most 64 MB then. Other C libraries take no notice.
    """
    import torch

    torch.empty(_LARGEST_LEARNED_FROM, dtype=torch.uint8, device="cpu")
