"""Trend error and its twin: known answers, and sdmetrics' own report with every pair counted."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from ganaug.metrics import trend_error, trend_error_by_pair, trend_twin
from ganaug.metrics.features import code_tables
from ganaug.metrics.pairs import dependence_errors

reports = pytest.importorskip("sdmetrics.reports.single_table._properties")
METADATA = {
    "columns": {
        "size": {"sdtype": "numerical"},
        "price": {"sdtype": "numerical"},
        "shop": {"sdtype": "categorical"},
        "channel": {"sdtype": "categorical"},
    }
}


@pytest.mark.parametrize("metric", [trend_error, trend_twin])
def test_copy_has_no_error(metric, real):
    assert metric(real, real.sample(frac=1, random_state=0)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("metric", [trend_error, trend_twin])
def test_independent_columns_are_worse_than_fresh_rows(metric, real, fresh, independent):
    assert metric(real, independent) > 1.3 * metric(real, fresh)


def test_reversed_column_of_a_pair_has_the_largest_error():
    x = np.arange(50.0)
    real, synthetic = pd.DataFrame({"a": x, "b": x}), pd.DataFrame({"a": x, "b": -x})
    assert trend_error(real, synthetic) == pytest.approx(1.0)


def test_permuted_pair_is_the_one_that_is_blamed(real):
    swapped = real.assign(size=np.random.default_rng(3).permutation(real["size"]))
    errors = trend_error_by_pair(real, swapped).set_index(["first", "second"])["error"]
    assert errors.idxmax() == ("size", "price")
    assert errors["shop", "channel"] == pytest.approx(0, abs=1e-12)


def test_constant_column_is_left_out_of_the_mean():
    x = np.arange(20.0)
    table = pd.DataFrame({"a": x, "b": x, "constant": 1.0})
    assert trend_error(table, table) == pytest.approx(0, abs=1e-12)
    assert np.isnan(trend_error_by_pair(table, table)["error"]).sum() == 2


def test_twin_does_not_hang_on_one_extreme_value(real):
    with_outlier = real.copy()
    with_outlier.loc[0, "price"] = 1e6
    assert trend_error(real, with_outlier) > 0.1
    assert trend_twin(real, with_outlier) < 0.01


def test_twin_sees_missing_cells(real):
    assert trend_twin(real, real.assign(size=np.nan)) > 0.4


def test_equals_the_report_of_sdmetrics_with_thresholds_zero(real, fresh):
    property_ = reports.ColumnPairTrends()
    property_.real_correlation_threshold = 0
    property_.real_association_threshold = 0
    expected = 1 - property_.get_score(real, fresh, METADATA)
    assert trend_error(real, fresh) == pytest.approx(expected, abs=1e-6)


def test_one_column_has_no_pair():
    table = pd.DataFrame({"a": [1.0, 2.0]})
    assert np.isnan(trend_error(table, table))
    assert np.isnan(trend_twin(table, table))


def test_dependence_is_blind_to_marginals_and_sees_a_shuffled_column(real):
    moved = real.sample(900, replace=True, weights=1 + 3 * (real["shop"] == "west"), random_state=0)
    coded = code_tables(real, moved[["shop", "channel"]].assign(size=0.0, price=0.0)[list(real.columns)])
    shuffled = real.assign(shop=np.random.default_rng(1).permutation(real["shop"]))
    names = list(combinations(real.columns, 2))
    at = names.index(("shop", "channel"))
    assert dependence_errors(coded)[at] < 0.08
    assert dependence_errors(code_tables(real, shuffled))[at] > 0.3
    assert dependence_errors(code_tables(real, real)).max() == pytest.approx(0, abs=1e-12)


def test_dependence_of_a_constant_is_none(real):
    constant = code_tables(real, real.assign(shop="north", size=1.0))
    assert dependence_errors(constant)[0] == 0
