"""Cells that break what other columns say are told from those that keep to it, and from those left open."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ganaug import Cascade, GANSynthesizer
from ganaug.tabular.codec import TableCodec
from ganaug.tabular.relation_check import BROKEN, HOLDS, OPEN, check_relations
from tests.tabular.test_relations import N, table

__all__ = ["table"]  # a fixture


def verdicts(table, codec):
    found = check_relations(table, codec.relations, codec.codecs)
    return {name: found[:, at].tolist() for at, name in enumerate(table.columns)}


def test_every_row_of_the_fit_keeps_to_what_was_found(table):
    found = verdicts(table, TableCodec.fit(table))
    for name in ("country", "code", "gross", "copy"):
        assert found[name] == [HOLDS] * N
    for name in ("city", "net", "tax", "x"):
        assert found[name] == [OPEN] * N


@pytest.mark.parametrize(
    ("column", "value"), [("country", "SE"), ("code", 20), ("gross", -5), ("copy", 0.25), ("copy", np.nan)]
)
def test_a_cell_that_breaks_its_relation_is_told(table, column, value):
    codec, rows = TableCodec.fit(table), table.iloc[:6].copy()
    rows = rows.astype({"gross": "float64", "code": "float64"} if column == "gross" else {})
    wrong = rows[column] != value
    rows.loc[rows.index[2], column] = value
    found = verdicts(rows, codec)[column]
    assert found[2] == (BROKEN if wrong.iloc[2] else HOLDS)
    assert found[:2] + found[3:] == [HOLDS] * 5


def test_what_was_never_seen_or_is_missing_leaves_a_relation_open(table):
    codec, rows = TableCodec.fit(table), table.iloc[:4].copy()
    rows.loc[1, "city"] = "Rome"
    rows["net"] = rows["net"].astype("float64").where(rows.index != 2)
    found = verdicts(rows, codec)
    assert found["country"] == [HOLDS, OPEN, HOLDS, HOLDS]
    assert found["code"] == [HOLDS, OPEN, HOLDS, HOLDS]
    assert found["gross"] == [HOLDS, HOLDS, OPEN, HOLDS]


def test_transform_says_zero_where_it_holds_and_a_finite_low_value_where_it_is_broken(table):
    tiny = Cascade(hidden_units=4, context_units=8, embedding_units=2, n_components=2)
    model = GANSynthesizer(generator=tiny, max_epochs=1, discriminator=None, random_state=0).fit(table)
    names = model.get_feature_names_out().tolist()
    rows = table.iloc[:5].copy()
    rows.loc[3, "country"] = "NO" if rows.loc[3, "country"] == "FR" else "FR"
    rows.loc[1, "gross"] += 1
    rows.loc[0, "copy"] += 1
    features = pd.DataFrame(model.transform(rows), columns=names)
    for column, broken in (("country", 3), ("gross", 1), ("copy", 0), ("code", None)):
        own = features[f"log_likelihood_{column}"]
        assert [at for at in range(5) if own[at] != 0] == ([] if broken is None else [broken])
        assert broken is None or own[broken] == pytest.approx(-np.log(N + 1))
