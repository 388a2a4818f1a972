"""What `benchmarks.scaling` makes of its measurements, and the tables that it measures on."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.datasets import made_table
from benchmarks.growth import exponent, exponents_of_columns, per_row, select


@pytest.mark.parametrize("power", [0.0, 1.0, 1.7])
def test_exponent_is_that_of_a_power_law(power):
    sizes = np.array([10, 30, 100, 300])
    assert exponent(sizes, 0.02 * sizes**power) == pytest.approx(power, abs=1e-9)


def test_exponents_leave_out_what_is_beyond_300_columns():
    records = [
        {"question": "columns", "size": n, "step_cpu_seconds": n * cost, "row_cpu_seconds": n**2 * cost}
        for n, cost in ((100, 1.0), (500, 70.0), (10, 1.0), (300, 1.0))
    ]
    assert [record["size"] for record in select(records, "columns")] == [10, 100, 300, 500]
    found = exponents_of_columns(records)
    assert found == pytest.approx({"step_cpu_seconds": 1.0, "row_cpu_seconds": 2.0})


def test_cost_per_row_is_in_microseconds_and_that_of_a_step_by_its_batch():
    record = {"size": 1000, "step_cpu_seconds": 0.128}
    record |= {"encode_cpu_seconds": 0.002, "discriminator_cpu_seconds": 0.1, "sample_cpu_seconds": 0.05}
    found = per_row(record)
    assert found == pytest.approx({"encode": 2, "step": 1000, "discriminator": 100, "sample": 50})


@pytest.mark.parametrize(
    ("n_columns", "last"), [(10, "support_calls_0"), (15, "region_0"), (23, "country_2")]
)
def test_tables_have_as_many_columns_as_asked_for(n_columns, last):
    table = made_table(50, n_columns)
    assert table.shape == (50, n_columns)
    assert table.columns.is_unique
    assert table.columns[-1] == last
