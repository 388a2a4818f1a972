"""Raked weights give rows the real margins, and touch nothing that already fits."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganaug.exceptions import ModelFileError
from ganaug.tabular.columns.base import CategoryField
from ganaug.tabular.raking import Margins

FIELDS = [CategoryField(3, np.ones(3)), CategoryField(2, np.ones(2))]


def rows(n_rows, shares, seed):
    rng = np.random.default_rng(seed)
    return np.stack([rng.choice(len(share), n_rows, p=share) for share in shares], axis=1)


@pytest.fixture
def margins():
    return Margins.fit(FIELDS, rows(2_000, [[0.2, 0.3, 0.5], [0.9, 0.1]], 0), np.ones(2_000))


def test_weighted_margins_are_the_real_ones(margins):
    drawn = torch.from_numpy(rows(5_000, [[0.3, 0.3, 0.4], [0.8, 0.2]], 1))
    weights = margins.rake(drawn, torch.randn(5_000, generator=torch.Generator().manual_seed(0))).exp()
    for position, share in enumerate(margins.shares):
        has = torch.bincount(drawn[:, position], weights=weights) / weights.sum()
        np.testing.assert_allclose(has.numpy(), share, atol=1e-3)


def test_what_fits_already_keeps_its_weights(margins):
    drawn = torch.from_numpy(rows(2_000, [[0.2, 0.3, 0.5], [0.9, 0.1]], 0))  # the real rows themselves
    weights = margins.rake(drawn, torch.zeros(2_000))
    assert float(weights.std()) < 1e-9


def test_weights_of_real_rows_count():
    real = np.array([[0, 0]] * 30 + [[1, 1]] * 30)
    margins = Margins.fit(FIELDS, real, np.repeat([3.0, 1.0], 30))
    assert margins.shares[1].tolist() == [0.75, 0.25]


def test_arrays_come_back_and_broken_ones_are_refused(margins):
    arrays = margins.to_arrays()
    back = Margins.from_arrays(arrays, FIELDS)
    assert all(map(np.array_equal, back.shares, margins.shares))
    for name, broken in (("bins.0", np.array([0, 1, 9])), ("shares.1", np.array([0.9, 0.9]))):
        with pytest.raises(ModelFileError, match="margins"):
            Margins.from_arrays({**arrays, name: broken}, FIELDS)
