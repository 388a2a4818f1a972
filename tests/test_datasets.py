"""The made-up customers: their dtypes, and that the columns depend on each other as the docstring says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ganaug.datasets import make_customers


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    return make_customers(20_000)


def test_same_seed_same_table():
    pd.testing.assert_frame_equal(make_customers(50, random_state=3), make_customers(50, random_state=3))
    assert not make_customers(50, random_state=3).equals(make_customers(50, random_state=4))


def test_dtypes(customers):
    assert customers.dtypes.astype(str).to_dict() == {
        "age": "Int64",
        "city": "category",
        "country": "object",
        "income": "float64",
        "plan": "category",
        "monthly_charge": "float64",
        "tenure_months": "int64",
        "visits": "int64",
        "newsletter": "bool",
        "support_calls": "int64",
        "satisfaction": "float64",
        "churned": "object",
    }
    assert customers["plan"].cat.ordered


def test_marginals(customers):
    assert 0.12 < (customers["churned"] == "yes").mean() < 0.18
    assert 0.03 < customers["age"].isna().mean() < 0.05
    assert (customers["visits"] == 0).mean() > 0.3
    assert customers["income"].max() > 8 * customers["income"].median()
    np.testing.assert_allclose(customers["monthly_charge"], customers["monthly_charge"].round(2))


def test_dependences(customers):
    assert customers.groupby("city", observed=True)["country"].nunique().max() == 1
    assert customers.groupby("plan", observed=True)["monthly_charge"].median().is_monotonic_increasing
    young = (customers["age"] < 25).fillna(False)
    assert customers["income"].isna()[young].mean() > 2 * customers["income"].isna()[~young].mean()
    assert ((customers["age"] - 17) * 12 >= customers["tenure_months"]).dropna().all()
    left = customers["churned"] == "yes"
    assert customers["support_calls"][left].mean() > 1.5 * customers["support_calls"][~left].mean()


@pytest.mark.parametrize("n_samples", [0, -1, 2.0, True, "10"])
def test_wrong_number_of_rows_is_refused_by_name(n_samples):
    with pytest.raises(ValueError, match="n_samples must be"):
        make_customers(n_samples)


def test_one_row():
    assert len(make_customers(1)) == 1
