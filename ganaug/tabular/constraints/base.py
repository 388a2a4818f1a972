"""What a constraint is: rows that it allows, and a way to a table in which every row does.

A constraint is what the caller writes: frozen, comparable, knowing no data. `fit` checks a table and makes a
`Step`, which knows what it has seen: forward turns a table into the one that is modelled, inverse turns any
rows that are drawn back into rows that the constraint allows.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug.exceptions import InvalidConditionError, InvalidTableError, ModelFileError
from ganaug.tabular.conditions import Asks

_SHOWN = 3


class Constraint:
    """What must hold in every row.

    A subclass is a frozen dataclass whose fields are plain values, with ``kind``, the word for it in a file.
    """

    kind: ClassVar[str]

    @property
    def needs(self) -> tuple[Hashable, ...]:
        """The columns that it is about."""
        raise NotImplementedError

    def broken_by(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Which rows don't satisfy it, shape (n_rows,); missing cells break nothing."""
        raise NotImplementedError

    def fit(self, frame: pd.DataFrame) -> Step:
        """Learn what is needed from a table that satisfies it."""
        raise NotImplementedError


class Step:
    """A constraint that has seen the training table. As it is here, it changes nothing.

    Parameters
    ----------
    constraint : Constraint
    """

    def __init__(self, constraint: Any) -> None:
        self.constraint = constraint

    @property
    def shadows(self) -> frozenset[Hashable]:
        """Modelled columns that tell the others what is given, and are drawn for no other reason."""
        return frozenset()

    def broken_by(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Which rows don't satisfy the constraint, shape (n_rows,)."""
        broken: NDArray[np.bool_] = self.constraint.broken_by(frame)
        return broken

    def forward(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The table that is modelled in place of this one."""
        return frame

    def inverse(self, frame: pd.DataFrame, asks: Asks) -> pd.DataFrame:
        """Rows that satisfy the constraint, from any rows of the modelled table drawn as asked."""
        return frame

    def translate(self, asks: Asks, n: int, strict: bool) -> Asks:
        """What is asked of the modelled table, so that the rows have what is asked of the table itself.

        With ``strict``, what can't be said there is `InvalidConditionError`, naming column and constraint;
        without, as much as can be is said: rows to complete then keep their own cells anyway.
        """
        return asks

    def to_state(self) -> dict[str, Any]:
        """JSON-able: what the constraint is, and what was learned."""
        raise NotImplementedError

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Step:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`, a `KeyError` or a `TypeError`."""
        raise NotImplementedError


def check_rows(constraint: Constraint, frame: pd.DataFrame) -> None:
    """Raise unless all columns are there and all rows satisfy the constraint; show the first that don't."""
    for name in constraint.needs:
        if name not in frame.columns:
            raise InvalidTableError(
                f"{constraint!r} needs a column that the table hasn't, or that an earlier constraint has "
                f"replaced (then list this one before it): {name!r}"
            )
    broken = np.flatnonzero(constraint.broken_by(frame))
    if len(broken):
        shown = frame[list(constraint.needs)].iloc[broken[:_SHOWN]]
        rows = "; ".join(
            f"row {row}: " + ", ".join(f"{name}={cell!r}" for name, cell in zip(shown, cells, strict=True))
            for row, cells in zip(broken[:_SHOWN], shown.astype(object).to_numpy().tolist(), strict=True)
        )
        raise InvalidTableError(
            f"{constraint!r} is broken by {len(broken)} of {len(frame)} rows; the first are {rows}"
        )


def untranslatable(name: Hashable, constraint: Constraint, advice: str) -> InvalidConditionError:
    """What to raise for a condition that a constraint can't pass on."""
    return InvalidConditionError(
        f"The condition on column {name!r} can't be combined with {constraint!r}: {advice}"
    )


def scalar_to_state(value: Any) -> Any:
    """A value of a constraint as JSON."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    for kind in (pd.Timestamp, pd.Timedelta):
        try:
            return {kind.__name__: str(kind(value))}
        except (TypeError, ValueError):
            continue
    raise TypeError(f"A constraint can be saved only with plain values, got {value!r}")


def scalar_from_state(state: Any) -> Any:
    """Inverse of `scalar_to_state`."""
    if state is None or isinstance(state, bool | int | float | str):
        return state
    kinds = {"Timestamp": pd.Timestamp, "Timedelta": pd.Timedelta}
    if isinstance(state, dict) and len(state) == 1 and set(state) <= set(kinds):
        ((kind, text),) = state.items()
        if isinstance(text, str):
            try:
                return kinds[kind](text)
            except ValueError as error:
                raise ModelFileError("A constraint in the file is broken.") from error
    raise ModelFileError("A constraint in the file is broken.")


def fresh_name(name: str, taken: Any) -> str:
    """A column name that isn't taken yet."""
    while name in taken:
        name += "'"
    return name
