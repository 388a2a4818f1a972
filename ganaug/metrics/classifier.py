"""What does a small convolutional network make of images? Features, agreement, train on synthetic."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.exceptions import InvalidImageError
from ganaug.metrics.features import FloatArray, IntArray
from ganaug.metrics.images import ImageReader

N_FEATURES = 64
_WIDTHS = (16, 32, 64)
Augment: TypeAlias = Callable[[Tensor, torch.Generator], Tensor]

_COARSE = 7  # pixels a side at which the features are read
_BLOCK = 1024  # images at a time where nothing is learned


class ConvNet(nn.Module):
    """Convolutions to a map of at most 7 x 7, 64 features, and a logit for each class."""

    def __init__(self, n_channels: int, size: tuple[int, int], n_classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(n_channels, _WIDTHS[0], 3, padding=1), nn.ReLU()]
        width, (height, breadth), n_octaves = _WIDTHS[0], size, 0
        while max(height, breadth) > _COARSE:
            n_octaves += 1
            wider = _WIDTHS[min(n_octaves, len(_WIDTHS) - 1)]
            layers += [nn.Conv2d(width, wider, 3, stride=2, padding=1), nn.ReLU()]
            width, height, breadth = wider, (height + 1) // 2, (breadth + 1) // 2
        if n_octaves < 2:
            layers += [nn.Conv2d(width, _WIDTHS[-1], 3, padding=1), nn.ReLU()]
            width = _WIDTHS[-1]
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(width * height * breadth, N_FEATURES))
        self.head = nn.Linear(N_FEATURES, n_classes)

    def features(self, images: Tensor) -> Tensor:
        """Shape (n, 64), none negative."""
        return F.relu(self.body(images))

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, n_classes)."""
        logits: Tensor = self.head(self.features(images))
        return logits


@dataclass(frozen=True, eq=False)
class ImageClassifier:
    """A network that has learned the classes of real images; see `fit_classifier`.

    Attributes
    ----------
    reader : ImageReader
    network : ConvNet
    classes : ndarray of shape (n_classes,)
    """

    reader: ImageReader
    network: ConvNet
    classes: npt.NDArray[Any]

    def features(self, images: Any) -> FloatArray:
        """Activations before the last layer, shape (n, 64)."""
        return self._blockwise(images, self.network.features)

    def probabilities(self, images: Any) -> FloatArray:
        """Of each class, shape (n, n_classes)."""
        return self._blockwise(images, lambda block: self.network(block).softmax(dim=1))

    def predict(self, images: Any) -> npt.NDArray[Any]:
        """The likeliest class of each image."""
        likeliest: npt.NDArray[Any] = self.classes[self._blockwise(images, self.network).argmax(axis=1)]
        return likeliest

    def accuracy(self, images: Any, labels: Any) -> float:
        """Share of images whose likeliest class is their label.

        Of generated images and the labels that were asked for, this is the *agreement*.
        """
        return float(np.mean(self.predict(images) == np.asarray(labels)))

    def _blockwise(self, images: Any, function: Any) -> FloatArray:
        read = torch.from_numpy(self.reader.read(images))
        with torch.no_grad():
            blocks = [function(_centred(block)) for block in read.split(_BLOCK)]
        return torch.cat(blocks).double().numpy()


def fit_classifier(
    images: Any,
    labels: Any,
    *,
    n_steps: int = 600,
    batch_size: int = 64,
    class_weight: Any = None,
    augment: Augment | None = None,
    reader: ImageReader | None = None,
    random_state: int = 0,
) -> ImageClassifier:
    """Train the small network for a fixed number of gradient steps.

    Parameters
    ----------
    images : array of images
        In any layout that `ImageReader` knows.
    labels : array of shape (n,)
    n_steps : int, default=600
        The same for every set that is compared, however many images it has.
    batch_size : int, default=64
    class_weight : array of shape (n_classes,), optional
        What an image counts for, by class in sorted order.
    augment : callable, optional
        ``augment(batch, random)`` -> the batch (n, channels, height, width) that is learned from instead.
    reader : ImageReader, optional
        Of the real images, where these are generated ones; by default that of the images themselves.
    random_state : int, default=0

    Returns
    -------
    ImageClassifier

    Raises
    ------
    InvalidImageError
        There are fewer than two classes, or not as many labels as images.

    Examples
    --------
    >>> bright = np.repeat([0.0, 1.0], 20)
    >>> images = np.ones((40, 6, 6)) * bright[:, None, None]
    >>> fit_classifier(images, bright, n_steps=40).accuracy(images, bright)
    1.0
    """
    reader = ImageReader.of(images) if reader is None else reader
    read = torch.from_numpy(reader.read(images))
    classes, codes = np.unique(np.asarray(labels), return_inverse=True)
    if len(codes) != len(read) or len(classes) < 2:
        raise InvalidImageError(
            f"A classifier needs a label for each of the {len(read)} images, of two classes at least; got "
            f"{len(codes)} labels of {len(classes)} classes"
        )
    random = torch.Generator().manual_seed(random_state)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(random_state)
        network = ConvNet(reader.n_channels, reader.size, len(classes))
    weight = None if class_weight is None else torch.tensor(np.asarray(class_weight), dtype=torch.float32)
    batches = (torch.randint(len(read), (batch_size,), generator=random) for _ in range(n_steps))
    targets = torch.from_numpy(codes.astype(np.int64))
    learn = ((_changed(read[batch], augment, random), targets[batch]) for batch in batches)
    _train(network, learn, n_steps, weight)
    return ImageClassifier(reader, network.eval(), classes)


def train_on_synthetic_images(
    synthetic: Any,
    labels: Any,
    test: Any,
    test_labels: Any,
    *,
    n_steps: int = 600,
    random_state: int = 0,
) -> float:
    """Accuracy on real images of a network that has learned from generated ones only.

    Call it with the real training images as well, cut to as many: that is the value to compare with.

    Parameters
    ----------
    synthetic : array of images
        Generated; or the real ones for the reference.
    labels : array of shape (n_synthetic,)
        What was asked for.
    test : array of images
        Real, and seen neither by the generator nor by the network.
    test_labels : array of shape (n_test,)
    n_steps : int, default=600
    random_state : int, default=0

    Returns
    -------
    float
        From 0 to 1.
    """
    reader = ImageReader.of(test)
    judge = fit_classifier(synthetic, labels, n_steps=n_steps, reader=reader, random_state=random_state)
    return judge.accuracy(test, test_labels)


def _changed(images: Tensor, augment: Augment | None, random: torch.Generator) -> Tensor:
    return images if augment is None else augment(images, random)


def _train(
    network: ConvNet, batches: Iterable[tuple[Tensor, Tensor]], n_steps: int, weight: Tensor | None
) -> None:
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    rates = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(n_steps, 1), eta_min=1e-4)
    for images, codes in batches:
        loss = F.cross_entropy(network(_centred(images)), codes, weight)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rates.step()


def _centred(images: Tensor) -> Tensor:
    return 2.0 * images - 1.0


def label_codes(labels: Any, classes: npt.NDArray[Any]) -> IntArray:
    """Place of each label among the classes; -1 for one that isn't there."""
    places = {label: place for place, label in enumerate(classes.tolist())}
    return np.array([places.get(label, -1) for label in np.asarray(labels).tolist()], dtype=np.int64)
