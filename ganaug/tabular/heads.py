"""From hidden units to the distribution of a field's codes: its log-likelihood, and draws from it.

A category is a softmax. A number is one softmax over its point classes and a few logistic components, each
with a mean and a scale on the axis of normal scores; the probability of a cell is the mass of the mixture
between the cell's edges, so the likelihood is that of a discrete variable: exact, and never above one.

Fields of one kind and of similar width share a batched matrix product.

Shape
-----
Hidden units (n_fields, n_rows, n_units), codes (n_fields, n_rows) -> log-likelihood (n_fields, n_rows).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from scipy.special import ndtri
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.tabular.columns.base import CategoryField, Field, NumberField

MIN_LOG_SCALE = -7.0  # a component much narrower than one rank in a thousand can't be told from a spike
_UNBOUNDED = 1e6  # stands for infinity, whose differences have no gradient
_IMPOSSIBLE = -1e9  # logit of a code that pads a narrower field
_INITIAL_LOG_SCALE = math.log(0.25)
_N_CURVES = 10  # bumps along the order of a category's levels


class CategoryHeads(nn.Module):
    """Softmax over the codes of several categories.

    Where levels have an order, part of their weights is a smooth curve over it, so that neighbours learn from
    each other.

    Parameters
    ----------
    positions : sequence of int
        Which fields these are.
    fields : sequence of CategoryField
    hidden_units : int
    """

    index: Tensor
    curves: Tensor

    def __init__(self, positions: Sequence[int], fields: Sequence[CategoryField], hidden_units: int) -> None:
        super().__init__()
        self.register_buffer("index", torch.tensor(positions, device="cpu"), persistent=False)
        self.widths = tuple(field.n_codes for field in fields)
        self.has_order = any(field.n_ordered for field in fields)
        width = max(self.widths)
        self.weight = nn.Parameter(
            torch.randn(len(fields), hidden_units, width) * 0.1 / math.sqrt(hidden_units)
        )
        if self.has_order:
            self.curve_weight = nn.Parameter(torch.zeros(len(fields), hidden_units, _N_CURVES))
        curves = np.stack([_curves(field, width) for field in fields])
        self.register_buffer("curves", torch.tensor(curves, device="cpu"), persistent=False)
        bias = np.full((len(fields), 1, width), _IMPOSSIBLE, dtype=np.float32)
        for row, field in zip(bias, fields, strict=True):
            row[0, : field.n_codes] = log_frequencies(field.counts)
        self.bias = nn.Parameter(torch.tensor(bias))

    def log_likelihood(self, hidden: Tensor, codes: Tensor) -> Tensor:
        """Log-probability of each code, shape (n_fields, n_rows)."""
        logits = torch.baddbmm(self.bias, hidden, self._weights(slice(None)))
        chosen = logits.gather(-1, codes.unsqueeze(-1)).squeeze(-1)
        return chosen - logits.logsumexp(-1)

    def draw(self, member: int, hidden: Tensor, uniforms: Tensor) -> Tensor:
        """Codes (n_rows,) of one field, from its hidden units (n_rows, n_units) and uniforms (2, n_rows)."""
        return draw_class(self.logits(member, hidden), uniforms[0])

    def logits(self, member: int, hidden: Tensor) -> Tensor:
        """Logits (n_rows, n_codes) of one field's codes, from its hidden units (n_rows, n_units)."""
        width = self.widths[member]
        weight = self._weights(slice(member, member + 1))[0]
        return torch.addmm(self.bias[member, :, :width], hidden, weight[:, :width])

    def draw_within(
        self, member: int, hidden: Tensor, uniforms: Tensor, shares: Tensor, kind: Tensor
    ) -> tuple[Tensor, Tensor]:
        """As `draw`, from what is left of the codes; see `CascadeNetwork.draw_within`."""
        left = self.logits(member, hidden).log_softmax(dim=-1) + shares.log()[kind]
        return draw_possible(left, uniforms[0]), left.logsumexp(dim=-1)

    def _weights(self, members: slice) -> Tensor:
        if not self.has_order:
            return self.weight[members]
        return torch.baddbmm(self.weight[members], self.curve_weight[members], self.curves[members])


