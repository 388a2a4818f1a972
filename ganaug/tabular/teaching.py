"""How the one-shot generator learns: a cascade is fitted, then imitated, then the game with real rows begins.

The cascade draws a row column after column, in one fixed order: a class by inverting the distribution
function at a uniform number, a number likewise. With the normal scores of those uniforms as noise, the row is
a function of the noise (the Knothe-Rosenblatt map of the cascade's distribution), and one that is continuous
in numbers. The generator learns it by regression, from noise and rows that are drawn afresh in every step.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch.nn import functional as F

from ganaug._util.random import torch_generator
from ganaug.exceptions import InvalidTableError
from ganaug.model import Model
from ganaug.tabular.cascade import Cascade, CascadeNetwork
from ganaug.tabular.columns.base import NumberField
from ganaug.tabular.heads import MIN_LOG_SCALE, NumberHeads, draw_class
from ganaug.tabular.neural import NeuralDiscriminator
from ganaug.tabular.relaxed import normal_score
from ganaug.tabular.residual import Residual, ResidualNetwork
from ganaug.training.adversarial import AdversarialTrainer
from ganaug.training.course import Course
from ganaug.training.loop import Loop, Settings
from ganaug.training.plan import Task
from ganaug.training.schedules import Schedule
from ganaug.training.trainer import Trainer

LESSON_BATCH, GAME_BATCH = 512, 256
LEARNING_RATE = 1e-3
MOST_LESSONS, MOST_STEPS_TAUGHT, MOST_STEPS_UNTAUGHT = 5_000, 1_500, 6_000
BUDGET_SHARES = {"teacher": 0.35, "lessons": 0.4, "game": 0.25}
FEWEST_JUDGED = 50
_TEACHER_KEY, _LESSON_KEY, _GAME_KEY, _WEIGHTS_KEY, _MEASURE_KEY = 10, 11, 12, 13, 14
_SCORE_WEIGHT, _SCORE_BEND = 10.0, 0.05  # of an error in a score; where it turns from square to linear
_EVALUATIONS = 12  # of the game, each with boosted trees


def make_course(modality: Any, options: Residual, network: ResidualNetwork, task: Task) -> Loop | Course:
    """What trains the network.

    Parameters
    ----------
    modality : TableModality
    options : Residual
    network : ResidualNetwork
    task : Task

    Raises
    ------
    InvalidTableError
        If gaps are to be passed over: a game needs whole rows.
    """
    if task.has_gaps:
        raise InvalidTableError("missing_values='ignore' needs a cascade, got generator='residual'")
    if not options.taught:
        return make_game(options, network, task)
    seed = int(task.child(_WEIGHTS_KEY, 0).root.generate_state(1)[0])
    kind = Cascade(n_members=1)  # whose answer is a function of the noise alone
    teacher = Model.build(modality, kind, seed).network.to(task.rows.values.device)
    stages = {
        "teacher": lambda: modality.trainer(teacher, kind, _share(task, "teacher", _TEACHER_KEY)),
        "lessons": lambda: make_lessons(teacher, options, network, _share(task, "lessons", _LESSON_KEY)),
        "game": lambda: make_game(options, network, _share(task, "game", _GAME_KEY)),
    }
    return Course(stages, (teacher, network), task.callbacks)


def _share(task: Task, stage: str, key: int) -> Task:
    """A part of the task; what guides is made for the pupil, not for its teacher."""
    return replace(task.child(key, budget_share=BUDGET_SHARES[stage]), discriminator=None)


def make_lessons(teacher: Any, options: Residual, network: ResidualNetwork, task: Task) -> Trainer:
    """The trainer of the generator as a pupil."""
    lesson = partial(lesson_loss, teacher)
    batch = task.batch_or(LESSON_BATCH)
    n_steps = task.steps_or(batch, _scaled(len(task.rows) // 3, MOST_LESSONS))
    return Trainer(
        network=network,
        loss=lesson,
        held_out_loss=lesson,
        rows=task.rows,
        held_out=task.held_out,
        settings=Settings(
            batch_size=batch,
            learning_rate=2 * task.rate_or(LEARNING_RATE),
            weight_decay=options.weight_decay,
            evaluate_every=max(1, min(250, n_steps)),
            early_stopping=False,
            time_budget_seconds=task.time_budget_seconds,
            average_decay=0.998,
            gradient_clip=20.0,
        ),
        schedule=Schedule(max_steps=n_steps, patience_steps=n_steps, decay_share=1.0),
        root=task.root,
    )


def make_game(options: Residual, network: ResidualNetwork, task: Task) -> AdversarialTrainer:
    """The trainer of the generator against a neural discriminator."""
    device, n_drawn = task.rows.values.device, len(network.drawn)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(int(task.child(_WEIGHTS_KEY, 1).root.generate_state(1)[0]))
        discriminator = NeuralDiscriminator(
            network.drawn, network.n_labels, options.discriminator_units, options.discriminator_blocks
        ).to(device)
    batch, rate = task.batch_or(GAME_BATCH), task.rate_or(LEARNING_RATE)
    most = MOST_STEPS_TAUGHT if options.taught else MOST_STEPS_UNTAUGHT
    n_steps = task.steps_or(batch, _scaled(len(task.rows) // (10 if options.taught else 3), most))
    is_judged = task.held_out is not None and len(task.held_out) >= FEWEST_JUDGED
    return AdversarialTrainer(
        generator=network,
        discriminator=discriminator,
        latent_units=network.latent_units,
        loss=task.loss,
        rows=task.rows,
        condition=task.rows.values[:, n_drawn].long() if network.is_conditional else None,
        to_samples=lambda rows, random: network.space.relax(rows[:, :n_drawn], random),
        measure=partial(told_apart, task) if is_judged and task.early_stopping else None,
        discriminator_rate=rate,
        settings=Settings(
            batch_size=batch,
            learning_rate=rate / 10 if options.taught else rate,  # a pupil has little left to learn
            weight_decay=options.weight_decay,
            evaluate_every=max(1, n_steps // _EVALUATIONS),
            early_stopping=False,  # the best is kept, but a game gets worse before it gets better
            time_budget_seconds=task.time_budget_seconds,
            average_decay=0.998,
            gradient_clip=20.0,
        ),
        schedule=Schedule(max_steps=n_steps, patience_steps=n_steps, decay_share=1.0),
        root=task.root,
        callbacks=task.callbacks,
    )


def _scaled(n_steps: int, most: int) -> int:
    """Steps that suit a table: no more than that, no fewer than a tenth of it."""
    return min(max(n_steps, most // 10), most)


def told_apart(task: Task, network: ResidualNetwork) -> float:
    """AUC of boosted trees telling generated rows from the rows held out, in two halves; .5 is ideal."""
    if task.held_out is None:
        raise ValueError("Rows must be held out to judge by, got None")
    real = task.held_out.values
    random = torch_generator(task.root, _MEASURE_KEY, device=real.device)
    labels = {len(network.drawn): real[:, -1]} if network.is_conditional else {}
    fake = network.draw_codes(len(real), random, labels)
    rows = torch.cat([real.int(), fake]).cpu().numpy()
    is_real = np.arange(len(rows)) < len(real)
    weights = np.ones(len(rows))
    if task.held_out.weights is not None:
        weights[: len(real)] = task.held_out.weights.cpu().numpy()
    return _two_fold_auc(rows, is_real, weights)


def _two_fold_auc(rows: NDArray[Any], is_real: NDArray[Any], weights: NDArray[Any]) -> float:
    fold, aucs = np.arange(len(rows)) % 2, []
    for judged in (0, 1):
        train, test = fold != judged, fold == judged
        trees = HistGradientBoostingClassifier(max_iter=60, early_stopping=False, random_state=0)
        trees.fit(rows[train], is_real[train], sample_weight=weights[train])
        scores = trees.predict_proba(rows[test])[:, 1]
        aucs.append(roc_auc_score(is_real[test], scores, sample_weight=weights[test]))
    return float(np.mean(aucs))


class Lessons(NamedTuple):
    """What a pupil is given, and what it should answer.

    Attributes
    ----------
    noise : tensor of shape (n_rows, noise_units)
        Standard normal.
    codes : tensor of shape (n_rows, n_fields), int64
    scores : tensor of shape (n_rows, n_fields)
        Normal scores of numbers, zero where there is none.
    """

    noise: Tensor
    codes: Tensor
    scores: Tensor


def lesson_loss(
    teacher: CascadeNetwork, network: ResidualNetwork, rows: Tensor, random: torch.Generator
) -> Tensor:
    """How far the pupil's answer to fresh noise is from the teacher's, shape (n_rows,).

    Only the labels of ``rows`` matter, and how many rows there are.
    """
    labels = rows[:, -1].long() if network.is_conditional else None
    lessons = draw_lessons(teacher, network, len(rows), labels, random)
    outputs = network.outputs(lessons.noise, labels)
    parts = []
    for i, (span, place) in enumerate(network.space.places):
        error = None if place is None else _score_error(outputs[:, place], lessons.scores[:, i])
        if span is not None:
            last = span.stop - span.start - 1
            wanted = lessons.codes[:, i].clamp(max=last)
            parts.append(F.cross_entropy(outputs[:, span], wanted, reduction="none"))
            error = None if error is None else error * (wanted == last)
        if error is not None:
            parts.append(error)
    return torch.stack(parts).sum(dim=0)


def _score_error(answer: Tensor, wanted: Tensor) -> Tensor:
    return _SCORE_WEIGHT * F.smooth_l1_loss(answer, wanted, beta=_SCORE_BEND, reduction="none")


@torch.no_grad()
def draw_lessons(
    teacher: CascadeNetwork,
    network: ResidualNetwork,
    n_rows: int,
    labels: Tensor | None,
    random: torch.Generator,
) -> Lessons:
    """Rows of the cascade, and the noise that they are a function of."""
    device = random.device
    context = torch.zeros(n_rows, teacher.context_units, device=device)
    if labels is not None:
        context += teacher.term(len(network.drawn), labels)
    noise, codes = [], []
    scores = torch.zeros(len(network.drawn), n_rows, device=device)
    for i, field in enumerate(network.drawn):
        uniforms = torch.rand(3, n_rows, generator=random, device=device)
        head, place = teacher.head_of[i]
        hidden = teacher.hidden_of(i, context, 0)
        if isinstance(field, NumberField) and isinstance(head, NumberHeads):
            drawn, scores[i], ranks = _draw_number(head, place, hidden, uniforms)
        else:
            drawn, ranks = head.draw(place, hidden, uniforms), [uniforms[0]]
        noise += [normal_score(rank) for rank in ranks]
        codes.append(drawn)
        context += teacher.term(i, drawn)
    return Lessons(torch.stack(noise, dim=1), torch.stack(codes, dim=1), scores.t())


def _draw_number(
    head: NumberHeads, member: int, hidden: Tensor, uniforms: Tensor
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Codes, scores, and the ranks that they are functions of: the class's where there are any, the score's.

    A score is drawn by component, but its rank is that in the mixture, of which it is a continuous function.
    """
    logits, means, log_scales = head.mixture(member, hidden)
    scales = log_scales.clamp(min=MIN_LOG_SCALE).exp()
    n_points = head.points[member]
    chosen = draw_class(logits, uniforms[0])
    component = (chosen - n_points).clamp(min=0).unsqueeze(1)
    score = means.gather(1, component) + scales.gather(1, component) * torch.logit(
        uniforms[1].unsqueeze(1), eps=1e-7
    )
    score = score.clamp(-4.7, 4.7)  # where normal scores end
    weights = torch.softmax(logits[:, n_points:], dim=1)
    rank = (weights * torch.sigmoid((score - means) / scales)).sum(dim=1)
    codes = torch.where(chosen < n_points, chosen, n_points + head.cell_of(member, score.squeeze(1)))
    if not n_points:
        return codes, score.squeeze(1), [rank]
    # which component it was must not be seen in the rank of the class, only that it was none of the points
    at_points = torch.softmax(logits, dim=1)[:, :n_points].sum(dim=1)
    in_cells = at_points + (1 - at_points) * uniforms[2]
    of_class = torch.where(chosen < n_points, uniforms[0], in_cells)
    rank = torch.where(chosen < n_points, uniforms[2], rank)
    return codes, score.squeeze(1), [of_class, rank]
