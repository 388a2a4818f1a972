"""What a file says of a column is checked before anything is built from it."""

import numpy as np
import pandas as pd
import pytest

from ganaug.exceptions import ModelFileError
from ganaug.tabular.columns import CategoryCodec, NumberCodec


def broken_numbers():
    yield "header", "decimals", 99
    yield "header", "decimals", "2"
    yield "header", "dtype", {"numpy": "<M8[s]"}
    yield "header", "dtype", {"numpy": "<i4"}
    yield "header", "missing", "gone"
    for key, change in {
        "low": lambda a: a[::-1].copy(),
        "edges": lambda a: a[:-1],
        "centre": lambda a: a * np.nan,
        "exact_of": lambda a: a + 1,
        "exact": lambda a: a[:-1],
        "ends": lambda a: a[::-1].copy(),
        "counts": lambda a: -a,
        "points": lambda a: a.reshape(1, -1),
    }.items():
        yield "arrays", key, change
        yield "arrays", key, lambda a: None


@pytest.mark.parametrize(("part", "key", "value"), list(broken_numbers()))
def test_broken_number_in_a_file_is_a_model_file_error(part, key, value):
    header, arrays = NumberCodec.fit(
        pd.Series(np.random.default_rng(0).lognormal(size=1_000)), "a"
    ).to_state()
    if part == "header":
        header[key] = value
    else:
        arrays[key] = value(arrays[key])
    with pytest.raises(ModelFileError):
        NumberCodec.from_state("a", header, arrays)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("levels", ["x", "x"]),
        ("levels", ["x", ["y"]]),
        ("levels", ["x", float("nan")]),
        ("levels", ["x"]),
        ("levels", None),
        ("dtype", {"numpy": "<i8"}),
        ("dtype", {"pandas": "Sparse"}),
        (
            "dtype",
            {"categories": {"labels": ["x", "z"], "dtype": {"numpy": "|O"}, "name": None}, "ordered": False},
        ),
        ("dtype", {"categories": {"range": [0, 10**12, 1], "name": None}, "ordered": False}),
        ("dtype", None),
        (
            "dtype",
            {
                "categories": {"labels": [float("nan")], "dtype": {"numpy": "<f8"}, "name": None},
                "ordered": True,
            },
        ),
        ("missing", 3),
    ],
)
def test_broken_levels_in_a_file_are_a_model_file_error(key, value):
    header, arrays = CategoryCodec.fit(pd.Series(["x", "y", "x"]), "a").to_state()
    header[key] = value
    with pytest.raises(ModelFileError):
        CategoryCodec.from_state("a", header, arrays)
