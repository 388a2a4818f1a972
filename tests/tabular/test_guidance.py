"""Guided draws: exact numbers, the right weights, nothing kept that doesn't gain, conditions held."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from ganaug import Cascade, GANSynthesizer
from ganaug.exceptions import ModelFileError
from ganaug.metrics import reliability
from ganaug.tabular.columns.base import CategoryField
from ganaug.tabular.guidance import Guide, Trust, measure_trust
from ganaug.tabular.keeping import keep_rows
from ganaug.tabular.neural_guide import NeuralGuide

FIELDS = [CategoryField(4, np.ones(4)), CategoryField(4, np.ones(4))]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def related(n_rows, seed):
    """Rows whose two fields are mostly the same."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 4, n_rows)
    return np.stack([first, np.where(rng.random(n_rows) < 0.7, first, rng.integers(0, 4, n_rows))], axis=1)


def unrelated(seed=1):
    rng = np.random.default_rng(seed)
    return lambda n: torch.from_numpy(rng.integers(0, 4, (n, 2)))


# --- what a discriminator is worth --------------------------------------------------------------------------


def test_a_difference_that_is_there_is_trusted_and_its_gain_is_the_divergence():
    held_out = torch.from_numpy(related(2_000, 5))
    trust = measure_trust(FIELDS, related(3_000, 0), held_out, unrelated(), used=range(2))
    # .775 of the real rows and a quarter of the drawn ones have two equal codes
    divergence = 0.775 * np.log(0.775 * 4) + 0.225 * np.log(0.225 * 4 / 3)
    assert trust.amount > 0
    assert trust.strength == pytest.approx(1, abs=0.3)
    assert trust.gain == pytest.approx(divergence, abs=0.08)


def test_nothing_is_trusted_where_nothing_differs():
    rng = np.random.default_rng(0)
    real, held_out = rng.integers(0, 4, (2_000, 2)), torch.from_numpy(rng.integers(0, 4, (1_000, 2)))
    assert measure_trust(FIELDS, real, held_out, unrelated(), used=range(2)).gain < 0.003


def test_too_few_rows_are_no_judge():
    trust = measure_trust(
        FIELDS, related(100, 0), torch.from_numpy(related(50, 1)), unrelated(), used=range(2)
    )
    assert trust == Trust(0, 0.0, 0.0)


def test_guided_weights_bring_back_what_the_generator_lacks():
    guide = Guide.fit(FIELDS, related(3_000, 0), unrelated(), Trust(100, 1.0, 0.4), used=range(2))
    pool = unrelated(7)(12_000)
    weights = guide.rake(guide.margins, pool, guide.log_odds(pool))
    kept = pool[keep_rows(weights, torch.zeros(len(pool), dtype=torch.long), torch.tensor([3_000]), seeded())]
    assert float((pool[:, 0] == pool[:, 1]).double().mean()) == pytest.approx(0.25, abs=0.02)
    assert float((kept[:, 0] == kept[:, 1]).double().mean()) == pytest.approx(0.775, abs=0.03)


@pytest.mark.parametrize("kind", ["trees", "neural"])
def test_a_guide_comes_back_from_its_state_and_a_broken_one_is_refused(kind):
    trust = Trust(20, 0.5, 0.2)
    guide = Guide.fit(
        FIELDS, related(3_000, 0), unrelated(), trust, used=range(2), kind=kind, is_labelled=True
    )
    header, arrays = guide.to_state()
    back, pool = Guide.from_state(header, arrays, FIELDS), unrelated(3)(100)
    assert torch.equal(back.log_odds(pool), guide.log_odds(pool))
    assert sorted(back.class_margins) == [0, 1, 2, 3]
    for change in ({"surplus": 10**9}, {"used": [0, 7]}, {"used": [0, 0]}, {"strength": -1.0}):
        with pytest.raises(ModelFileError):
            Guide.from_state({**header, **change}, arrays, FIELDS)


# --- the synthesizer ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    kind = rng.choice(["a", "b", "c"], 2_400, p=[0.6, 0.3, 0.1])
    size = np.where(kind == "a", rng.normal(0, 1, 2_400), rng.normal(3, 0.3, 2_400)).round(2)
    return pd.DataFrame({"kind": kind, "size": size, "is_large": size > 2})


@pytest.fixture(scope="module")
def synthesizer(table):
    tiny = Cascade(hidden_units=8, context_units=16, embedding_units=4, n_components=2)
    labels = table["kind"].to_numpy()
    return GANSynthesizer(generator=tiny, max_epochs=4, random_state=0).fit(
        table[["size", "is_large"]], labels
    )


def test_guidance_is_decided_by_the_fit_and_told_afterwards(synthesizer):
    X = synthesizer.sample(1_500, random_state=0)
    assert len(X) == 1_500
    info = synthesizer.sample_info_
    assert info["n_kept"] == 1_500
    assert info["n_drawn"] >= 3_000
    assert 0 < info["effective_share"] <= 1
    synthesizer.sample(1_500, guidance=0)
    assert synthesizer.sample_info_["n_drawn"] == 1_500


