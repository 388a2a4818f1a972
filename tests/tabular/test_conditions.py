"""Conditions become known codes, or an error that names the column and the value."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ganaug.exceptions import InvalidConditionError
from ganaug.tabular.codec import TableCodec
from ganaug.tabular.conditions import known_codes, put_exactly, read_conditions


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


def asked(codec, conditions, n=2):
    return known_codes(read_conditions(conditions, n, codec), codec)


def test_nothing_asked_is_nothing_known(codec):
    assert read_conditions(None, 5, codec) is None


def test_a_mapping_holds_in_every_row(codec, table):
    known = asked(codec, {"city": "Oslo", 7: 3}, n=4)
    row = codec.encode(table[(table["city"] == "Oslo") & (table[7] == 3)][:1])[0]
    assert set(known) == {2, 4}
    assert known[2].tolist() == [row[2]] * 4
    assert known[4].tolist() == [row[4]] * 4


def test_a_frame_has_a_row_for_each(codec, table):
    rows = table.iloc[[4, 1, 4]]  # its index doesn't matter
    known = known_codes(read_conditions(rows, None, codec), codec)
    expected = codec.encode(rows)
    for field in range(5):
        np.testing.assert_array_equal(known[field], expected[:, field])


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA])
def test_missing_can_be_asked_for_where_the_column_had_it(codec, table, missing):
    known = asked(codec, {"income": missing, "city": missing})
    row = codec.encode(table.iloc[[0]])[0]  # both are missing there
    assert known[0].tolist() == [row[0]] * 2
    assert known[2].tolist() == [row[2]] * 2


@pytest.mark.parametrize(
    ("conditions", "named"),
    [
        ({"town": "Oslo"}, "'town'"),
        ({"city": "Rome"}, r"'city'.*'Rome'"),
        ({"city": 3}, r"'city'.*3"),
        ({"age": 1e9}, r"'age'.*1000000000"),
        ({"age": -1}, r"'age'.*-1"),
        ({"age": 200.5}, r"'age'.*200\.5"),
        ({"age": "young"}, r"'age'"),
        ({"age": None}, r"'age'"),
        ({"age": float("inf")}, r"'age'.*infinity"),
        ({"income": -5.0}, r"'income'.*-5\.0"),
        ({"member": "yes"}, r"'member'.*'yes'"),
        ({7: 12}, "7.*12"),
        ({"city": ["Oslo", "Bergen"]}, "'city'.*one value.*DataFrame"),
        ([("city", "Oslo")], "dict or a DataFrame"),
        (pd.DataFrame({"city": ["Oslo"] * 3}), "each of the 2 rows.*3"),
        (pd.DataFrame({"age": [200, 200.5]}), r"'age'.*200\.5"),
        (pd.DataFrame([["Oslo", "Oslo"]] * 2, columns=["city", "city"]), "more than once.*'city'"),
    ],
)
def test_what_cannot_be_met_is_named(codec, conditions, named):
    with pytest.raises(InvalidConditionError, match=named):
        asked(codec, conditions)


def test_ends_of_the_range_can_be_asked_for(codec, table):
    for end in (table["age"].min(), table["age"].max()):
        assert asked(codec, {"age": int(end)})


def test_what_was_asked_is_written_in_the_columns_own_dtype(table):
    drawn = table.iloc[:2].reset_index(drop=True)
    put_exactly(drawn, pd.DataFrame({7: [1, 2], "income": [None, 3.5]}, dtype=object))
    assert drawn[7].tolist() == [1, 2]
    assert drawn["income"].isna().tolist() == [True, False]
    assert drawn["income"][1] == 3.5
    pd.testing.assert_series_equal(drawn.dtypes, table.dtypes)
    assert drawn["age"].tolist() == table["age"][:2].tolist()
