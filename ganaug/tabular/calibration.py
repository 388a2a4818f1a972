"""How sharp a network's distributions may be, found on cells that were hidden from it.

A network that has learned from few rows is too sure of what a cell holds. Where gaps are passed over, some
cells more are hidden from the fit: afterwards they say by which factor the widths of numbers, and by which
the logits of categories, are to change for the hidden cells to be most likely.

References
----------
Guo, Pleiss, Sun, Weinberger: On calibration of modern neural networks, ICML 2017 (one factor for all logits).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganaug.tabular.cascade import CascadeNetwork
from ganaug.tabular.codec import GAP
from ganaug.tabular.heads import CategoryHeads, NumberHeads

_SHARE, _MOST = 0.1, 1_500  # of the cells that are there, and in all
_FEWEST = 100  # cells of a kind, below which nothing is changed
_FACTORS = (0.85, 1.0, 1.15, 1.3, 1.5, 1.75)
_ROWS = 128  # in one pass
_KINDS = {"number": NumberHeads, "category": CategoryHeads}


def hide_cells(
    codes: NDArray[Any], spans: Sequence[slice], rng: np.random.Generator
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Hide some cells of rows to learn from.

    Parameters
    ----------
    codes : integer array of shape (n_rows, n_fields)
    spans : sequence of slice
        The fields of each column that is modelled.
    rng : numpy Generator

    Returns
    -------
    codes : array of shape (n_rows, n_fields)
        `GAP` where a cell is hidden.
    hidden : bool array of shape (n_rows, n_fields)
    """
    hidden = np.zeros(codes.shape, dtype=bool)
    first = [span.start for span in spans]
    n_cells = int((codes[:, first] >= 0).sum())
    share = min(_SHARE, _MOST / max(n_cells, 1))
    if share * n_cells < _FEWEST or len(spans) < 2:
        return codes, hidden
    for span in spans:
        rows = (rng.random(len(codes)) < share) & (codes[:, span.start] >= 0)
        hidden[rows, span] = True
    return np.where(hidden, codes.dtype.type(GAP), codes), hidden


@torch.no_grad()
def calibrate(network: CascadeNetwork, codes: Tensor, hidden: Tensor) -> dict[str, float]:
    """Change the sharpness of a network's heads so that hidden cells are most likely; by which factors.

    Parameters
    ----------
    network : CascadeNetwork
        Is changed.
    codes : integer tensor of shape (n_rows, n_fields)
        With what the hidden cells hold.
    hidden : bool tensor of shape (n_rows, n_fields)
    """
    rows = hidden.any(dim=1)
    cells, unseen = codes[rows], hidden[rows]
    found: dict[str, float] = {}
    scores: dict[str, list[float]] = {name: [] for name in _KINDS}
    for factor in _FACTORS:
        _sharpen(network.each_head, 1 / factor)
        each = _log_likelihood(network, cells, unseen)
        _sharpen(network.each_head, factor)
        for name, kind in _KINDS.items():
            own = [head.index for head in network.each_head if isinstance(head, kind)]
            chosen = torch.cat([each[:, index][unseen[:, index]] for index in own]) if own else each[:0, 0]
            scores[name].append(float(chosen.double().mean()) if len(chosen) >= _FEWEST else 0.0)
    for name, kind in _KINDS.items():
        same = scores[name][_FACTORS.index(1.0)] == max(scores[name])
        found[name] = 1.0 if same else _FACTORS[int(np.argmax(scores[name]))]
        _sharpen([head for head in network.each_head if isinstance(head, kind)], 1 / found[name])
    return found


def _log_likelihood(network: CascadeNetwork, cells: Tensor, unseen: Tensor) -> Tensor:
    """Of each cell given the row's others that are there and not hidden, (n_rows, n_fields)."""
    parts = []
    for rows, hidden in zip(cells.split(_ROWS), unseen.split(_ROWS), strict=True):
        known = (rows >= 0) & ~hidden
        members = range(network.n_members)
        each = [network.cell_log_likelihood(rows.clamp(min=0), known, member) for member in members]
        parts.append(torch.stack(each).logsumexp(dim=0))
    return torch.cat(parts)


def _sharpen(heads: Sequence[Any], factor: float) -> None:
    """Divide the widths of numbers, and multiply the logits of categories, by a factor."""
    for head in heads:
        if isinstance(head, NumberHeads):
            head.bias[..., head.width + 2 * head.n_components :] -= math.log(factor)
        else:
            head.weight *= factor
            head.bias *= factor
            if head.has_order:
                head.curve_weight *= factor
