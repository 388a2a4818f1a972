"""Does any table go through as it comes from its file?

``python -m benchmarks.walk`` reads each table with nothing declared, fits it in a short time, draws rows,
fills gaps, asks for conditions, saves and loads, and checks what must hold in every row. What was found, what
it cost and how well rows pass for unseen ones is written to ``benchmarks/results/walk.json``. Only where
ganaug asks for a choice (free text), the choice that its error names is made, and recorded.
"""

from __future__ import annotations

import argparse
import io
import os
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks.records import environment, reset_peak_memory, resident_mb, write_record
from ganaug import GANSynthesizer, Present
from ganaug.exceptions import ContractError, RejectColumn
from ganaug.metrics import harder_judge_auc
from ganaug.testing import check_column_codec

RESULTS = Path(__file__).resolve().parent / "results"
MOST_ROWS = {"nycflights13_flights": 40_000, "default_credit": 10_000}
TABLES = (
    "titanic horse_colic telco_churn king_county_houses online_retail_20k nycflights13_flights "
    "churn_modelling nycflights13_planes oil_spill beijing_pm25 penguins german_credit messy wide"
).split()
FROM_CSV = ("titanic", "telco_churn", "king_county_houses", "online_retail_20k", "messy")
CHECKED_COLUMNS = 20  # of a table, for what takes a while
JUDGED_ROWS = 500  # fewer say too little ...
MOST_JUDGED = 2_000  # ... and more take longer than the fit


def main(arguments: list[str] | None = None) -> int:
    """Walk through the tables and write down what came of each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.walk", description=__doc__)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=TABLES)
    parser.add_argument("--seconds", type=float, default=20.0, help="time budget of a fit")
    parser.add_argument("--out", type=Path, default=RESULTS / "walk.json")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    for name in options.tables:
        record = {"table": name, **walk(load(name), options.seconds), "environment": environment()}
        write_record(options.out, record, lambda other, name=name: other["table"] == name)
        print({key: value for key, value in record.items() if key != "environment"}, flush=True)
    return 0


def load(name: str) -> pd.DataFrame:
    """A table as pandas reads it; those that are CSV files at home go through one."""
    if name in ("messy", "wide"):
        table = messy_table() if name == "messy" else wide_table()
    else:
        folder = Path(os.environ["GANAUG_DATA"]) / "tab"
        table = pd.read_parquet(folder / f"{name}.parquet").head(MOST_ROWS.get(name, 2**40))
    return pd.read_csv(io.StringIO(table.to_csv(index=False))) if name in FROM_CSV else table


def walk(table: pd.DataFrame, seconds: float) -> dict[str, Any]:
    """What a new user does with a table, and what came of it."""
    order = np.random.default_rng(0).permutation(len(table))
    judged = len(table) >= 2 * JUDGED_ROWS
    unseen = table.iloc[order[len(table) // 2 :]] if judged else table.iloc[:0]
    train = table.iloc[np.sort(order[: len(table) // 2])] if judged else table
    reset_peak_memory()
    before, started = resident_mb(), time.process_time()
    synthesizer, chosen = fit(train, seconds)
    fitted = time.process_time()
    drawn = synthesizer.sample(len(unseen) if judged else 1000)
    sampled = time.process_time()
    gaps = blank(train.head(500))
    filled = synthesizer.complete(gaps)
    completed = time.process_time()
    found = synthesizer.columns_
    return {
        "rows": len(train),
        "columns": table.shape[1],
        "kinds": dict(Counter(found["kind"])),
        "kind_of": dict(zip(map(str, found["column"]), found["kind"], strict=True))
        if len(found) < 40
        else None,
        "related": int((found["note"] != "").sum()),
        "chosen": chosen,
        "fit_cpu_seconds": fitted - started,
        "sample_cpu_seconds": sampled - fitted,
        "sample_rows": len(drawn),
        "complete_cpu_seconds": completed - sampled,
        "memory_mb": resident_mb(peak=True) - before,
        "file_mb": file_mb(synthesizer),
        "broken": broken(train, drawn, gaps, filled, synthesizer),
        "judge_auc": auc(unseen, drawn, synthesizer) if judged else None,
        "judge_auc_of_real": auc(train, unseen, synthesizer) if judged else None,
    }


def fit(train: pd.DataFrame, seconds: float) -> tuple[GANSynthesizer, dict[str, str]]:
    """A fit with nothing declared; columns that are refused are taken as text or left to `to_numeric`."""
    try:
        return GANSynthesizer(random_state=0, time_budget_seconds=seconds).fit(train), {}
    except RejectColumn as error:
        chosen = {name: "text" for name in train.columns if f"Column {name!r}" in str(error)}
    options: dict[str, Any] = {"time_budget_seconds": seconds, "columns": chosen}
    return GANSynthesizer(random_state=0, **options).fit(train), chosen


def blank(table: pd.DataFrame) -> pd.DataFrame:
    """A table with three cells of ten taken away."""
    return table.mask(np.random.default_rng(1).random(table.shape) < 0.3)


def broken(
    train: pd.DataFrame,
    drawn: pd.DataFrame,
    gaps: pd.DataFrame,
    filled: pd.DataFrame,
    synthesizer: GANSynthesizer,
) -> list[str]:
    """What should hold and doesn't, in words; none is as it should be."""
    wrong = []
    if drawn.columns.tolist() != train.columns.tolist() or drawn.dtypes.tolist() != train.dtypes.tolist():
        wrong.append("columns or dtypes of the rows drawn")
    for name, kind in zip(synthesizer.columns_["column"], synthesizer.columns_["kind"], strict=True):
        real, own = train[name].dropna(), drawn[name].dropna()
        if kind in ("category", "text") and not set(own) <= set(real):
            wrong.append(f"{name}: levels that never were")
        if kind in ("number", "datetime") and len(own) and not _is_text(own):
            wrong += [f"{name}: beyond its range"] * bool(own.min() < real.min() or own.max() > real.max())
        if kind == "identifier" and own.duplicated().any():
            wrong.append(f"{name}: identifiers that repeat")
        if drawn[name].isna().any() and not train[name].isna().any():
            wrong.append(f"{name}: gaps that never were")
        if len(real) and filled[name].isna().any():
            wrong.append(f"{name}: not filled")
    present = gaps.notna().to_numpy()
    if not (filled.astype(object).to_numpy()[present] == gaps.astype(object).to_numpy()[present]).all():
        wrong.append("cells that were present have changed")
    wrong += broken_conditions(train, synthesizer) + broken_file(synthesizer)
    return wrong + broken_contracts(train.head(2_000), synthesizer)


