"""Weights that give drawn rows the real margins, column after column (iterative proportional fitting).

Shape
-----
Codes (n_rows, n_fields) and log-weights (n_rows,) -> log-weights (n_rows,).

References
----------
Deming, Stephan: On a Least Squares Adjustment of a Sampled Frequency Table, Ann. Math. Statist. 11, 1940.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganaug._util.store import Arrays, array_of
from ganaug.exceptions import ModelFileError
from ganaug.tabular.columns.base import CategoryField, Field

_BINS = 40  # of a number; as many rows in each
_LEVEL_ROWS = 20  # of a level that has a margin of its own
_ROUNDS = 10
_MOST = 3.0  # by which a round scales a bin, or its inverse


@dataclass(frozen=True, eq=False)
class Margins:
    """What share of the real rows is in each bin of each field.

    Parameters
    ----------
    bins : tuple of arrays (n_codes,)
        For each field, the bin of each code.
    shares : tuple of arrays (n_bins,)
        For each field, the share of each bin; they add up to one.
    """

    bins: tuple[NDArray[np.int64], ...]
    shares: tuple[NDArray[np.float64], ...]

    @classmethod
    def fit(cls, fields: Sequence[Field], codes: NDArray[Any], weights: NDArray[np.float64]) -> Margins:
        """Find bins and shares from codes (n_rows, n_fields) and their weights (n_rows,)."""
        bins, shares = [], []
        for position, field in enumerate(fields):
            own = codes[:, position]
            mass = np.bincount(own, weights=weights, minlength=field.n_codes)
            bins.append(_bins(field, np.bincount(own, minlength=field.n_codes)))
            share = np.bincount(bins[-1], weights=mass)
            shares.append(share / share.sum())
        return cls(tuple(bins), tuple(shares))

    def rake(self, codes: Tensor, log_weights: Tensor, most: float = float("inf")) -> Tensor:
        """Scale weights until each field's weighted margin is the real one, or nearly.

        Parameters
        ----------
        codes : integer tensor of shape (n_rows, n_fields)
        log_weights : tensor of shape (n_rows,)
        most : float, optional
            No row weighs more than so many rows of mean weight.

        Returns
        -------
        tensor of shape (n_rows,), float64
        """
        weights = (log_weights.double() - log_weights.max()).exp()
        pairs = zip(self.bins_of(codes), self.shares, strict=True)
        fields = [(at, torch.from_numpy(own).to(codes.device)) for at, own in pairs if len(own) > 1]
        for _ in range(_ROUNDS):
            weights = weights.clamp(max=most * float(weights.mean()))
            for at, wanted in fields:
                has = torch.bincount(at, weights=weights, minlength=len(wanted))
                factor = torch.where(has > 0, wanted * weights.sum() / has.clamp(min=1e-300), 1.0)
                weights = weights * factor.clamp(1 / _MOST, _MOST)[at]
        return weights.log()

    def bins_of(self, codes: Tensor) -> Tensor:
        """The bin of each cell: codes (n_rows, n_fields) -> (n_fields, n_rows), int64."""
        pairs = zip(self.bins, codes.t(), strict=True)
        found = [torch.from_numpy(bins).to(codes.device)[own.long()] for bins, own in pairs]
        return torch.stack(found)

    def to_arrays(self) -> Arrays:
        """Named arrays for a file."""
        bins = {f"bins.{i}": own.astype(np.int32) for i, own in enumerate(self.bins)}
        return bins | {f"shares.{i}": own for i, own in enumerate(self.shares)}

    @classmethod
    def from_arrays(cls, arrays: Arrays, fields: Sequence[Field]) -> Margins:
        """Inverse of `to_arrays`; anything malformed is a `ModelFileError`."""
        bins, shares = [], []
        for i, field in enumerate(fields):
            own = array_of(arrays, f"bins.{i}", "i", shape=(field.n_codes,)).astype(np.int64)
            share = array_of(arrays, f"shares.{i}", "f", finite=True).astype(np.float64)
            inside = len(share) and (own >= 0).all() and (own < len(share)).all()
            if not inside or (share < 0).any() or not np.isclose(share.sum(), 1.0):
                raise ModelFileError("The margins in the file are broken.")
            bins.append(own)
            shares.append(share)
        return cls(tuple(bins), tuple(shares))


def _bins(field: Field, counts: NDArray[np.intp]) -> NDArray[np.int64]:
    """Bin of each code: a popular code has one of its own, other neighbours share one."""
    if isinstance(field, CategoryField):
        popular = counts >= _LEVEL_ROWS
        bins = np.full(len(counts), popular.sum(), dtype=np.int64)
        bins[popular] = np.arange(popular.sum())
        return _numbered(bins)
    axis = field.axis
    order = np.argsort(axis, kind="stable")  # missing comes last
    total = max(1, int(counts.sum()))
    before = np.cumsum(counts[order]) - counts[order] / 2
    part = np.floor(before / total * _BINS).clip(0, _BINS - 1).astype(np.int64)
    bins = np.empty(len(axis), dtype=np.int64)
    bins[order] = part
    points = np.arange(len(axis)) < field.n_points
    bins[points] = _BINS + np.flatnonzero(points)
    return _numbered(bins)


def _numbered(bins: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same bins, numbered from zero without gaps."""
    return np.unique(bins, return_inverse=True)[1].reshape(-1).astype(np.int64)
