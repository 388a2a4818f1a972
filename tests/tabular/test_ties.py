"""Columns that tell each other's value keep to it while rows are drawn, whichever comes first."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from ganaug import GANSynthesizer
from ganaug.tabular.cascade import Cascade
from ganaug.tabular.codec import TableCodec
from ganaug.tabular.relations import flat_codes
from ganaug.tabular.rollout import roll_out

N = 4_000


def made_table(n_places=30, seed=0):
    """A place tells its country and, but for slips, its zone."""
    rng = np.random.default_rng(seed)
    place = rng.integers(0, n_places, N)
    zone = np.where(rng.random(N) < 0.004, rng.integers(0, 4, N), place % 4)
    return pd.DataFrame(
        {
            "place": pd.array([f"P{i:04d}" for i in place], dtype="string"),
            "country": pd.array([f"C{i % 7}" for i in place], dtype="string"),
            "zone": pd.array([f"Z{i}" for i in zone], dtype="string"),
            "other": rng.normal(size=N),
        }
    )


def untrained(codec):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Cascade(hidden_units=16, context_units=16, embedding_units=4).build(
            codec.fields, codec.tied
        )
    return network.eval()


def agreements(codec, codes):
    """By child: the share of rows in which it has what its parent says."""
    found = {}
    for entry in codec.relations.lookups:
        both = [
            flat_codes(codec.codecs[at], codes[:, codec.slices[at]]) for at in (entry.parent, entry.child)
        ]
        found[codec.columns[entry.child]] = entry.agrees(*both).mean()
    return found


@pytest.mark.parametrize("n_places", [30, 1_300])  # one field, and a bucket with its members
def test_a_generator_that_knows_nothing_yet_keeps_to_them(n_places):
    codec = TableCodec.fit(made_table(n_places))
    network = untrained(codec)
    codes = roll_out(network, 3_000, torch.Generator().manual_seed(1)).numpy()
    assert agreements(codec, codes) == {"country": 1.0, "zone": 1.0}
    network.tied = ()
    loose = agreements(codec, roll_out(network, 3_000, torch.Generator().manual_seed(1)).numpy())
    assert max(loose.values()) < 0.5


def test_values_that_are_known_are_kept_and_the_others_go_with_them():
    codec = TableCodec.fit(made_table(1_300))
    known = {codec.field_of("country").start: torch.full((2_500,), 3, dtype=torch.int32)}
    codes = roll_out(untrained(codec), 2_500, torch.Generator().manual_seed(1), known).numpy()
    assert (codes[:, codec.field_of("country").start] == 3).all()
    assert agreements(codec, codes)["country"] == 1.0
    assert len(np.unique(codes[:, codec.field_of("place")], axis=0)) > 50


def test_a_number_that_tells_a_class_is_drawn_from_what_goes_with_it():
    rng = np.random.default_rng(0)
    time = rng.integers(0, 24, N) * 100 + rng.choice([0, 15, 30, 45], N)
    table = pd.DataFrame({"time": time, "hour": time // 100, "minute": time % 100, "x": rng.normal(size=N)})
    codec = TableCodec.fit(table)
    assert {codec.columns[entry.child] for entry in codec.relations.lookups} == {"hour", "minute"}
    codes = roll_out(untrained(codec), 3_000, torch.Generator().manual_seed(1)).numpy()
    assert agreements(codec, codes) == {"hour": 1.0, "minute": 1.0}
    drawn = codec.decode(codes, np.random.default_rng(0))
    assert (drawn["time"] // 100 == drawn["hour"]).all()
    assert drawn["minute"].nunique() == 4


def test_what_goes_with_a_told_column_is_not_lost_when_it_tells():
    """A column that follows the country follows the country of the place that is drawn."""
    table = made_table(1_300)
    table["tax"] = table["country"].str[1:].astype(int) * 10.0 + np.random.default_rng(1).normal(size=N)
    model = GANSynthesizer(max_epochs=12, random_state=0).fit(table)

    def share_that_fits(drawn):
        return (np.abs(drawn["tax"] - drawn["country"].str[1:].astype(int) * 10.0) < 5).mean()

    drawn = model.sample(2_000, guidance=0)
    assert drawn.groupby("place")["country"].nunique().max() == 1
    shares = (frame["country"].value_counts(normalize=True) for frame in (table, drawn))
    assert next(shares).sub(next(shares)).abs().max() < 0.04
    model.generator_.tied = ()  # set right afterwards
    assert 1 - share_that_fits(drawn) < 0.8 * (1 - share_that_fits(model.sample(2_000, guidance=0)))


def test_partners_that_contradict_each_other_do_not_stop_a_draw():
    codec = TableCodec.fit(made_table())
    network = untrained(codec)
    spans = [codec.field_of(name).start for name in ("country", "zone")]
    every = [torch.arange(2_800).int() % 7, (torch.arange(2_800).int() // 7) % 4]
    codes = roll_out(network, 2_800, torch.Generator().manual_seed(1), dict(zip(spans, every, strict=True)))
    assert (codes >= 0).all()
    assert torch.equal(codes[:, spans[0]], every[0])
    assert torch.equal(codes[:, spans[1]], every[1])


def test_prices_that_articles_tell_are_found_though_some_were_seen_once():
    rng = np.random.default_rng(0)
    prices = np.exp(rng.normal(3, 1, 400)).round(2)
    article = (rng.zipf(1.3, N) - 1) % 400  # many of them have one row
    table = pd.DataFrame(
        {"article": [f"A{i:03d}" for i in article], "price": prices[article], "x": rng.normal(size=N)}
    )
    codec = TableCodec.fit(table)
    (entry,) = codec.relations.lookups
    assert (codec.columns[entry.parent], codec.columns[entry.child]) == ("article", "price")
    n_rows = table["article"].value_counts()
    assert 0 < (entry.table[: len(n_rows)] < 0).sum() <= (n_rows == 1).sum()  # some of these are open
    drawn = GANSynthesizer(max_epochs=1, random_state=0).fit(table).sample(1_000)
    told = drawn["article"].map(dict(zip(table["article"], table["price"], strict=True)))
    often = drawn["article"].map(n_rows) > 1
    assert (drawn["price"] == told)[often].all()
    assert 1 - often.mean() < 0.1  # prices between the popular ones don't make rare articles frequent
