"""Identifiers: they tell rows apart and nothing else, so they are never modelled, but made anew.

A column is one when its values differ from each other and can't be measurements:

* whole numbers that go up (or down) by the same step from row to row: the sequence is continued;
* whole numbers that lie so densely that, as measurements, some would have been equal, or whose column's name
  says so: the count goes on after the largest; where they are sparse, new ones lie between the
  ends as those of fit do;
* text of a number between a fixed beginning and a fixed end: the same;
* text that is no number, follows few patterns (`ganaug.tabular.columns.pattern`), and has a digit in every
  value or one pattern altogether: new ones come from the patterns.

Up to one value in twenty may repeat (a house that was sold twice); those drawn are unique.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug._util.cells import are_texts, read_numbers, write_numbers
from ganaug._util.dtypes import MISSING, dtype_from_state, dtype_to_state, kind_of
from ganaug._util.sieve import make_sieve, may_be_in
from ganaug.exceptions import InvalidConditionError, ModelFileError, RejectColumn
from ganaug.tabular.columns.base import (
    Arrays,
    Field,
    FloatArray,
    IntArray,
    State,
    Unseen,
    refuse_unsupported,
    want_array,
    weighed_rows,
)
from ganaug.tabular.columns.missing import check_missing, learn_missing
from ganaug.tabular.columns.names import says_row
from ganaug.tabular.columns.pattern import (
    Count,
    Form,
    Pattern,
    Spread,
    form_from_state,
    form_to_state,
    learn_templates,
    shape_of,
)
from ganaug.tabular.columns.textdates import look_like_dates
from ganaug.tabular.columns.textnumbers import look_like_numbers
from ganaug.tabular.wanted import Wanted

FEWEST = 20  # rows from which a sequence or a pattern is told
SHARE_DISTINCT = 0.95  # from `ROWS_TO_REPEAT` rows on; in fewer rows all values must differ
ROWS_TO_REPEAT = 100
MOST_SHAPES = 0.02  # patterns per row, beside five
SURE = 10.0  # pairs of equal values that so many measurements would have had
DENSE = 0.01  # share of the numbers between the ends that are taken, from which on the count goes on
MOST_TRIES = 16  # candidates that a row chooses its identifier from


@dataclass(frozen=True, eq=False)
class IdentifierCodec:
    """A column that tells rows apart: no fields, and new values without end.

    Parameters
    ----------
    name : hashable
        The column's label, for errors.
    dtype : dtype
        The column's own.
    form : Count, Spread or Pattern
        What new values look like.
    missing : str or None
        What stands in the gaps; None when there are none.
    missing_share : float
        How many cells are gaps; they fall at random.
    is_text : bool
        Whether values are texts; else whole numbers.
    known : uint8 array
        A bit for each hash of a value in fit, so few that half of them are set: new values avoid those, and
        whether a value was in fit can't be told from it.

    Notes
    -----
    Values are unique within one draw, also when it is made in batches. Two draws may repeat each other: a
    sequence goes on where that of fit ended, each time.
    """

    kind: ClassVar[str] = "identifier"
    name: Hashable
    dtype: Any
    form: Form
    missing: str | None
    missing_share: float
    is_text: bool
    known: NDArray[np.uint8]

    @classmethod
    def fit(
        cls,
        values: pd.Series[Any],
        name: Hashable,
        weights: FloatArray | None = None,
        *,
        chosen: bool = False,
    ) -> IdentifierCodec:
        """Learn the pattern; `RejectColumn` when it's no identifier, unless the caller has ``chosen`` so."""
        refuse_unsupported(values, name)
        values, _ = weighed_rows(values, weights)
        gaps = values.isna().to_numpy(dtype=bool)
        numbers = read_numbers(values)
        is_text = numbers is None or numbers[0].dtype.kind not in "iu"
        cells = values.to_numpy(dtype=object)[~gaps] if numbers is None or is_text else numbers[0][~gaps]
        form = learn_form(cells, name, chosen)
        if form is None:
            raise RejectColumn(
                f"Column {name!r} can't be an identifier: its values repeat, are no text or whole numbers, "
                f"or follow no pattern. Give it another kind in columns=, or drop it; dtype: {values.dtype}"
            )
        # Where a copy would be a rare accident, nothing is kept to tell one.
        is_tight = not isinstance(form, Count) and len(cells) ** 2 > 1e-3 * form.room
        known = make_sieve(_hashes(cells)) if is_tight else np.zeros(0, dtype=np.uint8)
        return cls(name, values.dtype, form, learn_missing(values, gaps), float(gaps.mean()), is_text, known)

    @property
    def fields(self) -> tuple[Field, ...]:
        """None: nothing of it is modelled."""
        return ()

    @property
    def why(self) -> str:
        """What tells that it is one, and how new ones are made."""
        return f"its values tell rows apart; new ones: {self.form}"

    def encode(self, values: pd.Series[Any], *, unseen: Unseen = "raise") -> IntArray:
        """Codes of shape (n, 0), whatever the values."""
        return np.empty((len(values), 0), dtype=np.int32)

    def encode_asked(self, values: pd.Series[Any], extrapolate: bool) -> IntArray:
        """Codes of shape (n, 0): any identifier may be asked for."""
        return self.encode(values)

    def decode(
        self, codes: IntArray, rng: np.random.Generator, *, first_row: int = 0, key: int | None = None
    ) -> Any:
        """New identifiers in the column's own dtype.

        Parameters
        ----------
        codes : array of shape (n, 0)
        rng : numpy Generator
        first_row : int, default 0
            Number of the first row within a draw that is made in batches.
        key : int, optional
            The same in all batches of a draw; by default a new one.
        """
        rows = np.arange(first_row, first_row + len(codes), dtype=np.uint64)
        cells = self._new_ones(rows, int(rng.integers(2**63)) if key is None else key, rng)
        return self._write(cells, rng.random(len(rows)) < self.missing_share)

    def shares(self, wanted: Wanted, before: tuple[int, ...] = ()) -> FloatArray:
        """No shares, shape (0,), as there is no field; an error when the condition can't be met."""
        self.decode_within(np.empty((0, 0), dtype=np.int32), wanted, np.random.default_rng(0))
        return np.ones(0)

    def decode_within(self, codes: IntArray, wanted: Wanted, rng: np.random.Generator) -> Any:
        """As `decode`; of conditions, only values and gaps can be met."""
        if wanted.low is not None or wanted.high is not None:
            raise InvalidConditionError(
                f"Column {self.name!r} is an identifier, which has no range; ask for values. Got {wanted}"
            )
        share = 0.0 if not wanted.missing else 1.0 if wanted.values == () else self.missing_share
        if share and self.missing is None:
            raise InvalidConditionError(
                f"Column {self.name!r} had no missing values in fit; asked for: {wanted}"
            )
        if wanted.values:
            picked = [wanted.values[at] for at in rng.integers(len(wanted.values), size=len(codes))]
            cells: NDArray[Any] = _objects(picked) if self.is_text else np.array(picked).astype(np.uint64)
        else:
            rows = np.arange(len(codes), dtype=np.uint64)
            cells = self._new_ones(rows, int(rng.integers(2**63)), rng)
        return self._write(cells, rng.random(len(codes)) < share)

    def _new_ones(self, rows: NDArray[np.uint64], key: int, rng: np.random.Generator) -> NDArray[Any]:
        """A cell for each row: of the row's own candidates the first that fit surely did not have."""
        n_tries = 1
        if len(self.known):  # it has about eight bits for five values
            n_tries = int(np.clip(self.form.room // (32 * len(self.known)), 1, MOST_TRIES))
        first = rows * np.uint64(n_tries)
        cells, left = self._candidates(first, key, rng), np.arange(len(rows))
        for attempt in range(1, n_tries):
            left = left[self._may_be_known(cells[left])]
            cells[left] = self._candidates(first[left] + np.uint64(attempt), key, rng)
        return cells

    def _candidates(self, rows: NDArray[np.uint64], key: int, rng: np.random.Generator) -> NDArray[Any]:
        if not self.is_text:
            return self.form.integers(rows, key)  # type: ignore[union-attr]
        return _objects(self.form.texts(rows, key, rng))

    def _may_be_known(self, cells: NDArray[Any]) -> NDArray[np.bool_]:
        return may_be_in(self.known, _hashes(cells))

    def _write(self, cells: NDArray[Any], gaps: NDArray[np.bool_]) -> Any:
        missing = self.missing or "nan"
        if self.is_text:
            cells[gaps] = MISSING[missing]
            return cells if isinstance(self.dtype, np.dtype) else pd.array(cells, dtype=self.dtype)
        native = self.dtype if isinstance(self.dtype, np.dtype) else self.dtype.numpy_dtype
        return write_numbers(
            cells.astype("int64" if native.kind == "O" else native), gaps, self.dtype, missing
        )

    def to_state(self) -> State:
        """A JSON-able header and named arrays."""
        header = {
            "dtype": dtype_to_state(self.dtype),
            "form": form_to_state(self.form),
            "missing": self.missing,
            "missing_share": self.missing_share,
            "is_text": self.is_text,
        }
        return header, {"known": self.known}

    @classmethod
    def from_state(cls, name: Hashable, header: dict[str, Any], arrays: Arrays) -> IdentifierCodec:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`."""
        dtype, form = dtype_from_state(header.get("dtype")), form_from_state(header.get("form"))
        missing, is_text = check_missing(header.get("missing"), dtype), header.get("is_text")
        share = header.get("missing_share")
        known = want_array(arrays, "known", "u").astype(np.uint8)
        good = (
            isinstance(is_text, bool)
            and isinstance(share, float)
            and 0 <= share <= 1
            and (share == 0 or missing is not None)
            and kind_of(dtype) in (("string", "object") if is_text else ("number", "object"))
            and getattr(dtype, "kind", "i") != "f"
            and not isinstance(form, Spread if is_text else Pattern)
        )
        if not good:
            raise ModelFileError(f"The description of column {name!r} is broken.")
        return cls(name, dtype, form, missing, float(share), is_text, known)  # type: ignore[arg-type]


def learn_form(cells: NDArray[Any], name: Hashable, chosen: bool) -> Form | None:
    """What new identifiers look like; None when these are none.

    Parameters
    ----------
    cells : array of shape (n_cells,)
        Whole numbers, or objects.
    name : hashable
        The column's label, which may say that it is an id.
    chosen : bool
        Whether the caller says that these are identifiers.
    """
    if cells.dtype.kind not in "iu" and not are_texts(cells):
        return None
    n_distinct = len(pd.unique(cells))
    allowed = SHARE_DISTINCT if len(cells) >= ROWS_TO_REPEAT else 1.0
    if not n_distinct or (not chosen and (n_distinct < FEWEST or n_distinct < allowed * len(cells))):
        return None
    if cells.dtype.kind in "iu":
        return learn_integers(cells, chosen or says_row(name))
    return learn_texts(cells.tolist(), chosen)


def learn_integers(cells: NDArray[Any], surely: bool) -> Form | None:
    """A count that goes on, or numbers between two ends; None for what may be measurements."""
    numbers = list(map(int, cells.tolist()))
    count = _count_on(numbers)
    room = np.iinfo(cells.dtype).max - max(numbers)
    if count is not None and (surely or min(count.step, room) > 0 or count.step < 0):
        return count
    distinct = np.unique(cells)
    width = int(distinct[-1]) - int(distinct[0]) + 1
    if len(distinct) != len(cells) and not surely:
        return None
    if not surely and _expected_pairs(distinct) < SURE:
        return None
    if len(distinct) >= DENSE * width and room > 10 * len(distinct):
        return Count(max(numbers) + 1, 1)
    return Spread.fit(distinct)


def learn_texts(texts: list[str], surely: bool) -> Form | None:
    """A count within a text, or patterns; None for what may be words or numbers."""
    prefix = _beginning(texts).rstrip("0123456789")
    suffix = _beginning([text[: len(prefix) - 1 : -1] if prefix else text[::-1] for text in texts])
    suffix = suffix[::-1].lstrip("0123456789")
    middles = [text[len(prefix) : len(text) - len(suffix)] for text in texts]
    if all(middle.isascii() and middle.isdigit() and len(middle) < 19 for middle in middles):
        count = _count_on([int(middle) for middle in middles], dense=True)
        padded = len({len(middle) for middle in middles}) == 1
        if count is not None:
            return Count(count.following, count.step, prefix, suffix, len(middles[0]) if padded else 0)
    measures = look_like_numbers(texts) or look_like_dates(pd.Series(texts, dtype=object))
    if not surely and (measures or not _are_alike(texts)):
        return None
    templates = learn_templates(texts)
    return Pattern(templates) if templates else None


def _beginning(texts: list[str]) -> str:
    """What all texts begin with."""
    first, last = min(texts), max(texts)  # all others lie between
    n_same = next((at for at, pair in enumerate(zip(first, last, strict=False)) if len(set(pair)) > 1), None)
    return first[: min(len(first), len(last)) if n_same is None else n_same]


def _count_on(numbers: list[int], dense: bool = False) -> Count | None:
    """The count that goes on: by the step from row to row, or by one if at least half of them occur."""
    steps = {after - before for before, after in pairwise(numbers)}
    if len(steps) == 1 and steps != {0}:
        return Count(numbers[-1] + (step := steps.pop()), step)
    if dense and len(set(numbers)) * 2 > max(numbers) - min(numbers):
        return Count(max(numbers) + 1, 1)
    return None


def _expected_pairs(distinct: NDArray[Any]) -> float:
    """Pairs of equal values that as many measurements of the same density would have had."""
    n_bins = min(50, len(distinct) // 10) or 1
    ends = distinct[np.linspace(0, len(distinct) - 1, n_bins + 1).astype(np.intp)].astype(np.float64)
    per_bin = len(distinct) / n_bins
    return float((per_bin**2 / 2 / np.maximum(np.diff(ends), 1.0)).sum())


def _are_alike(texts: list[str]) -> bool:
    """Whether they follow few patterns, and are no words."""
    n_shapes = len(set(map(shape_of, texts)))
    has_digits = all(any(map(str.isdigit, text)) for text in texts)
    return (has_digits or n_shapes == 1) and n_shapes <= 5 + MOST_SHAPES * len(texts)


def _hashes(cells: NDArray[Any]) -> NDArray[np.uint64]:
    """Hashes of texts or whole numbers, the same on every machine."""
    whole = cells.astype(np.uint64) if cells.dtype.kind in "iu" else cells
    found: NDArray[np.uint64] = pd.util.hash_array(whole, categorize=False)
    return found


def _objects(cells: list[Any]) -> NDArray[Any]:
    array = np.empty(len(cells), dtype=object)
    array[:] = cells
    return array
