"""Column codecs: exact inverse, frequencies, ends, decimals, missing and hostile values."""

import datetime
import decimal
import json

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from ganaug.exceptions import InvalidTableError, RejectColumn
from ganaug.tabular.columns import CategoryCodec, NumberCodec
from ganaug.tabular.columns.cells import MAX_CELLS
from ganaug.tabular.columns.numeric import learn_decimals


def rng():
    return np.random.default_rng(0)


def series(cells, dtype=None):
    return pd.Series(cells, dtype=dtype, name="a")


def there_and_back(codec, values):
    codes = codec.encode(values)
    assert codes.shape == (len(values), len(codec.fields))
    assert codes.min() >= 0
    assert (codes.max(axis=0) < [field.n_codes for field in codec.fields]).all()
    return series(codec.decode(codes, rng()), values.dtype)


def lone_numbers(n=1_000):
    return series(rng().lognormal(size=n))


LEVELS = {
    "bool": series([True, False, True] * 4),
    "int8": series([1, 5, -3] * 4, "int8"),
    "float32": series([0.1, np.nan, 2.5] * 4, "float32"),
    "big endian": series(np.array([1.0, 2.0, 3.0] * 4, ">f8")),
    "Int64": series([1, None, 3] * 4, "Int64"),
    "Float32": series([0.1, None, 3] * 4, "Float32"),
    "boolean": series([True, None, False] * 4, "boolean"),
    "string[python]": series(["x", None, "y"] * 4, "string[python]"),
    "string[pyarrow]": series(["x", None, "y"] * 4, "string[pyarrow]"),
    "arrow string": series(["x", None, "y"] * 4, pd.ArrowDtype(__import__("pyarrow").string())),
    "arrow bool": series([True, None, False] * 4, "bool[pyarrow]"),
    "arrow int": series([1, None, 7] * 4, "int32[pyarrow]"),
    "text": series(["x", "y", "x"] * 4, object),
    "text, None": series(["x", None, "x"] * 4, object),
    "text, NaN": series(["x", np.nan, "x"] * 4, object),
    "text, NA": series(["x", pd.NA, "x"] * 4, object),
    "mixed": series([True, 1, 1.0, "1", "True", None] * 4, object),
    "category": series(["x", None, "y"] * 4, pd.CategoricalDtype(["z", "y", "x"])),
    "ordered": series(["x", None, "y"] * 4, pd.CategoricalDtype(["z", "y", "x"], ordered=True)),
    "category of ints": series([3, None, 1] * 4, pd.CategoricalDtype([1, 2, 3])),
    "constant": series([2.5] * 9),
    "all missing floats": series([np.nan] * 9),
    "all missing objects": series([None] * 9, object),
    "all missing Int64": series([None] * 9, "Int64"),
    "one row": series(["x"], object),
}


@pytest.mark.parametrize("values", list(LEVELS.values()), ids=LEVELS)
def test_decode_inverts_encode_of_levels(values):
    codec = CategoryCodec.fit(values, "a")
    back = there_and_back(codec, values)
    pd.testing.assert_series_equal(back, values, check_names=False)
    assert [type(cell) for cell in back] == [type(cell) for cell in values]
    assert codec.fields[0].counts.sum() == len(values)


NUMBERS = {
    "int64": lambda x: (x * 1000).astype("int64"),
    "uint16": lambda x: (x * 1000).clip(upper=60_000).astype("uint16"),
    "float64": lambda x: x,
    "float32": lambda x: x.astype("float32"),
    "float16": lambda x: x.astype("float16"),
    "big endian": lambda x: x.astype(">f8"),
    "Int32": lambda x: (x * 1000).astype("int32").astype("Int32").mask(x < 0.3),
    "Float64": lambda x: x.astype("Float64").mask(x < 0.3),
    "float64, NaN": lambda x: x.mask(x < 0.3),
    "arrow int": lambda x: (x * 1000).astype("int64").astype("int64[pyarrow]").mask(x < 0.3),
    "arrow float": lambda x: x.astype("double[pyarrow]").mask(x < 0.3),
    "float objects": lambda x: x.astype(object),
    "int objects, None": lambda x: (x * 1000).astype("int64").astype(object).where(x > 0.3, None),
}


