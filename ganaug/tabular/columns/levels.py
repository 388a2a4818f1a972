"""Which levels of a column satisfy a range, where they are numbers or have an order."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug._util.cells import places_of
from ganaug._util.dtypes import kind_of
from ganaug.exceptions import InvalidConditionError
from ganaug.tabular.columns.base import FloatArray
from ganaug.tabular.columns.within import Bounds, beyond, fit_in, number_of
from ganaug.tabular.wanted import Wanted


def levels_between(levels: Sequence[Any], dtype: Any, wanted: Wanted, name: Hashable) -> NDArray[np.bool_]:
    """Which levels lie in a range, shape (n_levels,), or `InvalidConditionError` when they have no order.

    Numbers are compared as such, levels of an ordered category by their places. Of a range that lies beyond
    all levels, where that is allowed, it is the nearest one.
    """
    if wanted.low is None and wanted.high is None:
        return np.ones(len(levels), dtype=bool)
    ranked = _is_ranked(dtype)
    places = places_of(levels, dtype) if ranked else _numbers(levels)
    if places is None:
        raise InvalidConditionError(
            f"The levels of column {name!r} have no order, so that nothing lies between two of them; list "
            f"those that you want. Asked for: {wanted}"
        )
    low, high = (
        end if bound is None else _rank(bound, dtype, name) if ranked else number_of(bound, name)
        for end, bound in ((-np.inf, wanted.low), (np.inf, wanted.high))
    )
    good: NDArray[np.bool_] = (places >= low) & (places <= high)
    stretch = stretch_beyond(levels, dtype, wanted, name)
    if stretch is not None:
        good[np.argmax(places) if stretch[0] > places.max() else np.argmin(places)] = True
    return good


def stretch_beyond(
    levels: Sequence[Any], dtype: Any, wanted: Wanted, name: Hashable
) -> tuple[float, float] | None:
    """What numbers beyond all levels are to be drawn from, where such are asked for and allowed."""
    numbers = _numbers(levels)
    if not wanted.extrapolate or numbers is None or not len(numbers) or kind_of(dtype) != "number":
        return None
    ends = float(numbers.min()), float(numbers.max())
    return beyond(wanted, ends, _bounds(numbers, wanted, name))


def draw_beyond(
    n: int,
    levels: Sequence[Any],
    dtype: Any,
    stretch: tuple[float, float],
    wanted: Wanted,
    name: Hashable,
    rng: np.random.Generator,
) -> Any:
    """Numbers (n,) beyond all levels, whole ones where those are, in the column's dtype."""
    numbers = _numbers(levels)
    low, high = (np.full(n, end) for end in stretch)
    drawn = _bounds(np.array([]) if numbers is None else numbers, wanted, name).draw(low, high, rng)
    native = fit_in(drawn, getattr(dtype, "numpy_dtype", dtype), name)
    return native if isinstance(dtype, np.dtype) else pd.array(native, dtype=dtype)


def _bounds(numbers: FloatArray, wanted: Wanted, name: Hashable) -> Bounds:
    return Bounds.of(wanted, 0 if (numbers % 1 == 0).all() else None, name)


def _is_ranked(dtype: Any) -> bool:
    return isinstance(dtype, pd.CategoricalDtype) and bool(dtype.ordered)


def _numbers(levels: Sequence[Any]) -> FloatArray | None:
    if all(isinstance(level, int | float) and not isinstance(level, bool) for level in levels):
        return np.array(levels, dtype=np.float64)
    return None


def _rank(level: Any, dtype: pd.CategoricalDtype, name: Hashable) -> float:
    if level not in dtype.categories:
        raise InvalidConditionError(f"Column {name!r} has no such level: {level!r}")
    place: Any = dtype.categories.get_loc(level)
    return float(place)
