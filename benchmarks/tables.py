"""Which tables does README show? Built from the results, between markers, never typed.

``python -m benchmarks.tables`` rewrites what stands between ``<!-- table:NAME -->`` and
``<!-- /table:NAME -->`` in README.md; ``--check`` only says whether it is up to date.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.growth import MOST_FITTED_COLUMNS, PARTS, exponents_of_columns, per_row, select
from benchmarks.records import ROOT, read_records

RESULTS = ROOT / "benchmarks" / "results"
DATASETS = {
    "adult": "Adult",
    "shoppers": "Shoppers",
    "magic": "Magic",
    "beijing": "Beijing",
    "default": "Default",
}
METHODS = {
    "oracle": "real rows",
    "ganaug": "**ganaug**",
    "tabularargn": "TabularARGN",
    "ganaug-matched": "**ganaug** in TabularARGN's time",
    "smote": "SMOTE",
    "bootstrap": "bootstrap",
    "independent": "independent columns",
}
MODES_TASKS = {"ring": "ring of 8", "grid": "grid of 25", "stacked": "stacked digits, of 1,000"}
MODES_METHODS = {
    "vanilla": "vanilla",
    "wgan_gp": "WGAN-GP",
    "relativistic": "relativistic + R1 + R2",
    "cascade": "cascade, by likelihood",
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
MARKED = re.compile(r"(<!-- table:([\w-]+) -->\n).*?(<!-- /table:\2 -->)", re.DOTALL)
NONE = "–"

Record = dict[str, Any]


def main(arguments: list[str] | None = None) -> int:
    """Write README's tables, or with ``--check`` tell by the exit status whether they are up to date."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables", description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--readme", type=Path, default=ROOT / "README.md")
    parser.add_argument("--print", metavar="NAME", choices=list(TABLES), help="show one table only")
    options = parser.parse_args(arguments)
    if options.print:
        print(TABLES[options.print]())
        return 0
    text = options.readme.read_text(encoding="utf-8")
    new = fill(text)
    if options.check:
        if new != text:
            print(f"{options.readme.name} is out of date: run python -m benchmarks.tables", file=sys.stderr)
        return int(new != text)
    options.readme.write_text(new, encoding="utf-8")
    return 0


def fill(text: str) -> str:
    """The text with every marked table built anew.

    Raises
    ------
    KeyError
        A marker names a table that there isn't.
    """
    return MARKED.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}\n{found[3]}", text)


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
                _score(ours, "dcr_share"),
                f"{_percent(ours, 'copies')} ({_percent(ours, 'copies_unseen')})",
                f"{_learned(ours, 'quick')} ({_learned(cells['oracle'], 'quick')})",
                _cost(ours, "fit_cpu_seconds"),
                _cost(ours, "n_iter"),
            ]
        )
    titles = ["AUC / tree C2ST", "two real halves", "**ganaug**", "SMOTE", "bootstrap", "independent columns"]
    titles += ["DCR share", "copies % (real)", "train-on-synthetic (real)", "fit CPU s", "epochs"]
    return _markdown(titles, rows) + _footnote(records)


def papers() -> str:
    """The papers' protocol, beside what they published."""
    records = _fidelity("papers")
    rows = []
    for dataset, title in DATASETS.items():
        ours = _select(records, dataset, "papers", "ganaug")
        real = _select(records, dataset, "papers", "oracle")
        best, shape, trend, learned = PUBLISHED[dataset]
        rows.append(
            [
                title,
                _score(ours, "tree_c2st"),
                _short(best),
                f"{_percent(ours, 'shape_error')} ({shape})",
                f"{_percent(ours, 'trend_error')} ({trend})",
                _percent(ours, "trend_twin"),
                _learned(ours, "grid"),
                _learned(real, "grid"),
                _short(learned, 3),
                _cost(ours, "fit_cpu_seconds"),
            ]
        )
    titles = ["", "tree C2ST", "best published", "Shape error % (TabDiff's)", "Trend error % (TabDiff's)"]
    titles += ["its steadier twin %", "train-on-synthetic", "on real rows", "best published", "fit CPU s"]
    return _markdown(titles, rows) + _footnote(records)


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
    }
    records = [record for record in _fidelity("half") if record["method"] in parts]
    rows = []
    for dataset, title in DATASETS.items():
        for method, label in parts.items():
            chosen = _select(records, dataset, "half", method)
            rows.append(
                [
                    title,
                    label,
                    _score(chosen, "harder_auc", 3),
                    _score(chosen, "tree_c2st"),
                    *(_percent(chosen, name) for name in ("shape_error", "trend_error", "trend_twin")),
                    _learned(chosen, "quick"),
                    _score(chosen, "dcr_share"),
                    _percent(chosen, "copies"),
                    _cost(chosen, "sample_cpu_seconds"),
                ]
            )
    titles = ["", "", "AUC", "tree C2ST", "Shape %", "Trend %", "twin %", "train-on-synthetic", "DCR share"]
    return _markdown([*titles, "copies %", "sample CPU s"], rows) + _footnote(records)


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
                    *(_spread([r.get(score) for r in own], 2, _short) for score in scores),
                ]
            )
    titles = ["", "condition", "unseen real rows", "satisfied by", "tree C2ST", "unguided", "two real sets"]
    return _markdown([*titles, "harder judge's AUC"], rows)


