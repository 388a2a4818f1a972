"""The command line: what it writes is whole, and what is wrong with the input is said in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ganaug
from ganaug import cli
from ganaug._util.streams import write_tables
from ganaug.datasets import make_customers


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A table as CSV and as Parquet, and a model fitted to it by the command line."""
    folder = tmp_path_factory.mktemp("cli")
    customers = make_customers(120, random_state=0)
    customers.to_csv(folder / "table.csv", index=False)
    arguments = ["--target", "churned", "--random-state", "0", "--time-budget", "5", "--quiet"]
    assert cli.main(["fit", str(folder / "table.csv"), "-o", str(folder / "model.ganaug"), *arguments]) == 0
    return folder


@pytest.fixture
def run(capsys):
    """Run the command line in this process; return its status and what it wrote."""

    def run(*argv: object) -> tuple[int, str, str]:
        status = cli.main([str(word) for word in argv])
        return status, *capsys.readouterr()

    return run


def said_in_one_line(result: tuple[int, str, str], *words: str) -> bool:
    status, out, err = result
    assert status == 2
    assert out == ""
    assert err.startswith("ganaug: error: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert all(word in err for word in words), err
    return True


# Images


@pytest.fixture
def image_model(run, tmp_path):
    """A model fitted to arrays of images by the command line."""
    rng = np.random.default_rng(0)
    y = np.arange(120) % 2
    np.savez(tmp_path / "images.npz", X=rng.integers(0, 99, (120, 6, 6)).astype(np.uint8), y=y)
    arguments = ["--target", "y", "--random-state", 0, "--time-budget", 0.5, "-q"]
    assert run("fit", tmp_path / "images.npz", "-o", tmp_path / "model", *arguments) == (0, "", "")
    return tmp_path / "model"


def test_images_are_fitted_and_drawn_from_files_of_arrays(run, image_model, tmp_path):
    assert run("sample", image_model, "-n", 7, "-o", tmp_path / "drawn.npz") == (0, "", "")
    drawn = np.load(tmp_path / "drawn.npz")
    assert drawn["X"].shape == (7, 6, 6)
    assert drawn["X"].dtype == np.uint8
    assert set(drawn["y"]) <= {0, 1}
    assert "images (6, 6) of uint8" in run("info", image_model)[1]


def test_images_and_tables_go_to_files_of_their_own(run, image_model, folder, tmp_path):
    said_in_one_line(run("sample", image_model, "-o", tmp_path / "a.csv"), ".npz")
    said_in_one_line(run("sample", folder / "model.ganaug", "-o", tmp_path / "a.npz"), ".csv")
    said_in_one_line(run("sample", image_model, "-o", tmp_path / "a.npz", "--where", "a=1"), "--where")


def test_wrong_files_of_images_are_said(run, tmp_path):
    np.savez(tmp_path / "a.npz", X=np.zeros((9, 4, 4)), Z=np.zeros((9, 4, 4)))
    fit = ["fit", tmp_path / "a.npz", "-o", tmp_path / "model"]
    said_in_one_line(run(*fit), "one array of images", "2")
    said_in_one_line(run(*fit, "--target", "y"), "no array of the file")
    said_in_one_line(run("fit", tmp_path / "b.npy", "-o", tmp_path / "model"), "b.npy")


def test_the_demo_of_images_ends_in_a_picture(run, tmp_path, monkeypatch):
    monkeypatch.setitem(cli._DEMO_SECONDS, "image", 1.0)
    status, out, _ = run("demo", "--images", "--output", tmp_path / "digits.png")
    assert status == 0
    assert "fitted 1,797 images" in out
    assert (tmp_path / "digits.png").read_bytes().startswith(b"\x89PNG")


# What works


def test_sampled_table_has_the_columns_and_kinds_of_the_real_one(run, folder, tmp_path):
    output = tmp_path / "rows.csv"
    assert run("sample", folder / "model.ganaug", "-n", 200, "-o", output, "--random-state", 1) == (0, "", "")
    real, rows = pd.read_csv(folder / "table.csv"), pd.read_csv(output)
    assert sorted(rows.columns) == sorted(real.columns)
    assert len(rows) == 200
    assert set(rows["churned"]) <= {"yes", "no"}
    assert set(rows["city"]) <= set(real["city"])
    assert rows["age"].isna().any()
    assert "." not in "".join(pd.read_csv(output, dtype=str)["age"].dropna())


def test_same_seed_same_bytes(run, folder, tmp_path):
    for name in ("a.csv", "b.csv"):
        run("sample", folder / "model.ganaug", "-n", 20, "-o", tmp_path / name, "--random-state", 1)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_parquet_in_and_out(run, folder, tmp_path):
    pytest.importorskip("pyarrow")
    table, model, rows = (tmp_path / name for name in ("table.parquet", "model", "rows.parquet"))
    real = make_customers(60).drop(columns="satisfaction")
    real.to_parquet(table)
    assert run("fit", table, "-o", model, "--time-budget", 2, "--quiet") == (0, "", "")
    assert run("sample", model, "-n", 30, "-o", rows)[0] == 0
    pd.testing.assert_series_equal(pd.read_parquet(rows).dtypes, pd.read_parquet(table).dtypes)


def test_what_is_asked_for_holds_in_every_row(run, folder, tmp_path):
    output = tmp_path / "rows.csv"
    asked = ["age>=30", "age<50", "city=Lyon", "city=Paris", "churned=yes", "income is present"]
    words = [word for text in asked for word in ("--where", text)]
    assert run("sample", folder / "model.ganaug", "-n", 100, "-o", output, *words) == (0, "", "")
    rows = pd.read_csv(output)
    assert len(rows) == 100
    assert rows["age"].between(30, 49).all()
    assert set(rows["city"]) <= {"Lyon", "Paris"}
    assert set(rows["churned"]) == {"yes"}
    assert rows["income"].notna().all()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("age", "column=value"),
        ("town=Lyon", "'city'"),
        ("city=Rome", "'Rome'"),
        ("age=old", "'age=old'"),
        ("age>900", "'age'"),
        ("newsletter=perhaps", "newsletter=perhaps"),
        ("city<Lyon", "Only numbers and dates"),
    ],
)
def test_a_condition_that_can_not_be_met(run, folder, tmp_path, text, named):
    result = run("sample", folder / "model.ganaug", "-o", tmp_path / "rows.csv", "--where", text)
    assert said_in_one_line(result, named)


