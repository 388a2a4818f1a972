"""The cascade: an any-order autoregressive generator, trained by exact likelihood in parallel passes.

Every field of a table has a small network of its own, which sees the fields drawn before it and gives the
distribution of its own code. What it sees is a sum with one term per known field, so that any set of fields
can be known, in any order: conditions are exact, and a pass over a row costs time linear in fields.

Two things let few rows go further. The networks' matrices are a common one plus what sets a field apart, so
that fields learn from each other. And the network is several members in one: they share all matrices, and
differ in how they scale units. A row is drawn by one of them; together they are a mixture, whose members'
errors average out.

Shape
-----
Codes (n_rows, n_fields) -> log-likelihood (n_rows, n_fields), and back by drawing field after field.

References
----------
Uria, Murray, Larochelle: A Deep and Tractable Density Estimator, ICML 2014 (orders drawn at random).
Wen, Tran, Ba: BatchEnsemble, ICLR 2020 (members that share matrices).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug._util.parameters import check_parameter
from ganaug.tabular.columns.base import Field, NumberField
from ganaug.tabular.heads import CategoryHeads, group_heads, level_scores
from ganaug.tabular.prefix_sum import DrawOrder, sums_before

if TYPE_CHECKING:
    from ganaug.tabular.ties import Tied

_KNOTS = np.linspace(-2.8, 2.8, 24)  # normal scores between which a number's embedding is interpolated
_APART = 0.3  # first size of what sets a field's matrix apart from the common one


class Cascade(BaseEstimator):
    """Options of the cascade generator.

    Parameters
    ----------
    hidden_units : int, default=96
        Width of each field's own network.
    context_units : int, default=256
        Width of the sum in which the known fields are collected.
    embedding_units : int, default=16
        Width of a field's embedding.
    n_components : int, default=12
        Logistic components of a number's distribution.
    n_blocks : int, default=1
        Residual blocks in each field's network.
    n_members : int, default=4
        Members of the ensemble that shares the matrices.
    weight_decay : float, default=0.3
        Decoupled decay of the weight matrices, per unit of learning rate.

    Examples
    --------
    >>> from ganaug import Cascade, GANSynthesizer
    >>> GANSynthesizer(generator=Cascade(hidden_units=64)).get_params()["generator__hidden_units"]
    64
    """

    name: ClassVar[str] = "cascade"

    def __init__(
        self,
        *,
        hidden_units: int = 96,
        context_units: int = 256,
        embedding_units: int = 16,
        n_components: int = 12,
        n_blocks: int = 1,
        n_members: int = 4,
        weight_decay: float = 0.3,
    ) -> None:
        self.hidden_units = hidden_units
        self.context_units = context_units
        self.embedding_units = embedding_units
        self.n_components = n_components
        self.n_blocks = n_blocks
        self.n_members = n_members
        self.weight_decay = weight_decay

    def check(self) -> None:
        """Raise an error that names the first option whose type or value is wrong."""
        for name in ("hidden_units", "context_units", "embedding_units", "n_components"):
            check_parameter(f"generator's {name}", getattr(self, name), int, minimum=1, maximum=65_536)
        check_parameter("generator's n_members", self.n_members, int, minimum=1, maximum=256)
        check_parameter("generator's n_blocks", self.n_blocks, int, minimum=0, maximum=64)
        check_parameter("generator's weight_decay", self.weight_decay, float, minimum=0.0)

    def build(self, fields: Sequence[Field], tied: Sequence[Tied] = ()) -> CascadeNetwork:
        """Make the network for these fields; its weights are drawn from torch's current generator."""
        self.check()
        return CascadeNetwork(fields, self, tied)


