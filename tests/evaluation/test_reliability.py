"""The diagram shows the curve that was computed."""

from __future__ import annotations

import io

import numpy as np
import pytest

from ganaug.metrics import reliability

pytest.importorskip("matplotlib")


def test_points_are_those_of_the_curve():
    from ganaug.evaluation.reliability import plot_reliability

    rng = np.random.default_rng(0)
    real, generated = rng.beta(4, 3, 300), rng.beta(3, 4, 200)
    figure = plot_reliability(real, generated, n_bins=5, title="Customers")
    figure.savefig(io.BytesIO(), dpi=40)
    found = reliability(real, generated, n_bins=5)
    points = figure.axes[0].lines[1]
    np.testing.assert_allclose(np.float64(points.get_xdata()), found["predicted"])
    np.testing.assert_allclose(np.float64(points.get_ydata()), found["observed"])
    assert figure.axes[0].get_title(loc="left") == "Customers"