def test_batches_are_one_file(folder, tmp_path):
    """A column that has nothing in the first batch keeps its type; the rows are those of the batches."""
    parquet = pytest.importorskip("pyarrow.parquet")
    output = tmp_path / "rows.parquet"
    tables = [pd.DataFrame({"a": [None, None], "b": [1, 2]}), pd.DataFrame({"a": ["x", None], "b": [3, 4]})]
    write_tables(iter(tables), output, lambda name: pd.Series(["text"]) if name == "a" else None)
    assert pd.read_parquet(output)["a"].tolist() == [None, None, "x", None]
    assert parquet.ParquetFile(output).num_row_groups == 2
    write_tables(iter(tables), tmp_path / "rows.csv")
    assert pd.read_csv(tmp_path / "rows.csv")["b"].tolist() == [1, 2, 3, 4]


def test_a_batch_that_fails_leaves_the_old_file(tmp_path):
    def tables():
        yield pd.DataFrame({"a": [1]})
        raise ValueError("in the second batch")

    output = tmp_path / "rows.csv"
    output.write_text("old")
    with pytest.raises(ValueError, match="second"):
        write_tables(tables(), output)
    assert output.read_text() == "old"
    assert os.listdir(tmp_path) == ["rows.csv"]


def test_complete_fills_every_gap(run, folder, tmp_path):
    partial, output = tmp_path / "partial.csv", tmp_path / "filled.csv"
    table = pd.read_csv(folder / "table.csv", dtype_backend="numpy_nullable")[:40]
    table.loc[::2, ["city", "income", "churned"]] = None
    table.to_csv(partial, index=False)
    words = ("complete", folder / "model.ganaug", partial, "-o", output, "--random-state", 0)
    assert run(*words) == (0, "", "")
    filled = pd.read_csv(output, dtype_backend="numpy_nullable")
    assert filled.columns.tolist() == table.columns.tolist()
    assert filled.notna().all().all()
    there = table["income"].notna()
    assert filled.loc[there, "income"].tolist() == table.loc[there, "income"].tolist()
    assert set(filled["churned"]) <= {"yes", "no"}


