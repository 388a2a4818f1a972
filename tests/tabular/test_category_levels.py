"""Levels of a category that are dates, durations, intervals or decimals, not only text and numbers."""

from __future__ import annotations

import datetime
import decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ganaug import Between, Cascade, GANSynthesizer
from ganaug._util.dtypes import dtype_from_state, dtype_to_state
from ganaug.exceptions import InvalidConditionError, ModelFileError
from ganaug.tabular.columns import CategoryCodec
from ganaug.testing import check_column_codec

N = 60
AT = np.arange(N) % 4
DAYS = pd.to_datetime("2024-01-01") + pd.to_timedelta(7 * AT, unit="D")
LEVELS = {
    "dates": pd.Categorical(DAYS.date),
    "timestamps": pd.Categorical(DAYS, ordered=True),
    "zoned": pd.Categorical(DAYS.tz_localize("Europe/Paris")),
    "durations": pd.Categorical(pd.to_timedelta(AT, unit="h")),
    "times": pd.Categorical([datetime.time(int(at)) for at in AT]),
    "decimals": pd.Categorical([decimal.Decimal(int(at)) / 4 for at in AT]),
    "cut": pd.cut(AT.astype(float), [-np.inf, 0.5, 1.5, np.inf]),
    "cut whole": pd.cut(AT, [0, 2, 4], right=False),
    "cut dates": pd.cut(DAYS, 3),
}


@pytest.fixture(params=list(LEVELS))
def levels(request):
    column = pd.Series(LEVELS[request.param])
    column[::7] = None
    return column


def test_they_keep_the_contract_of_a_column(levels):
    check_column_codec(CategoryCodec, levels, "a")


def test_their_dtype_goes_into_a_file_and_back(levels):
    state = dtype_to_state(levels.dtype)
    again = dtype_from_state(state)
    assert again == levels.dtype
    assert again.categories.equals(levels.dtype.categories)


@pytest.mark.parametrize(
    "state",
    [
        {"intervals": [{"numbers": ["0.0"], "dtype": "<f8"}], "closed": "right"},
        {"intervals": [{"labels": ["a"], "dtype": {"numpy": "|O"}}] * 2, "closed": "right"},
        {"ticks": ["x"], "dtype": {"numpy": "<M8[ns]"}},
        {"ticks": [1, 1], "dtype": {"numpy": "<M8[ns]"}},
        {"ticks": [1], "dtype": {"numpy": "<i8"}},
        {"cells": "function", "texts": ["print"]},
        {"cells": "date", "texts": ["yesterday"]},
    ],
)
def test_broken_levels_in_a_file_are_refused(state):
    with pytest.raises(ModelFileError):
        dtype_from_state({"categories": state, "ordered": False})


def test_conditions_counts_and_files_know_them(levels, tmp_path):
    table = pd.DataFrame({"a": levels, "b": np.random.default_rng(0).normal(size=N)})
    tiny = Cascade(hidden_units=4, context_units=8, embedding_units=2)
    model = GANSynthesizer(generator=tiny, max_epochs=1, random_state=0).fit(table)
    asked = levels.dropna().iloc[0]
    assert (model.sample(20, conditions={"a": asked})["a"] == asked).all()
    assert (model.sample(counts={"a": {asked: 5}})["a"] == asked).all()
    gaps = model.complete(table)
    assert gaps.dtypes.equals(table.dtypes)
    assert gaps["a"].notna().all()
    model.save(tmp_path / "model.ganaug")
    loaded = GANSynthesizer.load(tmp_path / "model.ganaug")
    pd.testing.assert_frame_equal(loaded.sample(30, random_state=1), model.sample(30, random_state=1))


def test_intervals_have_an_order():
    column = pd.Series(LEVELS["cut"])
    codec = CategoryCodec.fit(column, "a")
    second = column.cat.categories[1]
    tiny = GANSynthesizer(generator=Cascade(hidden_units=4), max_epochs=1, random_state=0)
    model = tiny.fit(pd.DataFrame({"a": column, "b": np.arange(N)}))
    assert (model.sample(40, conditions={"a": Between(second)})["a"].cat.codes >= 1).all()
    assert codec.levels == ("(-inf, 0.5]", "(0.5, 1.5]", "(1.5, inf]")
    with pytest.raises(InvalidConditionError, match=r"no such level: Interval\(9"):
        model.sample(2, conditions={"a": Between(pd.Interval(9, 10))})


@pytest.mark.parametrize("unit", ["s", "ns"])
def test_dates_chosen_to_be_levels_are_asked_for_in_any_unit(unit):
    table = pd.DataFrame({"day": DAYS.astype(f"M8[{unit}]"), "b": np.arange(N)})
    tiny = Cascade(hidden_units=4, context_units=8)
    model = GANSynthesizer(generator=tiny, max_epochs=1, random_state=0, columns={"day": "category"})
    drawn = model.fit(table).sample(20, conditions={"day": [DAYS[1], DAYS[2]]})["day"]
    assert set(drawn) <= {DAYS[1], DAYS[2]}


@pytest.mark.parametrize("kind", [pa.date32(), pa.timestamp("ms"), pa.decimal128(6, 2)])
def test_a_dictionary_of_arrow_may_hold_them(kind):
    cells = [decimal.Decimal(int(at)) for at in AT] if pa.types.is_decimal(kind) else list(DAYS)
    table = pa.table({"a": pa.array(cells, kind).dictionary_encode(), "b": np.arange(N)})
    tiny = GANSynthesizer(generator=Cascade(hidden_units=4), max_epochs=1, random_state=0)
    drawn = tiny.fit(table).sample(10)
    assert drawn.schema.equals(table.schema)
    assert set(drawn["a"].to_pylist()) <= set(table["a"].to_pylist())
