"""What a cascade is trained and scored by: the likelihood of rows, in random orders of their columns.

Rows are drawn from the *mixture* over orders and members. Held-out rows judge that mixture: its likelihood
goes on improving where that of a single order has begun to fall, for errors of the orders average out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganaug._util.random import numpy_generator
from ganaug.tabular.calibration import calibrate, hide_cells
from ganaug.tabular.cascade import CascadeNetwork
from ganaug.tabular.codec import GAP
from ganaug.tabular.copula import GaussianCopula
from ganaug.tabular.guidance import Guide, Trust, measure_trust
from ganaug.tabular.prefix_sum import DrawOrder, random_order
from ganaug.tabular.residual import ResidualNetwork
from ganaug.tabular.rollout import roll_out
from ganaug.training.loop import Rows
from ganaug.training.plan import Task
from ganaug.training.rehearsal import MadeUp
from ganaug.training.trainer import Trainer

if TYPE_CHECKING:
    from ganaug.tabular.modality import TableModality

_JUDGED_ORDERS = 4  # of the mixture by which held-out rows judge
_SCORED_ORDERS = 8  # of that by which rows are scored
_SCORED_ROWS = 128  # in one pass: what a processor's cache holds is done twice as fast, also of wide tables
_HIDDEN_KEY = 9  # of the cells that are hidden from a fit
_MOST_TO_REHEARSE = 5_000  # rows to learn from; more say by themselves what a copula does
_SHORTEST_TO_GUIDE = 60.0  # seconds; a fit of less time has none to spare for a discriminator


def row_loss(
    network: CascadeNetwork, rows: Tensor, generator: torch.Generator, *, has_gaps: bool = False
) -> Tensor:
    """Negative log-likelihood of each row, in an order of its own, shape (n_rows,).

    With ``has_gaps``, that of the cells whose code isn't negative, under the distribution of those alone.
    """
    order = random_order(network.n_fields, len(rows), generator)
    return -_known_log_likelihood(network, rows, order, None, has_gaps)


@torch.no_grad()
def held_out_loss(
    network: CascadeNetwork, rows: Tensor, generator: torch.Generator, *, has_gaps: bool = False
) -> Tensor:
    """Negative log-likelihood of each row under the mixture, shape (n_rows,)."""
    scores = []
    for place in range(_JUDGED_ORDERS):
        order, member = random_order(network.n_fields, len(rows), generator), place % network.n_members
        scores.append(_known_log_likelihood(network, rows, order, member, has_gaps))
    return math.log(_JUDGED_ORDERS) - torch.stack(scores).logsumexp(dim=0)


def _known_log_likelihood(
    network: CascadeNetwork, rows: Tensor, order: DrawOrder, member: int | None, has_gaps: bool
) -> Tensor:
    """Log-likelihood (n_rows,) of each row's cells, or of those that are there."""
    if not has_gaps:
        return network.log_likelihood(rows, order, member=member).sum(dim=1)
    known = rows >= 0
    each = network.log_likelihood(rows.clamp(min=0), order, known=known, member=member)
    return torch.where(known, each, 0.0).sum(dim=1)


@torch.no_grad()
def mixture_log_likelihood(network: CascadeNetwork, codes: Tensor, unknown: Tensor) -> NDArray[np.float64]:
    """Log-likelihood of each row under the mixture, shape (n_rows,).

    Parameters
    ----------
    network : CascadeNetwork
        Of double precision: then a row's value doesn't depend on the rows beside it.
    codes : tensor of shape (n_rows, n_fields)
        -1 where a value is unknown to the codec, `GAP` where there is none.
    unknown : tensor of shape (n_fields,)
        Log-probability of such a cell.
    """
    parts = []
    for rows in _split(codes):
        known, scores = rows >= 0, []
        generator = torch.Generator(codes.device).manual_seed(0)  # the same orders for all rows
        for place in range(_SCORED_ORDERS):
            order = random_order(network.n_fields, len(rows), generator, shared=True)
            member = place % network.n_members
            each = network.log_likelihood(rows.clamp(min=0), order, known=known, member=member)
            scores.append(torch.where(known, each, _of_unknown(rows, unknown)).sum(dim=1))
        parts.append(torch.stack(scores).logsumexp(dim=0) - math.log(_SCORED_ORDERS))
    return torch.cat(parts).cpu().numpy()


@torch.no_grad()
def cell_log_likelihood(network: CascadeNetwork, codes: Tensor, unknown: Tensor) -> Tensor:
    """Log-likelihood of each cell given the row's other cells, (n_rows, n_fields); as above for the rest."""
    parts = []
    for rows in _split(codes):
        known = rows >= 0
        each = [
            network.cell_log_likelihood(rows.clamp(min=0), known, member)
            for member in range(network.n_members)
        ]
        found = torch.stack(each).logsumexp(dim=0) - math.log(network.n_members)
        parts.append(torch.where(known, found, _of_unknown(rows, unknown)))
    return torch.cat(parts)


def make_trainer(modality: TableModality, network: CascadeNetwork, options: Any, task: Task) -> Trainer:
    """What trains a cascade; before held-out rows are learned from, they judge a discriminator too."""
    settings, schedule = task.plan(options.weight_decay)
    rows, hidden = _hide(modality, task)
    has_gaps = hidden is not None or task.has_gaps
    kind = None if has_gaps else _kind(task)
    return Trainer(
        network=network,
        loss=partial(row_loss, has_gaps=has_gaps),
        held_out_loss=partial(held_out_loss, has_gaps=has_gaps),
        rows=rows,
        held_out=task.held_out,
        settings=settings,
        schedule=schedule,
        root=task.root,
        callbacks=task.callbacks,
        after_search=None if kind is None else partial(_look_back, modality, kind),
        made_up=_made_up(modality, task, rows),
        hidden=hidden,
    )


