"""The GAN of the first tutorial, with and without labels, and the same networks under a loss that holds.

A latent of 100 numbers, one hidden layer of 128, 784 pixels through a sigmoid; Adam at 1e-3, batches of 128.
"minimax" is equation 1 of the first paper, "BCE" what its tutorials run, "relativistic" has two penalties on
the discriminator's gradient (R1, R2) that make the game converge. The digits are scikit-learn's, enlarged;
MNIST's where ``GANAUG_DATA`` names a folder with ``img/mnist.npz``. ``GANAUG_STEPS`` shortens the games.
"""

import os
import warnings
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.ndimage import zoom
from sklearn.datasets import load_digits
from torch import nn

from ganaug import Callback
from ganaug.losses import LOSSES
from ganaug.training.adversarial import AdversarialTrainer
from ganaug.training.loop import Rows, Settings
from ganaug.training.schedules import Schedule

STEPS = int(os.environ.get("GANAUG_STEPS", 4000))
SHOWN = [max(1, STEPS // 20), max(1, STEPS // 4), STEPS]
GAMES = {
    "minimax": replace(LOSSES["minimax"], penalties={}),
    "BCE": replace(LOSSES["non_saturating"], penalties={}),
    "relativistic + R1 + R2": replace(LOSSES["relativistic"], penalties={"r1": 0.3, "r2": 0.3}),
}


def load_images():
    """Pixels in [0, 1], shape (n, 784), and labels."""
    mnist = Path(os.environ.get("GANAUG_DATA", "")) / "img" / "mnist.npz"
    if mnist.is_file():
        data = np.load(mnist)
        return torch.tensor(data["X_train"].reshape(-1, 784) / 255.0).float(), torch.tensor(data["y_train"])
    digits = load_digits()
    images = np.stack([zoom(image, 3.5, order=1) for image in digits.images / 16.0])
    return torch.tensor(images.reshape(-1, 784)).float(), torch.tensor(digits.target)


class Layers(nn.Module):
    """One hidden layer; a label, where there is one, is ten more inputs."""

    def __init__(self, n_in, n_out, with_labels, last):
        super().__init__()
        self.hidden = nn.Linear(n_in + 10 * with_labels, 128)
        self.output = nn.Linear(128, n_out)
        self.last = last

    def forward(self, x, labels=None):
        if labels is not None:
            x = torch.cat([x, nn.functional.one_hot(labels.long(), 10)], dim=1)
        return self.last(self.output(torch.relu(self.hidden(x))))


class Snapshots(Callback):
    """Ten samples of the generator at some steps; the same latents each time, and labels 0 to 9."""

    def __init__(self, with_labels):
        self.latent = torch.randn(10, 100, generator=torch.Generator().manual_seed(0))
        self.given = (torch.arange(10),) if with_labels else ()
        self.images = []

    def on_step(self, trainer):
        if trainer.step in SHOWN:
            with torch.no_grad(), trainer.kept.average.applied():
                self.images.append(trainer.generator(self.latent, *self.given).reshape(10, 28, 28))


def play(loss, images, labels, with_labels):
    """Train one pair of networks; its samples over time, and the share of the real modes that they cover."""
    torch.manual_seed(0)
    snapshots = Snapshots(with_labels)
    history = AdversarialTrainer(
        generator=Layers(100, 784, with_labels, torch.sigmoid),
        discriminator=Layers(784, 1, with_labels, nn.Identity()),
        latent_units=100,
        loss=loss,
        rows=Rows(images),
        condition=labels if with_labels else None,
        settings=Settings(batch_size=128, learning_rate=1e-3, weight_decay=0.0, evaluate_every=STEPS),
        schedule=Schedule(max_steps=STEPS, patience_steps=STEPS),
        root=np.random.SeedSequence(0),
        callbacks=[snapshots],
    ).run()
    return torch.cat([torch.cat(list(shown), dim=1) for shown in snapshots.images]), history[-1]


warnings.simplefilter("ignore", UserWarning)  # the diagnosis of what the picture is to show
images, labels = load_images()
figure, axes = plt.subplots(len(GAMES), 2, figsize=(13, 2.2 * len(GAMES)), layout="constrained")
for row, (name, loss) in zip(axes, GAMES.items(), strict=True):
    for axis, with_labels in zip(row, (False, True), strict=True):
        picture, last = play(loss, images, labels, with_labels)
        axis.imshow(picture, cmap="gray_r", vmin=0, vmax=1)
        told, covered = last["told_apart"], last["modes_covered"]
        given = ", labels 0 to 9 given" if with_labels else ""
        title = f"{name}{given}\n{told:.0%} told apart, {covered:.0%} of the modes covered"
        axis.set(xticks=[], title=title)
        axis.set_yticks([14 + 28 * i for i in range(len(SHOWN))], [f"step {step}" for step in SHOWN])
figure.savefig("vanilla_gan.png", dpi=110)
