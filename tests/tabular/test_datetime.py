"""Dates and times: exact back, their calendar kept, ranges reached through all parts."""

import datetime

import numpy as np
import pandas as pd
import pytest

from ganaug.exceptions import InvalidConditionError, InvalidTableError, RejectColumn
from ganaug.tabular.columns import CategoryCodec, DatetimeCodec
from ganaug.tabular.wanted import Wanted


def rng():
    return np.random.default_rng(0)


def hours(n=400, start="2021-03-03"):
    return pd.Series(pd.Timestamp(start) + pd.to_timedelta(rng().integers(0, 6_000, n), unit="h"))


def back(codec, values):
    return pd.Series(codec.decode(codec.encode(values), rng()))


def parts_of(codec):
    return [not isinstance(part, int) for part in codec.parts]


@pytest.mark.parametrize(
    ("values", "form", "parts", "resolution"),
    [
        (hours(), "days", [True, True, True], "1 h"),
        (hours().dt.normalize(), "days", [True, True, False], "1 d"),
        (pd.Series(pd.date_range("2000-01-03", periods=60, freq="7D")), "days", [True, False, False], "1 d"),
        (pd.Series(pd.date_range("2000-01-01", periods=60, freq="MS")), "months", [True], "1 month"),
        (pd.Series(pd.date_range("2000-01-31", periods=60, freq="ME")), "months", [True], "1 month"),
        (pd.Series(pd.to_timedelta(rng().integers(0, 500, 300) * 15, unit="min")), "steps", [True], "15 min"),
        (pd.Series(pd.to_datetime(["2020-01-01 08:00"] * 9)), "days", [True, False, False], "1 d"),
    ],
    ids=["hours", "days", "weeks", "months", "month ends", "quarters of an hour", "constant"],
)
def test_resolution_and_parts_are_learned(values, form, parts, resolution):
    codec = DatetimeCodec.fit(values, "a")
    assert (codec.calendar.form, parts_of(codec), codec.calendar.resolution) == (form, parts, resolution)
    random = np.stack([rng().integers(field.n_codes, size=300) for field in codec.fields], axis=1)
    drawn = pd.Series(codec.decode(random, rng()))
    assert drawn.between(values.min(), values.max()).all()
    assert DatetimeCodec.fit(pd.concat([values, drawn]), "a").calendar.resolution == resolution


def test_both_hours_of_the_same_name_come_back():
    night = pd.Series(pd.date_range("2024-10-27", periods=60, freq="30min", tz="UTC").repeat(5))
    night = night.dt.tz_convert("Europe/Paris")
    codec = DatetimeCodec.fit(night, "a")
    pd.testing.assert_series_equal(back(codec, night), night, check_names=False)


def test_sparse_working_days_have_no_weekend():
    days = pd.bdate_range("1950-01-01", "2010-01-01")
    values = pd.Series(rng().choice(days, 600, replace=False))
    drawn = back(DatetimeCodec.fit(values, "a"), values)
    assert drawn.nunique() > 500
    assert (drawn.dt.dayofweek < 5).all()


def test_a_day_after_the_last_one_becomes_one_of_the_week_before():
    values = pd.Series(pd.date_range("2021-03-01", periods=10)).repeat(
        20
    )  # a week, and three days of the next
    codec = DatetimeCodec.fit(values, "a")
    codes = np.array([[1, day] for day in range(7)])
    assert pd.Series(codec.decode(codes, rng())).tolist() == [
        *pd.date_range("2021-03-08", periods=3),
        *pd.date_range("2021-03-04", periods=4),
    ]


def test_a_missing_part_is_missing_only_if_the_first_is():
    values = hours().mask(rng().random(400) < 0.3)
    codec = DatetimeCodec.fit(values, "a")
    gap = codec.encode(pd.Series([pd.NaT]))[0]
    whole = codec.encode(values[values.notna()][:1])[0]
    mixed = np.array([[gap[0], *whole[1:]], [whole[0], *gap[1:]]])
    assert pd.isna(codec.decode(mixed, rng())).tolist() == [True, False]


