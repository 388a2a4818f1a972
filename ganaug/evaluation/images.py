"""`evaluate` for images: fidelity, usefulness, memory, each beside its floor, and images to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from ganaug.evaluation.grids import ImageExhibits
from ganaug.evaluation.judged import Statistic, measure
from ganaug.evaluation.report import Report
from ganaug.evaluation.scale import Limits, Measure
from ganaug.exceptions import InvalidImageError
from ganaug.metrics.classifier import ImageClassifier, fit_classifier
from ganaug.metrics.frechet import frechet_distance, kernel_distance
from ganaug.metrics.images import ImageReader, flat_pixels
from ganaug.metrics.neighbours import nearest, neighbourhood_shares
from ganaug.metrics.networks import EFFLITE0_PACKAGE, efflite0_features
from ganaug.metrics.variety import class_coverage

LEAST_IMAGES = 20
_N_STEPS = 600
_N_COMPONENTS = 32
_CLOSE = 0.01
_LEAST_SIDE, _SIDE, _MOST_SEEN = 32, 64, 256  # of images that a network of photographs is shown
_MOST_IN_CLOUD = 2000  # the distances are found for many resamples
_NO_HOLDOUT = (
    "No real_holdout was given: this compares with the images that the generator was fitted on, which a copy "
    "of them passes, so it can't tell learning from remembering. Hold images out."
)
_HOLDOUT = (
    "Judged against the held-out images. real: other real images in the synthetic ones' place, the floor; "
    "bootstrap: copies of training images; independent: pixels shuffled, each place for itself."
)
_NO_LABELS = (
    "No labels were given: features are the principal components of pixels, which see less than those of a "
    "classifier, and agreement and usefulness were not tried."
)

Features = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class JudgedImages:
    """The images of a report, read alike.

    Attributes
    ----------
    reader : ImageReader
    pixels : dict of ndarray, each of shape (n, n_pixels)
        "train" and, where it was given, "holdout", whole.
    candidates : dict of ndarray, each of shape (size, n_pixels)
        What is judged: "synthetic", then the ends of the scale.
    labels : dict of ndarray or empty
        By set: "train", "synthetic", "holdout"; and "real", of the candidate.
    reference : ndarray of shape (size, n_pixels)
    features : callable
        Of rows of pixels, (n, n_features).
    classifier : ImageClassifier or None
    """

    reader: ImageReader
    pixels: dict[str, NDArray[np.float32]]
    candidates: dict[str, NDArray[np.float32]]
    labels: dict[str, NDArray[Any]]
    reference: NDArray[np.float32]
    features: Callable[[NDArray[np.float32]], Features]
    classifier: ImageClassifier | None
    random_state: int

    def images(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Rows of pixels as images (n, channels, height, width)."""
        return pixels.reshape(len(pixels), self.reader.n_channels, *self.reader.size)


def evaluate_images(
    real_train: Any,
    synthetic: Any,
    *,
    real_holdout: Any = None,
    target: Any = None,
    max_rows: int = 10_000,
    random_state: int = 0,
) -> Report:
    """Judge generated images; see `ganaug.evaluate`.

    Parameters
    ----------
    real_train, synthetic, real_holdout : array of images
    target : tuple of arrays, optional
        Labels of the training images, of the generated ones (what was asked for), and of those held out.
    max_rows : int, default=10000
    random_state : int, default=0

    Returns
    -------
    Report

    Raises
    ------
    InvalidImageError
        A set has fewer than 20 images, the shapes differ, or labels are lacking.
    """
    given = {"train": real_train, "synthetic": synthetic, "holdout": real_holdout}
    judged = _judged({k: v for k, v in given.items() if v is not None}, target, max_rows, random_state)
    has_holdout = "holdout" in judged.pixels
    measures = [*_fidelity(judged)]
    if judged.classifier is not None:
        measures += _usefulness(judged, judged.classifier)
    measures += _memory(judged)
    notes = [_HOLDOUT] if has_holdout else []
    notes += [] if judged.labels else [_NO_LABELS]
    sizes = ", ".join(f"{name} {len(images):,}" for name, images in given.items() if images is not None)
    notes.append(f"Images given: {sizes}. Judged by {len(judged.reference):,} of each, drawn at random.")
    exhibits = ImageExhibits(synthetic, judged.labels.get("asked"), real_train, _worst_classes(judged))
    reference = real_holdout if has_holdout else real_train
    warnings = () if has_holdout else (_NO_HOLDOUT,)
    return Report(tuple(measures), reference, synthetic, tuple(notes), warnings, exhibits)


