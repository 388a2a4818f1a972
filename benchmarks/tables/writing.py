"""How do the tables write what was measured: seeds together, few digits, Markdown."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.records import ROOT

RESULTS = ROOT / "benchmarks" / "results"
DATASETS = {
    "adult": "Adult",
    "shoppers": "Shoppers",
    "magic": "Magic",
    "beijing": "Beijing",
    "default": "Default",
}
ALL_DATASETS = DATASETS | {
    "telco": "Telco",
    "king_county": "King County",
    "california": "California",
    "wine": "Wine",
    "german": "German",
}
NONE = "–"

Record = dict[str, Any]


def markdown(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table, its titles first."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def score(records: list[Record], name: str, decimals: int = 2) -> str:
    """A score over the seeds, without the leading zero."""
    return spread([record["scores"].get(name) for record in records], decimals, short)


def percent(records: list[Record], name: str) -> str:
    """A score that is a share, in percent."""
    values = [record["scores"].get(name) for record in records]
    return spread([None if v is None else 100 * v for v in values], 2, lambda v, d: f"{v:.{d}f}")


def cost(records: list[Record], name: str) -> str:
    """Seconds, megabytes or counts; of CPU seconds those of the quietest run, for neighbours inflate them."""

    def show(value: float, decimals: int) -> str:
        return f"{value:.1f}" if value < 10 else f"{value:.0f}"

    if name.endswith("cpu_seconds"):
        records = sorted(records, key=lambda record: record["environment"].get("load") or math.inf)[:1]
    return spread([record.get(name) for record in records], 0, show)


def learned(records: list[Record], learner: str) -> str:
    """AUC of a class; of a number R2 by the quick learner, RMSE by the papers' grid, as they publish."""
    number = "r2" if learner == "quick" else "rmse"
    for name in (f"{learner}_auc", f"{learner}_{number}"):
        if (text := score(records, name, 3)) != NONE:
            return text
    return NONE


def spread(values: list[float | None], decimals: int, show: Callable[[float, int], str]) -> str:
    """Mean over the seeds, and their standard deviation where it shows."""
    present = [value for value in values if value is not None]
    if not present:
        return NONE
    mean = show(statistics.fmean(present), decimals)
    if len(present) == 1:
        return mean
    deviation = show(statistics.stdev(present), decimals)
    return f"{mean} ± {deviation}" if float(deviation) else mean


def short(value: float, decimals: int = 2) -> str:
    """Without the leading zero: .93"""
    return f"{value:.{decimals}f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.{decimals}f}"


def footnote(records: list[Record]) -> str:
    """Under a table: how many seeds, which machine, versions and day."""
    if not records:
        return "\n\nNot measured yet."
    last = max((record["environment"] for record in records), key=lambda e: str(e["date"]))
    seeds = {record["seed"] for record in records if record["method"] in ("ganaug", "relativistic")}
    known = last["versions"] | {k: v for r in records for k, v in r.get("peer_versions", {}).items()}
    names = ("sdmetrics", "xgboost", "torch", "mostlyai-engine", "ctgan", "sdv", "arfpy")
    versions = ", ".join(f"{name} {known[name]}" for name in names if name in known)
    said = [f"mean ± standard deviation of {len(seeds)} seeds"] if len(seeds) > 1 else []
    said += [f"CPU seconds of the quietest run, one thread of {last['cpu']}", versions, last["date"][:10]]
    return f"\n\n<sub>{'; '.join(said)}.</sub>"
