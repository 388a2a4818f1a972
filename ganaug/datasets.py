"""Tables made on the spot, for examples, tests and the demo: nothing is downloaded."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ganaug._util.random import RandomState, numpy_generator, seed_sequence

__all__ = ["make_customers"]

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