def peers() -> str:
    """Other libraries in the same run."""
    return _by_method(("ganaug", "ganaug-matched", "tabularargn"), ("adult", "magic"), costs=True)


def speed() -> str:
    """The figures of ``speed.json``: flat records, one row each, with their keys as titles."""
    path = RESULTS / "speed.json"
    records = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    if not records:
        return "Not measured yet."
    titles = [key for key, value in records[0].items() if not isinstance(value, dict)]
    return _markdown(
        [title.replace("_", " ") for title in titles],
        [[str(record.get(title, NONE)) for title in titles] for record in records],
    )


def modes() -> str:
    """Modes found and share of good samples, beside what the VEEGAN paper publishes."""
    records = read_records(RESULTS / "modes.json")
    rows = [
        ["published: GAN", "1 / 99", "3.3 / 0.5", "99 / –"]
    ]  # Srivastava et al., NeurIPS 2017, tables 1, 2
    rows.append(["published: VEEGAN", "8 / 53", "24.6 / 40", "150 / –"])
    for method, title in MODES_METHODS.items():
        cells = [[r for r in records if (r["task"], r["method"]) == (task, method)] for task in MODES_TASKS]
        seconds = [record["cpu_seconds"] for cell in cells for record in cell]
        cost = f"{statistics.fmean(seconds):.0f}" if seconds else NONE
        rows.append([title, *(_found(cell) for cell in cells), cost])
    titles = ["modes / good %", *MODES_TASKS.values(), "CPU s a fit"]
    return _markdown(titles, [row + [NONE] * (len(titles) - len(row)) for row in rows]) + _footnote(records)


def scaling() -> str:
    """Cost per row by rows and by columns, rows streamed to a file, and a large table as it comes."""
    records = [record | {"method": ""} for record in read_records(RESULTS / "scaling.json")]
    made = {"rows": _by_rows, "columns": _by_columns, "write": _by_written, "flights": _by_flights}
    parts = [(name, select(records, name)) for name in made]
    tables = [made[name](found) for name, found in parts if found]
    return "\n\n".join(tables) + _footnote(records)


def _by_rows(records: list[Record]) -> str:
    memory = {"encode": "codec", "train": "fit", "discriminator": "discriminator", "sample": "drawing"}
    rows = [
        [f"{record['size']:,}", *(f"{cost:.1f}" for cost in per_row(record).values())]
        + [_cost([record], f"{part}_memory_mb") for part in memory]
        for record in records
    ]
    titles = ["rows (15 columns)", *(f"{title}, CPU µs a row" for title in PARTS.values())]
    return _markdown([*titles, *(f"{title}, MB" for title in memory.values())], rows)


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
    return _markdown(titles, rows)


def _by_written(records: list[Record]) -> str:
    rows = [
        [f"{r['size']:,}", f"{r['peak_mb']:.0f}", f"{r['size'] / r['cpu_seconds']:,.0f}"] for r in records
    ]
    return _markdown(["rows written by `ganaug sample`", "peak, MB", "rows a CPU second"], rows)


def _by_flights(records: list[Record]) -> str:
    rows = [[f"{record['size']:,} x {record['n_columns']}", *_of_flights(record)] for record in records]
    titles = ["nycflights13", "fit, CPU min", "steps", "fit, peak MB", "tree C2ST", "rows a CPU second"]
    return _markdown(titles, rows)


