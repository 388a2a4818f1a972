"""Heads give proper distributions, draw from them, and stay finite for the most extreme outputs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import ndtri
from scipy.stats import chisquare

from ganaug.tabular.columns.base import CategoryField, NumberField
from ganaug.tabular.heads import CategoryHeads, NumberHeads, draw_class, group_heads, log_frequencies

UNITS = 6


def number_field(n_points, n_cells, seed=0):
    rng = np.random.default_rng(seed)
    inner = ndtri(np.sort(rng.random(n_cells - 1)))
    edges = np.concatenate([[-np.inf], inner, [np.inf]])
    ranks = np.linspace(0, 1, 2 * n_cells + 1)[1::2]
    return NumberField(n_points, edges[:-1], edges[1:], ndtri(ranks), rng.integers(1, 50, n_points + 1) * 1.0)


def category_field(n_codes, seed=0):
    return CategoryField(n_codes, np.random.default_rng(seed).integers(1, 50, n_codes) * 1.0)


FIELDS = {
    "a category": [category_field(4)],
    "one code": [category_field(1)],
    "categories of many widths": [category_field(n, seed=n) for n in (2, 3, 5, 7, 8, 9, 33)],
    "a number": [number_field(0, 20)],
    "a number of one cell": [number_field(0, 1)],
    "a number with points and missing": [number_field(3, 20)],
    "numbers with and without points": [number_field(0, 7), number_field(1, 20), number_field(4, 3)],
    "all together": [number_field(2, 9), category_field(3), number_field(0, 5), category_field(17)],
}


def heads_of(fields, scale=1.0, seed=0):
    """Heads with weights that are all drawn, so that no symmetry hides a mistake."""
    heads = group_heads(fields, UNITS, n_components=3)
    generator = torch.Generator().manual_seed(seed)
    for head in heads:
        head.double()
        with torch.no_grad():
            head.weight += scale * torch.randn(head.weight.shape, generator=generator)
    return heads


def likelihood_of_all_codes(head, member, field, hidden):
    """Probability of every code of one field, shape (n_rows, n_codes)."""
    n_members, n_rows = len(head.index), len(hidden)
    probabilities = []
    for code in range(field.n_codes):
        codes = torch.zeros(n_members, n_rows, dtype=torch.long)
        codes[member] = code
        log = head.log_likelihood(hidden.expand(n_members, n_rows, UNITS), codes)[member]
        probabilities.append(log.exp())
    return torch.stack(probabilities, dim=1).detach()


def members(fields, heads):
    for head in heads:
        for member, position in enumerate(head.index.tolist()):
            yield head, member, fields[position]


@pytest.mark.parametrize("fields", FIELDS.values(), ids=FIELDS)
def test_probabilities_of_all_codes_sum_to_one(fields):
    hidden = torch.randn(5, UNITS, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    for head, member, field in members(fields, heads_of(fields)):
        total = likelihood_of_all_codes(head, member, field, hidden).sum(dim=1)
        torch.testing.assert_close(total, torch.ones(5, dtype=torch.float64), rtol=0, atol=1e-6)


@pytest.mark.parametrize("fields", FIELDS.values(), ids=FIELDS)
def test_draws_follow_the_probabilities(fields):
    n_rows = 20_000
    hidden = torch.randn(1, UNITS, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    for head, member, field in members(fields, heads_of(fields, scale=0.3)):
        expected = likelihood_of_all_codes(head, member, field, hidden)[0].numpy() * n_rows
        uniforms = torch.rand(2, n_rows, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
        codes = head.draw(member, hidden.expand(n_rows, UNITS), uniforms)
        counts = np.bincount(codes.numpy(), minlength=field.n_codes)
        assert len(counts) == field.n_codes  # nothing beyond the field's own codes
        assert fits(counts, expected), (counts, expected)


def fits(counts, expected):
    """Chi-square test at 1 in 10,000, codes of few expected draws taken together."""
    few = expected < 10
    counts = np.append(counts[~few], counts[few].sum())
    expected = np.append(expected[~few], expected[few].sum())
    kept = expected > 1e-6
    assert counts[~kept].sum() == 0
    if kept.sum() == 1:
        return True
    expected = expected[kept] * counts.sum() / expected[kept].sum()
    return chisquare(counts[kept], expected).pvalue > 1e-4


def test_padding_is_never_drawn_and_has_no_probability():
    narrow, wide = category_field(5, seed=1), category_field(8, seed=2)
    (head,) = group_heads([narrow, wide], UNITS, n_components=3)
    hidden = 50 * torch.randn(2_000, UNITS, generator=torch.Generator().manual_seed(0))
    for u in (0.0, 1.0 - 2.0**-24):
        assert head.draw(0, hidden, torch.full((2, 2_000), u)).max() < narrow.n_codes
    beyond = torch.full((2, 2_000), 6)
    assert head.log_likelihood(hidden.expand(2, -1, -1), beyond)[0].max() < -1e6


def test_point_classes_of_another_number_are_never_drawn():
    few, many = number_field(1, 4), number_field(6, 4)
    (head,) = group_heads([few, many], UNITS, n_components=2)
    hidden = 50 * torch.randn(2_000, UNITS, generator=torch.Generator().manual_seed(0))
    for seed in range(3):
        uniforms = torch.rand(2, 2_000, generator=torch.Generator().manual_seed(seed))
        assert head.draw(0, hidden, uniforms).max() < few.n_codes


def test_hostile_weights_cannot_draw_a_code_that_is_not_there():
    few, many = number_field(1, 2), number_field(40, 4)
    (head,) = group_heads([few, many], UNITS, n_components=2)
    with torch.no_grad():
        head.bias[0, :, 1:40] = 1e9  # the padding
    uniforms = torch.rand(2, 500, generator=torch.Generator().manual_seed(0))
    codes = head.draw(0, torch.zeros(500, UNITS), uniforms)
    assert codes.max() < few.n_codes


@pytest.mark.parametrize("size", [1e2, 1e4, 1e8])
@pytest.mark.parametrize("fields", FIELDS.values(), ids=FIELDS)
def test_extreme_outputs_give_finite_losses_gradients_and_valid_codes(fields, size):
    for head in group_heads(fields, UNITS, n_components=3):
        n_members = len(head.index)
        hidden = size * torch.randn(n_members, 64, UNITS, generator=torch.Generator().manual_seed(0))
        own = [fields[position] for position in head.index.tolist()]
        codes = torch.stack([torch.arange(64) % field.n_codes for field in own])
        log = head.log_likelihood(hidden.requires_grad_(True), codes)
        assert torch.isfinite(log).all()
        assert (log <= 1e-5).all()
        (gradient,) = torch.autograd.grad(log.sum(), hidden)
        assert torch.isfinite(gradient).all()
        uniforms = torch.rand(2, 64, generator=torch.Generator().manual_seed(1))
        for member, field in enumerate(own):
            drawn = head.draw(member, hidden[member].detach(), uniforms)
            assert drawn.min() >= 0
            assert drawn.max() < field.n_codes


def test_a_component_far_away_gives_finite_numbers_in_every_cell():
    field = number_field(1, 12)
    head = NumberHeads([0], [field], UNITS, n_components=2)
    with torch.no_grad():
        head.weight.zero_()
        for mean, log_scale in ((1e6, -50.0), (-1e6, 50.0), (0.0, -50.0), (3.0, 50.0)):
            head.bias[0, 0, 1 + 2 : 1 + 4] = mean
            head.bias[0, 0, 1 + 4 :] = log_scale
            log = head.log_likelihood(torch.zeros(1, 13, UNITS), torch.arange(13).unsqueeze(0))
            assert torch.isfinite(log).all()
            assert (log <= 1e-6).all()


def test_without_training_a_head_knows_the_observed_frequencies():
    for field in (category_field(5), number_field(2, 9)):
        (head,) = group_heads([field], UNITS, n_components=3)
        hidden = torch.zeros(1, UNITS, dtype=torch.float64)
        found = likelihood_of_all_codes(head.double(), 0, field, hidden)[0].numpy()
        n_points = len(field.counts) - isinstance(field, NumberField)
        grouped = np.append(found[:n_points], found[n_points:].sum())[: len(field.counts)]
        np.testing.assert_allclose(grouped, np.exp(log_frequencies(field.counts)), rtol=1e-5)


def test_drawing_inverts_the_distribution_function():
    logits = torch.log(torch.tensor([[0.25, 0.5, 0.25]]))
    uniforms = torch.tensor([0.0, 0.2, 0.3, 0.7, 0.8, 1.0 - 2.0**-24])
    assert draw_class(logits.expand(6, 3), uniforms).tolist() == [0, 0, 1, 1, 2, 2]


def test_a_class_without_probability_is_not_drawn():
    logits = torch.tensor([[-1e9, 0.0, -1e9]])
    uniforms = torch.tensor([0.0, 1.0 - 2.0**-24])
    assert draw_class(logits.expand(2, 3), uniforms).tolist() == [1, 1]


def test_fields_are_grouped_by_kind_and_each_is_in_one_group():
    fields = [
        category_field(2),
        number_field(1, 4),
        category_field(300),
        number_field(0, 9),
        category_field(2),
    ]
    heads = group_heads(fields, UNITS, n_components=2)
    assert sorted(place for head in heads for place in head.index.tolist()) == [0, 1, 2, 3, 4]
    for head in heads:
        kind = NumberField if isinstance(head, NumberHeads) else CategoryField
        assert all(isinstance(fields[place], kind) for place in head.index.tolist())
        if isinstance(head, CategoryHeads):
            assert max(head.widths) <= 2 * min(head.widths)
