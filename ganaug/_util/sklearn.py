"""The only file that imports scikit-learn's private names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _check_sample_weight

from ganaug._util.store import array_of
from ganaug.exceptions import ModelFileError


def check_sample_weight(sample_weight: Any, X: Any) -> NDArray[np.float64]:
    """Weights of shape (n_rows,), finite and not negative; the errors are scikit-learn's own."""
    weights: NDArray[np.float64] = _check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True
    )
    return weights


def take(values: Any, positions: NDArray[np.intp]) -> Any:
    """Entries of an array, a list, a table or a column at these positions, in the same kind."""
    return _safe_indexing(values, positions)


@dataclass(frozen=True)
class GrownTrees:
    """Nodes of scikit-learn's boosted trees, one tree after the other, as plain arrays.

    Parameters
    ----------
    baseline : float
        Log-odds before the first tree.
    roots : array of shape (n_trees,), int64
        First node of each tree.
    feature, left, right : arrays of shape (n_nodes,), int64
        What a node looks at, and its children; a leaf is its own child.
    threshold, value : arrays of shape (n_nodes,), float32
        Go left up to here; what a leaf adds to the log-odds (zero elsewhere).
    missing_left : array of shape (n_nodes,), bool
    level_set : array of shape (n_nodes,), int64
        Row of ``sets`` for a node that splits by level, else -1.
    sets : array of shape (n_sets, 256), bool
        Which levels go left.
    depth : int
        Steps from a root to the deepest leaf.
    """

    baseline: float
    roots: NDArray[np.int64]
    feature: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    threshold: NDArray[np.float32]
    value: NDArray[np.float32]
    missing_left: NDArray[np.bool_]
    level_set: NDArray[np.int64]
    sets: NDArray[np.bool_]
    depth: int

    def first(self, n_trees: int) -> GrownTrees:
        """The first trees only."""
        if n_trees >= len(self.roots):
            return self
        end = int(self.roots[n_trees])
        nodes = ("feature", "left", "right", "threshold", "value", "missing_left", "level_set")
        cut: dict[str, Any] = {name: getattr(self, name)[:end] for name in nodes}
        sets = self.sets[: int(cut["level_set"].max(initial=-1)) + 1]
        return replace(self, roots=self.roots[:n_trees], sets=sets, **cut)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays by name, in narrow types."""
        return {
            "roots": self.roots.astype(np.int32),
            "feature": self.feature.astype(np.int32),
            "left": self.left.astype(np.int32),
            "right": self.right.astype(np.int32),
            "threshold": self.threshold,
            "value": self.value,
            "missing_left": self.missing_left.astype(np.uint8),
            "level_set": self.level_set.astype(np.int32),
            "sets": np.packbits(self.sets, axis=1),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]], baseline: float, n_features: int) -> GrownTrees:
        """Inverse of `to_arrays`; anything malformed, or a tree that is none, is a `ModelFileError`."""
        roots = array_of(arrays, "roots", "i").astype(np.int64)
        n = len(array_of(arrays, "feature", "i"))
        whole = {
            name: array_of(arrays, name, "iu", shape=(n,)).astype(np.int64)
            for name in ("feature", "left", "right", "missing_left", "level_set")
        }
        # A threshold may be infinite: all that isn't missing goes left.
        threshold = array_of(arrays, "threshold", "f", shape=(n,)).astype(np.float32)
        value = array_of(arrays, "value", "f", shape=(n,), finite=True).astype(np.float32)
        packed = arrays.get("sets")
        if packed is None or packed.ndim != 2 or packed.shape[1] != 32 or packed.dtype != np.uint8:
            raise ModelFileError("The discriminator's sets of levels in the file are broken.")
        depth = _depth(roots, whole["left"], whole["right"])
        good = (
            depth is not None
            and ((whole["feature"] >= 0) & (whole["feature"] < n_features)).all()
            and ((whole["level_set"] >= -1) & (whole["level_set"] < len(packed))).all()
            and not np.isnan(threshold).any()
        )
        if not good or depth is None:
            raise ModelFileError("The discriminator's trees in the file are broken.")
        sets = np.unpackbits(packed, axis=1).astype(bool)
        missing = whole.pop("missing_left") > 0
        return cls(
            baseline=baseline,
            roots=roots,
            threshold=threshold,
            value=value,
            missing_left=missing,
            sets=sets,
            depth=depth,
            **whole,
        )


def grown_trees(classifier: Any) -> GrownTrees:
    """Read the nodes out of a fitted binary `HistGradientBoostingClassifier`; nothing else reads its insides.

    Its columns that are categories must hold whole numbers from 0 to 255.
    """
    order, levels = _inner_columns(classifier)
    parts, roots, first = [], [], 0
    sets: list[NDArray[np.bool_]] = []
    for (predictor,) in classifier._predictors:
        nodes = predictor.nodes
        own = np.arange(len(nodes))
        leaf, by_level = nodes["is_leaf"].astype(bool), nodes["is_categorical"].astype(bool)
        level_set = np.full(len(nodes), -1)
        for node in own[by_level & ~leaf]:
            level_set[node] = len(sets)
            bits = predictor.raw_left_cat_bitsets[nodes["bitset_idx"][node]]
            sets.append(_level_set(bits, levels.get(int(nodes["feature_idx"][node]))))
        parts.append(
            {
                "feature": np.where(leaf, 0, order[np.where(leaf, 0, nodes["feature_idx"])]),
                "left": np.where(leaf, own, nodes["left"]) + first,
                "right": np.where(leaf, own, nodes["right"]) + first,
                "threshold": _rounded_down(np.where(leaf, 0.0, nodes["num_threshold"])),
                "value": np.where(leaf, nodes["value"], 0.0).astype(np.float32),
                "missing_left": nodes["missing_go_to_left"].astype(bool),
                "level_set": level_set,
            }
        )
        roots.append(first)
        first += len(nodes)
    joined = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    whole = {key: joined[key].astype(np.int64) for key in ("feature", "left", "right", "level_set")}
    starts = np.array(roots, dtype=np.int64)
    return GrownTrees(
        baseline=float(np.ravel(classifier._baseline_prediction)[0]),
        roots=starts,
        threshold=joined["threshold"],
        value=joined["value"],
        missing_left=joined["missing_left"],
        sets=np.array(sets, dtype=bool).reshape(-1, 256),
        depth=_depth(starts, whole["left"], whole["right"]) or 0,
        **whole,
    )


def _inner_columns(classifier: Any) -> tuple[NDArray[np.int64], dict[int, NDArray[Any]]]:
    """For each column inside, the one it came from; and the levels of each that is a category.

    Inside, categories come first, and their levels are numbered in order.
    """
    is_category = classifier.is_categorical_
    if is_category is None:
        return np.arange(classifier.n_features_in_), {}
    order = np.concatenate([np.flatnonzero(is_category), np.flatnonzero(~is_category)])
    encoder = classifier._preprocessor.named_transformers_["encoder"]
    return order, dict(enumerate(encoder.categories_))


def _level_set(bits: NDArray[np.uint32], levels: NDArray[Any] | None) -> NDArray[np.bool_]:
    """Which levels go left, by their own numbers."""
    inside = np.unpackbits(bits.astype("<u4").view(np.uint8), bitorder="little").astype(bool)
    if levels is None:
        return inside
    known = levels[~np.isnan(levels)].astype(np.int64)
    chosen = np.zeros(256, dtype=bool)
    chosen[known] = inside[: len(known)]
    return chosen


def _rounded_down(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest float32 not above, so that float32 values fall on the same side."""
    narrow = threshold.astype(np.float32)
    above = narrow.astype(np.float64) > threshold
    narrow[above] = np.nextafter(narrow[above], np.float32(-np.inf))
    return narrow


def _depth(roots: NDArray[np.int64], left: NDArray[np.int64], right: NDArray[np.int64]) -> int | None:
    """Steps to the deepest leaf; None when these nodes are no trees: every child comes after its parent."""
    n = len(left)
    own = np.arange(n)
    leaf = (left == own) & (right == own)
    inner = ~leaf
    known = n > 0 and len(roots) > 0 and bool(((roots >= 0) & (roots < n)).all())
    if not known or not ((left[inner] > own[inner]) & (right[inner] > own[inner])).all():
        return None
    if not ((left < n) & (right < n)).all():
        return None
    deep, at = 0, np.unique(roots)
    while True:
        at = at[inner[at]]
        if not len(at):
            return deep
        at, deep = np.unique(np.concatenate([left[at], right[at]])), deep + 1
