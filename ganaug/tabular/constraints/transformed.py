"""A user's own pair of functions: the table that is modelled, and the way back."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug._util.dtypes import index_from_state, index_to_state
from ganaug.exceptions import InvalidTableError, ModelFileError
from ganaug.tabular.conditions import FREE, GIVEN, Ask, Asks
from ganaug.tabular.constraints.base import Constraint, Step, untranslatable


@dataclass(frozen=True)
class Transformed(Constraint):
    """Whatever ``inverse`` makes of any table like those that ``forward`` makes.

    A file can't hold functions: `GANSynthesizer.load` is to be given the same constraints again. Columns that
    ``forward`` leaves as they are can have conditions.

    Parameters
    ----------
    forward : callable
        A DataFrame in, the DataFrame to be modelled out, with as many rows in the same order.
    inverse : callable
        The way back, for any rows of such a table.
    """

    kind: ClassVar[str] = "transformed"
    forward: Callable[[pd.DataFrame], pd.DataFrame]
    inverse: Callable[[pd.DataFrame], pd.DataFrame]

    @property
    def needs(self) -> tuple[Hashable, ...]:
        """No column by name."""
        return ()

    def broken_by(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """What the functions do with a row is their business."""
        return np.zeros(len(frame), dtype=bool)

    def fit(self, frame: pd.DataFrame) -> Step:
        """Try both functions on the table, and see which columns stay as they are."""
        before = frame.copy()
        modelled = _checked(self.forward(frame.copy()), len(frame), "forward", self)
        back = _checked(self.inverse(modelled.copy()), len(frame), "inverse", self)
        lost = [name for name in frame.columns if name not in back.columns]
        if lost or len(back.columns) != len(frame.columns):
            raise InvalidTableError(
                f"The inverse of {self!r} must give back the columns {list(frame.columns)!r}, got "
                f"{list(back.columns)!r}"
            )
        same = [n for n in frame.columns if n in modelled.columns and before[n].equals(modelled[n])]
        return TransformedStep(self, frame.columns, pd.Index(same, dtype=object))


class TransformedStep(Step):
    """The functions, what columns came in and which of them they leave alone."""

    def __init__(self, constraint: Transformed | None, columns: pd.Index[Any], same: pd.Index[Any]) -> None:
        super().__init__(constraint)
        self.columns, self.same = columns, same

    def forward(self, frame: pd.DataFrame) -> pd.DataFrame:
        """What the user's function makes of the table."""
        return _checked(self.constraint.forward(frame.copy()), len(frame), "forward", self.constraint)

    def inverse(self, frame: pd.DataFrame, asks: Asks) -> pd.DataFrame:
        """What the user's function makes of the rows."""
        back = _checked(self.constraint.inverse(frame.copy()), len(frame), "inverse", self.constraint)
        return back[list(self.columns)]

    def translate(self, asks: Asks, n: int, strict: bool) -> Asks:
        """Conditions on columns that stay as they are; the others' cells only where a row has all of them."""
        kept = {name: ask for name, ask in asks.items() if name in self.same}
        changed = [name for name in self.columns if name not in self.same]
        asked = [name for name in changed if name in asks and (asks[name].which != FREE).any()]
        if asked and strict:
            raise untranslatable(asked[0], self.constraint, "its functions change this column")
        if not changed or any(name not in asks for name in changed):
            return kept
        return kept | self._forwarded({name: asks[name] for name in self.columns if name in asks}, n)

    def _forwarded(self, asks: Asks, n: int) -> Asks:
        """What the functions make of the rows that lack nothing."""
        whole = np.logical_and.reduce([ask.is_given for ask in asks.values()])
        if not whole.any() or len(asks) < len(self.columns):
            return {}
        frame = pd.DataFrame({place: ask.values for place, ask in enumerate(asks.values())})[whole]
        modelled = self.forward(frame.set_axis(self.columns, axis=1).reset_index(drop=True))
        found: Asks = {}
        for name in (name for name in modelled.columns if name not in self.same):
            values = modelled[name].set_axis(np.flatnonzero(whole)).reindex(range(n))
            found[name] = Ask(np.where(whole, GIVEN, FREE), (), values)
        return found

    def to_state(self) -> dict[str, Any]:
        """What a file can hold: everything but the functions."""
        return {"columns": index_to_state(self.columns), "same": index_to_state(self.same)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> TransformedStep:
        """Inverse of `to_state`, without the functions."""
        return cls(None, index_from_state(state["columns"]), index_from_state(state["same"]))

    def with_functions(self, constraint: Constraint | None) -> TransformedStep:
        """The same with the functions that the caller brings."""
        if not isinstance(constraint, Transformed):
            raise ModelFileError(
                "This model has a Transformed constraint, whose functions a file can't hold; pass all the "
                f"constraints of its fit: GANSynthesizer.load(path, constraints=[...]). Got {constraint!r}"
            )
        return TransformedStep(constraint, self.columns, self.same)


def _checked(frame: Any, n_rows: int, what: str, constraint: Any) -> pd.DataFrame:
    if not isinstance(frame, pd.DataFrame) or len(frame) != n_rows or not frame.columns.is_unique:
        kind = f"{len(frame)} rows" if isinstance(frame, pd.DataFrame) else type(frame).__name__
        raise InvalidTableError(
            f"The {what} function of {constraint!r} must return a DataFrame of {n_rows} rows with columns of "
            f"different names, got {kind}"
        )
    return frame.reset_index(drop=True)
