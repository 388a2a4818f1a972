"""Many trees evaluated at once, by masks of the leaves that each column leaves over.

A tree's leaves are the bits of an integer, from left to right. A split that sends a row to the right rules
out the leaves under its left branch. What all splits on one column rule out is known from that column's code
alone, so it is looked up; the masks of all columns are joined by "and", and the lowest bit that is left over
is the leaf that the row ends in.

Shape
-----
Codes (n_rows, n_fields) -> sums of leaves' values (n_stages, n_rows).

References
----------
Lucchese et al.: QuickScorer, a Fast Algorithm to Rank Documents with Additive Ensembles of Regression Trees,
SIGIR 2015.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganaug._util.sklearn import GrownTrees
from ganaug.exceptions import ModelFileError

_MOST_LEAVES = 62  # bits of a 64-bit integer that are safe to shift
_MOST_LEVEL = 255
_BLOCK_MASKS = 1 << 17  # looked up at once: what a processor's cache holds


class LeafMasks:
    """The tables of masks, on a device.

    Parameters
    ----------
    trees : GrownTrees
    axes : sequence of arrays (n_codes,)
        What the trees see of each code of each column.
    device : torch.device

    Raises
    ------
    ModelFileError
        If the nodes are no trees, or a tree has more leaves than a mask has bits.
    """

    def __init__(self, trees: GrownTrees, axes: Sequence[NDArray[Any]], device: torch.device) -> None:
        first, last = leaf_spans(trees)
        n_leaves = int(last[trees.roots].max(initial=1))
        self.is_wide = n_leaves > 31
        kind: Any = np.int64 if self.is_wide else np.int32
        self.n_codes = [len(axis) for axis in axes]
        tree = np.searchsorted(trees.roots, np.arange(len(trees.left)), side="right") - 1
        is_split = trees.left != np.arange(len(trees.left))
        self.fields: list[tuple[int, Tensor, Tensor]] = []
        for field, axis in enumerate(axes):
            nodes = np.flatnonzero(is_split & (trees.feature == field))
            if len(nodes):
                place, table = _table(trees, nodes, tree[nodes], axis, first, last, kind)
                self.fields.append(
                    (field, torch.from_numpy(place).to(device), torch.from_numpy(table).to(device))
                )
        values = np.zeros((len(trees.roots), n_leaves), dtype=np.float32)
        leaves = np.flatnonzero(~is_split)
        values[tree[leaves], first[leaves]] = trees.value[leaves]
        self.values = torch.from_numpy(values.ravel()).to(device)
        self.starts = torch.arange(len(values), device=device) * n_leaves
        self.n_rows = max(1, _BLOCK_MASKS // max(1, len(values)))

    def sums(self, codes: Tensor, stages: Sequence[int]) -> Tensor:
        """Sums of the values of the first so many trees for each of ``stages``, increasing."""
        if not len(self.starts):
            return torch.zeros(len(stages), len(codes), device=codes.device)
        return torch.cat([self._sums(part, stages) for part in codes.split(self.n_rows)], dim=1)

    def _sums(self, codes: Tensor, stages: Sequence[int]) -> Tensor:
        kind = torch.int64 if self.is_wide else torch.int32
        left = torch.full((len(codes), len(self.starts)), -1, dtype=kind, device=codes.device)
        for field, place, table in self.fields:
            own = codes[:, field].long()
            left &= table.index_select(0, place[torch.where(own < 0, self.n_codes[field], own)])
        lowest = left & -left
        if self.is_wide:  # the exponent of a power of two is the place of its bit
            leaf = (lowest.double().view(torch.int64) >> 52) - 1023
        else:
            leaf = (lowest.float().view(torch.int32) >> 23) - 127
        values = self.values[leaf.long() + self.starts]
        parts = [part.sum(dim=1) for part in values.tensor_split([*stages], dim=1)[: len(stages)]]
        return torch.stack(parts).cumsum(dim=0)


def leaf_spans(trees: GrownTrees) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First leaf under each node, and that after the last, counted from left to right in its tree."""
    n_nodes = len(trees.left)
    first, last = np.full(n_nodes, -1), np.zeros(n_nodes, dtype=np.int64)
    left, right = trees.left.tolist(), trees.right.tolist()
    for root in trees.roots.tolist():
        n_leaves, open_nodes = 0, [(root, False)]
        while open_nodes:
            node, is_done = open_nodes.pop()
            if is_done:
                last[node] = n_leaves
                continue
            if first[node] >= 0 or n_leaves == _MOST_LEAVES:
                raise ModelFileError("The discriminator's nodes in the file are no trees, or too large ones.")
            first[node] = n_leaves
            if left[node] == node:
                n_leaves += 1
                last[node] = n_leaves
            else:
                open_nodes += [(node, True), (right[node], False), (left[node], False)]
    return first, last


def _table(
    trees: GrownTrees,
    nodes: NDArray[np.intp],
    tree: NDArray[np.intp],
    axis: NDArray[Any],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    kind: Any,
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Row of the table for each code, last the unknown one; masks (n_rows_of_table, n_trees)."""
    by_level = trees.level_set[nodes] >= 0
    ends = np.unique(trees.threshold[nodes[~by_level]])
    seen = np.append(axis.astype(np.float64), np.nan)
    gap = np.isnan(seen)
    level = np.nan_to_num(seen).clip(0, _MOST_LEVEL).astype(np.intp)
    told = np.stack([np.searchsorted(ends, seen), level if by_level.any() else np.zeros_like(level), gap])
    _, example, place = np.unique(told, axis=1, return_index=True, return_inverse=True)
    seen, gap, level = seen[example], gap[example], level[example]
    table = np.full((len(trees.roots), len(example)), -1, dtype=kind)
    for node, at in zip(nodes.tolist(), tree.tolist(), strict=True):
        which = trees.level_set[node]
        goes_left = trees.sets[which][level] if which >= 0 else seen <= trees.threshold[node]
        goes_left = np.where(gap, trees.missing_left[node], goes_left)
        under = trees.left[node]
        ruled_out = (1 << int(last[under])) - (1 << int(first[under]))
        table[at] &= np.where(goes_left, -1, ~ruled_out).astype(kind)
    return place.reshape(-1).astype(np.int64), np.ascontiguousarray(table.T)
