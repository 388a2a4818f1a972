"""Columns that are never above another are found, hold in every row, and give way to what was asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ganaug import GANSynthesizer
from ganaug.constraints import Inequality
from ganaug.exceptions import ModelFileError
from ganaug.tabular.bounds import Bound, bounds_from_state, find_bounds
from ganaug.tabular.codec import TableCodec
from ganaug.tabular.drawer import Drawer
from ganaug.tabular.relation_check import BROKEN, OPEN, check_relations

N = 900


def made_table(seed=0, gaps=0.02):
    rng = np.random.default_rng(seed)
    ordered = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 360, N), unit="D")
    table = pd.DataFrame(
        {
            "ordered": ordered,
            "low": rng.normal(10, 3, N).round(1),
            "shipped": ordered + pd.to_timedelta(rng.geometric(0.3, N) - 1, unit="D"),
            "age": rng.integers(18, 90, N),
        }
    )
    table["high"] = (table["low"] + 0.1 + rng.gamma(1, 2, N)).round(1)
    table["years"] = (rng.random(N) * (table["age"] - 17)).astype(int)
    table["other"] = rng.normal(10, 3, N)
    return table.mask(rng.random(table.shape) < gaps)


def n_broken(table):
    return int(
        (table["shipped"] < table["ordered"]).sum()
        + (table["high"] <= table["low"]).sum()
        + (table["years"] >= table["age"]).sum()
    )


def found_in(table):
    codec = TableCodec.fit(table)
    return {(codec.columns[b.low], codec.columns[b.high], b.strict) for b in codec.relations.bounds}


@pytest.fixture(scope="module")
def model():
    return GANSynthesizer(max_epochs=40, random_state=0).fit(made_table())


def test_what_held_in_every_row_is_found():
    assert found_in(made_table()) == {
        ("ordered", "shipped", False),
        ("low", "high", True),
        ("years", "age", True),
    }


def test_one_row_that_breaks_it_is_enough_that_it_is_none():
    table = made_table(gaps=0)
    table.loc[7, "shipped"] = table.loc[7, "ordered"] - pd.Timedelta("1D")
    assert ("ordered", "shipped", False) not in found_in(table)


def test_what_could_not_be_otherwise_is_none():
    rng = np.random.default_rng(0)
    apart = pd.DataFrame({"small": rng.random(N), "large": 2 + rng.random(N)})
    assert found_in(apart) == set()
    few = made_table(gaps=0).iloc[:40]
    assert found_in(few) == set()


def test_what_follows_from_two_others_is_left_out_unless_a_gap_breaks_the_chain():
    rng = np.random.default_rng(0)
    steps = pd.DataFrame(np.cumsum(rng.gamma(1, 1, (N, 3)), axis=1), columns=list("abc"))
    assert found_in(steps) == {("a", "b", True), ("b", "c", True)}
    steps.loc[:50, "b"] = np.nan
    assert found_in(steps) == {("a", "b", True), ("b", "c", True), ("a", "c", True)}


def test_kinds_are_not_mixed():
    table = made_table(gaps=0)
    table["span"] = pd.to_timedelta(table["age"], unit="D")
    table["longer"] = table["span"] + pd.to_timedelta(table["years"], unit="D")
    assert ("span", "longer", False) in found_in(table)
    assert not any("age" in pair and "span" in pair for pair in found_in(table))


def test_dates_in_text_count_by_their_day():
    table = made_table(gaps=0)
    for name in ("ordered", "shipped"):
        table[name] = table[name].dt.strftime("%d/%m/%Y")
    assert ("ordered", "shipped", False) in found_in(table)


def test_it_holds_in_every_row_that_is_drawn(model, monkeypatch):
    assert n_broken(made_table()) == 0
    assert n_broken(model.sample(N, random_state=0)) == 0
    assert sum(n_broken(part) for part in model.sample_batches(N, batch_rows=100, random_state=0)) == 0
    monkeypatch.setattr(
        TableCodec, "breaks_bounds", lambda self, table, given=None: np.zeros(len(table), int)
    )
    assert n_broken(model.sample(N, random_state=0)) > 20


def test_what_was_given_stays_and_the_other_follows(model):
    late = pd.Timestamp("2024-07-01")
    rows = model.sample(100, conditions={"ordered": late, "age": 30}, random_state=0)
    assert (rows["ordered"] == late).all()
    assert (rows["age"] == 30).all()
    assert n_broken(rows) == 0


def test_of_two_given_cells_neither_moves_and_the_others_still_hold(model):
    asked = {"ordered": pd.Timestamp("2024-12-01"), "shipped": pd.Timestamp("2024-02-01")}
    rows = model.sample(100, conditions=asked, random_state=0)
    assert all((rows[name] == value).all() for name, value in asked.items())
    assert n_broken(rows) == 100


def test_what_cannot_be_had_is_given_up_in_time(model, monkeypatch):
    drawn = []
    plain = Drawer._draw_once
    monkeypatch.setattr(
        Drawer, "_draw_once", lambda self, of, *rest: drawn.append(of.n) or plain(self, of, *rest)
    )
    rows = model.sample(200, conditions={"low": 1e6}, extrapolate=True, random_state=0)
    assert (rows["low"] == 1e6).all()
    assert 200 < sum(drawn) <= 12 * 200


def test_labels_come_with_their_rows():
    table = made_table(gaps=0)
    y = np.where(table["age"] > 50, "old", "young")
    model = GANSynthesizer(max_epochs=2, random_state=0).fit(table, y)
    asked = np.array(["old", "young"])[np.arange(200) % 2]
    rows, labels = model.sample(y=asked, return_y=True, random_state=0)
    assert n_broken(rows) == 0
    assert (labels == asked).all()


def test_gaps_are_filled_by_it(model):
    table = made_table(gaps=0)
    some = table.mask(np.random.default_rng(1).random(table.shape) < 0.3)
    filled = model.complete(some, random_state=0)
    assert filled.notna().all(axis=None)
    assert n_broken(filled) <= 3  # what is given may leave next to nothing


def test_rows_that_are_varied_keep_to_it(model):
    assert n_broken(model.vary(made_table(gaps=0), random_state=0)) <= 1


def test_a_broken_cell_is_told():
    table = made_table(gaps=0)
    codec = TableCodec.fit(table)
    table.loc[3, "shipped"] = table.loc[3, "ordered"] - pd.Timedelta("5D")
    verdicts = pd.DataFrame(check_relations(table, codec.relations, codec.codecs), columns=table.columns)
    assert verdicts.loc[3, "shipped"] == BROKEN
    assert (verdicts.drop(index=3)["shipped"] == OPEN).all()


def test_a_constraint_of_the_caller_comes_first():
    table = made_table(gaps=0)
    model = GANSynthesizer(constraints=[Inequality("ordered", "shipped")], max_epochs=1, random_state=0).fit(
        table
    )
    codec = model._model.modality.codec
    pairs = {(codec.columns[b.low], codec.columns[b.high]) for b in codec.relations.bounds}
    assert ("ordered", "shipped") not in pairs
    assert n_broken(model.sample(300, random_state=0)) == 0


def test_it_is_described_and_comes_back_from_a_file(model, tmp_path):
    notes = model.codec_.describe().set_index("column")["note"]
    assert notes["shipped"] == "never below 'ordered'"
    assert notes["high"] == "above 'low'"
    model.save(tmp_path / "a.ganaug")
    again = GANSynthesizer.load(tmp_path / "a.ganaug")
    assert again._model.modality.codec.relations == model._model.modality.codec.relations
    pd.testing.assert_frame_equal(again.sample(50, random_state=1), model.sample(50, random_state=1))


@pytest.mark.parametrize(
    "state", [None, [[0, 0, True]], [[0, 9, True]], [[0, 1, 1]], [[0, 1]], ["ab"], [None]]
)
def test_a_broken_description_is_refused(state):
    with pytest.raises(ModelFileError, match="bounds between columns"):
        bounds_from_state(state, 3)


def test_positions_are_those_of_the_table():
    table = made_table(gaps=0)
    codec = TableCodec.fit(table)
    assert Bound(0, 2, strict=False) in find_bounds(table, codec.codecs, range(table.shape[1]))
