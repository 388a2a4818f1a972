"""Keeping drawn rows apart from the rows of a tiny table, which a generator is prone to repeat.

Real rows repeat each other at some rate. Where drawn rows repeat those of the fit more often than that, some
of them are drawn again. They are told by a sieve: whether a row was in fit can't be told from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganaug._util.sieve import Hashes, make_sieve, may_be_in
from ganaug._util.store import Arrays, Header, array_of, header_float
from ganaug.exceptions import ModelFileError

MOST_ROWS = 2_000  # of a table that is tiny


@dataclass(frozen=True, eq=False)
class Apart:
    """Which rows may be copies, and how many of these are drawn again.

    Parameters
    ----------
    sieve : uint8 array
        Of the hashes of the rows of the fit.
    share : float
        Of the rows drawn that may be among them.
    """

    sieve: NDArray[np.uint8]
    share: float

    @classmethod
    def fit(cls, real: NDArray[Any], drawn: NDArray[Any]) -> Apart | None:
        """Find how often real rows repeat each other, and drawn rows those; None where they do so no more.

        Parameters
        ----------
        real : integer array of shape (n_rows, n_fields)
        drawn : integer array of shape (n_drawn, n_fields)
        """
        if not 1 < len(real) <= MOST_ROWS or not len(drawn):
            return None
        own, counts = np.unique(hash_rows(real), return_counts=True)
        repeated = float(counts[counts > 1].sum() / len(real))
        copied = float(np.isin(hash_rows(drawn), own).mean())
        if copied <= repeated:
            return None
        sieve = make_sieve(own)
        caught = float(may_be_in(sieve, hash_rows(drawn)).mean())
        # So many are drawn again, over and over, that copies are left at the rate of real rows.
        share = (copied - repeated) / (copied - repeated * caught)
        return cls(sieve, float(np.clip(share, 0.0, 1.0)))

    def chosen(self, codes: Tensor, generator: torch.Generator) -> Tensor:
        """Which of the rows (n_fields, n_rows) are to be drawn again, by chance, shape (n_rows,)."""
        caught = torch.from_numpy(may_be_in(self.sieve, hash_rows(codes.t().cpu().numpy())))
        uniforms = torch.rand(codes.shape[1], generator=generator, device=generator.device)
        return caught.to(codes.device) & (uniforms.to(codes.device) < self.share)

    def to_state(self) -> tuple[Header, Arrays]:
        """A JSON-able header and arrays."""
        return {"share": self.share}, {"sieve": self.sieve}

    @classmethod
    def from_state(cls, header: Header, arrays: Arrays) -> Apart:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`."""
        sieve = array_of(arrays, "sieve", "u").astype(np.uint8)
        share = header_float(header, "share", minimum=0.0, maximum=1.0)
        if not len(sieve) or np.isnan(share):
            raise ModelFileError("The sieve of rows in the file is broken.")
        return cls(sieve, share)


def hash_rows(codes: NDArray[Any]) -> Hashes:
    """A 64-bit hash of each row of codes, whatever their integer type.

    Reference
    ---------
    Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014 (the mixing function).

    Examples
    --------
    >>> hashes = hash_rows(np.array([[0, 1], [1, 0], [0, 1]], dtype=np.int8))
    >>> bool(hashes[0] == hashes[2]), bool(hashes[0] == hashes[1])
    (True, False)
    """
    found = np.zeros(len(codes), dtype=np.uint64)
    for column in codes.T:
        found = found + np.ascontiguousarray(column, dtype=np.int64).view(np.uint64)
        found = found + np.uint64(0x9E3779B97F4A7C15)
        found = (found ^ (found >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        found = (found ^ (found >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        found = found ^ (found >> np.uint64(31))
    return found
