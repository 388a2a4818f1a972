"""Can an attacker who has the synthetic rows learn of single people? Singling out, and guessing an attribute.

After Giomi, Boenisch, Wehmeyer, Tasnádi: A Unified Framework for Quantifying Privacy Risk in Synthetic Data,
PoPETs 2023. Both attacks are made on training rows and on unseen ones: what works on both alike is knowledge
of the population, and only the difference is a leak.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ganaug.metrics.features import BoolArray, CodedTables, FloatArray, code_tables

MAX_COLUMNS = 10  # in a guess that is to single out
WIDEST = 0.3  # share of the rows on either side that a guess of a number may take in
_TRIES = 5  # at a guess about one row
TOLERANCE = 0.025  # of the range between the 5 % and the 95 % quantile: as close as a guess need be
_BLOCK_CELLS = 8_000_000


def singling_out(
    synthetic: Any,
    train: Any,
    holdout: Any,
    *,
    categorical: Iterable[Any] | None = None,
    n_guesses: int = 1000,
    random_state: int = 0,
) -> dict[str, float]:
    """Share of guesses such as "one person alone is 81 to 84 and lives in Porto" that are true.

    A guess takes a synthetic row and two to ten of its columns: numbers near the row's, categories the same.
    Those that hold for one synthetic row alone, at most one for each, are made about the real rows.

    Parameters
    ----------
    synthetic : DataFrame or array-like of shape (n_samples, n_features)
    train : DataFrame or array-like of shape (n_train, n_features)
    holdout : DataFrame or array-like of shape (n_holdout, n_features)
        The tables are cut, at random, to the rows of the smallest, since the fewer rows there are the more
        of them are alone.
    categorical : iterable of column names, optional
    n_guesses : int, default=1000
        At most so many; fewer where the rows have fewer that are alone.
    random_state : int, default=0

    Returns
    -------
    dict
        ``train`` and ``holdout``: the share that is true of exactly one row; NaN where no guess can be made.
        The first less the second is the leak.
    """
    coded = code_tables(train, holdout, synthetic, categorical=categorical)
    return {
        name: float(hits.mean()) if len(hits) else float("nan")
        for name, hits in zip(("train", "holdout"), lone_rows(coded, n_guesses, random_state), strict=True)
    }


def lone_rows(coded: CodedTables, n_guesses: int, random_state: int) -> tuple[FloatArray, FloatArray]:
    """Which guesses of `singling_out` are true of one row alone, among the training and the unseen rows.

    Parameters
    ----------
    coded : CodedTables
        Training rows, unseen rows, synthetic rows.
    n_guesses : int
    random_state : int

    Returns
    -------
    train, holdout : ndarray of shape (n_guesses,)
        1 where the guess is true.
    """
    rng = np.random.default_rng(random_state)
    size = min(map(len, coded.matrices))
    train, holdout, rows = (matrix[rng.permutation(len(matrix))[:size]] for matrix in coded.matrices)
    ordered = [np.sort(column[~np.isnan(column)]) for column in rows.T]
    found: list[tuple[bool, bool]] = []
    for row in rows:
        for _ in range(_TRIES):
            guess = _guess(row, ordered, coded.is_category, rng)
            if _count(rows, guess) == 1:
                found.append((_count(train, guess) == 1, _count(holdout, guess) == 1))
                break
        if len(found) == n_guesses:
            break
    hits = np.array(found, dtype=np.float64).reshape(-1, 2)
    return hits[:, 0], hits[:, 1]


def _guess(
    row: FloatArray, ordered: list[FloatArray], is_category: BoolArray, rng: np.random.Generator
) -> list[tuple[int, float, float]]:
    """Some of a row's columns, each with the bounds between which the row lies; NaN for a missing cell."""
    n_columns = int(rng.integers(min(2, len(row)), min(MAX_COLUMNS, len(row)) + 1))
    guess = []
    for j in rng.permutation(len(row))[:n_columns]:
        low = high = float(row[j])
        if not is_category[j] and not np.isnan(row[j]):
            values = ordered[j]
            width = len(values) * WIDEST * float(rng.random()) ** 2
            at = (
                np.searchsorted(values, row[j], side="left"),
                np.searchsorted(values, row[j], side="right") - 1,
            )
            low = float(values[max(int(at[0] - width), 0)])
            high = float(values[min(int(at[1] + width), len(values) - 1)])
        guess.append((int(j), low, high))
    return guess


