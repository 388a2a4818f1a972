"""Tables of every kind come in as a frame and go out as they came."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import sparse

from ganaug._util.frames import Container, to_frame
from ganaug.exceptions import InvalidTableError, ModelFileError

ARRAYS = {
    "float": np.array([[1.5, np.nan], [2.0, 3.0]]),
    "float32, by column": np.asfortranarray(np.ones((3, 2), "float32")),
    "int": np.arange(6, dtype="int16").reshape(3, 2),
    "bool": np.array([[True, False]]),
    "text": np.array([["a", "bcd"], ["e", "f"]]),
    "object": np.array([[1, "a", None], [2.5, True, "b"]], dtype=object),
}


def rebuilt(container, frame):
    return container.rebuild([frame.iloc[:, position].array for position in range(frame.shape[1])])


@pytest.mark.parametrize("array", list(ARRAYS.values()), ids=ARRAYS)
def test_array_comes_back_as_it_was(array):
    frame, container = to_frame(array)
    assert frame.columns.tolist() == list(range(array.shape[1]))
    back = rebuilt(Container.from_state(json.loads(json.dumps(container.to_state()))), frame)
    np.testing.assert_array_equal(back, array)
    assert back.dtype == array.dtype
    assert back.flags.f_contiguous == array.flags.f_contiguous
    assert [type(cell) for cell in back.flat] == [type(cell) for cell in array.flat]


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
        (pd.Series([1, 2]), "Series"),
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
        (pa.table({"a": [1]}), "to_pandas.* pyarrow Table"),
        (np.ma.masked_array(np.ones((2, 2))), "filled"),
    ],
)
def test_other_kinds_of_table_say_how_to_convert_them(X, words):
    with pytest.raises(TypeError, match=words):
        to_frame(X)


def test_polars_says_how_to_convert_it():
    polars = pytest.importorskip("polars")
    with pytest.raises(TypeError, match=r"to_pandas\(\) first on this polars DataFrame"):
        to_frame(polars.DataFrame({"a": [1]}))


@pytest.mark.parametrize(
    "change",
    [
        {"order": "X"},
        {"array": "spam"},
        {"array": "<M8[s]"},
        {"array": 3},
        {"columns": None},
        {"columns": {"range": [0, "2", 1]}},
    ],
)
def test_broken_container_is_a_model_file_error(change):
    _, container = to_frame(np.ones((2, 2)))
    with pytest.raises(ModelFileError):
        Container.from_state(container.to_state() | change)
