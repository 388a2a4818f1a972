"""Images and their labels in files of numpy arrays."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug._util.files import atomic_writer

__all__ = ["ARRAYS", "read_arrays", "write_arrays"]

ARRAYS = (".npy", ".npz")


def read_arrays(path: Path, target: str | None) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """The one array of three axes or more in a file, and that of the labels where it is named.

    Parameters
    ----------
    path : Path
        A .npy file, or a .npz file with named arrays; nothing in it is unpickled.
    target : str, optional
    """
    if not path.exists():
        raise FileNotFoundError(2, "No such file", str(path))
    loaded = np.load(path, allow_pickle=False)
    arrays = {"X": loaded} if isinstance(loaded, np.ndarray) else dict(loaded)
    if target is not None and target not in arrays:
        raise ValueError(f"--target {target!r} is no array of the file; it has {', '.join(arrays)}.")
    labels = None if target is None else arrays.pop(target)
    images = [array for array in arrays.values() if array.ndim >= 3]
    if len(images) != 1:
        raise ValueError(f"There must be one array of images in the file, got {len(images)} in {str(path)!r}")
    return images[0], labels


def write_arrays(path: str | os.PathLike[str], arrays: Mapping[str, Any]) -> None:
    """Write named arrays to a .npz file, which appears whole or not at all."""
    with atomic_writer(path) as file:
        np.savez_compressed(file, **arrays)
