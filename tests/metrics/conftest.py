"""Small tables of known structure for the tests of the metrics."""

import numpy as np
import pandas as pd
import pytest


def make_mixed(n_rows, seed):
    """Two related numbers, two related categories, one of them missing at times."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=n_rows)
    shop = rng.choice(["north", "south", "west"], n_rows, p=[0.5, 0.3, 0.2])
    channel = pd.Series(np.where(rng.random(n_rows) < 0.8, shop, "web"), dtype=object)
    channel[rng.random(n_rows) < 0.1] = None
    price = np.round(size + 0.5 * rng.normal(size=n_rows) + (shop == "north"), 2)
    return pd.DataFrame({"size": size, "price": price, "shop": shop, "channel": channel})


@pytest.fixture
def real():
    return make_mixed(600, seed=0)


@pytest.fixture
def fresh():
    """As many rows of the same source, not seen."""
    return make_mixed(600, seed=1)


@pytest.fixture
def independent(real):
    """The real columns, each shuffled alone."""
    rng = np.random.default_rng(2)
    return pd.DataFrame({name: rng.permutation(column.to_numpy()) for name, column in real.items()})


@pytest.fixture
def other():
    """Rows of neither table, as an ideal generator would draw."""
    return make_mixed(600, seed=5)
