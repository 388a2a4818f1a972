"""How the generator of images learns: one game against a discriminator, with settings from sizes.

References
----------
Huang et al., The GAN is dead; long live the GAN! A Modern Baseline GAN, NeurIPS 2024 (relativistic pairing
with R1 and R2, no momentum, averaged weights, what changes over the course).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ganaug._util.memory import free_bytes
from ganaug._util.random import torch_generator
from ganaug.exceptions import InvalidImageError
from ganaug.image.augment import Augment, how_often
from ganaug.image.convnet import ConvNet
from ganaug.image.measure import HeldOut
from ganaug.losses import LOSSES, AdversarialLoss
from ganaug.training.adversarial import AdversarialTrainer, Pace
from ganaug.training.balance import balanced_order
from ganaug.training.loop import Rows, Settings
from ganaug.training.plan import Task
from ganaug.training.schedules import Schedule

if TYPE_CHECKING:
    from ganaug.image.modality import ImageModality

_LEARNING_RATE = {"lite": 3e-3, "full": 2e-4}
_NARROW = 16  # channels at full size up to which a lite network takes that rate; wider ones a lower one
_BATCH_SIZE = {"lite": 64, "full": 256}
_FLOOR = {"lite": 0.1, "full": 0.25}  # of the learning rate
_MEMORY = (0.9, 0.99)
_PENALTY_EVERY = 8
_PENALTY_FALL = {
    "lite": 1.0,
    "full": 0.1,
}  # of a penalty over the course; small ones need all of it to the end
_AVERAGE_DECAY = 0.9999  # its warm-up alone makes a half-life of 8 % of the steps so far
_GRADIENT_CLIP = 100.0
_EVALUATIONS, _SHORTEST_INTERVAL = 20, 25
_FEW_IN_CLASS, _UNCONDITIONAL = 50, 0.3  # images; share of the steps before the class counts
_STEPS = {8: 4_200, 16: 5_600, 32: 7_500, 64: 12_000, 256: 40_000}  # by pixels a side
# Weight of R1 and R2 by pixels a side. With a tenth of it, digits of a class came out too much alike.
_GAMMAS = {8: 1.0, 16: 1.0, 32: 1.0, 64: 2.0, 256: 15.0}
_FEWEST_JUDGED = 50
_CLEARLY = 0.25, 0.02  # how much better a snapshot is than the last weights: as a share, and in itself
_WEIGHTS_KEY, _MEASURE_KEY, _SHOWN_KEY = 13, 14, 15


@dataclass(kw_only=True)
class ImageTrainer(AdversarialTrainer):
    """The game with images; see `AdversarialTrainer` for the other parameters.

    Parameters
    ----------
    modality : ImageModality
    options : ConvNet
        What both networks were built from.
    held_out : Rows or None
        Images that the game doesn't see.
    """

    modality: ImageModality
    options: ConvNet
    held_out: Rows | None

    def _kept_values(self) -> list[Tensor]:
        """The last weights, but where a snapshot was clearly better."""
        if self._best is None or not self.history or self.history[-1]["validation_loss"] is None:
            return self.kept.average.values
        share, least = _CLEARLY
        best, last = self.schedule.best_loss, self.history[-1]["validation_loss"]
        return self._best if best + share * abs(best) + least < last else self.kept.average.values

    @torch.no_grad()
    def draw_images(self, n_rows: int, n_columns: int) -> NDArray[np.float64]:
        """Images of the averaged weights, from the same latents at every call.

        Parameters
        ----------
        n_rows, n_columns : int
            With labels, each row is of one class.

        Returns
        -------
        ndarray of shape (n_rows * n_columns, h, w, c)
            In the range of the training images.
        """
        random = torch_generator(self.root, _SHOWN_KEY, device=self.device)
        n_classes = self.modality.n_classes
        rows = torch.arange(n_rows, device=self.device).repeat_interleave(n_columns)
        given = (rows % n_classes,) if n_classes else ()
        with self.kept.average.applied():
            return self.modality.codec.pixels(self.draw(len(rows), given, random))


def make_game(modality: ImageModality, options: ConvNet, network: Any, task: Task) -> ImageTrainer:
    """The trainer of the generator against a discriminator.

    Parameters
    ----------
    modality : ImageModality
    options : ConvNet
        Settled.
    network : Module
    task : Task
    """
    discriminator = task.guide.discriminator if task.guide is not None else None
    if discriminator is None:
        discriminator = _make_discriminator(modality, options, task)
    discriminator = discriminator.to(task.rows.values.device)
    batch = task.batch_or(_BATCH_SIZE[options.architecture])
    _check_memory(network, batch, task)
    n_steps = task.steps_or(batch, steps_for(modality, len(task.rows)))
    classes = modality.classes_of(task.rows.values)
    side = max(modality.codec.layout.size[:2])
    return ImageTrainer(
        modality=modality,
        options=options,
        held_out=task.held_out,
        generator=network,
        discriminator=discriminator,
        latent_units=options.latent_units,
        loss=_with_gamma(task.loss, side),
        rows=task.rows if classes is None else replace(task.rows, weights=None),
        condition=classes,
        order=None if classes is None else _balanced(task, classes.cpu().numpy()),
        to_samples=lambda rows, random: modality.to_samples(rows),
        augment=Augment(how_often(len(task.rows)), modality.border.to(task.rows.values.device)),
        measure=_measure(modality, options, task),
        follow=_condition_follows(modality, network, discriminator, classes),
        pace=Pace(_PENALTY_EVERY, _PENALTY_FALL[options.architecture], _MEMORY, is_joint=True),
        settings=Settings(
            batch_size=batch,
            learning_rate=task.rate_or(_rate_for(options)),
            weight_decay=options.weight_decay,
            evaluate_every=min(n_steps, max(_SHORTEST_INTERVAL, n_steps // _EVALUATIONS)),
            early_stopping=False,
            time_budget_seconds=task.time_budget_seconds,
            average_decay=_AVERAGE_DECAY,
            gradient_clip=_GRADIENT_CLIP,
        ),
        schedule=Schedule.known_length(n_steps, _FLOOR[options.architecture]),
        root=task.root,
        callbacks=task.callbacks,
    )


def _measure(modality: ImageModality, options: ConvNet, task: Task) -> HeldOut | None:
    """What judges snapshots; None where there are too few images that are held out."""
    if not task.early_stopping or task.held_out is None or len(task.held_out) < _FEWEST_JUDGED:
        return None
    random = torch_generator(task.root, _MEASURE_KEY, device=task.rows.values.device)
    return HeldOut(modality, task.held_out, options.latent_units, random)


def steps_for(modality: ImageModality, n_images: int) -> int:
    """Steps that suit these images: the more, the larger they are, and the more of them there are."""
    side = max(modality.codec.layout.size[:2])
    known = list(_STEPS)
    most = np.interp(math.log2(side), np.log2(known), [_STEPS[size] for size in known])
    return int(most * min(1.0, max(0.4, math.sqrt(n_images / 1_000))))


def _check_memory(network: Any, batch: int, task: Task) -> None:
    """Refuse what can't fit, before it is tried."""
    needed, free = batch * network.shape.step_bytes, free_bytes(task.rows.values.device)
    if needed > free:
        height, width = network.shape.canvas
        raise InvalidImageError(
            f"A step with {batch} images of {height} x {width} pixels needs about {needed / 1e9:.1f} GB, and "
            f"{free / 1e9:.1f} GB are free: make the images smaller, or use a smaller batch_size or "
            f"generator=ConvNet(base_channels=...) than {network.shape.widths[-1]}"
        )


