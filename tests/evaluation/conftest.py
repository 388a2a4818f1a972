"""Reports that several files look at: of rows like real ones, and of a deliberately bad generator."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ganaug import evaluate
from ganaug.datasets import make_customers

COLUMNS = "age plan monthly_charge visits satisfaction newsletter churned".split()
SCRIPT = "<script>alert('x')</script>"


@pytest.fixture(scope="package")
def tables() -> list[pd.DataFrame]:
    """Training rows, unseen rows, and what an ideal generator would draw."""
    return [make_customers(300, random_state=seed)[COLUMNS] for seed in range(3)]


@pytest.fixture(scope="package")
def report(tables):
    """Fresh rows of the true distribution stand for a perfect generator's."""
    train, unseen, fresh = tables
    return evaluate(train, fresh, real_holdout=unseen, target="churned")


@pytest.fixture(scope="package")
def bad_report():
    """Three faulty columns: one moved, one with a level too often, one shuffled; and a name that is a tag."""
    tables = [make_customers(600, random_state=seed) for seed in range(3)]
    tables = [table.rename(columns={"country": SCRIPT}) for table in tables]
    rng = np.random.default_rng(0)
    bad = tables[2].copy()
    bad["visits"] += 3
    bad["newsletter"] = bad["newsletter"] | (rng.random(len(bad)) < 0.6)
    bad["city"] = rng.permutation(bad["city"].astype(object))
    return evaluate(tables[0], bad, real_holdout=tables[1])
