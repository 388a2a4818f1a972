"""Which device to compute on: ``"auto"``, a name, or a ``torch.device``, checked before any work is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["resolve_device"]


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
