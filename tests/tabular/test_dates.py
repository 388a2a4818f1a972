"""What a date tells of other columns holds in every row, whoever was asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ganaug import Between, GANSynthesizer
from ganaug.exceptions import ModelFileError
from ganaug.tabular.codec import TableCodec
from ganaug.tabular.dates import OF_DAY, OF_SECOND, DatePart, view_of
from ganaug.tabular.relation_check import BROKEN, HOLDS, check_relations


def made_table(n=1_500, seed=0):
    rng = np.random.default_rng(seed)
    when = pd.Timestamp("2021-03-01") + pd.to_timedelta(rng.integers(0, 800 * 24, n), "h")
    month = pd.Series(when.month_name()).mask(rng.random(n) < 0.0)
    return pd.DataFrame(
        {
            "when": when.where(rng.random(n) > 0.05),
            "year": when.year,
            "month": pd.Categorical(month),
            "weekday": when.dayofweek.astype("int8"),
            "hour": when.hour.astype(float),
            "free": np.where(when.dayofweek >= 5, "yes", "no"),
            "load": rng.normal(size=n),
        }
    )


def assert_consistent(table):
    seen = table[table["when"].notna()]
    dates = seen["when"].dt
    assert (dates.year == seen["year"]).all()
    assert (dates.month_name() == seen["month"].astype(str)).all()
    assert (dates.dayofweek == seen["weekday"]).all()
    assert (dates.hour == seen["hour"]).all()
    assert ((dates.dayofweek >= 5) == (seen["free"] == "yes")).all()


@pytest.fixture(scope="module")
def model():
    return GANSynthesizer(max_epochs=2, random_state=0).fit(made_table())


def test_views_are_those_of_pandas():
    days = np.arange(-200_000, 60_000, 13)
    index = pd.DatetimeIndex(days.astype("M8[D]").astype("M8[s]"))
    expected = {
        "year": index.year,
        "quarter": index.quarter,
        "month": index.month,
        "week": index.isocalendar().week,
        "day of the month": index.day,
        "day of the year": index.dayofyear,
        "weekday": index.dayofweek,
    }
    for view, found in expected.items():
        assert np.array_equal(OF_DAY[view](days.astype("M8[D]")), np.asarray(found, dtype=np.int64)), view
    assert OF_SECOND["hour"](np.array([3_599, 3_600])).tolist() == [0, 1]
    assert OF_SECOND["minute"](np.array([3_599, 3_600])).tolist() == [59, 0]


def test_relations_are_found_by_the_view_with_the_fewest_values():
    codec = TableCodec.fit(made_table())
    found = {codec.columns[part.child]: part.view for part in codec.relations.dates}
    assert found == {
        "year": "year",
        "month": "month",
        "weekday": "weekday",
        "hour": "hour",
        "free": "weekday",
    }
    notes = codec.describe().set_index("column")["note"]
    assert "told by the month of 'when'" in notes["month"]


def test_no_relation_is_found_where_there_is_none():
    table = made_table()
    rng = np.random.default_rng(1)
    for name in table.columns.drop("when"):
        table[name] = rng.permutation(table[name])
    assert TableCodec.fit(table).relations.dates == ()


def test_rows_keep_to_them(model):
    drawn = model.sample(1_000)
    assert_consistent(drawn)
    assert drawn["when"].isna().any()
    assert drawn.dtypes.equals(made_table().dtypes)


@pytest.mark.parametrize(
    "conditions",
    [
        {"month": "April"},
        {"weekday": 6, "month": "February"},
        {"hour": 5.0, "year": 2022},
        {"free": "yes"},
        {"month": ["May", "June"]},
        {"when": pd.Timestamp("2022-05-06 07:00")},
        {"when": Between("2022-01-05", "2022-01-20")},
    ],
)
def test_what_was_asked_for_stays_and_the_others_move(model, conditions):
    drawn = model.sample(200, conditions=conditions)
    assert_consistent(drawn)
    for name, wanted in conditions.items():
        if isinstance(wanted, Between):
            assert drawn[name].between("2022-01-05", "2022-01-20").all()
        else:
            assert drawn[name].isin(np.atleast_1d(np.array(wanted, dtype=object))).all()
    assert drawn["when"].dropna().between("2021-03-01", "2023-05-20").all()


def test_gaps_are_filled_with_what_the_date_says(model):
    table = made_table(60, seed=3)
    table["when"] = table["when"].fillna(pd.Timestamp("2022-02-02 02:00"))
    holes = table.drop(columns="free").assign(free=pd.Series(None, index=table.index, dtype=object))
    holes["hour"] = np.nan
    holes = holes[table.columns]
    filled = model.complete(holes)
    dates = filled["when"].dt
    assert (dates.hour == filled["hour"]).all()
    assert ((dates.dayofweek >= 5) == (filled["free"] == "yes")).all()


def test_they_are_kept_in_a_file(model, tmp_path):
    model.save(tmp_path / "m.ganaug")
    again = GANSynthesizer.load(tmp_path / "m.ganaug")
    pd.testing.assert_frame_equal(again.sample(50, random_state=1), model.sample(50, random_state=1))
    assert [vars(part).keys() for part in again.codec_.relations.dates]


@pytest.mark.parametrize(
    "broken",
    [
        {"header": [0, 1]},
        {"header": [0, 1, "moon"]},
        {"header": [0, 9, "year"]},
        {"header": [1, 1, "year"]},
        {"keys": np.array([2, 1])},
        {"values": np.array([0, 7])},
        {"values": np.array([0])},
    ],
)
def test_a_broken_description_is_refused(broken):
    arrays = {"keys": broken.get("keys", np.array([1, 2])), "values": broken.get("values", np.array([0, 1]))}
    with pytest.raises(ModelFileError):
        DatePart.from_state(broken.get("header", [0, 1, "year"]), arrays, [-1, 2])


def test_cells_that_break_them_are_seen():
    table = made_table()
    codec = TableCodec.fit(table)
    table.loc[3, "weekday"] = (table.loc[3, "weekday"] + 1) % 7
    table.loc[3, "when"] = pd.Timestamp("2022-01-03 04:00")
    table.loc[3, ["weekday", "hour"]] = [3, 4.0]
    found = check_relations(table, codec.relations, codec.codecs)
    column = list(codec.columns)
    assert found[3, column.index("weekday")] == BROKEN
    assert found[3, column.index("hour")] == HOLDS


def test_zones_and_text_are_read_by_the_clock_on_the_wall():
    rng = np.random.default_rng(0)
    utc = pd.Timestamp("2022-01-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 500 * 24, 1_200), "h")
    local = pd.DatetimeIndex(utc).tz_convert("America/New_York")
    text = local.strftime("%d.%m.%Y")
    table = pd.DataFrame(
        {"t": local, "hour": local.hour, "text": text, "month": local.month, "x": rng.random(1_200)}
    )
    codec = TableCodec.fit(table)
    found = {codec.columns[part.child]: part.view for part in codec.relations.dates}
    assert found == {"hour": "hour", "month": "month"}
    drawn = GANSynthesizer(max_epochs=1, random_state=0).fit(table).sample(300)
    assert (drawn["t"].dt.hour == drawn["hour"]).all()
    assert (drawn["t"].dt.month == drawn["month"]).all()


def test_view_of_reads_days_and_seconds():
    codec = TableCodec.fit(made_table())
    clock = codec.codec_of("when").clock(pd.Series(pd.to_datetime(["2022-01-31 23:00", None])))
    assert clock.gaps.tolist() == [False, True]
    assert view_of(clock, "day of the month")[0] == 31
    assert view_of(clock, "hour")[0] == 23
