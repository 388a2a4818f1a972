"""Which table says how well gaps are filled?"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from benchmarks.records import read_records
from benchmarks.tables.writing import DATASETS, NONE, RESULTS, Record, markdown, short

METHODS = {"ganaug": "**ganaug**", "iterative": "iterative", "knn": "knn", "simple": "simple"}
_KEY = ("dataset", "share", "mechanism", "seed")


def imputation() -> str:
    """Each data set's mean over the ways in which cells were hidden, for each imputer."""
    records = _complete(read_records(RESULTS / "imputation.json"))
    titles = ["ganaug / iterative / knn / simple", "ways", "pinball loss", "categories wrong"]
    rows = []
    for dataset, title in {**DATASETS, None: "mean rank, 1 is best"}.items():
        own = [record for record in records if dataset in (None, record["dataset"])]
        if not own:
            continue
        show = _ranks if dataset is None else _means
        rows.append(
            [
                title,
                str(len({_key(record) for record in own})),
                *(show(own, name) for name in ("pinball", "category_error", "downstream")),
                *(
                    " / ".join(_mean(own, method, name, 2) for method in ("ganaug", "iterative"))
                    for name in ("coverage", "coverage_of_means")
                ),
            ]
        )
    return markdown(
        [
            *titles,
            "AUC learned (Beijing: error)",
            "cells in 90 % intervals: ganaug / iterative",
            "column means in them",
        ],
        rows,
    )


def _key(record: Record) -> tuple[object, ...]:
    return tuple(record[name] for name in _KEY)


def _complete(records: Sequence[Record]) -> list[Record]:
    """Of the ways in which cells were hidden, those that every imputer was measured on."""
    done = {m: {_key(record) for record in records if record["method"] == m} for m in METHODS}
    return [record for record in records if all(_key(record) in keys for keys in done.values())]


def _value(record: Record, name: str) -> float | None:
    scores = record["scores"]
    if name == "downstream":
        return scores.get("auc", scores.get("target_mae"))
    found: float | None = scores.get(name)
    return found


def _mean(records: Sequence[Record], method: str, name: str, decimals: int = 3) -> str:
    found = [_value(record, name) for record in records if record["method"] == method]
    values = [value for value in found if value is not None]
    return short(statistics.fmean(values), decimals) if values else NONE


def _means(records: Sequence[Record], name: str) -> str:
    return " / ".join(_mean(records, method, name) for method in METHODS)


def _ranks(records: Sequence[Record], name: str) -> str:
    """The mean rank of each imputer among all of them, over all ways."""
    ranks: dict[str, list[int]] = {method: [] for method in METHODS}
    for key in sorted({_key(record) for record in records}, key=str):
        own = {record["method"]: record for record in records if _key(record) == key}
        values = {method: _value(record, name) for method, record in own.items()}
        if any(value is None for value in values.values()):
            continue
        is_auc = name == "downstream" and "auc" in own["ganaug"]["scores"]
        order = sorted(METHODS, key=lambda method: (values[method] or 0.0) * (-1 if is_auc else 1))
        for method in METHODS:
            ranks[method].append(order.index(method) + 1)
    return " / ".join(short(statistics.fmean(found), 1) if found else NONE for found in ranks.values())


TABLES: dict[str, Callable[[], str]] = {"imputation": imputation}
