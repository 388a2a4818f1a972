"""A Gaussian copula of codes: margins as they are, and the correlations that few rows can tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import norm
from torch import Tensor

from ganaug.tabular.columns import Field
from ganaug.tabular.columns.base import CategoryField, FloatArray

_LEAST_RELIABLE = 1e-3  # of a field that is nearly always the same: it tells nothing
_STRONGEST = 0.999  # correlation


@dataclass(frozen=True)
class GaussianCopula:
    """Fields whose normal scores are jointly normal.

    Parameters
    ----------
    orders : tuple of int tensors (n_codes,)
        The codes of each field along its axis.
    edges : tuple of float tensors (n_codes - 1,)
        Between them, the share of the rows up to there.
    root : tensor of shape (n_fields, n_fields)
        What turns independent scores into correlated ones.

    Reference
    ---------
    Schäfer, Strimmer: A shrinkage approach to large-scale covariance matrix estimation, 2005 (how far
    correlations are drawn to zero).
    """

    orders: tuple[Tensor, ...]
    edges: tuple[Tensor, ...]
    root: Tensor

    @classmethod
    def fit(cls, fields: Sequence[Field], codes: Tensor, weights: Tensor | None = None) -> GaussianCopula:
        """Learn margins and correlations.

        Parameters
        ----------
        fields : sequence of Field
        codes : integer tensor of shape (n_rows, n_fields)
            Negative where there is none.
        weights : tensor of shape (n_rows,), optional
        """
        rows = codes.cpu().numpy().astype(np.int64)
        mass = np.ones(len(rows)) if weights is None else weights.double().cpu().numpy()
        is_ranked = [_is_ranked(field) for field in fields]
        orders: list[NDArray[np.intp]] = [np.arange(0)] * len(fields)
        scores, reliability = np.zeros(rows.shape), np.ones(len(fields))

        def place_on(axis: FloatArray, place: int) -> None:
            orders[place] = np.argsort(axis, kind="stable")
            scores[:, place], reliability[place] = _scores(rows[:, place], orders[place], mass)

        for place in np.flatnonzero(is_ranked).tolist():
            place_on(_axis(fields[place]), place)
        # levels without an order get that of the direction in which the other fields differ most
        along = _main_direction(scores[:, is_ranked], mass)
        for place in np.flatnonzero(np.logical_not(is_ranked)).tolist():
            place_on(_level_means(rows[:, place], along, mass, fields[place].n_codes), place)
        shares = [_shares(rows[:, at], order, mass) for at, order in enumerate(orders)]
        values, directions = np.linalg.eigh(_correlations(scores, rows >= 0, mass, reliability))
        root = directions * np.sqrt(np.maximum(values, 0.0))
        root /= np.maximum(np.sqrt(np.square(root).sum(axis=1, keepdims=True)), 1e-12)

        def to_device(array: NDArray[Any], dtype: torch.dtype) -> Tensor:
            return torch.as_tensor(array, dtype=dtype, device=codes.device)

        return cls(
            tuple(to_device(order, codes.dtype) for order in orders),
            tuple(to_device(np.cumsum(own)[:-1], torch.float32) for own in shares),
            to_device(root, torch.float32),
        )

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """Codes of shape (n, n_fields)."""
        shape, device = (n, len(self.orders)), self.root.device
        normal = torch.randn(shape, generator=generator, device=device) @ self.root.t()
        ranks = torch.special.ndtr(normal).t().contiguous()
        pairs = zip(self.orders, self.edges, ranks, strict=True)
        return torch.stack([order[torch.searchsorted(edges, own)] for order, edges, own in pairs], dim=1)


def _is_ranked(field: Field) -> bool:
    return not isinstance(field, CategoryField) or field.n_ordered > 0 or field.n_codes <= 2


def _axis(field: Field) -> FloatArray:
    """Where the codes of a field with an order stand; what has no place, such as a gap, comes first."""
    if isinstance(field, CategoryField):
        places = np.arange(field.n_codes, dtype=np.float64)
        places[field.n_ordered or field.n_codes :] = -np.inf
        return places
    return np.nan_to_num(field.axis, nan=-np.inf)


def _main_direction(scores: FloatArray, mass: FloatArray) -> FloatArray:
    """Where rows stand along the first principal component."""
    if not scores.shape[1]:
        return np.zeros(len(scores))
    direction = np.linalg.eigh(scores.T @ (mass[:, None] * scores))[1][:, -1]
    found: FloatArray = scores @ (direction * np.sign(direction[np.abs(direction).argmax()]))
    return found


def _level_means(codes: NDArray[np.int64], values: FloatArray, mass: FloatArray, n_codes: int) -> FloatArray:
    known = codes >= 0
    sums, counts = (np.bincount(codes[known], each[known], n_codes) for each in (mass * values, mass))
    return sums / np.maximum(counts, 1e-12)


def _shares(codes: NDArray[np.int64], order: NDArray[np.intp], mass: FloatArray) -> FloatArray:
    """Share of the rows that each code has, along the order."""
    known = codes >= 0
    counts = np.bincount(codes[known], mass[known], len(order))[order]
    return counts / counts.sum() if counts.sum() > 0 else np.full(len(order), 1 / len(order))


def _scores(codes: NDArray[np.int64], order: NDArray[np.intp], mass: FloatArray) -> tuple[FloatArray, float]:
    """What a normal score is expected to be given the code, standardised, and how closely it goes with it.

    0 where there is no code. The second is the correlation of the two: near 1 for many codes, .8 for two.
    """
    own, known = _shares(codes, order, mass), codes >= 0
    ends = np.concatenate([[0.0], norm.pdf(ndtri(np.minimum(np.cumsum(own)[:-1], 1.0))), [0.0]])
    expected = np.empty(len(order))
    expected[order] = -np.diff(ends) / np.maximum(own, 1e-12)
    reliability = np.sqrt((own * np.square(expected[order])).sum())
    if reliability < _LEAST_RELIABLE:
        return np.zeros(len(codes)), 1.0
    return np.where(known, expected[codes], 0.0) / reliability, float(reliability)


def _correlations(
    scores: FloatArray, known: NDArray[np.bool_], mass: FloatArray, reliability: FloatArray
) -> FloatArray:
    """Of normal scores, from rows that have both: drawn to zero by how uncertain they are.

    Scores that stand for a stretch of normal ones go together less than these do, by their reliabilities.
    """
    rows = mass[:, None] * scores
    both = (mass[:, None] * known).T @ known.astype(np.float64)
    found = np.clip(scores.T @ rows / np.maximum(both, 1e-12), -1.0, 1.0)
    np.fill_diagonal(found, 0.0)
    n_rows = both * mass.sum() / max(float(np.square(mass).sum()), 1e-12)  # as many equal ones tell as much
    uncertain = np.square(1 - np.square(found)) / np.maximum(n_rows - 1, 1)
    np.fill_diagonal(uncertain, 0.0)
    kept = 1.0 - min(float(uncertain.sum()) / max(float(np.square(found).sum()), 1e-12), 1.0)
    normal = found * kept / np.outer(reliability, reliability)
    return np.clip(normal, -_STRONGEST, _STRONGEST) + np.eye(len(found))
