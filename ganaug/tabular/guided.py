"""Drawing what rows lack, guided or not: a surplus is drawn, weighed, and as many rows as are wanted kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganaug.base import Guidance
from ganaug.tabular.guidance import RAKED_ROWS, Guide
from ganaug.tabular.keeping import effective_share, keep_rows
from ganaug.tabular.raking import Margins
from ganaug.tabular.residual import ResidualNetwork, refuse_restrictions
from ganaug.tabular.restricted import TO_DRAW, Restriction, draw_restricted, groups_of
from ganaug.tabular.rollout import fill_in

_REDRAWS = 50  # of rows that may be copies, where what is asked for leaves next to nothing else
_CHUNK_CELLS = 1 << 20  # of the rows wanted that are drawn, weighed and kept together
_FEWEST_AT_ONCE, _MOST_AT_ONCE = 16_384, 65_536  # rows: many cost less each, and keep margins better


@torch.no_grad()
def draw_codes(
    network: Any,
    codes: Tensor,
    within: Sequence[Restriction],
    generator: torch.Generator,
    guidance: Guidance,
) -> None:
    """Draw the fields that each row lacks.

    Parameters
    ----------
    network : CascadeNetwork, or one that draws rows as a whole
    codes : tensor of shape (n_fields, n_rows), int32
        Known codes, and `TO_DRAW`, in whose place they are written.
    within : sequence of Restriction
        What conditions leave of some columns.
    generator : torch.Generator
        On the network's device.
    guidance : Guidance
        Takes note of what was drawn and kept.
    """
    n_rows = codes.shape[1]
    if isinstance(network, ResidualNetwork) and network.is_conditional:
        _draw_labels(network, codes[-1], generator)
    groups = None if guidance.guide is None else groups_of(codes, within)
    size = min(max(_CHUNK_CELLS // len(codes), _FEWEST_AT_ONCE), _MOST_AT_ONCE)
    for start in range(0, n_rows, size):
        rows = np.arange(start, min(start + size, n_rows))
        part, own = codes[:, start : start + size], [entry.of_rows(rows) for entry in within]
        margins = None if groups is None else _margins(guidance.guide, part, bool(within))
        asked = part.clone()
        if groups is None or margins is None or guidance.strength == 0 or not (part == TO_DRAW).any():
            _fill(network, part, own, generator)
            guidance.note(len(rows), len(rows), 1.0)
        else:
            local = np.unique(groups[rows], return_inverse=True)[1].reshape(-1)
            _draw_guided(network, part, own, torch.from_numpy(local), margins, generator, guidance)
        if guidance.guide is not None and guidance.strength != 0:
            _draw_copies_again(network, part, asked, own, generator, guidance)


def _draw_copies_again(
    network: Any,
    codes: Tensor,
    asked: Tensor,
    within: Sequence[Restriction],
    generator: torch.Generator,
    guidance: Guidance,
) -> None:
    """Draw rows that may be copies of the fit's anew, as they were asked for, until they aren't."""
    rows = (asked == TO_DRAW).any(dim=0).nonzero().squeeze(1)
    for _ in range(_REDRAWS):
        rows = rows[guidance.guide.copies(codes[:, rows], generator)]
        if not len(rows):
            return
        again, own = asked[:, rows], [entry.of_rows(rows.cpu().numpy()) for entry in within]
        _fill(network, again, own, generator)
        codes[:, rows] = again
        guidance.note(len(rows), 0, 1.0)


def _draw_labels(network: ResidualNetwork, labels: Tensor, generator: torch.Generator) -> None:
    """Draw classes beforehand: they then keep their shares, however rows are weighed."""
    lacking = (labels == TO_DRAW).nonzero().squeeze(1)
    if len(lacking):
        labels[lacking] = network.draw_labels(len(lacking), generator).to(labels.dtype)


def _draw_guided(
    network: Any,
    codes: Tensor,
    within: Sequence[Restriction],
    groups: Tensor,
    margins: dict[int, Margins],
    generator: torch.Generator,
    guidance: Guidance,
) -> None:
    guide: Guide = guidance.guide
    groups = groups.to(codes.device)
    source = torch.arange(codes.shape[1], device=codes.device).repeat_interleave(guide.surplus)
    pool = codes[:, source]
    rows = source.cpu().numpy()
    _fill(network, pool, [entry.of_rows(rows) for entry in within], generator)
    log_weights = guide.log_odds(pool.t(), guidance.strength)
    bins = torch.zeros((len(guide.used), len(source)), dtype=torch.long, device=pool.device)
    for label, own in margins.items():
        chosen = slice(None) if label < 0 else pool[-1] == label
        if len(log_weights[chosen]) >= RAKED_ROWS:
            part = pool.t()[chosen]
            log_weights[chosen] = guide.rake(own, part, log_weights[chosen])
            bins[:, chosen] = guide.bins_of(own, part)
    kept = keep_rows(log_weights, groups[source], torch.bincount(groups), generator, bins)
    codes[:, groups.argsort(stable=True)] = pool[:, kept]
    guidance.note(len(source), len(groups), effective_share(log_weights))


def _margins(guide: Guide, codes: Tensor, is_restricted: bool) -> dict[int, Margins] | None:
    """Margins to rake to, -1 for all rows or by class of the label; None when nothing would be guided."""
    asked = (codes != TO_DRAW).any(dim=1)
    enough = codes.shape[1] * guide.surplus >= RAKED_ROWS
    found: dict[int, Margins] = {}
    if enough and not is_restricted and not asked.any():
        found = {-1: guide.margins}
    elif enough and not is_restricted and not asked[:-1].any() and (codes[-1] >= 0).all():
        found = guide.class_margins
    return found if found or guide.discriminator is not None else None


def _fill(network: Any, codes: Tensor, within: Sequence[Restriction], generator: torch.Generator) -> None:
    if hasattr(network, "draw_codes"):  # it draws rows as a whole
        refuse_restrictions(within)
        known = {field: codes[field] for field in range(len(codes)) if bool((codes[field] != TO_DRAW).any())}
        codes.copy_(network.draw_codes(codes.shape[1], generator, known).t())
    else:
        draw_restricted(network, codes, within, generator)
        fill_in(network, codes, generator)