def broken_contracts(table: pd.DataFrame, synthesizer: GANSynthesizer) -> list[str]:
    """What `ganaug.testing` finds wrong with how columns are read and written."""
    wrong = []
    codec = synthesizer.codec_
    for name, own in list(zip(codec.columns, codec.codecs, strict=True))[:CHECKED_COLUMNS]:
        try:
            check_column_codec(type(own), table[name], name)
        except RejectColumn:
            continue  # in so few rows it is of another kind
        except ContractError as error:
            wrong.append(f"{name}: {error}")
    return wrong


def broken_conditions(train: pd.DataFrame, synthesizer: GANSynthesizer) -> list[str]:
    """Each column's first value, and being present, asked for: what doesn't hold."""
    wrong = []
    kinds = zip(synthesizer.columns_["column"], synthesizer.columns_["kind"], strict=True)
    for name in [name for name, kind in kinds if kind not in ("identifier", "text")][:CHECKED_COLUMNS]:
        real = train[name].dropna()
        if len(real):
            value = real.iloc[0]
            if not (synthesizer.sample(50, conditions={name: value})[name] == value).all():
                wrong.append(f"{name}: asked for {value!r}")
            if synthesizer.sample(50, conditions={name: Present()})[name].isna().any():
                wrong.append(f"{name}: asked to be present")
    return wrong


def broken_file(synthesizer: GANSynthesizer) -> list[str]:
    """Whether a saved and loaded model draws the same rows."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.ganaug"
        synthesizer.save(path)
        again = GANSynthesizer.load(path).sample(50, random_state=1)
    return [] if again.equals(synthesizer.sample(50, random_state=1)) else ["a loaded model draws other rows"]


def file_mb(synthesizer: GANSynthesizer) -> float:
    """Size of the model's file."""
    with tempfile.TemporaryDirectory() as folder:
        synthesizer.save(Path(folder) / "model.ganaug")
        return (Path(folder) / "model.ganaug").stat().st_size / 1e6


def auc(real: pd.DataFrame, drawn: pd.DataFrame, synthesizer: GANSynthesizer) -> float:
    """The harder judge's, on columns that are modelled; in texts of dates it sees dates."""
    found = synthesizer.columns_
    kept = found["column"][~found["kind"].isin(["identifier", "text"])].tolist()
    dates = found["column"][found["kind"] == "datetime"].tolist()
    tables = []
    for table in (real, drawn):
        some = table[kept].sample(min(MOST_JUDGED, len(table)), random_state=0)
        tables.append(some.assign(**{name: pd.to_datetime(some[name]) for name in dates}))
    return harder_judge_auc(*tables, n_splits=3)


def messy_table(n: int = 30) -> pd.DataFrame:
    """Thirty rows of everything that a spreadsheet can do to a table."""
    rng = np.random.default_rng(0)
    price = [f"${amount:,.2f}" for amount in rng.lognormal(7, 1, n)]
    return pd.DataFrame(
        {
            "id": range(1001, 1001 + n),
            "zip": [f"{code:05d}" for code in rng.choice([1234, 2139, 90210, 501, 60601], n)],
            "price": price,
            "per cent": [f"{share:.1f}%" for share in rng.uniform(0, 100, n)],
            "joined": pd.date_range("2020-01-01", periods=n, freq="9D").strftime("%d/%m/%Y"),
            "note": ["" if at % 3 else f"call back about order {at}, urgent" for at in range(n)],
            "active": [[True, False, None][at % 3] for at in range(n)],
            "score": [None if at % 7 == 0 else round(float(rng.normal()), 3) for at in range(n)],
            "yes or no": rng.choice(["Y", "N", "y", " n"], n),
            "constant": "x",
            "empty": None,
            "phone": [f"+44 20 {rng.integers(1000, 9999)} {rng.integers(1000, 9999)}" for _ in range(n)],
            "quantity": [["1", "2", "n/a", "3"][at % 4] for at in range(n)],
            "mixed": [[1, "two", 3.5, None, True][at % 5] for at in range(n)],
            "price again": price,
        }
    )


def wide_table(n: int = 300) -> pd.DataFrame:
    """Five hundred columns, of few rows, that eight hidden numbers hold together."""
    rng = np.random.default_rng(1)
    numbers = rng.normal(size=(n, 8)) @ rng.normal(size=(8, 380)) + rng.normal(size=(n, 380))
    parts = [
        pd.DataFrame(numbers).add_prefix("number_"),
        pd.DataFrame((numbers[:, :100] > 0).astype(int)).add_prefix("flag_"),
        pd.DataFrame(rng.choice(list("abcde"), (n, 20))).add_prefix("letter_"),
    ]
    return pd.concat(parts, axis=1)


def _is_text(values: pd.Series[Any]) -> bool:
    return isinstance(values.iloc[0], str)


if __name__ == "__main__":
    raise SystemExit(main())
