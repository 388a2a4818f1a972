"""Cells as plain arrays and back: ticks of every dtype of dates, times, durations and decimals."""

import datetime
import decimal
import json
import zoneinfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ganaug._util.cells import (
    dtype_of,
    missing_kind_of,
    nanoseconds_per_tick,
    read_levels,
    read_ticks,
    share_texts,
    to_dtype,
    write_levels,
    write_ticks,
    zone_at,
)
from ganaug._util.dtypes import ObjectDtype, dtype_from_state, dtype_to_state, kind_of

PARIS = zoneinfo.ZoneInfo("Europe/Paris")
PLUS = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
# Both hours that are called 2:30 on this night, and the one before 1970 that has no name.
NIGHT = [datetime.datetime(2024, 10, 27, hour, 30, tzinfo=datetime.timezone.utc) for hour in (0, 1)]
STAMPS = pd.Series([*NIGHT, None, datetime.datetime(1912, 1, 1, tzinfo=datetime.timezone.utc)])
NAIVE = STAMPS.dt.tz_localize(None)


def objects(*cells):
    made = np.empty(len(cells), dtype=object)
    made[:] = cells
    return pd.Series(made, dtype=object)


def arrow(cells, kind):
    return pd.Series(pd.arrays.ArrowExtensionArray(pa.array(cells, type=kind)))


DAYS = [datetime.date(1, 1, 1), datetime.date(1969, 12, 31), None, datetime.date(9999, 12, 31)]
CLOCK = [datetime.time(), datetime.time(23, 59, 59), None, datetime.time(12, 30)]
LENGTHS = [
    datetime.timedelta(days=-3, seconds=5),
    datetime.timedelta(0),
    None,
    datetime.timedelta(days=10**4),
]
PRICES = [decimal.Decimal(text) for text in ("1.50", "-0.25", "12345678901234.99", "0E+2")]
COLUMNS = {
    **{f"datetime64[{unit}]": NAIVE.astype(f"datetime64[{unit}]") for unit in ("s", "ms", "us", "ns")},
    **{
        f"datetime64[{unit}, {zone}]": STAMPS.astype(f"datetime64[{unit}, UTC]").dt.tz_convert(zone)
        for unit, zone in (
            ("s", "Europe/Paris"),
            ("ns", PARIS),
            ("us", PLUS),
            ("ms", "UTC"),
            ("ns", "+05:30"),
        )
    },
    **{
        f"timedelta64[{unit}]": pd.Series(LENGTHS, dtype=f"timedelta64[{unit}]")
        for unit in ("s", "ms", "us", "ns")
    },
    **{f"timestamp[{unit}]": arrow(NAIVE.array, pa.timestamp(unit)) for unit in ("s", "ms", "us", "ns")},
    "timestamp with zone": arrow([*NIGHT, None], pa.timestamp("us", "Europe/Paris")),
    "date32": arrow(DAYS, pa.date32()),
    "date64": arrow(DAYS, pa.date64()),
    **{f"time32[{unit}]": arrow(CLOCK, pa.time32(unit)) for unit in ("s", "ms")},
    **{f"time64[{unit}]": arrow(CLOCK, pa.time64(unit)) for unit in ("us", "ns")},
    **{f"duration[{unit}]": arrow(LENGTHS, pa.duration(unit)) for unit in ("s", "ms", "us", "ns")},
    "decimal128": arrow(PRICES, pa.decimal128(18, 2)),
    "decimal128, tens": arrow([decimal.Decimal(20), None], pa.decimal128(4, -1)),
    "decimal256": arrow(PRICES, pa.decimal256(50, 4)),
    "dates": objects(*DAYS),
    "times": objects(*CLOCK, datetime.time(1, 2, 3, 4)),
    "datetimes": objects(
        *(when.replace(tzinfo=None) for when in NIGHT), None, datetime.datetime(1, 1, 1, 0, 0, 0, 1)
    ),
    "datetimes with zone": objects(*(when.astimezone(PARIS) for when in NIGHT), np.nan),
    "datetimes in UTC": objects(*NIGHT, None),
    "timedeltas": objects(*LENGTHS),
    "decimals": objects(*PRICES, None, decimal.Decimal("1E-3")),
    "Timestamps": objects(*(pd.Timestamp(when).tz_convert(PARIS) for when in NIGHT), pd.NaT),
    "Timedeltas": objects(pd.Timedelta(5), pd.NaT),
    "one date": objects(datetime.date(2024, 2, 29)),
    "only gaps": pd.Series([pd.NaT, pd.NaT]),
    "only gaps, arrow": arrow([None, None], pa.date32()),
    "no rows": pd.Series([], dtype="datetime64[us]"),
}


