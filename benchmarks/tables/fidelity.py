"""Which tables say how faithful rows are, and beside whom?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.records import read_records
from benchmarks.tables.writing import (
    ALL_DATASETS,
    DATASETS,
    RESULTS,
    Record,
    cost,
    footnote,
    learned,
    markdown,
    percent,
    score,
    short,
)

METHODS = {
    "oracle": "real rows",
    "ganaug": "**ganaug**",
    "tabularargn": "TabularARGN",
    "ganaug-matched": "**ganaug** in TabularARGN's time",
    "smote": "SMOTE",
    "bootstrap": "bootstrap",
    "independent": "independent columns",
}
PROTOCOLS = {"half": "unseen rows", "papers": "papers'"}

# Published: best tree C2ST; TabDiff's Shape and Trend error %; best train-on-synthetic (AUC; Beijing RMSE)
PUBLISHED = {
    "adult": (0.86, 0.63, 1.49, 0.916),
    "shoppers": (0.89, 1.28, 1.74, 0.921),
    "magic": (0.86, 0.78, 0.76, 0.937),
    "beijing": (0.77, 1.03, 2.59, 0.555),
    "default": (0.59, 1.24, 2.55, 0.763),
}


def unseen() -> str:
    """The headline: against rows that the generator has not seen."""
    records = _fidelity("half")
    rows = []
    for dataset, title in DATASETS.items():
        cells = {method: _select(records, dataset, "half", method) for method in METHODS}
        ours = cells["ganaug"]
        rows.append(
            [
                title,
                *(_pair(cells[m]) for m in ("oracle", "ganaug", "smote", "bootstrap", "independent")),
                score(ours, "dcr_share"),
                f"{percent(ours, 'copies')} ({percent(ours, 'copies_unseen')})",
                f"{learned(ours, 'quick')} ({learned(cells['oracle'], 'quick')})",
                cost(ours, "fit_cpu_seconds"),
                cost(ours, "n_iter"),
            ]
        )
    titles = ["AUC / tree C2ST", "two real halves", "**ganaug**", "SMOTE", "bootstrap", "independent columns"]
    titles += ["DCR share", "copies % (real)", "train-on-synthetic (real)", "fit CPU s", "epochs"]
    return markdown(titles, rows) + footnote(records)


def papers() -> str:
    """The papers' protocol, beside what they published."""
    records = _fidelity("papers")
    rows = []
    for dataset, title in DATASETS.items():
        ours = _select(records, dataset, "papers", "ganaug")
        real = _select(records, dataset, "papers", "oracle")
        best, shape, trend, best_learned = PUBLISHED[dataset]
        rows.append(
            [
                title,
                score(ours, "tree_c2st"),
                short(best),
                f"{percent(ours, 'shape_error')} ({shape})",
                f"{percent(ours, 'trend_error')} ({trend})",
                percent(ours, "trend_twin"),
                learned(ours, "grid"),
                learned(real, "grid"),
                short(best_learned, 3),
                cost(ours, "fit_cpu_seconds"),
            ]
        )
    titles = ["", "tree C2ST", "best published", "Shape error % (TabDiff's)", "Trend error % (TabDiff's)"]
    titles += ["its steadier twin %", "train-on-synthetic", "on real rows", "best published", "fit CPU s"]
    return markdown(titles, rows) + footnote(records)


def ends() -> str:
    """What real rows, copies, SMOTE and independent columns score: the scale that the rest is read on."""
    methods = ("oracle", "ganaug", "smote", "bootstrap", "independent")
    return _by_method(methods, tuple(DATASETS), costs=False)


def ablation() -> str:
    """Does the adversary help? One fit, drawn from with and without its parts, against unseen rows."""
    parts = {
        "ganaug-cascade": "cascade alone",
        "ganaug-raking": "+ raking",
        "ganaug-discriminator": "+ discriminator",
        "ganaug": "+ both (default)",
        "residual-unguided": "one-shot generator",
        "residual": "the same, guided",
    }
    records = [record for record in _fidelity("half") if record["method"] in parts]
    taken_apart = {record["dataset"] for record in records if record["method"] == "ganaug-cascade"}
    rows = []
    for dataset, title in ALL_DATASETS.items():
        for method, label in parts.items() if dataset in taken_apart else ():
            chosen = _select(records, dataset, "half", method)
            if not chosen and method.startswith("residual"):
                continue
            per_rows = [
                r | {"per_cpu_seconds": 1e4 * r["sample_cpu_seconds"] / r["n_synthetic"]} for r in chosen
            ]
            rows.append(
                [
                    title,
                    label,
                    score(chosen, "harder_auc", 3),
                    score(chosen, "tree_c2st"),
                    *(percent(chosen, name) for name in ("shape_error", "trend_error", "trend_twin")),
                    learned(chosen, "quick"),
                    score(chosen, "dcr_share"),
                    percent(chosen, "copies"),
                    score(chosen, "membership_auc", 3),
                    cost(chosen, "fit_cpu_seconds"),
                    cost(per_rows, "per_cpu_seconds"),
                ]
            )
    titles = ["", "", "AUC", "tree C2ST", "Shape %", "Trend %", "twin %", "train-on-synthetic", "DCR share"]
    titles += ["copies %", "membership attack's AUC", "fit CPU s", "CPU s per 10,000 rows"]
    return markdown(titles, rows) + footnote(records)


def peers() -> str:
    """Other libraries in the same run."""
    return _by_method(("ganaug", "ganaug-matched", "tabularargn"), ("adult", "magic"), costs=True)


def _by_method(methods: Sequence[str], datasets: Sequence[str], costs: bool) -> str:
    records = [record for record in _fidelity() if record["method"] in methods]
    rows = []
    for dataset in datasets:
        for protocol, judged in PROTOCOLS.items():
            for method in methods:
                chosen = _select(records, dataset, protocol, method)
                spent = ["fit_cpu_seconds", "sample_cpu_seconds", "fit_memory_mb"] if costs else []
                rows.append(
                    [
                        f"{DATASETS[dataset]}, {judged}",
                        METHODS[method],
                        *(cost(chosen, name) for name in spent),
                        score(chosen, "harder_auc", 3),
                        score(chosen, "tree_c2st"),
                        *(percent(chosen, name) for name in ("shape_error", "trend_error", "trend_twin")),
                        learned(chosen, "quick" if protocol == "half" else "grid"),
                        score(chosen, "dcr_share"),
                        percent(chosen, "copies"),
                    ]
                )
    titles = ["", "", *(["fit CPU s", "sample CPU s", "memory MB"] if costs else [])]
    titles += [
        "AUC",
        "tree C2ST",
        "Shape %",
        "Trend %",
        "twin %",
        "train-on-synthetic",
        "DCR share",
        "copies %",
    ]
    return markdown(titles, rows) + footnote(records)


def _fidelity(protocol: str | None = None) -> list[Record]:
    records = read_records(RESULTS / "fidelity.json")
    return [record for record in records if protocol in (None, record["protocol"])]


def _select(records: list[Record], dataset: str, protocol: str, method: str) -> list[Record]:
    wanted = (dataset, protocol, method)
    return [r for r in records if (r["dataset"], r["protocol"], r["method"]) == wanted]


def _pair(records: list[Record]) -> str:
    return f"{score(records, 'harder_auc', 3)} / {score(records, 'tree_c2st')}"


TABLES: dict[str, Callable[[], str]] = {
    "fidelity-unseen": unseen,
    "fidelity-papers": papers,
    "ablation": ablation,
    "ends": ends,
    "peers": peers,
}
