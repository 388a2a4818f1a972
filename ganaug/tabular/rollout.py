"""Drawing rows from a cascade: field after field, each given those already known.

A block of rows shares one random order and one member of the network, and carries a running sum per row.
Blocks are small enough to stay in the processor's cache and to be many, for the mixture over orders and
members is itself a better model than any of them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ganaug.tabular.cascade import CascadeNetwork

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
    size = min(_LARGEST_BLOCK, max(_SMALLEST_BLOCK, n_rows // 32))
    if device.type != "cpu":
        size *= 64  # a large device is idle with less
    first = int(torch.randint(network.n_members, (1,), generator=generator, device=generator.device))
    for place, start in enumerate(range(0, n_rows, size)):
        block = slice(start, min(start + size, n_rows))
        shuffled = torch.randperm(len(free), generator=generator, device=generator.device).cpu()
        given = {field: column[block] for field, column in known.items()}
        member = (first + place) % network.n_members  # each has its turn, so their shares are equal
        _roll_out_block(network, codes[:, block], free[shuffled].tolist(), given, generator, member)
    return codes.t().contiguous()


def _roll_out_block(
    network: CascadeNetwork,
    codes: Tensor,
    free: list[int],
    known: dict[int, Tensor],
    generator: torch.Generator,
    member: int,
) -> None:
    n_rows = codes.shape[1]
    context = torch.zeros(n_rows, network.context_units, device=codes.device)
    uniforms = torch.rand(len(free), 2, n_rows, generator=generator, device=codes.device)
    for field, column in known.items():
        codes[field] = column
        context += network.term(field, column.long())
    for step, field in enumerate(free):
        drawn = network.draw(field, context, uniforms[step], member)
        codes[field] = drawn
        if step + 1 < len(free):
            context += network.term(field, drawn)
