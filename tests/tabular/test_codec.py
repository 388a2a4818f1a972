"""A whole table: to codes and back, and to a file's parts and back."""

import json

import numpy as np
import pandas as pd
import pytest

from ganaug.exceptions import InvalidTableError, ModelFileError, RejectColumn
from ganaug.tabular.codec import TableCodec


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    n = 400
    frame = pd.DataFrame(
        {
            "income": np.round(rng.lognormal(10, 1, n), 2),
            "age": rng.integers(18, 70, n).astype("int8"),
            "city": rng.choice(["Oslo", "Bergen", None], n),
            "member": rng.random(n) < 0.3,
            "code": [f"c{i % 310}" for i in range(n)],
            "score": pd.array(rng.normal(size=n), dtype="Float32"),
            "empty": [None] * n,
        }
    )
    frame["city"] = frame["city"].astype("category")
    frame.loc[::7, "score"] = pd.NA
    frame.columns.name = "what"
    return frame


def decoded(codec, codes):
    return codec.decode(codes, np.random.default_rng(1))


def test_table_comes_back_with_its_columns_dtypes_and_gaps(table):
    codec = TableCodec.fit(table)
    codes = codec.encode(table)
    assert codes.dtype == np.int16
    assert codes.shape == (400, 7)
    back = decoded(codec, codes)
    pd.testing.assert_index_equal(back.columns, table.columns)
    pd.testing.assert_series_equal(back.dtypes, table.dtypes)
    pd.testing.assert_frame_equal(back.isna(), table.isna())
    exact = ["age", "city", "member", "code", "empty"]
    pd.testing.assert_frame_equal(back[exact], table[exact])


def test_fit_is_deterministic_and_leaves_the_table_alone(table):
    before = table.copy()
    first, second = (TableCodec.fit(table).to_state() for _ in range(2))
    assert json.dumps(first[0]) == json.dumps(second[0])
    assert first[1].keys() == second[1].keys()
    assert all(np.array_equal(first[1][key], second[1][key]) for key in first[1])
    pd.testing.assert_frame_equal(table, before)


def test_fields_of_a_column_are_found_by_its_name():
    wide = pd.DataFrame({"a": ["x", "y"] * 1_500, "b": np.arange(3_000).astype(str)}).astype("category")
    wide = pd.concat([wide, wide], ignore_index=True)
    codec = TableCodec.fit(wide[["b", "a"]])
    assert codec.field_of("b") == slice(0, 2)
    assert codec.field_of("a") == slice(2, 3)
    assert len(codec.fields) == 3
    assert codec.codec_of("a").levels == ("x", "y")


def test_codes_take_the_smallest_type(table):
    assert TableCodec.fit(table[["age", "member"]]).dtype == np.int8


def test_rows_of_weight_zero_are_as_if_absent(table):
    weights = np.arange(400) < 200
    table = table.drop(columns="code")  # in the first rows it looks like an identifier
    assert json.dumps(TableCodec.fit(table, weights).to_state()[0]) == json.dumps(
        TableCodec.fit(table[:200]).to_state()[0]
    )


@pytest.mark.parametrize("weights", [np.ones(3), np.zeros(400), np.full(400, -1.0), np.full(400, np.nan)])
def test_bad_weights_are_refused(table, weights):
    with pytest.raises(InvalidTableError, match="sample_weight"):
        TableCodec.fit(table, weights)


def test_column_that_no_codec_takes_is_named(table):
    table["when"] = pd.period_range("2020", periods=len(table), freq="D")
    with pytest.raises(RejectColumn, match=r"Column 'when': .*period"):
        TableCodec.fit(table)


def test_unseen_level_names_its_column(table):
    codec = TableCodec.fit(table)
    table["code"] = "new"
    with pytest.raises(InvalidTableError, match=r"'code' .*'new'"):
        codec.encode(table)
    assert (codec.encode(table, unseen="mark")[:, 4] == -1).all()


def through_a_file(codec):
    header, arrays = codec.to_state()
    return TableCodec.from_state(json.loads(json.dumps(header)), arrays)


def test_state_gives_the_same_codec_back(table):
    codec = TableCodec.fit(table)
    loaded = through_a_file(codec)
    codes = codec.encode(table)
    np.testing.assert_array_equal(loaded.encode(table), codes)
    pd.testing.assert_frame_equal(decoded(loaded, codes), decoded(codec, codes))


@pytest.mark.parametrize(
    "labels",
    [
        pd.RangeIndex(3),
        pd.Index([3, 1, 2], name="n"),
        pd.Index([0.5, 1.5, 2.5]),
        pd.Index(["a", 1, 2.5], dtype=object),
        pd.Index(["a", "b", "c"], dtype="string"),
        pd.CategoricalIndex(["b", "a", "c"]),
    ],
    ids=lambda labels: f"{type(labels).__name__}, {labels.dtype}",
)
def test_labels_survive_a_file(labels):
    frame = pd.DataFrame([[1, 2, 3], [2, 3, 4]])
    frame.columns = labels
    loaded = through_a_file(TableCodec.fit(frame))
    pd.testing.assert_index_equal(loaded.columns, labels, exact=True)


def test_labels_that_json_cannot_hold_are_refused_when_saved():
    frame = pd.DataFrame({pd.Timestamp("2020"): [1, 2]})
    with pytest.raises(InvalidTableError, match="rename"):
        TableCodec.fit(frame).to_state()


@pytest.mark.parametrize(
    "change",
    [
        lambda header: None,
        lambda header: {},
        lambda header: header | {"codecs": header["codecs"][:-1]},
        lambda header: header | {"codecs": [None] * 7},
        lambda header: header | {"codecs": [{"kind": "number"}] * 7},
        lambda header: header | {"codecs": [{"kind": "spam"}] * 7},
        lambda header: header | {"columns": {"range": [0, 10**30, 1], "name": None}},
        lambda header: header | {"columns": {"range": [0, 7, 0], "name": None}},
        lambda header: header | {"columns": {"labels": ["a"] * 7, "dtype": {"numpy": "|O"}, "name": None}},
        lambda header: header | {"columns": {"labels": [[]] * 7, "dtype": {"numpy": "|O"}, "name": None}},
    ],
)
def test_broken_state_is_a_model_file_error(table, change):
    header, arrays = TableCodec.fit(table).to_state()
    with pytest.raises(ModelFileError):
        TableCodec.from_state(change(header), arrays)


def test_all_columns_that_can_not_be_used_are_named_at_once():
    notes = [f"{'word ' * (at % 7)}and {at * 'x'}" for at in range(120)]
    table = pd.DataFrame({"a": notes, "b": range(120), "c": notes[::-1]})
    with pytest.raises(RejectColumn, match=r"(?s)2 columns.*'a' looks like.*'c' looks like"):
        TableCodec.fit(table)


def test_numbers_that_are_codes_by_their_name_are_levels():
    codes = np.random.default_rng(0).choice(np.arange(10_000, 99_999, 301), 900)
    table = pd.DataFrame({"zip_code": codes, "width": codes, "fk": pd.array(codes, dtype="Int64")})
    kinds = dict(zip(table.columns, (codec.kind for codec in TableCodec.fit(table).codecs), strict=True))
    assert kinds == {"zip_code": "category", "width": "number", "fk": "category"}


def test_why_says_that_a_column_is_always_the_same():
    table = pd.DataFrame({"a": ["x"] * 5, "b": [None] * 5, "c": list("uvuvu")})
    assert TableCodec.fit(table).describe()["why"].tolist() == [
        "always the same",
        "always missing",
        "levels: 2",
    ]
