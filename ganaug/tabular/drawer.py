"""From what a caller asks to rows: what is known of them, what is drawn, and how it is written."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from ganaug._util.frames import assemble, with_rows
from ganaug._util.random import numpy_generator, torch_generator
from ganaug.base import Guidance
from ganaug.exceptions import InvalidConditionError
from ganaug.tabular.conditions import FREE, Ask, Asks, read_conditions, read_counts
from ganaug.tabular.guided import draw_codes
from ganaug.tabular.quotas import Quota, check_apart, draw_quotas
from ganaug.tabular.request import Codes, decode_asked, write_known
from ganaug.tabular.restricted import TO_DRAW, Restriction
from ganaug.tabular.wanted import Wanted

if TYPE_CHECKING:
    from ganaug.tabular.modality import TableModality

_DRAW_KEY, _DECODE_KEY, _BATCH_KEY = 0, 1, 2
_REDRAWS = 50  # of rows that repeat others where that is forbidden, or break a bound
_REDRAWN_SHARE, _REDRAWN_ROWS = 10, 500  # of those that break a bound: times the rows asked for, at least
_LABEL = "y"  # the one column of the label's codec
Quotas = dict[Hashable, tuple[tuple[Wanted, ...], NDArray[np.intp]]]
Seen = dict[int, set[int]]


@dataclass(frozen=True, eq=False)
class Request:
    """What is asked of ``n`` rows.

    Parameters
    ----------
    n : int
    asks : dict of column to Ask
        Of the table's own columns.
    label : Ask, optional
    quotas : dict of column to (conditions, numbers of rows)
        Not yet decided which rows.
    extrapolate : bool, default=False
    """

    n: int
    asks: Asks
    label: Ask | None = None
    quotas: Quotas = field(default_factory=dict)
    extrapolate: bool = False

    def of_rows(self, rows: NDArray[np.intp]) -> Request:
        """The same of some of the rows."""
        asks = {name: ask.of_rows(rows) for name, ask in self.asks.items()}
        label = None if self.label is None else self.label.of_rows(rows)
        return replace(self, n=len(rows), asks=asks, label=label)


@dataclass(frozen=True, eq=False)
class Plan:
    """A request in terms of the fields that the network draws.

    Parameters
    ----------
    stages : list of dict of column to Ask
        Of the table, then of what each constraint makes of it; the last is what the codec knows.
    label : dict of column to Ask
        Of the label's codec.
    codes : array of shape (n_fields, n_rows)
        Those known, and what is to be done about the others.
    within : list of Restriction
    strict : bool
        Whether given cells are written as they were given; to be completed, they stay where they are.
    """

    stages: list[Asks]
    label: Asks
    codes: Codes
    within: list[Restriction]
    strict: bool


class Drawer:
    """Draws rows of a table with a network.

    Parameters
    ----------
    modality : TableModality
    network : CascadeNetwork or ResidualNetwork
    guidance : Guidance, optional
        How rows are chosen from those drawn.
    """

    def __init__(self, modality: TableModality, network: Any, guidance: Guidance | None = None) -> None:
        self.modality, self.network = modality, network
        self.guidance = guidance or Guidance()
        self.device = next(network.parameters()).device

    def ask(self, n: int | None, y: Any, conditions: Any, counts: Any, extrapolate: bool) -> Request:
        """Read what a caller asks for; `InvalidConditionError` for what can't be had, before any work."""
        names = self._names()
        n = n if n is not None or np.ndim(y) == 0 else len(y)
        quotas, n = read_counts(counts, n, names)
        asks, n = read_conditions(conditions, n, names, extrapolate=extrapolate)
        n = n or 1
        label = self._label_of(asks, y, n)
        own = None if self.modality.target is None else self.modality.target.name
        both = [name for name in quotas if name in asks or (name == own and label is not None)]
        if both:
            raise InvalidConditionError(f"Both counts and a condition were given for one column: {both[0]!r}")
        request = Request(n, asks, label, quotas, extrapolate)
        self.plan(request)
        self._quotas(request)
        return request

    def _names(self) -> list[Hashable]:
        """What conditions may name: the columns, and the label where it has a name of its own."""
        names: list[Hashable] = self.modality.container.columns.tolist()
        own = None if self.modality.target is None else self.modality.target.name
        return names if own is None or own in names else [*names, own]

    def _label_of(self, asks: Asks, y: Any, n: int) -> Ask | None:
        """What is asked of the label, by ``y`` or by its name among the conditions (and taken from there)."""
        target, named = self.modality.target, None
        if target is not None and target.name not in self.modality.container.columns:
            named = asks.pop(target.name, None)
        if y is None:
            return named
        if target is None:
            raise InvalidConditionError("y was given to sample, but fit was not given any: use conditions=")
        if named is not None:
            raise InvalidConditionError(f"Both y and a condition on it were given; pass one: {target.name!r}")
        labels = target.frame([y] * n if np.ndim(y) == 0 else y)[_LABEL]
        if not len(labels):
            raise InvalidConditionError("y must have at least one label, got 0")
        if len(labels) != n:
            raise InvalidConditionError(f"y must have a label for each of the {n} rows, got {len(labels)}")
        return Ask.given_all(labels)

    def plan(self, request: Request, *, strict: bool = True) -> Plan:
        """What is asked for in terms of fields."""
        modality = self.modality
        stages = modality.chain.translate(request.asks, request.n, strict=strict)
        codes = np.full((len(modality.fields), request.n), TO_DRAW, dtype=np.int32)
        extrapolate = request.extrapolate
        within = write_known(codes, stages[-1], modality.codec, strict=strict, extrapolate=extrapolate)
        label: Asks = {} if request.label is None else {_LABEL: request.label}
        if modality.target is not None:
            first, codec = len(modality.codec.fields), modality.target.codec
            within += write_known(
                codes, label, codec, first_field=first, strict=strict, extrapolate=extrapolate
            )
        return Plan(stages, label, codes, within, strict)

    def _quotas(self, request: Request) -> list[Quota]:
        """The counts asked for, of the modelled columns."""
        found, modality = [], self.modality
        for name, (wanted, numbers) in request.quotas.items():
            codec, column, first = modality.codec, name, 0
            if name not in modality.container.columns and modality.target is not None:
                codec, column, first = modality.target.codec, _LABEL, len(modality.codec.fields)
            if column not in codec.columns or column in modality.chain.shadows:
                raise InvalidConditionError(f"A constraint replaces a column that counts name: {name!r}")
            own, start = codec.codec_of(column), first + codec.field_of(column).start
            if not own.fields:
                raise InvalidConditionError(f"Counts can't be had of a column that isn't modelled: {name!r}")
            check_apart(own, wanted, name)
            found.append(Quota(Restriction(own, start, wanted, np.zeros(request.n, dtype=np.intp)), numbers))
        return found

    def _with_counts(self, request: Request, generator: torch.Generator) -> Request:
        """The same request with counts turned into conditions on rows."""
        if not request.quotas:
            return request
        codes = self._tensor(self.plan(request).codes)
        decided = draw_quotas(self.network, codes, self._quotas(request), generator)
        asks, label = dict(request.asks), request.label
        for name, entry in zip(request.quotas, decided, strict=True):
            ask = Ask(entry.which, entry.wanted)
            if name in self.modality.container.columns:
                asks[name] = ask
            else:
                label = ask
        return replace(request, asks=asks, label=label, quotas={})

    def draw(
        self,
        request: Request,
        root: np.random.SeedSequence,
        seen: Seen | None = None,
        first_row: int = 0,
        key: int | None = None,
    ) -> tuple[pd.DataFrame, Any]:
        """Draw a frame of the table's columns, and labels (None without any).

        ``seen`` collects what the columns of a `Unique` had, over several calls; ``first_row`` and ``key``
        keep identifiers apart that are drawn in several calls.
        """
        table, labels = self._draw_rows(request, root, seen)
        key = int(root.generate_state(1)[0]) if key is None else key
        none = np.zeros(len(table), dtype=bool)
        stays: dict[Hashable, NDArray[np.bool_]] = dict.fromkeys(table.columns, none)
        stays |= {name: ask.which != FREE for name, ask in request.asks.items()}
        return self.modality.codec.renumber(table, stays, first_row, key), labels

    def _draw_rows(
        self, request: Request, root: np.random.SeedSequence, seen: Seen | None
    ) -> tuple[pd.DataFrame, Any]:
        chain = self.modality.chain
        generator = torch_generator(root, _DRAW_KEY, device=self.device)
        rng = numpy_generator(root, _DECODE_KEY)
        request = self._with_counts(request, generator)
        table, labels = self._draw_bounded(request, generator, rng)
        if not chain.is_unique:
            return table, labels
        seen, own_ids = {} if seen is None else seen, self.modality.codec.identifiers
        rows = np.flatnonzero(chain.repeats(table, seen, own_ids))
        for _ in range(_REDRAWS):
            if not len(rows):
                return table, labels
            again, more = self._draw_bounded(request.of_rows(rows), generator, rng)
            table = with_rows(table, rows, again)
            if labels is not None:
                labels[rows] = np.asarray(more)
            rows = rows[chain.repeats(again, seen, own_ids)]
        raise InvalidConditionError(
            f"Only {request.n - len(rows)} rows that differ in the columns of Unique could be drawn; ask for "
            f"fewer, got {request.n}"
        )

    def _draw_bounded(
        self, request: Request, generator: torch.Generator, rng: np.random.Generator
    ) -> tuple[pd.DataFrame, Any]:
        """Rows that break no bound between columns, or as few as some draws have shown."""
        table, labels = self._draw_once(request, generator, rng)
        if not self.modality.codec.relations.bounds:
            return table, labels
        broken = self.breaks_bounds(table, _cells_given(request.asks))
        left_to_draw = max(_REDRAWN_SHARE * request.n, _REDRAWN_ROWS)
        for _ in range(_REDRAWS):
            rows = np.flatnonzero(broken)
            left_to_draw -= len(rows)
            if not len(rows) or left_to_draw < 0:  # what is asked for may leave none that keeps to all
                break
            part = request.of_rows(rows)
            again, more = self._draw_once(part, generator, rng)
            left = self.breaks_bounds(again, _cells_given(part.asks))
            fewer = left < broken[rows]
            broken[rows[fewer]] = left[fewer]
            table = with_rows(table, rows[fewer], again[fewer])
            if labels is not None:
                labels[rows[fewer]] = np.asarray(more)[fewer]
        return table, labels

    def breaks_bounds(
        self, table: pd.DataFrame, cells: Mapping[Hashable, NDArray[np.bool_]]
    ) -> NDArray[np.int64]:
        """How many bounds between columns each row breaks, but for those between two given ``cells``."""
        codec, chain = self.modality.codec, self.modality.chain
        given = np.zeros((len(table), len(codec.columns)), dtype=bool)
        for at, name in enumerate(codec.columns):
            given[:, at] = cells.get(name, False)
        return codec.breaks_bounds(chain.forward(table), given)

    def _draw_once(
        self, request: Request, generator: torch.Generator, rng: np.random.Generator
    ) -> tuple[pd.DataFrame, Any]:
        plan = self.plan(request)
        codes = self._tensor(plan.codes)
        draw_codes(self.network, codes, plan.within, generator, self.guidance)
        return self.decode(plan, codes.cpu().numpy(), rng)

    def decode(self, plan: Plan, codes: Codes, rng: np.random.Generator) -> tuple[pd.DataFrame, Any]:
        """Codes (n_fields, n_rows) as a frame and labels that have what was asked for, as it was asked."""
        modality = self.modality
        n_own = len(modality.codec.fields)
        writes = plan.strict or bool(modality.chain.steps)
        columns = decode_asked(codes[:n_own].T, plan.stages[-1], modality.codec, rng, writes=writes)
        modelled = assemble(list(columns.values()), modality.codec.columns)
        table = modality.chain.inverse(modelled, plan.stages)
        if modality.chain.steps and plan.strict:
            cells = [_given(plan.stages[0].get(name), table[name].array) for name in table.columns]
            table = assemble(cells, table.columns)
        if modality.target is None:
            return table, None
        first = codes[n_own:].T
        (column,) = decode_asked(first, plan.label, modality.target.codec, rng, writes=plan.strict).values()
        return table, modality.target.wrap(column)

    def _tensor(self, codes: Codes) -> torch.Tensor:
        return torch.from_numpy(codes.copy()).to(self.device)

    def batches(
        self,
        n: int | None,
        batch_rows: int,
        root: np.random.SeedSequence,
        *,
        y: Any,
        conditions: Any,
        counts: Any,
        extrapolate: bool,
    ) -> Iterator[tuple[pd.DataFrame, Any]]:
        """Draw batch after batch; what can't be had is said now, not when the first is wanted."""
        n = n if n is not None else _length_of(y, conditions, counts)
        quotas, _ = read_counts(counts, n, self._names())
        rng = numpy_generator(root, _BATCH_KEY)
        left = {name: (wanted, numbers.copy()) for name, (wanted, numbers) in quotas.items()}

        def request_of(start: int) -> Request:
            rows = slice(start, min(start + batch_rows, n))
            size = rows.stop - rows.start
            labels = y if np.ndim(y) == 0 else y[rows]
            some = conditions.iloc[rows] if isinstance(conditions, pd.DataFrame) else conditions
            share = {name: _take(wanted, numbers, size, rng) for name, (wanted, numbers) in left.items()}
            return self.ask(size, labels, some, share or None, extrapolate)

        _check_lengths(n, y, conditions)
        first = request_of(0)

        def draw_all() -> Iterator[tuple[pd.DataFrame, Any]]:
            seen: Seen = {}
            key = int(root.generate_state(1)[0])
            for place, start in enumerate(range(0, n, batch_rows)):
                request = first if not start else request_of(start)
                own = np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, _BATCH_KEY, place))
                yield self.draw(request, own, seen, start, key)

        return draw_all()


