"""Who is first, on which data, and at what cost? Ours, our baselines and other libraries side by side."""

from __future__ import annotations

import statistics
from collections.abc import Callable

from benchmarks.records import read_records
from benchmarks.tables.writing import (
    ALL_DATASETS,
    NONE,
    RESULTS,
    Record,
    cost,
    footnote,
    learned,
    markdown,
    score,
    short,
)

METHODS = {
    "ganaug": "**ganaug**",
    "tabularargn": "TabularARGN",
    "tvae": "TVAE",
    "ctgan": "CTGAN",
    "gaussian-copula": "GaussianCopula",
    "arf": "arf",
    "rnn": "RNN",
    "vae": "VAE",
    "autoencoder": "Autoencoder",
    "smote": "SMOTE",
    "bootstrap": "bootstrap",
    "independent": "independent columns",
    "oracle": "real rows",
}
COSTS = ("fit_cpu_seconds", "sample_cpu_seconds", "fit_memory_mb")
Cell = Callable[[list[Record]], str]


def fidelity() -> str:
    """The harder judge's AUC and tree C2ST on unseen rows, and who is first."""
    return _by_method(_fidelity, last=_first)


def costs() -> str:
    """CPU seconds of fit and of sampling, and memory."""
    return _by_method(lambda own: " / ".join(cost(own, name) for name in COSTS), skipped=("oracle",))


def use_and_privacy() -> str:
    """What a classifier learns from the rows, and what an attacker does."""

    def shown(own: list[Record]) -> str:
        return " / ".join([learned(own, "quick"), score(own, "dcr_share"), score(own, "membership_auc")])

    return _by_method(shown)


def _by_method(
    shown: Cell, last: Callable[[list[Record], str], str] | None = None, skipped: tuple[str, ...] = ()
) -> str:
    """A row for each method that was measured, a column for each data set that was."""
    records = [
        record
        for record in read_records(RESULTS / "fidelity.json")
        if record["protocol"] == "half" and record["method"] in METHODS
    ]
    datasets = [name for name in ALL_DATASETS if any(record["dataset"] == name for record in records)]
    rows = []
    for method, title in METHODS.items():
        own = [record for record in records if record["method"] == method]
        if own and method not in skipped:
            cells = [[record for record in own if record["dataset"] == dataset] for dataset in datasets]
            rows.append([title, *(shown(cell) if cell else NONE for cell in cells)])
    if last is not None:
        rows.append(["is ganaug first?", *(last(records, dataset) for dataset in datasets)])
    return markdown(["", *(ALL_DATASETS[name] for name in datasets)], rows) + footnote(records)


def _fidelity(own: list[Record]) -> str:
    return f"{score(own, 'harder_auc', 3)} / {score(own, 'tree_c2st')}"


def _first(records: list[Record], dataset: str) -> str:
    """Yes, or who is nearer to .5 on a data set; nothing where there is nobody to compare with."""
    found: dict[str, list[float]] = {}
    for record in records:
        if record["dataset"] == dataset and record["method"] != "oracle":
            found.setdefault(record["method"], []).append(record["scores"]["harder_auc"])
    means = {method: statistics.fmean(values) for method, values in found.items()}
    if "ganaug" not in means or len(means) < 2:
        return NONE
    best = min(means, key=lambda method: abs(means[method] - 0.5))
    return "yes" if best == "ganaug" else f"no: {METHODS[best]} {short(means[best], 3)}"


TABLES: dict[str, Callable[[], str]] = {
    "beside": fidelity,
    "beside-costs": costs,
    "beside-use": use_and_privacy,
}
