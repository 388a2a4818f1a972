"""Hostile tables of every backend: rows that keep the contract, or an error that names the column."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.hostile import BACKENDS, check_codec, tables

QUIET = list(HealthCheck)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_hostile_table_is_understood_or_refused_by_name(backend):
    @settings(max_examples=50, deadline=None, database=None, derandomize=True, suppress_health_check=QUIET)
    @given(st.data())
    def check(data):
        check_codec(data.draw(tables(backend)))

    check()