def _hide(modality: TableModality, task: Task) -> tuple[Rows, tuple[Tensor, Tensor] | None]:
    """Rows to learn from without the cells by which a fit that passes over gaps is calibrated, and these."""
    codec, values = modality.codec, task.rows.values
    if not codec.ignores_missing:
        return task.rows, None
    spans = {span.start: span for span in codec.slices if span.stop > span.start}
    rng = numpy_generator(task.root, _HIDDEN_KEY)
    shown, hidden = hide_cells(values.cpu().numpy(), list(spans.values()), rng)
    if not hidden.any():
        return task.rows, None
    cells = torch.from_numpy(shown).to(values.device)
    return replace(task.rows, values=cells), (values, torch.from_numpy(hidden).to(values.device))


def _made_up(modality: TableModality, task: Task, rows: Rows) -> MadeUp | None:
    """Where rows are few and the fit finds its own length, what it learns from before them."""
    goes_on = task.guide is not None
    if goes_on or not isinstance(task.max_epochs, str) or len(rows) > _MOST_TO_REHEARSE:
        return None
    return GaussianCopula.fit(modality.fields, rows.values, rows.weights).draw


def _kind(task: Task) -> str | None:
    """The kind of discriminator that is to be tried."""
    budget = task.time_budget_seconds
    return task.discriminator if budget is None or budget >= _SHORTEST_TO_GUIDE else None


def _look_back(
    modality: TableModality,
    kind: str,
    network: CascadeNetwork,
    rows: Rows,
    held_out: Rows,
    generator: torch.Generator,
) -> dict[str, float]:
    """How far a discriminator is to be trusted, as plain numbers for a checkpoint."""
    trust = _trust(modality, kind, lambda n: roll_out(network, n, generator), rows, held_out)
    return {"amount": float(trust.amount), "strength": trust.strength, "gain": trust.gain}


def _trust(
    modality: TableModality, kind: str, draw: Callable[[int], Tensor], rows: Rows, held_out: Rows
) -> Trust:
    return measure_trust(
        modality.fields,
        rows.values.cpu().numpy(),
        held_out.values,
        draw,
        used=_used(modality),
        kind=kind,
        weights=None if rows.weights is None else rows.weights.double().cpu().numpy(),
        held_out_weights=held_out.weights,
    )


def make_guide(
    modality: TableModality,
    network: Any,
    codes: NDArray[Any],
    weights: NDArray[np.float64] | None,
    task: Task,
    trainer: Any,
    seed: int,
) -> Guide | None:
    """Margins of the real rows, and a discriminator as far as held-out rows trust it.

    The cascade learns from held-out rows in the end: what they found of it before, its trainer has. The
    one-shot generator doesn't, and is judged as it is. A network that some cells were hidden from is
    calibrated before.
    """
    hidden = getattr(trainer, "hidden", None)
    if hidden is not None:
        calibrate(network, *hidden)
    counts = np.ones(len(codes), dtype=bool) if weights is None else weights > 0
    used = [place for place in _used(modality) if (codes[:, place] >= 0).all()]  # a gap has no margin
    if not used:
        return None
    generator = torch.Generator(next(network.parameters()).device).manual_seed(seed)

    def draw(n: int) -> Tensor:
        if isinstance(network, ResidualNetwork):
            return network.draw_codes(n, generator, {})
        return roll_out(network, n, generator)

    def settle(rows: Tensor) -> Tensor:
        n_own = len(modality.codec.fields)
        own = modality.codec.settle_codes(rows[:, :n_own].cpu().numpy(), np.random.default_rng(seed))
        return torch.cat([torch.from_numpy(own).to(rows), rows[:, n_own:]], dim=1)

    trust, kind = Trust(0, 0.0, 0.0), None if task.has_gaps else _kind(task)
    if isinstance(network, ResidualNetwork):
        if kind is not None and task.held_out is not None and not trainer.interrupted:
            trust = _trust(modality, kind, draw, task.rows, task.held_out)
    elif (found := trainer.found) is not None:
        trust = Trust(int(found["amount"]), found["strength"], found["gain"])
    return Guide.fit(
        modality.fields,
        codes[counts],
        draw,
        trust,
        used=used,
        kind=task.discriminator or "trees",
        settle=settle,
        weights=None if weights is None else weights[counts],
        is_labelled=modality.is_labelled,
    )


def _of_unknown(rows: Tensor, unknown: Tensor) -> Tensor:
    """Log-probability of cells that no code tells, (n_rows, n_fields): of a gap, nothing is to be said."""
    return torch.where(rows == GAP, 0.0, unknown)


def _split(codes: Tensor) -> tuple[Tensor, ...]:
    """Rows in parts that are scored in one pass; a large device is idle with few."""
    return codes.split(_SCORED_ROWS * (1 if codes.device.type == "cpu" else 64))


def _used(modality: TableModality) -> list[int]:
    """Fields that every row has: not those of columns that are drawn only where they are asked for."""
    return [place for place in range(len(modality.fields)) if place not in set(modality.shadows)]
