"""Rows as points of a space in which gradients exist: what a generator emits and a discriminator reads.

A category is a one-hot vector. A number is its normal score; where it has point classes, a one-hot vector of
those and of "in a cell" comes before, and the score is zero unless it is in a cell. A real row becomes one by
drawing a score within its cell, so that its scores are as continuous as generated ones.

Shape
-----
Codes (n_rows, n_fields) -> relaxed rows (n_rows, width), and back by the largest class and the score's cell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from scipy.special import ndtr
from torch import Tensor, nn

from ganaug.tabular.columns.base import Field, NumberField
from ganaug.tabular.heads import draw_class

LEAST_RANK = 1e-6  # its normal score is about -4.75: none is beyond


class Relaxation(nn.Module):
    """Where each field has its place in a relaxed row, and the way there and back.

    Parameters
    ----------
    fields : sequence of Field

    Attributes
    ----------
    places : tuple of (slice or None, int or None)
        Where each field has its one-hot vector, and its score.
    width : int
    n_classes : int
        Entries of all one-hot vectors.
    noise_units : int
        Numbers that it takes to draw a row: one for each one-hot vector and each score.
    """

    ranks: Tensor
    edges: Tensor

    def __init__(self, fields: Sequence[Field]) -> None:
        super().__init__()
        self.fields = tuple(fields)
        places: list[tuple[slice | None, int | None]] = []
        start = 0
        for field in self.fields:
            n_classes, is_number = class_count(field), isinstance(field, NumberField)
            span = slice(start, start + n_classes) if n_classes else None
            start += n_classes
            places.append((span, start if is_number else None))
            start += is_number
        self.places, self.width = tuple(places), start
        self.score_places = [place for _, place in places if place is not None]
        self.n_classes = start - len(self.score_places)
        self.noise_units = sum(span is not None for span, _ in places) + len(self.score_places)
        numbers = [field for field in self.fields if isinstance(field, NumberField)]
        edges = [np.append(field.lower, field.upper[-1]) for field in numbers]
        self.starts = np.cumsum([0, *(len(part) for part in edges)]).tolist()
        joined = np.concatenate(edges) if edges else np.zeros(0)
        for name, values in (("edges", joined), ("ranks", ndtr(joined))):
            self.register_buffer(name, torch.tensor(np.float32(values), device="cpu"), persistent=False)

    def relax(self, codes: Tensor, random: torch.Generator) -> Tensor:
        """Real rows: codes (n_rows, n_fields) -> (n_rows, width)."""
        codes = codes.long()
        rows = torch.zeros(len(codes), self.width, device=codes.device)
        uniforms = torch.rand(len(self.score_places), len(codes), generator=random, device=codes.device)
        n_scores = 0
        for own, field, (span, place) in zip(codes.t(), self.fields, self.places, strict=True):
            if span is not None:
                rows[:, span].scatter_(1, own.clamp(max=span.stop - span.start - 1).unsqueeze(1), 1.0)
            if place is not None and isinstance(field, NumberField):
                cell = own - field.n_points
                edge = self.starts[n_scores] + cell.clamp(min=0)
                rank = torch.lerp(self.ranks[edge], self.ranks[edge + 1], uniforms[n_scores])
                rows[:, place] = normal_score(rank) * (cell >= 0)
                n_scores += 1
        return rows

    def draw_codes(self, outputs: Tensor, random: torch.Generator) -> Tensor:
        """Logits in the place of one-hot vectors, (n_rows, width) -> codes (n_rows, n_fields), int32."""
        uniforms = torch.rand(len(self.fields), len(outputs), generator=random, device=outputs.device)
        return self._codes(outputs, lambda field, logits: draw_class(logits, uniforms[field]))

    def codes(self, rows: Tensor) -> Tensor:
        """Relaxed rows (n_rows, width) -> codes (n_rows, n_fields), int32."""
        return self._codes(rows, lambda field, entries: entries.argmax(dim=1))

    def _codes(self, rows: Tensor, class_of: Callable[[int, Tensor], Tensor]) -> Tensor:
        codes = torch.zeros(len(self.fields), len(rows), dtype=torch.int32, device=rows.device)
        n_scores = 0
        for i, (own, field, (span, place)) in enumerate(zip(codes, self.fields, self.places, strict=True)):
            if span is not None:
                own.copy_(class_of(i, rows[:, span]))
            if place is not None and isinstance(field, NumberField):
                inner = self.edges[self.starts[n_scores] + 1 : self.starts[n_scores + 1] - 1]
                cell = field.n_points + torch.searchsorted(inner, rows[:, place].contiguous(), right=True)
                own.copy_(torch.where(own >= field.n_points, cell, own))  # without point classes, all are
                n_scores += 1
        return codes.t().contiguous()


def class_count(field: Field) -> int:
    """Classes in a field's one-hot vector; none for a number without point classes."""
    if isinstance(field, NumberField):
        return field.n_points + 1 if field.n_points else 0
    return field.n_codes


def normal_score(ranks: Tensor) -> Tensor:
    """Normal score of ranks in [0, 1], finite."""
    return torch.special.ndtri(ranks.clamp(LEAST_RANK, 1 - LEAST_RANK))
