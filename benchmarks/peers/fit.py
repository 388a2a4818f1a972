"""Fit another library's generator on a table and draw rows from it; run by its own environment's Python.

``python fit.py ctgan train.parquet synthetic.parquet costs.json '{"rows": 1000, "seed": 0, ...}'``

With ``"asked": ["given.parquet", ...]`` it also draws rows around the cells of each of these tables, and
writes them beside it (``given.drawn``), as far as the library can be told such a thing: TabularARGN completes
the cells, CTGAN is told one level of one category, and draws more rows than asked for, so that some satisfy
the rest.

One thread; the library's own settings, and its own stop or a limit of CPU seconds, whichever comes first. It
needs nothing of ganaug. What of a table a library can't take is put out of its way, and back (`Plain`).
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

NANOSECONDS_A_DAY = 86_400_000_000_000
MOST_DECIMALS = 9
SURPLUS, MOST_ROWS = 20, 100_000  # of rows where only some satisfy a condition
GAP = " is missing"  # follows the name of a column with gaps

Spec = dict[str, Any]
Draw = Callable[..., pd.DataFrame]  # rows, from their number, or from their number and given cells


def main() -> None:
    """Read, fit, sample, write; the costs are CPU seconds of the two steps alone."""
    parser = argparse.ArgumentParser()
    parser.add_argument("peer", choices=list(PEERS))
    for name in ("train", "synthetic", "costs"):
        parser.add_argument(name, type=Path)
    parser.add_argument("spec", type=json.loads, help="rows, seed, categorical, cpu_seconds, asked")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    costs = run(options.peer, options.train, options.synthetic, options.spec)
    options.costs.write_text(json.dumps(costs))


def run(peer: str, train: Path, synthetic: Path, spec: Spec) -> dict[str, object]:
    """Write the synthetic table and return what it cost."""
    fit, package, module = PEERS[peer]
    table = pd.read_parquet(train)
    import_module(module)  # no part of the fit
    before = memory_mb("VmRSS")
    start = time.process_time(), time.perf_counter()
    draw, found = fit(table, spec)
    fitted = time.process_time(), time.perf_counter()
    peak = memory_mb("VmHWM")
    rows = draw(spec["rows"])
    sampled = time.process_time()
    with_flags(rows[list(table.columns)], table).to_parquet(synthetic)
    for path in map(Path, spec.get("asked", ())):
        given = pd.read_parquet(path).astype({name: table[name].dtype for name in pd.read_parquet(path)})
        drawn = draw(len(given), given)[list(table.columns)]
        with_flags(drawn, table).to_parquet(path.with_suffix(".drawn"))
    return {
        "fit_cpu_seconds": fitted[0] - start[0],
        "fit_wall_seconds": fitted[1] - start[1],
        "sample_cpu_seconds": sampled - fitted[0],
        "fit_memory_mb": peak - before,
        "peer_versions": {package: version(package)},
        **found,
    }


def tabularargn(table: pd.DataFrame, spec: Spec) -> tuple[Draw, Spec]:
    """TabularARGN; its own clock counts CPU seconds here, for its limit is one of time."""
    import torch
    from mostlyai.engine import TabularARGN  # type: ignore[import-not-found]

    torch.set_num_threads(1)
    import_module("mostlyai.engine._tabular.training").time = SimpleNamespace(time=time.process_time)  # type: ignore[attr-defined]
    model = TabularARGN(device="cpu", random_state=spec["seed"], max_training_time=spec["cpu_seconds"] / 60)
    model.fit(table)

    def draw(n_rows: int, given: pd.DataFrame | None = None) -> pd.DataFrame:
        return model.sample(n_rows) if given is None else model.sample(seed_data=given)

    return draw, _limit(spec)


def ctgan(table: pd.DataFrame, spec: Spec) -> tuple[Draw, Spec]:
    """CTGAN, 300 epochs or the limit."""
    return _ctgan(table, spec, "CTGAN", "ctgan.synthesizers.ctgan")


def tvae(table: pd.DataFrame, spec: Spec) -> tuple[Draw, Spec]:
    """TVAE, 300 epochs or the limit."""
    return _ctgan(table, spec, "TVAE", "ctgan.synthesizers.tvae")


def _ctgan(table: pd.DataFrame, spec: Spec, name: str, module: str) -> tuple[Draw, Spec]:
    import torch

    torch.set_num_threads(1)
    until, epochs = time.process_time() + spec["cpu_seconds"], []

    def limited(rounds: Iterable[int], **_: Any) -> Iterator[int]:
        for epoch in rounds:
            if time.process_time() > until:
                return
            yield epoch
            epochs.append(epoch)

    import_module(module).tqdm = limited  # type: ignore[attr-defined]
    plain = Plain(table, spec["categorical"])
    model = getattr(import_module("ctgan"), name)(enable_gpu=False)
    model.set_random_state(spec["seed"])
    model.fit(plain.table, plain.categorical)

    def draw(n_rows: int, given: pd.DataFrame | None = None) -> pd.DataFrame:
        if given is None:
            return plain.restore(model.sample(n_rows))
        told = plain.only_level(given)
        return plain.restore(model.sample(min(SURPLUS * n_rows, MOST_ROWS), *told))

    return draw, {"n_iter": len(epochs), **_limit(spec)}


def _limit(spec: Spec) -> Spec:
    return {"limit_cpu_seconds": spec["cpu_seconds"]}


def gaussian_copula(table: pd.DataFrame, spec: Spec) -> tuple[Draw, Spec]:
    """A Gaussian copula of sdv, which is told the categories that are written as numbers."""
    from sdv.metadata import Metadata  # type: ignore[import-not-found]
    from sdv.single_table import GaussianCopulaSynthesizer  # type: ignore[import-not-found]

    metadata = Metadata.detect_from_dataframes({"table": table})
    for name in table:
        kind = "datetime" if table[name].dtype.kind == "M" else "numerical"
        kind = "categorical" if name in spec["categorical"] else kind
        metadata.update_column(table_name="table", column_name=name, sdtype=kind)
    if metadata.tables["table"].primary_key is not None:
        metadata.remove_primary_key(table_name="table")
    model = GaussianCopulaSynthesizer(metadata)
    model.fit({"table": table})

    def draw(n_rows: int) -> pd.DataFrame:
        rows = model.sample(n_rows)
        return rows["table"] if isinstance(rows, dict) else rows

    return draw, {}


def arf(table: pd.DataFrame, spec: Spec) -> tuple[Draw, Spec]:
    """Adversarial random forests, and densities in their leaves."""
    from arfpy.arf import arf as forest  # type: ignore[import-not-found]

    plain = Plain(table, spec["categorical"])
    np.random.seed(spec["seed"])  # noqa: NPY002 - it draws from there
    model = forest(x=plain.table, random_state=spec["seed"], verbose=False)
    model.forde()
    return lambda n: plain.restore(model.forge(n=n)), {}


PEERS: dict[str, tuple[Callable[[pd.DataFrame, Spec], tuple[Draw, Spec]], str, str]] = {
    "tabularargn": (tabularargn, "mostlyai-engine", "mostlyai.engine"),
    "ctgan": (ctgan, "ctgan", "ctgan"),
    "tvae": (tvae, "ctgan", "ctgan"),
    "gaussian-copula": (gaussian_copula, "sdv", "sdv.single_table"),
    "arf": (arf, "arfpy", "arfpy.arf"),
}


class Plain:
    """A table of numbers without gaps, and of text, and the way back.

    Dates become days; a gap becomes the column's median, and a column of its own that says so; a category
    becomes text, "?" where it is missing. On the way back numbers are clipped to the column's range and
    rounded to its decimals, as sdv does.

    Parameters
    ----------
    table : DataFrame
    categorical : list of str
        Columns that are categories.
    """

    def __init__(self, table: pd.DataFrame, categorical: list[str]) -> None:
        self.original, self.names = table, categorical
        columns: dict[str, pd.Series[Any]] = {}
        for name, column in table.items():
            gaps = column.isna()
            if name in categorical:
                columns[str(name)] = column.astype(object).where(~gaps, "?").map(str)
                continue
            numbers = _numbers(column)
            columns[str(name)] = numbers.fillna(numbers.median())
            if gaps.any():
                columns[f"{name}{GAP}"] = gaps.map(str)
        self.table = pd.DataFrame(columns)
        self.categorical = [name for name in columns if name in categorical or name.endswith(GAP)]

    def only_level(self, given: pd.DataFrame) -> tuple[str, ...]:
        """The first category of which the given cells have only one level, and that level; or nothing."""
        for name in given:
            levels = given[name].astype(object).where(given[name].notna(), "?").map(str).unique()
            if name in self.categorical and len(levels) == 1:
                return str(name), str(levels[0])
        return ()

    def restore(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows like those of the original."""
        columns = {}
        for name, column in self.original.items():
            drawn = rows[name].reset_index(drop=True)
            if name in self.names:
                levels = {str(level): level for level in column.dropna().unique()}
                columns[name] = drawn.map(lambda text, known=levels: known.get(text, None))
                continue
            known = _numbers(column)
            numbers = drawn.astype("float64").clip(known.min(), known.max()).round(_decimals(known))
            if f"{name}{GAP}" in rows:
                numbers = numbers.mask(rows[f"{name}{GAP}"].reset_index(drop=True) == "True")
            is_date = column.dtype.kind == "M"
            columns[name] = pd.to_datetime(numbers, unit="D") if is_date else numbers
        return pd.DataFrame(columns).astype(self.original.dtypes.to_dict())


def _numbers(column: pd.Series[Any]) -> pd.Series[Any]:
    if column.dtype.kind == "M":
        days = column.astype("int64") // NANOSECONDS_A_DAY
        return days.astype("float64").mask(column.isna())
    return column.astype("float64")


def _decimals(column: pd.Series[Any]) -> int:
    present = column.dropna().to_numpy()
    for decimals in range(MOST_DECIMALS):
        if np.allclose(present, present.round(decimals), rtol=0, atol=1e-9):
            return decimals
    return MOST_DECIMALS


def with_flags(rows: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Rows whose flags are flags again: as text, "False" would count as true.

    Raises
    ------
    ValueError
        For a flag that is neither.
    """
    rows, known = rows.copy(), {"true": True, "false": False}
    for name, column in table.items():
        if column.dtype.kind == "b":
            flags = rows[name].map(lambda cell: known.get(str(cell).lower()))
            if flags.isna().any():
                raise ValueError(f"{name!r} holds flags, got {rows[name][flags.isna()].iloc[0]!r}")
            rows[name] = flags.astype(bool)
    return rows


def memory_mb(field: str) -> float:
    """Resident size of this process, now (VmRSS) or at its largest (VmHWM), on Linux."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


if __name__ == "__main__":
    main()
