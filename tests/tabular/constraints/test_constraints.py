"""Constraints hold in every row that is drawn, whatever is asked; a table that breaks one is shown."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from ganaug import Between, Cascade, GANSynthesizer, Missing, Present
from ganaug.constraints import (
    FixedCombinations,
    Inequality,
    OneOf,
    Positive,
    Range,
    Transformed,
    Unique,
)
from ganaug.exceptions import InvalidConditionError, InvalidTableError, ModelFileError
from ganaug.tabular.conditions import GIVEN, Ask
from ganaug.tabular.constraints import Chain

TINY = Cascade(hidden_units=8, context_units=16, embedding_units=4)
TOWNS = {"Lyon": "FR", "Paris": "FR", "Turin": "IT"}


def logarithm(frame):
    return frame.assign(z=np.log(frame["z"]))


def exponential(frame):
    return frame.assign(z=np.exp(frame["z"]))


CONSTRAINTS = [
    Inequality("low", "high"),
    Inequality("b", "c", strict=True),
    Inequality("a", "b"),
    FixedCombinations(["city", "country"]),
    OneOf("rate", [0.5, 1.5, 7.25, 9.0]),
    Unique("id"),
    Positive("z"),
    Transformed(logarithm, exponential),
]


def make_table(n=200):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"low": np.round(rng.lognormal(0, 1, n), 2)})
    frame["high"] = np.round(frame["low"] + rng.exponential(1, n), 2)
    frame["a"] = rng.integers(0, 80, n).astype("int8")
    frame["b"] = (frame["a"] + rng.integers(0, 20, n)).astype("int8")
    frame["c"] = frame["b"].astype("int64") + rng.integers(1, 4, n)
    frame["city"] = rng.choice(list(TOWNS), n)
    frame["country"] = frame["city"].map(TOWNS)
    frame["rate"] = rng.choice([0.5, 1.5, 7.25], n)
    frame["id"] = rng.permutation(10_000)[:n]
    frame["z"] = rng.exponential(1, n) + 0.01
    frame.loc[::10, "high"] = np.nan
    frame.loc[::17, "low"] = np.nan
    return frame


def holds(rows):
    assert not (rows["low"] > rows["high"]).any()
    assert (rows["a"] <= rows["b"]).all()
    assert (rows["b"] < rows["c"]).all()
    assert set(zip(rows["city"], rows["country"], strict=True)) <= set(TOWNS.items())
    assert rows["rate"].isin([0.5, 1.5, 7.25]).all()
    assert rows["id"].is_unique
    assert (rows["z"] > 0).all()


@pytest.fixture(scope="module")
def table():
    return make_table()


@pytest.fixture(scope="module")
def fitted(table):
    model = GANSynthesizer(generator=TINY, max_epochs=2, random_state=0, constraints=CONSTRAINTS)
    return model.set_params(columns={"id": "number"}).fit(table)


def test_all_hold_in_every_row(fitted, table):
    rows = fitted.sample(600, random_state=0)
    holds(rows)
    assert rows.columns.equals(table.columns)
    pd.testing.assert_series_equal(rows.dtypes, table.dtypes)
    assert rows[["low", "high"]].isna().any().all()
    assert rows["low"].dropna().between(table["low"].min(), table["low"].max()).all()
    assert rows["high"].dropna().between(table["high"].min(), table["high"].max()).all()


@pytest.mark.parametrize(
    "asked",
    [
        {"country": "FR"},
        {"city": ["Lyon", "Turin"], "country": "IT"},
        {"city": Present(), "country": Between("FR", "IT")},
        {"high": 3.0},
        {"low": 1.0},
        {"low": 1.0, "high": 2.5},
        {"low": 1.0, "high": Between(2, 3)},
        {"low": 1.0, "high": [1.5, 2.25]},
        {"high": 3.0, "low": Between(1, 2)},
        {"high": 3.0, "low": Present()},
        {"low": Between(1, 2)},
        {"low": Missing()},
        {"high": Missing()},
        {"low": Present(), "high": Present()},
        {"b": 40},
        {"a": 10, "b": 12},
        {"a": Between(5, 9)},
        {"rate": Between(1, 8)},
        {"id": Between(100, 9_000)},
    ],
)
def test_they_go_with_conditions(fitted, asked):
    rows = fitted.sample(60, conditions=asked, random_state=0)
    holds(rows)
    for name, condition in asked.items():
        cells = rows[name]
        if isinstance(condition, Between):
            good = cells.between(condition.low, condition.high)
        elif isinstance(condition, Missing | Present):
            good = cells.isna() == isinstance(condition, Missing)
        else:
            good = cells.isin(condition if isinstance(condition, list) else [condition])
        assert good.all(), name


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"high": Between(2, 3)}, "'high'.*Inequality.*'low'"),
        ({"high": Present()}, "'high'.*Inequality.*Present"),
        ({"low": 3.0, "high": 1.0}, r"Inequality.*3\.0, 1\.0"),
        ({"low": 3.0, "high": Between(1, 2)}, "'high'.*Inequality.*no value is left"),
        ({"c": 50}, "'b'.*Inequality"),
        ({"city": "Lyon", "country": "IT"}, "'city', 'country'.*FixedCombinations"),
        ({"z": 1.0}, "'z'.*Transformed"),
        ({"id": 4}, "'id'.*Unique"),
        ({"rate": 9.0}, "'rate'.*9"),
        ({"low": "cheap"}, "'cheap'"),
    ],
)
def test_conditions_that_contradict_them_are_named(fitted, asked, named):
    with pytest.raises(InvalidConditionError, match=named):
        fitted.sample(10, conditions=asked)


def test_a_condition_per_row(fitted):
    asked = pd.DataFrame({"low": [1.0, Between(2, 3), None] * 5, "country": ["FR", Present(), "IT"] * 5})
    rows = fitted.sample(conditions=asked)
    holds(rows)
    assert (rows["low"][::3] == 1.0).all()
    assert rows["low"][1::3].between(2, 3).all()
    assert rows["low"][2::3].isna().all()
    assert (rows["country"][2::3] == "IT").all()


def test_counts_go_with_them(fitted):
    rows = fitted.sample(counts={"rate": {0.5: 30, 7.25: 10}}, conditions={"country": "IT"})
    holds(rows)
    assert rows["rate"].value_counts().to_dict() == {0.5: 30, 7.25: 10}
    with pytest.raises(InvalidConditionError, match="'city'"):
        fitted.sample(counts={"city": {"Lyon": 5}})


def test_completed_rows_satisfy_them(fitted, table):
    partial = table.mask(np.random.default_rng(0).random(table.shape) < 0.35)
    filled = fitted.complete(partial, random_state=0)
    holds(filled)
    assert filled.notna().all().all()
    for name in table:
        present = partial[name].notna()
        assert filled.loc[present, name].tolist() == partial.loc[present, name].tolist()


def test_batches_together_are_unique(table):
    frame = table[["id", "rate"]].assign(id=table["id"] % 400).drop_duplicates("id")
    model = GANSynthesizer(
        generator=TINY, max_epochs=1, random_state=0, constraints=[Unique("id")], columns={"id": "number"}
    )
    rows = pd.concat(model.fit(frame).sample_batches(200, batch_rows=40, random_state=0))
    assert rows["id"].is_unique
    with pytest.raises(InvalidConditionError, match="Unique"):
        model.sample(1_000)


def test_identifiers_of_all_batches_are_unique(table):
    model = GANSynthesizer(generator=TINY, max_epochs=1, random_state=0, constraints=[Unique("id")])
    frame = table[["rate"]].assign(id=[f"C-{number:05d}" for number in range(len(table))])
    model.fit(frame)
    rows = pd.concat(model.sample_batches(200, batch_rows=40, random_state=0))
    assert rows["id"].is_unique
    assert rows["id"].str.fullmatch("C-[0-9]{5}").all()


def test_unique_rows_of_several_columns():
    frame = pd.DataFrame({"a": list("xyz") * 8, "b": np.repeat(np.arange(8), 3)})
    model = GANSynthesizer(generator=TINY, max_epochs=1, random_state=0, constraints=[Unique(["a", "b"])])
    rows = model.fit(frame).sample(24)
    assert not rows.duplicated().any()


def test_scores_do_not_count_what_the_others_tell(table):
    """The higher column of an inequality is known from the lower one and the difference."""
    frame = table[["a", "b"]]
    model = GANSynthesizer(generator=TINY, max_epochs=1, random_state=0, constraints=[Inequality("a", "b")])
    codes = model.fit(frame)._model.modality.encode(frame, None, strict=False)
    assert (codes[:, 1] == -1).all()
    assert (codes[:, [0, 2]] >= 0).all()
    assert np.isfinite(model.score_samples(frame)).all()


@pytest.mark.parametrize(
    ("constraint", "frame", "named"),
    [
        (Inequality("a", "b"), {"a": [1, 5, 2], "b": [2, 3, 2]}, "1 of 3 rows.*row 1: a=5, b=3"),
        (Inequality("a", "b", strict=True), {"a": [1, 5, 2], "b": [2, 6, 2]}, "row 2: a=2, b=2"),
        (Inequality("a", "b"), {"a": ["x", "y"], "b": ["x", "y"]}, "numbers.*'a'"),
        (Inequality("a", "b"), {"a": [1, 2], "b": pd.to_datetime(["2020", "2021"])}, "'b' is datetime64"),
        (Inequality("a", "b"), {"a": [1, 2]}, "'b'"),
        (Range("a", 0, 3), {"a": [1, 5, 2]}, "row 1: a=5"),
        (Range("a", 0, 3, strict=True), {"a": [1, 3, 2]}, "row 1: a=3"),
        (Positive("a"), {"a": [1.0, 0.0, np.nan]}, r"1 of 3 rows.*row 1: a=0\.0"),
        (OneOf("a", ["x", "y"]), {"a": ["x", "z", None]}, "row 1: a='z'"),
        (Unique("a"), {"a": [1, 2, 1]}, "row 2: a=1"),
        (Unique(["a", "b"]), {"a": [1, 1, None, None], "b": [2, 2, 3, 3]}, "1 of 4 rows.*row 1"),
        (FixedCombinations(["a", "b"]), {"a": [1]}, "'b'"),
        (Transformed(lambda d: d[:1], lambda d: d), {"a": [1, 2, 3]}, "forward.*3 rows.*1 rows"),
        (Transformed(lambda d: d, lambda d: d[["a"]]), {"a": [1, 2], "b": [1, 2]}, "inverse.*'b'"),
    ],
)
def test_a_table_that_breaks_one_is_refused_and_shown(constraint, frame, named):
    with pytest.raises(InvalidTableError, match=named):
        Chain.fit([constraint], pd.DataFrame(frame))


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: OneOf("a", []), ValueError),
        (lambda: OneOf("a", "xy"), ValueError),
        (lambda: FixedCombinations(["a"]), ValueError),
        (lambda: FixedCombinations("ab"), ValueError),
        (lambda: GANSynthesizer(constraints=["a <= b"]).fit(make_table()), TypeError),
        (lambda: GANSynthesizer(constraints=Positive("z")).fit(make_table()), TypeError),
    ],
)
def test_wrong_constraints_are_refused(make, error):
    with pytest.raises(error):
        make()


def test_one_that_needs_what_an_earlier_one_replaced_says_so(table):
    with pytest.raises(InvalidTableError, match=r"list this one before it.*'city'"):
        Chain.fit([FixedCombinations(["city", "country"]), OneOf("city", list(TOWNS))], table)


DATES = pd.to_datetime(["2020-01-31", "2020-02-29", "2021-12-31"])


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (pd.Series([0.1, 0.2, 5.0]), pd.Series([0.3, 0.2, 7.5])),
        (pd.Series([1, 2, 3], dtype="uint8"), pd.Series([250, 2, 4], dtype="uint8")),
        (pd.Series([1, 2, None], dtype="Int64"), pd.Series([None, 2, 4], dtype="Float64")),
        (pd.Series([0.1, np.nan, 0.3], dtype="float32"), pd.Series([0.7, 3, np.nan], dtype="float32")),
        (pd.Series(DATES), pd.Series(DATES + pd.to_timedelta([0, 3, 400], unit="D"))),
        (pd.Series(DATES, dtype="datetime64[s]"), pd.Series(DATES + pd.Timedelta("90min"))),
        (pd.Series(DATES).dt.tz_localize("UTC"), pd.Series(DATES).dt.tz_localize("US/Eastern")),
        (pd.Series([None, DATES[0], None]), pd.Series([DATES[0], DATES[1], None])),
        (pd.Series(pd.to_timedelta([1, 2, 3], unit="h")), pd.Series(pd.to_timedelta([1, 9, 30], unit="h"))),
        (pd.Series([2**60, 5, 7]), pd.Series([2**60 + 1, 6, 2**60])),
    ],
)
def test_an_inequality_has_an_exact_inverse(low, high):
    frame = pd.DataFrame({"low": low, "high": high, "other": range(3)})
    chain, modelled = Chain.fit([Inequality("low", "high")], frame)
    assert modelled.columns.tolist() == ["low", "high", "high - low", "other"]
    stages = chain.translate({}, 3)
    if not chain.steps[0].is_lonely:  # then the higher one is not drawn
        modelled["high"] = modelled["high"].iloc[[0] * 3].array
    pd.testing.assert_frame_equal(chain.inverse(modelled, stages), frame)
    given = {"high": Ask(np.full(3, GIVEN), (), high.astype(object))}
    modelled = chain.forward(frame)
    pd.testing.assert_frame_equal(chain.inverse(modelled, chain.translate(given, 3)), frame)


def test_days_stay_days():
    frame = pd.DataFrame({"low": DATES, "high": DATES + pd.to_timedelta([0, 3, 400], unit="D")})
    _, modelled = Chain.fit([Inequality("low", "high")], frame)
    assert modelled["high - low"].tolist() == [0, 3, 400]


@pytest.mark.parametrize("strict", [False, True])
def test_an_inequality_holds_whatever_is_drawn(strict):
    """Also where rounding to the column's type would make both ends equal."""
    rng = np.random.default_rng(0)
    low = pd.Series(rng.normal(1e6, 1, 500)).astype("float32")
    high = np.nextafter(low, np.float32(np.inf)) + rng.exponential(1e-2, 500).astype("float32")
    frame = pd.DataFrame({"low": low, "high": high})
    chain, modelled = Chain.fit([Inequality("low", "high", strict)], frame)
    modelled["high - low"] = rng.permutation(modelled["high - low"]) * 1e-9
    rows = chain.inverse(modelled, chain.translate({}, 500))
    assert ((rows["low"] < rows["high"]) if strict else (rows["low"] <= rows["high"])).all()


