"""Bootstrap, SMOTE and independent columns: what they keep of the training rows, and what they don't."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ganaug.baselines import Bootstrap, IndependentColumns, SmoteSynthesizer

LEVELS = pd.DataFrame({"a": list("xxyy") * 10, "b": list("uvuv") * 9 + list("uuuu")})


def twins(n=200):
    a = np.random.default_rng(0).choice(["x", "y", "z"], n)
    return pd.DataFrame({"a": a, "b": np.where(np.random.default_rng(1).random(n) < 0.9, a, "x")})


def test_a_bootstrap_has_training_rows_only():
    table = twins()
    rows = Bootstrap(random_state=0).fit(table).sample(500)
    assert set(rows.itertuples(index=False)) <= set(table.itertuples(index=False))
    assert len(rows.drop_duplicates()) > 3


def test_a_bootstrap_of_a_label_has_that_label_s_rows():
    size = pd.DataFrame({"size": np.repeat([1, 2, 3], 20)})
    y = np.repeat(["small", "large", "large"], 20)
    rows = Bootstrap(random_state=0).fit(size, y).sample(50, y="large")
    assert sorted(rows["size"].unique()) == [2, 3]


def test_lone_numbers_of_a_bootstrap_are_near_their_own():
    x = np.sort(np.random.default_rng(0).normal(size=300))
    drawn = Bootstrap(random_state=0).fit(x[:, None]).sample(1000)[:, 0]
    edges = np.concatenate([[-np.inf], (x[1:] + x[:-1]) / 2, [np.inf]])
    assert drawn.min() >= x[0]
    assert drawn.max() <= x[-1]
    counts = np.histogram(drawn, edges)[0]
    assert abs(counts.mean() - counts.var()) < 1.5  # every row is as likely: Poisson


def test_independent_columns_keep_frequencies_and_lose_dependence():
    table = twins(2000)
    rows = IndependentColumns(random_state=0).fit(table).sample(4000)
    for name in table:
        shares = rows[name].value_counts(normalize=True) - table[name].value_counts(normalize=True)
        assert shares.abs().max() < 0.04
    expected = pd.crosstab(rows["a"], rows["b"], normalize=True)
    product = np.outer(rows["a"].value_counts(normalize=True).sort_index(), expected.sum())
    assert np.abs(expected.to_numpy() - product).max() < 0.02


def test_score_of_independent_columns_is_the_sum_of_log_shares():
    fitted = IndependentColumns().fit(LEVELS)
    rows = pd.DataFrame({"a": ["x", "y"], "b": ["u", "v"]})
    expected = [np.log(0.5) + np.log(22 / 40), np.log(0.5) + np.log(18 / 40)]
    np.testing.assert_allclose(fitted.score_samples(rows), expected)


def test_a_label_counts_in_the_score_where_it_is_given():
    y = np.array(["yes"] * 10 + ["no"] * 30)
    fitted = IndependentColumns().fit(LEVELS, y)
    without, given = fitted.score_samples(LEVELS), fitted.score_samples(LEVELS, y)
    np.testing.assert_allclose(given - without, np.log(np.where(y == "yes", 0.25, 0.75)))


def test_a_level_never_seen_counts_as_one_row_more():
    fitted = IndependentColumns().fit(LEVELS)
    score = fitted.score_samples(pd.DataFrame({"a": ["new"], "b": ["u"]}))
    np.testing.assert_allclose(score, np.log(1 / 41) + np.log(22 / 40))


def test_a_file_of_independent_columns_holds_no_row():
    x = np.arange(400.0) ** 1.5
    fitted = IndependentColumns(random_state=0).fit(np.column_stack([x, x[::-1] + np.sin(x)]))
    kept = fitted.generator_.rows.numpy()
    correlation = np.corrcoef(kept.T)[0, 1]
    assert sorted(kept[:, 0]) == sorted(kept[:, 1]) == list(range(400))
    assert abs(correlation) < 0.2  # they run against each other in the table


def test_smote_s_numbers_lie_between_a_row_and_its_neighbour():
    rng = np.random.default_rng(0)
    lower, upper = rng.normal(-50, 1, size=(30, 2)), rng.normal(50, 1, size=(30, 2))
    rows = SmoteSynthesizer(random_state=0).fit(np.vstack([lower, upper])).sample(300)
    near = np.where(rows[:, :1] < 0, lower.mean(axis=0), upper.mean(axis=0))
    within = np.abs(rows - near) < 5  # neighbours are of one cloud; lone ends may come back a way off
    assert within.mean() > 0.95
    assert len(np.unique(rows[:, 0])) > 200


def test_smote_s_neighbours_are_of_one_class():
    x = np.random.default_rng(0).normal(size=(40, 1))
    y = np.where(np.arange(40) % 2, "odd", "even")
    fitted = SmoteSynthesizer(n_neighbors=3, random_state=0).fit(x, y)
    neighbours = fitted.generator_.neighbours.long().numpy()
    assert neighbours.shape == (40, 3)
    assert (neighbours % 2 == (np.arange(40) % 2)[:, None]).all()
    assert (neighbours != np.arange(40)[:, None]).all()


@pytest.mark.parametrize("n_rare", [1, 2])
def test_smote_of_fewer_rows_than_neighbours(n_rare):
    X = pd.DataFrame({"x": np.arange(30.0), "kind": ["a", "b", "c"] * 10})
    y = np.where(np.arange(30) < n_rare, "rare", "common")
    rows = SmoteSynthesizer(random_state=0).fit(X, y).sample(20, y="rare")
    assert rows["x"].between(0.0, n_rare - 1 + 0.5).all()
    assert set(rows["kind"]) == set("abc"[:n_rare])


def test_smote_leaves_gaps_and_popular_values_as_they_are():
    x = np.where(np.arange(100) % 2, np.nan, 0.0)
    x[:10] = np.linspace(1, 2, 10)
    table = pd.DataFrame({"x": x, "side": np.isnan(x).astype(str)})
    rows = SmoteSynthesizer(random_state=0).fit(table).sample(200)
    assert 0.2 < rows["x"].isna().mean() < 0.6
    assert (rows["x"] == 0).mean() > 0.3
