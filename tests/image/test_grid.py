"""Pictures of images side by side, and that they are true PNG files."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from ganaug import image_grid
from ganaug.image.grid import write_png


def test_each_image_is_in_its_place():
    images = np.zeros((5, 40, 40), dtype=np.uint8)
    images[3] = 200
    grid = image_grid(images, n_columns=2)
    assert grid.shape == (3 * 42 - 2, 2 * 42 - 2, 3)
    assert (grid[42:82, 42:82] == 255).all()  # the brightest is white
    assert (grid[:40, :40] == 0).all()
    assert (grid[84:, 42:] == 255).all()  # there is no sixth


def test_small_images_are_enlarged_and_colours_kept():
    images = np.zeros((1, 8, 8, 3))
    images[0, :, :, 1] = 1.0
    grid = image_grid(images, n_columns=1)
    assert grid.shape == (32, 32, 3)
    assert (grid == [0, 255, 0]).all()


@pytest.mark.parametrize("shape", [(3, 5, 7, 2), (3, 2, 5, 7), (3, 35)])
def test_other_layouts(shape):
    images = np.random.default_rng(0).random(shape)
    grid = image_grid(images, 3, image_shape=(5, 7) if len(shape) == 2 else None)
    assert grid.shape == (20, 3 * 30 - 2, 3)  # four times as large


def test_a_written_picture_is_read_back(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (11, 13, 3)).astype(np.uint8)
    write_png(picture, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as read:
        np.testing.assert_array_equal(np.asarray(read), picture)
