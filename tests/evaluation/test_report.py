"""The report tells copies from learning, and says so when it can't."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ganaug import Report, evaluate
from ganaug.datasets import make_customers
from ganaug.exceptions import InvalidTableError


def test_ends_of_the_scale_stand_beside_every_score(report):
    assert list(report.scores.columns) == ["synthetic", "real", "bootstrap", "independent", "best"]
    assert not report.scores.isna().any(axis=None)


def test_fresh_rows_score_like_real_ones_and_independent_columns_do_not(report):
    detection = report.scores.loc["tree C2ST"]
    assert detection["synthetic"] > 0.8
    assert detection["real"] > 0.8
    assert detection["independent"] < detection["synthetic"] - 0.3
    assert set(report.to_frame()["word"]) <= {"good", "look here"}


def test_a_model_learns_from_fresh_rows_and_not_from_independent_columns():
    columns = ["monthly_charge", "visits", "satisfaction", "support_calls", "churned"]
    train, unseen, fresh = (make_customers(1_500, random_state=seed)[columns] for seed in range(3))
    utility = evaluate(train, fresh, real_holdout=unseen, target="churned").scores.loc["trained on it, AUC"]
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
    assert str(found).startswith("No real_holdout was given")
    assert "can't tell learning from remembering" in found.warnings[0]
    assert found.word_of("privacy") == "bad"
    assert found.word_of("usefulness") == ""
    assert "membership AUC" not in found.scores.index


def test_text_holds_every_measure_and_the_verdict(report):
    assert all(name in str(report) for name in report.scores.index)
    assert report.verdict() in str(report)


def test_interval_holds_the_value_and_noise_holds_the_floor(report):
    frame = report.to_frame()
    assert (frame["low"] <= frame["synthetic"]).all()
    assert (frame["synthetic"] <= frame["high"]).all()
    assert ((frame["low"] <= frame["real"]) & (frame["real"] <= frame["high"])).mean() > 0.6


def test_frame_has_every_group_and_every_column(report):
    frame = report.to_frame()
    assert frame["group"].unique().tolist() == ["fidelity", "usefulness", "privacy"]
    ends = ["synthetic", "real", "bootstrap", "independent"]
    assert frame.columns.tolist() == ["group", "word", *ends, "best", "low", "high"]


def test_planted_columns_come_first(bad_report):
    assert set(bad_report.exhibits.faults.columns.index[:3]) == {"visits", "newsletter", "city"}
    assert bad_report.word_of("fidelity") == "bad"
    assert bad_report.word_of("privacy") in ("good", "look here")
    assert "visits < 3" in bad_report.summary()


def test_a_shuffled_column_is_blamed_for_its_pairs(bad_report):
    worst = bad_report.exhibits.faults.pairs.iloc[0]
    assert "city" in (worst["first"], worst["second"])
    assert bad_report.exhibits.faults.columns.loc["city", "error"] < 10


def test_an_over_fitted_generator_is_found_by_every_attack(tables):
    train, unseen, _ = tables
    rng = np.random.default_rng(0)
    rows = train.sample(len(train), replace=True, random_state=0).reset_index(drop=True)
    rows["monthly_charge"] += 0.05 * rng.normal(size=len(rows))
    words = evaluate(train, rows, real_holdout=unseen).to_frame()["word"]
    assert words["exact copies %"] == "good"
    names = ["DCR share", "near copies %", "membership AUC", "singling-out gain %", "attribute gain %"]
    assert (words[names] == "bad").all()


def test_same_seed_same_scores(tables, report):
    train, unseen, fresh = tables
    again = evaluate(train, fresh, real_holdout=unseen, target="churned")
    pd.testing.assert_frame_equal(again.to_frame(), report.to_frame())


def test_number_as_target_is_regressed(tables):
    numbers = [table[["monthly_charge", "age", "visits"]].head(150) for table in tables]
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


def test_large_tables_are_cut_and_the_report_says_so(tables):
    found = evaluate(*(table[["age", "visits"]] for table in tables[:2]), max_rows=50)
    assert any("50" in note and "300" in note for note in found.notes)
    with pytest.raises(ValueError, match="max_rows must be an integer >= 20; got 3"):
        evaluate(tables[0], tables[1], max_rows=3)


def test_report_without_exhibits_has_nothing_to_draw(report):
    with pytest.raises(ValueError, match="nothing to draw"):
        Report(report.measures, None, None).plot()


def test_plot_writes_the_picture_whole(report, tmp_path):
    report.plot(tmp_path / "picture.png", max_columns=2)
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_unknown_picture_format_is_refused_and_nothing_written(report, tmp_path):
    with pytest.raises(ValueError, match="must end in"):
        report.plot(tmp_path / "picture.docx", max_columns=2)
    assert list(tmp_path.iterdir()) == []