class CascadeNetwork(nn.Module):
    """One small network per field, computed side by side.

    Parameters
    ----------
    fields : sequence of Field
        What each column of codes means.
    options : Cascade
    tied : sequence of Tied
        Columns that tell each other's value, which draws keep to.
    """

    first_code: Tensor
    place: Tensor
    code_row: Tensor
    code_next: Tensor
    code_part: Tensor
    code_score: Tensor

    def __init__(self, fields: Sequence[Field], options: Cascade, tied: Sequence[Tied] = ()) -> None:
        super().__init__()
        self.n_fields = len(fields)
        self.tied = tuple(tied)
        self.context_units = options.context_units
        n_rows = self._register_codes(fields)
        self.embedding = _normal(n_rows, options.embedding_units, scale=0.5)
        self.score_embedding = _normal(2, self.n_fields, options.embedding_units, scale=0.3)
        spread = 1 / math.sqrt(options.embedding_units * max(1.0, self.n_fields / 2))
        self.term_weight = _normal(
            self.n_fields, options.embedding_units, options.context_units, scale=spread
        )
        self.term_bias = nn.Parameter(torch.zeros(self.n_fields, 1, options.context_units))
        self.context_bias = nn.Parameter(torch.zeros(self.n_fields, 1, options.context_units))
        self.n_members = options.n_members
        self.context_scale = self._member_scale(options.context_units)
        self.context_shift = _normal(self.n_members, self.n_fields, 1, options.context_units, scale=0.15)
        self.hidden_scale = self._member_scale(options.hidden_units)
        self.inner = _Layer(self.n_fields, options.context_units, options.hidden_units)
        self.each_block = tuple(
            _Residual(self.n_fields, options.hidden_units) for _ in range(options.n_blocks)
        )
        self.blocks = nn.ModuleList(self.each_block)
        heads = group_heads(fields, options.hidden_units, options.n_components)
        self.heads, self.each_head = nn.ModuleList(heads), tuple(heads)
        places = torch.cat([head.index for head in heads])
        self.head_of = {p: (head, i) for head in heads for i, p in enumerate(head.index.tolist())}
        self.register_buffer("place", places.argsort(), persistent=False)

    def _member_scale(self, units: int) -> nn.Parameter:
        """By what each member multiplies its units, (n_members, n_fields, 1, units): no two alike."""
        spread = 0.5 if self.n_members > 1 else 0.0
        return nn.Parameter(1.0 + spread * torch.randn(self.n_members, self.n_fields, 1, units))

    def _register_codes(self, fields: Sequence[Field]) -> int:
        """Where each code finds its embedding: between which two rows, how far, and its normal score."""
        parts, n_rows = [], 0
        for field in fields:
            row, step, part, score, n_own = _embedding_place(field)
            parts.append((row + n_rows, row + n_rows + step, part, score))
            n_rows += n_own
        starts = np.cumsum([0, *(field.n_codes for field in fields[:-1])])
        row, following, part, score = (np.concatenate(column) for column in zip(*parts, strict=True))
        known = {"row": row, "next": following, "part": np.float32(part), "score": np.float32(score)}
        for name, values in (("first_code", starts), *((f"code_{key}", known[key]) for key in known)):
            self.register_buffer(name, torch.tensor(values, device="cpu"), persistent=False)
        return n_rows

    def decayed_parameters(self) -> list[nn.Parameter]:
        """Weight matrices; biases, scales and the embedding of scores keep their size."""
        free = ("bias", "scale", "shift", "score_embedding")
        return [p for name, p in self.named_parameters() if not name.endswith(free)]

    def log_likelihood(
        self, codes: Tensor, order: DrawOrder, known: Tensor | None = None, member: int | None = None
    ) -> Tensor:
        """Log-probability of each code given those drawn before it.

        Parameters
        ----------
        codes : tensor of shape (n_rows, n_fields), integers
        order : DrawOrder
        known : tensor of shape (n_rows, n_fields), bool, optional
            Cells that are not known tell the others nothing.
        member : int, optional
            Who judges; by default each member has an equal part of the rows, the first ones first.

        Returns
        -------
        tensor of shape (n_rows, n_fields)
        """
        codes = codes.long()
        terms = self.terms(codes)
        if known is not None:
            terms = terms * known.t().unsqueeze(-1)
        return self._judge(codes, sums_before(terms, order), member)

    def cell_log_likelihood(self, codes: Tensor, known: Tensor, member: int) -> Tensor:
        """Log-probability of each code given all the others that are known, (n_rows, n_fields).

        Parameters
        ----------
        codes : tensor of shape (n_rows, n_fields), integers
        known : tensor of shape (n_rows, n_fields), bool
            Cells that are not known tell the others nothing.
        member : int
            Who judges.
        """
        codes = codes.long()
        terms = self.terms(codes) * known.t().unsqueeze(-1)
        return self._judge(codes, terms.sum(dim=0, keepdim=True) - terms, member)

    def _judge(self, codes: Tensor, context: Tensor, member: int | None) -> Tensor:
        """Log-probability (n_rows, n_fields) of codes; what fields see is (n_fields, n_rows, units)."""
        hidden = self._hidden(context, slice(None), member)
        by_field, parts = codes.t(), []
        for head in self.each_head:
            own = head.index
            parts.append(head.log_likelihood(hidden.index_select(0, own), by_field.index_select(0, own)))
        return torch.cat(parts).index_select(0, self.place).t()

    def terms(self, codes: Tensor) -> Tensor:
        """What each known code adds to the sum, shape (n_fields, n_rows, context_units)."""
        at = (codes + self.first_code).t()
        return torch.baddbmm(self.term_bias, self._embed(at, self.score_embedding), self.term_weight)

    def term(self, field: int, codes: Tensor) -> Tensor:
        """What known codes (n_rows,) of one field add to the sum, shape (n_rows, context_units)."""
        at = (codes + self.first_code[field]).unsqueeze(0)
        embedded = self._embed(at, self.score_embedding[:, field : field + 1])[0]
        return torch.addmm(self.term_bias[field], embedded, self.term_weight[field])

    def draw(self, field: int, context: Tensor, uniforms: Tensor, member: int) -> Tensor:
        """Codes (n_rows,) of one field, given the sum of the known ones' terms (n_rows, context_units)."""
        head, place = self.head_of[field]
        return head.draw(place, self.hidden_of(field, context, member), uniforms)

    def probabilities(self, field: int, context: Tensor, member: int) -> Tensor:
        """Probabilities (n_rows, n_codes) of a category, given a sum of terms (n_rows, context_units)."""
        head, place = self.head_of[field]
        if not isinstance(head, CategoryHeads):
            raise TypeError(f"Only the codes of a category have probabilities, got field {field}")
        return head.logits(place, self.hidden_of(field, context, member)).softmax(dim=-1)

    def hidden_of(self, field: int, context: Tensor, member: int | None) -> Tensor:
        """What a field's head is given, (n_rows, hidden_units), for a sum (n_rows, context_units)."""
        return self._hidden(context.unsqueeze(0), slice(field, field + 1), member)[0]

    def draw_within(
        self,
        field: int,
        context: Tensor,
        uniforms: Tensor,
        shares: Tensor,
        kind: Tensor,
        member: int | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Draw codes of one field among those that conditions leave.

        Parameters
        ----------
        field : int
        context : tensor of shape (n_rows, context_units)
            Sum of the terms of what is known.
        uniforms : tensor of shape (2, n_rows)
        shares : tensor of shape (n_kinds, n_codes)
            What is left of each code's probability under each of several conditions: 0 is none, 1 is all.
        kind : tensor of shape (n_rows,), integers
            The condition of each row.
        member : int, optional
            Who draws; by default each member has an equal part of the rows.

        Returns
        -------
        codes : tensor of shape (n_rows,)
        log_mass : tensor of shape (n_rows,)
            Logarithm of the probability that is left.
        """
        head, place = self.head_of[field]
        hidden = self.hidden_of(field, context, member)
        return head.draw_within(place, hidden, uniforms, shares.to(hidden.dtype), kind)

    def _embed(self, at: Tensor, score_embedding: Tensor) -> Tensor:
        score = self.code_score[at].unsqueeze(-1)
        lower = F.embedding(self.code_row[at], self.embedding)
        upper = F.embedding(self.code_next[at], self.embedding)
        linear, squared = score_embedding.unsqueeze(2)
        curve = torch.where(score != 0, score.square() - 1, score)
        return torch.lerp(lower, upper, self.code_part[at].unsqueeze(-1)) + score * linear + curve * squared

    def _hidden(self, context: Tensor, fields: slice, member: int | None) -> Tensor:
        n_rows = context.shape[1]
        shift, scale, hidden_scale = (
            self._of_rows(part[:, fields], n_rows, member)
            for part in (self.context_shift, self.context_scale, self.hidden_scale)
        )
        blocks = (shift.shape[1], n_rows // shift.shape[1])
        shift = self.context_bias[fields].unsqueeze(1) + shift
        seen = F.silu(context.unflatten(1, blocks) + shift) * scale
        hidden = self.inner(seen.flatten(1, 2), fields)
        hidden = (hidden.unflatten(1, blocks) * hidden_scale).flatten(1, 2)
        for block in self.blocks:
            hidden = block(hidden, fields)
        return F.silu(hidden)

    def _of_rows(self, part: Tensor, n_rows: int, member: int | None) -> Tensor:
        """A parameter (n_members, n_fields, 1, units) for blocks of rows: (n_fields, n_blocks, ..., units).

        A member's rows are a block where that leaves none over, which spares a copy for each row.
        """
        if member is not None or self.n_members == 1:
            return part[member or 0].unsqueeze(1)
        by_field = part.transpose(0, 1)
        if n_rows % self.n_members == 0:
            return by_field
        own = torch.arange(n_rows, device=part.device) * self.n_members // n_rows
        return by_field.index_select(1, own).transpose(1, 2)


class _Layer(nn.Module):
    """A linear map for each field: a common one, and what sets the field apart."""

    def __init__(self, n_fields: int, n_in: int, n_out: int, *, gain: float = 1.0) -> None:
        super().__init__()
        self.common = _normal(1, n_in, n_out, scale=gain / math.sqrt(n_in))
        self.weight = _normal(n_fields, n_in, n_out, scale=_APART * gain / math.sqrt(n_in))
        self.bias = nn.Parameter(torch.zeros(n_fields, 1, n_out))

    def forward(self, x: Tensor, fields: slice) -> Tensor:
        return torch.baddbmm(self.bias[fields], x, self.weight[fields] + self.common)

    def of_field(self, field: int) -> tuple[Tensor, Tensor]:
        """One field's matrix (n_in, n_out) and bias (1, n_out)."""
        return self.weight[field] + self.common[0], self.bias[field]


class _Residual(nn.Module):
    """x + outer(silu(inner(silu(x)))), for each field."""

    def __init__(self, n_fields: int, units: int) -> None:
        super().__init__()
        self.inner = _Layer(n_fields, units, units)
        self.outer = _Layer(n_fields, units, units, gain=0.3)

    def forward(self, x: Tensor, fields: slice) -> Tensor:
        return x + self.outer(F.silu(self.inner(F.silu(x), fields)), fields)


def _normal(*shape: int, scale: float) -> nn.Parameter:
    return nn.Parameter(torch.randn(*shape) * scale)


def _embedding_place(field: Field) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]:
    """For each code: its row, the way to the next row and how far along it, its score; the number of rows.

    A class has a row of its own. A cell's embedding lies between those of the two nearest knots. What has an
    order has a normal score beside it; zero stands for none.
    """
    if not isinstance(field, NumberField):
        zeros, score = np.zeros(field.n_codes), np.zeros(field.n_codes)
        score[: field.n_ordered] = _never_zero(level_scores(field.counts[: field.n_ordered]))
        return np.arange(field.n_codes), zeros.astype(int), zeros, score, field.n_codes
    score = _never_zero(field.centre)
    knot = (np.searchsorted(_KNOTS, score) - 1).clip(0, len(_KNOTS) - 2)
    part = ((score - _KNOTS[knot]) / (_KNOTS[knot + 1] - _KNOTS[knot])).clip(-0.5, 1.5)
    none = np.zeros(field.n_points)
    rows = np.concatenate([np.arange(field.n_points), knot + field.n_points])
    step = np.append(none, np.ones(len(score))).astype(int)
    return rows, step, np.append(none, part), np.append(none, score), field.n_points + len(_KNOTS)


def _never_zero(score: np.ndarray) -> np.ndarray:
    return np.where(score == 0, 1e-6, score)
