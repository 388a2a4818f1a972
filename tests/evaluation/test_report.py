"""The report tells copies from learning, and says so when it can't."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ganaug import evaluate
from ganaug.datasets import make_customers
from ganaug.exceptions import InvalidTableError


@pytest.fixture(scope="module")
def tables() -> list[pd.DataFrame]:
    return [make_customers(400, random_state=seed) for seed in range(3)]


@pytest.fixture(scope="module")
def report(tables):
    """Fresh rows of the true distribution stand for a perfect generator's."""
    train, unseen, fresh = tables
    return evaluate(train, fresh, real_holdout=unseen, target="churned")


def test_ends_of_the_scale_stand_beside_every_score(report):
    assert list(report.scores.columns) == ["synthetic", "real", "bootstrap", "independent", "best"]
    assert not report.scores.isna().any(axis=None)


def test_fresh_rows_score_like_real_ones_and_independent_columns_do_not(report):
    detection = report.scores.loc["tree C2ST"]
    assert detection["synthetic"] > 0.8
    assert detection["real"] > 0.8
    assert detection["independent"] < 0.3
    utility = report.scores.loc["trained on it, AUC"]
    assert utility["synthetic"] > utility["independent"] + 0.1


def test_copies_show(report):
    assert report.scores.loc["exact copies %", "bootstrap"] == 100.0
    assert report.scores.loc["exact copies %", "synthetic"] == 0.0
    assert report.scores.loc["DCR share", "bootstrap"] == 1.0
    assert report.scores.loc["DCR share", "synthetic"] == pytest.approx(0.5, abs=0.12)


def test_without_a_hold_out_it_says_that_copies_would_win(tables):
    train = tables[0]
    found = evaluate(train, train)
    assert "real" not in found.scores.columns
    assert found.scores.loc["tree C2ST", "synthetic"] > 0.99
    assert "can't tell learning from remembering" in str(found)


def test_text_holds_every_measure(report):
    assert all(name in str(report) for name in report.scores.index)


def test_same_seed_same_scores(tables, report):
    train, unseen, fresh = tables
    again = evaluate(train, fresh, real_holdout=unseen, target="churned")
    pd.testing.assert_frame_equal(again.scores, report.scores)


def test_number_as_target_is_regressed(tables):
    numbers = [table[["monthly_charge", "tenure_months", "visits"]] for table in tables]
    found = evaluate(numbers[0], numbers[2], real_holdout=numbers[1], target="monthly_charge")
    assert "trained on it, R2" in found.scores.index


def test_arrays_will_do():
    rng = np.random.default_rng(0)
    assert (
        evaluate(rng.normal(size=(60, 2)), rng.normal(size=(50, 2))).scores.loc["tree C2ST", "independent"]
        > 0.5
    )


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda table: {"synthetic": table.drop(columns="age")}, "synthetic must.*it lacks 'age'"),
        (lambda table: {"synthetic": table.head(5)}, "synthetic"),
        (
            lambda table: {"real_holdout": table.rename(columns={"age": "years"})},
            "real_holdout.*'years' besides",
        ),
        (lambda table: {"target": "years"}, "'years'"),
    ],
)
def test_wrong_tables_are_refused_by_name(tables, change, named):
    arguments = {"synthetic": tables[1], **change(tables[0])}
    with pytest.raises(InvalidTableError, match=named):
        evaluate(tables[0], **arguments)


def test_plot_writes_the_picture_whole(report, tmp_path):
    report.plot(tmp_path / "picture.png", max_columns=2)
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_unknown_picture_format_is_refused_and_nothing_written(report, tmp_path):
    with pytest.raises(ValueError, match="must end in"):
        report.plot(tmp_path / "picture.docx", max_columns=2)
    assert list(tmp_path.iterdir()) == []
