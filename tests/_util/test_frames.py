"""Tables of every kind come in as a frame and go out as they came."""

import datetime
import decimal
import json
import sys
import zoneinfo

import numpy as np
import pandas as pd
import polars as pl
import polars.testing
import pyarrow as pa
import pytest
from scipy import sparse

from ganaug._util.frames import Container, header_of, to_column, to_frame
from ganaug.exceptions import InvalidTableError, ModelFileError

ARRAYS = {
    "float": np.array([[1.5, np.nan], [2.0, 3.0]]),
    "float32, by column": np.asfortranarray(np.ones((3, 2), "float32")),
    "int": np.arange(6, dtype="int16").reshape(3, 2),
    "bool": np.array([[True, False]]),
    "text": np.array([["a", "bcd"], ["e", "f"]]),
    "object": np.array([[1, "a", None], [2.5, True, "b"]], dtype=object),
}


def through_a_file(container):
    return Container.from_state(json.loads(json.dumps(container.to_state())))


def rebuilt(container, frame):
    return container.rebuild([frame.iloc[:, position].array for position in range(frame.shape[1])])


@pytest.mark.parametrize("array", list(ARRAYS.values()), ids=ARRAYS)
def test_array_comes_back_as_it_was(array):
    frame, container = to_frame(array)
    assert frame.columns.tolist() == list(range(array.shape[1]))
    back = rebuilt(through_a_file(container), frame)
    np.testing.assert_array_equal(back, array)
    assert back.dtype == array.dtype
    assert back.flags.f_contiguous == array.flags.f_contiguous
    assert [type(cell) for cell in back.flat] == [type(cell) for cell in array.flat]


@pytest.mark.parametrize("unit", ["ns", "us", "s", "D", "h"])
def test_array_of_dates_comes_back_as_it_was(unit):
    array = np.array([["2024-01-01", "NaT"], ["2025-01-01", "2026-01-01"]], dtype=f"M8[{unit}]")
    frame, container = to_frame(array)
    container = through_a_file(container)
    assert container.takes(frame.dtypes)
    back = rebuilt(container, frame)
    np.testing.assert_array_equal(back, array)
    assert back.dtype == array.dtype


def test_list_of_lists_comes_back_as_one():
    frame, container = to_frame([[1, "a"], [2, None]])
    assert rebuilt(through_a_file(container), frame) == [[1, "a"], [2, None]]


DAY = datetime.date(2024, 2, 29)
STAMP = datetime.datetime(2024, 10, 27, 0, 30, 0, 7)
ZONED = STAMP.replace(tzinfo=zoneinfo.ZoneInfo("Europe/Paris"))
POLARS = {
    **{str(kind): (kind, [1, None, 3]) for kind in (pl.Int8, pl.Int16, pl.Int32, pl.Int64)},
    **{str(kind): (kind, [1, None, 3]) for kind in (pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64)},
    **{str(kind): (kind, [1.5, None, float("nan")]) for kind in (pl.Float16, pl.Float32, pl.Float64)},
    "bool": (pl.Boolean, [True, None, False]),
    "text": (pl.String, ["a", None, "ø\n"]),
    "categorical": (pl.Categorical, ["a", None, "b"]),
    "enum": (pl.Enum(["z", "b", "a"]), ["a", None, "b"]),
    "date": (pl.Date, [DAY, None, DAY]),
    "time": (pl.Time, [datetime.time(1, 2, 3, 4), None, datetime.time()]),
    "duration": (pl.Duration("ms"), [datetime.timedelta(1), None, datetime.timedelta(-1)]),
    "datetime": (pl.Datetime("us"), [STAMP, None, STAMP]),
    "zoned": (pl.Datetime("ns", "Europe/Paris"), [ZONED, None, ZONED]),
    "decimal": (pl.Decimal(20, 3), [decimal.Decimal("1.125"), None, decimal.Decimal(-3)]),
    "null": (pl.Null, [None, None, None]),
}


def polars_table():
    return pl.DataFrame([pl.Series(name, cells, dtype=kind) for name, (kind, cells) in POLARS.items()])


