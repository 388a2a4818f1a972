"""A cascade as it draws many rows: what doesn't depend on the row is worked out once."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ganaug.tabular.cascade import CascadeNetwork

FEWEST_ROWS = 2_000  # that are worth it
_MOST_TERMS, _MOST_IN_ALL = 1 << 20, 1 << 24  # numbers of a field's terms, and of all: 4 and 64 MB


class FoldedCascade:
    """Draws what the network draws, up to rounding, in about two thirds of the time.

    A member's scales are multiplied into its matrices, and the terms of a field's codes are looked up.

    Parameters
    ----------
    network : CascadeNetwork
        Its weights must not change while this is in use.
    n_rows : int
        How many rows are to be drawn.
    """

    def __init__(self, network: CascadeNetwork, n_rows: int) -> None:
        self.network, self.n_rows = network, n_rows
        self._terms: dict[int, Tensor | None] = {}
        self._layers: dict[tuple[int, int], list[Tensor]] = {}
        self._room = _MOST_IN_ALL

    def term(self, field: int, codes: Tensor) -> Tensor:
        """What known codes (n_rows,) of one field add to the sum, shape (n_rows, context_units)."""
        if field not in self._terms:
            self._terms[field] = self._all_terms(field)
        known = self._terms[field]
        return self.network.term(field, codes) if known is None else known.index_select(0, codes)

    def draw(
        self, field: int, context: Tensor, uniforms: Tensor, member: int, which: Tensor | None = None
    ) -> Tensor:
        """Codes (n_rows,) of one field, given the sum of the known ones' terms (n_rows, context_units).

        With ``which`` (n_rows,), the sums are those that rows share, and it tells each row's own.
        """
        seen, (head, place) = self._hidden(field, context, member), self.network.head_of[field]
        return head.draw(place, seen if which is None else seen[which], uniforms)

    def draw_within(
        self, field: int, context: Tensor, uniforms: Tensor, shares: Tensor, kind: Tensor, member: int
    ) -> tuple[Tensor, Tensor]:
        """As `CascadeNetwork.draw_within`."""
        seen, (head, place) = self._hidden(field, context, member), self.network.head_of[field]
        return head.draw_within(place, seen, uniforms, shares.to(seen.dtype), kind)

    def _hidden(self, field: int, context: Tensor, member: int) -> Tensor:
        """What a field's head is given, (n_rows, hidden_units)."""
        if (field, member) not in self._layers:
            self._layers[field, member] = self._fold(field, member)
        shift, weight, bias, *blocks = self._layers[field, member]
        hidden = torch.addmm(bias, F.silu(context + shift, inplace=True), weight)
        for at in range(0, len(blocks), 4):
            inner, inner_bias, outer, outer_bias = blocks[at : at + 4]
            within = F.silu(torch.addmm(inner_bias, F.silu(hidden), inner), inplace=True)
            hidden.add_(outer_bias).addmm_(within, outer)
        return F.silu(hidden, inplace=True)

    def _all_terms(self, field: int) -> Tensor | None:
        network = self.network
        ends = [*network.first_code[1:].tolist(), len(network.code_row)]
        n_codes = ends[field] - int(network.first_code[field])
        size = n_codes * network.context_units
        if n_codes > self.n_rows or size > min(_MOST_TERMS, self._room):
            return None
        self._room -= size
        return network.term(field, torch.arange(n_codes, device=network.first_code.device))

    def _fold(self, field: int, member: int) -> list[Tensor]:
        """Shift, and matrices with their biases."""
        network = self.network
        scale, hidden_scale = network.context_scale[member, field], network.hidden_scale[member, field]
        weight, bias = network.inner.of_field(field)
        folded = [network.context_bias[field] + network.context_shift[member, field]]
        folded += [scale.t() * weight * hidden_scale, bias * hidden_scale]
        for block in network.each_block:
            folded += [*block.inner.of_field(field), *block.outer.of_field(field)]
        return folded
