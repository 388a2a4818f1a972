"""Tables and images made on the spot, for examples, tests and the demo: nothing is downloaded.

And one's own images, read from a folder for each class.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ganaug._util.random import RandomState, numpy_generator, seed_sequence
from ganaug.exceptions import InvalidImageError

__all__ = ["load_image_folder", "make_customers", "make_shapes"]

_COUNTRY_OF_CITY = {
    "Lisbon": "Portugal",
    "Porto": "Portugal",
    "Madrid": "Spain",
    "Seville": "Spain",
    "Valencia": "Spain",
    "Lyon": "France",
    "Paris": "France",
    "Turin": "Italy",
}
_CITY_SHARES = np.array([0.14, 0.08, 0.20, 0.07, 0.09, 0.11, 0.24, 0.07])
_INCOME_OF_CITY = np.array([0.95, 0.88, 1.05, 0.90, 0.92, 1.08, 1.25, 0.98])
_PLANS = ["basic", "standard", "premium"]
_PRICE_OF_PLAN = np.array([12.9, 24.9, 49.9])


def make_customers(n_samples: int = 2000, *, random_state: RandomState = 0) -> pd.DataFrame:
    """Make a table of customers with mixed dtypes, missing values and columns that depend on each other.

    The city settles the country; the plan follows income and settles most of the charge; income grows with
    age, has a heavy tail and is missing more often for the young; visits are zero for those who never log in;
    short tenure, many support calls and a high charge for the income make a customer leave.

    Parameters
    ----------
    n_samples : int, default=2000
        Number of rows, at least 1.
    random_state : int, numpy RandomState, numpy Generator or None, default=0
        An integer gives the same table every time.

    Returns
    -------
    pandas.DataFrame of shape (n_samples, 12)
        Columns ``age`` (Int64), ``city`` (category), ``country`` (object), ``income`` (float64),
        ``plan`` (ordered category), ``monthly_charge`` (float64, two decimals), ``tenure_months``, ``visits``
        (int64), ``newsletter`` (bool), ``support_calls`` (int64), ``satisfaction`` (float64, 1 to 5 or
        missing) and ``churned`` (object, ``"yes"`` for about 15 %).

    Raises
    ------
    ValueError
        If ``n_samples`` isn't an integer >= 1.

    Examples
    --------
    >>> customers = make_customers(500)
    >>> customers.shape
    (500, 12)
    >>> bool(customers.groupby("city", observed=True)["country"].nunique().eq(1).all())
    True
    >>> customers.dtypes[["age", "plan", "newsletter"]].astype(str).to_dict()
    {'age': 'Int64', 'plan': 'category', 'newsletter': 'bool'}
    """
    if not isinstance(n_samples, int | np.integer) or isinstance(n_samples, bool) or n_samples < 1:
        raise ValueError(f"n_samples must be an integer >= 1; got {n_samples!r}.")
    rng = numpy_generator(seed_sequence(random_state), 0)
    age, city, income = _person(rng, int(n_samples))
    plan, charge, tenure = _contract(rng, age, income)
    newsletter = rng.random(n_samples) < 0.25 + 0.35 * (plan == 2)
    visits = _visits(rng, age, plan, newsletter)
    calls, satisfaction, churned = _outcome(rng, income, charge, tenure, visits)
    cities = np.array(list(_COUNTRY_OF_CITY), dtype=object)
    income_known = rng.random(n_samples) >= np.where(age < 25, 0.25, 0.05)
    customers = pd.DataFrame(
        {
            "age": pd.array(age, dtype="Int64"),
            "city": pd.Categorical(cities[city], categories=cities),
            "country": pd.Series([_COUNTRY_OF_CITY[name] for name in cities[city]], dtype=object),
            "income": np.where(income_known, income.round(0), np.nan),
            "plan": pd.Categorical(np.array(_PLANS, dtype=object)[plan], categories=_PLANS, ordered=True),
            "monthly_charge": charge,
            "tenure_months": tenure,
            "visits": visits,
            "newsletter": newsletter,
            "support_calls": calls,
            "satisfaction": satisfaction,
            "churned": pd.Series(np.where(churned, "yes", "no"), dtype=object),
        }
    )
    customers.loc[rng.random(n_samples) < 0.04, "age"] = pd.NA
    return customers


def _person(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Age in years, code of the city, income a year; each of shape (n,)."""
    young = rng.random(n) < 0.45
    age = np.where(young, rng.normal(29, 5, n), rng.normal(52, 11, n)).clip(18, 90).round().astype(np.int64)
    city = rng.choice(len(_CITY_SHARES), size=n, p=_CITY_SHARES)
    career = 1.0 - ((age - 52) / 45.0) ** 2
    income = 24_000 * np.exp(0.7 * career + 0.45 * rng.standard_normal(n)) * _INCOME_OF_CITY[city]
    rich = rng.random(n) < 0.02
    income = np.where(rich, income * (1.0 + rng.pareto(2.5, n)), income)
    return age, city, income