@pytest.mark.parametrize("make", list(NUMBERS.values()), ids=NUMBERS)
def test_decode_inverts_encode_of_numbers_within_a_cell(make):
    values = make(lone_numbers())
    codec = NumberCodec.fit(values, "a")
    back = there_and_back(codec, values)
    assert back.dtype == values.dtype
    assert set(map(type, back)) == set(map(type, values))
    pd.testing.assert_series_equal(back.isna(), values.isna(), check_names=False)
    old, new = (x.dropna().to_numpy(dtype=np.float64) for x in (values, back))
    assert new.min() == old.min()
    assert new.max() == old.max()
    order = np.argsort(old, kind="stable")
    gap = np.diff(old[order]).max()
    assert np.abs(new - old).max() <= gap
    assert spearman(old, new) > 0.999


def spearman(x, y):
    return np.corrcoef(pd.Series(x).rank(), pd.Series(y).rank())[0, 1]


@pytest.mark.parametrize("values", [v for v in LEVELS.values() if v.notna().any()])
def test_state_round_trip_of_levels(values):
    codec = CategoryCodec.fit(values, "a")
    header, arrays = codec.to_state()
    loaded = CategoryCodec.from_state("a", json.loads(json.dumps(header)), arrays)
    pd.testing.assert_series_equal(there_and_back(loaded, values), there_and_back(codec, values))


@pytest.mark.parametrize("make", list(NUMBERS.values()), ids=NUMBERS)
def test_state_round_trip_of_numbers(make):
    values = make(lone_numbers())
    codec = NumberCodec.fit(values, "a")
    header, arrays = codec.to_state()
    loaded = NumberCodec.from_state("a", json.loads(json.dumps(header)), arrays)
    pd.testing.assert_series_equal(there_and_back(loaded, values), there_and_back(codec, values))


# --- numbers ------------------------------------------------------------------------------------------------


def test_normal_scores_are_those_of_the_ranks():
    # Ranks: 1 takes two of ten, the lone values one each, and a point mass takes none.
    values = series([1.0, 1.0, *np.arange(2.5, 10.0), *[50.0] * 20])
    codec = NumberCodec.fit(values, "a")
    (field,) = codec.fields
    assert field.n_points == 1
    np.testing.assert_allclose(field.upper[:-1], ndtri([0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]))
    np.testing.assert_allclose(field.centre[:2], ndtri([0.1, 0.25]))
    assert field.lower[0] == -np.inf
    assert field.upper[-1] == np.inf
    np.testing.assert_array_equal(field.lower[1:], field.upper[:-1])
    np.testing.assert_array_equal(field.counts, [20, 10])


def test_weights_move_ranks_and_rows_without_weight_are_absent():
    values = series([*np.arange(1.0, 11.0), -1e9])
    weights = np.array([2.0, *[1.0] * 8, 0.0, 0.0])
    (field,) = NumberCodec.fit(values, "a", weights).fields
    np.testing.assert_allclose(field.upper[:-1], ndtri(np.arange(2, 10) / 10))
    assert field.counts.tolist() == [10]


def test_repeated_values_and_point_masses_come_back_exactly_and_lone_values_do_not():
    lone = rng().uniform(0, 1, 2_000)
    values = series([*lone, *[0.123456789123456] * 3, *[0.5] * 500])
    codec = NumberCodec.fit(values, "a")
    back = there_and_back(codec, values)
    assert (back[2_000:] == values[2_000:]).all()
    inner = (lone > lone.min()) & (lone < lone.max())
    assert not np.isin(back[:2_000][inner], lone).any()
    assert not np.isin(codec.cells.low[1:], lone).any()


