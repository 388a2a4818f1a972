"""Levels of a column with very many: those that go with alike values share a bucket."""

import numpy as np
import pandas as pd
import pytest

from ganaug.tabular.codec import TableCodec
from ganaug.tabular.level_order import bucket_order, level_means, sort_levels

N, N_PRODUCTS = 12_000, 1_500


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def shop():
    """Products, each with a price and a kind of its own; the order of their names means nothing."""
    generator = rng()
    product = generator.integers(0, N_PRODUCTS, N)
    price, kind = generator.lognormal(size=N_PRODUCTS), generator.choice(list("abc"), N_PRODUCTS)
    names = generator.permutation(N_PRODUCTS)
    return pd.DataFrame(
        {
            "product": [f"p{at}" for at in names[product]],
            "paid": np.round(price[product] * generator.lognormal(0, 0.1, N), 2),
            "kind": kind[product],
            "label": [f"the {at}" for at in names[product]],
        }
    )


def explained(values, groups):
    """Share of the variance that lies between groups."""
    return pd.Series(values).groupby(groups).transform("mean").var() / pd.Series(values).var()


def test_a_bucket_says_what_a_level_goes_with(shop):
    codec = TableCodec.fit(shop)
    assert len(codec.field_of("product").indices(99)) == 3
    bucket = codec.encode(shop)[:, codec.field_of("product")][:, 0]
    ranks = shop["paid"].rank().to_numpy()
    assert explained(ranks, bucket) > 0.85 * explained(ranks, shop["product"].to_numpy())
    assert explained((shop["kind"] == "a").to_numpy(float), bucket) > 0.7
    assert codec.describe()["note"].tolist()[-1] == "one to one with 'product'"
    own = ["product", "kind", "label"]
    pd.testing.assert_frame_equal(codec.decode(codec.encode(shop), rng())[own], shop[own])


def test_levels_that_are_numbered_along_another_column_stay_in_that_order():
    invoice = np.repeat(np.arange(2_000), 3)
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(invoice // 10, unit="D")
    table = pd.DataFrame({"invoice": [f"no {10_000 + at}" for at in invoice], "day": day})
    table = table.assign(paid=rng().lognormal(size=2_000)[invoice]).sample(frac=1, random_state=0)
    codec = TableCodec.fit(table)
    assert list(codec.codec_of("invoice").levels) == sorted(set(table["invoice"]))
    assert codec.fields[0].n_ordered == codec.fields[0].n_codes  # neighbouring buckets are alike


def test_what_chance_accounts_for_leaves_the_order_as_it_was(shop):
    noise = shop[["product"]].assign(x=rng().normal(size=N))
    codec = TableCodec.fit(noise).codec_of("product")
    plain = TableCodec.fit(shop[["product"]]).codec_of("product")
    means = level_means(noise[["x"]].to_numpy(), rng().integers(0, N_PRODUCTS, N), N_PRODUCTS)
    assert np.abs(means).max() < 0.2
    assert sorted(codec.levels) == sorted(plain.levels)
    counts = shop["product"].value_counts()
    assert [counts[level] for level in plain.levels] == sorted(counts, reverse=True)


def test_few_levels_and_levels_with_an_order_stay_as_they_are(shop):
    table = shop.assign(product=pd.Categorical(shop["product"], ordered=True), few=shop["kind"])
    codecs = TableCodec.fit(table).codecs
    assert all(
        new is old
        for new, old in zip(sort_levels(table, codecs, None), codecs, strict=True)
        if new.name != "label"
    )
    assert list(codecs[0].levels) == sorted(codecs[0].levels)


def test_rows_of_no_weight_have_no_say(shop):
    weights = np.ones(N)
    weights[N // 2 :] = 0
    changed = shop.copy()
    changed.loc[N // 2 :, "paid"] = rng(1).permutation(changed.loc[N // 2 :, "paid"])
    changed.loc[N // 2 :, ["product", "label"]] = shop.loc[0, ["product", "label"]].tolist()
    found = [TableCodec.fit(table, weights).codec_of("product").levels for table in (shop, changed)]
    assert found[0] == found[1]


def test_the_means_of_levels_are_drawn_to_zero_by_how_few_rows_they_have():
    levels = np.repeat(np.arange(40), [200] * 20 + [2] * 20)
    own = rng().normal(size=40)
    features = (own[levels] + rng(1).normal(size=len(levels)))[:, None]
    features -= features.mean()
    found = level_means(features, levels, 41)[:, 0]
    plain = np.bincount(levels, features[:, 0], 41)[:40] / np.bincount(levels)
    assert np.abs(found[:20] / plain[:20] - 1).max() < 0.02
    assert (np.abs(found[20:40] / plain[20:]) < 0.85).all()
    assert found[40] == 0  # a level without rows


@pytest.mark.parametrize(("n_levels", "width"), [(1, 5), (5, 5), (17, 5), (100, 10)])
def test_every_level_has_a_place(n_levels, width):
    order = bucket_order(rng().normal(size=(n_levels, 3)), width)
    assert sorted(order) == list(range(n_levels))


def test_gaps_that_are_not_learned_from_say_nothing_of_levels(shop):
    table = shop.assign(paid=shop["paid"].mask(rng().random(N) < 0.3))
    found = TableCodec.fit(table, ignores_missing=True)
    bucket = found.encode(table)[:, found.field_of("product")][:, 0]
    ranks = shop["paid"].rank().to_numpy()
    assert explained(ranks, bucket) > 0.85 * explained(ranks, shop["product"].to_numpy())


def test_of_many_columns_those_that_tell_levels_apart_are_used(shop):
    noise = pd.DataFrame(rng().normal(size=(N, 80)), columns=[f"x{at}" for at in range(80)])
    table = pd.concat([noise, shop[["product", "paid"]]], axis=1)
    codec = TableCodec.fit(table)
    bucket = codec.encode(table)[:, codec.field_of("product")][:, 0]
    assert explained(shop["paid"].rank().to_numpy(), bucket) > 0.75