class NumberHeads(nn.Module):
    """Point classes and a mixture of logistics on the axis of normal scores, for several numbers.

    Parameters
    ----------
    positions : sequence of int
        Which fields these are.
    fields : sequence of NumberField
    hidden_units : int
    n_components : int
    """

    index: Tensor
    edges: Tensor
    first_edge: Tensor
    n_points: Tensor

    def __init__(
        self, positions: Sequence[int], fields: Sequence[NumberField], hidden_units: int, n_components: int
    ) -> None:
        super().__init__()
        self.register_buffer("index", torch.tensor(positions, device="cpu"), persistent=False)
        self.n_components = n_components
        self.points = tuple(field.n_points for field in fields)
        self.cells = tuple(len(field.centre) for field in fields)
        self.width = max(self.points)  # of the point classes
        outputs = self.width + 3 * n_components
        self.weight = nn.Parameter(
            torch.randn(len(fields), hidden_units, outputs) * 0.1 / math.sqrt(hidden_units)
        )
        if self.weight.is_meta:  # only shapes are wanted, and what a file claims may be huge
            self.bias = nn.Parameter(torch.empty(len(fields), 1, outputs))
        else:
            self.bias = nn.Parameter(torch.tensor(np.stack([self._initial_bias(field) for field in fields])))
        edges = [np.append(field.lower, field.upper[-1]).clip(-_UNBOUNDED, _UNBOUNDED) for field in fields]
        self.starts = tuple(int(start) for start in np.cumsum([0, *(len(part) for part in edges[:-1])]))
        known = {
            "edges": np.concatenate(edges).astype(np.float32),
            "first_edge": np.array(self.starts)[:, None],
            "n_points": np.array(self.points)[:, None],
        }
        for name, values in known.items():
            self.register_buffer(name, torch.tensor(values, device="cpu"), persistent=False)

    def _initial_bias(self, field: NumberField) -> np.ndarray:
        """The observed frequencies; components side by side over the normal scores."""
        bias = np.full((1, self.width + 3 * self.n_components), _IMPOSSIBLE, dtype=np.float32)
        weights, means, log_scales = bias[0, self.width :].reshape(3, -1)
        frequencies = log_frequencies(field.counts)
        bias[0, : field.n_points] = frequencies[:-1]
        weights[:] = frequencies[-1] - math.log(self.n_components)
        means[:] = ndtri((np.arange(self.n_components) + 0.5) / self.n_components)
        log_scales[:] = _INITIAL_LOG_SCALE
        return bias

    def log_likelihood(self, hidden: Tensor, codes: Tensor) -> Tensor:
        """Log-probability of each code, shape (n_fields, n_rows)."""
        output = torch.baddbmm(self.bias, hidden, self.weight)
        split = self.width + self.n_components
        log_weights = F.log_softmax(output[..., :split], dim=-1)
        means, log_scales = output[..., split:].chunk(2, dim=-1)
        cell = codes - self.n_points
        edge = self.first_edge + cell.clamp(min=0)
        inside = _log_mass(self.edges[edge], self.edges[edge + 1], means, log_scales)
        in_cell = torch.logsumexp(log_weights[..., self.width :] + inside, dim=-1)
        if not self.width:
            return in_cell
        point = log_weights.gather(-1, codes.clamp(max=self.width - 1).unsqueeze(-1)).squeeze(-1)
        return torch.where(cell < 0, point, in_cell)

    def draw(self, member: int, hidden: Tensor, uniforms: Tensor) -> Tensor:
        """Codes (n_rows,) of one field, from its hidden units (n_rows, n_units) and uniforms (2, n_rows)."""
        classes, means, log_scales = self.mixture(member, hidden)
        n_points = self.points[member]
        chosen = draw_class(classes, uniforms[0])
        component = (chosen - n_points).clamp(min=0).unsqueeze(1)
        scale = log_scales.gather(1, component).squeeze(1).clamp(min=MIN_LOG_SCALE).exp()
        score = means.gather(1, component).squeeze(1) + scale * torch.logit(uniforms[1], eps=1e-7)
        return torch.where(chosen < n_points, chosen, n_points + self.cell_of(member, score))

    def mixture(self, member: int, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits of one field's point classes and components; means and log-scales of its components."""
        output = torch.addmm(self.bias[member], hidden, self.weight[member])
        n_points, split = self.points[member], self.width + self.n_components
        classes = output[:, :split]
        if n_points < self.width:  # the padding, which weights of any origin must not choose
            classes = torch.cat([output[:, :n_points], output[:, self.width : split]], dim=1)
        means, log_scales = output[:, split:].chunk(2, dim=-1)
        return classes, means, log_scales

    def cell_of(self, member: int, score: Tensor) -> Tensor:
        """The cell of one field in which each score is."""
        start = self.starts[member]
        inner = self.edges[start + 1 : start + self.cells[member]]
        return torch.searchsorted(inner, score.to(inner.dtype), right=True)

    def draw_within(
        self, member: int, hidden: Tensor, uniforms: Tensor, shares: Tensor, kind: Tensor
    ) -> tuple[Tensor, Tensor]:
        """As `draw`, from what is left of the codes; see `CascadeNetwork.draw_within`.

        Neighbouring cells of the same share are one stretch of the axis, so that the cost doesn't grow with
        the number of cells: a class or (stretch, component) is drawn, then a score within the stretch.
        """
        classes, means, log_scales = self.mixture(member, hidden)
        n_points, start = self.points[member], self.starts[member]
        first, last, share = _stretches(shares[:, n_points:])
        low, high = self.edges[start + first][kind], self.edges[start + last + 1][kind]  # (n_rows, stretches)
        log_weights = classes.log_softmax(dim=-1)
        inside = (
            _log_mass(low, high, means.unsqueeze(1), log_scales.unsqueeze(1)) + share.log()[kind, :, None]
        )
        points = log_weights[:, :n_points] + shares[:, :n_points].log()[kind]
        left = torch.cat([points, (inside + log_weights[:, None, n_points:]).flatten(1)], dim=1)
        chosen = draw_possible(left, uniforms[0])
        place = (chosen - n_points).clamp(min=0).unsqueeze(1)
        stretch, component = place // self.n_components, place % self.n_components
        if not inside.shape[1]:
            return chosen, left.logsumexp(dim=-1)
        mean, scale = means.gather(1, component), log_scales.gather(1, component)
        scale = scale.clamp(min=MIN_LOG_SCALE).exp()
        below, above = (((end.gather(1, stretch) - mean) / scale).squeeze(1) for end in (low, high))
        score = mean.squeeze(1) + scale.squeeze(1) * logistic_between(below, above, uniforms[1])
        cell = self.cell_of(member, score)
        row = kind, stretch.squeeze(1)
        cell = torch.minimum(torch.maximum(cell, first[row]), last[row])
        return torch.where(chosen < n_points, chosen, n_points + cell), left.logsumexp(dim=-1)


def draw_class(logits: Tensor, uniforms: Tensor) -> Tensor:
    """Draw from softmax(logits), shape (n_rows, n_classes), by inverting its distribution function."""
    cumulative = torch.softmax(logits, dim=-1).cumsum(dim=-1)
    # scaled by the total, which rounding leaves a little off one
    return (cumulative[:, :-1] <= (uniforms * cumulative[:, -1]).unsqueeze(-1)).sum(dim=-1)


def draw_possible(log_weights: Tensor, uniforms: Tensor) -> Tensor:
    """As `draw_class`, where classes of weight -inf are never drawn, whatever rounding does."""
    possible = log_weights > -math.inf
    last = possible.shape[1] - 1 - possible.flip(1).int().argmax(dim=1)
    return torch.minimum(draw_class(log_weights, uniforms), last)


def logistic_between(low: Tensor, high: Tensor, uniforms: Tensor) -> Tensor:
    """Draw from the standard logistic distribution between two bounds (n_rows,), exact far out in the tails.

    By inverting the distribution function in logarithms, on whichever side of zero has no cancellation.
    """
    flipped = low > 0
    below, above = torch.where(flipped, -high, low), torch.where(flipped, -low, high)
    u = uniforms.clamp(1e-7, 1 - 1e-7)
    log_part = torch.logaddexp(F.logsigmoid(below) + torch.log1p(-u), F.logsigmoid(above) + u.log())
    log_part = log_part.clamp(max=-1e-7)
    drawn = log_part - torch.log(-torch.expm1(log_part))
    drawn = torch.minimum(torch.maximum(drawn, below), above)
    return torch.where(flipped, -drawn, drawn)


def log_frequencies(counts: np.ndarray) -> np.ndarray:
    """Logarithm of the observed frequencies, with a tenth of a row added to each class."""
    smoothed = np.asarray(counts, dtype=np.float64) + 0.1
    return np.log(smoothed / smoothed.sum())


def level_scores(counts: np.ndarray) -> np.ndarray:
    """Normal score of the middle rank of each level, in their order."""
    shares = (np.asarray(counts, dtype=np.float64) + 0.1) / (np.sum(counts) + 0.1 * len(counts))
    return ndtri(np.cumsum(shares) - shares / 2)


def _curves(field: CategoryField, width: int) -> np.ndarray:
    """Overlapping bumps along the levels' order, shape (n_curves, width); zero where there is none."""
    curves = np.zeros((_N_CURVES, width), dtype=np.float32)
    centres, spread = np.linspace(-2.0, 2.0, _N_CURVES), 4.0 / (_N_CURVES - 1)
    scores = level_scores(field.counts[: field.n_ordered])
    curves[:, : field.n_ordered] = np.exp(-0.5 * ((scores - centres[:, None]) / spread) ** 2)
    return curves


def _log_mass(lower: Tensor, upper: Tensor, means: Tensor, log_scales: Tensor) -> Tensor:
    """Log of what each logistic component holds between two edges, without cancellation.

    For the logistic distribution function s: s(b) - s(a) = s(b) s(-a) (1 - exp(a - b)).
    """
    inverse = torch.exp(-log_scales.clamp(min=MIN_LOG_SCALE))
    lower, upper = lower.unsqueeze(-1), upper.unsqueeze(-1)
    width = ((upper - lower) * inverse).clamp(min=1e-6)
    below = F.logsigmoid((upper - means) * inverse)
    above = F.logsigmoid((means - lower) * inverse)
    return below + above + torch.log(-torch.expm1(-width))


def _stretches(shares: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Runs of neighbouring cells of equal, positive share: first and last cell, share, (n_kinds, n_most).

    Those of share 0 are padding.
    """
    table = shares.cpu().numpy()
    changes = np.ones(table.shape, dtype=bool)
    changes[:, 1:] = table[:, 1:] != table[:, :-1]
    kind, start = np.nonzero(changes)
    last = np.append(start[1:], 0) - 1
    last[last < start] = table.shape[1] - 1  # of a kind's last run
    runs = np.stack([start, last, table[kind, start]])[:, table[kind, start] > 0]
    kind = kind[table[kind, start] > 0]
    place = np.arange(len(kind)) - np.searchsorted(kind, kind)
    padded = np.zeros((3, len(table), int(place.max(initial=-1)) + 1))
    padded[:, kind, place] = runs
    first, last, share = torch.from_numpy(padded).to(shares.device)
    return first.long(), last.long(), share.to(shares.dtype)


def group_heads(
    fields: Sequence[Field], hidden_units: int, n_components: int
) -> list[CategoryHeads | NumberHeads]:
    """Fields that share a batched product: all numbers, and categories within a factor of two in width."""
    numbers = [i for i, field in enumerate(fields) if isinstance(field, NumberField)]
    widths: dict[int, list[int]] = {}
    for position, field in enumerate(fields):
        if isinstance(field, CategoryField):
            widths.setdefault((field.n_codes - 1).bit_length(), []).append(position)
    heads: list[CategoryHeads | NumberHeads] = [
        CategoryHeads(group, [fields[i] for i in group], hidden_units)  # type: ignore[misc]
        for _, group in sorted(widths.items())
    ]
    if numbers:
        found = [fields[i] for i in numbers]
        heads.append(NumberHeads(numbers, found, hidden_units, n_components))  # type: ignore[arg-type]
    return heads
