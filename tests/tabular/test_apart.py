"""Rows of a tiny table are repeated no more often than real rows repeat each other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from ganaug import Cascade, GANSynthesizer
from ganaug.exceptions import ModelFileError
from ganaug.tabular.apart import MOST_ROWS, Apart, hash_rows


def rows(n, n_levels, seed=0):
    return np.random.default_rng(seed).integers(0, n_levels, (n, 3)).astype(np.int16)


def share_of(codes, real):
    return float(np.isin(hash_rows(codes), hash_rows(real)).mean())


def test_a_hash_depends_on_every_field_and_not_on_the_type_of_codes():
    codes = rows(500, 90)
    assert len(np.unique(hash_rows(codes))) == len(np.unique(codes, axis=0))
    assert np.array_equal(hash_rows(codes), hash_rows(codes.astype(np.int64)))
    assert not np.array_equal(hash_rows(codes), hash_rows(codes[:, ::-1]))


def redrawn(apart, pool, n=4_000):
    """Rows of a pool, drawn again as long as they are chosen to be."""
    generator = torch.Generator().manual_seed(0)
    at = np.random.default_rng(1)
    codes = torch.from_numpy(pool[at.integers(0, len(pool), n)])
    chosen = torch.arange(n)
    while len(chosen):
        chosen = chosen[apart.chosen(codes[chosen].t(), generator)]
        codes[chosen] = torch.from_numpy(pool[at.integers(0, len(pool), len(chosen))])
    return codes.numpy()


def test_no_copy_is_left_where_real_rows_never_repeat():
    real = np.unique(rows(400, 200), axis=0)
    pool = np.concatenate([real, rows(2_000, 200, seed=1)])
    apart = Apart.fit(real, pool)
    assert apart.share == 1.0
    assert share_of(pool, real) > 0.1
    assert share_of(redrawn(apart, pool), real) == 0.0


def test_copies_are_left_at_the_rate_of_real_rows():
    real = np.concatenate([np.unique(rows(360, 200), axis=0), np.zeros((40, 3), dtype=np.int16)])
    repeated = 40 / len(real)
    pool = np.concatenate([real] * 3 + [rows(2_000, 200, seed=1)])
    apart = Apart.fit(real, pool)
    assert 0 < apart.share < 1
    assert share_of(redrawn(apart, pool), real) == pytest.approx(repeated, abs=0.03)


def test_nothing_is_done_where_drawn_rows_repeat_no_more_or_the_table_is_no_tiny_one():
    few = rows(300, 3)
    assert Apart.fit(few, rows(1_000, 3, seed=1)) is None
    assert Apart.fit(rows(MOST_ROWS + 1, 90), rows(MOST_ROWS + 1, 90)) is None
    assert Apart.fit(few, few[:0]) is None


def test_the_sieve_does_not_tell_who_was_in_it():
    real = np.unique(rows(1_500, 500), axis=0)
    apart = Apart.fit(real, real)
    others = torch.from_numpy(rows(4_000, 500, seed=2)).t()
    assert 0.4 < float(apart.chosen(others, torch.Generator().manual_seed(0)).double().mean()) < 0.6


def test_a_state_comes_back_and_a_broken_one_is_refused():
    apart = Apart.fit(rows(300, 200), rows(300, 200))
    header, arrays = apart.to_state()
    again = Apart.from_state(header, arrays)
    assert (again.share, again.sieve.tolist()) == (apart.share, apart.sieve.tolist())
    for broken in ({"share": 2.0}, {"share": float("nan")}, {}):
        with pytest.raises(ModelFileError):
            Apart.from_state(broken, arrays)
    with pytest.raises(ModelFileError):
        Apart.from_state(header, {"sieve": np.zeros(0, dtype=np.uint8)})


def test_a_table_learned_by_heart_is_not_repeated(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.choice(list("abcdefghij"), (30, 4)), columns=list("wxyz")).drop_duplicates()
    small = Cascade(hidden_units=32, context_units=32)
    model = GANSynthesizer(generator=small, max_epochs=40, learning_rate=0.02, random_state=0)
    model.set_params(early_stopping=False, validation_fraction=0.0).fit(table)
    known = set(map(tuple, table.to_numpy()))

    def copies(**how):
        drawn = model.sample(300, random_state=0, **how).to_numpy()
        return sum(tuple(row) in known for row in drawn)

    assert copies(guidance=0) > 20
    assert copies() == 0
    model.save(tmp_path / "model.ganaug")
    loaded = GANSynthesizer.load(tmp_path / "model.ganaug")
    pd.testing.assert_frame_equal(loaded.sample(50, random_state=1), model.sample(50, random_state=1))
    some = {"w": table["w"].iloc[0]}
    assert (model.sample(50, conditions=some)["w"] == some["w"]).all()
