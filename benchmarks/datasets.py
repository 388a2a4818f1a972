"""Which tables are measured: the five of the tabular papers, and five that nothing was tuned on.

``GANAUG_DATA`` names a folder with ``tab/<file>.parquet``. Without it the original files are fetched once,
most of them from the UCI repository, into ``~/.cache/ganaug-data`` (Default is an .xls file and needs
``xlrd``).
`made_table` makes one of any size.
"""

from __future__ import annotations

import io
import os
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ganaug.datasets import make_customers

UCI = "https://archive.ics.uci.edu/static/public/"
ADULT_COLUMNS = """
    age workclass fnlwgt education education-num marital-status occupation relationship race sex
    capital-gain capital-loss hours-per-week native-country income
"""
MAGIC_COLUMNS = "fLength fWidth fSize fConc fConc1 fAsym fM3long fM3Trans fAlpha fDist class"
SHOPPERS_CATEGORIES = "Month OperatingSystems Browser Region TrafficType VisitorType Weekend Revenue"
GITHUB = "https://raw.githubusercontent.com/"
GERMAN_COLUMNS = """
    checking_status duration credit_history purpose credit_amount savings_status employment
    installment_commitment personal_status other_parties residence_since property_magnitude age
    other_payment_plans housing existing_credits job num_dependents own_telephone foreign_worker class
"""
KING_COUNTY_CATEGORIES = "waterfront view condition grade zipcode"
DEFAULT_CATEGORIES = "SEX EDUCATION MARRIAGE PAY_0 PAY_2 PAY_3 PAY_4 PAY_5 PAY_6 default"


@dataclass(frozen=True)
class Dataset:
    """A table and how the papers read it.

    Attributes
    ----------
    name : str
    table : DataFrame
        What a synthesizer is given, target included, with nothing declared.
    target : str
    is_classification : bool
    categorical : tuple of str
        What the judges, and they alone, read as categories.
    n_official_train : int or None
        Rows of an official training part, which come first; the rest is its test part.
    """

    name: str
    table: pd.DataFrame
    target: str
    is_classification: bool
    categorical: tuple[str, ...]
    n_official_train: int | None = None


def load(name: str) -> Dataset:
    """One of the tables in `NAMES`.

    Raises
    ------
    KeyError
        There is no such table.
    OSError
        It is neither in ``GANAUG_DATA`` nor can it be fetched.
    """
    if name not in _LOADERS:
        raise KeyError(f"A data set is one of {NAMES}, got {name!r}")
    return _LOADERS[name]()


def _adult() -> Dataset:
    train = _table("adult_train", _fetch_adult_train)
    test = _table("adult_test", _fetch_adult_test)
    table = pd.concat([train, test], ignore_index=True)
    return Dataset("adult", table, "income", True, _text_columns(table), len(train))


def _shoppers() -> Dataset:
    table = _table("shoppers", _fetch_shoppers)
    return Dataset("shoppers", table, "Revenue", True, tuple(SHOPPERS_CATEGORIES.split()))


def _magic() -> Dataset:
    return Dataset("magic", _table("magic", _fetch_magic), "class", True, ("class",))


def _beijing() -> Dataset:
    table = _table("beijing_pm25", _fetch_beijing).drop(columns="No")
    table = table.dropna(subset=["pm2.5"]).reset_index(drop=True)
    return Dataset("beijing", table, "pm2.5", False, ("year", "month", "day", "hour", "cbwd"))


def _default() -> Dataset:
    table = _table("default_credit", _fetch_default).drop(columns="ID")
    return Dataset("default", table, "default", True, tuple(DEFAULT_CATEGORIES.split()))


def _telco() -> Dataset:
    table = _table("telco_churn", _fetch_telco).drop(columns="customerID")
    return Dataset("telco", table, "Churn", True, (*_text_columns(table), "SeniorCitizen"))


def _king_county() -> Dataset:
    table = _table("king_county_houses", _fetch_king_county).drop(columns="id")
    return Dataset("king_county", table, "price", False, tuple(KING_COUNTY_CATEGORIES.split()))


def _california() -> Dataset:
    table = _table("california_housing_cat", _fetch_california)
    return Dataset("california", table, "median_house_value", False, ("ocean_proximity",))


def _wine() -> Dataset:
    return Dataset("wine", _table("wine_quality", _fetch_wine), "quality", False, ("color",))


def _german() -> Dataset:
    table = _table("german_credit", _fetch_german)
    return Dataset("german", table, "class", True, (*_text_columns(table), "class"))


def _text_columns(table: pd.DataFrame) -> tuple[str, ...]:
    return tuple(str(c) for c in table if pd.api.types.is_string_dtype(table[c].dtype))


_LOADERS: dict[str, Callable[[], Dataset]] = {
    "adult": _adult,
    "shoppers": _shoppers,
    "magic": _magic,
    "beijing": _beijing,
    "default": _default,
    "telco": _telco,
    "king_county": _king_county,
    "california": _california,
    "wine": _wine,
    "german": _german,
}
NAMES = tuple(_LOADERS)


