"""The energy distance of images: nearly nothing between halves of the same, much where classes are lost."""

from __future__ import annotations

import numpy as np
import torch

from ganaug.image.measure import HeldOut
from ganaug.image.modality import ImageModality
from ganaug.training.loop import Rows


def test_it_sees_what_a_generator_lacks():
    rng = np.random.default_rng(0)
    y = np.arange(400) % 4
    X = rng.integers(0, 60, (400, 8, 8))
    for i in range(400):
        X[i, 2 * y[i] : 2 * y[i] + 2] += 150
    modality = ImageModality.fit(X, y, None)
    codes = torch.from_numpy(modality.encode(X, y, strict=True))
    held_out, other = codes[:200], modality.to_samples(codes[200:])
    measure = HeldOut(modality, Rows(held_out), 3, torch.Generator().manual_seed(0))
    place = torch.arange(200)

    def perfect(latent, labels):
        found = [place[(y[200:] == label)][i % 50].item() for i, label in enumerate(labels.tolist())]
        return other[found]

    good = measure(perfect)
    one_image = measure(lambda latent, labels: perfect(latent, labels)[:1].expand(len(labels), -1, -1, -1))
    wrong_classes = measure(lambda latent, labels: perfect(latent, (labels + 1) % 4))
    assert abs(good) < 0.03
    assert one_image > 0.3
    assert wrong_classes > 0.2
