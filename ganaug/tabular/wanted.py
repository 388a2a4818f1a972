"""What is asked of the cells of one column, short of one value: a set of them, a range, missing or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from pandas.api.types import is_scalar

from ganaug.exceptions import InvalidConditionError

__all__ = ["Between", "Missing", "Present", "Wanted"]


@dataclass(frozen=True)
class Wanted:
    """Which cells of a column satisfy a condition. Hashable: equal ones ask for the same.

    Parameters
    ----------
    values : tuple or None, default=None
        A cell that isn't missing must be one of these; None takes any. They are as the caller gave them:
        the codec reads them in its own way, and refuses by name what it never had.
    low, high : scalar or None, default=None
        ... and lie between these, both included; None is no bound. Never together with ``values``.
    missing : bool, default=False
        Whether a missing cell satisfies it.
    extrapolate : bool, default=False
        Whether numbers that the column never had, beyond its range, are allowed.
    """

    values: tuple[Any, ...] | None = None
    low: Any = None
    high: Any = None
    missing: bool = False
    extrapolate: bool = False

    def __str__(self) -> str:
        if self.values is not None:
            return f"one of {[*self.values, *([None] if self.missing else [])]!r:.200}"
        if self.low is None and self.high is None:
            return "not missing" if not self.missing else "anything"
        return f"between {self.low!r} and {self.high!r}"


@dataclass(frozen=True)
class Between:
    """Condition: a value from ``low`` to ``high``, both included, and not missing.

    Parameters
    ----------
    low, high : scalar, optional
        None is no bound.

    Examples
    --------
    >>> from ganaug import Between
    >>> Between(60)
    Between(low=60, high=None)
    """

    low: Any = None
    high: Any = None

    def __post_init__(self) -> None:
        for bound in (self.low, self.high):
            if bound is not None and (not is_scalar(bound) or pd.isna(bound)):
                raise InvalidConditionError(
                    f"The bounds of Between must be values, or None for no bound; got {bound!r}"
                )
        if self.low is not None and self.high is not None and not self.low <= self.high:
            raise InvalidConditionError(
                f"Between must have low <= high, got low={self.low!r} and high={self.high!r}"
            )


@dataclass(frozen=True)
class Missing:
    """Condition: a missing cell."""


@dataclass(frozen=True)
class Present:
    """Condition: a cell that isn't missing, whatever it holds."""
