"""What a column may see of the others: the sum of the contributions of those drawn before it.

Every row has a random order of its own, so one pass trains every column under as many different sets of known
columns as the batch has rows. The cost is linear in the number of columns.

Shape
-----
Contributions (n_fields, n_rows, n_units) -> sums of the same shape.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor


class DrawOrder(NamedTuple):
    """An order of the fields for each row, as flat indices into (n_fields * n_rows) rows of units.

    Attributes
    ----------
    by_position : tensor of shape (n_fields * n_rows,)
        Where the field drawn at each position stands.
    by_field : tensor of shape (n_fields * n_rows,)
        Where the position of each field stands: the inverse permutation.
    """

    by_position: Tensor
    by_field: Tensor


def random_order(
    n_fields: int, n_rows: int, generator: torch.Generator, *, shared: bool = False
) -> DrawOrder:
    """Draw an order per row, or with ``shared`` one for all of them."""
    columns = 1 if shared else n_rows
    keys = torch.rand(n_fields, columns, generator=generator, device=generator.device)
    order = keys.argsort(dim=0).expand(n_fields, n_rows)  # (position, row) -> field
    rows = torch.arange(n_rows, device=generator.device)
    return DrawOrder((order * n_rows + rows).reshape(-1), (order.argsort(dim=0) * n_rows + rows).reshape(-1))


def sums_before(contributions: Tensor, order: DrawOrder) -> Tensor:
    """Sum, for each field and row, the contributions of the fields that come before it in the row's order.

    Parameters
    ----------
    contributions : tensor of shape (n_fields, n_rows, n_units)
    order : DrawOrder

    Returns
    -------
    tensor of shape (n_fields, n_rows, n_units)

    Examples
    --------
    >>> order = random_order(3, 1, torch.Generator().manual_seed(0))
    >>> sums_before(torch.ones(3, 1, 1), order).flatten().sort().values
    tensor([0., 1., 2.])
    """
    return _SumsBefore.apply(contributions, *order)  # type: ignore[no-any-return, no-untyped-call]


class _SumsBefore(torch.autograd.Function):
    """Gather along the order, add up, scatter back; the gradient is the same with the order reversed."""

    @staticmethod
    def forward(ctx: Any, contributions: Tensor, by_position: Tensor, by_field: Tensor) -> Tensor:
        ctx.save_for_backward(by_position, by_field)
        return _permuted_sums(contributions, by_position, by_field, reverse=False)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[override]
        by_position, by_field = ctx.saved_tensors
        return _permuted_sums(gradient, by_position, by_field, reverse=True), None, None


def _permuted_sums(terms: Tensor, by_position: Tensor, by_field: Tensor, *, reverse: bool) -> Tensor:
    n_fields, _, n_units = terms.shape
    ordered = terms.reshape(-1, n_units).index_select(0, by_position).view_as(terms)
    sums = torch.empty_like(ordered)
    positions = range(n_fields - 1, -1, -1) if reverse else range(n_fields)
    previous = None
    for position in positions:
        if previous is None:
            sums[position].zero_()
        else:
            torch.add(sums[previous], ordered[previous], out=sums[position])
        previous = position
    return sums.view(-1, n_units).index_select(0, by_field).view_as(terms)