def _take(
    wanted: tuple[Wanted, ...], numbers: NDArray[np.intp], size: int, rng: np.random.Generator
) -> dict[Wanted, int]:
    """A batch's part of what is left of some counts, which become less."""
    part = rng.multivariate_hypergeometric(numbers, size)
    numbers -= part
    return dict(zip(wanted, part.tolist(), strict=True))


def _length_of(y: Any, conditions: Any, counts: Any) -> int:
    if np.ndim(y):
        return len(y)
    if isinstance(conditions, pd.DataFrame):
        return len(conditions)
    if isinstance(counts, dict) and counts:
        first = next(iter(counts.values()))
        return sum(first.values()) if isinstance(first, dict) else 1
    return 1


def _check_lengths(n: int, y: Any, conditions: Any) -> None:
    given = {"y": y if np.ndim(y) else None}
    given["conditions"] = conditions if isinstance(conditions, pd.DataFrame) else None
    for name, entry in given.items():
        if entry is not None and (len(entry) != n or not n):
            raise InvalidConditionError(f"{name} must have a row for each of the {n} rows, got {len(entry)}")


def _cells_given(asks: Asks) -> dict[Hashable, NDArray[np.bool_]]:
    return {name: ask.is_given for name, ask in asks.items()}


def _given(ask: Ask | None, cells: Any) -> Any:
    return cells if ask is None else ask.put(cells)
