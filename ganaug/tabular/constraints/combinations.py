"""Columns whose values go together as they did: one category of their combinations is modelled."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug._util.cells import missing_kind_of, read_levels, write_levels
from ganaug._util.dtypes import MISSING, dtype_from_state, dtype_to_state
from ganaug.exceptions import InvalidConditionError, InvalidTableError, ModelFileError
from ganaug.tabular.conditions import FREE, GIVEN, LEFT_OUT, Ask, Asks, satisfies
from ganaug.tabular.constraints.base import Constraint, Step, fresh_name
from ganaug.tabular.wanted import Wanted

_SEPARATOR = " | "


@dataclass(frozen=True)
class FixedCombinations(Constraint):
    """Only combinations of values that the training rows have are drawn, such as a city with its country.

    Text, numbers and bools; a missing cell is part of a combination like any other.

    Parameters
    ----------
    columns : list of hashable
        Two or more.
    """

    kind: ClassVar[str] = "fixed_combinations"
    columns: tuple[Hashable, ...]

    def __init__(self, columns: Sequence[Hashable]) -> None:
        given = tuple(columns) if isinstance(columns, list | tuple) else ()
        if len(set(given)) < 2 or len(set(given)) != len(given):
            raise ValueError(f"FixedCombinations must have a list of two or more columns, got {columns!r}")
        object.__setattr__(self, "columns", given)

    @property
    def needs(self) -> tuple[Hashable, ...]:
        """The columns."""
        return self.columns

    def broken_by(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """No training row breaks it: those are the combinations that there are."""
        return np.zeros(len(frame), dtype=bool)

    def fit(self, frame: pd.DataFrame) -> Step:
        """Learn the combinations."""
        parts = [_Part.fit(frame[name], self) for name in self.columns]
        codes = np.stack([part.codes for part in parts], axis=1)
        _, first = np.unique(codes, axis=0, return_index=True)
        kept = np.sort(first)
        held = [_Part(part.levels, part.dtype, part.missing, part.codes[kept]) for part in parts]
        name = fresh_name(_SEPARATOR.join(map(str, self.columns)), frame.columns)
        return CombinationsStep(self, name, tuple(held))


@dataclass(frozen=True, eq=False)
class _Part:
    """What one column has in each combination: codes of its levels, -1 for missing."""

    levels: list[Any]
    dtype: Any
    missing: str
    codes: NDArray[np.intp]

    @classmethod
    def fit(cls, values: pd.Series[Any], constraint: Constraint) -> _Part:
        try:
            codes, levels = read_levels(values)
        except TypeError as error:
            raise InvalidTableError(
                f"{constraint!r} takes text, numbers and bools. Column {values.name!r}: {error}"
            ) from error
        return cls(levels, values.dtype, missing_kind_of(values), codes.astype(np.intp))

    def cells(self) -> Any:
        """The column's cell in each combination, in its dtype."""
        gap = self.missing if (self.codes < 0).any() else None
        return write_levels(self.levels, self.dtype, gap).take(self.codes)

    def texts(self) -> list[str]:
        """The same as text."""
        return [str(self.levels[code]) if code >= 0 else "" for code in self.codes]

    def to_state(self) -> dict[str, Any]:
        return {
            "levels": self.levels,
            "dtype": dtype_to_state(self.dtype),
            "missing": self.missing,
            "codes": self.codes.tolist(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> _Part:
        levels, codes = state["levels"], np.asarray(state["codes"])
        good = (
            isinstance(levels, list)
            and all(isinstance(level, bool | int | float | str) for level in levels)
            and state["missing"] in MISSING
            and codes.ndim == 1
            and len(codes)
            and codes.dtype.kind == "i"
            and codes.min() >= -1
            and codes.max() < len(levels)
        )
        if not good:
            raise ModelFileError("A constraint in the file is broken.")
        return cls(levels, dtype_from_state(state["dtype"]), state["missing"], codes.astype(np.intp))


class CombinationsStep(Step):
    """One category in place of the columns.

    Parameters
    ----------
    constraint : FixedCombinations
    name : str
        Of the category.
    parts : tuple of _Part
        What each column has in each combination.
    """

    def __init__(self, constraint: FixedCombinations, name: str, parts: tuple[_Part, ...]) -> None:
        super().__init__(constraint)
        self.name, self.parts = name, parts
        texts = [_SEPARATOR.join(cells) for cells in zip(*(part.texts() for part in parts), strict=True)]
        taken: set[str] = set()
        self.labels: list[str] = []
        for text in texts:
            self.labels.append(fresh_name(text, taken))
            taken.add(self.labels[-1])

    def _place(self, frame: pd.DataFrame) -> NDArray[np.intp]:
        """The combination of each row, -1 where it has none of them."""
        key = np.stack([self._codes(frame[name], part) for name, part in self._pairs()], axis=1)
        known = pd.MultiIndex.from_arrays([part.codes for part in self.parts])
        return known.get_indexer(pd.MultiIndex.from_arrays(list(key.T)))

    def _pairs(self) -> list[tuple[Hashable, _Part]]:
        return list(zip(self.constraint.columns, self.parts, strict=True))

    @staticmethod
    def _codes(values: pd.Series[Any], part: _Part) -> NDArray[np.intp]:
        """Codes of a column's cells, -1 for missing, -2 for a level that no combination has."""
        codes, levels = read_levels(values)
        table = {level: code for code, level in enumerate(part.levels)}
        return np.array([*(table.get(level, -2) for level in levels), -1])[codes]

    def broken_by(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Rows with a combination that no training row had."""
        return self._place(frame) < 0

    def forward(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The category in the place of the first column; a combination never seen is missing."""
        first: Any = frame.columns.get_loc(self.constraint.columns[0])
        before = sum(1 for name in frame.columns[:first] if name in self.constraint.columns)
        found: Any = pd.Categorical.from_codes(self._place(frame), categories=pd.Index(self.labels))
        changed = frame.drop(columns=list(self.constraint.columns))
        changed.insert(first - before, self.name, found)
        return changed

    def inverse(self, frame: pd.DataFrame, asks: Asks) -> pd.DataFrame:
        """The columns again, at the end."""
        place = frame[self.name].cat.codes.to_numpy()
        place = pd.Index(self.labels).get_indexer(frame[self.name].cat.categories)[place]
        changed = frame.drop(columns=self.name)
        for name, part in self._pairs():
            changed[name] = part.cells().take(place)
        return changed

    def translate(self, asks: Asks, n: int, strict: bool) -> Asks:
        """The combinations that satisfy all that is asked of the columns."""
        own = {name: asks[name] for name in self.constraint.columns if name in asks}
        others = {name: ask for name, ask in asks.items() if name not in own}
        if not own:
            return others
        found = [self._kinds(ask, part) for name, part in self._pairs() if (ask := own.get(name)) is not None]
        keys, kind = np.unique(np.stack([kinds for kinds, _ in found], axis=1), axis=0, return_inverse=True)
        which = np.full(len(keys), FREE)
        wanted: list[Wanted] = []
        for row, key in enumerate(keys):
            good = np.logical_and.reduce([masks[at] for at, (_, masks) in zip(key, found, strict=True)])
            if good.all():
                continue
            if good.any():
                which[row] = len(wanted)
                wanted.append(
                    Wanted(tuple(label for label, fits in zip(self.labels, good, strict=True) if fits))
                )
            elif strict:
                raise InvalidConditionError(
                    f"The conditions on columns {list(own)!r} ask for a combination that no training row "
                    f"has, which {self.constraint!r} forbids."
                )
        return {**others, self.name: Ask(which[kind.reshape(-1)], tuple(wanted))}

    def _kinds(self, ask: Ask, part: _Part) -> tuple[NDArray[np.intp], list[NDArray[np.bool_]]]:
        """For each row which of several sets of combinations satisfies what is asked of one column."""
        cells = pd.Series(part.cells())
        masks = [np.ones(len(cells), dtype=bool), *(satisfies(cells, wanted) for wanted in ask.wanted)]
        kinds = np.where((ask.which == FREE) | (ask.which == LEFT_OUT), 0, ask.which + 1)
        if ask.values is not None:
            codes = self._codes(ask.values.where(ask.is_given), part)
            distinct, place = np.unique(codes, return_inverse=True)
            kinds = np.where(ask.which == GIVEN, len(masks) + place, kinds)
            masks += [part.codes == code for code in distinct]
        return kinds, masks

    def to_state(self) -> dict[str, Any]:
        """The constraint and the combinations."""
        return {
            "columns": list(self.constraint.columns),
            "name": self.name,
            "parts": [part.to_state() for part in self.parts],
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> CombinationsStep:
        """Inverse of `to_state`."""
        parts = tuple(_Part.from_state(part) for part in state["parts"])
        constraint = FixedCombinations(state["columns"])
        if len(parts) != len(constraint.columns) or len({len(part.codes) for part in parts}) != 1:
            raise ModelFileError("A constraint in the file is broken.")
        return cls(constraint, str(state["name"]), parts)