@pytest.mark.parametrize("values", list(COLUMNS.values()), ids=COLUMNS)
def test_ticks_come_back_as_the_same_cells(values):
    gap = {type(None): "None", float: "nan"}.get(
        type(values[values.isna()].iloc[0]) if values.isna().any() else None, "NaT"
    )
    dtype = dtype_of(values)
    assert dtype_from_state(json.loads(json.dumps(dtype_to_state(dtype)))) == dtype
    ticks, missing = read_ticks(values)
    assert ticks.dtype == np.int64
    assert missing.tolist() == values.isna().tolist()
    back = pd.Series(write_ticks(ticks, missing, dtype, gap), dtype=values.dtype)
    pd.testing.assert_series_equal(back, values)
    assert back.tolist() == values.tolist() or missing.any()
    assert [type(cell) for cell in back] == [type(cell) for cell in values]


@pytest.mark.parametrize("values", list(COLUMNS.values()), ids=COLUMNS)
def test_few_ticks_are_levels_too(values):
    indices, levels = read_levels(values)
    assert all(type(level) is int for level in levels)
    written = pd.Series(write_levels(levels, dtype_of(values), "NaT"), dtype=values.dtype)
    assert written.iloc[indices][~values.isna().to_numpy()].tolist() == values.dropna().tolist()
    assert pd.isna(written.iloc[-1])


@pytest.mark.parametrize(
    "values",
    [
        objects(PRICES[0], decimal.Decimal("1E+18")),
        objects(decimal.Decimal("1E-30"), decimal.Decimal(1)),
        objects(decimal.Decimal("Infinity")),
        objects(datetime.date(2024, 1, 1), datetime.datetime(2024, 1, 1)),
        objects(NIGHT[0], NIGHT[1].astimezone(PARIS)),
        objects(NIGHT[0], datetime.datetime(2024, 1, 1)),
        objects(datetime.time(1, tzinfo=PLUS)),
        objects("2024-01-01"),
        pd.Series([1, 2]),
        arrow([decimal.Decimal(10**30)], pa.decimal128(38, 0)),
    ],
    ids=lambda values: repr(values[0]),
)
def test_other_cells_have_no_ticks(values):
    assert read_ticks(values) is None


@pytest.mark.parametrize(
    ("values", "kind", "nanoseconds"),
    [
        (COLUMNS["datetime64[s]"], "datetime", 10**9),
        (COLUMNS["timestamp with zone"], "datetime", 10**3),
        (COLUMNS["datetimes with zone"], "datetime", 10**3),
        (COLUMNS["Timestamps"], "datetime", 1),
        (COLUMNS["dates"], "date", 86_400 * 10**9),
        (COLUMNS["date64"], "date", 86_400 * 10**9),
        (COLUMNS["time32[ms]"], "time", 10**6),
        (COLUMNS["times"], "time", 10**3),
        (COLUMNS["duration[ms]"], "duration", 10**6),
        (COLUMNS["timedeltas"], "duration", 10**3),
        (COLUMNS["decimals"], "decimal", None),
        (COLUMNS["decimal256"], "decimal", None),
    ],
)
def test_kind_and_length_of_a_tick(values, kind, nanoseconds):
    assert kind_of(dtype_of(values)) == kind
    assert nanoseconds_per_tick(dtype_of(values)) == nanoseconds