# --- reading ------------------------------------------------------------------------------------------------


def _judged(sets: dict[str, Any], target: Any, max_rows: int, random_state: int) -> JudgedImages:
    rng = np.random.default_rng(random_state)
    reader = ImageReader.of(sets["train"])
    pixels = {name: flat_pixels(images, reader) for name, images in sets.items()}
    few = [name for name, rows in pixels.items() if len(rows) < LEAST_IMAGES]
    if few:
        raise InvalidImageError(
            f"To judge images, {LEAST_IMAGES} of each set are needed; got {len(pixels[few[0]])} for {few[0]}"
        )
    labels = _labels(target, pixels)
    for name, rows in pixels.items():
        order = rng.permutation(len(rows))[:max_rows]
        pixels[name] = rows[order]
        if labels:
            labels[name] = labels[name][order]
    size = min(map(len, pixels.values()))
    candidates = {"synthetic": pixels["synthetic"][:size]}
    if "holdout" in pixels:
        candidates["real"] = pixels["train"][:size]
    candidates["bootstrap"] = pixels["train"][rng.integers(len(pixels["train"]), size=size)]
    candidates["independent"] = rng.permuted(pixels["train"][:size], axis=0)
    reference = pixels.get("holdout", pixels["train"])[:size]
    features, classifier = _features(pixels["train"], labels, reader, random_state)
    return JudgedImages(reader, pixels, candidates, labels, reference, features, classifier, random_state)


