"""How many modes does each game find? Ring of 8, grid of 25, and 1,000 combinations of stacked digits.

The same two small networks under three losses, beside the cascade. Ring and grid are those of the VEEGAN and
PacGAN papers: 2,500 samples, good within three standard deviations of a mode, which is found if a good
sample is there. Stacked digits are three digits of scikit-learn's 8 x 8 images at random, one behind the
other; 26,000 samples are told by a classifier of our own, and good if each of the three looks as much like a
digit as 99 % of unseen real ones do (by its distance to the nearest real one).

``python -m benchmarks.modes`` measures what ``benchmarks/results/modes.json`` hasn't got; ``--quick`` only
shows that it runs.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import NearestNeighbors
from sklearn.svm import SVC
from torch import nn

from benchmarks.records import ROOT, environment, read_records, write_record
from ganaug import Cascade, GANSynthesizer
from ganaug.exceptions import GanaugWarning
from ganaug.losses import LOSSES, AdversarialLoss
from ganaug.training.adversarial import AdversarialTrainer
from ganaug.training.loop import Rows, Settings
from ganaug.training.schedules import Schedule

RESULTS = ROOT / "benchmarks" / "results" / "modes.json"
N_REAL = 20_000
SEEDS = (0, 1, 2)

Points = npt.NDArray[np.float64]
Judge = Callable[[Points], tuple[int, float]]


@dataclass(frozen=True)
class Task:
    """A distribution with known modes.

    Attributes
    ----------
    draw : callable
        ``draw(n, rng)`` -> real points (n, d).
    judge : callable
        ``judge(points)`` -> modes found, share of good points.
    n_modes, n_judged : int
        How many there are; samples that are judged.
    latent_units, hidden_units, steps : int
        Of the game's networks and its length.
    cascade : Cascade
    epochs : int
        Of the cascade.
    """

    draw: Callable[[int, np.random.Generator], Points]
    judge: Judge
    n_modes: int
    n_judged: int
    latent_units: int
    hidden_units: int
    steps: int
    cascade: Cascade
    epochs: int


def mixture(centres: Points, deviation: float) -> tuple[Callable[..., Points], Judge]:
    """Equal shares of round normal distributions, and how samples of it are judged."""

    def draw(n: int, rng: np.random.Generator) -> Points:
        points: Points = centres[rng.integers(len(centres), size=n)]
        return points + deviation * rng.standard_normal((n, 2))

    def judge(points: Points) -> tuple[int, float]:
        distance, nearest = NearestNeighbors(n_neighbors=1).fit(centres).kneighbors(points)
        good = distance[:, 0] <= 3 * deviation
        return len(np.unique(nearest[good, 0])), float(good.mean())

    return draw, judge


def ring() -> Task:
    """Eight modes on a circle of radius 1, deviation .01."""
    angle = 2 * np.pi * np.arange(8) / 8
    draw, judge = mixture(np.stack([np.cos(angle), np.sin(angle)], axis=1), 0.01)
    return Task(draw, judge, 8, 2_500, 2, 128, 3_000, Cascade(), 20)


def grid() -> Task:
    """Twenty-five modes two apart, deviation .05."""
    side = np.arange(-4.0, 5.0, 2.0)
    draw, judge = mixture(np.array([(x, y) for x in side for y in side]), 0.05)
    return Task(draw, judge, 25, 2_500, 2, 128, 3_000, Cascade(), 20)


def stacked() -> Task:
    """Three digits, one behind the other: 192 pixels, 1,000 combinations."""
    images, _ = load_digits(return_X_y=True)

    def draw(n: int, rng: np.random.Generator) -> Points:
        points: Points = images[rng.integers(len(images), size=(n, 3))].reshape(n, 192)
        return points

    def judge(points: Points) -> tuple[int, float]:
        classifier, neighbours, limit, _ = _digit_judges()
        digits = points.reshape(-1, 64)
        near = neighbours.kneighbors(digits)[0][:, 0].reshape(-1, 3) <= limit
        told = classifier.predict(digits).reshape(-1, 3) @ [100, 10, 1]
        return len(np.unique(told)), float(near.all(axis=1).mean())

    narrow = Cascade(hidden_units=24, context_units=96, embedding_units=8)
    return Task(draw, judge, 1_000, 26_000, 64, 256, 3_000, narrow, 3)


@cache
def _digit_judges() -> tuple[SVC, NearestNeighbors, float, float]:
    """A classifier of digits, neighbours among real ones, the largest usual distance, the accuracy."""
    images, labels = load_digits(return_X_y=True)
    parts = train_test_split(images, labels, test_size=0.3, random_state=0, stratify=labels)
    train, test, known, truth = parts
    classifier = SVC(gamma=0.001).fit(train, known)
    neighbours = NearestNeighbors(n_neighbors=1).fit(train)
    limit = float(np.quantile(neighbours.kneighbors(test)[0], 0.99))
    return classifier, neighbours, limit, float(classifier.score(test, truth))


TASKS: dict[str, Callable[[], Task]] = {"ring": ring, "grid": grid, "stacked": stacked}
GAMES: dict[str, AdversarialLoss] = {
    "vanilla": replace(LOSSES["non_saturating"], penalties={}),
    "wgan_gp": replace(LOSSES["wasserstein"], penalties={"wgan_gp": 0.1}),  # as its authors do with points
    "relativistic": LOSSES["relativistic"],
}
METHODS = (*GAMES, "cascade")


GENERATOR_EVERY = {"wgan_gp": 3}  # so many steps of the discriminator; twice as many in all


def play(task: Task, method: str, rows: Points, seed: int, steps: int) -> Points:
    """Samples of a generator that has played against a discriminator, both of two hidden layers."""
    middle, scale = rows.mean(axis=0), rows.std() + 1e-12
    units, width = task.hidden_units, rows.shape[1]
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        generator, discriminator = (
            nn.Sequential(
                nn.Linear(n_in, units),
                nn.LeakyReLU(0.2),
                nn.Linear(units, units),
                nn.LeakyReLU(0.2),
                nn.Linear(units, n_out),
            )
            for n_in, n_out in ((task.latent_units, width), (width, 1))
        )
    generator_every = GENERATOR_EVERY.get(method, 1)
    steps *= min(generator_every, 2)
    trainer = AdversarialTrainer(
        generator=generator,
        discriminator=discriminator,
        latent_units=task.latent_units,
        loss=GAMES[method],
        generator_every=generator_every,
        rows=Rows(torch.tensor((rows - middle) / scale, dtype=torch.float32)),
        settings=Settings(
            batch_size=256, learning_rate=1e-3, weight_decay=0.0, evaluate_every=500, average_decay=0.998
        ),
        schedule=Schedule(max_steps=steps, patience_steps=steps, decay_share=1.0),
        root=np.random.SeedSequence(seed),
    )
    trainer.run()
    with torch.no_grad():
        latent = torch.randn(task.n_judged, task.latent_units, generator=trainer.random)
        drawn: Points = generator(latent).double().numpy()
    return drawn * scale + middle


def cascade(task: Task, rows: Points, seed: int, epochs: int) -> Points:
    """Samples of a cascade fitted to the points as a table."""
    table = pd.DataFrame(rows, columns=[f"x{i}" for i in range(rows.shape[1])])
    model = GANSynthesizer(generator=task.cascade, max_epochs=epochs, random_state=seed).fit(table)
    drawn: Points = model.sample(task.n_judged).to_numpy(dtype=np.float64)
    return drawn


def measure(name: str, method: str, seed: int, quick: bool) -> dict[str, Any]:
    """One record: modes found and share of good samples."""
    task = TASKS[name]()
    rows = task.draw(500 if quick else N_REAL, np.random.default_rng(seed))
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GanaugWarning)  # that a game collapses is what is measured
        if method == "cascade":
            samples = cascade(task, rows, seed, 1 if quick else task.epochs)
        else:
            samples = play(task, method, rows, seed, 20 if quick else task.steps)
    seconds = time.process_time() - start
    modes, good = task.judge(samples)
    record = {"task": name, "method": method, "seed": seed, "modes": modes, "good": good}
    return record | {"n_modes": task.n_modes, "cpu_seconds": round(seconds, 1)}


def main(arguments: list[str] | None = None) -> int:
    """Measure what is missing, and write it down."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.modes", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rows and steps, one seed: does it run?")
    parser.add_argument("--task", choices=list(TASKS), action="append")
    parser.add_argument("--method", choices=METHODS, action="append")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    for seed in SEEDS[:1] if options.quick else options.seeds:
        for name in options.task or TASKS:
            for method in options.method or METHODS:
                wanted = {"task": name, "method": method, "seed": seed, "quick": options.quick}
                if any(wanted.items() <= record.items() for record in read_records(options.out)):
                    continue
                record = {**measure(name, method, seed, options.quick), "quick": options.quick}
                print({key: value for key, value in record.items() if key != "quick"}, flush=True)
                write_record(
                    options.out,
                    record | {"environment": environment()},
                    lambda other, wanted=wanted: wanted.items() <= other.items(),  # type: ignore[misc]
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
