"""What the caller says of columns: kinds, what is left out, which levels are protected."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from ganaug import Cascade, GANSynthesizer
from ganaug.exceptions import InvalidConditionError, InvalidTableError, ModelFileError, RejectColumn
from ganaug.tabular.choices import Choices, declared_categories
from ganaug.tabular.codec import TableCodec
from ganaug.tabular.columns import CategoryCodec, NumberCodec
from ganaug.testing import check_column_codec

N = 160
TINY = Cascade(hidden_units=8, context_units=16, embedding_units=4)


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "zip": rng.integers(1_000, 1_004, N),
            "rank": np.arange(N),
            "note": [f"he said {' very' * (i % 9)} {chr(97 + i % 26)} {i}" for i in range(N)],
            "town": rng.choice(["Oslo", "Oslo", "Oslo", "Bergen", "Moss"], N),
            "size": rng.normal(size=N),
        }
    )


def small(**parameters):
    return GANSynthesizer(generator=TINY, max_epochs=1, random_state=0, **parameters)


def kinds(table, columns=None, **options):
    found = TableCodec.fit(table, None, Choices(columns or {}, **options)).describe()
    return dict(zip(found["column"], found["kind"], strict=True))


def test_kinds_are_found_and_can_be_chosen(table):
    found = kinds(table, {"note": "text"})
    assert found == {
        "zip": "category",
        "rank": "identifier",
        "note": "text",
        "town": "category",
        "size": "number",
    }
    chosen = kinds(
        table, {"note": "category", "rank": "number", "zip": "number", "size": "category", "town": "text"}
    )
    assert chosen == {
        "zip": "number",
        "rank": "number",
        "note": "category",
        "town": "text",
        "size": "category",
    }


def test_free_text_is_refused_by_name_with_what_to_do(table):
    with pytest.raises(
        RejectColumn, match=r"'note' looks like free text.*columns=\{'note': 'drop'\}.*'text'"
    ):
        TableCodec.fit(table)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"nowhere": "drop"}, "'zip', .*'nowhere'"),
        ({"zip": "zipcode"}, "'zip' .*'category'.*'zipcode'"),
        ({"zip": NumberCodec.fit}, "'zip'"),
        (dict.fromkeys(["zip", "rank", "note", "town", "size"], "drop"), "all columns"),
        ({"town": "datetime", "note": "drop"}, "'town' holds no dates"),
        ({"town": "number", "note": "drop"}, "'town' is not a number"),
        ({"size": "identifier", "note": "drop"}, "'size' can't be an identifier"),
    ],
)
def test_wrong_choices_are_errors_that_name_the_column(table, columns, words):
    with pytest.raises(InvalidTableError, match=words):
        small(columns=columns).fit(table)
    with pytest.raises(TypeError, match="columns must be a dict"):
        small(columns=["zip"]).fit(table)


def test_a_table_with_nothing_to_learn_from_is_an_error(table):
    with pytest.raises(InvalidTableError, match="'rank': identifier"):
        small().fit(table[["rank"]])


def test_dropped_columns_are_not_drawn_and_rows_are_scored_with_or_without(table):
    model = small(columns={"note": "drop", "rank": "drop"}).fit(table)
    rows = model.sample(9)
    assert rows.columns.tolist() == ["zip", "town", "size"]
    assert model.n_features_in_ == 5
    assert np.isfinite(model.score(table))
    array = small(columns={0: "drop"}).fit(table[["zip", "size"]].to_numpy()).sample(4)
    assert array.shape == (4, 1)
    holes = table.assign(town=table["town"].mask(np.arange(N) % 2 == 0))
    assert model.complete(holes).columns.tolist() == ["zip", "town", "size"]


def test_identifiers_and_text_in_rows(table):
    model = small(columns={"note": "text"}).fit(table)
    rows = model.sample(50)
    assert rows["rank"].tolist() == list(range(N, N + 50))
    assert set(rows["note"]) <= set(table["note"])
    asked = model.sample(5, conditions={"rank": -1, "note": "hers"})
    assert asked["rank"].eq(-1).all()
    assert asked["note"].eq("hers").all()
    batches = list(model.sample_batches(50, batch_rows=20))
    assert pd.concat(batches)["rank"].tolist() == list(range(N, N + 50))


def test_labels_are_never_identifiers(table):
    _, y = small().fit(table[["zip", "size"]], table["rank"]).sample(30, return_y=True)
    assert y.between(0, N - 1).all()


def test_rare_levels_are_protected(table, tmp_path):
    fewest = table["town"].value_counts()["Bergen"]
    table.loc[:2, "town"] = "Nowhere"
    model = small(columns={"note": "drop"}, min_level_count=4).fit(table)
    assert "Nowhere" not in set(model.sample(2_000)["town"])
    model.save(tmp_path / "m.ganaug")
    assert b"Nowhere" not in (tmp_path / "m.ganaug").read_bytes()
    assert np.isfinite(model.score_samples(table)).all()
    with pytest.raises(InvalidConditionError, match=r"'town' never had .*too few rows: 'Nowhere'"):
        model.sample(1, conditions={"town": "Nowhere"})
    with pytest.raises(RejectColumn, match="'town': no level has min_level_count=500"):
        small(columns={"note": "drop"}, min_level_count=500).fit(table)
    weighted = small(columns={"note": "drop"}, min_level_count=4).fit(table, sample_weight=np.ones(N))
    assert set(weighted.sample(500)["town"]) == {"Oslo", "Bergen", "Moss"}
    assert fewest > 4


def test_a_category_without_rare_levels_is_as_before(table):
    plain, asked = (CategoryCodec.fit(table["town"], "town", min_level_count=k) for k in (1, 4))
    assert plain.levels == asked.levels
    np.testing.assert_array_equal(plain.counts, asked.counts)
    assert not asked.has_rare


class Signed(CategoryCodec):
    """A third party's codec: text, its kind is its own."""

    kind = "signed"


