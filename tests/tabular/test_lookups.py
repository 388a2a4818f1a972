"""Columns that another one nearly determines: found by evidence, drawn only as pairs that were seen."""

import json

import numpy as np
import pandas as pd
import pytest

from ganaug import GANSynthesizer, Present
from ganaug.exceptions import ModelFileError
from ganaug.tabular.codec import TableCodec
from ganaug.tabular.lookups import Pairing, is_pairing, pairs_of_rows

N, N_PRODUCTS, EVIDENCE = 2_000, 300, 30.0


def shop(share_of_typos=0.02, seed=0):
    """Products by code and name; some names are missing or mistyped."""
    rng = np.random.default_rng(seed)
    product = rng.integers(0, N_PRODUCTS, N)
    name = pd.Series([f"name of {at}" for at in product], dtype=object)
    wrong = rng.random(N) < share_of_typos
    name[wrong] = rng.choice(["?", "damaged", None], wrong.sum())
    return pd.DataFrame({"code": [f"c{at}" for at in product], "name": name, "n": rng.normal(size=N)})


def pairs(table):
    return set(zip(table["code"], table["name"].fillna("missing"), strict=True))


def drawn_at_random(codec, n=3_000):
    rng = np.random.default_rng(1)
    codes = np.stack([rng.integers(field.n_codes, size=n) for field in codec.fields], axis=1)
    return codec.decode(codes.astype(np.int32), rng)


def test_what_nearly_determines_a_column_is_found():
    found = TableCodec.fit(shop()).describe().set_index("column")["note"]
    assert found["name"] == ""
    assert found["code"] == "nearly determined by 'name'"


@pytest.mark.parametrize("share", [0.3, 0.5])
def test_a_rule_with_many_exceptions_is_none(share):
    assert (TableCodec.fit(shop(share)).describe()["note"] == "").all()


@pytest.mark.parametrize("rare", [0.0, 0.002, 0.05])
def test_a_column_that_hardly_varies_is_not_told_by_another(rare):
    rng = np.random.default_rng(0)
    assert not is_pairing(
        pairs_of_rows(rng.integers(0, 100, N)), (rng.random(N) < rare).astype(np.int64), EVIDENCE
    )


def test_few_rows_are_no_evidence_and_sorted_ones_no_better():
    codes = np.sort(np.random.default_rng(0).integers(0, 4, N))
    assert not is_pairing(
        pairs_of_rows(codes), np.arange(N) // 100, EVIDENCE
    )  # neighbours agree, two of a code don't
    assert is_pairing(pairs_of_rows(codes), codes, EVIDENCE)
    assert not is_pairing(pairs_of_rows(codes[::400]), codes[::400], EVIDENCE)


def test_only_pairs_that_were_seen_are_drawn_and_the_exceptions_among_them():
    table = shop()
    codec = TableCodec.fit(table)
    drawn = drawn_at_random(codec)
    assert pairs(drawn) <= pairs(table)
    known = ~drawn["name"].fillna("missing").isin(["?", "damaged", "missing"])
    assert 0 < known.mean() < 1
    assert drawn["code"][~known].nunique() > 5
    header, arrays = codec.to_state()
    pd.testing.assert_frame_equal(
        drawn_at_random(TableCodec.from_state(json.loads(json.dumps(header)), arrays)), drawn
    )


def test_a_pair_that_was_seen_stays_and_another_gives_way_as_often_as_rows_had_it():
    parents = np.repeat([0, 0, 1], [30, 10, 5])
    pairing = Pairing.fit(0, 1, parents, np.repeat([2, 3, 4], [30, 10, 5]))
    codes, held = np.repeat([0, 0, 1, 7, -1], 1_000), np.repeat([3, 4, 4, 0, 0], 1_000)
    found = pairing.find(codes, held, np.random.default_rng(0)).reshape(5, -1)
    assert (found[[0, 2, 3, 4]] == -1).all()
    assert set(found[1]) == {2, 3}
    assert (found[1] == 2).mean() == pytest.approx(0.75, abs=0.05)
    np.testing.assert_array_equal(pairing.only(np.array([0, 1, 7, -1])), [-1, 4, -1, -1])


@pytest.fixture(scope="module")
def synthesizer():
    return GANSynthesizer(max_epochs=1, random_state=0).fit(shop())


@pytest.mark.parametrize("column", ["code", "name"])
def test_either_column_can_be_asked_for(synthesizer, column):
    value = shop()[column].iloc[7]
    drawn = synthesizer.sample(300, conditions={column: value})
    assert (drawn[column] == value).all()
    assert pairs(drawn) <= pairs(shop())


def test_columns_asked_to_be_present_are(synthesizer):
    assert synthesizer.sample(500, conditions={"name": Present()})["name"].notna().all()


@pytest.mark.parametrize("column", ["code", "name"])
def test_a_gap_is_filled_with_what_goes_with_the_other(synthesizer, column):
    table = shop().dropna().head(200)
    filled = synthesizer.complete(table.assign(**{column: None}))
    assert pairs(filled) <= pairs(shop())
    assert (
        filled["code" if column == "name" else "name"] == table["code" if column == "name" else "name"]
    ).all()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("parents", lambda array: array[::-1]),
        ("parents", lambda array: array + 10**6),
        ("children", lambda array: array - 10**6),
        ("children", lambda array: array[1:]),
        ("mass", lambda array: -array),
        ("mass", lambda array: array.astype(str)),
    ],
)
def test_a_broken_pairing_in_a_file_is_a_model_file_error(name, change):
    header, arrays = TableCodec.fit(shop()).to_state()
    key = f"relations.0.{name}"
    with pytest.raises(ModelFileError):
        TableCodec.from_state(header, arrays | {key: change(arrays[key])})


def test_a_column_agrees_with_all_that_it_determines_and_that_are_given():
    minutes = np.random.default_rng(0).choice(np.arange(0, 1440, 10), N)
    clock = pd.DataFrame({"at": [f"{at // 60:02}{at % 60:02}" for at in minutes]})
    clock = clock.assign(hour=minutes // 60, minute=minutes % 60, x=np.random.default_rng(1).normal(size=N))
    notes = TableCodec.fit(clock).describe()["note"].tolist()
    assert notes == ["", "determined by 'at'", "determined by 'at'", ""]
    synthesizer = GANSynthesizer(max_epochs=1, random_state=0).fit(clock)
    filled = synthesizer.complete(clock.head(300).assign(at=None))
    pd.testing.assert_series_equal(filled["at"], clock["at"].head(300))
    drawn = synthesizer.sample(200, conditions={"hour": [3, 4], "minute": 20})
    assert set(drawn["at"]) == {"0320", "0420"}


@pytest.mark.parametrize("share", [0.0, 0.02])
def test_a_gap_is_filled_though_rows_of_what_it_goes_with_had_gaps_there(share):
    rng = np.random.default_rng(0)
    customer = rng.integers(0, 40, N)
    country = np.where(rng.random(N) < share, "??", np.array(list("abcd"))[customer % 4])
    unknown = (rng.random(N) < 0.4) & (country == "a")
    table = pd.DataFrame({"customer": pd.Series(customer).map(str).mask(unknown), "country": country})
    table = table.assign(x=rng.normal(size=N))
    assert "determined" in TableCodec.fit(table).describe()["note"].iloc[1]
    synthesizer = GANSynthesizer(max_epochs=1, random_state=0).fit(table)
    filled = synthesizer.complete(table.head(400).assign(customer=None))
    assert filled["customer"].notna().all()
