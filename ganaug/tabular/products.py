"""Numbers that are the product or the quotient of two others, to their last decimal: quantity times price.

The second of them may be squared (a body-mass index).

Unlike a sum, such a relation is rounded (an amount to the cent), so that only one of its three numbers
follows from the others: the one that was rounded. It is sought for every pair of numbers on a few rows, and
what was found is checked in every row.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug._util.cells import read_numbers, write_numbers
from ganaug.exceptions import ModelFileError
from ganaug.tabular.columns.base import FloatArray
from ganaug.tabular.columns.numeric import learn_decimals
from ganaug.tabular.columns.within import round_to
from ganaug.tabular.sums import FEWEST_ROWS, read_rows

POWERS = (1, -1, -2, 2)
MOST_NUMBERS = 60  # among which pairs are tried
SEARCHED_ROWS = 300
EVIDENCE = 30.0  # nats: how improbable an accident must be
_CLEARLY = 4.0  # times the rounding: what else is left to tell of the number
_MOST_STEPS = 25  # of the last decimal, that a number moves so that another has none to spare
_EXACT = 1e-9  # of a number that has no last decimal


@dataclass(frozen=True)
class Product:
    """``first == factor * second * third ** power``, rounded to the first's last decimal.

    Parameters
    ----------
    members : tuple of three int
        Positions of the columns.
    power : int
        One of `POWERS`.
    factor : float
    lows, highs : tuple of three float
        The range of each member, which it doesn't leave.
    decimals : tuple of three int or None
    """

    members: tuple[int, ...]
    power: int
    factor: float
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    decimals: tuple[int | None, ...]

    def is_right(self, numbers: Sequence[FloatArray]) -> NDArray[np.bool_]:
        """Of which rows it is true, shape (n_rows,)."""
        error = np.abs(numbers[0] - self._solve(0, numbers))
        return np.asarray(error <= _tolerance(numbers[0], self.decimals[0]))

    def settle(self, columns: list[Any], given: NDArray[np.bool_] | None) -> None:
        """Change decoded columns, in place, so that it is right; given cells stay as they are.

        The first member moves. Where it is given, or would leave its range, the others do: before, the one of
        the most decimals.
        """
        read = [read_numbers(pd.Series(columns[at])) for at in self.members]
        if any(entry is None for entry in read):
            return
        pairs = [entry for entry in read if entry is not None]
        numbers = [np.where(gaps, 1.0, native.astype(np.float64)) for native, gaps in pairs]
        before = [own.copy() for own in numbers]
        present = ~np.any([gaps for _, gaps in pairs], axis=0)
        fine, coarse = sorted((1, 2), key=lambda place: -_fineness(self.decimals[place]))
        for place in (0, fine, 0, coarse, 0):
            moves = present & ~self.is_right(numbers)
            if given is not None:
                moves &= ~given[:, self.members[place]]
            wanted = self._solve(place, numbers)
            moves &= np.isfinite(wanted)
            held = round_to(np.where(moves, wanted, 0.0), self.decimals[place])
            numbers[place] = np.where(
                moves, np.clip(held, self.lows[place], self.highs[place]), numbers[place]
            )
        self._try_near(fine, coarse, present, numbers, given)
        for at, (native, gaps), own, old in zip(self.members, pairs, numbers, before, strict=True):
            if (moved := own != old).any():
                whole = native.copy()
                whole[moved] = own[moved].astype(native.dtype)
                columns[at] = write_numbers(whole, gaps, columns[at].dtype, "nan")

    def _try_near(
        self,
        fine: int,
        coarse: int,
        present: NDArray[np.bool_],
        numbers: list[FloatArray],
        given: NDArray[np.bool_] | None,
    ) -> None:
        """Where only the first is given, look for a near value of one of the others that leaves no rest."""
        step = self.decimals[coarse]
        if given is None or step is None:
            return
        moves = ~given[:, [self.members[place] for place in (fine, coarse)]].any(axis=1)
        for times in (sign * n for n in range(1, _MOST_STEPS) for sign in (1, -1)):
            rows = np.flatnonzero(present & moves & ~self.is_right(numbers))
            if not len(rows):
                return
            trial = [own[rows] for own in numbers]
            trial[coarse] = round_to(trial[coarse] + times * 10.0**-step, step)
            trial[fine] = round_to(self._solve(fine, trial), self.decimals[fine])
            good = self.is_right(trial)
            for place in (fine, coarse):
                good &= (trial[place] >= self.lows[place]) & (trial[place] <= self.highs[place])
            for place in (fine, coarse):
                numbers[place][rows[good]] = trial[place][good]

    def _solve(self, place: int, numbers: Sequence[FloatArray]) -> FloatArray:
        """What one member is, by the others."""
        first, second, third = numbers
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            if place == 0:
                return np.asarray(self.factor * second * third**self.power)
            if place == 1:
                return np.asarray(first / (self.factor * third**self.power))
            return np.asarray((first / (self.factor * second)) ** (1 / self.power))

    def describe(self, labels: pd.Index[Any]) -> str:
        """The equation."""
        factor = "" if self.factor == 1 else f"{self.factor:.6g} * "
        sign, square = "*" if self.power > 0 else "/", "" if abs(self.power) == 1 else " ** 2"
        return f"equals {factor}{labels[self.members[1]]!r} {sign} {labels[self.members[2]]!r}{square}"

    def to_state(self) -> dict[str, Any]:
        """JSON-able description."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in vars(self).items()}

    @classmethod
    def from_state(cls, state: Any, n_columns: int) -> Product:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`."""
        broken = ModelFileError("The products of columns in the file are broken.")
        keys = ("members", "lows", "highs", "decimals")
        if not isinstance(state, dict) or not all(isinstance(state.get(key), list) for key in keys):
            raise broken
        parts = {key: tuple(state[key]) for key in keys}
        floats = (*parts["lows"], *parts["highs"], state.get("factor"))
        good = (
            all(len(part) == 3 for part in parts.values())
            and all(type(at) is int and 0 <= at < n_columns for at in parts["members"])
            and len(set(parts["members"])) == 3
            and all(type(number) is float and abs(number) < 1e300 for number in floats)
            and state["factor"] != 0
            and type(state.get("power")) is int
            and state["power"] in POWERS
            and all(d is None or (type(d) is int and abs(d) <= 12) for d in parts["decimals"])
            and all(low <= high for low, high in zip(parts["lows"], parts["highs"], strict=True))
        )
        if not good:
            raise broken
        return cls(**parts, power=state["power"], factor=state["factor"])


def find_products(table: pd.DataFrame, columns: Sequence[int], copies: Container[int] = ()) -> list[Product]:
    """Products and quotients among the columns at the given positions that hold in every row.

    ``copies`` of other columns are made of none.
    """
    names, numbers = read_rows(table, columns)
    if not 3 <= len(names) <= MOST_NUMBERS or len(numbers) < FEWEST_ROWS:
        return []
    found: list[Product] = []
    for first, second, third, power in _candidates(numbers[:: max(1, len(numbers) // SEARCHED_ROWS)]):
        members = [names[at] for at in (first, second, third)]
        if members[0] in copies or any(members[0] in entry.members for entry in found):
            continue
        entry = _product_of(table, members, power)
        if entry is not None:
            found.append(entry)
    return found


def _candidates(rows: FloatArray) -> Iterator[tuple[int, int, int, int]]:
    """Members and powers that hold in a few rows; products before quotients, what varies least first."""
    n = rows.shape[1]
    tolerance = np.stack([_tolerance(own, learn_decimals(np.unique(own))) for own in rows.T], axis=1)
    left = _left_by_one(rows)
    found: list[tuple[int, float, int, int, int]] = []
    for power in POWERS:
        for second in range(n):
            for third in range(second + 1 if power == 1 else 0, n):
                if second == third or (power < 0 and (rows[:, third] == 0).any()):
                    continue
                made = rows[:, second] * rows[:, third] ** power
                factors = made @ rows / max(float(made @ made), 1e-300)
                holds = (np.abs(rows - np.outer(made, factors)) <= 2 * tolerance).all(axis=0)
                for first in np.flatnonzero(holds):
                    rest = min(left[second, first], left[third, first])
                    wide = 2 * tolerance[:, first].mean()
                    nats = len(rows) * np.log(max(rest, 1e-300) / max(wide, 1e-300))
                    if first not in (second, third) and rest > _CLEARLY * wide and nats > EVIDENCE:
                        found.append(
                            (POWERS.index(power), float(rows[:, first].std()), int(first), second, third)
                        )
    for place, _, *members in sorted(found):
        yield members[0], members[1], members[2], POWERS[place]


def _left_by_one(rows: FloatArray) -> FloatArray:
    """What a line through each number (first axis) leaves of each other one, as a standard deviation."""
    centred = rows - rows.mean(axis=0)
    covariance = centred.T @ centred / len(rows)
    variance = np.maximum(np.diag(covariance), 1e-300)
    return np.asarray(np.sqrt(np.maximum(variance - covariance**2 / variance[:, None], 0.0)))


def _product_of(table: pd.DataFrame, members: list[int], power: int) -> Product | None:
    """The product with a round factor, where it is true of every row; else None."""
    pairs = [read_numbers(table.iloc[:, at]) for at in members]
    known = [pair for pair in pairs if pair is not None]
    present = ~np.any([gaps for _, gaps in known], axis=0)
    numbers = [native[present].astype(np.float64) for native, _ in known]
    if power < 0 and (numbers[2] == 0).any():
        return None
    made = numbers[1] * numbers[2] ** power
    factor = float(made @ numbers[0] / max(float(made @ made), 1e-300))
    for digits in (1, 2, 3, 6, 9):
        entry = Product(
            tuple(members),
            power,
            float(f"{factor:.{digits}g}"),
            tuple(float(own.min()) for own in numbers),
            tuple(float(own.max()) for own in numbers),
            tuple(learn_decimals(np.unique(own)) for own in numbers),
        )
        if entry.factor and entry.is_right(numbers).all():
            return entry
    return None


def _tolerance(values: FloatArray, decimals: int | None) -> FloatArray:
    """By how much numbers may be off: half of the last decimal."""
    exact = _EXACT * np.abs(values)
    return exact if decimals is None else exact + (0.5 + 1e-6) * 10.0**-decimals


def _fineness(decimals: int | None) -> int:
    return 99 if decimals is None else decimals