def test_popular_values_keep_their_frequency_under_random_ranks():
    values = series([*rng().integers(0, 150, 5_000), *rng().normal(75, 40, 500)])
    codec = NumberCodec.fit(values, "a")
    (field,) = codec.fields
    scores = rng().normal(size=100_000)
    cells = np.searchsorted(field.lower[1:], scores)
    drawn = series(codec.decode(cells[:, None] + field.n_points, rng()))
    want, got = values.value_counts(normalize=True), drawn.value_counts(normalize=True)
    shared = want.index[:150]
    assert np.abs(want[shared] - got.reindex(shared).fillna(0)).sum() < 0.05


def test_ends_are_reached_as_often_as_in_the_data():
    values = lone_numbers(200)
    codec = NumberCodec.fit(values, "a")
    back = pd.concat([there_and_back(codec, values) for _ in range(5)])
    assert (back == values.max()).sum() == 5
    assert (back == values.min()).sum() == 5
    assert back.between(values.min(), values.max()).all()


@pytest.mark.parametrize(
    ("cells", "decimals"),
    [
        ([1.25, 3.5, 1000.0], 2),
        ([0.1, 0.2, 0.1 + 0.2], 1),
        ([1e-7, 1.0], 7),
        ([100, 1500], -2),
        ([2**62, 3], 0),
        ([1e300, 0.5], 1),
        ([np.pi, np.e], None),
        (np.array([0.1, 2.3], "float32"), 1),
        ([5e-324, 1.0], None),
    ],
)
def test_decimals_are_learned(cells, decimals):
    assert learn_decimals(np.array(cells)) == decimals


@pytest.mark.parametrize("dtype", ["float64", "float32", "Float32"])
def test_drawn_numbers_have_the_decimals_of_the_column(dtype):
    values = series(np.round(rng().normal(0, 50, 1_000), 2), dtype)
    back = there_and_back(NumberCodec.fit(values, "a"), values).to_numpy()
    np.testing.assert_array_equal(back, np.round(back.astype(np.float64), 2).astype(back.dtype))


@pytest.mark.parametrize("repeats", [1, 3])
def test_cells_are_bounded_and_their_scores_increase_in_float32(repeats):
    values = series(np.repeat(rng().lognormal(sigma=3, size=30_000), repeats))
    codec = NumberCodec.fit(values, "a")
    (field,) = codec.fields
    assert MAX_CELLS / 2 < len(field.centre) <= MAX_CELLS + 1
    assert (np.diff(field.upper[:-1].astype(np.float32)) > 0).all()
    assert ((field.lower < field.centre) & (field.centre < field.upper)).all()
    back = there_and_back(codec, values)
    np.testing.assert_allclose(
        back.quantile([0.001, 0.5, 0.999]), values.quantile([0.001, 0.5, 0.999]), rtol=0.05
    )


def test_weights_of_any_size_give_scores_that_increase():
    values, weights = lone_numbers(500), 10.0 ** rng().uniform(-300, 0, 500)
    (field,) = NumberCodec.fit(values, "a", weights).fields
    assert np.isfinite(field.centre).all()
    assert (np.diff(field.upper[:-1].astype(np.float32)) > 0).all()


@pytest.mark.parametrize(
    "ends",
    [
        np.array([-(2**63), 2**63 - 1], "int64"),
        np.array([0, 2**64 - 1], "uint64"),
        np.array([-1.7e308, 1.7e308]),
        np.array([5e-324, 1.0]),
        np.array([-65504, 65504], "float16"),
        np.array([-0.0, 1e-300]),
    ],
    ids=str,
)
def test_extreme_values_neither_overflow_nor_vanish(ends):
    inner = rng().integers(0, 100, 200).astype(ends.dtype) if ends.dtype.kind in "iu" else rng().random(200)
    values = series(np.append(ends, inner.astype(ends.dtype)))
    codec = NumberCodec.fit(values, "a")
    back = np.concatenate([there_and_back(codec, values).to_numpy() for _ in range(3)])
    assert back.dtype == ends.dtype
    assert back.min() == values.min()
    assert back.max() == values.max()
    assert np.isfinite(back.astype(np.float64)).all()