def test_scale_is_that_of_the_cell_with_most_decimals():
    assert dtype_of(objects(decimal.Decimal("1.5"), decimal.Decimal(3))) == ObjectDtype("decimal", scale=1)
    assert read_ticks(objects(decimal.Decimal("1.5"), decimal.Decimal(3)))[0].tolist() == [15, 30]


STAMP = pd.DatetimeTZDtype("us", PARIS)
CENTS = ObjectDtype("decimal", scale=2)
NEW_YEAR = 1_704_067_200  # seconds, of 2024 in UTC
CONVERSIONS = {
    "another unit": (pd.Series(pd.to_datetime(["2024-01-01 00:00:01", None])), "M8[s]", [NEW_YEAR + 1, 0]),
    "finer unit": (
        pd.Series(pd.to_datetime(["2024-01-01"])).astype("M8[s]"),
        "M8[ns]",
        [NEW_YEAR * 10**9],
    ),
    "text": (objects("2024-01-01", "2024-01-01T00:00:01"), "M8[s]", [NEW_YEAR, NEW_YEAR + 1]),
    "categories of text": (pd.Series(["2024-01-01"], dtype="category"), "M8[s]", [NEW_YEAR]),
    "a day without end": (objects("9999-12-31", "2024-01-01"), "M8[s]", [253_402_214_400, 1_704_067_200]),
    "text, local": (objects("2024-07-01 02:00"), STAMP, [1_719_792_000 * 10**6]),
    "text with offsets": (
        objects("2024-01-01T00:00Z", "2024-01-01 02:00+02:00"),
        STAMP,
        [NEW_YEAR * 10**6] * 2,
    ),
    "numpy scalars": (
        objects(np.datetime64("2024-01-01"), np.datetime64("NaT")),
        "M8[s]",
        [NEW_YEAR, 0],
    ),
    "zones that differ": (
        objects(NIGHT[0], NIGHT[1].astimezone(PARIS)),
        STAMP,
        [1_729_989_000 * 10**6, 1_729_992_600 * 10**6],
    ),
    "dates for datetimes": (objects(datetime.date(2024, 1, 1)), "M8[us]", [NEW_YEAR * 10**6]),
    "midnights for dates": (pd.Series(pd.to_datetime(["2024-01-01"])), ObjectDtype("date"), [19_723]),
    "text for dates": (objects("2024-01-01", None), pd.ArrowDtype(pa.date32()), [19_723, 0]),
    "text for times": (objects("12:30:00"), ObjectDtype("time"), [45_000 * 10**6]),
    "text for durations": (objects("1 days 00:00:01"), "m8[s]", [86_401]),
    "numbers for decimals": (
        objects(1, 0.25, "3.5", None),
        ObjectDtype("decimal", scale=2),
        [100, 25, 350, 0],
    ),
    "integers for decimals": (pd.Series([3]), pd.ArrowDtype(pa.decimal128(9, 1)), [30]),
    "fewer decimals": (objects(decimal.Decimal("1.50")), ObjectDtype("decimal", scale=1), [15]),
    "only gaps": (objects(None, None), "M8[s]", [0, 0]),
}


@pytest.mark.parametrize(("values", "dtype", "expected"), list(CONVERSIONS.values()), ids=CONVERSIONS)
def test_cells_of_another_dtype_are_read_as_ticks_of_the_one_wanted(values, dtype, expected):
    dtype = np.dtype(dtype) if isinstance(dtype, str) else dtype
    ticks, missing = read_ticks(values, dtype)
    assert ticks.tolist() == expected
    assert missing.tolist() == values.isna().tolist()


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (objects("2024-01-01T00:00:00.5"), "M8[s]"),
        (objects("next week"), "M8[s]"),
        (objects("9999-01-01"), "M8[ns]"),
        (objects("2024-01-01", "2024-01-01T00:00Z"), "M8[s]"),
        (objects("2024-10-27 02:30"), STAMP),  # there are two
        (objects("2024-03-31 02:30"), STAMP),  # there is none
        (STAMPS[:1], "M8[s]"),
        (STAMPS[:1], ObjectDtype("date")),
        (pd.Series([1, 2]), "M8[s]"),
        (objects(1, 2), "m8[s]"),
        (objects(datetime.timedelta(1)), "M8[s]"),
        (objects("25:00"), ObjectDtype("time")),
        (objects(5), ObjectDtype("time")),
        (objects("1.234"), ObjectDtype("decimal", scale=2)),
        (objects("a lot"), ObjectDtype("decimal")),
        (pd.Series(["x"], dtype="category"), "M8[s]"),
    ],
)
def test_cells_that_are_no_whole_ticks_of_the_dtype_wanted_are_not_read(values, dtype):
    assert read_ticks(values, np.dtype(dtype) if isinstance(dtype, str) else dtype) is None


