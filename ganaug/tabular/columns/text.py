"""Free text, when the caller accepts that rows get whole values of the training rows, as they are.

Nothing of it is modelled: a value is drawn by how frequent it is, whatever the other columns hold. So it says
nothing of them, but it is a real value, perhaps a real person's name; and the model's file holds all of them.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from ganaug.tabular.columns.base import Arrays, Field, FloatArray, IntArray, State, Unseen
from ganaug.tabular.columns.categorical import CategoryCodec
from ganaug.tabular.columns.within import refuse
from ganaug.tabular.wanted import Wanted


@dataclass(frozen=True, eq=False)
class TextCodec:
    """A column that has no fields, and whose cells are drawn from those of fit.

    Parameters
    ----------
    name : hashable
        The column's label, for errors.
    values : CategoryCodec
        All that were there, and how often.
    """

    kind: ClassVar[str] = "text"
    name: Hashable
    values: CategoryCodec

    @classmethod
    def fit(cls, values: pd.Series[Any], name: Hashable, weights: FloatArray | None = None) -> TextCodec:
        """Keep all values; `RejectColumn` when they are neither text nor numbers nor bools."""
        return cls(name, CategoryCodec.fit(values, name, weights, chosen=True))

    @property
    def dtype(self) -> Any:
        """The column's own dtype."""
        return self.values.dtype

    @property
    def fields(self) -> tuple[Field, ...]:
        """None: nothing of it is modelled."""
        return ()

    @property
    def why(self) -> str:
        """How cells are drawn."""
        return f"whole values of the training rows, as they are: {len(self.values.levels)}"

    def encode(self, values: pd.Series[Any], *, unseen: Unseen = "raise") -> IntArray:
        """Codes of shape (n, 0), whatever the values."""
        return np.empty((len(values), 0), dtype=np.int32)

    def encode_asked(self, values: pd.Series[Any], extrapolate: bool) -> IntArray:
        """Codes of shape (n, 0): any text may be asked for."""
        return self.encode(values)

    def decode(self, codes: IntArray, rng: np.random.Generator) -> Any:
        """Cells drawn by how frequent they are, in the column's own dtype."""
        return self.decode_within(codes, Wanted(missing=True), rng)

    def shares(self, wanted: Wanted, before: tuple[int, ...] = ()) -> FloatArray:
        """No shares, shape (0,), as there is no field; an error when the condition can't be met."""
        self.decode_within(np.empty((0, 0), dtype=np.int32), wanted, np.random.default_rng(0))
        return np.ones(0)

    def decode_within(self, codes: IntArray, wanted: Wanted, rng: np.random.Generator) -> Any:
        """As `decode`, among the cells that satisfy a condition."""
        n_levels, counts = len(self.values.levels), self.values.counts.copy()
        counts[:n_levels] *= self.values.satisfying(wanted)
        counts[n_levels:] *= wanted.missing
        if not counts.sum() > 0:
            raise refuse(self.name, wanted, f"{n_levels} other texts")
        return self.values.cells.take(rng.choice(len(counts), len(codes), p=counts / counts.sum()))

    def to_state(self) -> State:
        """A JSON-able header and named arrays."""
        return self.values.to_state()

    @classmethod
    def from_state(cls, name: Hashable, header: dict[str, Any], arrays: Arrays) -> TextCodec:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`."""
        return cls(name, CategoryCodec.from_state(name, header, arrays))
