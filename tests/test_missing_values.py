"""Gaps that are passed over: learned from by what the rows have, and never drawn."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch

from ganaug import Cascade, GANSynthesizer, Missing
from ganaug.exceptions import InvalidConditionError, InvalidTableError
from ganaug.tabular.codec import GAP, TableCodec
from ganaug.tabular.likelihood import held_out_loss, row_loss
from ganaug.tabular.prefix_sum import DrawOrder

TINY = Cascade(hidden_units=8, context_units=16, embedding_units=4)


def make_table(n=160, holes=0.3):
    rng = np.random.default_rng(0)
    x = rng.normal(size=n).round(2)
    table = pd.DataFrame(
        {
            "x": x,
            "sign": np.where(x > 0, "plus", "minus"),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, n), unit="D"),
            "whole": pd.array(rng.integers(0, 900, n), dtype="Int64"),
            "id": [f"A-{number}" for number in rng.permutation(n) + 1000],
        }
    )
    table = table.mask(rng.random(table.shape) < holes)
    return table.assign(never=np.nan, full=np.arange(n) % 3)


@pytest.fixture(scope="module")
def table():
    return make_table()


@pytest.fixture(scope="module")
def fitted(table):
    return small().fit(table)


def small(**parameters):
    given = {"generator": TINY, "max_epochs": 2, "random_state": 0, "missing_values": "ignore"}
    return GANSynthesizer(**given | parameters)


def test_no_gap_is_drawn_and_dtypes_stay(fitted, table):
    drawn = fitted.sample(100)
    assert drawn.drop(columns="never").notna().all().all()
    assert drawn["never"].isna().all()
    assert drawn.dtypes.equals(table.dtypes)
    with pytest.raises(InvalidConditionError, match="'x'"):
        fitted.sample(5, conditions={"x": Missing()})


def test_gaps_of_rows_are_filled_and_a_row_with_gaps_is_scored_by_what_it_has(fitted, table):
    filled = fitted.complete(table)
    assert filled.drop(columns="never").notna().all().all()
    whole = table.dropna(subset=["x", "sign", "day", "whole"]).head(3)
    less = whole.assign(whole=pd.array([None] * len(whole), dtype="Int64"))
    assert (fitted.score_samples(less) > fitted.score_samples(whole)).all()
    assert np.isfinite(fitted.transform(less)).all()


def test_it_is_kept_in_a_file_and_may_go_on(fitted, table, tmp_path):
    fitted.save(tmp_path / "model.ganaug")
    loaded = GANSynthesizer.load(tmp_path / "model.ganaug")
    pd.testing.assert_frame_equal(loaded.sample(20, random_state=1), fitted.sample(20, random_state=1))
    again = loaded.set_params(warm_start=True, max_epochs=1).fit(table)
    assert again.sample(20).drop(columns="never").notna().all().all()


def test_rows_without_weight_show_no_value():
    table = pd.DataFrame({"a": [np.nan] * 20 + [1.0], "b": np.arange(21.0)})
    weights = np.append(np.ones(20), 0.0)
    drawn = small().fit(table, sample_weight=weights).sample(10)
    assert drawn["a"].isna().all()


def test_codes_of_gaps_are_their_own_and_nothing_stands_for_missing(table):
    codec = TableCodec.fit(table, ignores_missing=True)
    codes = codec.encode(table)
    for name in table.drop(columns=["never", "id"]):
        gaps = table[name].isna().to_numpy()
        span = codec.field_of(name)
        assert (codes[gaps, span] == GAP).all()
        assert (codes[~gaps, span] >= 0).all()
        assert codec.codec_of(name).missing is None


def test_a_gap_tells_nothing_and_costs_nothing(table):
    codec = TableCodec.fit(table, ignores_missing=True)
    network = TINY.build(codec.fields)
    codes = torch.from_numpy(codec.encode(table).astype(np.int64))
    known = codes >= 0
    # an order in which gaps come last: what is there then doesn't see them in any case
    order = (~known).int().t().argsort(dim=0, stable=True)
    n_rows = len(codes)
    rows = torch.arange(n_rows)
    drawn = DrawOrder((order * n_rows + rows).reshape(-1), (order.argsort(dim=0) * n_rows + rows).reshape(-1))
    each = network.log_likelihood(codes.clamp(min=0), drawn, member=0)
    masked = network.log_likelihood(codes.clamp(min=0), drawn, known=known, member=0)
    torch.testing.assert_close(each[known], masked[known])
    generator = partial(torch.Generator().manual_seed, 0)
    other = torch.where(known, codes, -1)
    for loss in (row_loss, held_out_loss):
        first, second = (loss(network, cells, generator(), has_gaps=True) for cells in (codes, other))
        assert torch.equal(first, second)


def test_what_is_seen_in_part_is_learned():
    rng = np.random.default_rng(0)
    x = rng.choice([0.0, 1.0], 400)
    table = pd.DataFrame({"a": x, "b": x, "c": 1 - x}).mask(rng.random((400, 3)) < 0.4)
    drawn = small(max_epochs=60, discriminator=None).fit(table).sample(300)
    assert (drawn["a"] == drawn["b"]).mean() > 0.95
    assert (drawn["a"] == 1 - drawn["c"]).mean() > 0.95


def test_a_generator_that_needs_whole_rows_says_so(table):
    with pytest.raises(InvalidTableError, match=r"missing_values='ignore'.*residual"):
        small(generator="residual").fit(table)
