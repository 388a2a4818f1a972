"""Identifiers: told from measurements, words and numbers in text; new ones are unique and no copies."""

import re
import uuid

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ganaug.exceptions import InvalidConditionError, ModelFileError, RejectColumn
from ganaug.tabular.columns import CategoryCodec, IdentifierCodec
from ganaug.tabular.columns.pattern import (
    Pattern,
    Spread,
    form_from_state,
    form_to_state,
    learn_templates,
    permute,
)
from ganaug.tabular.wanted import Wanted


def rng():
    return np.random.default_rng(0)


def drawn(codec, n, **options):
    return pd.Series(codec.decode(np.empty((n, 0), dtype=int), rng(), **options))


UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
SERIAL = [f"{a:04}-{b}" for a, b in zip(rng().integers(0, 9_999, 500), range(10_000, 10_500), strict=True)]
FOUND = {
    "counting in order": (range(7, 307, 3), [307, 310, 313]),
    "counting down": (range(100, 0, -1), [0, -1, -2]),
    "counting out of order": (rng().permutation(200) + 1, [201, 202, 203]),
    "part of a count": (rng().permutation(300)[:200], [300, 301, 302]),
    "count in a text": ([f"C-{i:04}/x" for i in range(50)], ["C-0050/x", "C-0051/x", "C-0052/x"]),
    "count without zeros": ([f"user {i}" for i in range(120)], ["user 120", "user 121", "user 122"]),
}


@pytest.mark.parametrize(("cells", "following"), list(FOUND.values()), ids=FOUND)
def test_a_count_goes_on(cells, following):
    codec = IdentifierCodec.fit(pd.Series(list(cells)), "a")
    assert codec.fields == ()
    assert drawn(codec, 3).tolist() == following


@pytest.mark.parametrize(
    ("cells", "pattern"),
    [
        (
            [str(uuid.UUID(int=i * 7**30 % 2**128, version=4)) for i in range(1, 400)],
            r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        ),
        ([f"{i * 7919 % 9000 + 1000}-{chr(65 + i % 26)}K" for i in range(300)], r"\d{4}-[A-Z]K"),
        ([f"AB{i * 104729 % 99991:05}" for i in range(200)], r"AB\d{5}"),
    ],
    ids=["uuid", "digits and letters", "fixed beginning"],
)
def test_new_ones_follow_the_pattern_are_unique_and_no_copies(cells, pattern):
    codec = IdentifierCodec.fit(pd.Series(cells), "a")
    new = drawn(codec, 2_000)
    assert new.str.fullmatch(pattern).all()
    assert new.is_unique
    assert not set(new) & set(cells)


def test_numbers_that_can_not_be_measurements_are_told_by_their_density():
    dense = rng().choice(100_000, 5_000, replace=False)  # as measurements, about 125 pairs would be equal
    assert drawn(IdentifierCodec.fit(pd.Series(dense), "a"), 2).tolist() == [dense.max() + 1, dense.max() + 2]
    sparse = rng().integers(0, 2**60, 100)  # these might be anything; only their name can tell
    with pytest.raises(RejectColumn, match="'a'"):
        IdentifierCodec.fit(pd.Series(sparse), "a")
    new = drawn(IdentifierCodec.fit(pd.Series(sparse), "customerID"), 1_000)
    assert new.is_unique
    assert new.between(sparse.min(), sparse.max()).all()


