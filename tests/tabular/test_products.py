"""Products and quotients are found, hold in every row, and give way to what was asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ganaug import GANSynthesizer
from ganaug.exceptions import ModelFileError
from ganaug.tabular.codec import TableCodec
from ganaug.tabular.products import Product, find_products
from ganaug.tabular.relation_check import BROKEN, HOLDS, OPEN, check_relations

N = 1_200


def made_table(seed=0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "quantity": rng.integers(1, 20, N),
            "price": np.exp(rng.normal(2, 1, N)).round(2),
            "km": rng.gamma(3, 30, N).round(1),
            "hours": (rng.gamma(3, 1, N) + 0.1).round(2),
            "noise": rng.normal(size=N),
        }
    )
    table["amount"] = (table["quantity"] * table["price"]).round(2)
    table["speed"] = (table["km"] / table["hours"]).round(1)
    table["share"] = (100 * table["price"] / table["amount"]).round(1)
    return table.mask(rng.random(table.shape) < 0.01)


def assert_holds(table, *, least=1.0):
    product = (table["quantity"] * table["price"] - table["amount"]).abs().dropna()
    quotient = (table["km"] / table["hours"] - table["speed"]).abs().dropna()
    assert (product <= 0.005 + 1e-6).mean() >= least
    assert (quotient <= 0.05 + 1e-6).mean() >= least


@pytest.fixture(scope="module")
def model():
    return GANSynthesizer(max_epochs=2, random_state=0).fit(made_table())


def equations(table):
    codec = TableCodec.fit(table)
    return {str(entry.describe(codec.columns)) for entry in codec.relations.products}


def test_what_holds_in_every_row_is_found():
    found = equations(made_table())
    assert "equals 'quantity' * 'price'" in found
    assert "equals 'km' / 'hours'" in found


def test_a_square_is_found_and_kept_to():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"kg": rng.normal(70, 12, N).round(1), "m": rng.normal(1.7, 0.1, N).round(2)})
    table["bmi"] = (table["kg"] / table["m"] ** 2).round(1)
    table["sex"] = rng.choice(["f", "m"], N)
    assert equations(table) == {"equals 'kg' / 'm' ** 2"}
    drawn = GANSynthesizer(max_epochs=1, random_state=0).fit(table).sample(300)
    assert ((drawn["kg"] / drawn["m"] ** 2 - drawn["bmi"]).abs() <= 0.05 + 1e-6).mean() > 0.98
    tall = GANSynthesizer(max_epochs=1, random_state=0).fit(table).sample(100, conditions={"bmi": 22.0})
    assert ((tall["kg"] / tall["m"] ** 2 - 22).abs() <= 0.06).mean() > 0.9


def test_one_row_that_breaks_it_is_enough_not_to_find_it():
    table = made_table()
    at = table.dropna().index[7]
    table.loc[at, "amount"] += 0.02
    assert "equals 'quantity' * 'price'" not in equations(table)


def test_flags_and_accidents_are_no_products():
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 2, (2, N))
    table = pd.DataFrame({"a": first, "b": second, "both": first * second, "x": rng.normal(size=N).round(1)})
    assert find_products(table, range(4)) == []
    table = pd.DataFrame(rng.integers(0, 4, (60, 8)), columns=list("abcdefgh"))
    assert find_products(table, range(8)) == []


def test_a_line_is_no_product():
    rng = np.random.default_rng(0)
    x = rng.normal(50, 9, N).round(1)
    table = pd.DataFrame({"x": x, "y": (2 * x).round(1), "one": np.where(rng.random(N) < 0.001, 2, 1)})
    assert find_products(table, range(3)) == []


def test_rows_keep_to_it(model):
    drawn = model.sample(1_000)
    assert_holds(drawn, least=0.99)  # where the range of all three leaves one
    real = made_table()
    for name in real.columns:
        assert drawn[name].dropna().between(real[name].min(), real[name].max()).all()
        assert drawn[name].dtype == real[name].dtype


@pytest.mark.parametrize("conditions", [{"price": 2.5, "quantity": 3}, {"speed": 50.0}, {"amount": 100.0}])
def test_what_was_asked_for_stays(model, conditions):
    drawn = model.sample(200, conditions=conditions)
    for name, value in conditions.items():
        assert (drawn[name] == value).all()
    assert_holds(drawn, least=0.95)  # 100.00 has no price for a quantity of 7


def test_an_amount_follows_from_a_price_that_its_article_tells():
    rng = np.random.default_rng(0)
    prices = np.exp(rng.normal(3, 1, 30)).round(2)
    article, quantity = rng.integers(0, 30, N), rng.integers(1, 9, N)
    table = pd.DataFrame(
        {
            "article": [f"A{i:02d}" for i in article],
            "price": prices[article],
            "quantity": quantity,
            "amount": (quantity * prices[article]).round(2),
            "x": rng.normal(size=N),
        }
    )
    assert TableCodec.fit(table).relations.lookups == ()  # an amount tells the others, of which it is made
    assert equations(table) == {"equals 'price' * 'quantity'"}
    model = GANSynthesizer(max_epochs=2, random_state=0).fit(table)
    for conditions in ({}, {"article": "A07"}, {"quantity": 2}):
        drawn = model.sample(300, conditions=conditions)
        assert ((drawn["quantity"] * drawn["price"]).round(2) - drawn["amount"]).abs().max() < 0.011
        told = drawn["article"].str[1:].astype(int).map(lambda i: prices[i])
        np.testing.assert_array_equal(drawn["price"], told)


def test_gaps_are_filled_by_it(model):
    table = made_table(3).dropna().head(50)
    holes = table.assign(amount=np.nan)
    filled = model.complete(holes)
    assert (filled["amount"] - table["amount"]).abs().max() < 0.011
    pd.testing.assert_series_equal(filled["price"], table["price"])


def test_a_copy_of_a_product_moves_with_it():
    table = made_table().dropna().assign(copy=lambda t: t["amount"])
    assert "equals 'quantity' * 'price'" in equations(table)
    drawn = GANSynthesizer(max_epochs=1, random_state=0).fit(table).sample(300)
    assert (drawn["copy"] == drawn["amount"]).all()
    assert_holds(drawn, least=0.99)


def test_it_is_kept_in_a_file(model, tmp_path):
    model.save(tmp_path / "m.ganaug")
    again = GANSynthesizer.load(tmp_path / "m.ganaug")
    assert again.codec_.relations.products == model.codec_.relations.products
    pd.testing.assert_frame_equal(again.sample(50, random_state=1), model.sample(50, random_state=1))


def test_cells_that_break_it_are_seen():
    table = made_table()
    codec = TableCodec.fit(table)
    at = table.dropna().index[3]
    row = table.index.get_loc(at)
    table.loc[at, "amount"] += 5
    table.loc[table.index[row + 1], "price"] = np.nan
    found = check_relations(table, codec.relations, codec.codecs)[:, list(codec.columns).index("amount")]
    assert found[row] == BROKEN
    assert found[row + 1] == OPEN
    assert (found == HOLDS).sum() > N / 2


@pytest.mark.parametrize(
    "change",
    [
        {"members": [0, 1]},
        {"members": [0, 1, 9]},
        {"members": [0, 1, 1]},
        {"factor": float("nan")},
        {"factor": 0.0},
        {"power": 3},
        {"power": True},
        {"lows": [0.0, 0.0, 5.0]},
        {"decimals": [1, 2, 90]},
        {"lows": "abc"},
    ],
)
def test_a_broken_description_is_refused(change):
    state = Product((0, 1, 2), 1, 1.0, (0.0,) * 3, (1.0,) * 3, (2, None, 0)).to_state()
    assert Product.from_state(state, 3).members == (0, 1, 2)
    with pytest.raises(ModelFileError):
        Product.from_state({**state, **change}, 3)
