"""Columns that others determine: found where they were put to the test, and held in every row."""

import json

import numpy as np
import pandas as pd
import pytest

from ganaug import GANSynthesizer, Present
from ganaug.exceptions import ModelFileError
from ganaug.tabular.codec import TableCodec
from ganaug.tabular.relation_search import evidence

CITIES = {"Oslo": "NO", "Bergen": "NO", "Lyon": "FR", "Paris": "FR", "Nice": "FR"}
N = 400
FEW = np.arange(40)


def rng():
    return np.random.default_rng(0)


@pytest.fixture
def table():
    generator = rng()
    city = generator.choice(list(CITIES), N)
    frame = pd.DataFrame({"city": city, "country": pd.Series(city).map(CITIES)})
    frame["code"] = frame["city"].map({name: 10 * at for at, name in enumerate(CITIES)})
    frame["net"] = generator.integers(0, 500, N)
    frame["tax"] = generator.integers(0, 90, N)
    frame["gross"] = frame["net"] + frame["tax"]
    frame["x"] = generator.normal(size=N)
    frame["copy"] = frame["x"]
    return frame


def notes(table, **options):
    found = TableCodec.fit(table, **options).describe()
    return {column: note for column, note in zip(found["column"], found["note"], strict=True) if note}


def random_rows(codec, n=500):
    columns = [rng().integers(field.n_codes, size=n) for field in codec.fields]
    return np.stack(columns, axis=1).astype(np.int32)


def test_relations_are_found(table):
    assert notes(table) == {
        "country": "determined by 'city'",
        "code": "one to one with 'city'",
        "gross": "equals 'net' + 'tax'",
        "copy": "the same as 'x'",
    }


def test_twins_have_no_fields_of_their_own(table):
    codec = TableCodec.fit(table)
    assert len(codec.fields) == 6
    assert codec.field_of("code") == codec.field_of("city")
    codes = codec.encode(table)
    np.testing.assert_array_equal(
        codec.codec_of("code").encode(table["code"]), codes[:, codec.field_of("city")]
    )


def holds(rows):
    cities = dict.fromkeys(CITIES)
    assert (rows["country"] == rows["city"].map(CITIES)).all()
    assert (rows["code"] == rows["city"].map({name: 10 * at for at, name in enumerate(cities)})).all()
    assert (rows["gross"] == rows["net"] + rows["tax"]).all()
    assert (rows["copy"] == rows["x"]).all()


def test_whatever_codes_are_drawn_the_relations_hold(table):
    codec = TableCodec.fit(table)
    holds(codec.decode(random_rows(codec), rng()))
    header, arrays = codec.to_state()
    loaded = TableCodec.from_state(json.loads(json.dumps(header)), arrays)
    pd.testing.assert_frame_equal(
        loaded.decode(random_rows(codec), rng()), codec.decode(random_rows(codec), rng())
    )


def test_a_determined_column_that_stays_moves_the_one_that_determines_it(table):
    codec = TableCodec.fit(table)
    codes = random_rows(codec)
    given = np.zeros((len(codes), table.shape[1]), dtype=bool)
    given[:, table.columns.get_loc("country")] = True
    settled = codec.settle_codes(codes, rng(), given)
    span = codec.field_of("country")
    np.testing.assert_array_equal(settled[:, span], codes[:, span])
    holds(codec.decode(settled, rng()))
    share = codec.decode(settled, rng())["city"].value_counts(normalize=True)
    assert share["Oslo"] / share["Bergen"] == pytest.approx(1, abs=0.4)  # as they are among the rows


def test_a_total_that_stays_moves_its_parts(table):
    codec = TableCodec.fit(table)
    columns = codec.decode_columns(random_rows(codec), rng())
    place = {name: at for at, name in enumerate(table.columns)}
    columns[place["gross"]] = np.full(500, 300)
    given = np.zeros((500, table.shape[1]), dtype=bool)
    given[:, [place["gross"], place["tax"]]] = True
    settled = codec.settle(columns, given)
    assert (settled[place["gross"]] == 300).all()
    np.testing.assert_array_equal(settled[place["tax"]], columns[place["tax"]])
    np.testing.assert_array_equal(settled[place["net"]], 300 - columns[place["tax"]])


def test_missing_cells_of_a_sum_stay_missing_and_the_rest_of_the_rows_keep_to_it(table):
    table["tax"] = table["tax"].astype("Int64").mask(rng().random(N) < 0.2)
    table["gross"] = table["net"] + table["tax"]
    codec = TableCodec.fit(table)
    rows = codec.decode(random_rows(codec), rng())
    present = rows[["net", "tax", "gross"]].notna().all(axis=1)
    assert 0 < present.sum() < len(rows)
    assert (rows["gross"] == rows["net"] + rows["tax"])[present].all()


