"""Passes in which classes take turns."""

from __future__ import annotations

import numpy as np

from ganaug.training.balance import balanced_order


def test_every_batch_has_all_classes_and_rare_rows_come_again():
    classes = np.array([0] * 90 + [1] * 9 + [3])
    order = balanced_order(classes, None, np.random.default_rng(0), 96)
    assert order.shape == (96,)
    for start in range(0, 96, 12):
        counts = np.bincount(classes[order[start : start + 12]], minlength=4)
        assert counts.tolist() == [4, 4, 0, 4]
    assert (np.bincount(order, minlength=100)[90:99] >= 3).all()
    assert np.bincount(order, minlength=100)[:90].max() == 1
    assert np.bincount(order, minlength=100)[99] == 32


def test_weights_say_how_often_within_a_class():
    classes, weights = np.array([0, 0, 1]), np.array([1.0, 3.0, 0.5])
    order = balanced_order(classes, weights, np.random.default_rng(0), 4_000)
    shares = np.bincount(order, minlength=3) / 4_000
    np.testing.assert_allclose(shares, [0.125, 0.375, 0.5], atol=0.03)