def attribute_inference(
    synthetic: Any,
    train: Any,
    holdout: Any,
    *,
    categorical: Iterable[Any] | None = None,
    n_targets: int = 500,
    random_state: int = 0,
) -> pd.DataFrame:
    """Share of right guesses of one cell by an attacker who knows all the others.

    The attacker looks up the synthetic row nearest in the known columns, and says what it has. A number is
    right within 2.5 % of its range.

    Parameters
    ----------
    synthetic : DataFrame or array-like of shape (n_samples, n_features)
    train : DataFrame or array-like of shape (n_train, n_features)
    holdout : DataFrame or array-like of shape (n_holdout, n_features)
    categorical : iterable of column names, optional
    n_targets : int, default=500
        Rows of each table that are attacked.
    random_state : int, default=0

    Returns
    -------
    DataFrame, one row per column
        ``train`` and ``holdout``: the share of right guesses about these rows; ``naive``: that of always
        guessing the middle, or the most frequent level, of the synthetic column, about the training rows.
        What ``train`` has above ``holdout`` is the leak.
    """
    coded = code_tables(train, holdout, synthetic, categorical=categorical)
    right, naive = guesses(coded, n_targets, random_state)
    shares = {"train": right[0].mean(axis=0), "holdout": right[1].mean(axis=0), "naive": naive.mean(axis=0)}
    return pd.DataFrame(shares, index=pd.Index(coded.names, name="column"))


def guesses(
    coded: CodedTables, n_targets: int, random_state: int
) -> tuple[tuple[BoolArray, BoolArray], BoolArray]:
    """Which guesses of `attribute_inference` are right.

    Parameters
    ----------
    coded : CodedTables
        Training rows, unseen rows, synthetic rows.
    n_targets : int
    random_state : int

    Returns
    -------
    train, holdout : ndarray of bool, shape (n_targets, n_features)
    naive : ndarray of bool, shape (n_targets, n_features)
    """
    rng = np.random.default_rng(random_state)
    size = min(n_targets, *(len(matrix) for matrix in coded.matrices[:2]))
    targets = [matrix[rng.permutation(len(matrix))[:size]] for matrix in coded.matrices[:2]]
    records = coded.matrices[2]
    spans = [_span(column) for column in coded.matrices[0].T]
    right = [_right_guesses(coded, rows, records, spans) for rows in targets]
    naive = np.column_stack(
        [
            _is_right(np.full(size, _usual(records[:, j], own)), targets[0][:, j], own, spans[j])
            for j, own in enumerate(coded.is_category)
        ]
    )
    return (right[0], right[1]), naive


def _right_guesses(
    coded: CodedTables, targets: FloatArray, records: FloatArray, spans: list[float]
) -> BoolArray:
    right = np.zeros(targets.shape, dtype=np.bool_)
    scaled = [_scaled(coded, records[:, j], targets[:, j], j) for j in range(len(coded.names))]
    step = max(1, _BLOCK_CELLS // len(records))
    for start in range(0, len(targets), step):
        block = targets[start : start + step]
        total = np.zeros((len(block), len(records)), dtype=np.float32)
        for known, asked in scaled:
            total += _squared_gaps(asked[start : start + step], known)
        for j, (known, asked) in enumerate(scaled):
            gaps = _squared_gaps(asked[start : start + step], known)
            guess = records[(total - gaps).argmin(axis=1), j]
            own = bool(coded.is_category[j])
            right[start : start + step, j] = _is_right(guess, block[:, j], own, spans[j])
    return right


def _scaled(
    coded: CodedTables, records: FloatArray, targets: FloatArray, j: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """A column of both tables, numbers from 0 to 1 over the records, levels two apart."""
    present = records[~np.isnan(records)]
    low = float(present.min()) if len(present) else 0.0
    width = float(np.ptp(present)) if len(present) else 0.0
    scale = 0.5 if coded.is_category[j] else width or 1.0
    known, asked = (np.clip((cells - low) / scale, -1e6, 1e6) for cells in (records, targets))
    return known.astype(np.float32), asked.astype(np.float32)


def _squared_gaps(
    targets: npt.NDArray[np.float32], records: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Squared distance in one column, at most 1, also where one has a value; shape (n_targets, n_records)."""
    a, b = np.nan_to_num(targets), np.nan_to_num(records)
    gaps: npt.NDArray[np.float32] = np.minimum((a[:, None] - b[None]) ** 2, np.float32(1.0))
    lacking = np.isnan(targets)[:, None] != np.isnan(records)[None]
    gaps[lacking] = 1.0
    return gaps


def _is_right(guess: FloatArray, truth: FloatArray, is_category: bool, span: float) -> BoolArray:
    both_missing = np.isnan(guess) & np.isnan(truth)
    near = guess == truth if is_category else np.abs(guess - truth) <= TOLERANCE * span
    right: BoolArray = both_missing | near
    return right


def _count(rows: FloatArray, guess: list[tuple[int, float, float]]) -> int:
    """Rows of which a guess is true; looking is over as soon as none is left."""
    left = np.arange(len(rows))
    for j, low, high in guess:
        cells = rows[left, j]
        left = left[np.isnan(cells) if np.isnan(low) else (cells >= low) & (cells <= high)]
        if not len(left):
            break
    return len(left)


def _span(column: FloatArray) -> float:
    present = column[~np.isnan(column)]
    return float(np.subtract(*np.quantile(present, [0.95, 0.05]))) if len(present) else 0.0


def _usual(column: FloatArray, is_category: bool) -> float:
    present = column[~np.isnan(column)]
    if 2 * len(present) < len(column):
        return float("nan")
    return float(np.bincount(present.astype(np.int64)).argmax()) if is_category else float(np.median(present))
