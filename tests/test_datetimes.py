"""Dates keep their hours, weekdays and months, as closely as another sample of real ones does."""

import numpy as np
import pandas as pd
import pytest

from ganaug import GANSynthesizer

N = 3_000
PARTS = ("hour", "dayofweek", "month")


def visits(seed):
    """Rush hours, quiet weekends and a summer season; what is spent goes with the hour."""
    rng = np.random.default_rng(seed)
    days = pd.date_range("2023-01-01", "2024-12-31", freq="D")
    weight = np.where(days.dayofweek < 5, 5.0, 1.0) * np.where(days.month.isin([6, 7, 8]), 3.0, 1.0)
    hour = np.where(rng.random(N) < 0.5, rng.normal(8.5, 0.7, N), rng.normal(17.5, 1.5, N)).clip(0, 23.99)
    when = rng.choice(days, N, p=weight / weight.sum()) + pd.to_timedelta(np.round(hour * 60), unit="min")
    return pd.DataFrame({"when": when, "spent": np.round(hour * rng.lognormal(0, 0.3, N), 2)})


def distance(part, first, second):
    """Total variation between the shares of hours, weekdays or months."""
    shares = [getattr(table["when"].dt, part).value_counts(normalize=True) for table in (first, second)]
    return float(shares[0].sub(shares[1], fill_value=0).abs().sum() / 2)


@pytest.fixture(scope="module")
def tables():
    real, unseen = visits(0), visits(1)
    return real, unseen, GANSynthesizer(random_state=0).fit(real).sample(N, random_state=0)


@pytest.mark.parametrize("part", PARTS)
def test_shares_are_within_the_noise_of_two_real_samples(tables, part):
    _, unseen, drawn = tables
    floor = np.quantile([distance(part, visits(seed), unseen) for seed in range(2, 22)], 0.95)
    assert distance(part, drawn, unseen) < 1.5 * floor


def test_what_goes_with_the_hour_still_does(tables):
    means = [t.groupby(t["when"].dt.hour < 13)["spent"].mean() for t in (tables[1], tables[2])]
    np.testing.assert_allclose(means[1], means[0], rtol=0.06)


def test_resolution_is_that_of_the_rows(tables):
    assert (tables[2]["when"].dt.second == 0).all()
    assert tables[2]["when"].dt.minute.nunique() == 60
