"""Drawing rows from a cascade: field after field, each given those already known.

A block of rows shares one random order and carries one running sum per row. Blocks are small enough to stay
in the processor's cache and to be many, for the mixture over orders is itself a better model than any order.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ganaug.tabular.cascade import CascadeNetwork
from ganaug.tabular.restricted import TO_DRAW, Restriction, draw_column, known_context

_LARGEST_BLOCK = 512
_SMALLEST_BLOCK = 64


@torch.no_grad()
def roll_out(
    network: CascadeNetwork, n_rows: int, generator: torch.Generator, known: dict[int, Tensor] | None = None
) -> Tensor:
    """Draw rows of codes.

    Parameters
    ----------
    network : CascadeNetwork
    n_rows : int
    generator : torch.Generator
        On the network's device.
    known : dict of int to tensor of shape (n_rows,), optional
        Codes of the fields that are given: they come first, and are never drawn.

    Returns
    -------
    tensor of shape (n_rows, n_fields), int32
    """
    known = known or {}
    device = network.first_code.device
    codes = torch.empty(network.n_fields, n_rows, dtype=torch.int32, device=device)
    free = torch.tensor([field for field in range(network.n_fields) if field not in known], dtype=torch.long)
    for block in _blocks(n_rows, device):
        shuffled = torch.randperm(len(free), generator=generator, device=generator.device).cpu()
        given = {field: column[block] for field, column in known.items()}
        _roll_out_block(network, codes[:, block], free[shuffled].tolist(), given, generator)
    return codes.t().contiguous()


def _roll_out_block(
    network: CascadeNetwork,
    codes: Tensor,
    free: list[int],
    known: dict[int, Tensor],
    generator: torch.Generator,
) -> None:
    n_rows = codes.shape[1]
    context = torch.zeros(n_rows, network.context_units, device=codes.device)
    uniforms = torch.rand(len(free), 2, n_rows, generator=generator, device=codes.device)
    for field, column in known.items():
        codes[field] = column
        context += network.term(field, column.long())
    for step, field in enumerate(free):
        drawn = network.draw(field, context, uniforms[step])
        codes[field] = drawn
        if step + 1 < len(free):
            context += network.term(field, drawn)


@torch.no_grad()
def fill_in(
    network: CascadeNetwork,
    codes: Tensor,
    generator: torch.Generator,
    restrictions: Sequence[Restriction] = (),
) -> None:
    """Draw the fields that each row lacks, given those that it has; the cost is that of what is lacking.

    Parameters
    ----------
    network : CascadeNetwork
    codes : tensor of shape (n_fields, n_rows), int32
        Known codes; `TO_DRAW`, in whose place they are written; `LEFT_OUT`, neither drawn nor known.
    generator : torch.Generator
        On the network's device.
    restrictions : sequence of Restriction
        Columns of which not all codes are left, in some rows. The others don't know of it beforehand.
    """
    units = _units(network.n_fields, restrictions)
    for block in _blocks(codes.shape[1], codes.device):
        part = codes[:, block]
        context = known_context(network, part)
        lacking = part == TO_DRAW
        any_lacking = lacking.any(dim=1).tolist()
        shuffled = torch.randperm(len(units), generator=generator, device=generator.device).tolist()
        for unit in (units[place] for place in shuffled):
            if isinstance(unit, Restriction):
                rows = lacking[unit.first_field] & torch.from_numpy(unit.which[block] >= 0).to(codes.device)
                _fill_restricted(network, part, context, unit.of_rows(block), rows, generator)
                lacking[unit.first_field : unit.fields.stop] &= ~rows
                fields = [field for field in unit.fields if bool(lacking[field].any())]
            else:
                fields = [unit] if any_lacking[unit] else []
            for field in fields:
                _fill_field(network, part, context, field, lacking[field], generator)


def _fill_restricted(
    network: CascadeNetwork,
    codes: Tensor,
    context: Tensor,
    entry: Restriction,
    chosen: Tensor,
    generator: torch.Generator,
) -> None:
    rows = chosen.nonzero().squeeze(1)
    if len(rows):
        part, own = codes[:, rows], context[rows]
        draw_column(network, entry.of_rows(rows.cpu().numpy()), part, own, generator)
        codes[:, rows], context[rows] = part, own


def _fill_field(
    network: CascadeNetwork,
    codes: Tensor,
    context: Tensor,
    field: int,
    chosen: Tensor,
    generator: torch.Generator,
) -> None:
    rows = chosen.nonzero().squeeze(1)
    uniforms = torch.rand(2, len(rows), generator=generator, device=codes.device)
    if len(rows) == len(context):  # no need to gather
        drawn = network.draw(field, context, uniforms)
        codes[field] = drawn.to(codes.dtype)
        context += network.term(field, drawn)
        return
    drawn = network.draw(field, context[rows], uniforms)
    codes[field, rows] = drawn.to(codes.dtype)
    context.index_add_(0, rows, network.term(field, drawn))


def _units(n_fields: int, restrictions: Sequence[Restriction]) -> list[int | Restriction]:
    """What is drawn in one go: a field, or the fields of a restricted column in their order."""
    covered = {field for entry in restrictions for field in entry.fields}
    return [*(field for field in range(n_fields) if field not in covered), *restrictions]


def _blocks(n_rows: int, device: torch.device) -> list[slice]:
    size = min(_LARGEST_BLOCK, max(_SMALLEST_BLOCK, n_rows // 32))
    if device.type != "cpu":
        size *= 64  # a large device is idle with less
    return [slice(start, min(start + size, n_rows)) for start in range(0, n_rows, size)]
