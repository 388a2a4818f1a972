"""The made-up customers: their dtypes, and that the columns depend on each other as the docstring says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ganaug.datasets import load_image_folder, make_customers, make_shapes
from ganaug.exceptions import InvalidImageError


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    return make_customers(20_000)


def test_same_seed_same_table():
    pd.testing.assert_frame_equal(make_customers(50, random_state=3), make_customers(50, random_state=3))
    assert not make_customers(50, random_state=3).equals(make_customers(50, random_state=4))


def test_dtypes(customers):
    assert customers.dtypes.astype(str).to_dict() == {
        "age": "Int64",
        "city": "category",
        "country": "object",
        "income": "float64",
        "plan": "category",
        "monthly_charge": "float64",
        "tenure_months": "int64",
        "visits": "int64",
        "newsletter": "bool",
        "support_calls": "int64",
        "satisfaction": "float64",
        "churned": "object",
    }
    assert customers["plan"].cat.ordered


def test_marginals(customers):
    assert 0.12 < (customers["churned"] == "yes").mean() < 0.18
    assert 0.03 < customers["age"].isna().mean() < 0.05
    assert (customers["visits"] == 0).mean() > 0.3
    assert customers["income"].max() > 8 * customers["income"].median()
    np.testing.assert_allclose(customers["monthly_charge"], customers["monthly_charge"].round(2))


def test_dependences(customers):
    assert customers.groupby("city", observed=True)["country"].nunique().max() == 1
    assert customers.groupby("plan", observed=True)["monthly_charge"].median().is_monotonic_increasing
    young = (customers["age"] < 25).fillna(False)
    assert customers["income"].isna()[young].mean() > 2 * customers["income"].isna()[~young].mean()
    assert ((customers["age"] - 17) * 12 >= customers["tenure_months"]).dropna().all()
    left = customers["churned"] == "yes"
    assert customers["support_calls"][left].mean() > 1.5 * customers["support_calls"][~left].mean()


@pytest.mark.parametrize("n_samples", [0, -1, 2.0, True, "10"])
def test_wrong_number_of_rows_is_refused_by_name(n_samples):
    with pytest.raises(ValueError, match="n_samples must be"):
        make_customers(n_samples)


def test_one_row():
    assert len(make_customers(1)) == 1


def test_shapes_of_every_kind_are_equally_frequent_and_repeat():
    images, labels = make_shapes(40, side=12)
    assert images.shape == (40, 12, 12, 3)
    assert images.dtype == np.uint8
    assert np.unique(labels, return_counts=True)[1].tolist() == [10] * 4
    np.testing.assert_array_equal(images, make_shapes(40, side=12)[0])
    assert not np.array_equal(images, make_shapes(40, side=12, random_state=1)[0])


def test_shapes_are_brighter_than_what_is_around_them():
    images, labels = make_shapes(80, side=16, noise=0.0)
    grey = images.mean(axis=3)
    assert (grey[:, 6:10, 6:10].mean(axis=(1, 2)) > grey[:, 0].mean(axis=1)).mean() > 0.95
    bright = (grey > grey.mean(axis=(1, 2), keepdims=True)).mean(axis=(1, 2))
    assert bright[labels == "square"].mean() > bright[labels == "triangle"].mean()


@pytest.mark.parametrize(("name", "value"), [("n_samples", 0), ("side", 3), ("side", True)])
def test_wrong_shapes_are_refused_by_name(name, value):
    with pytest.raises(ValueError, match=f"{name} must be"):
        make_shapes(**{name: value})


@pytest.fixture
def image_folder(tmp_path):
    rng = np.random.default_rng(0)
    for kind, n in (("cat", 3), ("dog", 2)):
        (tmp_path / kind).mkdir()
        for i in range(n):
            pixels = rng.integers(0, 256, (6, 8)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / kind / f"{i}.png")
    (tmp_path / "cat" / "notes.txt").write_text("not an image")
    return tmp_path


def test_a_folder_for_each_class_is_read(image_folder):
    images, labels = load_image_folder(image_folder)
    assert images.shape == (5, 6, 8)
    assert labels.tolist() == ["cat"] * 3 + ["dog"] * 2
    assert load_image_folder(image_folder, size=(4, 5), mode="RGB")[0].shape == (5, 4, 5, 3)


def test_what_is_wrong_with_a_folder_is_said(image_folder):
    Image.fromarray(np.zeros((7, 8), dtype=np.uint8)).save(image_folder / "dog" / "9.png")
    with pytest.raises(InvalidImageError, match=r"size= and mode=.*9\.png.*\(7, 8\)"):
        load_image_folder(image_folder)
    (image_folder / "dog" / "9.png").write_bytes(b"broken")
    with pytest.raises(InvalidImageError, match=r"can't be read.*9\.png"):
        load_image_folder(image_folder)
    (image_folder / "empty").mkdir()
    with pytest.raises(InvalidImageError, match="got none"):
        load_image_folder(image_folder / "empty")
    with pytest.raises(FileNotFoundError):
        load_image_folder(image_folder / "nowhere")
