"""What is asked of drawn rows holds in every one of them; gaps are filled, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ganaug import Between, Cascade, GANSynthesizer, Missing, Present
from ganaug.exceptions import InvalidConditionError, InvalidTableError

TINY = Cascade(hidden_units=8, context_units=16, embedding_units=4)


def small(**parameters):
    return GANSynthesizer(**{"generator": TINY, "max_epochs": 2, "random_state": 0, **parameters})


def make_table(n=200):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 80, n),
            "income": np.round(rng.lognormal(10, 1, n), 2),
            "city": rng.choice(["Lyon", "Paris", "Turin"], n, p=[0.6, 0.35, 0.05]),
            "grade": pd.Categorical(
                rng.choice(["low", "mid", "top"], n), ["low", "mid", "top"], ordered=True
            ),
            "visits": pd.array(rng.integers(0, 1000, n), dtype="Int64"),
            "member": rng.random(n) < 0.5,
            "key": [f"key {i}" for i in rng.integers(0, 60, n)],
        }
    )
    frame.loc[::6, "income"] = np.nan
    frame.loc[::9, "city"] = None
    frame.loc[::7, "visits"] = pd.NA
    return frame


@pytest.fixture(scope="module")
def table():
    return make_table()


@pytest.fixture(scope="module")
def fitted(table):
    return small().fit(table)


@pytest.fixture(scope="module")
def labelled(table):
    y = pd.Series(np.where(np.arange(len(table)) % 20 == 0, "yes", "no"), name="churned")
    return small().fit(table, y)


def test_conditions_of_every_kind_hold_in_every_row(fitted, table):
    asked = {
        "age": Between(60),
        "income": Present(),
        "city": ["Paris", "Turin"],
        "grade": Between("mid", "top"),
        "visits": Missing(),
        "member": True,
    }
    rows = fitted.sample(150, conditions=asked)
    assert (rows["age"] >= 60).all()
    assert rows["income"].notna().all()
    assert rows["city"].isin(["Paris", "Turin"]).all()
    assert rows["grade"].isin(["mid", "top"]).all()
    assert rows["visits"].isna().all()
    assert rows["member"].all()
    pd.testing.assert_series_equal(rows.dtypes, table.dtypes)


def test_a_frame_of_conditions_has_a_row_for_each(fitted):
    asked = pd.DataFrame(
        {
            "age": [Between(20, 30), 40, [50, 60]] * 20,
            "city": ["Lyon", Missing(), Present()] * 20,
        }
    )
    rows = fitted.sample(conditions=asked)
    assert rows["age"][::3].between(20, 30).all()
    assert (rows["age"][1::3] == 40).all()
    assert rows["age"][2::3].isin([50, 60]).all()
    assert (rows["city"][::3] == "Lyon").all()
    assert rows["city"][1::3].isna().all()
    assert rows["city"][2::3].notna().all()


def test_a_label_can_be_named_among_the_conditions(labelled):
    X, y = labelled.sample(30, conditions={"churned": "yes", "age": Between(high=40)}, return_y=True)
    assert (X["age"] <= 40).all()
    assert set(y) == {"yes"}
    with pytest.raises(InvalidConditionError, match="'churned'"):
        labelled.sample(5, y="no", conditions={"churned": "yes"})


def test_numbers_beyond_the_range_only_where_they_are_allowed(fitted):
    with pytest.raises(InvalidConditionError, match="'income'"):
        fitted.sample(5, conditions={"income": Between(1e9, 2e9)})
    rows = fitted.sample(50, conditions={"income": Between(1e9, 2e9), "age": 150}, extrapolate=True)
    assert rows["income"].between(1e9, 2e9).all()
    assert rows["income"].nunique() == 50
    assert (rows["age"] == 150).all()
    open_ended = fitted.sample(5, conditions={"income": Between(1e9)}, extrapolate=True)
    assert (open_ended["income"] == 1e9).all()


def test_restricted_draws_repeat(fitted):
    asked = {"age": Between(60), "city": ["Paris", "Turin"]}
    first, second = (fitted.sample(40, conditions=asked, random_state=1) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


def test_counts_are_exact_in_every_column_and_with_conditions(labelled):
    counts = {
        "churned": {"yes": 70, "no": 30},
        "city": {"Turin": 50, ("Lyon", None): 50},
        "age": {Between(high=40): 20, Between(40.5): 80},
    }
    X, y = labelled.sample(counts=counts, conditions={"member": False}, return_y=True)
    assert y.value_counts().to_dict() == {"yes": 70, "no": 30}
    assert (X["city"] == "Turin").sum() == 50
    assert X["city"].isin(["Lyon", "Turin"]).sum() + X["city"].isna().sum() == 100
    assert (X["age"] <= 40).sum() == 20
    assert not X["member"].any()
    assert y[:70].nunique() == 2  # in no order


def test_counts_that_name_a_cell_twice_are_refused(fitted):
    with pytest.raises(InvalidConditionError, match=r"'age'.*overlap"):
        fitted.sample(counts={"age": {Between(20, 40): 5, Between(30, 50): 5}})
    with pytest.raises(InvalidConditionError, match="'city'"):
        fitted.sample(counts={"city": {"Lyon": 5}}, conditions={"city": "Lyon"})
    with pytest.raises(InvalidConditionError, match="'Rome'"):
        fitted.sample(counts={"city": {"Rome": 5}})
    with pytest.raises(InvalidConditionError, match=r"6 rows.*5"):
        fitted.sample(6, counts={"city": {"Lyon": 5}})


# Completion


@pytest.fixture(scope="module")
def partial(table):
    holes = np.random.default_rng(1).random(table.shape) < 0.3
    partial = table.mask(holes)
    partial.index = pd.Index(np.arange(len(table)) * 2 + 5, name="row")
    return partial


def same_cells(before, after):
    for name in before:
        present = before[name].notna()
        pd.testing.assert_series_equal(after.loc[present, name], before.loc[present, name])


def test_gaps_are_filled_and_nothing_else_changes(fitted, partial):
    filled = fitted.complete(partial, random_state=0)
    assert filled.notna().all().all()
    assert filled.index.equals(partial.index)
    pd.testing.assert_series_equal(filled.dtypes, partial.dtypes)
    same_cells(partial, filled)
    pd.testing.assert_frame_equal(filled, fitted.complete(partial, random_state=0))


def test_draws_differ_only_in_the_gaps(fitted, partial):
    draws = fitted.complete(partial, n_draws=3, random_state=0)
    assert len(draws) == 3
    assert not draws[0].equals(draws[1])
    for draw in draws:
        same_cells(partial, draw)


def test_a_table_without_gaps_comes_back(fitted, table):
    whole = table.dropna()
    pd.testing.assert_frame_equal(fitted.complete(whole), whole)


def test_cells_never_seen_stay_and_do_not_matter(fitted, table):
    odd = table[:4].assign(city="Atlantis", income=[1e12, -1e12, np.nan, np.nan])
    filled = fitted.complete(odd)
    assert (filled["city"] == "Atlantis").all()
    assert filled["income"].tolist()[:2] == [1e12, -1e12]
    assert filled["income"].notna().all()


def test_the_cells_filled_depend_on_those_that_are_there():
    rng = np.random.default_rng(0)
    a = rng.choice(["x", "y"], 400)
    frame = pd.DataFrame({"a": a, "b": np.where(a == "x", "left", "right"), "c": rng.normal(size=400)})
    model = GANSynthesizer(max_epochs=25, random_state=0, generator=TINY, batch_size=32).fit(frame)
    filled = model.complete(frame.assign(b=None), random_state=0)
    assert (filled["b"] == frame["b"]).mean() > 0.95
    filled = model.complete(frame.assign(a=np.where(rng.random(400) < 0.5, None, a)), random_state=0)
    assert (filled["a"] == a).mean() > 0.95


def test_labels_tell_and_are_filled(labelled, table):
    y = pd.Series(["yes", None, "no", None] * 50, name="churned")
    X, labels = labelled.complete(table, y, random_state=0)
    assert X.notna().all().all()
    assert labels[y.notna()].tolist() == y.dropna().tolist()
    assert set(labels) <= {"yes", "no"}
    with pytest.raises(InvalidConditionError, match="complete"):
        small(max_epochs=1).fit(table).complete(table, y)


def test_an_array_comes_back_as_an_array():
    X = np.random.default_rng(0).normal(size=(80, 3)).astype(np.float32)
    holes = np.random.default_rng(1).random(X.shape) < 0.2
    model = small().fit(X)
    filled = model.complete(np.where(holes, np.float32(np.nan), X))
    assert filled.dtype == np.float32
    assert not np.isnan(filled).any()
    np.testing.assert_array_equal(filled[~holes], X[~holes])


def test_infinity_is_not_a_gap(fitted, table):
    with pytest.raises(InvalidTableError, match=r"'income'.*infinity"):
        fitted.complete(table.assign(income=np.inf))


def test_whole_numbers_with_gaps_are_floats_as_pandas_has_them(fitted, table):
    partial = table.assign(age=table["age"].where(table.index % 2 == 0))
    filled = fitted.complete(partial)
    assert filled["age"].dtype == np.float64
    assert (filled["age"] % 1 == 0).all()


# Batches


def test_batches_together_have_what_was_asked(labelled):
    counts = {"churned": {"yes": 12, "no": 13}}
    batches = list(labelled.sample_batches(25, batch_rows=10, counts=counts, return_y=True, random_state=0))
    assert [len(X) for X, _ in batches] == [10, 10, 5]
    labels = pd.concat([y for _, y in batches])
    assert labels.value_counts().to_dict() == {"yes": 12, "no": 13}


def test_batches_repeat_and_differ_from_each_other(fitted):
    first, second = (pd.concat(fitted.sample_batches(30, batch_rows=15, random_state=0)) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    assert not first[:15].equals(first[15:])


def test_a_frame_of_conditions_is_cut_into_batches(fitted):
    asked = pd.DataFrame({"age": np.arange(20, 45)})
    rows = pd.concat(fitted.sample_batches(batch_rows=10, conditions=asked), ignore_index=True)
    assert rows["age"].tolist() == asked["age"].tolist()


def test_what_batches_can_not_have_is_said_at_the_call(fitted):
    with pytest.raises(InvalidConditionError, match="'Rome'"):
        fitted.sample_batches(10, conditions={"city": "Rome"})
    with pytest.raises(ValueError, match="batch_rows"):
        fitted.sample_batches(10, batch_rows=0)
    with pytest.raises(InvalidConditionError, match=r"10 rows.*3"):
        fitted.sample_batches(10, conditions=pd.DataFrame({"age": [20, 30, 40]}))