def test_combinations_have_an_exact_inverse():
    frame = pd.DataFrame(
        {
            "a": pd.Categorical(["x", "y", "x", None], ["y", "x", "z"]),
            "n": [1, 2, 3, 4],
            "b": pd.array([1, 2, None, 1], dtype="Int64"),
            "c": [True, False, True, True],
            "d": ["1 | 2", "1", "1 | 2", None],
        }
    )
    chain, modelled = Chain.fit([FixedCombinations(["a", "b", "c", "d"])], frame)
    assert modelled.columns.tolist() == ["a | b | c | d", "n"]
    pd.testing.assert_frame_equal(chain.inverse(modelled, chain.translate({}, 4)), frame)


def test_a_list_of_values_is_a_category_and_comes_back():
    frame = pd.DataFrame({"x": np.tile([1.5, 2.5, np.nan], 50), "y": [*["b", None, "a"] * 50]})
    constraints = [OneOf("x", [2.5, 1.5, 7.0]), OneOf("y", ["a", "b"])]
    chain, modelled = Chain.fit(constraints, frame)
    assert modelled.dtypes.astype(str).tolist() == ["category", "category"]
    pd.testing.assert_frame_equal(chain.inverse(modelled, chain.translate({}, 150)), frame)


def test_a_range_holds_conditions_that_go_beyond_the_data(table):
    frame = table[["z", "rate"]]
    constraints = [Range("z", 0, 100), OneOf("rate", [0.5, 1.5, 7.25])]
    model = GANSynthesizer(generator=TINY, max_epochs=1, random_state=0, constraints=constraints).fit(frame)
    rows = model.sample(50, conditions={"z": Between(90, 500)}, extrapolate=True)
    assert rows["z"].between(90, 100).all()
    with pytest.raises(InvalidConditionError, match=r"'z'.*Range.*101"):
        model.sample(5, conditions={"z": 101}, extrapolate=True)
    with pytest.raises(InvalidConditionError, match=r"'z'.*nothing is left"):
        model.sample(5, conditions={"z": Between(200, 500)}, extrapolate=True)


