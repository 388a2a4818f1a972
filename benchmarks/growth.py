"""What do the measurements of `benchmarks.scaling` say: cost per row, exponents, and a plot of both."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

BATCH_ROWS = 128  # of a step, by default
MOST_FITTED_COLUMNS = 300  # exponents are those up to here
PARTS = {
    "encode": "codec, learned and applied",
    "step": "training, each pass",
    "discriminator": "discriminator, tried out",
    "sample": "drawing",
}


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The power of the size that the cost grows with: the slope of their logarithms, by least squares."""
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])


def select(records: Sequence[dict[str, Any]], question: str) -> list[dict[str, Any]]:
    """The records of a question, by size."""
    return sorted((r for r in records if r["question"] == question), key=lambda record: int(record["size"]))


def per_row(record: dict[str, Any]) -> dict[str, float]:
    """CPU microseconds that each part takes for a row."""
    parts = {part: record[f"{part}_cpu_seconds"] / record["size"] for part in PARTS if part != "step"}
    return {part: 1e6 * parts.get(part, record["step_cpu_seconds"] / BATCH_ROWS) for part in PARTS}


def exponents_of_columns(records: Sequence[dict[str, Any]]) -> dict[str, float]:
    """How the costs of a step and of drawing grow with columns, up to those that are fitted."""
    fitted = [r for r in select(records, "columns") if r["size"] <= MOST_FITTED_COLUMNS]
    sizes = [record["size"] for record in fitted]
    names = ("step_cpu_seconds", "row_cpu_seconds")
    return {name: exponent(sizes, [record[name] for record in fitted]) for name in names}


def draw_plot(records: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw cost per row against rows, and cost of a step and of a thousand rows against columns."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    rows, columns = select(records, "rows"), select(records, "columns")
    for part, title in PARTS.items():
        sizes, costs = [r["size"] for r in rows], [per_row(r)[part] for r in rows]
        left.plot(sizes, costs, "o-", label=f"{title}: rows$^{{{exponent(sizes, costs):+.2f}}}$")
    left.set(title="15 columns", xlabel="rows", ylabel="CPU µs per row")
    slopes = exponents_of_columns(records) if len(columns) > 1 else {}
    for name, title in (("step_cpu_seconds", "a step"), ("row_cpu_seconds", "drawing 1,000 rows")):
        factor = 1e3 if name == "step_cpu_seconds" else 1e6
        costs = [factor * r[name] for r in columns]
        label = f"{title}: columns$^{{{slopes.get(name, np.nan):.2f}}}$"
        right.plot([r["size"] for r in columns], costs, "o-", label=label)
    right.set(title="2,000 rows", xlabel="columns", ylabel="CPU ms")
    for axes in (left, right):
        axes.set(xscale="log", yscale="log")
        axes.grid(alpha=0.3, which="both", linewidth=0.5)
        axes.set_ylim(top=6 * axes.get_ylim()[1])  # room for the legend
        axes.legend(frameon=False, fontsize=9, loc="upper left")
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)
    plt.close(figure)