def _rate_for(options: ConvNet) -> float:
    """Learning rate: of lite networks the lower, the wider they are."""
    rate = _LEARNING_RATE[options.architecture]
    return rate if options.architecture == "full" else rate * min(1.0, _NARROW / int(options.base_channels))


def gamma_for(side: int) -> float:
    """Weight of R1 and R2 at the beginning, for images of so many pixels a side."""
    known = np.log2(list(_GAMMAS))
    return float(np.exp(np.interp(math.log2(side), known, np.log(list(_GAMMAS.values())))))


def _with_gamma(loss: AdversarialLoss, side: int) -> AdversarialLoss:
    """A loss known by its name with R1 and R2 as suits the size; a user's own as it is."""
    if not any(loss is known for known in LOSSES.values()):
        return loss
    factor = gamma_for(side) / 0.1  # the losses' own are for two numbers
    return replace(
        loss, penalties={name: s * (factor if name != "wgan_gp" else 1) for name, s in loss.penalties.items()}
    )


def _make_discriminator(modality: ImageModality, options: ConvNet, task: Task) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(int(task.child(_WEIGHTS_KEY, 1).root.generate_state(1)[0]))
        return modality.build_discriminator(options)


def _balanced(task: Task, classes: NDArray[np.intp]) -> Any:
    weights = None if task.rows.weights is None else task.rows.weights.double().cpu().numpy()
    return partial(balanced_order, classes, weights)


def _condition_follows(modality: ImageModality, generator: Any, discriminator: Any, classes: Any) -> Any:
    """Where classes have few images, they come to count only after a while: at once, such fits collapse."""
    if classes is None or torch.bincount(classes)[classes.unique()].min() >= _FEW_IN_CLASS:
        return None

    def follow(progress: float) -> None:
        share = min(1.0, max(0.0, progress / _UNCONDITIONAL - 1.0))
        for network in (generator, discriminator):
            network.condition_share.fill_(share)

    return follow
