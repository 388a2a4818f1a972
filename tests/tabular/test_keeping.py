"""Rows that are kept: exact numbers, the right weights, none twice, margins nearer than chance would."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganaug.tabular.keeping import effective_share, keep_rows


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_every_group_has_its_number_and_no_row_twice():
    weights, groups = (
        torch.randn(3_000, generator=seeded()),
        torch.randint(0, 4, (3_000,), generator=seeded()),
    )
    wanted = torch.tensor([100, 0, 300, 1])
    kept = keep_rows(weights, groups, wanted, seeded(1))
    assert len(set(kept.tolist())) == 401
    assert torch.equal(groups[kept], torch.repeat_interleave(wanted))


def test_rows_are_kept_in_proportion_to_their_weights():
    weights, counts, generator = torch.tensor([0.0, 1.0, 2.0, 0.0]), torch.zeros(4), seeded()
    for _ in range(4_000):
        counts[keep_rows(weights, torch.zeros(4, dtype=torch.long), torch.tensor([1]), generator)] += 1
    np.testing.assert_allclose(counts / 4_000, weights.softmax(0), atol=0.03)


def test_a_row_that_outweighs_all_is_kept_once():
    weights = torch.tensor([30.0, 0.0, 0.0, 0.0])
    kept = keep_rows(weights, torch.zeros(4, dtype=torch.long), torch.tensor([2]), seeded())
    assert 0 in kept.tolist()
    assert len(set(kept.tolist())) == 2


def test_effective_share_of_equal_weights_is_one():
    assert effective_share(torch.full((10,), 3.0)) == pytest.approx(1)
    assert effective_share(torch.tensor([100.0, 0.0])) == pytest.approx(0.5)


# --- exchanges ----------------------------------------------------------------------------------------------


def pool_of(n_rows=8_000, n_margins=5, seed=0):
    """Weights that lean on the first margin, and bins of ten, the first two of which go together."""
    bins = torch.randint(0, 10, (n_margins, n_rows), generator=seeded(seed))
    bins[1] = torch.where(torch.rand(n_rows, generator=seeded(seed + 1)) < 0.5, bins[0], bins[1])
    return 0.1 * bins[0].double(), bins


def errors(kept, shares, bins):
    """How far the counts of all bins are from what the weights promise."""
    each = [torch.bincount(own, weights=shares) - torch.bincount(own[kept], minlength=10) for own in bins]
    return torch.cat(each).abs()


def test_counts_of_bins_are_what_the_weights_promise_nearly():
    weights, bins = pool_of()
    groups, wanted = torch.zeros(8_000, dtype=torch.long), torch.tensor([3_000])
    shares = 3_000 * weights.softmax(0)
    plain = keep_rows(weights, groups, wanted, seeded(3))
    kept = keep_rows(weights, groups, wanted, seeded(3), bins)
    assert len(set(kept.tolist())) == 3_000
    assert errors(plain, shares, bins).mean() > 5
    assert errors(kept, shares, bins).mean() < 2


def test_exchanges_leave_weights_and_dependence_as_they_are():
    weights, bins = pool_of()
    groups, wanted = torch.zeros(8_000, dtype=torch.long), torch.tensor([3_000])
    shares = 3_000 * weights.softmax(0)
    alike = (bins[0] == bins[1]).double()
    found = []
    for seed in range(5):
        kept = keep_rows(weights, groups, wanted, seeded(seed), bins)
        found.append([float(alike[kept].mean()), float(weights[kept].mean())])
    promised = [float((shares * column).sum() / 3_000) for column in (alike, weights)]
    np.testing.assert_allclose(np.mean(found, axis=0), promised, atol=0.01)


def test_exchanges_are_within_groups():
    weights, bins = pool_of()
    groups = torch.randint(0, 3, (8_000,), generator=seeded(5))
    wanted = torch.tensor([1_000, 0, 500])
    kept = keep_rows(weights, groups, wanted, seeded(1), bins)
    assert torch.equal(groups[kept], torch.repeat_interleave(wanted))
    assert len(set(kept.tolist())) == 1_500
    for group, own in zip((0, 2), kept.split([1_000, 500]), strict=True):
        shares = (groups == group) * weights.exp()
        assert errors(own, len(own) * shares / shares.sum(), bins).mean() < 2


def test_where_all_rows_are_kept_nothing_is_exchanged():
    weights, bins = pool_of(200)
    kept = keep_rows(weights, torch.zeros(200, dtype=torch.long), torch.tensor([200]), seeded(), bins)
    assert sorted(kept.tolist()) == list(range(200))
