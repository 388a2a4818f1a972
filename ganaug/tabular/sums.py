"""Numbers of which a weighted sum is the same in every row: a total and its parts, a price in two units.

They are found as the directions in which the table has no width at all: the null space of its numbers, in a
form in which each relation has few members. What was found is then checked in every row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug._util.cells import read_numbers, write_numbers
from ganaug._util.dtypes import kind_of
from ganaug.exceptions import ModelFileError
from ganaug.tabular.columns.base import FloatArray
from ganaug.tabular.columns.numeric import learn_decimals
from ganaug.tabular.columns.within import round_to

MOST_MEMBERS = 8
FEWEST_ROWS = 50  # beside one for each number of the table
FEWEST_OTHERS = 10  # rows in which a member isn't what it mostly is
SEARCHED_ROWS = 4_000
LARGEST = 1e12  # beyond, floats can't tell whether a sum is exact
_NO_WIDTH = 1e-9
_TOLERANCE = 1e-9  # of the largest member, where a number has no last decimal


@dataclass(frozen=True)
class Sum:
    """``sum of coefficient times member == constant``, wherever no member is missing.

    Parameters
    ----------
    members : tuple of int
        Positions of the columns; the first that may move makes up for what is left over.
    coefficients : tuple of float
    constant : float
    lows, highs : tuple of float
        The range of each member, which it doesn't leave.
    decimals : tuple of int or None
        Those of each member.
    """

    members: tuple[int, ...]
    coefficients: tuple[float, ...]
    constant: float
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    decimals: tuple[int | None, ...]

    def settle(self, columns: list[Any], given: NDArray[np.bool_] | None) -> None:
        """Change decoded columns, in place, so that the sum is right; given cells stay as they are."""
        read = [read_numbers(pd.Series(columns[at])) for at in self.members]
        if any(entry is None for entry in read):
            return
        pairs = [entry for entry in read if entry is not None]
        numbers = [np.where(gaps, 0.0, native.astype(np.float64)) for native, gaps in pairs]
        present = ~np.any([gaps for _, gaps in pairs], axis=0)
        for place, (at, (native, gaps)) in enumerate(zip(self.members, pairs, strict=True)):
            over = self._left_over(numbers)
            moves = present & (np.abs(over) > self._tolerance(numbers))
            if given is not None:
                moves &= ~given[:, at]
            if not moves.any():
                continue
            wanted = round_to(numbers[place] - over / self.coefficients[place], self.decimals[place])
            held = np.clip(wanted, self.lows[place], self.highs[place])
            numbers[place] = np.where(moves, held, numbers[place])
            whole = native.copy()
            whole[moves] = numbers[place][moves].astype(native.dtype)
            columns[at] = write_numbers(whole, gaps, columns[at].dtype, "nan")

    def holds(self, numbers: Sequence[FloatArray]) -> bool:
        """Whether it is true of every row."""
        return bool(self.is_right(numbers).all())

    def is_right(self, numbers: Sequence[FloatArray]) -> NDArray[np.bool_]:
        """Of which rows it is true, shape (n_rows,)."""
        return np.asarray(np.abs(self._left_over(numbers)) <= self._tolerance(numbers))

    def _left_over(self, numbers: Sequence[FloatArray]) -> FloatArray:
        terms = [c * x for c, x in zip(self.coefficients, numbers, strict=True)]
        return np.asarray(np.sum(terms, axis=0) - self.constant)

    def _tolerance(self, numbers: Sequence[FloatArray]) -> FloatArray:
        terms = [np.abs(c * x) for c, x in zip(self.coefficients, numbers, strict=True)]
        return np.asarray(_TOLERANCE * (np.max(terms, axis=0) + abs(self.constant)))

    def describe(self, labels: pd.Index[Any]) -> str:
        """The equation, solved for the first member."""
        first = self.coefficients[0]
        weights = [-c / first for c in self.coefficients[1:]]
        signs = ["+ " if w == 1 else "- " if w == -1 else f"{w:+.6g} * " for w in weights]
        terms = [f"{sign}{labels[at]!r}" for sign, at in zip(signs, self.members[1:], strict=True)]
        constant = [f"{self.constant / first:+.6g}"] if self.constant else []
        return "equals " + " ".join([*terms, *constant]).removeprefix("+ ")

    def to_state(self) -> dict[str, Any]:
        """JSON-able description."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in vars(self).items()}

    @classmethod
    def from_state(cls, state: Any, n_columns: int) -> Sum:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`."""
        broken = ModelFileError("The sums of columns in the file are broken.")
        keys = ("members", "coefficients", "lows", "highs", "decimals")
        if not isinstance(state, dict) or not all(isinstance(state.get(key), list) for key in keys):
            raise broken
        parts = {key: tuple(state[key]) for key in keys}
        floats = (*parts["coefficients"], *parts["lows"], *parts["highs"], state.get("constant"))
        whole = all(type(at) is int and 0 <= at < n_columns for at in parts["members"])
        good = (
            2 <= len(set(parts["members"])) == len(parts["members"])
            and len({len(part) for part in parts.values()}) == 1
            and whole
            and all(type(number) is float and abs(number) < 1e300 for number in floats)
            and all(parts["coefficients"])
            and all(d is None or (type(d) is int and abs(d) <= 12) for d in parts["decimals"])
            and all(low <= high for low, high in zip(parts["lows"], parts["highs"], strict=True))
        )
        if not good:
            raise broken
        return cls(**parts, constant=state["constant"])


def find_sums(table: pd.DataFrame, columns: Sequence[int]) -> list[Sum]:
    """Sums of the columns at the given positions that hold in every row."""
    names, numbers = read_rows(table, columns)
    if len(names) < 2 or len(numbers) < FEWEST_ROWS + len(names):
        return []
    step = max(1, len(numbers) // SEARCHED_ROWS)
    found = []
    for coefficients in _directions(numbers[::step]):
        members = np.flatnonzero(coefficients)
        members = members[np.argsort(-numbers[:, members].std(axis=0), kind="stable")]
        if 2 <= len(members) <= MOST_MEMBERS:
            entry = _sum_of(table, [names[at] for at in members], coefficients[members])
            if entry is not None:
                found.append(entry)
    return found


def read_rows(table: pd.DataFrame, columns: Sequence[int]) -> tuple[list[int], FloatArray]:
    """Positions of the numbers that vary, and the rows (n_rows, n_numbers) in which none is missing."""
    names, cells, gaps = [], [], []
    for at in columns:
        values = table.iloc[:, at]
        read = read_numbers(values) if kind_of(values.dtype) == "number" else None
        if read is not None and _varies(*read):
            names.append(at)
            cells.append(read[0].astype(np.float64))
            gaps.append(read[1])
    if not names:
        return [], np.zeros((0, 0))
    gap, matrix = np.stack(gaps, axis=1), np.stack(cells, axis=1)
    while len(names) > 1 and (~gap.any(axis=1)).sum() < FEWEST_ROWS + len(names):
        worst = int(gap.sum(axis=0).argmax())
        names.pop(worst)
        gap, matrix = np.delete(gap, worst, axis=1), np.delete(matrix, worst, axis=1)
    return names, matrix[~gap.any(axis=1)]


def _varies(native: NDArray[Any], gaps: NDArray[np.bool_]) -> bool:
    _, counts = np.unique(native[~gaps], return_counts=True)
    large = np.abs(native[~gaps].astype(np.float64)).max(initial=0.0) > LARGEST
    return bool(not large and counts.sum() - counts.max(initial=0) >= FEWEST_OTHERS)


def _directions(numbers: FloatArray) -> FloatArray:
    """Weights (n_found, n_numbers) of sums that are constant, each with few members."""
    centred = numbers - numbers.mean(axis=0)
    scale = centred.std(axis=0)
    scale[scale == 0] = 1.0
    _, widths, axes = np.linalg.svd(centred / scale, full_matrices=False)
    basis = axes[widths <= _NO_WIDTH * widths[0]]
    for row, _ in enumerate(basis):  # Gauss and Jordan, from the widest column that is left
        pivot = int(np.argmax(np.where(np.abs(basis[row]) > 1e-6, np.abs(basis[row]), 0.0)))
        basis[row] /= basis[row, pivot]
        others = np.arange(len(basis)) != row
        basis[others] -= np.outer(basis[others, pivot], basis[row])
    basis[np.abs(basis) < 1e-7] = 0.0
    return np.asarray(basis / scale)


def _sum_of(table: pd.DataFrame, members: list[int], weights: FloatArray) -> Sum | None:
    """The sum with round weights, where it is true of every row; else None."""
    pairs = [read_numbers(table.iloc[:, at]) for at in members]
    known = [pair for pair in pairs if pair is not None]
    present = ~np.any([gaps for _, gaps in known], axis=0)
    numbers = [native[present].astype(np.float64) for native, _ in known]
    ratios = weights / weights[0]
    for digits in (3, 6, 9):
        rounded = np.array([float(f"{ratio:.{digits}g}") for ratio in ratios])
        constant = float(np.round(np.median(np.sum(rounded[:, None] * numbers, axis=0)), 6))
        entry = Sum(
            tuple(members),
            tuple(rounded.tolist()),
            constant,
            tuple(float(x.min()) for x in numbers),
            tuple(float(x.max()) for x in numbers),
            tuple(learn_decimals(np.unique(x)) for x in numbers),
        )
        if entry.holds(numbers):
            return entry
    return None
