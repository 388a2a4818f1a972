"""What third parties are held to holds for ganaug's own: column codecs and baselines keep their contracts."""

from __future__ import annotations

import datetime
import decimal

import numpy as np
import pandas as pd
import pytest
import torch

from ganaug import baselines
from ganaug.synthesizer import MODALITIES
from ganaug.tabular.columns import (
    COLUMN_CODECS,
    CategoryCodec,
    DatetimeCodec,
    IdentifierCodec,
    NumberCodec,
    TextCodec,
)
from ganaug.testing import check_column_codec, check_synthesizer


def rng():
    return np.random.default_rng(0)


def stamps(n=200):
    return pd.Series(pd.Timestamp("2021-01-05") + pd.to_timedelta(rng().integers(0, 9_000, n), unit="h"))


def objects(cells):
    column = pd.Series([None] * len(cells), dtype=object)
    column[:] = cells
    return column


def gappy(column):
    return column.mask(np.random.default_rng(1).random(len(column)) < 0.2)


WIDE = pd.Series(np.append([-(2**63), 2**63 - 1], rng().integers(0, 9**18, 200)))
PATTERN = pd.Series([f"{a:04}-{b:05X}" for a, b in rng().integers(0, 9_999, (150, 2))])
CENTS = [decimal.Decimal(int(c)) / 100 for c in rng().integers(0, 10**5, 200)]
PARIS = stamps().dt.tz_localize("UTC").dt.tz_convert("Europe/Paris")
COLUMNS = {
    "category of text": (CategoryCodec, pd.Series(rng().choice(["a", "b", None], 60))),
    "category of many levels": (CategoryCodec, pd.Series(np.repeat([f"v{i}" for i in range(1_200)], 2))),
    "category, ordered": (CategoryCodec, pd.Series(list("abca") * 9).astype("category").cat.as_ordered()),
    "category of bools": (CategoryCodec, pd.Series([True, False, True] * 9)),
    "category of numbers": (CategoryCodec, pd.Series([1, 5, None] * 30, dtype="Int64")),
    "number": (NumberCodec, pd.Series(rng().lognormal(size=300))),
    "number, small": (NumberCodec, pd.Series(rng().normal(size=40).astype("float32"))),
    "number with a mass and gaps": (NumberCodec, gappy(pd.Series(rng().normal(size=300)).clip(lower=0))),
    "number, whole and wide": (NumberCodec, WIDE),
    "datetime": (DatetimeCodec, stamps()),
    "datetime with gaps": (DatetimeCodec, gappy(stamps())),
    "datetime in a zone": (DatetimeCodec, PARIS),
    "datetime of seconds": (DatetimeCodec, stamps().astype("M8[s]") + pd.to_timedelta(7, unit="s")),
    "days": (DatetimeCodec, stamps().dt.normalize()),
    "months": (DatetimeCodec, pd.Series(pd.date_range("2001-01-31", periods=90, freq="ME"))),
    "one day": (DatetimeCodec, pd.Series(pd.to_datetime(["2020-02-29"] * 30))),
    "dates": (DatetimeCodec, objects(stamps().dt.date.tolist())),
    "times": (DatetimeCodec, objects([datetime.time(h % 24, 15) for h in range(99)])),
    "durations": (DatetimeCodec, pd.Series(pd.to_timedelta(rng().integers(0, 10**6, 200), unit="s"))),
    "decimals": (DatetimeCodec, objects(CENTS)),
    "identifier, counting": (IdentifierCodec, pd.Series([f"C{i:04}" for i in range(100)])),
    "identifier, whole": (IdentifierCodec, pd.Series(rng().permutation(300))),
    "identifier, by pattern": (IdentifierCodec, PATTERN),
    "identifier with gaps": (IdentifierCodec, gappy(pd.Series([f"k{i}" for i in range(100)]))),
    "text": (TextCodec, gappy(pd.Series([f"so it goes {i % 80}" for i in range(120)]))),
}


@pytest.mark.parametrize(("codec", "values"), list(COLUMNS.values()), ids=COLUMNS)
def test_every_column_codec_keeps_the_contract(codec, values):
    check_column_codec(codec, values)


def test_every_codec_is_checked():
    assert {codec for codec, _ in COLUMNS.values()} == set(COLUMN_CODECS)


SMALL = {"hidden_units": 8, "max_epochs": 1}
BASELINES = {name: {} for name in ("IndependentColumns", "Bootstrap", "SmoteSynthesizer")}
BASELINES |= dict.fromkeys(("Autoencoder", "VAE", "RNN"), SMALL)


@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_keeps_the_contract_of_synthesizers(name):
    check_synthesizer(getattr(baselines, name)(**BASELINES[name]))


def test_every_baseline_is_checked():
    assert set(BASELINES) == set(baselines.__all__)


DATA = {
    "table": (pd.DataFrame({"a": rng().normal(size=60), "b": list("xyz") * 20}), pd.Series([1, 2] * 30)),
    "image": (rng().integers(0, 99, (60, 5, 6, 3)).astype(np.uint8), np.array(["cat", "dog"] * 30)),
}


@pytest.mark.filterwarnings("ignore::ganaug.exceptions.FewImagesWarning")
@pytest.mark.parametrize("name", MODALITIES)
def test_every_modality_codes_its_data_and_goes_through_a_file(name):
    X, y = DATA[name]
    kind = MODALITIES[name]
    modality = kind.fit(X, y, None)
    assert kind.recognises(X, image_shape=None)
    assert set(kind.fit_parameters) <= set(kind.parameters)
    codes = modality.encode(X, y, strict=True)
    assert len(codes) == 60
    again = kind.from_state(*modality.to_state())
    np.testing.assert_array_equal(again.encode(X, y, strict=True), codes)
    back, labels = again.decode(codes, rng())
    assert type(back) is type(X)
    assert type(labels) is type(y)
    np.testing.assert_array_equal(np.asarray(labels), np.asarray(y))
    np.testing.assert_array_equal(modality.encode(back, labels, strict=True), codes)
    options = modality.settle(modality.default_generator(), torch.device("cpu"))
    options.check()
    assert sum(parameter.numel() for parameter in modality.build(options).parameters()) > 0


class Broken(CategoryCodec):
    """A codec with one thing wrong at a time, by what its name says."""

    kind = "broken"


def breaks(method, result):
    return type("Broken", (Broken,), {method: result})


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (breaks("encode", lambda self, values, unseen="raise": np.zeros(len(values), int)), "shape"),
        (breaks("encode", lambda self, values, unseen="raise": np.full((len(values), 1), 9)), "beyond"),
        (
            breaks("encode", lambda self, values, unseen="raise": np.arange(len(values))[:, None] % 2),
            "around it",
        ),
        (breaks("decode", lambda self, codes, rng: np.array(["a"] * len(codes), dtype=object)), "missing"),
        (breaks("decode", lambda self, codes, rng: np.zeros(len(codes))), "dtype"),
        (breaks("shares", lambda self, wanted, before=(): np.ones(len(self.counts))), "asked for|was wanted"),
        (breaks("to_state", lambda self: ({}, {"x": np.array(["a"])})), "can't hold"),
        (breaks("from_state", classmethod(lambda cls, name, header, arrays: header["levels"])), "fields"),
    ],
    ids=["shape", "width", "order", "missing", "dtype", "shares", "arrays", "load"],
)
def test_a_codec_that_breaks_the_contract_is_told_so(broken, words):
    values = pd.Series(["a", "b", None] * 20)
    with pytest.raises((AssertionError, AttributeError, KeyError), match=words):
        check_column_codec(broken, values)
