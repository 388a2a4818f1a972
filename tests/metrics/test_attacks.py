"""Attacks find copies, and nothing in rows of the same source."""

import numpy as np
import pandas as pd
import pytest

from ganaug.metrics import attribute_inference, membership_auc, singling_out


def over_fitted(train, seed=0):
    """A bootstrap with noise on its numbers, as an over-fitted generator gives."""
    rng = np.random.default_rng(seed)
    rows = train.sample(len(train), replace=True, random_state=seed).reset_index(drop=True)
    return rows.assign(**{name: rows[name] + 0.02 * rng.normal(size=len(rows)) for name in ("size", "price")})


def test_copies_single_out_their_training_rows(real, fresh):
    found = singling_out(real, real, fresh, n_guesses=200)
    assert found["train"] == 1.0
    assert found["holdout"] < 0.5


def test_rows_of_neither_single_out_both_alike(real, fresh, other):
    found = singling_out(other, real, fresh, n_guesses=1000)
    assert found["train"] == pytest.approx(found["holdout"], abs=0.08)


def test_nobody_can_be_singled_out_where_all_are_alike():
    table = pd.DataFrame({"a": ["x", "y"] * 20, "b": ["u"] * 40})
    assert np.isnan(singling_out(table, table, table, n_guesses=20)["train"])


def test_copies_tell_every_attribute_of_their_training_rows(real, fresh):
    found = attribute_inference(real, real, fresh, n_targets=200)
    assert list(found.index) == list(real.columns)
    assert found["train"].min() > 0.75
    assert found.loc["size", "holdout"] < 0.4


def test_rows_of_neither_tell_as_much_of_both(real, fresh, other):
    found = attribute_inference(other, real, fresh, n_targets=500)
    assert (found["train"] - found["holdout"]).mean() == pytest.approx(0, abs=0.05)
    assert found.loc["shop", "train"] > found.loc["shop", "naive"]


def test_naive_guess_of_a_category_is_its_most_frequent_level():
    table = pd.DataFrame({"a": ["x"] * 30 + ["y"] * 10, "b": np.arange(40.0)})
    assert attribute_inference(table, table, table).loc["a", "naive"] == 0.75


def test_missing_cells_can_be_guessed():
    table = pd.DataFrame({"a": np.arange(40.0), "b": [None, "x"] * 20})
    assert attribute_inference(table, table, table).loc["b", "train"] == 1.0


def test_every_attack_finds_an_over_fitted_generator_and_none_a_hold_out(real, fresh, other):
    rows = over_fitted(real)
    assert membership_auc(rows, real, fresh) > 0.65
    assert membership_auc(other, real, fresh) == pytest.approx(0.5, abs=0.05)
    alone = singling_out(rows, real, fresh, n_guesses=300)
    assert alone["train"] > alone["holdout"] + 0.1
    right = attribute_inference(rows, real, fresh, n_targets=300).mean()
    assert right["train"] > right["holdout"] + 0.1
