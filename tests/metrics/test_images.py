"""Images are read alike whatever their layout, and what can't be compared is said."""

import numpy as np
import pytest

from ganaug.exceptions import InvalidImageError
from ganaug.metrics.images import ImageReader, flat_pixels, some_of


@pytest.fixture
def channels_first():
    return np.random.default_rng(0).integers(0, 255, (5, 3, 7, 9)).astype(np.uint8)


def test_layouts_of_the_same_images_read_alike(channels_first):
    last = channels_first.transpose(0, 2, 3, 1)
    read = [ImageReader.of(images).read(images) for images in (channels_first, last, list(last))]
    assert read[0].shape == (5, 3, 7, 9)
    np.testing.assert_array_equal(read[0], read[1])
    np.testing.assert_array_equal(read[0], read[2])


@pytest.mark.parametrize(
    ("shape", "n_channels", "size"), [((2, 17, 23, 2), 2, (17, 23)), ((2, 4, 5), 1, (4, 5))]
)
def test_channels_and_size(shape, n_channels, size):
    reader = ImageReader.of(np.zeros(shape))
    assert (reader.n_channels, reader.size) == (n_channels, size)
    assert reader.read(np.zeros(shape)).shape == (2, n_channels, *size)


def test_range_is_that_of_the_first_set():
    reader = ImageReader.of(np.array([-2.0, 6.0]).reshape(2, 1, 1))
    assert reader.read(np.array([2.0, 10.0]).reshape(2, 1, 1)).ravel().tolist() == [0.5, 1.5]


def test_constant_images_are_read():
    assert (
        flat_pixels(np.full((3, 2, 2), 7), ImageReader.of(np.full((3, 2, 2), 7))).tolist() == [[0.0] * 4] * 3
    )


def test_the_same_ones_are_chosen_of_all():
    rows, labels = some_of(3, np.arange(10) * 2, np.random.default_rng(0), np.arange(10))
    assert len(rows) == 3
    assert (rows == 2 * labels).all()
    assert some_of(20, np.arange(10), np.random.default_rng(0))[0].tolist() == list(range(10))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 3)), r"got the shape \(2, 3\)"),
        (np.zeros((0, 3, 3)), "one image at least"),
        (np.zeros((2, 3, 3, 3, 3)), r"got the shape \(2, 3, 3, 3, 3\)"),
        (np.zeros((2, 40, 30, 40)), "at most 16 channels"),
        (np.full((2, 3, 3), np.nan), "NaN or infinity, 2"),
        (np.full((2, 3, 3), "a"), "must be numbers; got the dtype <U1"),
        ([np.zeros((3, 3)), np.zeros((4, 3))], r"one shape to be compared; got \[\(3, 3\), \(4, 3\)\]"),
    ],
)
def test_what_cannot_be_read_is_said(images, message):
    with pytest.raises(InvalidImageError, match=message):
        ImageReader.of(images)


def test_images_of_another_shape_are_refused():
    with pytest.raises(InvalidImageError, match=r"that of the real ones, \(3, 3\); got \(3, 4\)"):
        ImageReader.of(np.zeros((2, 3, 3))).read(np.zeros((2, 3, 4)))