def _labels(target: Any, pixels: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """Labels by set, those of the generated images also as they came."""
    if target is None:
        return {}
    names = list(pixels)
    wanted = f"target must be a tuple of labels of {', '.join(names)}, one for each image"
    if not isinstance(target, tuple | list) or len(target) != len(names):
        raise InvalidImageError(f"{wanted}; got {type(target).__name__} of {np.size(target)}")
    labels = dict(zip(names, map(np.asarray, target), strict=True))
    for name, rows in pixels.items():
        if labels[name].shape != (len(rows),):
            raise InvalidImageError(f"{wanted}; got shape {labels[name].shape} for {len(rows)} of {name}")
    return {**labels, "asked": labels["synthetic"]}


def _features(
    train: NDArray[np.float32], labels: dict[str, NDArray[Any]], reader: ImageReader, random_state: int
) -> tuple[Callable[[NDArray[np.float32]], Features], ImageClassifier | None]:
    """Features of pixels: of a classifier, or principal components where nothing is known of classes."""
    shape = (reader.n_channels, *reader.size)
    if not labels:
        n_components = min(_N_COMPONENTS, *train.shape)
        components = PCA(n_components, random_state=random_state).fit(train)
        return lambda rows: components.transform(rows).astype(np.float64), None
    classifier = fit_classifier(
        train.reshape(-1, *shape),
        labels["train"],
        n_steps=_N_STEPS,
        reader=_plain(shape),
        random_state=random_state,
    )
    return lambda rows: classifier.features(rows.reshape(-1, *shape)), classifier


def _plain(shape: tuple[int, ...]) -> ImageReader:
    """Of images that are read already."""
    return ImageReader(shape, "first", 0.0, 1.0)


# --- measures -----------------------------------------------------------------------------------------------


def _fidelity(judged: JudgedImages) -> Iterator[Measure]:
    known = "clf" if judged.classifier is not None else "pca"
    real = judged.features(judged.reference)
    clouds = {name: judged.features(rows) for name, rows in judged.candidates.items()}
    cut = slice(_MOST_IN_CLOUD)
    floor = frechet_distance(real[cut], clouds.get("real", clouds["bootstrap"])[cut])
    yield measure(
        f"FD_{known}",
        "fidelity",
        Limits(0.0, 1, floor, 6 * floor, upper=float("inf")),
        "How far the cloud of features is from the real one: centre, spread and direction.",
        {name: _of_clouds(frechet_distance, real, cloud) for name, cloud in clouds.items()},
    )
    if min(judged.reader.size) >= _LEAST_SIDE and find_spec(EFFLITE0_PACKAGE) is not None:
        yield _by_trained_network(judged)
    yield measure(
        "KID",
        "fidelity",
        Limits(0.0, 1, 0.05, 0.5, lower=-float("inf"), upper=float("inf")),
        "The same without assuming a shape of the cloud, and without a bias from few images.",
        {name: _of_clouds(kernel_distance, real, cloud) for name, cloud in clouds.items()},
    )
    shares = {name: neighbourhood_shares(real, cloud) for name, cloud in clouds.items()}
    for part, meaning in (
        ("precision", "Share of generated images that lie among real ones."),
        ("recall", "Share of real images that lie among generated ones."),
        ("density", "How many real images a generated one lies close to; above 1 where they crowd together."),
        ("coverage", "Share of real images that have a generated one close by."),
    ):
        upper = float("inf") if part == "density" else 1.0
        yield measure(
            part,
            "fidelity",
            Limits(None, -1, 0.05, 0.3, upper=upper),
            meaning,
            {name: _mean(found[part]) for name, found in shares.items()},
        )


def _by_trained_network(judged: JudgedImages) -> Measure:
    """The Fréchet distance in features that were learned from photographs."""
    reader, sets = _plain((judged.reader.n_channels, *judged.reader.size)), judged.candidates
    real, *others = (
        efflite0_features(judged.images(rows[:_MOST_SEEN]), reader=reader, side=_SIDE)
        for rows in (judged.reference, *(sets[name] for name in ("synthetic", "real") if name in sets))
    )
    clouds = dict(zip(("synthetic", "real"), others, strict=False))
    floor = frechet_distance(real, clouds["real"]) if "real" in clouds else 0.0
    return measure(
        "FD_efflite0",
        "fidelity",
        Limits(0.0, 1, floor, 6 * floor, upper=float("inf")),
        "The same in the features of an EfficientNet-lite0 that has learned photographs: it sees noise best.",
        {name: _of_clouds(frechet_distance, real, cloud) for name, cloud in clouds.items()},
    )


def _of_clouds(distance: Callable[..., float], real: Features, cloud: Features) -> Statistic:
    real, cloud = real[:_MOST_IN_CLOUD], cloud[:_MOST_IN_CLOUD]
    return lambda a, b: distance(real[a], cloud[b]), [len(real), len(cloud)]


def _usefulness(judged: JudgedImages, classifier: ImageClassifier) -> Iterator[Measure]:
    """Whether images show what was asked for, and whether a network learns from them."""
    size, labels = len(judged.reference), judged.labels
    sets = {"synthetic": "synthetic", **({"real": "holdout"} if "holdout" in labels else {})}
    right = {
        name: _told_right(judged, classifier, judged.pixels[of][:size], labels[of][:size])
        for name, of in sets.items()
    }
    yield measure(
        "agreement",
        "usefulness",
        Limits(None if "real" in sets else 1.0, -1, 0.02, 0.1, upper=1.0),
        "Share of images that a classifier of real ones takes for what was asked for.",
        {name: _mean(values) for name, values in right.items()},
    )
    if "holdout" not in labels:
        return
    n = min(len(judged.pixels["train"]), len(judged.pixels["synthetic"]))
    learned = {name: _learner(judged, of, n) for name, of in (("synthetic", "synthetic"), ("real", "train"))}
    yield measure(
        "trained on it, accuracy",
        "usefulness",
        Limits(None, -1, 0.02, 0.1, upper=1.0),
        "What a network that learned from these images alone gets right of unseen real ones.",
        {
            name: _mean(_told_right(judged, learner, judged.pixels["holdout"], labels["holdout"]))
            for name, learner in learned.items()
        },
    )


def _learner(judged: JudgedImages, of: str, n: int) -> ImageClassifier:
    images, labels = judged.images(judged.pixels[of][:n]), judged.labels[of][:n]
    return fit_classifier(
        images, labels, n_steps=_N_STEPS, reader=_plain(images.shape[1:]), random_state=judged.random_state
    )


def _told_right(
    judged: JudgedImages, classifier: ImageClassifier, pixels: NDArray[np.float32], labels: NDArray[Any]
) -> NDArray[np.float64]:
    right = classifier.predict(judged.images(pixels)) == labels
    return np.asarray(right, dtype=np.float64)


def _memory(judged: JudgedImages) -> Iterator[Measure]:
    """Distances to the training images, beside those of images that nothing has seen."""
    train, holdout = judged.pixels["train"], judged.pixels.get("holdout")
    sets = dict(judged.candidates)
    if holdout is None:
        yield _copies({name: nearest(rows, train)[0] for name, rows in sets.items()}, 0.0)
        return
    half = len(holdout) // 2
    sets["real"] = holdout[:half]  # unseen ones, in the place of generated ones
    to_train = {name: nearest(rows, train)[0] for name, rows in sets.items()}
    usual = nearest(holdout, train)[0]
    yield measure(
        "closer to training",
        "privacy",
        Limits(0.5, 1, 0.05, 0.2, upper=1.0),
        "Share of images that are closer to a training image than to as many unseen ones; .5 is chance.",
        {
            name: _mean(_closer(rows, train, holdout[half:] if name == "real" else holdout))
            for name, rows in sets.items()
        },
    )
    yield measure(
        "distance ratio",
        "privacy",
        Limits(None, -1, 0.1, 0.5, upper=float("inf")),
        "Median distance to the nearest training image over that of unseen images; 0 for copies.",
        {name: _median(found, float(np.median(usual))) for name, found in to_train.items()},
    )
    limit = np.quantile(usual, _CLOSE)
    yield measure(
        "near copies %",
        "privacy",
        Limits(100 * _CLOSE, 1, 1.0, 5.0),
        "Share nearer to a training image than all but a hundredth of the unseen images are.",
        {name: _mean(100.0 * (found < limit)) for name, found in to_train.items()},
    )
    yield _copies(to_train, None)


def _copies(distances: dict[str, NDArray[np.float64]], best: float | None) -> Measure:
    return measure(
        "exact copies %",
        "privacy",
        Limits(best, 1, 0.2, 2.0),
        "Share of images that equal a training image in every pixel.",
        {name: _mean(100.0 * (found == 0)) for name, found in distances.items()},
    )


def _closer(
    rows: NDArray[np.float32], train: NDArray[np.float32], unseen: NDArray[np.float32]
) -> NDArray[np.float64]:
    size = min(len(train), len(unseen))
    to_seen, to_unseen = (nearest(rows, records[:size])[0] for records in (train, unseen))
    return np.where(to_seen == to_unseen, 0.5, to_seen < to_unseen)


def _mean(values: NDArray[Any]) -> Statistic:
    return lambda kept: float(values[kept].mean()), [len(values)]


def _median(values: NDArray[Any], usual: float) -> Statistic:
    return lambda kept: float(np.median(values[kept])) / max(usual, 1e-12), [len(values)]


def _worst_classes(judged: JudgedImages) -> list[tuple[Any, float]]:
    if judged.classifier is None:
        return []
    size, of = len(judged.reference), "holdout" if "holdout" in judged.labels else "train"
    parts = [judged.features(judged.reference), judged.features(judged.candidates["synthetic"])]
    names = [judged.labels[name][:size] for name in (of, "synthetic")]
    covered = class_coverage(parts[0], names[0], parts[1], names[1])
    return sorted(covered.items(), key=lambda item: item[1])[:3]