# Files


def test_clones_compare_equal():
    model = GANSynthesizer(constraints=CONSTRAINTS)
    assert clone(model).constraints == CONSTRAINTS
    assert all(copy.deepcopy(entry) == entry for entry in CONSTRAINTS)


def test_a_file_holds_all_but_functions(fitted, tmp_path):
    path = tmp_path / "model.ganaug"
    fitted.save(path)
    with pytest.raises(ModelFileError, match=r"Transformed.*constraints="):
        GANSynthesizer.load(path)
    loaded = GANSynthesizer.load(path, constraints=CONSTRAINTS)
    pd.testing.assert_frame_equal(loaded.sample(20, random_state=1), fitted.sample(20, random_state=1))
    assert loaded.constraints == CONSTRAINTS


def test_what_a_file_holds_needs_nothing_else(table, tmp_path):
    model = GANSynthesizer(generator=TINY, max_epochs=1, random_state=0, constraints=CONSTRAINTS[:-1]).fit(
        table
    )
    model.save(tmp_path / "model.ganaug")
    loaded = GANSynthesizer.load(tmp_path / "model.ganaug")
    assert loaded.constraints == CONSTRAINTS[:-1]
    rows = loaded.sample(50, random_state=1)
    holds(rows)
    pd.testing.assert_frame_equal(rows, model.sample(50, random_state=1))
    assert loaded.feature_names_in_.tolist() == table.columns.tolist()