def test_complete_needs_every_column(run, folder, tmp_path):
    partial = tmp_path / "partial.csv"
    pd.read_csv(folder / "table.csv").drop(columns="plan").to_csv(partial, index=False)
    result = run("complete", folder / "model.ganaug", partial, "-o", tmp_path / "filled.csv")
    assert said_in_one_line(result, "'plan'")


def test_info_names_every_column(run, folder):
    status, out, err = run("info", folder / "model.ganaug")
    assert (status, err) == (0, "")
    assert all(name in out for name in make_customers(1).columns)
    assert "format version 1" in out


def test_summary_of_a_fit_says_how_long_it_was(run, folder, tmp_path):
    status, out, _ = run("fit", folder / "table.csv", "-o", tmp_path / "model", "--time-budget", 1)
    assert status == 0
    assert "120 rows" in out
    assert "epochs" in out


@pytest.mark.parametrize("words", [(), ("--help",), ("fit", "--help")])
def test_help(run, words):
    status, out, err = run(*words)
    assert (status, err) == (0, "")
    assert "Usage: ganaug" in out


def test_version(run):
    assert run("--version") == (0, ganaug.__version__ + "\n", "")


def test_python_m_ganaug():
    done = subprocess.run(
        [sys.executable, "-m", "ganaug", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ganaug.__version__


# What is wrong with the input


def test_missing_table(run, tmp_path):
    result = run("fit", tmp_path / "none.csv", "-o", tmp_path / "model")
    assert said_in_one_line(result, "none.csv", "check the path")


def test_unknown_extension_in(run, tmp_path):
    result = run("fit", tmp_path / "table.xlsx", "-o", tmp_path / "model")
    assert said_in_one_line(result, "table.xlsx", ".csv or .parquet")


def test_unknown_extension_out_is_said_before_the_work(run, tmp_path):
    result = run("sample", tmp_path / "none", "-o", tmp_path / "rows.txt")
    assert said_in_one_line(result, "rows.txt", ".csv or .parquet")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00bad\x80", b'a,b\n1,2,3\n4,5\n"', b"\x00" * 50])
def test_unreadable_csv(run, tmp_path, content):
    table = tmp_path / "table.csv"
    table.write_bytes(content)
    assert said_in_one_line(run("fit", table, "-o", tmp_path / "model"), "error: ")
    assert os.listdir(tmp_path) == ["table.csv"]


def test_unreadable_parquet(run, tmp_path):
    pytest.importorskip("pyarrow")
    table = tmp_path / "table.parquet"
    table.write_bytes(b"PAR1 and no more")
    assert said_in_one_line(run("fit", table, "-o", tmp_path / "model"), "table.parquet", "can't be read")


def test_unknown_target(run, folder, tmp_path):
    result = run("fit", folder / "table.csv", "-o", tmp_path / "model", "--target", "left")
    assert said_in_one_line(result, "'left'", "'churned'")


def test_directory_as_output(run, folder, tmp_path):
    assert said_in_one_line(run("fit", folder / "table.csv", "-o", tmp_path), "is a directory")


def test_directory_as_input(run, tmp_path):
    (tmp_path / "d.csv").mkdir()
    assert said_in_one_line(run("fit", tmp_path / "d.csv", "-o", tmp_path / "model"), "is a directory")


def test_output_in_a_missing_directory_is_said_before_the_work(run, folder, tmp_path):
    result = run("fit", folder / "table.csv", "-o", tmp_path / "none" / "model")
    assert said_in_one_line(result, "make it first")


def test_one_row(run, tmp_path):
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    assert said_in_one_line(run("fit", tmp_path / "table.csv", "-o", tmp_path / "model", "--quiet"))


@pytest.mark.parametrize("command", ["info", "sample"])
def test_broken_model(run, tmp_path, command):
    model = tmp_path / "model"
    model.write_bytes(b"not a model")
    options = ["-o", tmp_path / "rows.csv"] if command == "sample" else []
    assert said_in_one_line(run(command, model, *options), "not a whole ganaug file")


@pytest.mark.parametrize(
    "words",
    [
        ("fit",),
        ("fit", "table.csv"),
        ("fly",),
        ("sample", "model", "-o", "rows.csv", "-n", "0"),
        ("sample", "model", "-o", "rows.csv", "-n", "many"),
        ("sample", "model", "-o", "rows.csv", "--colour"),
        ("fit", "table.csv", "-o", "model", "--time-budget", "-1"),
    ],
)
def test_wrong_usage(run, words):
    assert said_in_one_line(run(*words), "--help")


# What is interrupted


def test_disk_full_leaves_no_half_written_rows(run, folder, tmp_path, monkeypatch):
    output = tmp_path / "rows.csv"
    output.write_text("old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    assert said_in_one_line(run("sample", folder / "model.ganaug", "-o", output), "No space left")
    assert os.listdir(tmp_path) == ["rows.csv"]
    assert output.read_text() == "old"


def test_interrupt_while_sampling(run, folder, tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(ganaug.GANSynthesizer, "sample_batches", interrupt)
    status, _, err = run("sample", folder / "model.ganaug", "-o", tmp_path / "rows.csv")
    assert status == 130
    assert err.strip().count("\n") == 0
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_reader_that_leaves_early_is_no_error(folder):
    command = f"set -o pipefail; '{sys.executable}' -m ganaug info '{folder / 'model.ganaug'}' | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1


# The demo


def test_demo_shows_rows_scores_and_a_picture(run, tmp_path):
    picture = tmp_path / "demo.png"
    status, out, err = run("demo", "--rows", 100, "--output", picture)
    assert (status, err) == (0, "")
    assert all(
        text in out for text in ("real rows", "synthetic rows", "tree C2ST", "bootstrap", str(picture))
    )
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_kinds_of_columns_can_be_chosen(folder, tmp_path, run):
    model, rows = tmp_path / "m.ganaug", tmp_path / "rows.csv"
    arguments = ["--column", "city=drop", "--column", "age=number", "--time-budget", 1, "--quiet"]
    assert run("fit", folder / "table.csv", "-o", model, *arguments)[0] == 0
    assert run("sample", model, "-o", rows, "-n", 3)[0] == 0
    assert "city" not in pd.read_csv(rows).columns
    for wrong in ("city", "city=", "nowhere=drop", "city=town"):
        assert said_in_one_line(
            run("fit", folder / "table.csv", "-o", model, "--column", wrong), wrong.split("=")[0]
        )


# Judging


@pytest.fixture(scope="module")
def judged(tmp_path_factory) -> Path:
    """Training, unseen and synthetic rows as CSV."""
    folder = tmp_path_factory.mktemp("judged")
    for seed, name in enumerate(("real", "unseen", "synthetic")):
        columns = ["age", "plan", "newsletter", "churned"]
        make_customers(150, random_state=seed)[columns].to_csv(folder / f"{name}.csv", index=False)
    return folder


def test_evaluate_prints_the_report_and_writes_the_page(run, judged, tmp_path):
    pytest.importorskip("jinja2")
    page = tmp_path / "report.html"
    options = ["--holdout", judged / "unseen.csv", "--target", "churned", "--html", page]
    status, out, err = run("evaluate", judged / "real.csv", judged / "synthetic.csv", *options)
    assert (status, err) == (0, "")
    assert "tree C2ST" in out
    assert "trained on it, AUC" in out
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing.csv"], ["nothing.csv"]),
        (["synthetic.csv", "--target", "salary"], ["target", "'salary'"]),
        (["synthetic.csv", "--html", "nowhere/report.html"], ["no directory"]),
        (["synthetic.csv", "--max-rows", "3"], ["--max-rows"]),
        (["model.csv"], ["synthetic must have the columns of real_train", "lacks 'age'"]),
    ],
)
def test_evaluate_says_what_is_wrong_in_one_line(run, judged, monkeypatch, arguments, words):
    monkeypatch.chdir(judged)
    pd.DataFrame({"a": range(30)}).to_csv(judged / "model.csv", index=False)
    assert said_in_one_line(run("evaluate", "real.csv", *arguments), *words)
