"""What is rare in y: classes, combinations of several outputs, or ranges of a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import check_array
from sklearn.utils.multiclass import type_of_target

from ganaug._util.frames import to_column, to_frame
from ganaug._util.sklearn import take
from ganaug.exceptions import InvalidTableError
from ganaug.pipelines.rows import stacked

TARGETS = ("class", "combination", "relevance")
_RARE = 0.8  # relevance from which a value is rare
_WHISKER = 1.5  # interquartile ranges that a value may lie beyond the quartiles and still be usual


@dataclass(frozen=True)
class Strata:
    """Which stratum each row belongs to: what a synthesizer is asked for.

    Parameters
    ----------
    labels : array of shape (n_rows,)
    numbers : DataFrame of shape (n_rows, n_numbers)
        Outputs that are numbers; they are drawn with the rows.
    places : tuple of int
        Which of the outputs those are.
    """

    labels: NDArray[Any]
    numbers: pd.DataFrame
    places: tuple[int, ...]

    def outside(self, drawn: pd.DataFrame, asked: NDArray[Any]) -> NDArray[np.bool_]:
        """Which drawn rows have a number beyond those of the stratum that was asked for."""
        beyond = np.zeros(len(drawn), dtype=bool)
        for place in range(self.numbers.shape[1]):
            low, high = self._bounds(place, asked)
            values = drawn.iloc[:, place].to_numpy(dtype=np.float64)
            beyond |= ~((values >= low) & (values <= high))
        return beyond

    def clipped(self, drawn: pd.DataFrame, asked: NDArray[Any]) -> pd.DataFrame:
        """The same with such numbers moved to the nearest that the stratum has."""
        columns = {}
        for place, name in enumerate(drawn.columns):
            low, high = self._bounds(place, asked)
            columns[name] = np.clip(np.nan_to_num(drawn.iloc[:, place].to_numpy(np.float64)), low, high)
        return pd.DataFrame(columns)

    def completed(self, y: Any, firsts: NDArray[np.intp], drawn: pd.DataFrame) -> Any:
        """``y``, and below it the outputs of the drawn rows, in its own container.

        Parameters
        ----------
        y : array, Series or frame
        firsts : array of shape (n_drawn,)
            For each drawn row a real one of its stratum, which has its classes.
        drawn : DataFrame of shape (n_drawn, n_numbers)
        """
        if not self.places:
            return take(y, np.concatenate([np.arange(len(self.labels)), firsts]))
        if len(np.shape(y)) == 2:
            table, _ = to_frame(y)
            rows = table.iloc[firsts].reset_index(drop=True)
            columns = [rows.iloc[:, place] for place in range(rows.shape[1])]
            for place, (_, values) in zip(self.places, drawn.items(), strict=True):
                columns[place] = values
            return stacked(y, pd.concat(columns, axis=1).set_axis(table.columns, axis=1), len(firsts))
        column, container = to_column(y)
        both = stacked(column.to_frame("y"), drawn.set_axis(["y"], axis=1), len(firsts))
        return container.rebuild_column(both["y"].array, getattr(y, "name", None))

    def _bounds(self, place: int, asked: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        values = self.numbers.iloc[:, place]
        by_label = values.groupby(self.labels)
        low, high = by_label.min(), by_label.max()
        return low.loc[asked].to_numpy(np.float64), high.loc[asked].to_numpy(np.float64)


def find_strata(y: Any, target: str | Sequence[float]) -> Strata:
    """Strata of a ``y`` that isn't of classes alone.

    Parameters
    ----------
    y : array, Series or frame of shape (n_rows,) or (n_rows, n_outputs)
    target : {"combination", "relevance"} or bounds of ranges
        See `GANOversampler`.

    Raises
    ------
    ValueError
        If the bounds don't increase, or nothing in ``y`` is rare.
    """
    is_table = len(np.shape(y)) == 2
    table = to_frame(y)[0] if is_table else to_column(y)[0].to_frame("y")
    if is_table and target != "combination" and table.shape[1] > 1:
        raise ValueError(f"y has {table.shape[1]} outputs: target must be 'combination', got {target!r}")
    if not isinstance(target, str):
        return _of_numbers(table, _between(table.iloc[:, 0], target))
    if target == "relevance":
        return _of_numbers(table, _ranges(table.iloc[:, 0]))
    outputs = [table.iloc[:, place] for place in range(table.shape[1])]
    places = tuple(place for place, output in enumerate(outputs) if _is_continuous(output))
    parts = [_ranges(output) if place in places else output for place, output in enumerate(outputs)]
    names = [part.astype(str).to_numpy(dtype=object) for part in map(pd.Series, parts)]
    labels = np.array([", ".join(cells) for cells in zip(*names, strict=True)], dtype=object)
    return Strata(labels, _as_numbers(table.iloc[:, list(places)]), places)


def relevance(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """How extreme each value is: 0 at the median, 1 from the ends of a box plot's whiskers on.

    Between them it rises as a cubic that is level at both ends. On a side where nothing lies beyond the
    whisker, nothing is extreme, and it is 0.

    References
    ----------
    Torgo, Ribeiro: Utility-Based Regression, PKDD 2007.

    Examples
    --------
    >>> relevance(np.array([1.0, 2, 3, 4, 5, 99])).round(2)
    array([0.  , 0.  , 0.  , 0.26, 1.  , 1.  ])
    """
    lower, median, upper = np.quantile(values, [0.25, 0.5, 0.75])
    reach = _WHISKER * (upper - lower)
    found = np.zeros(len(values))
    for sign, fence in ((-1, lower - reach), (1, upper + reach)):
        beyond = sign * values > sign * fence
        if beyond.any():
            end = (sign * values[~beyond]).max()
            length = max(end - sign * median, np.finfo(float).tiny)
            share = np.clip((sign * values - sign * median) / length, 0, 1)
            found = np.maximum(found, share**2 * (3 - 2 * share))
    return found


def _ranges(column: pd.Series[Any]) -> NDArray[Any]:
    """The range of each value: "low", "usual" or "high"."""
    values = column.to_numpy(dtype=np.float64)
    rare, median = relevance(values) >= _RARE, np.median(values)
    if not rare.any():
        raise InvalidTableError(
            "No value of y is rare: none lies beyond the whiskers of a box plot. Give bounds of ranges as "
            f"target, such as target=[{np.quantile(values, 0.9):.6g}]; y goes from "
            f"{values.min():.6g} to {values.max():.6g}"
        )
    return np.select([rare & (values < median), rare], ["low", "high"], "usual").astype(object)


def _between(column: pd.Series[Any], bounds: Sequence[float]) -> NDArray[Any]:
    """The number of the range that each value lies in."""
    edges = np.asarray(bounds, dtype=np.float64)
    if edges.ndim != 1 or not len(edges) or not (np.diff(edges) > 0).all() or not np.isfinite(edges).all():
        raise ValueError(
            f"target must be one of {', '.join(map(repr, TARGETS))}, or bounds that increase; got {bounds!r}"
        )
    return np.digitize(column.to_numpy(dtype=np.float64), edges)


def _of_numbers(table: pd.DataFrame, labels: NDArray[Any]) -> Strata:
    return Strata(labels, _as_numbers(table), (0,))


def _as_numbers(table: pd.DataFrame) -> pd.DataFrame:
    numbers = table.astype(np.float64)
    if numbers.shape[1]:
        check_array(numbers, input_name="y")  # refuses infinity
    return numbers


def _is_continuous(column: pd.Series[Any]) -> bool:
    is_number = pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)
    return is_number and type_of_target(column.to_numpy(dtype=np.float64)) == "continuous"
