"""Digits that nobody wrote: images drawn class by class, and the real ones that come nearest to them.

scikit-learn's digits, 8 x 8 pixels, about two minutes on one core; ``GANAUG_STEPS`` shortens the fit. While
it learns, ``digits_so_far.png`` shows samples of the same latents again and again.
"""

import os
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from ganaug import GANSynthesizer, SampleGrid, image_grid

STEPS = int(os.environ.get("GANAUG_STEPS", 0))
N_SHOWN = 12  # of each class

warnings.simplefilter("ignore", UserWarning)  # a shortened fit may look like one that has collapsed
digits = load_digits()
synthesizer = GANSynthesizer(
    max_epochs=max(1, STEPS * 64 // len(digits.images)) if STEPS else "auto",
    callbacks=[SampleGrid("digits_so_far.png", every_seconds=10)],
    random_state=0,
)
synthesizer.fit(digits.images, digits.target)

labels = np.repeat(np.arange(10), N_SHOWN)
drawn = synthesizer.sample(y=labels)
search = NearestNeighbors(n_neighbors=1).fit(digits.data)
nearest = digits.images[search.kneighbors(drawn.reshape(len(drawn), -1), return_distance=False)[:, 0]]
real = np.concatenate([digits.images[digits.target == label][:N_SHOWN] for label in range(10)])

figure, axes = plt.subplots(1, 3, figsize=(15, 5), layout="constrained")
pictures = {
    "real": real,
    "drawn, a class in each row": drawn,
    "the real image nearest to each drawn one": nearest,
}
for axis, (title, images) in zip(axes, pictures.items(), strict=True):
    axis.imshow(image_grid(images, n_columns=N_SHOWN))
    axis.set_title(title)
    axis.axis("off")
figure.savefig("digits.png", dpi=110)
