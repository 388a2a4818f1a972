"""`evaluate` for tables: what is compared with what, and which columns, pairs and rows give them away."""

from __future__ import annotations

from typing import Any

import numpy as np

from ganaug._util.random import numpy_generator, seed_sequence
from ganaug.evaluation.exhibits import TableExhibits
from ganaug.evaluation.faults import find_faults
from ganaug.evaluation.fidelity import fidelity
from ganaug.evaluation.images import evaluate_images
from ganaug.evaluation.judged import Judged
from ganaug.evaluation.privacy import privacy
from ganaug.evaluation.reading import Tables, read_tables
from ganaug.evaluation.report import Report
from ganaug.evaluation.scale import Measure
from ganaug.evaluation.usefulness import usefulness
from ganaug.image.reading import are_images
from ganaug.metrics.features import code_tables

__all__ = ["evaluate"]

_NO_HOLDOUT = (
    "No real_holdout was given: this compares with the rows that the generator was fitted on, and a copy of "
    "them scores 1.000, so it can't tell learning from remembering. Hold rows out."
)
_HOLDOUT = (
    "Judged against the held-out rows. real: other real rows in the synthetic ones' place, the floor; "
    "bootstrap: copies of training rows; independent: columns shuffled, each for itself."
)
_NO_TARGET = "No target was given: whether a model can learn from the rows was not tried."


def evaluate(
    real_train: Any,
    synthetic: Any,
    *,
    real_holdout: Any = None,
    target: Any = None,
    max_rows: int = 10_000,
    random_state: int = 0,
) -> Report:
    """Judge synthetic rows or images: fidelity, usefulness and privacy, each beside the ends of its scale.

    Every table is cut, at random, to the rows of the smallest, since a judge sees more in more rows.

    Parameters
    ----------
    real_train : DataFrame or array of shape (n_train, n_features)
        The rows that the generator was fitted on; or images, in any layout, and the others likewise.
    synthetic : DataFrame or array of shape (n_synthetic, n_features)
        Rows it has drawn; the same columns.
    real_holdout : DataFrame or array of shape (n_holdout, n_features), optional
        Real rows that it has not seen. With them the comparison is with these; without, with ``real_train``,
        which a copy of it passes, and the attacks are left out, which the report says.
    target : column name, optional
        With a hold-out, also try a model that is trained on synthetic rows to predict this column. Of images,
        a tuple of labels: of those of ``real_train``, of ``synthetic`` and, where given, ``real_holdout``.
    max_rows : int, default=10000
        Larger tables are judged by so many of their rows, drawn at random, and the report says so.
    random_state : int, default=0

    Returns
    -------
    Report

    Raises
    ------
    InvalidTableError
        If a table has fewer than 20 rows, the columns differ or hold what can't be compared, or ``target``
        isn't one.

    Examples
    --------
    >>> from ganaug.datasets import make_customers
    >>> real, unseen = make_customers(200, random_state=0), make_customers(200, random_state=1)
    >>> report = evaluate(real, real, real_holdout=unseen)
    >>> report.scores.loc["exact copies %", ["synthetic", "real"]].tolist()
    [100.0, 0.0]
    >>> report.to_frame().loc["exact copies %", "word"]
    'bad'
    """
    if not isinstance(max_rows, int | np.integer) or max_rows < 20:
        raise ValueError(f"max_rows must be an integer >= 20; got {max_rows!r}.")
    if are_images(real_train, None):
        return evaluate_images(
            real_train,
            synthetic,
            real_holdout=real_holdout,
            target=target,
            max_rows=int(max_rows),
            random_state=random_state,
        )
    tables = read_tables(real_train, synthetic, real_holdout, target)
    rng = numpy_generator(seed_sequence(random_state), 0)
    judged = _judged(tables, target, int(max_rows), rng, random_state)
    measures = [*fidelity(judged)]
    importances = by_column = None
    if judged.holdout is not None and target is not None:
        useful, importances = usefulness(judged, judged.holdout)
        measures += useful
    kept, by_column = privacy(judged)
    measures += kept
    known, lacking = _told(measures)
    exhibits = TableExhibits(tables, find_faults(judged), importances, by_column)
    notes = [_HOLDOUT] if judged.holdout is not None else []
    notes += [_NO_TARGET] if target is None and judged.holdout is not None else []
    warnings = [] if judged.holdout is not None else [_NO_HOLDOUT]
    return Report(
        tuple(known),
        exhibits.reference,
        tables.frames["synthetic"],
        (*notes, *_size_notes(tables, judged), *tables.notes, *lacking),
        tuple(warnings),
        exhibits,
    )


def _judged(
    tables: Tables, target: Any, max_rows: int, rng: np.random.Generator, random_state: int
) -> Judged:
    frames = [frame.drop(columns=tables.left_out) for frame in tables.frames.values()]
    coded = code_tables(*frames, categorical=tables.categorical)
    cut = {
        name: matrix[rng.permutation(len(matrix))[:max_rows]]
        for name, matrix in zip(tables.frames, coded.matrices, strict=True)
    }
    train, holdout = cut["real_train"], cut.get("real_holdout")
    size = min(map(len, cut.values()))
    candidates = {"synthetic": cut["synthetic"][:size]}
    if holdout is not None:
        candidates["real"] = train[:size]
    candidates["bootstrap"] = train[rng.integers(len(train), size=size)]
    candidates["independent"] = rng.permuted(train[:size], axis=0)
    reference = (train if holdout is None else holdout)[:size]
    return Judged(coded, train, holdout, reference, candidates, target, random_state)


def _told(measures: list[Measure]) -> tuple[list[Measure], list[str]]:
    """Measures that have a value; of the others, a note that names them."""
    known = [m for m in measures if np.isfinite(m.values["synthetic"])]
    lacking = [m.name for m in measures if not np.isfinite(m.values["synthetic"])]
    return known, [
        f"Not measured, since the table has too little for it: {', '.join(lacking)}."
    ] if lacking else []


def _size_notes(tables: Tables, judged: Judged) -> list[str]:
    sizes = {name: len(frame) for name, frame in tables.frames.items()}
    told = ", ".join(f"{name} {size:,}" for name, size in sizes.items())
    judges = len(judged.reference)
    if max(sizes.values()) > judges:
        return [f"Rows given: {told}. Judged by {judges:,} of each, drawn at random; exact copies among all."]
    return [f"Rows given: {told}."]