def made_table(n_rows: int, n_columns: int = 15) -> pd.DataFrame:
    """Customers with a date, a weight and a region; beyond 15 columns, blocks of ten of them side by side."""
    n_blocks, per_block = (1, n_columns) if n_columns <= 15 else (-(-n_columns // 10), 10)
    blocks = [_block(n_rows, seed).iloc[:, :per_block] for seed in range(n_blocks)]
    named = [block.add_suffix(f"_{place}") for place, block in enumerate(blocks)]
    return pd.concat(named, axis=1).iloc[:, :n_columns]


def _block(n_rows: int, seed: int) -> pd.DataFrame:
    rng, customers = np.random.default_rng(seed), make_customers(n_rows, random_state=seed)
    days = rng.integers(0, 2_000, n_rows).astype("timedelta64[D]")
    region = rng.zipf(1.5, n_rows).clip(max=40).astype(str)
    return customers.assign(
        since=pd.Timestamp("2020-01-01") + pd.to_timedelta(days),
        weight=rng.lognormal(0.0, 1.0, n_rows) * (1 + customers["visits"]),
        region=pd.Series(region, dtype=object),
    )


def _table(file: str, fetch: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    given = os.environ.get("GANAUG_DATA")
    if given:
        return pd.read_parquet(Path(given) / "tab" / f"{file}.parquet")
    cached = Path.home() / ".cache" / "ganaug-data" / f"{file}.parquet"
    if not cached.exists():
        table = fetch()
        cached.parent.mkdir(parents=True, exist_ok=True)
        table.to_parquet(cached)
    return pd.read_parquet(cached)


def _uci_file(archive: str, member: str) -> io.BytesIO:
    with urllib.request.urlopen(UCI + archive, timeout=120) as answer:
        packed = zipfile.ZipFile(io.BytesIO(answer.read()))
    return io.BytesIO(packed.read(member))


def _fetch_adult_train() -> pd.DataFrame:
    return _read_adult("adult.data", skiprows=0)


def _fetch_adult_test() -> pd.DataFrame:
    table = _read_adult("adult.test", skiprows=1)
    return table.assign(income=table["income"].str.rstrip("."))


def _read_adult(member: str, skiprows: int) -> pd.DataFrame:
    return pd.read_csv(
        _uci_file("2/adult.zip", member),
        names=ADULT_COLUMNS.split(),
        skiprows=skiprows,
        skipinitialspace=True,
        na_values="?",
    )


def _fetch_shoppers() -> pd.DataFrame:
    archive = "468/online+shoppers+purchasing+intention+dataset.zip"
    return pd.read_csv(_uci_file(archive, "online_shoppers_intention.csv"))


def _fetch_magic() -> pd.DataFrame:
    return pd.read_csv(
        _uci_file("159/magic+gamma+telescope.zip", "magic04.data"), names=MAGIC_COLUMNS.split()
    )


def _fetch_beijing() -> pd.DataFrame:
    return pd.read_csv(_uci_file("381/beijing+pm2+5+data.zip", "PRSA_data_2010.1.1-2014.12.31.csv"))


def _fetch_default() -> pd.DataFrame:
    file = _uci_file("350/default+of+credit+card+clients.zip", "default of credit card clients.xls")
    return pd.read_excel(file, header=1).rename(columns={"default payment next month": "default"})


def _fetch_telco() -> pd.DataFrame:
    url = GITHUB + "IBM/telco-customer-churn-on-icp4d/master/data/Telco-Customer-Churn.csv"
    table = pd.read_csv(url)
    return table.assign(TotalCharges=pd.to_numeric(table["TotalCharges"], errors="coerce"))


def _fetch_king_county() -> pd.DataFrame:
    raise FileNotFoundError(
        "king_county_houses can't be fetched: Kaggle has it behind a login (harlfoxem/housesalesprediction). "
        "Write it to GANAUG_DATA/tab/king_county_houses.parquet, with date as a datetime and waterfront as a "
        "bool, id, condition, grade and zipcode as text."
    )


def _fetch_california() -> pd.DataFrame:
    return pd.read_csv(GITHUB + "ageron/handson-ml2/master/datasets/housing/housing.csv")


def _fetch_wine() -> pd.DataFrame:
    parts = [
        pd.read_csv(_uci_file("186/wine+quality.zip", f"winequality-{color}.csv"), sep=";").assign(
            color=color
        )
        for color in ("red", "white")
    ]
    return pd.concat(parts, ignore_index=True).rename(columns=lambda name: name.replace(" ", "_"))


def _fetch_german() -> pd.DataFrame:
    file = _uci_file("144/statlog+german+credit+data.zip", "german.data")
    return pd.read_csv(file, sep=" ", names=GERMAN_COLUMNS.split())
