"""Codes to relaxed rows and back, exactly, for every kind of field."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import ndtri
from scipy.stats import kstest

from ganaug.tabular.columns.base import CategoryField, NumberField
from ganaug.tabular.relaxed import Relaxation, normal_score


def number_field(n_cells, n_points=0):
    edges = ndtri(np.linspace(0, 1, n_cells + 1))
    centre = ndtri((np.arange(n_cells) + 0.5) / n_cells)
    return NumberField(n_points, edges[:-1], edges[1:], centre, np.ones(n_points + 1))


FIELDS = (
    CategoryField(3, np.array([5.0, 3.0, 2.0])),
    number_field(7),
    number_field(5, n_points=2),
    CategoryField(1, np.array([9.0])),
    number_field(1),
)


def random_codes(n=500, fields=FIELDS):
    rng = np.random.default_rng(0)
    return torch.tensor(np.column_stack([rng.integers(field.n_codes, size=n) for field in fields]))


def rng():
    return torch.Generator().manual_seed(0)


def test_codes_come_back_exactly():
    space = Relaxation(FIELDS)
    codes = random_codes()
    rows = space.relax(codes, rng())
    assert rows.shape == (500, space.width) == (500, 3 + 1 + 3 + 1 + 1 + 1)
    assert torch.equal(space.codes(rows).long(), codes)
    assert torch.isfinite(rows).all()


@pytest.mark.parametrize("field", FIELDS, ids=["category", "cells", "points", "one level", "one cell"])
def test_each_kind_of_field_alone(field):
    space, codes = Relaxation([field]), random_codes(50, [field])
    assert torch.equal(space.codes(space.relax(codes, rng())).long(), codes)
    assert space.n_classes + len(space.score_places) == space.width


def test_scores_are_normal_where_ranks_are_uniform():
    space = Relaxation([number_field(7)])
    codes = torch.arange(7).repeat(600).unsqueeze(1)
    scores = space.relax(codes, rng())[:, 0].numpy()
    assert kstest(scores, "norm").pvalue > 0.01


def test_a_point_has_no_score():
    space = Relaxation([number_field(5, n_points=2)])
    rows = space.relax(torch.tensor([[0], [1], [2], [6]]), rng())
    assert rows[:2, 3].tolist() == [0, 0]
    assert rows[:, :3].argmax(dim=1).tolist() == [0, 1, 2, 2]
    assert (rows[2, 3] < rows[3, 3]).item()


def test_noise_has_a_number_for_every_class_and_score():
    assert Relaxation(FIELDS).noise_units == 1 + 1 + 2 + 1 + 1


def test_normal_scores_are_finite_at_the_ends():
    ends = normal_score(torch.tensor([0.0, 0.5, 1.0]))
    assert torch.isfinite(ends).all()
    assert ends[0] == pytest.approx(-ends[2].item(), abs=0.01)
    assert ends[1] == 0