def arrow_table():
    columns = {
        **dict(zip(POLARS, polars_table().to_arrow().columns, strict=True)),
        "string": pa.array(["a", None, "b"], pa.string()),
        "string_view": pa.array(["a", None, "b"], pa.string_view()),
        "date64": pa.array([DAY, None, DAY], pa.date64()),
        "time32": pa.array([datetime.time(1), None, datetime.time(2)], pa.time32("s")),
        "decimal256": pa.array([decimal.Decimal("1.5"), None, None], pa.decimal256(40, 1)),
        "dictionary": pa.DictionaryArray.from_arrays(pa.array([1, None, 1], pa.int8()), ["unused", "b"]),
        "ordered": pa.DictionaryArray.from_arrays(pa.array([1, None, 0]), ["y", "x"], ordered=True),
        "dictionary of ints": pa.DictionaryArray.from_arrays(pa.array([1, None, 0], pa.uint8()), [7, 5]),
        "chunks": pa.chunked_array([["a", "b"], ["a"]]).dictionary_encode(),
        "": pa.array([1, 2, 3]),
    }
    fields = [pa.field(name, column.type) for name, column in columns.items()]
    fields[-1] = fields[-1].with_nullable(False)
    return pa.Table.from_arrays(list(columns.values()), schema=pa.schema(fields, metadata={"a": "b"}))


def test_polars_table_comes_back_as_it_was():
    table = polars_table()
    frame, container = to_frame(table)
    for held in (container, through_a_file(container)):
        assert held.takes(frame.dtypes)
        back = rebuilt(held, frame)
        assert back.schema == table.schema
        polars.testing.assert_frame_equal(back, table)


def test_pyarrow_table_comes_back_as_it_was():
    table = arrow_table()
    frame, container = to_frame(table)
    for held in (container, through_a_file(container)):
        assert held.takes(frame.dtypes)
        back = rebuilt(held, frame)
        assert back.schema.equals(table.schema, check_metadata=held is container)
        assert back.to_pylist()[1] == table.to_pylist()[1]
        assert str(back.to_pylist()) == str(table.to_pylist())  # where NaN is NaN


def test_pandas_table_with_arrow_s_own_dtypes_comes_back_as_it_was():
    table = arrow_table().to_pandas(types_mapper=pd.ArrowDtype)
    frame, container = to_frame(table)
    back = rebuilt(through_a_file(container), frame)
    pd.testing.assert_series_equal(back.dtypes, table.dtypes)
    assert str(pa.table(back).to_pylist()) == str(pa.table(table).to_pylist())


def test_dictionary_that_repeats_a_value_or_holds_a_gap_is_read():
    cells = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, None]), pa.array(["a", "a", None]))
    frame, container = to_frame(pa.table({"x": cells}))
    assert frame["x"].isna().tolist() == [False, False, True, True]
    assert rebuilt(container, frame)["x"].to_pylist() == ["a", "a", None, None]


@pytest.mark.parametrize(
    "y",
    [
        pd.Series(["a", "b"], name="y", index=[3, 3], dtype="category"),
        pl.Series("label", ["a", "b"], dtype=pl.Enum(["b", "a"])),
        pa.chunked_array([[1], [2]]),
        np.array(["a", "bc"]),
        np.array([1, 2], dtype="int8"),
        ["a", 1],
    ],
    ids=lambda y: f"{type(y).__module__}.{type(y).__name__}",
)
def test_column_comes_back_as_it_was(y):
    column, container = to_column(y)
    back = through_a_file(container).rebuild_column(column.array, getattr(y, "name", None))
    assert type(back) is type(y)
    assert list(back) == list(y)
    assert getattr(back, "dtype", None) == getattr(y, "dtype", None)
    assert getattr(back, "name", None) == getattr(y, "name", None)


def test_without_pyarrow_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r'pip install "ganaug\[parquet\]"'):
        to_frame(pl.DataFrame({"a": [1]}))


