"""Hostile tables of every backend: rows that keep the contract, or an error that names the column."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.hostile import BACKENDS, check_codec, check_fit, tables

QUIET = list(HealthCheck)
FAR = [datetime.datetime(931, 11, 14, 13), datetime.datetime(9999, 12, 31, 23, 59, 59), None]
ZONED = pa.timestamp("us", "Europe/Paris")

# What such tables have found before, in ganaug or in the library below it.
FOUND = {
    "names with a NUL, which polars can't export": pl.DataFrame({"|\0": [1.5, 2.5] * 9}),
    "a name that is empty": pl.DataFrame({"": ["a", "b"] * 9}),
    "text that goes on behind a NUL": pd.DataFrame({"a": ["", "\0", "a\0", "a"] * 9}, dtype="string[python]"),
    "nothing but NaN, which arrow tells from a gap": pl.DataFrame({"a": [float("nan")] * 9}),
    "years that Python hasn't, in a zone": pa.table({"a": pa.array(FAR * 9).cast(ZONED)}),
    "years that pytz hasn't, in a zone": pl.DataFrame({"a": FAR[:1] * 9 + FAR[2:]}).select(
        pl.col("a").dt.replace_time_zone("Europe/Paris")
    ),
    "a type without numpy's": pd.DataFrame({"a": pd.arrays.ArrowExtensionArray(pa.nulls(9))}),
    "names of several kinds": pd.DataFrame({"a": np.arange(30.0), 1: ["x", "y"] * 15, (2, 3): [True] * 30}),
}


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_hostile_table_is_understood_or_refused_by_name(backend):
    @settings(max_examples=50, deadline=None, database=None, derandomize=True, suppress_health_check=QUIET)
    @given(st.data())
    def check(data):
        check_codec(data.draw(tables(backend)))

    check()


@pytest.mark.parametrize("check", [check_codec, check_fit])
@pytest.mark.parametrize("table", list(FOUND.values()), ids=FOUND)
def test_what_broke_before_is_whole(table, check):
    assert check(table) == "whole"
