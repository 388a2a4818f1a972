"""Which tables say whether rows for a rare class help?"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

from scipy.stats import wilcoxon

from benchmarks.imbalanced import names
from benchmarks.records import read_records
from benchmarks.tables.writing import NONE, RESULTS, Record, markdown, short

METHODS = {
    "nothing": "nothing",
    "tuned threshold": "nothing, tuned threshold",
    "class weight": "class weight",
    "random": "random",
    "smoothed bootstrap": "smoothed bootstrap",
    "SMOTE": "SMOTE / SMOTENC",
    "ganaug": "**ganaug**",
    "ganaug, realism": '**ganaug**, filter="realism"',
    "ganaug, auto": '**ganaug**, balance="auto"',
}
LEARNERS = ("logistic regression", "random forest", "boosted trees")
BINS = (("< 30", 0, 30), ("30–100", 30, 100), ("100–500", 100, 500), ("> 500", 500, 10**9))
MEASURES = {
    "auc": "AUC",
    "brier": "Brier",
    "f1": "F1",
    "balanced_accuracy": "balanced accuracy",
}
ADULT = "adult-tenth"
_FEWEST_TO_CONCLUDE = 30


def tasks() -> dict[str, list[Record]]:
    """The records of each task, one per repetition; Adult's are apart."""
    found: dict[str, list[Record]] = {}
    for record in read_records(RESULTS / "oversampling.json"):
        if record["task"] != ADULT:
            found.setdefault(record["task"], []).append(record)
    return found


def value(records: list[Record], learner: str, method: str, measure: str) -> float:
    """Mean over the repetitions of a task."""
    return statistics.fmean(record["scores"][learner][method][measure] for record in records)


def gains_of(own: list[list[Record]], learner: str, method: str, over: str) -> list[float]:
    """What a method gains over another in average precision, for each task."""
    parts = [[value(r, learner, m, "average_precision") for m in (method, over)] for r in own]
    return [first - second for first, second in parts]


def average_precision() -> str:
    """Average precision: the mean over tasks, and how often each is above nothing."""
    own = list(tasks().values())
    if not own:
        return "Not measured yet."
    rows = []
    for method, title in METHODS.items():
        row = [title]
        for learner in LEARNERS:
            mean = statistics.fmean(value(r, learner, method, "average_precision") for r in own)
            gains = gains_of(own, learner, method, "nothing")
            row.append(f"{short(mean, 3)}{_against(gains)}")
        rows.append(row)
    table = markdown(["average precision (tasks above / below nothing; p)", *LEARNERS], rows)
    return table + _footnote(own)


def _against(gains: list[float]) -> str:
    if not any(gains):
        return ""
    above, below = sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)
    return f" ({above} / {below}; {short(float(wilcoxon(gains).pvalue), 2)})"


def measures() -> str:
    """The other measures, means over tasks and learners."""
    own = list(tasks().values())
    rows = []
    for method, title in METHODS.items():
        means = [
            statistics.fmean(value(r, learner, method, measure) for r in own for learner in LEARNERS)
            for measure in MEASURES
        ]
        rows.append([title, *(short(mean, 3) for mean in means)])
    return markdown(["", *MEASURES.values()], rows) if own else "Not measured yet."


def kinds() -> str:
    """Gain in average precision over nothing by the number of rare rows, and of tables with categories."""
    own = list(tasks().values())
    groups: dict[str, list[list[Record]]] = {
        f"{name} rare rows in a fit": [r for r in own if low <= r[0]["n_rare"] / 2 < high]
        for name, low, high in BINS
    }
    groups["numbers alone"] = [r for r in own if not r[0]["is_mixed"]]
    groups["with categories"] = [r for r in own if r[0]["is_mixed"]]
    rows = []
    for name, chosen in groups.items():
        row = [name, str(len(chosen))]
        for method in ("SMOTE", "ganaug", "ganaug, auto"):
            for learner in LEARNERS:
                gains = gains_of(chosen, learner, method, "nothing")
                row.append(f"{statistics.fmean(gains):+.3f}" if gains else NONE)
        rows.append(row)
    columns = [
        f"{method}, {short_name}"
        for method in ("SMOTE", "ganaug", "auto")
        for short_name in ("LR", "RF", "trees")
    ]
    return markdown(["gain over nothing", "tasks", *columns], rows)


def losses() -> str:
    """Where ours is below SMOTE, or the choice below nothing, by more than .02 for any learner."""
    lines = []
    for name, records in sorted(tasks().items()):
        found = []
        for learner in LEARNERS:
            for method, over in (("ganaug", "SMOTE"), ("ganaug, auto", "nothing")):
                (gain,) = gains_of([records], learner, method, over)
                if gain < -0.02:
                    what = "rows against SMOTE" if over == "SMOTE" else "auto against nothing"
                    found.append(f"{learner} {gain:+.3f} ({what})")
        if found:
            lines.append(f"{name}: {', '.join(found)}")
    return "Losses of more than .02: " + "; ".join(lines) + "." if lines else "No loss of more than .02."


def adult() -> str:
    """Adult with a tenth of its rare class: boosted trees, by seed."""
    records = [r for r in read_records(RESULTS / "oversampling.json") if r["task"] == ADULT]
    records.sort(key=lambda record: int(record["seed"]))
    if not records:
        return "Not measured yet."
    rows = []
    for method in records[0]["scores"]["boosted trees"]:
        found: list[dict[str, Any]] = [r["scores"]["boosted trees"][method] for r in records]
        row = [METHODS[method], *(short(scores["average_precision"], 3) for scores in found)]
        rows.append([*row, short(statistics.fmean(s["balanced_accuracy"] for s in found), 3)])
    titles = [f"average precision, seed {record['seed']}" for record in records]
    return markdown(["", *titles, "balanced accuracy"], rows)


def _footnote(own: list[list[Record]]) -> str:
    every = [record for records in own for record in records]
    last, n, n_all = every[-1], len(own), len(names())
    rows = f"{n} tasks of at most {last['most_rows']:,} rows, {last['n_folds']}-fold cross-validation"
    seeds = f"{len({record['seed'] for record in every})} repetition(s)"
    so_far = f"; {n} of {n_all} tasks measured so far" if n < n_all else ""
    so_far += ", too few to conclude from" if n < _FEWEST_TO_CONCLUDE else ""
    day = last["environment"]["date"][:10]
    return f"\n\n<sub>{rows}, {seeds}{so_far}; Wilcoxon's p over tasks; {day}.</sub>"


TABLES: dict[str, Callable[[], str]] = {
    "oversampling": average_precision,
    "oversampling-measures": measures,
    "oversampling-kinds": kinds,
    "oversampling-losses": losses,
    "oversampling-adult": adult,
}