def test_header_has_the_names_that_scikit_learn_takes():
    for X in (
        pl.DataFrame({"a": [1], "b": [2]}),
        pa.table({"a": [1], "b": [2]}),
        pd.DataFrame({"a": [1], "b": 2}),
    ):
        assert list(header_of(X).columns) == ["a", "b"]
    assert header_of(pd.DataFrame({"a": [1], 2: [3]})).shape == (0, 2)


def test_frame_comes_back_with_its_labels_and_fresh_rows():
    labels = pd.Index(["b", "a"], name="what")
    frame = pd.DataFrame([[1, "x"], [2, "y"]], columns=labels, index=[7, 7])
    inner, container = to_frame(frame)
    back = rebuilt(container, inner)
    pd.testing.assert_frame_equal(back, frame.reset_index(drop=True))
    assert back.columns.identical(labels)
    assert frame.index.tolist() == [7, 7]


def test_list_of_lists_keeps_numbers_apart_from_text():
    frame, _ = to_frame([[1, "a"], [2, "b"]])
    assert frame[0].tolist() == [1, 2]
    frame, container = to_frame([[1, 2], [3, 4.5]])
    assert container.array_dtype == np.float64


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (np.ones(3), "Expected 2D array, got 1D array instead"),
        (
            np.ones((0, 3)),
            r"Found array with 0 sample\(s\) \(shape=\(0, 3\)\) while a minimum of 1",
        ),
        (
            np.ones((3, 0)),
            r"Found array with 0 feature\(s\) \(shape=\(3, 0\)\) while a minimum of 1",
        ),
        (pd.DataFrame({"a": []}), r"Found array with 0 sample\(s\) \(shape=\(0, 1\)\) while a minimum of 1"),
        (pd.DataFrame(index=[1, 2]), r"0 feature\(s\) \(shape=\(2, 0\)\) while a minimum of 1"),
        (np.ones((3, 2)) * 1j, "Complex data not supported"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "used more than once: 'a'"),
        (pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])), "2 levels"),
        (pd.Series([1, 2]), r"to_frame\(\).* pandas Series"),
        (pl.Series("a", [1, 2]), r"to_frame\(\).* polars Series"),
        (pa.chunked_array([[1, 2]]), "pyarrow ChunkedArray"),
        (pl.DataFrame(), r"0 sample\(s\)"),
        (pl.DataFrame({"a": []}), r"0 sample\(s\) \(shape=\(0, 1\)\)"),
        (pa.table([[1], [2]], ["a", "a"]), "used more than once: 'a'"),
        (
            pl.DataFrame({"a": [1]}, schema={"a": pl.Int128}),
            "'a' is of a dtype that is not supported.*Int128",
        ),
        ([[1, 2], [3]], "inhomogeneous"),
    ],
)
def test_tables_that_cannot_be_used_are_refused(X, words):
    with pytest.raises(InvalidTableError, match=words):
        to_frame(X)


def test_fewer_rows_than_wanted_are_refused():
    for table in (np.ones((1, 2)), pd.DataFrame({"a": [1]})):
        with pytest.raises(InvalidTableError, match=r"1 sample\(s\) .* minimum of 2 is required"):
            to_frame(table, min_rows=2)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (sparse.eye(3).tocsr(), "toarray"),
        (pa.record_batch({"a": [1]}), "to_pandas.* pyarrow RecordBatch"),
        (pl.LazyFrame({"a": [1]}), r"LazyFrame .*\.collect\(\)"),
        (np.ma.masked_array(np.ones((2, 2))), "filled"),
    ],
)
def test_other_kinds_of_table_say_how_to_convert_them(X, words):
    with pytest.raises(TypeError, match=words):
        to_frame(X)


@pytest.mark.parametrize(
    "change",
    [
        {"order": "X"},
        {"array": "spam"},
        {"array": "<c16"},
        {"array": 3},
        {"array": None},
        {"library": "spam"},
        {"library": "pandas"},
        {"library": "polars"},
        {"schema": None},
        {"schema": [None, None]},
        {"columns": None},
        {"columns": {"range": [0, "2", 1]}},
    ],
)
def test_broken_container_is_a_model_file_error(change):
    _, container = to_frame(np.ones((2, 2)))
    with pytest.raises(ModelFileError):
        Container.from_state(container.to_state() | change)
