"""Which table says how faithful rows under a condition are?"""

from __future__ import annotations

import statistics
from collections.abc import Callable

from benchmarks.records import read_records
from benchmarks.tables.writing import (
    DATASETS,
    RESULTS,
    markdown,
    short,
    spread,
)


def conditional() -> str:
    """Rows drawn under a condition, against the unseen real rows that satisfy it."""
    records = read_records(RESULTS / "conditional.json")
    rows = []
    for dataset, title in DATASETS.items():
        for name in dict.fromkeys(r["condition"] for r in records if r["dataset"] == dataset):
            own = [r for r in records if (r["dataset"], r["condition"]) == (dataset, name)]
            scores = ("tree_c2st_unseen", "tree_c2st_unseen_unguided", "tree_c2st_real", "harder_auc_unseen")
            rows.append(
                [
                    title,
                    name,
                    str(round(statistics.fmean(r["n_unseen"] for r in own))),
                    f"{100 * min(r['share_satisfying'] for r in own):.0f} %",
                    *(spread([r.get(score) for r in own], 2, short) for score in scores),
                ]
            )
    titles = ["", "condition", "unseen real rows", "satisfied by", "tree C2ST", "unguided", "two real sets"]
    return markdown([*titles, "harder judge's AUC"], rows)


TABLES: dict[str, Callable[[], str]] = {
    "conditional": conditional,
}
