"""Boosted trees that tell real rows from generated ones, kept as plain arrays.

Their log-odds estimate the logarithm of the density ratio between real and generated rows, which is what
guided sampling weighs rows by. scikit-learn grows the trees; `LeafMasks` evaluates them, on the
generator's device, without scikit-learn and without a pickle.

Shape
-----
Codes (n_rows, n_fields) -> log-odds (n_rows,).

References
----------
Sugiyama, Suzuki, Kanamori: Density Ratio Estimation in Machine Learning, 2012, chapter 4 (by classification).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from torch import Tensor

from ganaug._util.sklearn import GrownTrees, grown_trees
from ganaug._util.store import Arrays, Header, array_of, header_float, header_int
from ganaug.exceptions import ModelFileError
from ganaug.tabular.columns.base import CategoryField, Field
from ganaug.tabular.leaf_masks import LeafMasks, leaf_spans

FloatArray: TypeAlias = NDArray[np.float64]
Axis: TypeAlias = NDArray[np.float32]

_MOST_LEVELS = 255  # of a category that trees split by sets of levels
_MOST_DEPTH = 6


@dataclass(frozen=True)
class TreeDiscriminator:
    """Boosted trees over codes.

    Parameters
    ----------
    axes : tuple of arrays (n_codes,)
        For each field, what the trees see of each code: its place on the field's axis, or its level; NaN
        where it has no place, which goes to a side of its own at every node.
    trees : GrownTrees
        Nodes of all trees, one after the other.
    """

    axes: tuple[Axis, ...]
    trees: GrownTrees

    stages: ClassVar[tuple[int, ...]] = (10, 25, 50, 100, 150, 200, 300)
    """After how many trees it is judged."""

    @classmethod
    def fit(
        cls,
        fields: Sequence[Field],
        real: NDArray[Any],
        fake: NDArray[Any],
        *,
        amount: int,
        learning_rate: float = 0.05,
        max_leaves: int = 31,
        min_rows: int = 50,
        sample_weight: FloatArray | None = None,
        seed: int = 0,
    ) -> TreeDiscriminator:
        """Grow trees that tell ``real`` from ``fake`` codes, each class weighing the same in all.

        Parameters
        ----------
        fields : sequence of Field
        real, fake : integer arrays of shape (n_rows, n_fields)
        amount : int
            Trees.
        learning_rate : float, default=0.05
        max_leaves, min_rows : int, default=31, 50
            Leaves of a tree, rows of a leaf.
        sample_weight : array of shape (n_real,), optional
        seed : int, default=0

        Returns
        -------
        TreeDiscriminator
        """
        axes = tuple(_axis(field, real[:, i], fake[:, i]) for i, field in enumerate(fields))
        is_level = np.array([_is_by_level(field) for field in fields])
        X = np.concatenate([_seen(axes, real), _seen(axes, fake)])
        y = np.repeat([1, 0], [len(real), len(fake)])
        own = np.ones(len(real)) if sample_weight is None else sample_weight
        weights = np.concatenate([own * (len(fake) / own.sum()), np.ones(len(fake))])
        grower = HistGradientBoostingClassifier(
            learning_rate=learning_rate,
            max_iter=amount,
            max_leaf_nodes=max_leaves,
            max_depth=_MOST_DEPTH,
            min_samples_leaf=min_rows,
            l2_regularization=1.0,
            early_stopping=False,
            categorical_features=is_level if is_level.any() else None,
            random_state=seed,
        )
        return cls(axes, grown_trees(grower.fit(X, y, sample_weight=weights)))

    @classmethod
    def try_out(
        cls,
        fields: Sequence[Field],
        real: NDArray[Any],
        fake: NDArray[Any],
        judged: Sequence[Tensor],
        sample_weight: FloatArray | None = None,
    ) -> list[Tensor]:
        """Log-odds of rows (n_rows, n_fields) at each stage, (n_stages, n_rows) for each of ``judged``."""
        trees = cls.fit(fields, real, fake, amount=cls.stages[-1], sample_weight=sample_weight)
        return [trees.staged_log_odds(rows, cls.stages) for rows in judged]

    @property
    def n_trees(self) -> int:
        """Number of trees."""
        return len(self.trees.roots)

    def first(self, n_trees: int) -> TreeDiscriminator:
        """The same with its first trees only."""
        return replace(self, trees=self.trees.first(n_trees))

    def log_odds(self, codes: Tensor) -> Tensor:
        """Log-odds of being real, shape (n_rows,), on the device of the codes."""
        return self.staged_log_odds(codes, [self.n_trees])[0]

    def staged_log_odds(self, codes: Tensor, stages: Sequence[int]) -> Tensor:
        """Log-odds after the first so many trees for each of ``stages``, increasing, (n_stages, n_rows)."""
        if codes.device not in self._masks:
            self._masks[codes.device] = LeafMasks(self.trees, self.axes, codes.device)
        return self.trees.baseline + self._masks[codes.device].sums(codes, stages)

    @cached_property
    def _masks(self) -> dict[torch.device, LeafMasks]:
        """What has been made to evaluate the trees, by device."""
        return {}

    def __getstate__(self) -> dict[str, Any]:
        return {"axes": self.axes, "trees": self.trees}

    def to_state(self) -> tuple[Header, Arrays]:
        """A JSON-able header and arrays."""
        header = {"baseline": self.trees.baseline, "n_axes": len(self.axes)}
        return header, {
            **self.trees.to_arrays(),
            **{f"axis.{i}": axis for i, axis in enumerate(self.axes)},
        }

    @classmethod
    def from_state(cls, header: Header, arrays: Arrays, fields: Sequence[Field]) -> TreeDiscriminator:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`."""
        if header_int(header, "n_axes") != len(fields):
            raise ModelFileError("The discriminator in the file is one of another table.")
        axes = tuple(
            array_of(arrays, f"axis.{i}", "f", shape=(field.n_codes,)).astype(np.float32)
            for i, field in enumerate(fields)
        )
        baseline = header_float(header, "baseline")
        trees = GrownTrees.from_arrays(arrays, baseline, n_features=len(fields))
        leaf_spans(trees)  # or they are none
        return cls(axes, trees)


def _is_by_level(field: Field) -> bool:
    return isinstance(field, CategoryField) and not field.n_ordered and field.n_codes <= _MOST_LEVELS


def _axis(field: Field, real: NDArray[Any], fake: NDArray[Any]) -> Axis:
    """What trees see of each code: a level's number, or a place on an axis where neighbours are alike."""
    if not isinstance(field, CategoryField):
        return field.axis.astype(np.float32)
    axis = np.arange(field.n_codes, dtype=np.float32)
    n_real, n_fake = (np.bincount(codes, minlength=field.n_codes) for codes in (real, fake))
    if field.n_ordered:
        axis[field.n_ordered :] = np.nan
    elif field.n_codes > _MOST_LEVELS:  # too many to split by sets: in the order of their own log-odds
        ratio = (n_real + 1.0) / (n_fake + 1.0)
        axis = ratio.argsort(kind="stable").argsort().astype(np.float32)
    else:
        axis[n_real + n_fake == 0] = np.nan  # as scikit-learn treats a level that it has never seen
    return axis


def _seen(axes: Sequence[Axis], codes: NDArray[Any]) -> Axis:
    return np.stack([axis[codes[:, i]] for i, axis in enumerate(axes)], axis=1)
