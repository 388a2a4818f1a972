"""Are generated images remembered ones? Distances to the training images, and copies of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from ganaug.metrics.features import BoolArray, IntArray
from ganaug.metrics.images import ImageReader, flat_pixels, some_of
from ganaug.metrics.neighbours import nearest

_HASH_SIDE = 8


def image_memorisation(
    synthetic: Any, train: Any, holdout: Any, *, random_state: int = 0
) -> dict[str, float]:
    """How near generated images lie to the training images, beside how near unseen real ones do.

    Distances are Euclidean, between pixels.

    Parameters
    ----------
    synthetic : array of images
    train : array of images
        Those that the generator was fitted on.
    holdout : array of images
        Real ones that it has not seen.
    random_state : int, default=0
        Of the cut of `train` to the size of `holdout` where both are compared.

    Returns
    -------
    dict
        ``closer_share``: share that is closer to a training image than to any unseen one of as many; .5 is
        ideal, 1 for copies. ``distance_ratio``: median distance to the nearest training image over that of
        unseen images; well below 1 where images are remembered. ``too_close``: share nearer to a training
        image than all but a hundredth of the unseen ones are; .01 is chance. ``exact_copies`` and
        ``hash_copies``: share that equals a training image in every pixel, or in its perceptual hash;
        ``hash_copies_of_holdout`` is what unseen real images have of the latter.

    Examples
    --------
    >>> real = np.random.default_rng(0).random((60, 5, 5))
    >>> found = image_memorisation(real[:20], real[:30], real[30:])
    >>> found["closer_share"], found["exact_copies"], found["distance_ratio"]
    (1.0, 1.0, 0.0)
    """
    reader = ImageReader.of(train)
    rows, seen, unseen = (flat_pixels(part, reader) for part in (synthetic, train, holdout))
    distance, usual = nearest(rows, seen)[0], nearest(unseen, seen)[0]
    rng = np.random.default_rng(random_state)
    size = min(len(seen), len(unseen))
    to_seen, to_unseen = (nearest(rows, some_of(size, part, rng)[0])[0] for part in (seen, unseen))
    known = perceptual_hashes(train, reader)
    return {
        "closer_share": float(np.mean((to_seen < to_unseen) + 0.5 * (to_seen == to_unseen))),
        "distance_ratio": float(np.median(distance) / max(np.median(usual), 1e-12)),
        "too_close": float(np.mean(distance < np.quantile(usual, 0.01))),
        "exact_copies": float(np.mean(distance == 0)),
        "hash_copies": _share_known(perceptual_hashes(synthetic, reader), known),
        "hash_copies_of_holdout": _share_known(perceptual_hashes(holdout, reader), known),
    }


def perceptual_hashes(images: Any, reader: ImageReader | None = None) -> BoolArray:
    """Which of neighbouring patches is the brighter one: the same for an image and its light retouch.

    Parameters
    ----------
    images : array of images
    reader : ImageReader, optional
        By default that of the images themselves.

    Returns
    -------
    ndarray of bool, shape (n, 64)
    """
    read = (ImageReader.of(images) if reader is None else reader).read(images)
    grey = torch.from_numpy(read).mean(dim=1, keepdim=True)
    patches = F.adaptive_avg_pool2d(grey, (_HASH_SIDE, _HASH_SIDE + 1))[:, 0]
    brighter: BoolArray = (patches[:, :, 1:] > patches[:, :, :-1]).flatten(start_dim=1).numpy()
    return brighter


def _share_known(hashes: BoolArray, known: BoolArray) -> float:
    asked, there = (np.packbits(part, axis=1).view(np.uint64)[:, 0] for part in (hashes, known))
    return float(np.isin(asked, there).mean())


def nearest_training_images(
    synthetic: Any, train: Any, *, n_shown: int | None = None
) -> tuple[IntArray, IntArray]:
    """Which training image is nearest to each generated one, the nearest pairs first.

    Parameters
    ----------
    synthetic, train : array of images
    n_shown : int, optional
        How many pairs; by default all.

    Returns
    -------
    order : ndarray of int, shape (n_shown,)
        Places among the generated images.
    found : ndarray of int, shape (n_shown,)
        Places of their nearest among the training images.
    """
    reader = ImageReader.of(train)
    distance, place = nearest(flat_pixels(synthetic, reader), flat_pixels(train, reader))
    order = np.argsort(distance, kind="stable").astype(np.int64)[:n_shown]
    return order, place[order]
