"""Numbers and dates in text are read, drawn and written as the column has them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ganaug import Between, Cascade, GANSynthesizer
from ganaug.exceptions import ModelFileError, RejectColumn
from ganaug.tabular.columns import CategoryCodec, DatetimeCodec, IdentifierCodec
from ganaug.tabular.columns.texts import example_of, format_from, learn_format, read_texts, write_texts
from ganaug.testing import check_column_codec

RNG = np.random.default_rng(0)
AMOUNTS = RNG.normal(0, 3_000, 120).round(2)
DAYS = pd.Timestamp("2021-03-01") + pd.to_timedelta(RNG.integers(0, 900, 120), unit="D")
STAMPS = DAYS + pd.to_timedelta(RNG.integers(0, 1_440, 120), unit="min")


def swapped(text):
    return text.translate(str.maketrans(",.", ".,"))


NUMBERS = {
    "$1,234.00": [f"{'-' if x < 0 else ''}${abs(x):,.2f}" for x in AMOUNTS],
    "$1234.00": [f"${x:.2f}" for x in AMOUNTS],
    "1,234.00": [f"({-x:,.2f})" if x < 0 else f"{x:,.2f}" for x in AMOUNTS],
    "1.234,00 €": [swapped(f"{x:,.2f}") + " €" for x in AMOUNTS],
    "1'234.00 CHF": [f"{abs(x):,.2f} CHF".replace(",", "'") for x in AMOUNTS],
    "1234%": [f"{x:g}%" for x in (AMOUNTS / 100).round(1)],
    "1,234": [f"{int(abs(x)):,}" for x in AMOUNTS],
    "1234 kg": [f"{int(60 + x // 100)} kg" for x in AMOUNTS],
    "1234.000": [f"{x:.3f}" for x in AMOUNTS],
}
DATES = {
    "%m/%d/%y": DAYS.strftime("%m/%d/%y"),
    "%d-%b-%Y": DAYS.strftime("%d-%b-%Y"),
    "%B %d, %Y": DAYS.strftime("%B %d, %Y"),
    "%m/%d/%Y %I:%M %p": STAMPS.strftime("%m/%d/%Y %I:%M %p"),
    "%-m/%-d/%Y %-I:%M %p": [
        f"{at.month}/{at.day}/{at.year} {at.hour % 12 or 12}:{at.strftime('%M %p')}" for at in STAMPS
    ],
}


@pytest.mark.parametrize(("example", "texts"), [*NUMBERS.items(), *DATES.items()])
def test_a_format_is_learned_that_gives_every_text_back(example, texts):
    values = pd.Series([*texts, None], dtype=object)
    found = learn_format(values)
    assert example_of(found) == example
    ticks, missing = read_texts(values, found)
    again = write_texts(ticks, missing, values.dtype, found, "None")
    assert again.tolist() == values.tolist()


@pytest.mark.parametrize("name", ["$1,234.00", "1234%", "%d-%b-%Y"])
def test_they_keep_the_contract_of_a_column(name):
    values = pd.Series([*(NUMBERS | dict(DATES))[name], None], dtype=object)
    check_column_codec(DatetimeCodec, values, "a")


@pytest.mark.parametrize(
    "texts",
    [
        [f"A-{at}" for at in range(100)],
        [f"{at}" for at in range(100)],
        [f"{at:05d}" for at in range(100)],
        [f"{at} B" for at in range(100)],
        [f"10.0.{at}.{at % 7}" for at in range(100)],
        [f"+44 20 {at} {at}" for at in range(1_000, 1_100)],
        ["12.5", "n/a"] * 50,
        [],
    ],
)
def test_names_and_mixtures_are_no_numbers(texts):
    assert learn_format(pd.Series(texts, dtype=object)) is None


def test_few_of_them_are_levels_and_a_choice_makes_them_numbers():
    values = pd.Series(["$5.00", "$7.50", "$9.99"] * 30)
    with pytest.raises(RejectColumn):
        DatetimeCodec.fit(values, "price")
    assert len(CategoryCodec.fit(values, "price").levels) == 3
    model = GANSynthesizer(max_epochs=1, generator=Cascade(hidden_units=4), columns={"price": "number"})
    model.fit(pd.DataFrame({"price": values, "b": np.arange(90.0)}))
    assert model.columns_["kind"].tolist() == ["number", "number"]


def test_prices_in_text_are_drawn_and_asked_for(tmp_path):
    table = pd.DataFrame({"price": NUMBERS["$1,234.00"], "b": AMOUNTS})
    model = GANSynthesizer(max_epochs=1, generator=Cascade(hidden_units=4), random_state=0).fit(table)
    assert "($1,234.00)" in model.columns_["why"][0]
    drawn = model.sample(50, conditions={"price": Between(100, 2_000)})["price"]
    assert drawn.str.fullmatch(r"\$[\d,]+\.\d\d").all()
    assert drawn.str.replace(r"[$,]", "", regex=True).astype(float).between(100, 2_000).all()
    asked = table["price"][0]
    assert (model.sample(10, conditions={"price": asked})["price"] == asked).all()
    model.save(tmp_path / "model.ganaug")
    loaded = GANSynthesizer.load(tmp_path / "model.ganaug")
    pd.testing.assert_frame_equal(loaded.sample(20, random_state=1), model.sample(20, random_state=1))


@pytest.mark.parametrize(
    "state",
    [
        "[",
        '["$", "", ",", ".", 2]',
        '["$", "", ",", ",", 2, false, "before"]',
        '["$", "", ",", ".", 30, false, "before"]',
        '["$", "", ",", ".", 2, false, "beside"]',
        '["$", "", ",", ".", 2, 0, "before"]',
    ],
)
def test_a_broken_format_in_a_file_is_refused(state):
    with pytest.raises(ModelFileError):
        format_from(state, np.dtype(object))


def test_a_format_of_numbers_needs_text():
    with pytest.raises(ModelFileError, match="float64"):
        format_from(learn_format(pd.Series(NUMBERS["1234%"])), np.dtype(float))


def test_identifiers_with_numbers_in_them_stay_identifiers():
    values = pd.Series([f"INV-{at}" for at in RNG.permutation(9_000)[:200]])
    assert IdentifierCodec.fit(values, "a").is_text
    with pytest.raises(RejectColumn):
        DatetimeCodec.fit(values, "a")