def test_few_valued_numbers_are_left_to_categories_unless_the_table_is_tiny():
    with pytest.raises(RejectColumn, match="category"):
        NumberCodec.fit(series(np.arange(1_000) % 100), "a")
    assert len(NumberCodec.fit(series(np.arange(1_000) % 101), "a").points) == 0
    assert NumberCodec.fit(series(rng().random(60)), "a").fields[0].n_points == 0


def test_unseen_numbers_take_the_cell_that_contains_them():
    values = lone_numbers(300)
    codec = NumberCodec.fit(values, "a")
    ordered = np.sort(values)
    unseen = series([-1e9, (2 * ordered[7] + ordered[6]) / 3, 1e300])
    assert codec.encode(unseen)[:, 0].tolist() == [0, 7, len(codec.fields[0].centre) - 1]
    assert codec.encode(series([1, 2.5], object)).shape == (2, 1)


def test_unseen_missing_is_refused_or_marked():
    codec = NumberCodec.fit(lone_numbers(), "a")
    with pytest.raises(InvalidTableError, match=r"Column 'a' had no missing values in fit.* row 1"):
        codec.encode(series([1.0, np.nan]))
    assert codec.encode(series([1.0, np.nan]), unseen="mark")[1, 0] == -1
    with pytest.raises(InvalidTableError, match="'a' had numbers in fit"):
        codec.encode(series(["x"]))
    with pytest.raises(InvalidTableError, match="'a' holds infinity"):
        codec.encode(series([np.inf]))


# --- categories ---------------------------------------------------------------------------------------------


def test_order_of_levels_is_natural_where_there_is_one_and_else_by_frequency():
    assert CategoryCodec.fit(series([3, 3, 1, 2, 3]), "a").levels == (1, 2, 3)
    assert CategoryCodec.fit(series(list("bbca")), "a").levels == ("b", "a", "c")
    grades = pd.CategoricalDtype(["low", "mid", "high"], ordered=True)
    assert CategoryCodec.fit(series(["high", "high", "low"], grades), "a").levels == ("low", "high")
    assert CategoryCodec.fit(series(list("bbca")), "a", np.array([1, 1, 1, 5.0])).levels == ("a", "b", "c")


def test_rows_without_weight_leave_no_level():
    codec = CategoryCodec.fit(series(["x", "y", None]), "a", np.array([1.0, 0.0, 0.0]))
    assert codec.levels == ("x",)
    assert codec.missing is None


def test_many_levels_are_two_narrow_fields():
    levels = np.repeat([f"level {i}" for i in range(2_500)], 2)
    values = series([*levels, *["level 7"] * 10, None])
    codec = CategoryCodec.fit(values, "a")
    bucket, member = codec.fields
    assert (bucket.n_codes, member.n_codes) == (51, 50)
    assert bucket.counts.sum() == member.counts.sum() == len(values)
    assert bucket.counts[0] == 110
    pd.testing.assert_series_equal(there_and_back(codec, values), values, check_names=False)


def test_member_that_its_bucket_does_not_have_becomes_a_level():
    codec = CategoryCodec.fit(series(np.repeat([f"level {i}" for i in range(1_003)], 2)), "a")
    last = codec.fields[0].n_codes - 1
    codes = np.array([[last, member] for member in range(codec.fields[1].n_codes)])
    assert set(codec.decode(codes, rng())) <= set(codec.levels)


def test_unseen_level_is_refused_marked_or_for_numbers_replaced_by_the_nearest():
    text = CategoryCodec.fit(series(["x", "y", "x"]), "a")
    with pytest.raises(InvalidTableError, match="Column 'a' never had this level in fit: 'z'"):
        text.encode(series(["x", "z"]))
    assert text.encode(series(["x", "z", None]), unseen="mark").tolist() == [[0], [-1], [-1]]
    numbers = CategoryCodec.fit(series([1, 5, 9] * 4), "a")
    assert numbers.encode(series([1, 6.9, 1e300]), unseen="nearest").tolist() == [[0], [1], [2]]
    assert text.encode(series(["z"]), unseen="nearest").tolist() == [[-1]]


