"""Which measurements belong together? A suite is one command, from nothing to README's tables.

``python -m benchmarks.run --suite tables`` fits ours, our baselines and other libraries on the same rows, one
after the other, lets the same judges score them (`benchmarks.fidelity`), and writes the tables.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks import fidelity, tables

PROTOCOLS = ("half", "papers")  # the headline first


def main(arguments: list[str] | None = None) -> int:
    """Measure a suite; 1 if a cell of it failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--suite", choices=list(SUITES), required=True)
    parser.add_argument("--quick", action="store_true", help="few rows, two tables, README left alone")
    parser.add_argument("--resume", action="store_true", help="leave alone what is there already")
    options, further = parser.parse_known_args(arguments)
    given = [*further, *(["--quick"] if options.quick else []), *([] if options.resume else ["--force"])]
    return SUITES[options.suite](given, options.quick)


def _tables(given: list[str], quick: bool) -> int:
    protocols = PROTOCOLS if "--protocols" not in given else (None,)
    chosen = [["--protocols", protocol] if protocol else [] for protocol in protocols]
    failed = [fidelity.main([*given, *protocol]) for protocol in chosen]
    return max(failed) or (0 if quick else tables.main([]))


SUITES = {"tables": _tables}

if __name__ == "__main__":
    sys.exit(main())
