"""Which tables does README show? Built from the results, between markers, never typed.

``python -m benchmarks.tables`` rewrites what stands between ``<!-- table:NAME -->`` and
``<!-- /table:NAME -->`` in README.md; ``--check`` only says whether it is up to date. Each file here has the
tables of one question, and `SECTIONS` lists them.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.records import ROOT
from benchmarks.tables import beside, conditional, costs, fidelity, images, imputation, modes, oversampling

SECTIONS = (beside, conditional, costs, fidelity, images, imputation, modes, oversampling)
TABLES: dict[str, Callable[[], str]] = {
    name: build for section in SECTIONS for name, build in section.TABLES.items()
}
MARKED = re.compile(r"(<!-- table:([\w-]+) -->\n).*?(<!-- /table:\2 -->)", re.DOTALL)


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
