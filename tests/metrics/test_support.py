"""Alpha-precision and beta-recall: copies, other rows of the source, rows elsewhere."""

import numpy as np
import pandas as pd
import pytest

from ganaug.metrics import alpha_precision, beta_recall


def test_copies_score_one(real):
    assert alpha_precision(real, real) == pytest.approx(1, abs=0.005)
    assert beta_recall(real, real) == pytest.approx(1, abs=0.005)


def test_other_rows_of_the_source_are_precise_and_cover_half(real, fresh):
    assert alpha_precision(real, fresh) > 0.94
    assert beta_recall(real, fresh) == pytest.approx(0.5, abs=0.1)


def test_far_rows_are_neither(real, fresh):
    far = fresh.assign(size=fresh["size"] + 1000)
    assert alpha_precision(real, far) < 0.05
    assert beta_recall(real, far) < 0.05


def test_rows_at_the_centre_are_too_typical_and_cover_little():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(400, 3))
    narrow = 0.05 * rng.normal(size=(400, 3))
    assert alpha_precision(real, narrow) < 0.6
    assert beta_recall(real, narrow) < 0.3


def test_a_single_synthetic_row_will_do():
    real = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0]})
    assert 0 <= beta_recall(real, real.head(1)) <= 1