def test_a_codec_of_ones_own_is_used_and_survives_copies_and_files(table, tmp_path):
    check_column_codec(Signed, table["town"])
    model = small(columns={"note": "drop", "town": Signed}).fit(table)
    assert model.columns_.set_index("column").loc["town", "kind"] == "signed"
    assert clone(model).get_params()["columns"] == {"note": "drop", "town": Signed}
    expected = model.sample(20, random_state=1)
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(model)).sample(20, random_state=1), expected)
    path = tmp_path / "m.ganaug"
    model.save(path)
    with pytest.raises(ModelFileError, match=r"codec of its own for column 'town'.*codecs=.*'signed'"):
        GANSynthesizer.load(path)
    loaded = GANSynthesizer.load(path, codecs=[Signed])
    pd.testing.assert_frame_equal(loaded.sample(20, random_state=1), expected)
    assert loaded.get_params()["columns"] == {"note": "drop"}  # a file holds no classes


def test_choices_survive_a_file_with_numbers_as_names(table, tmp_path):
    numbered = table[["zip", "size", "town"]].set_axis([0, 1, 2], axis=1)
    model = small(columns={0: "number", 2: "text"}, min_level_count=2).fit(numbered)
    model.save(tmp_path / "m.ganaug")
    loaded = GANSynthesizer.load(tmp_path / "m.ganaug")
    assert loaded.get_params()["columns"] == {0: "number", 2: "text"}
    assert loaded.get_params()["min_level_count"] == 2
    pd.testing.assert_frame_equal(loaded.columns_, model.columns_)


def test_columns_say_what_was_decided(table):
    found = small(columns={"note": "text"}).fit(table).columns_.set_index("column")
    assert found.index.tolist() == table.columns.tolist()
    assert found["chosen"].tolist() == [False, False, True, False, False]
    assert found.loc["rank", "why"].startswith("its values tell rows apart")
    assert found["n_fields"].tolist() == [1, 0, 0, 1, 1]
    assert not hasattr(small(), "columns_")


@pytest.mark.parametrize(
    "features", [["zip", "size"], [0, 4], np.array([0, 4]), np.array([True, False, False, False, True])]
)
def test_categories_by_name_by_position_and_by_mask(table, features):
    assert declared_categories(features, table.columns) == {"zip": "category", "size": "category"}
    assert declared_categories("from_dtype", table.columns) == {}


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (["city"], "hasn't: 'city'"),
        ([5], "from 0 to 4, got 5"),
        ([True, False], "each of the 5 columns, got 2"),
        (None, "'from_dtype'.*None"),
        ("zip", "'from_dtype'.*'zip'"),
        ([0, "zip"], "'from_dtype'.*'zip'"),
        ([0.5], "'from_dtype'.*0.5"),
    ],
)
def test_categories_that_name_no_column_are_refused(table, features, message):
    with pytest.raises(ValueError, match=f"(?s)categorical_features.*{message}"):
        declared_categories(features, table.columns)


def test_columns_have_the_last_word_on_categories(table):
    numbers = table[["zip", "size"]]
    model = small(categorical_features=[0, 1], columns={"size": "number"}).fit(numbers)
    assert model.columns_["kind"].tolist() == ["category", "number"]
    drawn = model.sample(50, random_state=0)
    assert set(drawn["zip"]) <= set(numbers["zip"])


def test_categories_of_an_array_are_positions():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=N).round(1), rng.normal(size=N)])
    model = small(categorical_features=[0]).fit(X)
    assert model.columns_["kind"].tolist() == ["category", "number"]


def test_a_file_remembers_which_columns_were_said_to_be_categories(tmp_path):
    X = np.random.default_rng(0).integers(0, 5, (N, 2))
    small(categorical_features=np.array([True, False])).fit(X).save(tmp_path / "model.ganaug")
    assert GANSynthesizer.load(tmp_path / "model.ganaug").categorical_features == (True, False)


def test_images_have_no_columns_that_could_be_categories():
    images = np.random.default_rng(0).random((20, 8, 8))
    with pytest.raises(ValueError, match="categorical_features is for a modality 'table'"):
        GANSynthesizer(categorical_features=[0, 1], max_epochs=1).fit(images)
