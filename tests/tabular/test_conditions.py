"""Conditions of every kind are read, or refused by an error that names the column and the value."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ganaug import Between, Missing, Present
from ganaug.exceptions import InvalidConditionError
from ganaug.tabular.codec import TableCodec
from ganaug.tabular.conditions import GIVEN, Ask, as_wanted, read_conditions, read_counts, satisfies
from ganaug.tabular.request import decode_asked, write_known
from ganaug.tabular.restricted import LEFT_OUT, TO_DRAW
from ganaug.tabular.wanted import Wanted

COLUMNS = ["income", "age", "city", "member", 7]


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    n = 300
    frame = pd.DataFrame(
        {
            "income": np.round(rng.lognormal(10, 1, n), 2),
            "age": rng.integers(18, 60, n) + np.arange(n) * 100,
            "city": rng.choice(["Oslo", "Bergen"], n),
            "member": rng.random(n) < 0.5,
            7: rng.integers(0, 4, n).astype("int8"),
        }
    )
    frame.loc[::5, "income"] = np.nan
    frame.loc[::9, "city"] = None
    return frame


@pytest.fixture(scope="module")
def codec(table):
    return TableCodec.fit(table)


def known(codec, conditions, n=2, **options):
    asks, n = read_conditions(conditions, n, COLUMNS, **options)
    codes = np.full((5, n), TO_DRAW, dtype=np.int32)
    restrictions = write_known(codes, asks, codec, **options)
    return codes, restrictions


def test_nothing_asked_is_nothing_known():
    assert read_conditions(None, 5, COLUMNS) == ({}, 5)


def test_a_mapping_holds_in_every_row(codec, table):
    codes, restrictions = known(codec, {"city": "Oslo", 7: 3}, n=4)
    row = codec.encode(table[(table["city"] == "Oslo") & (table[7] == 3)][:1])[0]
    assert codes[2].tolist() == [row[2]] * 4
    assert codes[4].tolist() == [row[4]] * 4
    assert (codes[[0, 1, 3]] == TO_DRAW).all()
    assert restrictions == []


def test_a_frame_has_a_row_for_each(codec, table):
    rows = table.iloc[[4, 1, 4]]  # its index doesn't matter
    codes, _ = known(codec, rows, None)
    np.testing.assert_array_equal(codes.T, codec.encode(rows))


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, Missing()])
def test_missing_can_be_asked_for_where_the_column_had_it(codec, table, missing):
    codes, _ = known(codec, {"income": missing, "city": missing})
    row = codec.encode(table.iloc[[0]])[0]  # both are missing there
    assert codes[0].tolist() == [row[0]] * 2
    assert codes[2].tolist() == [row[2]] * 2


@pytest.mark.parametrize("values", [["Oslo", None], ("Oslo", float("nan")), {"Oslo", None}])
def test_a_list_is_a_set_of_values_that_may_hold_missing(values):
    assert as_wanted("city", values) == Wanted(values=("Oslo",), missing=True)


def test_a_list_of_one_is_that_value():
    for one, value in ((["Oslo"], "Oslo"), ([None], None)):
        asks, _ = read_conditions({"city": one}, 2, COLUMNS)
        assert asks["city"].which.tolist() == [GIVEN] * 2
        assert asks["city"].values.tolist() == [value] * 2


def test_cells_of_a_frame_may_be_of_any_kind(codec):
    cells = [Between(1e4, 2e4), 12.5e3, Missing(), Present(), [1e4, 2e4], Between(1e4, 2e4)]
    asks, n = read_conditions(pd.DataFrame({"income": pd.Series(cells, dtype=object)}), None, COLUMNS)
    ask = asks["income"]
    assert n == 6
    assert ask.which.tolist() == [0, GIVEN, GIVEN, 1, 2, 0]
    assert ask.wanted == (Wanted(low=1e4, high=2e4), Wanted(), Wanted(values=(1e4, 2e4)))
    assert ask.values.iloc[1] == 12.5e3
    assert pd.isna(ask.values.iloc[2])


@pytest.mark.parametrize(
    ("conditions", "named"),
    [
        ({"town": "Oslo"}, "'town'"),
        ({"city": "Rome"}, r"'city'.*'Rome'"),
        ({"city": ["Oslo", "Rome"]}, r"'city'.*'Rome'"),
        ({"city": Between("A", "Z")}, r"'city'.*no order"),
        ({"city": []}, r"'city'.*at least one"),
        ({"city": [["Oslo"]]}, r"'city'.*\['Oslo'\]"),
        ({"city": 3}, r"'city'.*3"),
        ({"age": 1e9}, r"'age'.*1000000000"),
        ({"age": [200, 1e9]}, r"'age'.*1000000000"),
        ({"age": Between(1e9)}, r"'age'.*1000000000"),
        ({"age": Between("young")}, r"'age'.*'young'"),
        ({"age": -1}, r"'age'.*-1"),
        ({"age": 200.5}, r"'age'.*200\.5"),
        ({"age": Between(200.2, 200.7)}, r"'age'.*200\.7"),
        ({"age": "young"}, r"'age'"),
        ({"age": None}, r"'age'"),
        ({"age": Missing()}, r"'age'"),
        ({"age": float("inf")}, r"'age'.*infinity"),
        ({"income": -5.0}, r"'income'.*-5\.0"),
        ({"member": "yes"}, r"'member'.*'yes'"),
        ({"member": Between(0, 1)}, r"'member'.*no order"),
        ({7: 12}, "7.*12"),
        ({7: Between(12)}, "7.*12"),
        ([("city", "Oslo")], "dict or a DataFrame"),
        (pd.DataFrame({"city": ["Oslo"] * 3}), "each of the 2 rows.*3"),
        (pd.DataFrame({"age": [200, 200.5]}), r"'age'.*200\.5"),
        (pd.DataFrame([["Oslo", "Oslo"]] * 2, columns=["city", "city"]), "more than once.*'city'"),
    ],
)
def test_what_cannot_be_met_is_named(codec, conditions, named):
    with pytest.raises(InvalidConditionError, match=named):
        known(codec, conditions)


@pytest.mark.parametrize("bounds", [(3, 2), ([1], 2), (float("nan"), 2)])
def test_bounds_that_are_none(bounds):
    with pytest.raises(InvalidConditionError, match="Between"):
        Between(*bounds)


def test_ends_of_the_range_can_be_asked_for(codec, table):
    for end in (table["age"].min(), table["age"].max()):
        assert (known(codec, {"age": int(end)})[0][1] >= 0).all()


@pytest.mark.parametrize(("value", "end"), [(10**6, "max"), (-7, "min")])
def test_beyond_the_range_the_nearest_end_stands_for_it(codec, table, value, end):
    codes, _ = known(codec, {"age": value}, extrapolate=True)
    nearest = table[["age"]].agg(end).astype(int)["age"]
    assert codes[1, 0] == known(codec, {"age": int(nearest)})[0][1, 0]


def test_what_is_given_is_written_in_the_columns_own_dtype(table):
    ask = Ask(np.array([GIVEN, -1, GIVEN]), (), pd.Series([1, 2, 3], dtype=object))
    written = ask.put(np.array([9, 9, 9], dtype=np.int8))
    assert written.tolist() == [1, 9, 3]
    assert written.dtype == np.int8


WANTED = [
    ("income", Wanted(low=1e4, high=2e4)),
    ("income", Wanted(low=12_345.671, high=12_345.699)),
    ("income", Wanted()),
    ("income", Wanted(values=(), missing=True)),
    ("income", Wanted(values=(1e4, 2e4), missing=True)),
    ("age", Wanted(low=100.5, high=5_000)),
    ("age", Wanted(low=10**6, high=10**6 + 9, extrapolate=True)),
    ("age", Wanted(high=-3, extrapolate=True)),
    ("city", Wanted(values=("Oslo",), missing=True)),
    ("member", Wanted(values=(True,))),
    (7, Wanted(low=1, high=2.5)),
    (7, Wanted(low=50, high=60, extrapolate=True)),
]


@pytest.mark.parametrize(("name", "wanted"), WANTED)
def test_codes_with_a_share_decode_to_cells_that_satisfy(codec, table, name, wanted):
    own = codec.codec_of(name)
    shares = own.shares(wanted)
    assert shares.shape == (own.fields[0].n_codes,)
    assert ((shares >= 0) & (shares <= 1)).all()
    codes = np.repeat(np.flatnonzero(shares > 0), 30)[:, None]
    cells = pd.Series(own.decode_within(codes, wanted, np.random.default_rng(0)))
    assert cells.dtype == table[name].dtype
    assert satisfies(cells, wanted).all()


@pytest.mark.parametrize(("name", "wanted"), [p for p in WANTED if not (p[1].extrapolate or p[1].values)])
def test_shares_are_those_of_the_cells_that_decode_draws(codec, name, wanted):
    """Given a code, a cell decoded freely satisfies the condition as often as its share says.

    A single value among a stretch of numbers has no probability, so lists are left out.
    """
    own, rng = codec.codec_of(name), np.random.default_rng(0)
    n_codes, n_draws = own.fields[0].n_codes, 500
    codes = np.repeat(np.arange(n_codes), n_draws)[:, None]
    found = satisfies(pd.Series(own.decode(codes, rng)), wanted).reshape(n_codes, n_draws).mean(axis=1)
    assert np.abs(found - own.shares(wanted)).max() < 5 * 0.5 / np.sqrt(n_draws)


def test_a_stretch_in_part_inside_has_a_share_between(codec):
    own = codec.codec_of("income")
    cell = np.argmax(own.cells.high - own.cells.low)
    low, high = own.cells.low[cell], own.cells.high[cell]
    shares = own.shares(Wanted(low=low, high=low + (high - low) / 4))
    assert shares[len(own.counts) - 1 + cell] == pytest.approx(0.25, abs=0.01)


def test_many_levels_are_two_fields_and_the_second_depends_on_the_first():
    levels = [f"level {i}" for i in range(1_500)]
    column = pd.Series(levels * 2, name="x")
    own = TableCodec.fit(column.to_frame()).codecs[0]
    wanted = Wanted(values=("level 3", "level 700", "level 1499"))
    first = own.shares(wanted)
    pairs = [(b, m) for b in np.flatnonzero(first) for m in np.flatnonzero(own.shares(wanted, (b,)))]
    assert set(own.decode(np.array(pairs), np.random.default_rng(0))) == set(wanted.values)
    np.testing.assert_array_equal(np.unique(own.encode(column[column.isin(wanted.values)]), axis=0), pairs)


def test_of_ordered_categories_there_is_a_range():
    dtype = pd.CategoricalDtype(["low", "mid", "high", "top"], ordered=True)
    column = pd.Series(["low", "mid", "high"] * 9, dtype=dtype)
    own = TableCodec.fit(column.to_frame("x")).codecs[0]
    assert own.shares(Wanted(low="mid")).tolist() == [0, 1, 1]
    assert own.shares(Wanted(high="mid")).tolist() == [1, 1, 0]
    with pytest.raises(InvalidConditionError, match="'none'"):
        own.shares(Wanted(low="none"))
    with pytest.raises(InvalidConditionError, match="'x'"):
        own.shares(Wanted(low="top"))


def test_what_rows_left_out_have_is_not_looked_at(codec, table):
    asks, _ = read_conditions({"income": 1e4}, 3, COLUMNS)
    codes = np.zeros((3, 5), dtype=np.int32)
    codes[1] = LEFT_OUT
    columns = decode_asked(codes, asks, codec, np.random.default_rng(0))
    assert [len(column) for column in columns.values()] == [3] * 5
    assert columns["income"][[0, 2]].tolist() == [1e4, 1e4]


def test_counts_are_read():
    found, n = read_counts({"city": {"Oslo": 3, ("Bergen", None): 4}}, None, COLUMNS)
    wanted, numbers = found["city"]
    assert n == 7
    assert wanted == (Wanted(values=("Oslo",)), Wanted(values=("Bergen",), missing=True))
    assert numbers.tolist() == [3, 4]


@pytest.mark.parametrize(
    ("counts", "named"),
    [
        ({"town": {"Oslo": 2}}, "'town'"),
        ({"city": {"Oslo": 2, "Bergen": 3}}, "'city'.*4 rows.*5"),
        ({"city": {"Oslo": -1, "Bergen": 5}}, "'city'.*-1"),
        ({"city": {"Oslo": 1.5, "Bergen": 2.5}}, "'city'.*1.5"),
        ({"city": {}}, "'city'"),
        ({"city": 4}, "'city'.*4"),
        ({}, "counts must be a dict"),
        ("city", "counts must be a dict.*'city'"),
    ],
)
def test_counts_that_can_not_be_met_are_named(counts, named):
    with pytest.raises(InvalidConditionError, match=named):
        read_counts(counts, 4, COLUMNS)
