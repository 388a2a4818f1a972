"""Finding columns that others determine, where it was put to the test so often that it is no accident."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ganaug._util.cells import read_ticks
from ganaug.tabular.bounds import Bound, find_bounds
from ganaug.tabular.columns import COLUMN_CODECS, CategoryCodec, ColumnCodec, DatetimeCodec, TextCodec
from ganaug.tabular.columns.base import FloatArray
from ganaug.tabular.dates import OF_DAY, OF_SECOND, DatePart, view_of
from ganaug.tabular.lookups import Flat, Lookup, Pairing, is_pairing, pairs_of_rows
from ganaug.tabular.products import Product, find_products
from ganaug.tabular.relations import Relations, Twin, flat_codes, has_flat, n_codes
from ganaug.tabular.sums import Sum, find_sums

SCREENED_ROWS = 2_000  # in which most pairs of columns are already seen to be unrelated
ROWS_PER_CODE = 3  # of the column that determines, on average
EVIDENCE = 30.0  # nats: how improbable an accident must be


def find_relations(
    table: pd.DataFrame,
    codecs: Sequence[ColumnCodec],
    weights: FloatArray | None,
    is_open: Sequence[bool],
) -> tuple[Relations, tuple[ColumnCodec, ...]]:
    """Relations of the open columns, in every row that counts, and the codecs, those of twins made alike."""
    counts = np.ones(len(table), dtype=bool) if weights is None else weights > 0
    table = table if counts.all() else table[counts]
    flats = [
        flat_codes(codec, codec.encode(table.iloc[:, at], unseen="mark"))
        if has_flat(codec) and is_open[at]
        else None
        for at, codec in enumerate(codecs)
    ]
    twins, made = find_twins(table, codecs, flats, is_open)
    children = {twin.child for twin in twins}
    whole = [at for at, flat in enumerate(flats) if flat is not None]
    whole = [at for at in whole if not getattr(codecs[at], "has_rare", False)]
    products = find_products(table, whole, children)
    made_of_others = children | {entry.members[0] for entry in products}  # they tell what they are made of
    lookups = find_lookups(codecs, [None if at in made_of_others else flat for at, flat in enumerate(flats)])
    for at, own in enumerate(made):
        if own is not codecs[at] and has_flat(own):  # its levels are in another order now
            flats[at] = flat_codes(own, own.encode(table.iloc[:, at], unseen="mark"))
    dates = find_dates(table, made, flats, is_open)
    told = {part.child for part in dates} | {entry.child for entry in lookups}
    sums = find_sums(table, [at for at in whole if at not in told | children])
    single = [
        at
        for at, codec in enumerate(made)
        if is_open[at] and at not in children and (isinstance(codec, DatetimeCodec) or has_flat(codec))
    ]
    found_bounds = find_bounds(table, made, single)
    bounds = [each for each in found_bounds if not _is_settled(each, sums, products, [*lookups, *dates])]
    found = tuple(twins), tuple(lookups), tuple(sums), tuple(dates), tuple(products), tuple(bounds)
    return Relations(*found), made


def _is_settled(
    bound: Bound,
    sums: Sequence[Sum],
    products: Sequence[Product],
    told: Sequence[Lookup | Pairing | DatePart],
) -> bool:
    """Whether other relations see to it: of two or three numbers, or of columns that one column tells."""
    members = [set(at) for at in (*(s.members for s in sums), *(p.members for p in products)) if len(at) <= 3]
    if any({bound.low, bound.high} <= own for own in members):
        return True
    parents = {entry.child: entry.parent for entry in told if not isinstance(entry, Pairing)}
    roots = []
    for at in (bound.low, bound.high):
        while at in parents:
            at = parents[at]
        roots.append(at)
    return roots[0] == roots[1]


def find_twins(
    table: pd.DataFrame,
    codecs: Sequence[ColumnCodec],
    flats: Sequence[Flat | None],
    is_open: Sequence[bool],
) -> tuple[list[Twin], tuple[ColumnCodec, ...]]:
    """Twins, each with the first column that it is one of, and the codecs, those of twins made alike."""
    twins: list[Twin] = []
    made = list(codecs)
    seen: dict[Any, int] = {}
    for at, codec in enumerate(codecs):
        flat = flats[at]
        is_constant = flat is not None and _n_used(flat) < 2
        if is_constant or not is_open[at] or not isinstance(codec, COLUMN_CODECS):
            continue
        values = _digest(_hashes(table.iloc[:, at]))
        root = seen.setdefault((type(codec), str(codec.dtype), getattr(codec, "missing", None), values), at)
        if root != at:
            twins.append(Twin(root, at, is_same=True))
            made[at] = _renamed(made[root], table.columns[at])
        elif isinstance(codec, CategoryCodec) and flat is not None and (flat >= 0).all():
            root = seen.setdefault((_digest(pd.factorize(flat)[0]), _digest(flat == len(codec.levels))), at)
            other = made[root]
            if root != at and isinstance(other, CategoryCodec) and evidence(flat, flat) > EVIDENCE:
                codes = flat_codes(other, other.encode(table.iloc[:, root], unseen="mark"))
                twins.append(Twin(root, at, is_same=False))
                made[at] = _in_order(codec, flat, codes)
    return twins, tuple(made)


def _renamed(codec: Any, name: Any) -> ColumnCodec:
    changes: dict[str, Any] = {"name": name}
    if isinstance(codec, TextCodec):
        changes["values"] = replace(codec.values, name=name)
    return replace(codec, **changes)


def _in_order(codec: CategoryCodec, flat: Flat, codes: Flat) -> CategoryCodec:
    """A codec whose levels, now ``flat``, get the given codes."""
    order = np.empty(len(codec.levels), dtype=np.int64)
    present = flat < len(codec.levels)
    order[codes[present]] = flat[present]
    return codec.reordered(order)


def find_lookups(codecs: Sequence[ColumnCodec], flats: Sequence[Flat | None]) -> list[Lookup | Pairing]:
    """For each column that others (nearly) determine, from the one of them with the fewest codes."""
    n_used = {at: _n_used(flat) for at, flat in enumerate(flats) if flat is not None}
    known = [at for at, number in n_used.items() if number > 1]
    parents = [at for at in sorted(known, key=lambda at: n_used[at]) if _is_seen_often(n_used[at], flats[at])]
    best: dict[int, tuple[int, bool]] = {}
    for is_exact, parent in ((is_exact, parent) for is_exact in (True, False) for parent in parents):
        flat = _some(flats[parent])
        open_ones = [at for at in known if at not in best and n_used[at] < n_used[parent]]
        find = _determined if is_exact else _nearly_determined
        for child in find(flat, [_some(flats[at]) for at in open_ones]):
            best[open_ones[child]] = parent, is_exact
    found: list[Lookup | Pairing] = []
    for child, (parent, is_exact) in sorted(best.items(), key=lambda pair: -n_used[pair[1][0]]):
        rows = _some(flats[parent]), _some(flats[child])
        size = n_codes(codecs[parent])
        make = Lookup.fit(parent, child, *rows, size) if is_exact else Pairing.fit(parent, child, *rows)
        found.append(make)
    return found


def find_dates(
    table: pd.DataFrame,
    codecs: Sequence[ColumnCodec],
    flats: Sequence[Flat | None],
    is_open: Sequence[bool],
) -> list[DatePart]:
    """For each column that a date tells, by that of its year, month, ... which has the fewest values."""
    clocks = {
        at: codec.clock(table.iloc[:, at])
        for at, codec in enumerate(codecs)
        if isinstance(codec, DatetimeCodec) and codec.has_days and is_open[at]
    }
    if not clocks:
        return []
    known = {
        at: flat
        for at, flat in enumerate(flats)
        if flat is not None and not getattr(codecs[at], "has_rare", False) and _n_used(flat) > 1
    }
    n_used = {at: _n_used(flat) for at, flat in known.items()}
    found: dict[int, DatePart] = {}
    for parent, clock in clocks.items():
        views = {
            view: np.where(clock.gaps, -1, np.unique(view_of(clock, view), return_inverse=True)[1])
            for view in (*OF_DAY, *OF_SECOND)
        }
        n_values = {view: _n_used(keys) for view, keys in views.items()}
        for view in sorted(views, key=lambda view: n_values[view]):
            keys = views[view]
            left = [at for at in known if at not in found and n_used[at] <= n_values[view]]
            if _is_seen_often(n_values[view], keys):
                for place in _determined(keys, [known[at] for at in left]):
                    child = left[place]
                    found[child] = DatePart.fit(parent, child, view, clock, known[child])
    return [found[child] for child in sorted(found)]


def _is_seen_often(n_used: int, flat: Flat | None) -> bool:
    return n_used * ROWS_PER_CODE <= len(_some(flat))


def _nearly_determined(flat: Flat, others: Sequence[Flat]) -> list[int]:
    """Which of the others nearly always have one value wherever ``flat`` has one."""
    pairs = pairs_of_rows(flat)
    return [at for at, values in enumerate(others) if is_pairing(pairs, values, EVIDENCE)]


def _determined(flat: Flat, others: Sequence[Flat]) -> list[int]:
    """Which of the others have one value wherever ``flat`` has one; a few rows rule most of them out."""
    left = list(range(len(others)))
    step = max(1, len(flat) // SCREENED_ROWS)
    for rows in (slice(None, None, step), slice(None)):
        if not left:
            break
        codes = flat[rows]
        order = np.argsort(codes, kind="stable")
        order = order[codes[order] >= 0]
        same = codes[order][1:] == codes[order][:-1]
        left = [at for at in left if _is_constant_within(others[at][rows][order], same)]
    return [at for at in left if evidence(flat, others[at]) > EVIDENCE]


def _is_constant_within(values: Flat, same: NDArray[np.bool_]) -> bool:
    """Whether rows of one group have one value; a number that was seen once, and has no code, is alone."""
    alone = ~(np.append(same, False) | np.append(False, same))
    return bool((alone | (values >= 0)).all() and not (same & (values[1:] != values[:-1])).any())


def evidence(parent: Flat, child: Flat) -> float:
    """How improbable it is, in nats, that the child agrees by accident wherever the parent does."""
    rows = (parent >= 0) & (child >= 0)
    n_tests = int(rows.sum()) - len(np.unique(parent[rows]))
    if not n_tests:
        return 0.0
    shares = np.bincount(child[rows]) / rows.sum()
    return float(-n_tests * np.log(np.square(shares).sum()))


def _n_used(flat: Flat) -> int:
    return len(np.unique(flat[flat >= 0]))


def _some(flat: Flat | None) -> Flat:
    return np.zeros(0, dtype=np.int64) if flat is None else flat


def _hashes(values: pd.Series[Any]) -> NDArray[Any]:
    """One per cell. Those of dates are of their ticks: pandas can't tell every year in every zone."""
    ticks = read_ticks(values)
    if ticks is not None:
        return np.stack([ticks[0], ticks[1]])
    return pd.util.hash_pandas_object(values, index=False).to_numpy()


def _digest(array: NDArray[Any]) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(array).tobytes(), digest_size=16).digest()