def _contract(
    rng: np.random.Generator, age: np.ndarray, income: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Code of the plan, charge a month, months since the start; each of shape (n,)."""
    n = len(age)
    wish = np.log(income / 35_000) + 0.6 * rng.standard_normal(n)
    plan = np.digitize(wish, [-0.25, 0.75])
    extras = rng.poisson(0.7 + 0.4 * plan) * 3.5
    discount = np.where((age < 27) | (age >= 65), 0.8, 1.0)
    charge = (_PRICE_OF_PLAN[plan] + extras) * discount + rng.gamma(1.5, 0.8, n)
    tenure = np.minimum(rng.exponential(20.0 + 8.0 * plan), (age - 17) * 12.0).astype(np.int64)
    return plan, charge.round(2), tenure


def _visits(
    rng: np.random.Generator, age: np.ndarray, plan: np.ndarray, newsletter: np.ndarray
) -> np.ndarray:
    """Log-ins a month, shape (n,): zero for those who never do, long-tailed for the others."""
    never = rng.random(len(age)) < np.where(age > 60, 0.55, 0.25)
    mean = np.exp(1.4 + 0.35 * plan + 0.5 * newsletter)
    return np.where(never, 0, rng.negative_binomial(1.5, 1.5 / (1.5 + mean))).astype(np.int64)


def _outcome(
    rng: np.random.Generator, income: np.ndarray, charge: np.ndarray, tenure: np.ndarray, visits: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Support calls, satisfaction (1 to 5 or NaN), whether the customer left; each of shape (n,)."""
    n = len(income)
    calls = rng.poisson(0.4 + 1.2 * (tenure < 6) + 0.02 * visits)
    mood = 3.6 - 0.45 * calls + 0.012 * np.minimum(tenure, 60) + 0.8 * rng.standard_normal(n)
    answered = rng.random(n) < np.where(visits > 0, 0.7, 0.3)
    satisfaction = np.where(answered, mood.round().clip(1, 5), np.nan)
    burden = np.log(charge * 12 / income) + 4.2
    logit = -1.2 + 0.8 * burden + 0.7 * calls - 0.05 * np.minimum(tenure, 48) - 0.5 * (mood - 3.0)
    return calls.astype(np.int64), satisfaction, rng.random(n) < 1.0 / (1.0 + np.exp(-logit))


_SHAPES = ("circle", "square", "triangle", "cross")


def make_shapes(
    n_samples: int = 1000, *, side: int = 16, noise: float = 0.02, random_state: RandomState = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Make small colour images of shapes: circles, squares, triangles and crosses.

    Each is of a colour, size, place and angle of its own, on a dark background of another colour.

    Parameters
    ----------
    n_samples : int, default=1000
        Number of images, at least 1; classes are equally frequent.
    side : int, default=16
        Height and width in pixels, at least 4.
    noise : float, default=0.02
        Standard deviation of the noise of pixels, as a share of their range.
    random_state : int, numpy RandomState, numpy Generator or None, default=0
        An integer gives the same images every time.

    Returns
    -------
    images : ndarray of shape (n_samples, side, side, 3), uint8
    labels : ndarray of shape (n_samples,), str
        ``"circle"``, ``"cross"``, ``"square"`` or ``"triangle"``.

    Examples
    --------
    >>> images, labels = make_shapes(8, side=12)
    >>> images.shape, images.dtype, sorted(set(labels.tolist()))
    ((8, 12, 12, 3), dtype('uint8'), ['circle', 'cross', 'square', 'triangle'])
    """
    for name, value, least in (("n_samples", n_samples, 1), ("side", side, 4)):
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
            raise ValueError(f"{name} must be an integer >= {least}; got {value!r}.")
    rng = numpy_generator(seed_sequence(random_state), 0)
    kinds = rng.permutation(np.arange(n_samples) % len(_SHAPES))
    inside = _coverage(rng, kinds, int(side))[..., None]
    colours = np.stack([_colours(rng, n_samples, 0.5, 1.0), _colours(rng, n_samples, 0.0, 0.3)])
    images = inside * colours[0][:, None, None] + (1 - inside) * colours[1][:, None, None]
    images = images + noise * rng.standard_normal(images.shape)
    return np.rint(images.clip(0, 1) * 255).astype(np.uint8), np.array(_SHAPES)[kinds]


def _colours(rng: np.random.Generator, n: int, low: float, high: float) -> np.ndarray:
    """Red, green and blue between two values, shape (n, 3)."""
    return low + (high - low) * rng.random((n, 3))


def _coverage(rng: np.random.Generator, kinds: np.ndarray, side: int) -> np.ndarray:
    """How much of each pixel a shape covers, shape (n, side, side)."""
    n, pixel = len(kinds), 2.0 / side
    line = (np.arange(side) + 0.5) * pixel - 1
    radius, angle = rng.uniform(0.4, 0.7, n), rng.uniform(-0.4, 0.4, n)
    centre = rng.uniform(-0.25, 0.25, (2, n))
    y, x = line[:, None] - centre[0][:, None, None], line - centre[1][:, None, None]
    cos, sin = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    u, v = cos * x + sin * y, cos * y - sin * x
    r = radius[:, None, None]
    distances = (
        np.hypot(u, v) - r,
        np.maximum(abs(u), abs(v)) - 0.85 * r,
        np.maximum(abs(u) * 0.87 - v * 0.5, v) - 0.6 * r,
        np.maximum(np.minimum(abs(u), abs(v)) - 0.3 * r, np.maximum(abs(u), abs(v)) - r),
    )
    return np.clip(0.5 - np.choose(kinds[:, None, None], distances) / pixel, 0, 1)


def load_image_folder(
    path: str | os.PathLike[str], *, size: tuple[int, int] | None = None, mode: str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Read a folder that has a folder of images for each class.

    Parameters
    ----------
    path : str or path-like
    size : pair of int, optional
        Height and width that images are resized to; without it all must be of one size.
    mode : str, optional
        Pillow's name for a kind of image, such as ``"L"`` (grey) or ``"RGB"``, that all are converted to;
        without it, all must be of one kind, but for those with a palette, which become ``"RGB"``.

    Returns
    -------
    images : ndarray of shape (n, h, w) or (n, h, w, c)
    labels : ndarray of shape (n,), str
        Names of the folders.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    InvalidImageError
        If there are no images in it, or they differ in size or kind: the first that does is named.
    """
    image = _import_pillow()
    root = Path(path)
    if not root.is_dir():
        raise FileNotFoundError(2, "No such folder", str(root))
    known = set(image.registered_extensions())
    files = [
        file
        for folder in sorted(p for p in root.iterdir() if p.is_dir())
        for file in sorted(folder.iterdir())
        if file.suffix.lower() in known
    ]
    if not files:
        raise InvalidImageError(f"There must be a folder of images for each class, got none in {str(root)!r}")
    images = [_read_image(image, file, size, mode) for file in files]
    odd = next((i for i, each in enumerate(images) if each.shape != images[0].shape), None)
    if odd is not None:
        raise InvalidImageError(
            "All images must be of one size and kind: give size= and mode= to make them so. Got "
            f"{images[0].shape} and, in {str(files[odd])!r}, {images[odd].shape}"
        )
    return np.stack(images), np.array([file.parent.name for file in files])


def _read_image(library: Any, file: Path, size: tuple[int, int] | None, mode: str | None) -> np.ndarray:
    try:
        with library.open(file) as opened:
            wanted = mode or ("RGB" if opened.mode == "P" else opened.mode)
            image = opened if wanted == opened.mode else opened.convert(wanted)
            if size is not None:
                image = image.resize((size[1], size[0]), library.Resampling.BILINEAR)
            return np.asarray(image)
    except (OSError, ValueError) as error:
        raise InvalidImageError(f"An image can't be read: {error}; got {str(file)!r}") from error


def _import_pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError('Reading images needs Pillow: pip install "ganaug[image]"') from error
    Image.init()
    return Image
