"""What is a number worth? Its interval over resamples, its distance from the floor, and one word for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["GROUPS", "WORDS", "Limits", "Measure", "standard_error", "word_for"]

GROUPS = ("fidelity", "usefulness", "privacy")
WORDS = ("good", "look here", "bad")
N_RESAMPLES = 20
_WIDTH = 2.09  # standard errors on either side: Student's 95 % for twenty resamples

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Limits:
    """How far a measure may be from its floor.

    Attributes
    ----------
    best : float or None
        The value to wish for; ``None`` where that is what real rows score.
    sign : {1, -1}
        1 where larger is worse, -1 where larger is better.
    good, bad : float
        A value is good up to ``good`` beyond its floor, and bad from ``bad`` beyond it.
    lower, upper : float
        The measure's own range.
    """

    best: float | None
    sign: int
    good: float
    bad: float
    lower: float = 0.0
    upper: float = 100.0


@dataclass(frozen=True)
class Measure:
    """One number of a report, with all that is needed to read it.

    Attributes
    ----------
    name : str
    group : {"fidelity", "usefulness", "privacy"}
    values : dict of float
        By table: "synthetic", and the ends of the scale that there are, "real" among them the floor.
    low, high : float
        The 95 % interval of the synthetic value.
    best : float
    word : {"good", "look here", "bad"}
    meaning : str
        What is asked, in a sentence.
    detail : str
        What else was found.
    """

    name: str
    group: str
    values: dict[str, float]
    low: float
    high: float
    best: float
    word: str
    meaning: str
    detail: str = ""


def make_measure(
    name: str,
    group: str,
    values: dict[str, float],
    errors: dict[str, float],
    limits: Limits,
    meaning: str,
    detail: str = "",
) -> Measure:
    """Put a measure together from its values and their standard errors, by table.

    The floor is the value of "real" where there is one, else the best, else that of "bootstrap".
    """
    floors = [values.get("real"), limits.best, values.get("bootstrap")]
    floor = next(float(value) for value in floors if value is not None and not np.isnan(value))
    value, error = values["synthetic"], errors.get("synthetic", 0.0)
    margin = _WIDTH * float(np.hypot(error, errors.get("real", 0.0)))
    return Measure(
        name,
        group,
        values,
        float(np.clip(value - _WIDTH * error, limits.lower, limits.upper)),
        float(np.clip(value + _WIDTH * error, limits.lower, limits.upper)),
        floor if limits.best is None else limits.best,
        word_for(limits.sign * (value - floor), margin, limits.good, limits.bad),
        meaning,
        detail,
    )


def word_for(excess: float, margin: float, good: float, bad: float) -> str:
    """The word for a value that is so far beyond its floor, give or take a margin.

    Parameters
    ----------
    excess : float
        How much worse than the floor.
    margin : float
        Half the width of the 95 % interval of that.
    good, bad : float
        Up to ``good`` is good, and so is what the margin can't tell from the floor; beyond ``bad`` by more
        than the margin is bad; all else wants a look.

    Examples
    --------
    >>> [word_for(excess, 1.0, good=0.5, bad=4.0) for excess in (0.3, 0.9, 2.0, 4.5, 6.0)]
    ['good', 'good', 'look here', 'look here', 'bad']
    """
    if excess - margin > bad:
        return "bad"
    return "good" if excess <= good or (excess <= margin and excess <= bad) else "look here"


def standard_error(statistic: Callable[..., float], sizes: Sequence[int]) -> float:
    """Standard error of a statistic of rows, by resamples that leave out a part of them each.

    The delete-a-group jackknife: unlike a bootstrap it repeats no row, which a distance between tables and a
    distance to the nearest row would take for a difference.

    Parameters
    ----------
    statistic : callable
        Takes an array of positions for each table, and returns the value for these rows.
    sizes : sequence of int
        Rows of each table, in random order.

    Returns
    -------
    float

    References
    ----------
    Shao and Tu: The Jackknife and Bootstrap, 1995 (section 2.3).
    """
    n_groups = min(N_RESAMPLES, *sizes)
    values = []
    for group in range(n_groups):
        kept = [np.flatnonzero(np.arange(size) % n_groups != group) for size in sizes]
        values.append(statistic(*kept))
    spread = np.square(np.array(values) - np.mean(values)).sum()
    return float(np.sqrt((n_groups - 1) / n_groups * spread))
