"""Scores of synthetic rows, each beside what real rows, a bootstrap and independent columns score."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ganaug._util.files import atomic_writer
from ganaug._util.random import numpy_generator, seed_sequence
from ganaug.evaluation.plots import plot_comparison
from ganaug.exceptions import InvalidTableError
from ganaug.metrics.detection import tree_detection
from ganaug.metrics.features import as_frame
from ganaug.metrics.marginals import shape_error
from ganaug.metrics.pairs import trend_error, trend_twin
from ganaug.metrics.privacy import dcr_share, exact_copies
from ganaug.metrics.utility import train_on_synthetic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Report", "evaluate"]

_LEAST_ROWS = 20
_NO_HOLDOUT = (
    "No real_holdout was given: this compares with the rows that the generator was fitted on, and a copy of "
    "them scores 1.000, so it can't tell learning from remembering. Hold rows out."
)
_HOLDOUT = (
    "Judged against the held-out rows. real: other real rows in the synthetic ones' place; bootstrap: copies "
    "of training rows; independent: columns shuffled, each for itself."
)
_SDMETRICS_ROWS = 'Shape and Trend error were left out: pip install "ganaug[metrics]".'

Measure = Callable[[pd.DataFrame], float]


@dataclass(frozen=True)
class Report:
    """What `evaluate` found.

    Attributes
    ----------
    scores : DataFrame of shape (n_measures, n_tables)
        Index: the measures. Columns: ``synthetic``; ``real``, what real rows score that are no closer to the
        judge's rows than chance has it (only with a hold-out); ``bootstrap`` of the training rows;
        ``independent`` columns; and ``best``, the value to wish for, which is that of real rows where there
        is no absolute one.
    reference : DataFrame of shape (n_reference, n_features)
        The real rows that the synthetic ones were compared with.
    synthetic : DataFrame of shape (n_synthetic, n_features)
    notes : tuple of str
        What to know when reading the scores.
    """

    scores: pd.DataFrame
    reference: pd.DataFrame = field(repr=False)
    synthetic: pd.DataFrame = field(repr=False)
    notes: tuple[str, ...] = ()

    def summary(self) -> str:
        """Text to read: the table, then the notes, one a line."""
        table = self.scores.to_string(float_format=lambda value: f"{value:.3f}", na_rep="-")
        return "\n".join([table, *self.notes])

    def __str__(self) -> str:
        return self.summary()

    def plot(self, path: str | os.PathLike[str] | None = None, **options: Any) -> Figure:
        """Draw the synthetic rows over the real ones they were compared with.

        Parameters
        ----------
        path : str or path-like, optional
            Also save it there; the suffix says the format.
        **options
            Passed to `ganaug.evaluation.plots.plot_comparison`.

        Returns
        -------
        matplotlib.figure.Figure
        """
        figure = plot_comparison(self.reference, self.synthetic, **options)
        if path is not None:
            suffix = Path(path).suffix[1:].lower() or "png"
            known = sorted(figure.canvas.get_supported_filetypes())
            if suffix not in known:
                raise ValueError(f"A picture's name must end in {', '.join(known)}; got {os.fspath(path)!r}.")
            with atomic_writer(path) as handle:
                figure.savefig(handle, format=suffix, dpi=110)
        return figure


def evaluate(
    real_train: Any,
    synthetic: Any,
    *,
    real_holdout: Any = None,
    target: Any = None,
    random_state: int = 0,
) -> Report:
    """Score synthetic rows, and the ends of each scale with them.

    Every table is cut, at random, to the rows of the smallest, since a judge sees more in more rows.

    Parameters
    ----------
    real_train : DataFrame or array of shape (n_train, n_features)
        The rows that the generator was fitted on.
    synthetic : DataFrame or array of shape (n_synthetic, n_features)
        Rows it has drawn; the same columns.
    real_holdout : DataFrame or array of shape (n_holdout, n_features), optional
        Real rows that it has not seen. With them the comparison is with these; without, with ``real_train``.
    target : column name, optional
        With a hold-out, also score a model that is trained on synthetic rows to predict this column.
    random_state : int, default=0

    Returns
    -------
    Report

    Raises
    ------
    InvalidTableError
        If a table has fewer than 20 rows, the columns differ, or ``target`` isn't one.

    Examples
    --------
    >>> from ganaug.datasets import make_customers
    >>> real, unseen = make_customers(200, random_state=0), make_customers(200, random_state=1)
    >>> report = evaluate(real, real, real_holdout=unseen)
    >>> report.scores.loc["exact copies %", ["synthetic", "real"]].tolist()
    [100.0, 0.0]
    """
    tables = {"real_train": real_train, "synthetic": synthetic, "real_holdout": real_holdout}
    frames = {name: as_frame(table) for name, table in tables.items() if table is not None}
    frames = _checked(frames, target)
    train, holdout = frames["real_train"], frames.get("real_holdout")
    reference = train if holdout is None else holdout
    rng = numpy_generator(seed_sequence(random_state), 0)
    size = min(map(len, frames.values()))
    candidates = _candidates(frames, size, rng)
    scores = _fidelity(_some_rows(reference, size, rng), candidates)
    if holdout is not None and target is not None:
        scores |= _utility(holdout, target, candidates)
    if holdout is not None:
        scores |= _closeness(train, holdout, candidates)
    scores |= _copies(train, holdout, candidates)
    notes = [_NO_HOLDOUT if holdout is None else _HOLDOUT]
    notes += [] if "shape error %" in scores else [_SDMETRICS_ROWS]
    return Report(_as_table(scores, list(candidates)), reference, frames["synthetic"], tuple(notes))


def _candidates(
    frames: dict[str, pd.DataFrame], size: int, rng: np.random.Generator
) -> dict[str, pd.DataFrame]:
    """The tables to be judged, of ``size`` rows each: the synthetic one and the ends of the scale."""
    train = frames["real_train"]
    candidates = {"synthetic": _some_rows(frames["synthetic"], size, rng)}
    if "real_holdout" in frames:
        candidates["real"] = _some_rows(train, size, rng)
    candidates["bootstrap"] = _rows(train, rng.integers(len(train), size=size))
    candidates["independent"] = _shuffled_columns(_some_rows(train, size, rng), rng)
    return candidates


Scores = dict[str, tuple[list[float], float]]


def _fidelity(reference: pd.DataFrame, candidates: dict[str, pd.DataFrame]) -> Scores:
    """Measures of a table against the reference rows; those that need an extra only where it is installed."""
    measures: dict[str, tuple[Measure, float]] = {
        "shape error %": (lambda rows: 100.0 * shape_error(reference, rows), 0.0),
        "trend error %": (lambda rows: 100.0 * trend_error(reference, rows), 0.0),
        "pair distance %": (lambda rows: 100.0 * trend_twin(reference, rows), 0.0),
        "tree C2ST": (lambda rows: tree_detection(reference, rows), 1.0),
    }
    scores: Scores = {}
    for name, (measure, best) in measures.items():
        try:
            scores[name] = [measure(rows) for rows in candidates.values()], best
        except ImportError:
            continue
    return scores


def _utility(holdout: pd.DataFrame, target: Any, candidates: dict[str, pd.DataFrame]) -> Scores:
    found = [train_on_synthetic(rows, holdout, target=target) for rows in candidates.values()]
    name = "auc" if "auc" in found[0] else "r2"
    values = [scores[name] for scores in found]
    return {f"trained on it, {name.upper()}": (values, values[1])}


def _closeness(train: pd.DataFrame, holdout: pd.DataFrame, candidates: dict[str, pd.DataFrame]) -> Scores:
    """Share closer to a training row than to an unseen one; the real rows are half of the hold-out."""
    half = len(holdout) // 2
    values = [
        dcr_share(holdout.iloc[:half], train, holdout.iloc[half:])
        if name == "real"
        else dcr_share(rows, train, holdout)
        for name, rows in candidates.items()
    ]
    return {"DCR share": (values, 0.5)}


def _copies(train: pd.DataFrame, holdout: pd.DataFrame | None, candidates: dict[str, pd.DataFrame]) -> Scores:
    """Share of rows that are training rows; what unseen real rows have is what chance gives."""
    tables = {**candidates, "real": holdout} if holdout is not None else candidates
    values = [100.0 * exact_copies(tables[name], train) for name in candidates]
    return {"exact copies %": (values, values[1] if holdout is not None else 0.0)}


def _as_table(scores: Scores, columns: list[str]) -> pd.DataFrame:
    rows = {name: [*values, best] for name, (values, best) in scores.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=[*columns, "best"])


def _checked(frames: dict[str, pd.DataFrame], target: Any) -> dict[str, pd.DataFrame]:
    """The tables with their columns in one order."""
    columns = list(frames["real_train"].columns)
    for name, frame in frames.items():
        if len(frame.columns) != len(columns) or set(frame.columns) != set(columns):
            raise InvalidTableError(f"{name} must have the columns of real_train; got {list(frame.columns)}.")
        if len(frame) < _LEAST_ROWS:
            raise InvalidTableError(f"{name} must have at least {_LEAST_ROWS} rows; got {len(frame)}.")
    if target is not None and target not in columns:
        raise InvalidTableError(f"target must be a column of the tables; got {target!r}.")
    return {name: frame[columns] for name, frame in frames.items()}


def _rows(frame: pd.DataFrame, positions: np.ndarray) -> pd.DataFrame:
    return frame.iloc[positions].reset_index(drop=True)


def _some_rows(frame: pd.DataFrame, size: int, rng: np.random.Generator) -> pd.DataFrame:
    return _rows(frame, rng.permutation(len(frame))[:size])


def _shuffled_columns(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Every marginal kept, every dependence gone."""
    shuffled = {name: frame[name].iloc[rng.permutation(len(frame))].array for name in frame.columns}
    return pd.DataFrame(shuffled)
