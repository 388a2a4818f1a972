"""Numbers held within bounds: which part of a stretch of values is inside, and draws from that part."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganaug.exceptions import InvalidConditionError
from ganaug.tabular.columns.base import FloatArray
from ganaug.tabular.wanted import Wanted

_EXACT = 2.0**52  # above it, floats are integers


@dataclass(frozen=True)
class Bounds:
    """An interval, its ends moved inwards to the numbers that a column of so many decimals can hold.

    Parameters
    ----------
    low, high : float
        Both belong to it; ``low > high`` when no such number lies between.
    decimals : int or None
        None for all floats.
    """

    low: float
    high: float
    decimals: int | None

    @classmethod
    def of(cls, wanted: Wanted, decimals: int | None, name: Hashable) -> Bounds:
        """Those of a condition; no number at all is `InvalidConditionError`."""
        low, high = (
            sign * math.inf if bound is None else number_of(bound, name)
            for sign, bound in ((-1, wanted.low), (1, wanted.high))
        )
        if decimals is None:
            return cls(low, high, None)
        inner = round_to(np.array([low, high]), decimals)
        step = 10.0**-decimals
        if inner[0] < low:
            inner[0] = round_to(np.array([low + step]), decimals)[0]
        if inner[1] > high:
            inner[1] = round_to(np.array([high - step]), decimals)[0]
        return cls(float(inner[0]), float(inner[1]), decimals)

    def has(self, values: NDArray[Any]) -> NDArray[np.bool_]:
        """Which values lie between the ends."""
        return (values >= self.low) & (values <= self.high)

    def shares(self, low: FloatArray, high: FloatArray) -> FloatArray:
        """What share of the stretches (n,) from ``low`` to ``high`` is rounded into the interval."""
        if self.low > self.high:
            return np.zeros(len(low))
        width = high - low
        part = np.minimum(high, self.high + self._margin) - np.maximum(low, self.low - self._margin)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(np.isfinite(width), part / width, part > 0)
        one_value = width <= 0
        share[one_value] = self.has(round_to(low[one_value], self.decimals))
        return np.clip(share, 0.0, 1.0)

    def draw(self, low: FloatArray, high: FloatArray, rng: np.random.Generator) -> FloatArray:
        """A number (n,) from the part of each stretch that lies in the interval, uniform, rounded."""
        low = np.clip(low, self.low - self._margin, self.high + self._margin)
        high = np.clip(high, low, self.high + self._margin)
        share = rng.random(len(low))
        drawn = np.clip(low * (1.0 - share) + high * share, low, high)  # the difference could overflow
        return np.clip(round_to(drawn, self.decimals), self.low, self.high)

    @property
    def _margin(self) -> float:
        """How far outside a number may be that is rounded into the interval."""
        return 0.0 if self.decimals is None else 0.5 * 10.0**-self.decimals


def number_of(value: Any, name: Hashable) -> float:
    """A number from a condition as a float, or `InvalidConditionError`."""
    if isinstance(value, int | Real | Decimal) and not isinstance(value, bool) and not math.isnan(value):
        try:
            return float(value)
        except OverflowError:
            return math.copysign(math.inf, 1 if abs(value) == value else -1)
    raise InvalidConditionError(f"Column {name!r} holds numbers; a condition on it must too, got {value!r}")


def beyond(wanted: Wanted, ends: tuple[float, float], bounds: Bounds) -> tuple[float, float] | None:
    """The stretch to draw from when a range lies wholly beyond the column's, and it may; else None.

    It is the asked one; without a bound away from the column's end, only its near end.
    """
    if not wanted.extrapolate or wanted.values is not None or not bounds.low <= bounds.high:
        return None
    if bounds.low > ends[1]:
        return bounds.low, bounds.high if math.isfinite(bounds.high) else bounds.low
    if bounds.high < ends[0]:
        return bounds.low if math.isfinite(bounds.low) else bounds.high, bounds.high
    return None


def fit_in(values: FloatArray, dtype: np.dtype[Any], name: Hashable) -> NDArray[Any]:
    """Numbers in a plain type, or `InvalidConditionError` where it is too narrow for them."""
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        outside = (values < info.min) | (values > info.max)
        if outside.any():
            raise InvalidConditionError(
                f"Column {name!r} is {dtype}, which is too narrow for {values[outside].tolist()[0]!r}"
            )
    return values.astype(dtype)


def refuse(name: Hashable, wanted: Wanted, has: str, advice: str = "") -> InvalidConditionError:
    """What to raise when no cell satisfies a condition."""
    return InvalidConditionError(
        f"The condition can't be met. Column {name!r} has {has}{advice}; asked for: {wanted}"
    )


def round_to(values: FloatArray, decimals: int | None) -> FloatArray:
    """Values rounded to so many decimals, except where floats are coarser than that anyway."""
    if decimals is None:
        return values
    # Both are exact, so that the result is the float nearest to the decimal number.
    up, down = 10.0 ** max(decimals, 0), 10.0 ** max(-decimals, 0)
    fine = np.abs(values) < _EXACT / up
    return np.where(fine, np.rint(np.where(fine, values, 0.0) * up / down) / up * down, values)