def test_levels_are_found_in_another_dtype():
    codec = CategoryCodec.fit(series(["x", "y", None] * 3, "category"), "a")
    assert codec.encode(series(["y", None, "x"], "string")).tolist() == [[1], [2], [0]]
    codec = CategoryCodec.fit(series([True, False] * 3), "a")
    assert codec.encode(series([True, False], object)).tolist() == [[1], [0]]


@pytest.mark.parametrize(
    "cell",
    [[1], {"k": 1}, {1}, (1,), np.zeros(2), decimal.Decimal(1), datetime.date(2020, 1, 1), b"x"],
    ids=repr,
)
def test_other_objects_are_refused_by_name_and_type(cell):
    values = series([None, "x", None, None], object)
    values.iloc[2] = "y"
    cells = values.to_numpy(copy=True)
    cells[3] = cell
    with pytest.raises(RejectColumn, match=f"Column 'a' .*got {type(cell).__name__}"):
        CategoryCodec.fit(series(cells, object), "a")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (series(pd.period_range("2020", periods=3, freq="M")), "period"),
        (series(pd.Categorical(pd.period_range("2020", periods=3))), "rename_categories"),
        (series([0, 0, 1], pd.SparseDtype(int)), "dense.*Sparse"),
        (series([1j, 2j]), "Complex data not supported"),
        (series([1.0, np.inf]), "infinity.*NaN"),
        (series([1.0, -np.inf], "Float64"), "infinity"),
        (series(["x", np.inf], object), "infinity"),
        (series(rng().random(3), np.longdouble), "float64"),
        (
            series([f"row {i}" for i in range(100)]),
            "free text.*100 .* in 100 rows",
        ),
    ],
    ids=lambda value: str(value.dtype) if isinstance(value, pd.Series) else "",
)
@pytest.mark.parametrize("codec", [NumberCodec, CategoryCodec])
def test_columns_that_no_codec_takes_are_refused_by_name(values, words, codec):
    with pytest.raises(RejectColumn, match=f"^Column 'a'.*{words}" if codec is CategoryCodec else "'a'"):
        codec.fit(values, "a")


@pytest.mark.parametrize(
    ("dtype", "base"), [("int64", 2**60), ("int64", -(2**62)), ("uint64", 2**63 + 2**62)]
)
def test_integers_that_share_a_float_come_back_exactly(dtype, base):
    values = series(np.array([base + i for i in range(300)], dtype=dtype).repeat(3))
    codec = NumberCodec.fit(values, "a")
    pd.testing.assert_series_equal(there_and_back(codec, values), values)
    codec = NumberCodec.fit(series(np.append(values, values[:1].repeat(500))), "a")  # and so do point masses
    assert codec.decode(codec.encode(values[:1]), rng())[0] == base


def test_heavy_tails_keep_their_ranks():
    values = series(10.0 ** rng().uniform(-320, 305, 2_000))  # about all that floats can hold
    codec = NumberCodec.fit(values, "a")
    drawn = pd.concat([there_and_back(codec, values) for _ in range(5)])
    ranks = np.searchsorted(np.sort(values), np.sort(drawn)) / 2_000
    assert np.abs(ranks - (np.arange(10_000) + 0.5) / 10_000).max() < 0.003


def test_a_mass_at_zero_keeps_its_share_beside_a_long_tail():
    values = series(np.where(rng().random(4_000) < 0.7, 0.0, rng().lognormal(0, 5, 4_000)))
    codec = NumberCodec.fit(values, "a")
    field = codec.fields[0]
    assert field.n_points == 1
    assert (there_and_back(codec, values) == 0).mean() == (values == 0).mean()


def test_a_number_of_few_values_can_be_chosen_to_be_one():
    values = series([1, 5, 5, 9] * 30)
    with pytest.raises(RejectColumn, match="category"):
        NumberCodec.fit(values, "a")
    codec = NumberCodec.fit(values, "a", chosen=True)
    pd.testing.assert_series_equal(there_and_back(codec, values), values)
    assert NumberCodec.fit(series([7] * 30), "a", chosen=True).decode(
        np.zeros((2, 1), int), rng()
    ).tolist() == [7, 7]
