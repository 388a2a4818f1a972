"""Messy tables are made comparable, or refused with the column's name."""

import datetime

import numpy as np
import pandas as pd
import pytest

from ganaug import evaluate
from ganaug.evaluation.reading import read_tables
from ganaug.exceptions import InvalidTableError

N = 120


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=N)
    return pd.DataFrame(
        {
            "number": rng.normal(size=N),
            "level": rng.choice(["a", "b"], N),
            "day": days,
            "told": days.strftime("%Y-%m-%d"),
            "name": [f"name {i}" for i in range(N)],
            "id": np.arange(N),
            "nothing": None,
            "constant": 1,
        }
    )


def test_kinds_of_columns(table):
    found = read_tables(table, table)
    kinds = {name: column.dtype.kind for name, column in found.frames["synthetic"].items()}
    assert kinds == dict(zip(table.columns, "fOMMOfOf", strict=True))
    assert found.categorical == ["level", "nothing"]
    assert found.left_out == ["name", "id"]


def test_columns_that_tell_rows_apart_are_left_out_by_name(table):
    notes = read_tables(table, table.assign(name=[*table["name"][:30], *["new"] * (N - 30)])).notes
    assert any("'name' was left out" in note and "25 % of the synthetic values" in note for note in notes)
    assert any("'id' was left out" in note for note in notes)


@pytest.mark.parametrize(
    ("name", "cells", "message"),
    [
        ("number", ["many"] + ["1"] * (N - 1), "synthetic: column 'number' must hold numbers.*'many'"),
        ("number", [np.inf] + [1.0] * (N - 1), "synthetic: column 'number' must be finite; got inf"),
        ("day", ["some day"] * N, "synthetic: column 'day' must hold times.*'some day'"),
        ("level", [["a"]] * N, "synthetic: column 'level' must hold plain values; got a list"),
    ],
)
def test_cells_that_can_not_be_compared_are_named(table, name, cells, message):
    with pytest.raises(InvalidTableError, match=message):
        read_tables(table, table.assign(**{name: pd.Series(cells)}))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"real_holdout": lambda t: t.head(1)}, "real_holdout must have at least 20 rows; got 1"),
        ({"synthetic": lambda t: t.drop(columns="day").assign(extra=1)}, "lacks 'day' and it has 'extra'"),
        ({"synthetic": lambda t: np.zeros((30, 2, 2))}, r"synthetic must be a table.*\(30, 2, 2\)"),
        ({"synthetic": lambda t: t["day"]}, "synthetic can't be read"),
        ({"target": lambda t: "salary"}, "target must be a column.*'salary'"),
    ],
)
def test_wrong_arguments_are_named(table, arguments, message):
    given = {"synthetic": table, **{name: make(table) for name, make in arguments.items()}}
    with pytest.raises(InvalidTableError, match=message):
        read_tables(table, **given)


def test_no_column_left_is_refused(table):
    with pytest.raises(InvalidTableError, match="No column is left"):
        read_tables(table[["name", "id"]], table[["name", "id"]])


def test_the_same_cells_in_another_dtype_are_the_same(table):
    other = table.astype({"number": "Float64", "level": "category", "constant": "Int64"})
    other["day"] = other["day"].dt.tz_localize("UTC")
    frames = read_tables(table, other).frames
    pd.testing.assert_frame_equal(frames["real_train"], frames["synthetic"])


def test_columns_of_another_kind_are_told(table):
    notes = read_tables(table, table.assign(level=np.arange(N) % 2)).notes
    assert any("'level' holds text in real_train and numbers in synthetic" in note for note in notes)


def test_days_as_objects_and_truth_values():
    days = [datetime.date(2024, 1, 1 + i % 28) for i in range(40)]
    found = read_tables(
        *[pd.DataFrame({"day": days, "flag": pd.array([True, None] * 20, dtype="boolean")})] * 2
    )
    assert found.frames["real_train"]["day"].dtype.kind == "M"
    assert found.categorical == ["flag"]


def test_small_tables_are_told(table):
    assert any("120 rows only" in note for note in read_tables(table, table).notes)


def test_a_messy_table_is_judged_drawn_and_written(table, tmp_path):
    messy = table.assign(spell=pd.to_timedelta(np.arange(N) % 7, unit="h"), dup=table["number"].round(0))
    messy.loc[::7, ["number", "level", "day"]] = None
    report = evaluate(messy, messy.sample(N, replace=True, random_state=0), real_holdout=messy.tail(60))
    assert "number" in report.exhibits.faults.columns.index
    pytest.importorskip("jinja2")
    report.save_html(tmp_path / "messy.html")


def test_a_tiny_table_of_one_column_is_judged():
    report = evaluate([[1.0], [2.0]] * 10, [[1.0], [3.0]] * 10)
    assert "trend error %" not in report.scores.index
    assert "column: 0" not in str(report)


def test_a_column_without_values_is_judged():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=40), "empty": np.nan, "y": ["u", "v"] * 20})
    report = evaluate(table, table, real_holdout=table, target="y")
    assert report.to_frame()["synthetic"].notna().all()
