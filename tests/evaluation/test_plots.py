"""The picture holds what it should for every kind of column, and says nothing to pyplot."""

from __future__ import annotations

import builtins
import io

import numpy as np
import pandas as pd
import pytest

from ganaug.datasets import make_customers
from ganaug.evaluation.plots import plot_comparison

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    return make_customers(300, random_state=0), make_customers(200, random_state=1)


def panel_titles(figure) -> list[str]:
    return [ax.get_title(loc="left") for ax in figure.axes if ax.get_title(loc="left")]


def draw(figure) -> None:
    figure.savefig(io.BytesIO(), dpi=40)


def test_a_panel_per_column_and_three_for_the_dependences(tables):
    figure = plot_comparison(*tables, max_columns=20)
    draw(figure)
    titles = panel_titles(figure)
    assert titles[:-3] == list(tables[0].columns)
    assert [title.split(":")[0] for title in titles[-3:]] == ["strongest pair of numbers"] * 2 + [
        "dependence"
    ]


def test_one_legend_with_the_numbers_of_rows(tables):
    figure = plot_comparison(*tables)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["real (300 rows)", "synthetic (200 rows)"]
    assert all(ax.get_legend() is None for ax in figure.axes)


def test_by_default_the_columns_that_agree_least_are_shown(tables):
    real, synthetic = tables
    wrong = synthetic.assign(visits=synthetic["visits"] + 40, city="Paris")
    assert panel_titles(plot_comparison(real, wrong, max_columns=2))[:2] == ["city", "visits"]


def test_columns_can_be_chosen(tables):
    assert panel_titles(plot_comparison(*tables, columns=["plan", "age"]))[:2] == ["plan", "age"]
    with pytest.raises(ValueError, match="'years'"):
        plot_comparison(*tables, columns=["years"])


def test_shares_of_missing_values_are_said(tables):
    figure = plot_comparison(*tables, columns=["age"])
    shares = [100 * table["age"].isna().mean() for table in tables]
    assert figure.axes[0].get_title(loc="right") == f"missing {shares[0]:.1f} % | {shares[1]:.1f} %"


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(pd.Series([None] * 40, dtype=object), id="no values"),
        pytest.param(pd.Series([7] * 40), id="constant"),
        pytest.param(pd.Series(np.r_[np.zeros(39), 1e12]), id="one giant"),
        pytest.param(pd.Series(pd.date_range("2020-01-01", periods=40, tz="UTC")), id="dates"),
        pytest.param(pd.Series(["$x_{", "a" * 80] * 20), id="odd labels"),
        pytest.param(pd.Series([f"level {i}" for i in range(40)]), id="many levels"),
        pytest.param(pd.Series([True, None] * 20, dtype="boolean"), id="nullable bool"),
        pytest.param(pd.Series([1.5, None] * 20, dtype="Float64"), id="nullable float"),
        pytest.param(pd.Series([1, "one"] * 20, dtype=object), id="mixed objects"),
    ],
)
def test_any_column_can_be_drawn(column):
    real = pd.DataFrame({0: column, "other": np.arange(40.0), "more": np.arange(40.0) ** 2})
    figure = plot_comparison(real, real.sample(30, random_state=0))
    draw(figure)
    assert "other" in panel_titles(figure)


def test_single_column_needs_no_dependences(tables):
    figure = plot_comparison(*(table[["plan"]] for table in tables))
    draw(figure)
    assert panel_titles(figure) == ["plan"]


def test_different_columns_are_refused(tables):
    with pytest.raises(ValueError, match="same columns"):
        plot_comparison(tables[0], tables[1].drop(columns="age"))


def test_without_matplotlib_the_extra_is_named(tables, monkeypatch):
    real_import = builtins.__import__

    def no_matplotlib(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_matplotlib)
    with pytest.raises(ImportError, match=r"ganaug\[plot\]"):
        plot_comparison(*tables)
