"""Which table says how faithful rows under a condition are?"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from benchmarks.records import read_records
from benchmarks.tables.writing import (
    DATASETS,
    NONE,
    RESULTS,
    Record,
    markdown,
    short,
    spread,
)

PEERS = {"tabularargn": "TabularARGN", "ctgan": "CTGAN"}


def conditional() -> str:
    """Rows drawn under a condition, against the unseen real rows that satisfy it; other libraries beside."""
    records = read_records(RESULTS / "conditional.json")
    rows = []
    for dataset, title in DATASETS.items():
        for name in dict.fromkeys(r["condition"] for r in records if r["dataset"] == dataset):
            own = [r for r in records if (r["dataset"], r["condition"]) == (dataset, name)]
            ours, *others = (_made_by(method, own) for method in ("ganaug", *PEERS))
            scores = ("tree_c2st_unseen", "tree_c2st_unseen_unguided", "tree_c2st_real", "harder_auc_unseen")
            rows.append(
                [
                    title,
                    name,
                    str(round(statistics.fmean(r["n_unseen"] for r in ours))),
                    _least_share(ours),
                    *(spread([r.get(score) for r in ours], 2, short) for score in scores),
                    *(_beside(peer) for peer in others),
                ]
            )
    titles = ["", "condition", "unseen real rows", "satisfied by", "tree C2ST", "unguided", "two real sets"]
    return markdown([*titles, "harder judge's AUC", *PEERS.values()], rows)


def _made_by(method: str, records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record["method"] == method]


def _least_share(records: Sequence[Record]) -> str:
    return f"{100 * min(record['share_satisfying'] for record in records):.0f} %"


def _beside(records: Sequence[Record]) -> str:
    """A tree C2ST, and how many of the rows drawn satisfied the condition."""
    if not records:
        return NONE
    score = spread([record.get("tree_c2st_unseen") for record in records], 2, short)
    return f"{score} ({_least_share(records)})"


TABLES: dict[str, Callable[[], str]] = {
    "conditional": conditional,
}