@pytest.mark.parametrize("dtype", [object, "string[python]", "string[pyarrow]"])
def test_text_goes_on_behind_a_nul(dtype):
    indices, levels = read_levels(pd.Series(["", "\x00", "a\x00b", "a", None, "a"], dtype=dtype))
    assert indices.tolist() == [0, 1, 2, 3, -1, 3]
    assert levels == ["", "\x00", "a\x00b", "a"]


def test_arrow_tells_nan_from_a_gap():
    values = arrow([1.5, float("nan"), float("nan"), None], pa.float64())
    indices, levels = read_levels(values)
    assert indices.tolist() == [0, -1, -1, -1]
    assert missing_kind_of(values) == "nan"
    assert missing_kind_of(values[[0, 1, 3]]) == "NA"
    assert str(pa.array(write_levels(levels[:1], values.dtype, "nan")).to_pylist()) == "[1.5, nan]"
    assert pa.array(write_levels(levels[:1], values.dtype, "NA")).to_pylist() == [1.5, None]


def test_cells_go_into_another_dtype():
    assert to_dtype(pd.Series([1, 2]), pd.Int8Dtype()).dtype == pd.Int8Dtype()
    dates = to_dtype(objects("2024-01-01", None), ObjectDtype("date"))
    assert dates.tolist() == [datetime.date(2024, 1, 1), None]
    with pytest.raises(ValueError, match="a date can hold exactly, got object"):
        to_dtype(objects("soon"), ObjectDtype("date"))


def test_clocks_before_the_first_change_that_pytz_knows_are_those_of_the_standard_library():
    dtype = pd.DatetimeTZDtype("us", "Europe/Paris")
    old, new = (
        read_ticks(objects("0931-11-14 12:00"), dtype)[0],
        read_ticks(objects("1931-11-14 12:00"), dtype)[0],
    )
    for ticks in (old, new):
        there = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=int(ticks[0]))
        here = there.replace(tzinfo=datetime.timezone.utc).astimezone(PARIS)
        assert (here.hour, here.minute, here.second) == (12, 0, 0)
    assert str(zone_at(old, dtype)) == str(zone_at(new, dtype)) == "Europe/Paris"


@pytest.mark.parametrize("dtype", ["object", "string[python]"])
def test_equal_texts_become_one_object_and_nothing_else_changes(dtype):
    texts = ["".join(["a", "b"]), "".join(["a", "b"]), None, "a\0c", "a\0d"]
    given = pd.Series(texts, index=[3, 3, 1, 0, 7], name=("x", 1), dtype=dtype)
    assert given.iloc[0] is not given.iloc[1]
    shared = share_texts(given)
    pd.testing.assert_series_equal(shared, given)
    assert shared.iloc[0] is shared.iloc[1]
    assert given.iloc[0] is not given.iloc[1]


@pytest.mark.parametrize("cells", [[1, 1.0, True, "a"], [-0.0, 0.0, "a"], [None, None], [np.str_("a"), "a"]])
def test_cells_that_are_not_all_texts_stay_the_objects_they_are(cells):
    given = pd.Series(cells, dtype=object)
    assert all(own is cell for own, cell in zip(share_texts(given), cells, strict=True))
