"""A set of hashes in so few bits that half of all other hashes look as if they were in it.

What was in the set is always found; whether something was in it can't be told.

Reference
---------
Bloom: Space/time trade-offs in hash coding with allowable errors, CACM 13, 1970 (with one hash function).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]


def make_sieve(hashes: Hashes) -> NDArray[np.uint8]:
    """Bits, about half of which are set.

    Examples
    --------
    >>> hashes = np.arange(1000, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    >>> sieve = make_sieve(hashes)
    >>> bool(may_be_in(sieve, hashes).all()), len(sieve)
    (True, 180)
    """
    n_bytes = max(1, round(len(hashes) / np.log(2) / 8))
    bits = np.zeros(8 * n_bytes, dtype=bool)
    bits[(hashes % np.uint64(8 * n_bytes)).astype(np.intp)] = True
    return np.packbits(bits, bitorder="little")


def may_be_in(sieve: NDArray[np.uint8], hashes: Hashes) -> NDArray[np.bool_]:
    """Which hashes may be of the set, shape (n_hashes,): all that are, and about half of the others."""
    bits = hashes % np.uint64(8 * len(sieve))
    byte = sieve[(bits >> np.uint64(3)).astype(np.intp)]
    found: NDArray[np.bool_] = (byte >> (bits & np.uint64(7)).astype(np.uint8)) & np.uint8(1) == 1
    return found
