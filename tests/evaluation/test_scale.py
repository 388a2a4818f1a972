"""A number's interval and its word: closed forms."""

import numpy as np
import pytest

from ganaug.evaluation.scale import Limits, make_measure, standard_error, word_for


def test_standard_error_of_a_mean_is_the_textbook_one():
    values = np.random.default_rng(0).normal(size=2000)
    found = standard_error(lambda kept: float(values[kept].mean()), [2000])
    assert found == pytest.approx(1 / np.sqrt(2000), rel=0.3)


def test_standard_error_of_a_difference_has_both_parts():
    a, b = np.random.default_rng(1).normal(size=(2, 2000))
    alone = [standard_error(lambda kept, v=v: float(v[kept].mean()), [2000]) for v in (a, b)]
    both = standard_error(lambda i, j: float(a[i].mean() - b[j].mean()), [2000, 2000])
    assert both == pytest.approx(np.hypot(*alone), rel=0.5)


@pytest.mark.parametrize(
    ("excess", "margin", "word"),
    [
        (0, 0, "good"),
        (-5, 0, "good"),
        (2, 0, "look here"),
        (2, 3, "good"),
        (5, 0, "bad"),
        (5, 3, "look here"),
    ],
)
def test_words(excess, margin, word):
    assert word_for(excess, margin, good=1, bad=4) == word


def test_floor_is_that_of_real_rows_and_the_interval_stays_in_range():
    limits = Limits(None, -1, 0.05, 0.2, upper=1.0)
    found = make_measure("m", "fidelity", {"synthetic": 0.9, "real": 0.98}, {"synthetic": 0.1}, limits, "")
    assert found.best == 0.98
    assert found.high == 1.0
    assert found.low == pytest.approx(0.9 - 0.209)
    assert found.word == "good"  # within the noise
