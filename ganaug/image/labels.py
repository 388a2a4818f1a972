"""Labels of images: classes, in the container that they came in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_consistent_length

from ganaug._util.dtypes import index_from_state, index_to_state
from ganaug._util.frames import Container, to_column
from ganaug._util.store import Arrays, Header, array_of, header_dict
from ganaug.exceptions import InvalidConditionError, InvalidImageError, ModelFileError


@dataclass(frozen=True)
class Labels:
    """The classes of images.

    Parameters
    ----------
    levels : pandas.Index
        Classes, sorted where they can be.
    shares : array of shape (n_classes,)
        How often each is.
    name : str, int or None
        Of the Series that came in.
    container : Container
        What labels come in and go out in.
    """

    levels: pd.Index[Any]
    shares: NDArray[np.float64]
    name: Any
    container: Container

    @classmethod
    def fit(cls, y: Any, n_images: int, weights: NDArray[np.float64] | None) -> Labels:
        """Learn the classes; an `InvalidImageError` for labels that are none."""
        _refuse_several(y)
        column, container = to_column(y)
        check_consistent_length(np.empty(n_images), column)
        if column.isna().any():
            raise InvalidImageError(
                f"y contains {int(column.isna().sum())} missing values; drop those images."
            )
        values = column.to_numpy()
        if values.dtype.kind == "f" and (values != np.rint(values)).any():
            raise InvalidImageError(
                "y must hold classes: a continuous label is not supported for images; cut it into classes "
                f"first (pandas.cut). Got {values[values != np.rint(values)][0]!r}"
            )
        codes, levels = pd.factorize(column, sort=True)
        counts = np.bincount(codes, weights, minlength=len(levels))
        return cls(pd.Index(levels), counts / counts.sum(), getattr(y, "name", None), container)

    def __len__(self) -> int:
        return len(self.levels)

    def encode(self, y: Any) -> NDArray[np.intp]:
        """Codes of shape (n,); an `InvalidConditionError` for a class that fit never had."""
        column, _ = to_column(y)
        codes = self.levels.get_indexer(pd.Index(column))
        if (codes < 0).any():
            unknown = column[codes < 0].iloc[0]
            known = ", ".join(map(repr, self.levels[:10].tolist()))
            raise InvalidConditionError(f"y must be among the classes of fit, {known}; got {unknown!r}")
        return codes

    def decode(self, codes: NDArray[np.intp]) -> Any:
        """Labels in the container that came in."""
        taken = self.levels.take(codes)
        column = taken.to_numpy() if isinstance(taken.dtype, np.dtype) else taken.array
        return self.container.rebuild_column(column, self.name)

    def to_state(self) -> tuple[Header, Arrays]:
        """A JSON-able header and arrays."""
        name = self.name if isinstance(self.name, str | int) else None
        levels = index_to_state(self.levels)
        return {"levels": levels, "name": name, "container": self.container.to_state()}, {
            "shares": self.shares
        }

    @classmethod
    def from_state(cls, header: Header, arrays: Arrays) -> Labels:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`."""
        levels = index_from_state(header.get("levels"))
        container = Container.from_state(header_dict(header, "container"))
        shares = array_of(arrays, "shares", "f", length=len(levels), finite=True)
        fits = len(container.columns) == 1 and container.takes([levels.dtype])
        good = fits and len(levels) and levels.is_unique and (shares >= 0).all() and shares.sum() > 0
        if not good or not isinstance(header.get("name"), str | int | None):
            raise ModelFileError("The description of the labels in the file is broken.")
        return cls(levels, shares / shares.sum(), header.get("name"), container)


def _refuse_several(y: Any) -> None:
    if np.ndim(y) == 2 and np.shape(y)[1] > 1:
        kind = type_of_target(np.asarray(y)) if np.asarray(y).dtype.kind in "biuf" else "multioutput"
        raise InvalidImageError(
            "y must hold one class for each image: several labels of one image are not supported. Join those "
            f"of each image into one class, or fit one of them; got y of shape {np.shape(y)} ({kind})"
        )
