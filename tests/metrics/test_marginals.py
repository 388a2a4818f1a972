"""Shape error: known answers, and sdmetrics' own report."""

import numpy as np
import pandas as pd
import pytest

from ganaug.metrics import shape_error, shape_error_by_column

reports = pytest.importorskip("sdmetrics.reports.single_table._properties")
METADATA = {
    "columns": {
        "size": {"sdtype": "numerical"},
        "price": {"sdtype": "numerical"},
        "shop": {"sdtype": "categorical"},
        "channel": {"sdtype": "categorical"},
    }
}


def test_copy_has_no_error(real):
    assert shape_error(real, real.sample(frac=1, random_state=0)) == pytest.approx(0, abs=1e-12)


def test_independent_columns_have_perfect_shape(real, independent):
    assert shape_error(real, independent) == pytest.approx(0, abs=1e-12)


def test_shifted_column_has_the_error_of_its_shift():
    x = np.arange(100.0)
    table = pd.DataFrame({"moved": x, "kept": x})
    errors = shape_error_by_column(table, table.assign(moved=x + 30))["error"]
    assert errors.to_dict() == pytest.approx({"moved": 0.3, "kept": 0.0})


def test_category_error_is_total_variation():
    real, synthetic = pd.DataFrame({"a": list("xxxy")}), pd.DataFrame({"a": list("xyyz")})
    assert shape_error(real, synthetic) == pytest.approx(0.5)


def test_wholly_missing_column_is_left_out():
    real = pd.DataFrame({"a": [1.0, 2.0], "b": [np.nan, np.nan]})
    assert shape_error(real, real) == 0


def test_equals_the_report_of_sdmetrics(real, fresh):
    property_ = reports.ColumnShapes()
    expected = 1 - property_.get_score(real, fresh, METADATA)
    assert shape_error(real, fresh) == pytest.approx(expected, abs=1e-6)