def _of_flights(record: Record) -> list[str]:
    costs = [
        f"{record['fit_cpu_seconds'] / 60:.1f}",
        f"{record['n_steps']:,}",
        f"{record['fit_peak_mb']:.0f}",
    ]
    return [*costs, _short(record["tree_c2st"]), f"{record['rows_per_cpu_second']:,.0f}"]


def _found(records: list[Record]) -> str:
    found = _spread(
        [float(record["modes"]) for record in records], 1, lambda v, d: f"{v:.{d}f}".rstrip("0").rstrip(".")
    )
    good = _spread([100 * record["good"] for record in records], 0, lambda v, d: f"{v:.{d}f}")
    return NONE if not records else f"{found} / {good}"


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
                        *(_cost(chosen, name) for name in spent),
                        _score(chosen, "harder_auc", 3),
                        _score(chosen, "tree_c2st"),
                        *(_percent(chosen, name) for name in ("shape_error", "trend_error", "trend_twin")),
                        _learned(chosen, "quick" if protocol == "half" else "grid"),
                        _score(chosen, "dcr_share"),
                        _percent(chosen, "copies"),
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
    return _markdown(titles, rows) + _footnote(records)


TABLES: dict[str, Callable[[], str]] = {
    "fidelity-unseen": unseen,
    "fidelity-papers": papers,
    "ablation": ablation,
    "conditional": conditional,
    "ends": ends,
    "peers": peers,
    "speed": speed,
    "modes": modes,
    "scaling": scaling,
}


def _fidelity(protocol: str | None = None) -> list[Record]:
    records = read_records(RESULTS / "fidelity.json")
    return [record for record in records if protocol in (None, record["protocol"])]


def _select(records: list[Record], dataset: str, protocol: str, method: str) -> list[Record]:
    wanted = (dataset, protocol, method)
    return [r for r in records if (r["dataset"], r["protocol"], r["method"]) == wanted]


def _pair(records: list[Record]) -> str:
    return f"{_score(records, 'harder_auc', 3)} / {_score(records, 'tree_c2st')}"


def _score(records: list[Record], name: str, decimals: int = 2) -> str:
    return _spread([record["scores"].get(name) for record in records], decimals, _short)


def _percent(records: list[Record], name: str) -> str:
    values = [record["scores"].get(name) for record in records]
    return _spread([None if v is None else 100 * v for v in values], 2, lambda v, d: f"{v:.{d}f}")


def _learned(records: list[Record], learner: str) -> str:
    """AUC of a class; of a number R2 by the quick learner, RMSE by the papers' grid, as they publish."""
    number = "r2" if learner == "quick" else "rmse"
    for name in (f"{learner}_auc", f"{learner}_{number}"):
        if (text := _score(records, name, 3)) != NONE:
            return text
    return NONE


def _cost(records: list[Record], name: str) -> str:
    def show(value: float, decimals: int) -> str:
        return f"{value:.1f}" if value < 10 else f"{value:.0f}"

    return _spread([record.get(name) for record in records], 0, show)


def _spread(values: list[float | None], decimals: int, show: Callable[[float, int], str]) -> str:
    """Mean over the seeds, and their standard deviation where it shows."""
    present = [value for value in values if value is not None]
    if not present:
        return NONE
    mean = show(statistics.fmean(present), decimals)
    if len(present) == 1:
        return mean
    deviation = show(statistics.stdev(present), decimals)
    return f"{mean} ± {deviation}" if float(deviation) else mean


def _short(value: float, decimals: int = 2) -> str:
    """Without the leading zero: .93"""
    return f"{value:.{decimals}f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.{decimals}f}"


def _markdown(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _footnote(records: list[Record]) -> str:
    if not records:
        return "\n\nNot measured yet."
    last = max((record["environment"] for record in records), key=lambda e: str(e["date"]))
    seeds = {record["seed"] for record in records if record["method"] in ("ganaug", "relativistic")}
    known = last["versions"] | {k: v for r in records for k, v in r.get("peer_versions", {}).items()}
    names = ("sdmetrics", "xgboost", "torch", "mostlyai-engine")
    versions = ", ".join(f"{name} {known[name]}" for name in names if name in known)
    spread = f"mean ± standard deviation of {len(seeds)} seeds; " if len(seeds) > 1 else ""
    return f"\n\n<sub>{spread}one thread of {last['cpu']}; {versions}; {last['date'][:10]}.</sub>"


if __name__ == "__main__":
    sys.exit(main())
