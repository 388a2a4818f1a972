"""Autoencoder, variational autoencoder and recurrent network: what they learn."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from ganaug.baselines import RNN, VAE, Autoencoder

SMALL = {"hidden_units": 32, "batch_size": 64, "learning_rate": 0.01, "random_state": 0}


def clouds(n=400):
    """Two clouds far apart, which a level tells."""
    rng = np.random.default_rng(0)
    side = rng.random(n) < 0.3
    centre = np.where(side, 4.0, -4.0)
    name = np.where(side, "right", "left")
    return pd.DataFrame({"x": rng.normal(centre, 1), "y": rng.normal(centre, 1), "side": name})


@pytest.mark.parametrize(
    ("baseline", "share"),
    [
        (VAE(max_epochs=30, latent_units=4, **SMALL), 0.75),
        (RNN(max_epochs=20, embedding_units=8, **SMALL), 0.9),
    ],
    ids=["VAE", "RNN"],
)
def test_dependence_is_learned(baseline, share):
    rows = baseline.fit(clouds()).sample(500)
    right = rows["side"] == "right"
    assert 0.2 < right.mean() < 0.4
    assert ((rows["x"] > 0) == right).mean() > share  # by chance .58
    assert ((rows["y"] > 0) == right).mean() > share


def test_an_autoencoder_draws_each_class_as_it_is_spread():
    rng = np.random.default_rng(0)
    label = rng.choice(["left", "right"], 400)
    x = rng.normal(np.where(label == "left", -1.0, 1.0), 1)
    table = pd.DataFrame({"x": x, "y": x + rng.normal(0, 0.3, 400)})
    fitted = Autoencoder(max_epochs=30, latent_units=2, **SMALL).fit(table, label)
    for asked, centre in (("left", -1.0), ("right", 1.0)):
        rows = fitted.sample(300, y=asked)
        assert np.abs(rows.mean() - centre).max() < 0.5
        assert rows.corr().iloc[0, 1] > 0.7


def test_a_class_without_a_row_of_its_own_borrows_from_all():
    X = pd.DataFrame({"x": np.arange(60.0)})
    y = pd.Categorical(["a"] * 59 + ["b"], categories=["a", "b", "c"])
    fitted = Autoencoder(max_epochs=1, **SMALL).fit(X, pd.Series(y))
    assert np.isfinite(fitted.sample(5, y="b")["x"]).all()


def test_likelihoods_of_all_rows_add_up_to_one():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.choice(list("xyz"), 200), "b": rng.choice(list("uv"), 200)})
    y = rng.choice(["no", "yes"], 200)
    fitted = RNN(max_epochs=3, embedding_units=4, **SMALL).fit(table, y)
    every = pd.DataFrame(itertools.product("xyz", "uv", ["no", "yes"]), columns=["a", "b", "y"])
    likelihood = np.exp(fitted.score_samples(every[["a", "b"]], every["y"]))
    np.testing.assert_allclose(likelihood.sum(), 1.0)
    assert fitted.score(table, y) < fitted.score(table)


def test_a_recurrent_network_s_score_tells_odd_rows():
    table = clouds()
    fitted = RNN(max_epochs=20, embedding_units=8, **SMALL).fit(table)
    odd = table.assign(side=np.where(table["side"] == "right", "left", "right"))
    assert fitted.score(table) > fitted.score(odd) + 2
    assert fitted.score(table.assign(side="new")) < fitted.score(table)


def test_held_out_rows_end_a_fit():
    fitted = VAE(latent_units=2, max_epochs=200, **SMALL).fit(clouds(150))
    assert {"search", "decay"} <= {record["phase"] for record in fitted.history_}
    assert fitted.n_iter_ < 200
    assert fitted.history_[-1]["train_loss"] < fitted.history_[0]["train_loss"]


def test_a_fit_without_held_out_rows():
    fitted = RNN(max_epochs=2, validation_fraction=0, time_budget_seconds=60, **SMALL).fit(clouds(100))
    assert fitted.history_[-1]["validation_loss"] is None
