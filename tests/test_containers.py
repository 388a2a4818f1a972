"""A synthesizer of polars and pyarrow tables: labels, conditions, weights and scores in their own types."""

from __future__ import annotations

import datetime
import zoneinfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from ganaug import Cascade, GANSynthesizer

DAYS = [datetime.date(2024, 2, 29), datetime.date(2024, 3, 1)]
PARIS = zoneinfo.ZoneInfo("Europe/Paris")
NIGHTS = [datetime.datetime(2024, 10, 27, 2, 30, tzinfo=PARIS, fold=fold) for fold in (0, 1)]


def small():
    tiny = Cascade(hidden_units=8, context_units=16, embedding_units=4)
    return GANSynthesizer(generator=tiny, max_epochs=1, random_state=0)


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "size": rng.integers(0, 4, 80),
            "grade": rng.choice(["low", "high"], 80).tolist(),
            "day": [DAYS[i] for i in rng.integers(0, 2, 80)],
            "night": [NIGHTS[i] for i in rng.integers(0, 2, 80)],
            "weight": rng.normal(size=80),
        },
        schema_overrides={
            "size": pl.UInt8,
            "grade": pl.Enum(["low", "mid", "high"]),
            "night": pl.Datetime("ms", "Europe/Paris"),
        },
    )


@pytest.fixture(scope="module")
def fitted(table):
    return small().fit(table.drop("day"), table["day"])


def test_labels_that_are_dates_are_drawn_as_dates(fitted):
    X, y = fitted.sample(5, y=DAYS[1], return_y=True)
    assert y.dtype == pl.Date
    assert y.to_list() == [DAYS[1]] * 5
    assert X.columns == ["size", "grade", "night", "weight"]


@pytest.mark.parametrize("night", NIGHTS, ids=["first 2:30", "second 2:30"])
def test_an_hour_that_is_twice_is_told_apart(fitted, night):
    X = fitted.sample(5, conditions={"night": night})
    assert X["night"].to_list() == [night] * 5
    assert {when.utcoffset() for when in X["night"]} == {night.utcoffset()}


def test_conditions_may_be_of_another_library(fitted):
    wanted = {"grade": ["high", "low"], "size": [1, 2]}
    for frame in (pl.DataFrame(wanted), pa.table(wanted), pd.DataFrame(wanted)):
        X = fitted.sample(conditions=frame)
        assert X["grade"].to_list() == wanted["grade"]
        assert X["size"].to_list() == wanted["size"]
        assert X.schema["grade"] == pl.Enum(["low", "mid", "high"])


def test_rows_score_alike_in_every_container(fitted, table):
    rows, labels = table.drop("day"), table["day"]
    expected = fitted.score_samples(rows, labels)
    arrow = fitted.score_samples(rows.to_arrow(), labels.to_arrow())
    np.testing.assert_array_equal(arrow, expected)
    np.testing.assert_array_equal(fitted.score_samples(rows.to_pandas(), labels.to_pandas()), expected)


def test_weights_go_with_a_table_of_polars(table):
    weights = pl.Series([1.0] * 40 + [0.0] * 40)
    known = set(table["grade"].head(40))
    assert set(small().fit(table, sample_weight=weights).sample(50)["grade"]) <= known


def test_a_saved_synthesizer_gives_the_same_schema(fitted, tmp_path, table):
    fitted.save(tmp_path / "model")
    again = GANSynthesizer.load(tmp_path / "model").sample(9, random_state=1)
    assert again.schema == table.drop("day").schema
    assert again.equals(fitted.sample(9, random_state=1))


def test_a_list_of_lists_gives_lists():
    rows = [[i % 3, "a" if i % 2 else None] for i in range(30)]
    drawn = small().fit(rows).sample(4)
    assert isinstance(drawn, list)
    assert all(isinstance(number, int) and text in ("a", None) for number, text in drawn)


def test_columns_whose_names_are_text_and_numbers_are_learned():
    table = pd.DataFrame({"a": range(30), 1: ["x", "y"] * 15})
    fitted = small().fit(table)
    assert not hasattr(fitted, "feature_names_in_")
    assert fitted.sample(3).columns.tolist() == ["a", 1]