def test_raking_gives_the_real_margins(synthesizer, table):
    wanted = table["kind"].value_counts(normalize=True)

    def errors(guidance):
        drawn = (
            synthesizer.sample(4_000, guidance=guidance, return_y=True, random_state=seed)[1]
            for seed in range(3)
        )
        return [float(abs(pd.Series(y).value_counts(normalize=True) - wanted).sum()) for y in drawn]

    assert max(errors("auto")) < 0.02
    assert sum(errors("auto")) < sum(errors(0))


@pytest.mark.parametrize("guidance", ["auto", 0, 0.5, 1])
def test_labels_and_conditions_hold_under_guidance(synthesizer, guidance):
    y = np.repeat(["c", "a"], [700, 800])
    X, drawn = synthesizer.sample(y=y, conditions={"is_large": True}, return_y=True, guidance=guidance)
    assert X["is_large"].all()
    np.testing.assert_array_equal(drawn, y)


def test_an_integer_repeats_a_guided_draw(synthesizer):
    first, second = (synthesizer.sample(1_200, random_state=5) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


def test_a_saved_guide_draws_the_same(synthesizer, tmp_path):
    synthesizer.save(tmp_path / "model")
    again = GANSynthesizer.load(tmp_path / "model").sample(1_200, random_state=5)
    pd.testing.assert_frame_equal(again, synthesizer.sample(1_200, random_state=5))


@pytest.mark.parametrize("guidance", [-0.1, 1.5, "some", None])
def test_guidance_out_of_range_is_refused(synthesizer, guidance):
    with pytest.raises((TypeError, ValueError), match="guidance"):
        synthesizer.sample(3, guidance=guidance)


def test_a_neural_discriminator_guides_and_is_saved(table, tmp_path, monkeypatch):
    monkeypatch.setattr(NeuralGuide, "stages", (40, 80))
    tiny = Cascade(hidden_units=4, context_units=8, embedding_units=2, n_components=2)
    fitted = GANSynthesizer(generator=tiny, discriminator="neural", max_epochs=4, random_state=0).fit(table)
    assert isinstance(fitted.discriminator_, NeuralGuide)
    assert fitted.realism(table).mean() > 0.6
    fitted.save(tmp_path / "model")
    again = GANSynthesizer.load(tmp_path / "model").sample(1_200, random_state=5)
    pd.testing.assert_frame_equal(again, fitted.sample(1_200, random_state=5))


def test_without_a_discriminator_none_is_kept(table):
    tiny = Cascade(hidden_units=4, context_units=8, embedding_units=2, n_components=2)
    fitted = GANSynthesizer(generator=tiny, discriminator=None, max_epochs=1, random_state=0).fit(table)
    assert fitted.discriminator_ is None
    np.testing.assert_array_equal(fitted.realism(table[:5]), 0.5)
    with pytest.raises(ValueError, match="discriminator"):
        GANSynthesizer(discriminator="forest").fit(table)


# --- realism and transform ----------------------------------------------------------------------------------


def test_a_cell_that_does_not_go_with_its_row_stands_out(table):
    fitted = GANSynthesizer(
        generator=Cascade(hidden_units=16, context_units=32), max_epochs=12, random_state=0
    ).fit(table)
    names = fitted.get_feature_names_out().tolist()
    assert names[-1] == "log_odds"
    rows = table.iloc[:400].copy()
    planted = np.flatnonzero((rows["kind"] == "b").to_numpy())[:30]
    rows.loc[planted, "size"] = -2.5
    found = fitted.transform(rows)
    assert found.shape == (400, len(names))
    worst = np.argsort(found[:, names.index("log_likelihood_size")])[:30]
    assert len(set(worst) & set(planted)) >= 25


def test_odds_of_being_real_are_a_ratio_of_densities_calibrated_on_fresh_rows():
    guide = Guide.fit(FIELDS, related(3_000, 0), unrelated(), Trust(100, 1.0, 0.4), used=range(2))
    probability = [
        torch.sigmoid(guide.log_odds(rows)).numpy()
        for rows in (torch.from_numpy(related(4_000, 8)), unrelated(9)(4_000))
    ]
    curve = reliability(*probability, n_bins=4)
    np.testing.assert_allclose(curve["observed"], curve["predicted"], atol=0.04)
    # three of four generated rows have unequal codes, and .225 of the real ones
    assert np.median(probability[1]) == pytest.approx(0.3 / 1.3, abs=0.03)


def test_realism_is_a_probability_per_row(synthesizer, table):
    realism = synthesizer.realism(table[["size", "is_large"]], table["kind"])
    assert realism.shape == (2_400,)
    assert ((realism > 0) & (realism < 1)).all()
