"""Which images are measured: digits, MNIST, chest X-rays, and two sets made on the spot.

``GANAUG_DATA`` names a folder with ``img/<name>.npz`` (``X_train``, ``y_train``, ``X_test``, ``y_test``).
Without it the digits are those of scikit-learn; MNIST and the chest images (MedMNIST v2) must be there.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from ganaug.datasets import make_shapes

Images = NDArray[Any]
_FILES = {"digits": "digits8x8", "mnist": "mnist", "chest": "pneumoniamnist"}


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images to learn from, and images that no generator sees."""

    name: str
    train: Images
    labels: NDArray[Any]
    test: Images
    test_labels: NDArray[Any]

    def cut(self, n_train: int, n_test: int, seed: int) -> ImageSet:
        """At most so many of each part, at random."""
        rng = np.random.default_rng(seed)
        own, other = (
            rng.permutation(n)[:size] for n, size in ((len(self.train), n_train), (len(self.test), n_test))
        )
        return ImageSet(
            self.name, self.train[own], self.labels[own], self.test[other], self.test_labels[other]
        )

    def with_rare(self, n_rare: int, n_common: int, seed: int) -> ImageSet:
        """Half of the classes, at random, have ``n_rare`` images, the others at most ``n_common``."""
        rng = np.random.default_rng(seed)
        classes = rng.permutation(np.unique(self.labels))
        rare = set(classes[: len(classes) // 2].tolist())
        kept = []
        for label in np.unique(self.labels):
            own = rng.permutation(np.flatnonzero(self.labels == label))
            kept.append(own[: n_rare if label in rare else n_common])
        places = rng.permutation(np.concatenate(kept))
        return ImageSet(self.name, self.train[places], self.labels[places], self.test, self.test_labels)


def load(name: str) -> ImageSet:
    """One of "digits", "mnist", "chest", "odd" (17 x 23, two channels, floats), "shapes" (64 x 64, colour).

    Raises
    ------
    FileNotFoundError
        It isn't in ``GANAUG_DATA``.
    """
    if name in _MADE:
        images, labels = _MADE[name](400)
        return ImageSet(name, images[:300], labels[:300], images[300:], labels[300:])
    folder = os.environ.get("GANAUG_DATA")
    if folder is None and name == "digits":
        X, y = load_digits(return_X_y=True)
        parts = train_test_split(X.reshape(-1, 8, 8), y, test_size=450, random_state=0, stratify=y)
        return ImageSet(name, parts[0], parts[2], parts[1], parts[3])
    if folder is None:
        raise FileNotFoundError(f"{name} needs GANAUG_DATA, a folder with img/{_FILES[name]}.npz")
    with np.load(Path(folder) / "img" / f"{_FILES[name]}.npz") as held:
        parts = [held[key] for key in ("X_train", "y_train", "X_test", "y_test")]
    train, labels, test, test_labels = parts
    return ImageSet(name, train, labels.ravel(), test, test_labels.ravel())


def make_odd(n: int, rng: np.random.Generator) -> tuple[Images, NDArray[Any]]:
    """Waves across ("level") or along ("upright") 17 x 23 pixels; the second channel is a blob."""
    labels = np.where(rng.random(n) < 0.5, "level", "upright")
    rows, columns = np.mgrid[0:17, 0:23]
    along = np.where((labels == "level")[:, None, None], rows / 17, columns / 23)
    phase, pitch = rng.random((2, n, 1, 1))
    waves = np.sin(2 * np.pi * ((1.5 + pitch) * along + phase))
    middle = rng.random((2, n, 1, 1)) * np.array([17, 23]).reshape(2, 1, 1, 1)
    blob = np.exp(-((rows - middle[0]) ** 2 + (columns - middle[1]) ** 2) / 20)
    return np.stack([waves, 3 + 2 * blob], axis=3).astype(np.float32), labels


_MADE: dict[str, Callable[[int], tuple[Images, NDArray[Any]]]] = {
    "odd": lambda n: make_odd(n, np.random.default_rng(0)),
    "shapes": lambda n: make_shapes(n, side=64),
}