@pytest.mark.parametrize(
    "cells",
    [
        rng().lognormal(10, 1, 200),
        rng().lognormal(10, 1, 200).astype(int),
        [*range(50), 7],
        [f"{x:.2f}" for x in rng().random(90) * 1000],
        [chr(97 + i % 26) * (2 + i % 9) + chr(97 + i // 26) for i in range(120)],
        [f"it was {i} times" + " so" * (i % 50) for i in range(150)],
        [True, False] * 40,
        [None] * 40,
        range(19),
        [[1]] * 40,
    ],
    ids=[
        "floats",
        "incomes",
        "a repeat",
        "numbers in text",
        "words",
        "sentences",
        "bools",
        "gaps",
        "few",
        "lists",
    ],
)
def test_what_may_be_something_else_is_refused(cells):
    with pytest.raises(RejectColumn, match="'a'"):
        IdentifierCodec.fit(pd.Series(list(cells)), "a")


def test_a_few_values_may_repeat():
    codec = IdentifierCodec.fit(pd.Series([*SERIAL, *SERIAL[:20]]), "a")
    assert drawn(codec, 600).is_unique
    with pytest.raises(RejectColumn):
        IdentifierCodec.fit(pd.Series([*SERIAL, *SERIAL[:40]]), "a")
    assert IdentifierCodec.fit(pd.Series([*SERIAL, *SERIAL[:40]]), "a", chosen=True).fields == ()


def test_batches_of_one_draw_have_no_identifier_in_common():
    codec = IdentifierCodec.fit(pd.Series(SERIAL), "a")
    parts = [drawn(codec, 100, first_row=start, key=5) for start in (0, 100, 200)]
    assert pd.concat(parts).is_unique
    assert drawn(codec, 300, key=5).tolist() == pd.concat(parts).tolist()


def test_more_rows_than_a_pattern_has_room_for_are_still_unique():
    codec = IdentifierCodec.fit(pd.Series([f"{a}x{b}" for a in range(10) for b in range(10)]), "a")
    assert drawn(codec, 500).is_unique


def test_gaps_come_at_random_as_often_as_they_were():
    values = pd.Series(SERIAL).mask(rng().random(500) < 0.3)
    new = drawn(IdentifierCodec.fit(values, "a"), 4_000)
    assert new.isna().mean() == pytest.approx(values.isna().mean(), abs=0.03)


@pytest.mark.parametrize("dtype", ["int32", "uint64", "Int64", "int16[pyarrow]", "object"])
def test_numbers_keep_their_dtype(dtype):
    values = pd.Series(range(100)).astype(dtype)
    new = pd.Series(IdentifierCodec.fit(values, "a").decode(np.empty((3, 0)), rng()))
    assert new.dtype == values.dtype
    assert new.tolist() == [100, 101, 102]


def test_a_file_does_not_hold_the_identifiers_and_can_not_tell_who_was_there():
    codec = IdentifierCodec.fit(pd.Series(SERIAL), "a")
    header, arrays = codec.to_state()
    assert not any(cell in str(header) for cell in SERIAL)
    bits = np.unpackbits(arrays["known"])
    assert 0.4 < bits.mean() < 0.6  # half of all that never were there seem to have been


def test_only_values_and_gaps_can_be_asked_for():
    codec = IdentifierCodec.fit(pd.Series(SERIAL), "a")
    none = np.empty((4, 0), dtype=int)
    assert set(codec.decode_within(none, Wanted(values=("x", "y")), rng())) <= {"x", "y"}
    with pytest.raises(InvalidConditionError, match="'a' is an identifier"):
        codec.shares(Wanted(low="a"))
    with pytest.raises(InvalidConditionError, match="'a' had no missing"):
        codec.shares(Wanted(values=(), missing=True))


@pytest.mark.parametrize("size", [1, 2, 5, 100, 1_000, 2**15 + 7])
def test_permutation_is_one_to_one(size):
    assert len(np.unique(permute(np.arange(size, dtype=np.uint64), size, key=1))) == size


def test_keys_give_different_permutations():
    numbers = np.arange(1_000, dtype=np.uint64)
    assert (permute(numbers, 1_000, 1) != permute(numbers, 1_000, 2)).mean() > 0.9


def test_templates_are_as_frequent_as_they_were():
    cells = [f"A{i * 7919 % 9973:04}" for i in range(300)] + [f"B-{i * 7919 % 99991:05}" for i in range(100)]
    form = Pattern(learn_templates(cells))
    written = form.texts(np.arange(1_000, dtype=np.uint64), 3, rng())
    assert sum(text[0] == "A" for text in written) == 750
    assert form_from_state(form_to_state(form)) == form


@pytest.mark.parametrize(
    "state",
    [
        None,
        {},
        {"templates": []},
        {"templates": [[1.0, ["aa"]]]},
        {"templates": [[0.0, ["a"]]]},
        {"templates": [[1.0, [""]]]},
        {"edges": [0, 0]},
        {"edges": [5]},
        {"edges": list(range(40))},
        {"edges": [0, 1.5]},
        {"edges": [0, 2**80]},
        {"following": 1, "step": 2**90, "prefix": "", "suffix": "", "width": 0},
        {"following": 1, "step": 1, "prefix": "", "suffix": "", "width": 10**9},
    ],
)
def test_a_broken_form_is_a_model_file_error(state):
    with pytest.raises(ModelFileError):
        form_from_state(state)


@pytest.mark.parametrize(
    "cells",
    [
        [f"${at * 7.13:,.2f}" for at in range(1, 400)],
        [f"{at * 0.31:.1f}%" for at in range(300)],
        [f"{at * 1013.7:,.2f} EUR" for at in range(300)],
        [f"{at * 0.37:.2f}".replace(".", ",") for at in range(300)],
    ],
    ids=["currency", "per cent", "thousands", "decimal comma"],
)
def test_amounts_in_text_are_refused_with_what_to_do(cells):
    with pytest.raises(RejectColumn, match="identifier"):
        IdentifierCodec.fit(pd.Series(cells), "price")
    with pytest.raises(
        RejectColumn, match=r"'price'.*numbers written as text.*to_numeric.*" + re.escape(cells[0])
    ):
        CategoryCodec.fit(pd.Series(cells), "price")


def test_numbers_without_order_lie_as_those_of_fit_do_and_never_repeat():
    rng = np.random.default_rng(0)
    known = np.unique(
        np.concatenate([rng.integers(10**9, 2 * 10**9, 3_000), rng.integers(7 * 10**9, 10**10, 1_000)])
    )
    values = pd.Series(rng.permutation(known))
    codec = IdentifierCodec.fit(values, "id")
    batches = [
        codec.decode(np.empty((5_000, 0), np.int32), rng, first_row=first, key=7)
        for first in (0, 5_000, 10_000)
    ]
    drawn = np.concatenate(batches)
    assert len(np.unique(drawn)) == len(drawn)
    assert stats.ks_2samp(drawn, values).statistic < 0.03
    assert not np.isin(drawn, known).any()


def test_a_full_stretch_goes_on_beyond_the_end():
    spread = Spread((0, 10, 1_000))
    drawn = spread.integers(np.arange(100, dtype=np.uint64), 3)
    assert len(np.unique(drawn)) == 100
    assert ((drawn < 10).sum(), (drawn >= 1_000).sum()) == (10, 40)
