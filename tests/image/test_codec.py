"""Pixels in any layout, dtype and range come back as they came; what can't be used is refused by name."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from ganaug.exceptions import InvalidImageError, ModelFileError
from ganaug.image.codec import ImageCodec
from ganaug.image.convnet import ConvNet, Shape


def rng():
    return np.random.default_rng(0)


def pillow(mode, n=5):
    pixels = rng().integers(0, 256, (n, 6, 7, 3)).astype(np.uint8)
    return [Image.fromarray(image).convert(mode) for image in pixels]


IMAGES = {
    "grey bytes": rng().integers(0, 256, (9, 8, 8)).astype(np.uint8),
    "colour, channels last": rng().integers(0, 256, (9, 5, 7, 3)).astype(np.uint8),
    "colour, channels first": rng().integers(0, 256, (9, 3, 5, 7)).astype(np.uint8),
    "two channels of floats": rng().normal(size=(9, 17, 23, 2)) * [1.0, 1e4],
    "single precision": rng().random((9, 4, 4)).astype(np.float32),
    "half precision": rng().random((9, 4, 4)).astype(np.float16),
    "sixteen bits": rng().integers(0, 65_536, (9, 6, 6)).astype(np.uint16),
    "negative whole numbers": rng().integers(-40, 40, (9, 6, 6)),
    "bools": rng().random((9, 6, 6)) < 0.5,
    "whole numbers as floats": rng().integers(0, 17, (9, 8, 8)).astype(float),
    "a channel without a range": np.stack([rng().random((9, 4, 4)), np.full((9, 4, 4), 3.0)], axis=3),
    "one row of pixels": rng().integers(0, 256, (9, 1, 12)).astype(np.uint8),
    "a list of arrays": list(rng().integers(0, 256, (9, 6, 6)).astype(np.uint8)),
    "thirteen channels": rng().random((9, 13, 16, 16)),
}


def as_array(images):
    return np.stack([np.asarray(image) for image in images])


def there_and_back(codec, X, canvas=None):
    codes = torch.from_numpy(codec.encode(X))
    return codec.decode(codec.to_samples(codes, canvas or codec.layout.size[:2]))


@pytest.mark.parametrize("X", list(IMAGES.values()), ids=IMAGES)
def test_decode_inverts_encode(X):
    back = there_and_back(ImageCodec.fit(X), X)
    assert type(back) is type(X)
    before, after = as_array(X), as_array(back)
    assert after.dtype == before.dtype
    if before.dtype.kind == "f" and not (before == np.rint(before)).all():
        np.testing.assert_allclose(after, before, rtol=2e-3, atol=2e-6 * np.abs(before).max())
    elif before.itemsize == 1 or before.max() < 256:
        np.testing.assert_array_equal(after, before)
    else:
        assert np.abs(after.astype(int) - before.astype(int)).max() <= 1


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "CMYK", "YCbCr", "1"])
def test_images_of_pillow_come_back_as_such(mode):
    X = pillow(mode)
    back = there_and_back(ImageCodec.fit(X), X)
    assert [image.mode for image in back] == [mode] * len(X)
    assert back[0].size == X[0].size
    np.testing.assert_array_equal(as_array(back), as_array(X))


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 3), (3, 4, 6)])
def test_flat_rows_are_images_of_the_shape_given(shape):
    X = rng().integers(0, 256, (7, *shape)).astype(np.uint8)
    flat = X.reshape(7, -1)
    codec = ImageCodec.fit(flat, shape)
    np.testing.assert_array_equal(there_and_back(codec, flat), flat)
    np.testing.assert_array_equal(codec.encode(flat), ImageCodec.fit(X).encode(X))


def test_the_shorter_of_the_outer_axes_is_that_of_the_channels():
    assert ImageCodec.fit(rng().random((4, 3, 9, 9))).layout.size == (9, 9, 3)
    assert ImageCodec.fit(rng().random((4, 9, 9, 3))).layout.size == (9, 9, 3)
    assert ImageCodec.fit(rng().random((4, 9, 5, 9))).layout.size == (9, 5, 9)


def test_samples_fill_the_range_and_what_is_beyond_is_clipped():
    X = rng().integers(3, 17, (50, 4, 4)).astype(np.uint8)
    codec = ImageCodec.fit(X)
    samples = codec.to_samples(torch.from_numpy(codec.encode(X)), (4, 4))
    assert (float(samples.min()), float(samples.max())) == (-1.0, 1.0)
    drawn = codec.decode(100 * torch.randn(50, 1, 4, 4, generator=torch.Generator().manual_seed(0)))
    assert (drawn.min(), drawn.max()) == (3, 16)


def test_odd_sizes_get_a_border_of_the_background():
    X = np.full((6, 5, 7), 10, dtype=np.uint8)
    X[:, 1:4, 1:6] = rng().integers(50, 200, (6, 3, 5))
    codec = ImageCodec.fit(X)
    samples = codec.to_samples(torch.from_numpy(codec.encode(X)), (8, 8))
    assert samples.shape == (6, 1, 8, 8)
    torch.testing.assert_close(samples[:, :, 0, 0], torch.full((6, 1), -1.0))
    np.testing.assert_array_equal(codec.decode(samples), X)


def test_a_codec_goes_through_a_file():
    for X in (IMAGES["two channels of floats"], pillow("RGB")):
        codec = ImageCodec.fit(X)
        again = ImageCodec.from_state(*codec.to_state())
        np.testing.assert_array_equal(again.encode(X), codec.encode(X))
        assert again.layout == codec.layout


@pytest.mark.parametrize(
    ("key", "value"),
    [("shape", [0, 4]), ("image_shape", [4]), ("container", "folder"), ("mode", "P"), ("dtype", "<M8[s]")],
)
def test_a_broken_layout_in_a_file_is_refused(key, value):
    header, arrays = ImageCodec.fit(IMAGES["grey bytes"]).to_state()
    header["layout"][key] = value
    with pytest.raises(ModelFileError):
        ImageCodec.from_state(header, arrays)


def test_a_range_beyond_the_dtype_in_a_file_is_refused():
    header, arrays = ImageCodec.fit(IMAGES["grey bytes"]).to_state()
    with pytest.raises(ModelFileError, match="range"):
        ImageCodec.from_state(header, {**arrays, "high": np.array([300.0])})


HOLED = rng().random((5, 4, 4))
HOLED[3, 0, 0] = np.nan
TWICE = np.repeat(rng().random((1, 4, 4)), 5, axis=0)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (HOLED, "NaN.* 3"),
        (rng().random((1, 4, 4)), "At least two.* 1"),
        (np.full((5, 4, 4), 7.0), "one value.* 7"),
        (TWICE, "are the same"),
        (rng().random((5, 2, 2, 2, 2)), r"\(5, 2, 2, 2, 2\)"),
        (rng().random((5, 0, 4)), "must have pixels"),
        (np.array([[["a"]]] * 3), "must hold numbers"),
        ([], "an empty list"),
        ([np.zeros((4, 4)), np.zeros((4, 5))], r"one size.*\(4, 4\).*\(4, 5\)"),
        ([*pillow("L", 1), *pillow("RGB", 1)], "one size and kind"),
        ([*pillow("L", 1), np.zeros((6, 7))], "of one kind"),
        (np.array([[[-1e308]], [[1e308]]]), "a range"),
    ],
    ids=[
        "nan",
        "one",
        "constant",
        "same",
        "5-D",
        "empty",
        "text",
        "none",
        "sizes",
        "modes",
        "mixed",
        "range",
    ],
)
def test_images_that_nothing_can_be_learned_from_are_refused(X, words):
    with pytest.raises(InvalidImageError, match=words):
        ImageCodec.fit(X)


def test_tensors_are_refused_with_what_to_do():
    with pytest.raises(TypeError, match=r"X\.numpy"):
        ImageCodec.fit(torch.rand(5, 4, 4))


@pytest.mark.parametrize("shape", [(4,), (4, 4, 4, 4), (0, 16), (2.0, 8), "44", 16, (True, 16)])
def test_a_wrong_image_shape_is_refused(shape):
    with pytest.raises(ValueError, match="image_shape must be"):
        ImageCodec.fit(rng().random((5, 16)), shape)


def test_an_image_shape_that_does_not_go_with_the_rows_is_refused():
    with pytest.raises(InvalidImageError, match=r"\(4, 5\).*\(5, 16\)"):
        ImageCodec.fit(rng().random((5, 16)), (4, 5))


def test_images_of_another_shape_are_refused_later():
    codec = ImageCodec.fit(IMAGES["grey bytes"])
    with pytest.raises(InvalidImageError, match="had in fit"):
        codec.encode(np.zeros((3, 8, 9)))


@pytest.mark.parametrize(
    ("size", "canvas"),
    [((8, 8, 1), (8, 8)), ((28, 28, 1), (28, 28)), ((17, 23, 2), (20, 24)), ((1, 1, 1), (1, 1))],
)
def test_the_canvas_is_the_image_or_a_little_larger(size, canvas):
    assert Shape.of(size, 0, ConvNet().settle(size, has_gpu=False)).canvas == canvas


def test_the_networks_are_chosen_by_size_and_device():
    chosen = {
        (side, gpu): ConvNet().settle((side, side, 3), has_gpu=gpu).architecture
        for side in (28, 64)
        for gpu in (False, True)
    }
    assert chosen == {(28, False): "lite", (28, True): "lite", (64, False): "lite", (64, True): "full"}
