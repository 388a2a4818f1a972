"""What gives rows away is said in words that name the planted fault, and nothing is said of fresh rows."""

import numpy as np
import pandas as pd
import pytest

from ganaug.metrics import telling_rows


def make_people(n_rows, seed):
    rng = np.random.default_rng(seed)
    age = rng.integers(17, 80, n_rows)
    hours = np.where(age < 20, 20, 40) + rng.integers(-5, 6, n_rows)
    return pd.DataFrame(
        {
            "age": age,
            "hours": hours,
            "work": rng.choice(["office", "farm", "shop"], n_rows),
            "pay": rng.normal(size=n_rows).round(3),
        }
    )


@pytest.fixture
def people():
    return make_people(2000, 0)


def test_nothing_is_said_of_fresh_rows(people):
    found = telling_rows(people, make_people(2000, 1))
    assert len(found) == 0
    assert list(found.columns) == ["words", "columns", "real", "synthetic"]


def test_a_pair_that_never_goes_together_is_named(people):
    odd = make_people(2000, 1)
    odd["hours"] = np.random.default_rng(2).permutation(odd["hours"])
    reason = telling_rows(people, odd).iloc[0]
    assert "hours" in reason["words"]
    assert "age" in reason["words"]
    assert " and " in reason["words"]
    assert min(reason["real"], reason["synthetic"]) < 0.01
    assert max(reason["real"], reason["synthetic"]) > 0.03


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lambda t: t.assign(age=t["age"].clip(lower=25)), "age < 25"),
        (lambda t: t.assign(work=t["work"].replace("farm", "mine")), "work = "),
        (lambda t: t.assign(age=t["age"].where(t.index % 8 > 0)), "age is missing"),
        (lambda t: t.assign(age=t["age"] + np.where(t.index % 8 > 0, 0, 0.5)), "age has decimals"),
        (lambda t: t.assign(pay=t["pay"].where(t.index % 8 > 0, 0.0)), "pay = 0"),
    ],
)
def test_the_words_fit_the_fault(people, fault, words):
    assert telling_rows(people, fault(make_people(2000, 1))).iloc[0]["words"].startswith(words)


def test_shares_are_those_of_the_rows(people):
    odd = make_people(2000, 1).assign(work="farm")
    reason = telling_rows(people, odd).iloc[0]
    assert reason["words"] == "work isn't farm"
    assert reason["real"] == pytest.approx((people["work"] != "farm").mean(), abs=0.03)
    assert reason["synthetic"] == 0


def test_each_reason_names_other_columns(people):
    odd = make_people(2000, 1).assign(work="farm", age=lambda t: t["age"] + 30, pay=lambda t: t["pay"] * 3)
    named = [name for columns in telling_rows(people, odd)["columns"] for name in columns]
    assert sorted(named) == sorted(set(named))
    assert {"work", "age", "pay"} <= set(named)


def test_dates_are_told_as_dates():
    days = pd.Series(pd.date_range("2024-01-01", periods=300))
    real = pd.DataFrame({"day": pd.concat([days] * 4, ignore_index=True)})
    late = real.assign(day=real["day"].clip(lower=pd.Timestamp("2024-03-01")))
    words = " ".join(telling_rows(real, late)["words"])
    assert "2024-0" in words


def test_tiny_tables_say_nothing():
    table = pd.DataFrame({"a": [1.0, 2.0, 3.0, None], "b": list("xyxy")})
    assert len(telling_rows(table, table)) == 0