@pytest.mark.parametrize("unseen", ["nearest", "mark"])
def test_values_of_another_weekday_are_not_codes_unless_the_nearest_is_wanted(unseen):
    mondays = pd.Series(pd.date_range("2021-03-01", periods=30, freq="7D")).repeat(9) + pd.Timedelta(8, "h")
    codec = DatetimeCodec.fit(pd.concat([mondays, mondays + pd.Timedelta(1, "d")]), "a")
    codes = codec.encode(pd.Series([pd.Timestamp("2021-03-05 08:00")]), unseen=unseen)
    assert (codes >= 0).all() == (unseen == "nearest")
    with pytest.raises(InvalidTableError, match=r"'a' .*2021-03-05"):
        codec.encode(pd.Series([pd.Timestamp("2021-03-05 08:00")]))


def drawn_within(codec, wanted, n=200):
    rows = []
    for _ in range(n):
        row = ()
        for _ in codec.fields:
            share = codec.shares(wanted, row)
            row = (*row, RNG.choice(len(share), p=share / share.sum()))
        rows.append(row)
    return pd.Series(codec.decode_within(np.array(rows), wanted, RNG))


RNG = np.random.default_rng(3)
SPARSE = pd.Series(rng().choice(pd.date_range("1980-01-01", "2020-01-01", freq="h"), 300, replace=False))
MOMENTS = pd.Series(pd.Timestamp("2021-03-03") + pd.to_timedelta(rng().integers(0, 10**7, 400), unit="s"))


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        (hours(), "2021-04-01", "2021-05-01"),
        (hours(), "2021-04-01 11:00", "2021-04-01 13:00"),
        (hours(), None, "2021-03-09"),
        (hours().dt.tz_localize("UTC").dt.tz_convert("Europe/Paris"), "2021-04-01", None),
        (hours().dt.normalize(), "2021-04-01 10:00", "2021-04-03"),
        (SPARSE, "1999-05-05 05:00", "1999-05-05 07:00"),
        (SPARSE, "1999-05-05", "2001-01-01"),
        (MOMENTS, "2021-03-05 10:10:10", "2021-03-05 10:10:12"),
        (pd.Series(pd.date_range("2000-01-01", periods=60, freq="MS")), "2001-01-15", "2001-05-01"),
    ],
    ids=["month", "hours", "until", "zone", "days", "sparse, hours", "sparse, years", "seconds", "months"],
)
def test_every_value_drawn_within_a_range_is_in_it(values, low, high):
    codec = DatetimeCodec.fit(values, "a")
    drawn = drawn_within(codec, Wanted(low=low, high=high))
    zone = drawn.dt.tz
    assert low is None or (drawn >= pd.Timestamp(low, tz=zone)).all()
    assert high is None or (drawn <= pd.Timestamp(high, tz=zone)).all()
    if low and high and values is not SPARSE:
        n_there = values[(values >= low) & (values <= high)].nunique() if zone is None else 2
        assert drawn.nunique() >= min(n_there, 30)  # and not always the same one


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Wanted(low="2031-01-01"), "2021-03-03.*asked for"),
        (Wanted(low="2021-04-01 10:10", high="2021-04-01 10:20"), "asked for"),
        (Wanted(values=(pd.Timestamp("2031-01-01"),)), "beyond what the column had"),
        (Wanted(values=(), missing=True), "asked for"),
    ],
    ids=["beyond", "between two hours", "value", "missing"],
)
def test_what_no_value_satisfies_is_refused_by_name(wanted, words):
    with pytest.raises(InvalidConditionError, match=f"'a' .*{words}"):
        DatetimeCodec.fit(hours(), "a").shares(wanted)


def test_values_asked_for_are_read_from_text_and_dates():
    codec = DatetimeCodec.fit(hours().dt.normalize(), "a")
    known = hours().dt.normalize()[5]
    for value in (str(known.date()), known.date(), known):
        cells = pd.Series([value], dtype=object)
        np.testing.assert_array_equal(codec.encode_asked(cells, False), codec.encode(pd.Series([known])))
    with pytest.raises(InvalidTableError, match=r"'a' .*'soon'"):
        codec.encode_asked(pd.Series(["soon"]), False)


