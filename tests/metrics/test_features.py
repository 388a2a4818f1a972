"""Coding of mixed tables: equal cells have equal numbers, missing cells stay visible."""

import numpy as np
import pandas as pd
import pytest

from ganaug.exceptions import InvalidTableError
from ganaug.metrics.features import code_tables, distance_features, one_hot, require


def test_levels_come_from_all_tables():
    coded = code_tables(pd.DataFrame({"a": ["x", "z"]}), pd.DataFrame({"a": ["y", "x"]}))
    assert [matrix.ravel().tolist() for matrix in coded.matrices] == [[0, 2], [1, 0]]
    assert coded.n_levels.tolist() == [3]


@pytest.mark.parametrize("dtype", [object, "string", "category"])
def test_category_codes_do_not_depend_on_dtype(dtype):
    levels = ["b", None, "a"]
    coded = code_tables(pd.DataFrame({"a": pd.Series(levels, dtype=dtype)}), pd.DataFrame({"a": levels}))
    np.testing.assert_array_equal(coded.matrices[0], coded.matrices[1])
    np.testing.assert_array_equal(coded.matrices[0].ravel(), [1, np.nan, 0])


def test_integer_category_equals_its_float_twin_and_keeps_its_order():
    coded = code_tables(
        pd.DataFrame({"a": [10, 9, 2]}), pd.DataFrame({"a": [2.0, np.nan, 10.0]}), categorical=["a"]
    )
    np.testing.assert_array_equal(coded.matrices[0].ravel(), [2, 1, 0])
    np.testing.assert_array_equal(coded.matrices[1].ravel(), [0, np.nan, 2])


def test_nullable_numbers_and_dates_are_numbers():
    frame = pd.DataFrame(
        {"count": pd.array([1, None], dtype="Int64"), "day": pd.to_datetime(["2020-01-01", None])}
    )
    coded = code_tables(frame)
    assert not coded.is_category.any()
    assert np.isnan(coded.matrices[0][1]).all()
    assert np.isfinite(coded.matrices[0][0]).all()


def test_columns_are_matched_by_name():
    frame = pd.DataFrame({"a": [1.0], "b": [2.0]})
    assert code_tables(frame, frame[["b", "a"]]).matrices[1].tolist() == [[1.0, 2.0]]


def test_lacking_column_is_named():
    with pytest.raises(InvalidTableError, match="'b'"):
        code_tables(pd.DataFrame({"a": [1], "b": [2]}), pd.DataFrame({"a": [1]}))


def test_text_in_a_number_column_is_named():
    with pytest.raises(InvalidTableError, match=r"'a'.*numbers"):
        code_tables(pd.DataFrame({"a": [1.0]}), pd.DataFrame({"a": ["many"]}))


def test_one_hot_has_a_column_per_level_and_one_for_missing():
    (spread,) = one_hot(code_tables(pd.DataFrame({"a": ["x", None, "y"], "n": [1.0, np.nan, 3.0]})), [0, 7.0])
    assert spread.tolist() == [[1, 0, 0, 1], [0, 0, 1, 7], [0, 1, 0, 3]]


def test_one_column_adds_at_most_one_to_a_squared_distance():
    frame = pd.DataFrame({"n": [0.0, 10.0, np.nan], "c": ["x", "y", None]})
    for name in frame:
        (scaled,) = distance_features(code_tables(frame[[name]]))
        squared = ((scaled[:, None] - scaled[None]) ** 2).sum(axis=2)
        np.testing.assert_allclose(squared, 1 - np.eye(3), atol=1e-6)


def test_missing_package_names_the_extra():
    with pytest.raises(ImportError, match=r'pip install "ganaug\[metrics\]"'):
        require("no_such_package_anywhere.part")
