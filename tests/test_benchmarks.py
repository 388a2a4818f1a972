"""What benchmarks rest on: data sets as they are declared, other libraries' view of a table, who is first."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import fidelity, methods, run, tables
from benchmarks.datasets import NAMES, load
from benchmarks.peers import environments
from benchmarks.peers.fit import PEERS, Plain, with_flags
from benchmarks.tables import beside

QUESTIONS = [
    path.stem
    for path in Path(tables.__file__).parent.parent.glob("*.py")
    if "argparse.ArgumentParser" in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_benchmark_says_what_it_takes(question, capsys):
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(f"benchmarks.{question}").main(["--help"])
    assert ended.value.code == 0
    assert f"benchmarks.{question} " in capsys.readouterr().out


@pytest.mark.skipif("GANAUG_DATA" not in os.environ, reason="the tables are not here")
@pytest.mark.parametrize("name", NAMES)
def test_data_sets_are_as_they_are_declared(name):
    data = load(name)
    numbers = data.table.drop(columns=[*data.categorical])
    assert data.target in data.table
    assert not numbers.select_dtypes(["object", "string", "bool"]).columns.tolist()
    assert not any(data.table[column].is_unique for column in data.categorical)


def test_a_table_comes_back_from_what_other_libraries_can_take():
    table = pd.DataFrame(
        {
            "when": pd.to_datetime(["2020-01-01", None, "2021-05-06", "2020-02-29"]),
            "price": [1.25, np.nan, 3.5, 2.0],
            "rooms": np.array([1, 2, 3, 4], dtype="int32"),
            "view": [0, 1, 0, 2],
            "waterfront": [True, False, True, False],
            "town": pd.Series(["a", None, "b", "a"], dtype="string"),
        }
    )
    plain = Plain(table, ["view", "waterfront", "town"])
    assert not plain.table.isna().any().any()
    assert set(plain.categorical) == {"view", "waterfront", "town", "when is missing", "price is missing"}
    pd.testing.assert_frame_equal(plain.restore(plain.table), table)


def test_numbers_come_back_within_their_range_and_with_their_decimals():
    table = pd.DataFrame({"price": [1.25, 3.5], "rooms": [1, 4]})
    rows = Plain(table, []).restore(pd.DataFrame({"price": [-7.0, 2.123], "rooms": [9.0, 2.6]}))
    assert rows["price"].tolist() == [1.25, 2.12]
    assert rows["rooms"].tolist() == [4, 3]


def test_flags_that_come_back_as_text_are_flags_again():
    table = pd.DataFrame({"flag": [True, False], "text": ["False", "True"]})
    rows = pd.DataFrame({"flag": ["False", "True", "false"], "text": ["True", "False", "False"]})
    found = with_flags(rows, table)
    assert found["flag"].tolist() == [False, True, False]
    assert found["text"].equals(rows["text"])
    with pytest.raises(ValueError, match="'flag' holds flags, got 'maybe'"):
        with_flags(rows.assign(flag="maybe"), table)


def test_every_peer_has_an_environment_and_a_way_to_be_fitted():
    folder = Path(environments.__file__).parent
    assert set(PEERS) == set(methods.PEER_CPU_SECONDS)
    assert all((folder / f"{environments.environment_of(peer)}.txt").exists() for peer in PEERS)
    assert set(PEERS) | set(methods.BASELINES) < set(methods.METHODS)


def record(dataset, method, auc):
    return {"dataset": dataset, "method": method, "scores": {"harder_auc": auc}}


def test_the_table_says_where_ours_is_not_first():
    records = [
        *(record("adult", method, auc) for method, auc in (("ganaug", 0.55), ("tvae", 0.6))),
        *(record("magic", method, auc) for method, auc in (("ganaug", 0.60), ("smote", 0.45))),
        *(record("wine", method, auc) for method, auc in (("ganaug", 0.60), ("oracle", 0.50))),
    ]
    answers = {dataset: beside._first(records, dataset) for dataset in beside.ALL_DATASETS}
    assert answers["adult"] == "yes"
    assert answers["magic"] == "no: SMOTE .450"
    assert answers["wine"] == answers["german"] == "–"


@pytest.mark.parametrize(
    ("given", "passed", "writes"),
    [
        ([], ["--force"], True),
        (["--resume"], [], True),
        (["--quick", "--resume"], ["--quick"], False),
        (["--resume", "--methods", "vae"], ["--methods", "vae"], True),
    ],
)
def test_a_suite_measures_and_writes_the_tables(monkeypatch, given, passed, writes):
    calls = []
    monkeypatch.setattr(fidelity, "main", lambda options: calls.append(options) or 0)
    monkeypatch.setattr(tables, "main", lambda options: calls.append("tables") or 0)
    assert run.main(["--suite", "tables", *given]) == 0
    assert calls[:2] == [[*passed, "--protocols", "half"], [*passed, "--protocols", "papers"]]
    assert calls[2:] == (["tables"] if writes else [])


def test_a_suite_that_failed_says_so(monkeypatch):
    monkeypatch.setattr(fidelity, "main", lambda options: 1)
    monkeypatch.setattr(tables, "main", lambda options: pytest.fail("there is nothing new to write"))
    assert run.main(["--suite", "tables", "--protocols", "half"]) == 1