@pytest.mark.parametrize(
    "values", [pd.Series(["x"] * 5), pd.Series([1.5] * 5), pd.Series([pd.NaT] * 5), pd.Series([None] * 5)]
)
def test_other_columns_are_refused(values):
    with pytest.raises(RejectColumn, match="'a'"):
        DatetimeCodec.fit(values, "a")


def test_times_of_day_are_one_part():
    values = pd.Series([datetime.time(h, m) for h in range(24) for m in (0, 30)] * 9, dtype=object)
    codec = DatetimeCodec.fit(values, "a")
    assert isinstance(codec.parts[0], CategoryCodec)
    assert back(codec, values).tolist() == values.tolist()


@pytest.mark.parametrize(
    "text_format", ["%Y-%m-%d %H:%M", "%d.%m.%Y", "%m/%d/%Y %H:%M:%S", "%Y-%m-%dT%H:%M:%S"]
)
@pytest.mark.parametrize("dtype", ["string", object])
def test_dates_that_are_text_stay_text(text_format, dtype):
    values = hours().dt.strftime(text_format).astype(dtype).mask(rng().random(400) < 0.1)
    codec = DatetimeCodec.fit(values, "a")
    assert codec.text_format == text_format
    pd.testing.assert_series_equal(back(codec, values), values, check_names=False)
    wanted = Wanted(low="2021-04-01", high="2021-04-20")
    drawn = pd.to_datetime(drawn_within(codec, wanted, 50), format=text_format)
    assert drawn.between("2021-04-01", "2021-04-20").all()


@pytest.mark.parametrize(
    "cells",
    [
        [f"{month}/{day:0{1 + day % 2}}/2021" for month in range(1, 13) for day in range(1, 20)],
        ["2021-02-30"] * 60,
        [f"2021-01-{day:02}" for day in range(1, 29)] * 5,
        [f"10.0.{a}.{b}" for a in range(9) for b in range(20)],
        ["2021-01-01", 3] * 40,
    ],
    ids=["zeros now and then", "no such day", "few", "addresses", "mixed"],
)
def test_other_text_is_no_date(cells):
    with pytest.raises(RejectColumn, match="'a' holds no dates"):
        DatetimeCodec.fit(pd.Series(cells), "a")


def test_few_dates_in_text_are_dates_if_the_caller_says_so():
    values = pd.Series([f"2021-01-{day:02}" for day in range(1, 29)] * 5)
    assert DatetimeCodec.fit(values, "a", chosen=True).text_format == "%Y-%m-%d"


@pytest.mark.parametrize(
    ("text_format", "first"),
    [
        ("%-m/%-d/%Y %-H:%M", "1/2/2021 0:00"),
        ("%-d.%-m.%Y", "2.1.2021"),
        ("%Y%m%dT%H%M%S", "20210102T000000"),
    ],
)
def test_dates_in_text_without_zeros_or_without_dashes(text_format, first):
    step = "67min" if "M" in text_format else "1D"
    days = pd.date_range("2021-01-02", periods=400, freq=step if "H" in text_format else "1D")
    strip = "~0?" if "%-" in text_format else "~"
    cells = pd.Series(days.strftime(text_format.replace("%-", "~%")).str.replace(strip, "", regex=True))
    assert cells[0] == first
    codec = DatetimeCodec.fit(cells, "when")
    assert codec.text_format == text_format
    drawn = codec.decode(codec.encode(cells), np.random.default_rng(0))
    assert DatetimeCodec.fit(pd.Series(drawn), "when").text_format == text_format


def test_few_dates_in_text_that_hardly_repeat_are_dates():
    cells = pd.Series(pd.date_range("2020-01-01", periods=30, freq="9D").strftime("%d/%m/%Y"))
    assert DatetimeCodec.fit(cells, "when").text_format == "%d/%m/%Y"
    with pytest.raises(RejectColumn):
        DatetimeCodec.fit(pd.concat([cells] * 6), "when")