@pytest.mark.parametrize(
    ("make", "note"),
    [
        (lambda t: 1 - t["flag"], "one to one with 'flag'"),
        (lambda t: t["a"] * 1.609, "equals +1.609 * 'a'"),
        (lambda t: t["a"] * 1.8 + 32, "equals +1.8 * 'a' +32"),
        (lambda t: t["a"] + t["b"] - t["c"], None),
        (lambda t: t["a"].round(-2), "determined by 'a'"),
        (lambda t: t["a"] + (np.arange(len(t)) == 5), "never below 'a'"),
        (lambda t: t["a"] * t["b"], "equals 'a' * 'b'"),
        (lambda t: t["a"] * t["b"] + t["c"], ""),
    ],
    ids=["complement", "miles", "degrees", "three", "rounded", "but for one row", "product", "of three"],
)
def test_what_counts_as_a_relation(make, note):
    generator = rng()
    base = pd.DataFrame({name: generator.integers(0, 900, 3_000) for name in "abc"})
    base["flag"] = generator.integers(0, 2, 3_000)
    found = notes(base.assign(new=make(base)))
    if note is None:  # which of the four makes up for the others doesn't matter
        assert [text.count("'") for text in found.values()] == [6]
    else:
        assert note in ("", *found.values())
        assert bool(found) == bool(note)


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"who": [f"n{i}" for i in range(90)] * 2, "what": ["u"] * 179 + ["v"]}),
        pd.DataFrame({"who": rng().choice(list("abc"), 60), "what": ["u"] * 60}),
        pd.DataFrame({"who": rng().choice(list("abcd"), 8), "what": list("uuvvuuvv")}),
        pd.DataFrame(
            {"a": np.arange(40) % 7, "b": np.arange(40) % 5, "c": np.arange(40) % 7 + np.arange(40) % 5}
        ),
    ],
    ids=["nearly always the same", "constant", "tiny", "too few rows"],
)
def test_no_relation_without_evidence(table):
    assert notes(table) == {}


def test_a_chain_is_followed_from_the_finest():
    cells = rng().integers(0, 60, 2_000)
    table = pd.DataFrame({"group": cells // 20, "block": cells // 4, "cell": [f"c{i}" for i in cells]})
    assert notes(table) == {"group": "determined by 'block'", "block": "determined by 'cell'"}
    codec = TableCodec.fit(table)
    rows = codec.decode(random_rows(codec), rng())
    number = rows["cell"].str[1:].astype(int)
    assert (rows["block"] == number // 4).all()
    assert (rows["group"] == number // 20).all()


def test_many_levels_can_determine_and_be_twins():
    cells = rng().integers(0, 1_200, 6_000)
    names = pd.Series([f"level {i}" for i in cells])
    table = pd.DataFrame({"name": names, "code": [f"k{i * 7919 % 9973}" for i in cells], "half": cells % 2})
    assert notes(table) == {"code": "one to one with 'name'", "half": "determined by 'name'"}
    codec = TableCodec.fit(table)
    rows = codec.decode(random_rows(codec, 2_000), rng())
    together = table.drop_duplicates().set_index("name")
    np.testing.assert_array_equal(together.loc[rows["name"]], rows[["code", "half"]])


@pytest.mark.parametrize(
    "change",
    [
        lambda r: None,
        lambda r: {},
        lambda r: r | {"twins": [[0, 99, True]]},
        lambda r: r | {"twins": [[0, 3, True]]},
        lambda r: r | {"twins": [[2, 0, False]]},
        lambda r: r | {"twins": r["twins"] * 2},
        lambda r: r | {"lookups": [[0, 0]]},
        lambda r: r | {"lookups": [[3, 1]]},
        lambda r: r | {"sums": [{}]},
        lambda r: r | {"sums": [r["sums"][0] | {"members": [0, 1]}]},
        lambda r: r | {"sums": [r["sums"][0] | {"coefficients": [0.0, 1.0, 1.0]}]},
        lambda r: r | {"sums": [r["sums"][0] | {"constant": "x"}]},
    ],
)
def test_broken_relations_in_a_file_are_a_model_file_error(table, change):
    header, arrays = TableCodec.fit(table).to_state()
    with pytest.raises(ModelFileError):
        TableCodec.from_state(header | {"relations": change(header["relations"])}, arrays)


def test_copy_with_another_missing_value_keeps_its_own():
    some = pd.Series([True, False, np.nan] * 40, dtype=object)
    table = pd.DataFrame({"nan": some, "none": some.where(some.notna(), None), "x": rng().normal(size=120)})
    codec = TableCodec.fit(table)
    drawn = codec.decode(random_rows(codec), rng())
    assert drawn["none"][drawn["none"].isna()].map(lambda cell: cell is None).all()
    assert drawn["none"].isna().equals(drawn["nan"].isna())


def gaps_by_level():
    """A flag that is missing at one level of another column, and its copy."""
    levels = np.tile(np.arange(8), 30)
    flag = pd.Series(levels).map(lambda at: None if at == 0 else "ab"[at % 2])
    return pd.DataFrame({"level": [f"l{at}" for at in levels], "flag": flag, "copy": flag})


def test_column_asked_to_be_present_is_not_made_a_gap_by_the_one_that_determines_it():
    synthesizer = GANSynthesizer(max_epochs=1, random_state=0).fit(gaps_by_level())
    drawn = synthesizer.sample(200, conditions={"flag": Present()})
    assert drawn["flag"].notna().all()
    assert (drawn["level"] != "l0").all()


@pytest.mark.parametrize("blank", [[], ["copy"], ["flag", "copy"], ["level", "flag", "copy"]])
def test_gaps_are_filled_whatever_determines_them(blank):
    table = gaps_by_level()
    synthesizer = GANSynthesizer(max_epochs=1, random_state=0).fit(table)
    table.loc[100:, blank] = None
    for filled in synthesizer.complete(table, n_draws=5):
        assert filled.notna().all(axis=None)
        assert (filled["flag"] == filled["copy"]).all()


def test_numbers_that_never_meet_are_no_evidence():
    assert evidence(np.array([0, -1, 1, -1]), np.array([-1, 0, -1, 1])) == 0
    assert evidence(np.array([0, 1, 2]), np.array([0, 1, 2])) == 0
    assert evidence(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1])) == pytest.approx(2 * np.log(2))