def test_pickles_keep_functions(fitted):
    holds(pickle.loads(pickle.dumps(fitted)).sample(20))
    holds(copy.deepcopy(fitted).sample(20))


def change(path, value):
    def changed(state):
        *parents, last = path
        for key in parents:
            state = state[key]
        state[last] = value

    return changed


@pytest.mark.parametrize(
    "spoil",
    [
        change(["steps", 0, "kind"], "unheard"),
        change(["steps", 0, "measure"], None),
        change(["steps", 0, "measure", "ends"], [[3, 1], [0, 1]]),
        change(["steps", 0, "measure", "unit"], 0),
        change(["steps", 0, "measure", "dtypes"], [{"numpy": "<c16"}] * 2),
        change(["steps", 3, "parts"], []),
        change(["steps", 3, "parts", 0, "codes"], [0, 99]),
        change(["steps", 3, "parts", 0, "levels"], [{"a": 1}]),
        change(["steps", 4, "values"], [["x"]]),
        change(["steps", 6, "low"], {"Timestamp": "no date"}),
        change(["dtypes"], []),
        change(["columns"], 3),
        change(["steps"], {"a": 1}),
    ],
)
def test_a_broken_description_is_refused(table, spoil):
    chain, _ = Chain.fit(CONSTRAINTS, table)
    state = json.loads(json.dumps(chain.to_state()))
    Chain.from_state(state)
    spoil(state)
    with pytest.raises(ModelFileError):
        Chain.from_state(state)
