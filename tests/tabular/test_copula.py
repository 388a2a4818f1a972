"""A Gaussian copula of codes: margins are kept, and correlations as far as rows can tell them."""

import numpy as np
import pandas as pd
import pytest
import torch

from ganaug.tabular.codec import GAP, TableCodec
from ganaug.tabular.copula import GaussianCopula

N = 2_000


def rng(seed=0):
    return np.random.default_rng(seed)


def table(n=N, seed=0):
    """Two numbers that go together, a flag and a level that go with them, and one that goes with nothing."""
    generator = rng(seed)
    x = generator.normal(size=n)
    y = 0.8 * x + 0.6 * generator.normal(size=n)
    level = np.select([x < -0.7, x < 0.7], ["b", "c"], "a")  # not in the order of their names
    return pd.DataFrame(
        {"x": x, "y": np.exp(y), "flag": y > 1, "level": level, "z": generator.normal(size=n)}
    )


def fitted(frame, codes=None, weights=None):
    codec = TableCodec.fit(frame)
    codes = codec.encode(frame) if codes is None else codes
    return codec, GaussianCopula.fit(codec.fields, torch.from_numpy(codes), weights)


def drawn_from(codec, copula, n=20_000):
    rows = copula.draw(n, torch.Generator().manual_seed(0))
    assert rows.dtype == torch.from_numpy(codec.encode(table(5))).dtype
    return codec.decode(rows.numpy(), rng())


def test_margins_and_correlations_are_those_of_the_rows():
    frame = table()
    drawn = drawn_from(*fitted(frame))
    assert drawn["flag"].mean() == pytest.approx(frame["flag"].mean(), abs=0.015)
    np.testing.assert_allclose(
        drawn["level"].value_counts(normalize=True).sort_index(),
        frame["level"].value_counts(normalize=True).sort_index(),
        atol=0.015,
    )
    own, theirs = (each[["x", "y", "flag", "z"]].corr("spearman") for each in (frame, drawn))
    np.testing.assert_allclose(theirs, own, atol=0.12)  # the flag's, of two levels, is the one that is off
    assert theirs.loc["x", "y"] == pytest.approx(own.loc["x", "y"], abs=0.03)
    means = [each.groupby("level")["x"].mean() for each in (frame, drawn)]
    np.testing.assert_array_equal(means[0].sort_values().index, means[1].sort_values().index)
    assert means[1].max() - means[1].min() > 1.5


def test_few_rows_tell_little_of_correlations():
    noise = pd.DataFrame(rng().normal(size=(15, 12)))
    _, copula = fitted(noise)
    found = float((copula.root @ copula.root.t() - torch.eye(12)).abs().max())
    assert found < 0.6 * np.abs(np.corrcoef(noise.T) - np.eye(12)).max()


def test_gaps_tell_nothing():
    frame = table()
    codec, whole = fitted(frame)
    codes = codec.encode(frame)
    codes[rng().random(codes.shape) < 0.3] = GAP
    _, partly = fitted(frame, codes)
    np.testing.assert_allclose(partly.root @ partly.root.t(), whole.root @ whole.root.t(), atol=0.1)
    assert (partly.draw(500, torch.Generator().manual_seed(0)) >= 0).all()


def test_a_row_of_weight_three_counts_as_three_rows():
    frame = table(200)
    weights = torch.from_numpy(rng().integers(0, 4, 200)).float()
    more = frame.loc[np.repeat(np.arange(200), weights.int().numpy())]
    codec = TableCodec.fit(frame)
    pair = [
        GaussianCopula.fit(codec.fields, torch.from_numpy(codec.encode(frame)), weights),
        GaussianCopula.fit(codec.fields, torch.from_numpy(codec.encode(more))),
    ]
    for own, theirs in zip(pair[0].edges, pair[1].edges, strict=True):
        torch.testing.assert_close(own, theirs)
    torch.testing.assert_close(*(each.root @ each.root.t() for each in pair), atol=0.1, rtol=0)


@pytest.mark.parametrize("columns", [["x"], ["level"], ["constant", "empty"], ["constant", "x", "level"]])
def test_any_fields_will_do(columns):
    frame = table(50).assign(constant=1, empty=pd.Series([None] * 50, dtype=object))[columns]
    codec, copula = fitted(frame)
    rows = copula.draw(300, torch.Generator().manual_seed(0))
    assert rows.shape == (300, len(codec.fields))
    for field, own in zip(codec.fields, rows.t(), strict=True):
        assert own.min() >= 0
        assert own.max() < field.n_codes
