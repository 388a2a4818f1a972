"""Which way of balancing classes of images helps a classifier? Each is tried on folds, with equal steps.

Ways
----
nothing : images as they are.
class_weight : rare classes count for more in the loss.
oversampling : copies, up to the size of the largest class.
augmentation : the same, and whatever is learned from is shifted at random.
gan : generated images instead of copies.
gan_augmentation : at most one generated image for each real one of a rare class, then copies and shifts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold
from torch import Tensor
from torch.nn import functional as F

from ganaug._util.random import numpy_generator, seed_sequence, seeded_clone
from ganaug.metrics.classifier import ImageClassifier, fit_classifier
from ganaug.metrics.images import ImageReader

WAYS = ("nothing", "class_weight", "oversampling", "augmentation", "gan", "gan_augmentation")
DEFAULT_WAY = "augmentation"  # always tried, and taken from those that come out the same
FEWEST_FOR_GAN = 20  # images of each class that is filled up
_SHIFT = 1 / 8  # of a side
_CLEAR = 2.0  # standard errors


@dataclass(frozen=True, eq=False)
class Plan:
    """What a classifier is to be trained on.

    Attributes
    ----------
    asked : ndarray of int
        Codes of the images to be generated.
    order : ndarray of int
        Which images make up the set, copies among them: places among the real ones, then those generated.
    class_weight : ndarray of shape (n_classes,) or None
    is_shifted : bool
        Whether images are to be shifted as they are learned from.
    """

    asked: NDArray[np.intp]
    order: NDArray[np.intp]
    class_weight: NDArray[np.float64] | None = None
    is_shifted: bool = False


@dataclass(frozen=True, eq=False)
class Comparison:
    """What came of trying several ways.

    Attributes
    ----------
    right : dict of str to ndarray of shape (n_images,)
        By way: how often each image was told right while it was held out, from 0 to 1.
    codes : ndarray of int, shape (n_images,)
        The class of each image.
    reasons : tuple of str
        Why a way wasn't tried.
    """

    right: dict[str, NDArray[np.float64]]
    codes: NDArray[np.intp]
    reasons: tuple[str, ...] = field(default=())

    @property
    def scores(self) -> dict[str, float]:
        """Balanced accuracy by way."""
        return {way: self._mean(right) for way, right in self.right.items()}

    def gain(self, way: str, other: str) -> tuple[float, float]:
        """By how much a way is better than another, and the standard error of that."""
        difference = self.right[way] - self.right[other]
        counts = np.bincount(self.codes)
        variances = [difference[self.codes == code].var(ddof=1) / count for code, count in enumerate(counts)]
        return self._mean(difference), float(np.sqrt(np.sum(variances)) / len(counts))

    @property
    def chosen(self) -> str:
        """The best way that generates nothing, or a generating one that beats it by more than noise."""
        scores, clear = self.scores, {}
        plain = [way for way in scores if not way.startswith("gan")]
        best = max(plain, key=lambda way: (scores[way], way == DEFAULT_WAY))
        for way in scores.keys() - plain:
            gain, error = self.gain(way, best)
            if gain > _CLEAR * error:
                clear[way] = gain
        return max(clear, key=lambda way: clear[way]) if clear else best

    def _mean(self, values: NDArray[np.float64]) -> float:
        sums = np.bincount(self.codes, weights=values)
        return float((sums / np.bincount(self.codes)).mean())


def plan_balance(codes: NDArray[np.intp], way: str, rng: np.random.Generator) -> Plan:
    """How classes are brought to one size.

    Parameters
    ----------
    codes : ndarray of int, shape (n_images,)
        The class of each image, from 0.
    way : str
        One of `WAYS`.
    rng : numpy Generator

    Examples
    --------
    >>> plan = plan_balance(np.array([0, 0, 0, 0, 1]), "gan_augmentation", np.random.default_rng(0))
    >>> plan.asked.tolist(), plan.order.tolist()
    ([1], [0, 1, 2, 3, 4, 5, 5, 5])
    """
    counts, asked = np.bincount(codes), np.empty(0, dtype=np.intp)
    if way in ("nothing", "class_weight"):
        weight = len(codes) / (len(counts) * counts) if way == "class_weight" else None
        return Plan(asked, np.arange(len(codes)), weight)
    if way.startswith("gan"):
        lacking = counts.max() - counts
        wanted = np.minimum(lacking, counts) if way == "gan_augmentation" else lacking
        asked = np.repeat(np.arange(len(counts)), wanted)
    order = _evened(np.concatenate([codes, asked]), rng)
    return Plan(asked, order, None, way.endswith("augmentation"))


def compare_ways(
    images: Any,
    labels: Any,
    synthesizer: Any = None,
    *,
    ways: Sequence[str] = WAYS,
    n_splits: int = 3,
    n_repeats: int = 2,
    n_steps: int = 400,
    random_state: Any = None,
) -> Comparison:
    """Try ways of balancing on folds; every classifier takes as many steps.

    Parameters
    ----------
    images : array of images
    labels : array of shape (n_images,)
    synthesizer : synthesizer, optional
        A clone is fitted to the training part of each fold, where a way needs it. Without it, and where a
        class that would be filled up has fewer than 20 images, those ways are left out.
    ways : sequence of str
        `DEFAULT_WAY` is always among them.
    n_splits : int, default=3
        Folds; no more than the rarest class has images.
    n_repeats : int, default=2
        Classifiers of each way in each fold.
    n_steps : int, default=400
        Of each classifier.
    random_state : int, RandomState, Generator or None, default=None

    Raises
    ------
    ValueError
        A way is unknown, or a class has one image only.
    """
    images, labels = np.asarray(images), np.asarray(labels)
    codes = np.unique(labels, return_inverse=True)[1]
    tried, reasons = _ways_to_try(ways, codes, synthesizer, n_splits)
    root = seed_sequence(random_state)
    folds = StratifiedKFold(n_splits=_n_splits(labels, codes, n_splits), shuffle=True, random_state=0)
    right = {way: np.zeros(len(labels)) for way in tried}
    for fold, (train, test) in enumerate(folds.split(np.zeros(len(labels)), codes)):
        own = None
        if any(way.startswith("gan") for way in tried):
            own = seeded_clone(synthesizer, root, fold).fit(images[train], labels[train])
        for way in tried:
            plan = plan_balance(codes[train], way, numpy_generator(root, fold, 0))
            for repeat in range(n_repeats):
                judge = fit_balanced(
                    images[train], labels[train], plan, own, n_steps=n_steps, random_state=repeat
                )
                right[way][test] += (judge.predict(images[test]) == labels[test]) / n_repeats
    return Comparison(right, codes, tuple(reasons))


def fit_balanced(
    images: NDArray[Any],
    labels: NDArray[Any],
    plan: Plan,
    synthesizer: Any = None,
    *,
    n_steps: int,
    random_state: int = 0,
) -> ImageClassifier:
    """A classifier that has learned what was planned, some of it from a fitted synthesizer."""
    reader = ImageReader.of(images)
    if len(plan.asked):
        asked = np.unique(labels)[plan.asked]
        drawn = synthesizer.sample(len(asked), y=asked, random_state=random_state)
        images, labels = np.concatenate([images, np.asarray(drawn)]), np.concatenate([labels, asked])
    return fit_classifier(
        images[plan.order],
        labels[plan.order],
        n_steps=n_steps,
        class_weight=plan.class_weight,
        augment=shifted if plan.is_shifted else None,
        reader=reader,
        random_state=random_state,
    )


def shifted(images: Tensor, random: torch.Generator) -> Tensor:
    """Each image moved by up to an eighth of its sides, its border carried on."""
    n, _, height, width = images.shape
    most = [max(1, round(side * _SHIFT)) for side in (height, width)]
    padded = F.pad(images, (most[1], most[1], most[0], most[0]), mode="replicate")
    rows, columns = (
        torch.randint(2 * step + 1, (n, 1), generator=random) + torch.arange(side)
        for step, side in zip(most, (height, width), strict=True)
    )
    moved = padded[torch.arange(n)[:, None, None], :, rows[:, :, None], columns[:, None, :]]  # (n, h, w, c)
    return moved.permute(0, 3, 1, 2).contiguous()


def _evened(codes: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.intp]:
    """Every place, and copies of places of the rarer classes until all are as large as the largest."""
    counts = np.bincount(codes)
    parts = [np.arange(len(codes))]
    for code, count in enumerate(counts):
        parts.append(rng.choice(np.flatnonzero(codes == code), counts.max() - count))
    return np.concatenate(parts)


def _ways_to_try(
    ways: Sequence[str], codes: NDArray[np.intp], synthesizer: Any, n_splits: int
) -> tuple[list[str], list[str]]:
    unknown = [way for way in ways if way not in WAYS]
    if unknown:
        raise ValueError(f"A way of balancing is one of {', '.join(WAYS)}; got {unknown[0]!r}")
    counts = np.bincount(codes)
    rare = counts[counts < counts.max()]
    reasons = []
    if synthesizer is None:
        reasons.append("Generated images were not tried: no synthesizer was given.")
    elif len(rare) and rare.min() < FEWEST_FOR_GAN:
        reasons.append(
            f"Generated images were not tried: a class has {rare.min()} images, and with fewer than "
            f"{FEWEST_FOR_GAN} there are too few to learn from and to show a gain with."
        )
    tried = [way for way in ways if not (reasons and way.startswith("gan"))]
    return tried + [DEFAULT_WAY] * (DEFAULT_WAY not in tried), reasons


def _n_splits(labels: NDArray[Any], codes: NDArray[np.intp], n_splits: int) -> int:
    fewest = int(np.bincount(codes).min())
    if fewest < 2:
        alone = labels[codes == int(np.bincount(codes).argmin())].tolist()[0]
        raise ValueError(f"To compare ways of balancing, every class needs two images; got one of {alone!r}")
    return min(n_splits, fewest)
