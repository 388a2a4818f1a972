"""Which table says how many modes small networks find?"""

from __future__ import annotations

import statistics
from collections.abc import Callable

from benchmarks.records import read_records
from benchmarks.tables.writing import (
    NONE,
    RESULTS,
    Record,
    footnote,
    markdown,
    spread,
)

MODES_TASKS = {"ring": "ring of 8", "grid": "grid of 25", "stacked": "stacked digits, of 1,000"}
MODES_METHODS = {
    "vanilla": "vanilla",
    "wgan_gp": "WGAN-GP",
    "relativistic": "relativistic + R1 + R2",
    "cascade": "cascade, by likelihood",
}

# Srivastava et al., NeurIPS 2017, tables 1 and 2, on stacked MNIST; there the plain GAN is convolutional. The
# last two are as quoted in a later paper on energy-based generators (EnGAN).
PUBLISHED = (
    ("published: GAN", "1 / 99", "3.3 / 0.5", "99 / –"),
    ("published: VEEGAN", "8 / 53", "24.6 / 40", "150 / –"),
    ("published: WGAN-GP", "– / –", "– / –", "959 / –"),
    ("published: PacGAN", "– / –", "– / –", "1000 / –"),
)


def modes() -> str:
    """Modes found and share of good samples, beside what the VEEGAN paper publishes."""
    records = read_records(RESULTS / "modes.json")
    rows = [list(row) for row in PUBLISHED]
    for method, title in MODES_METHODS.items():
        cells = [[r for r in records if (r["task"], r["method"]) == (task, method)] for task in MODES_TASKS]
        seconds = [record["cpu_seconds"] for cell in cells for record in cell]
        cost = f"{statistics.fmean(seconds):.0f}" if seconds else NONE
        rows.append([title, *(_found(cell) for cell in cells), cost])
    titles = ["modes / good %", *MODES_TASKS.values(), "CPU s a fit"]
    return markdown(titles, [row + [NONE] * (len(titles) - len(row)) for row in rows]) + footnote(records)


def _found(records: list[Record]) -> str:
    found = spread(
        [float(record["modes"]) for record in records], 1, lambda v, d: f"{v:.{d}f}".rstrip("0").rstrip(".")
    )
    good = spread([100 * record["good"] for record in records], 0, lambda v, d: f"{v:.{d}f}")
    return NONE if not records else f"{found} / {good}"


TABLES: dict[str, Callable[[], str]] = {
    "modes": modes,
}
