"""A network that is too sure is made as sure as cells show it to be right that were hidden from it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from ganaug import Cascade, GANSynthesizer
from ganaug.tabular.calibration import _sharpen, calibrate, hide_cells
from ganaug.tabular.codec import GAP, TableCodec
from ganaug.tabular.heads import NumberHeads

TINY = Cascade(hidden_units=8, context_units=16, embedding_units=4)


def make_table(n=1_500):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "x": rng.normal(size=n),
            "y": rng.normal(size=n),
            "z": rng.choice(list("abcd"), n, p=[0.7, 0.1, 0.1, 0.1]),
        }
    )


def test_whole_cells_are_hidden_and_only_where_there_is_one():
    codes = np.zeros((2_000, 4), dtype=np.int8)
    codes[:500, 3] = GAP
    shown, hidden = hide_cells(codes, [slice(0, 2), slice(2, 3), slice(3, 4)], np.random.default_rng(0))
    assert np.array_equal(hidden[:, 0], hidden[:, 1])
    assert not hidden[:500, 3].any()
    assert 400 < hidden[:, [0, 2, 3]].sum() < 700
    assert ((shown == GAP) == (hidden | (codes == GAP))).all()
    assert shown.dtype == codes.dtype


def test_of_few_cells_none_is_hidden():
    codes = np.zeros((50, 3), dtype=np.int8)
    shown, hidden = hide_cells(codes, [slice(0, 1), slice(1, 3)], np.random.default_rng(0))
    assert shown is codes
    assert not hidden.any()


@pytest.mark.parametrize("factor", [0.6, 1.0, 1.5])
def test_the_factor_undoes_how_much_too_sure_a_network_is(factor):
    table = make_table()
    codec = TableCodec.fit(table, ignores_missing=True)
    codes = codec.encode(table)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = TINY.build(codec.fields)
    with torch.no_grad():  # what is known says nothing, and the biases are right: widths of one component
        for head in network.each_head:
            head.weight.zero_()
            if isinstance(head, NumberHeads):
                means = slice(head.width + head.n_components, -head.n_components)
                head.bias[..., means] = 0.0
                head.bias[..., -head.n_components :] = np.log(np.sqrt(3) / np.pi)
        _sharpen(network.each_head, factor)
    _, hidden = hide_cells(codes, codec.slices, np.random.default_rng(0))
    found = calibrate(network, torch.from_numpy(codes), torch.from_numpy(hidden))
    assert found["number"] == pytest.approx(factor, abs=0.26)
    assert found["category"] == pytest.approx(factor, abs=0.26)


def test_a_fit_that_passes_over_gaps_is_calibrated():
    table = make_table(600).mask(np.random.default_rng(1).random((600, 3)) < 0.2)
    options = {"generator": TINY, "max_epochs": 2, "random_state": 0}
    model = GANSynthesizer(missing_values="ignore", **options).fit(table)
    again = GANSynthesizer(missing_values="ignore", **options).fit(table)
    pd.testing.assert_frame_equal(model.sample(20, random_state=0), again.sample(20, random_state=0))
