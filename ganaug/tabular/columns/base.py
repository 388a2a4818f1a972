"""What a column codec is, and what it asks of a generator.

Shape
-----
A codec turns a column of n cells into codes (n, n_fields), non-negative integers; each field says, by a typed
object, what its codes mean: one of n classes, or a class or a cell of a number's rank axis.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, TypeAlias, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug._util.cells import read_numbers
from ganaug._util.dtypes import has_named_levels, kind_of
from ganaug.exceptions import ModelFileError, RejectColumn
from ganaug.tabular.wanted import Wanted

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.integer[Any]]
Arrays: TypeAlias = dict[str, NDArray[Any]]
State: TypeAlias = tuple[dict[str, Any], Arrays]
Unseen: TypeAlias = Literal["raise", "group", "mark", "nearest"]
T = TypeVar("T")

_ADVICE_ON_LEVELS = (
    "its levels are of a kind that is not supported. Name them: df[name].cat.rename_categories(str)."
)


@dataclass(frozen=True, eq=False)
class CategoryField:
    """A softmax over ``n_codes`` classes.

    Parameters
    ----------
    n_codes : int
        Number of classes, with the one for missing where there is one.
    counts : array of shape (n_codes,)
        (Weighted) training rows in each.
    n_ordered : int, default 0
        The first so many classes are levels in an order that means something; neighbours are alike.
    """

    n_codes: int
    counts: FloatArray
    n_ordered: int = 0


@dataclass(frozen=True, eq=False)
class NumberField:
    """Point classes, and the cells that the rank axis is cut into.

    Code ``c < n_points`` is a point class, code ``n_points + k`` is cell k. A normal score is
    `scipy.special.ndtri` of a rank in (0, 1) among the training rows that are in cells.

    Parameters
    ----------
    n_points : int
        Number of point classes: point masses, then missing where there is one.
    lower, upper : array of shape (n_cells,)
        Normal scores of the cells' edges: strictly increasing also in float32, ``lower[0] == -inf``,
        ``upper[-1] == inf`` and ``lower[k + 1] == upper[k]``.
    centre : array of shape (n_cells,)
        Normal score of each cell's middle rank; finite.
    counts : array of shape (n_points + 1,)
        (Weighted) training rows of each point class and, last, of all cells together.
    places : array of shape (n_points,), optional
        Where the point classes stand on the axis of normal scores; NaN for missing.
    """

    n_points: int
    lower: FloatArray
    upper: FloatArray
    centre: FloatArray
    counts: FloatArray
    places: FloatArray | None = None

    @property
    def n_codes(self) -> int:
        """Number of point classes and cells."""
        return self.n_points + len(self.centre)

    @property
    def axis(self) -> FloatArray:
        """Where each code stands among the others, shape (n_codes,); NaN for missing."""
        if self.places is not None:
            return np.concatenate([self.places, self.centre])
        below = self.centre[0] - 1.0 - np.arange(self.n_points)  # of no known place: told apart, no more
        return np.concatenate([below, self.centre])


Field: TypeAlias = CategoryField | NumberField


class ColumnCodec(Protocol):
    """Exact way between one column of a table and the integer codes of its fields."""

    kind: ClassVar[str]

    @property
    def dtype(self) -> Any:
        """The column's own dtype."""

    @property
    def fields(self) -> tuple[Field, ...]:
        """What a generator must emit, one entry per column of codes."""

    @classmethod
    def fit(cls, values: pd.Series[Any], name: Hashable, weights: FloatArray | None = None) -> ColumnCodec:
        """Learn the column; raise `RejectColumn`, which names it, when it isn't of this codec's kind."""

    def encode(self, values: pd.Series[Any], *, unseen: Unseen = "raise") -> IntArray:
        """Codes of shape (n, n_fields).

        A value that the column never had is an error ("raise") or gets code -1 ("mark"); with "nearest" a
        number takes the closest level, and all else is marked. "group" is "raise" for rows to learn from: a
        level that was left out because it is rare is no error there.
        """

    def decode(self, codes: IntArray, rng: np.random.Generator) -> Any:
        """Array of n cells in the column's own dtype."""

    def encode_asked(self, values: pd.Series[Any], extrapolate: bool) -> IntArray:
        """Codes (n, n_fields) of cells that rows are asked to have; the values are then written as they are.

        What the column can't draw (a level never seen, a number beyond its range, a gap where it had none)
        is an `InvalidTableError` or `InvalidConditionError` that names the column and ends in the value.
        With ``extrapolate``, a number or date of its dtype gets the code of the nearest one that it had.
        """

    def shares(self, wanted: Wanted, before: tuple[int, ...] = ()) -> FloatArray:
        """What share of the cells that each code of the next field stands for satisfies ``wanted``.

        Fields of a column are asked in their order: with k codes in ``before``, those of its first k fields
        (which had a positive share themselves), the answer is for field k, shape (n_codes,), in [0, 1]: 1
        where all cells of the code satisfy it, 0 where none does, between for a stretch of numbers of which
        a part does. At least one is positive; when no cell at all satisfies it, `InvalidConditionError`
        names the column and says what it has. A code that no cell has gets 0, unless `decode` takes it for
        another.
        """

    def decode_within(self, codes: IntArray, wanted: Wanted, rng: np.random.Generator) -> Any:
        """As `decode`, for codes drawn with `shares`: every cell satisfies ``wanted`` exactly."""

    def to_state(self) -> State:
        """A JSON-able header and named arrays."""

    @classmethod
    def from_state(cls, name: Hashable, header: dict[str, Any], arrays: Arrays) -> ColumnCodec:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`."""


def refuse_unsupported(values: pd.Series[Any], name: Hashable) -> None:
    """Raise `RejectColumn` for dtypes that no codec takes, and for infinity."""
    dtype: Any = values.dtype
    inner = dtype.categories.dtype if isinstance(dtype, pd.CategoricalDtype) else dtype
    if kind_of(inner) == "other" and not has_named_levels(dtype):
        advice = _advice(inner) if inner is dtype else _ADVICE_ON_LEVELS
        raise RejectColumn(f"Column {name!r}: {advice} Its dtype is {dtype}")
    cells = pd.Series(dtype.categories) if inner is not dtype else values
    numbers = read_numbers(cells)
    if numbers is not None and numbers[0].dtype.kind == "f" and np.isinf(numbers[0][~numbers[1]]).any():
        raise RejectColumn(infinity_in(name))


def infinity_in(name: Hashable) -> str:
    """What to say of an infinite cell."""
    return (
        f"Column {name!r} holds infinity, which is neither a number to learn from nor a missing value. "
        "Replace it, for example by NaN: df.replace([numpy.inf, -numpy.inf], numpy.nan)."
    )


def weighed_rows(values: pd.Series[Any], weights: FloatArray | None) -> tuple[pd.Series[Any], FloatArray]:
    """The rows that count, and how much each does."""
    if weights is None:
        return values, np.ones(len(values))
    counts = weights > 0
    return (values, weights) if counts.all() else (values[counts], weights[counts])


def _advice(dtype: Any) -> str:
    text = str(dtype).lower()
    if getattr(dtype, "kind", "") == "c":
        return "Complex data not supported. Split it into a real and an imaginary column."
    if isinstance(dtype, pd.SparseDtype):
        return "sparse columns are not supported. Make it dense: df[name].sparse.to_dense()."
    if "interval" in text:
        return "intervals are not supported but as categories. Make them so: df[name].astype('category')."
    if "period" in text:
        return "periods are not supported. Turn it into dates: df[name].dt.to_timestamp()."
    if any(word in text for word in ("decimal", "float", "double")):
        return "this kind of number is not supported. Convert it: df[name].astype('float64')."
    return "this dtype is not supported. Convert it to numbers or text (df[name].astype(str)), or drop it."


def want(header: dict[str, Any], key: str, kind: type[T]) -> T:
    """Entry of a header from a file, which must be of this very type."""
    value = header.get(key)
    if type(value) is not kind:
        raise ModelFileError(f"The file's entry {key!r} should be {kind.__name__}, got {value!r:.80}")
    return value


def want_array(arrays: Arrays, key: str, kinds: str, length: int | None = None) -> NDArray[Any]:
    """Vector from a file: its dtype's kind among ``kinds``, finite, of the given length."""
    array = arrays.get(key)
    if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype.kind not in kinds:
        raise ModelFileError(f"The file's array {key!r} is missing, or not a vector of the right type.")
    if length is not None and len(array) != length:
        raise ModelFileError(f"The file's array {key!r} should have {length} entries, got {len(array)}")
    if not np.isfinite(array).all():
        raise ModelFileError(f"The file's array {key!r} holds a value that is not finite.")
    return array
