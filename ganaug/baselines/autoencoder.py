"""An autoencoder whose latents are drawn, class by class, from the normal distribution that fits them.

References
----------
Hinton, Salakhutdinov: Reducing the Dimensionality of Data with Neural Networks, Science 2006.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganaug._util.random import torch_generator
from ganaug.base import GeneratorOptions
from ganaug.baselines.base import WholeRows
from ganaug.baselines.latent import LatentNetwork, LatentOptions, LatentSynthesizer
from ganaug.model import Model
from ganaug.training.history import History

_LATENTS_KEY = 4
_RIDGE = 1e-4  # added to each variance of the latents


class _Network(LatentNetwork):
    name = "autoencoder"
    no_likelihood = "An autoencoder has no likelihood: it says how to write a row down, not how likely it is."
    latent_mean: Tensor
    latent_factor: Tensor

    def __init__(self, modality: WholeRows, options: LatentOptions) -> None:
        super().__init__(modality, options)
        n_latents = options.latent_units
        self.register_buffer("latent_mean", torch.zeros(self.n_labels, n_latents))
        self.register_buffer("latent_factor", torch.eye(n_latents).repeat(self.n_labels, 1, 1))

    def losses(self, codes: Tensor, random: torch.Generator) -> Tensor:
        """How badly each row is written down, (n_rows,)."""
        rows, latent, _ = self.encode(codes, random)
        return self.misfit(latent, rows, codes)

    @torch.no_grad()
    def fit_latents(self, codes: Tensor, random: torch.Generator) -> None:
        """Learn the latents' mean and spread in each class; a small one borrows from the spread of all."""
        latents = torch.cat([self.encode(part, random)[1] for part in codes.split(4096)]).double()
        labels = codes[:, -1].long() if self.is_conditional else torch.zeros(len(codes)).long()
        ridge = _RIDGE * torch.eye(self.latent_units, dtype=torch.float64, device=codes.device)
        common = _covariance(latents) + ridge
        for label in range(self.n_labels):
            own = latents[labels == label]
            if not len(own):
                own = latents
            share = len(own) / (len(own) + 2 * self.latent_units)
            spread = share * (_covariance(own) + ridge) + (1 - share) * common
            self.latent_mean[label] = own.mean(dim=0)
            self.latent_factor[label] = torch.linalg.cholesky(spread)

    def draw_latents(self, labels: Tensor, random: torch.Generator) -> Tensor:
        """From the normal distribution that fits the class's latents."""
        noise = torch.randn(len(labels), self.latent_units, generator=random, device=random.device)
        turned = torch.einsum("nij,nj->ni", self.latent_factor[labels], noise)
        return self.latent_mean[labels] + turned


class _Options(LatentOptions):
    name, network = "autoencoder", _Network


class Autoencoder(LatentSynthesizer):
    """Draw a latent as those of the training rows are spread, and decode it.

    An autoencoder learns to write rows down in a few numbers, and to read them. Nothing makes these numbers
    fill their space evenly, so that a normal distribution fits them badly: what `VAE` is there for.

    Parameters
    ----------
    hidden_units : int, default=128
        Width of the encoder and of the decoder.
    latent_units : int, default=16
    n_blocks : int, default=1
        Residual blocks in each.
    max_epochs : int or "auto", default="auto"
        Most passes over the training rows; "auto" lets held-out rows decide.
    time_budget_seconds : float, optional
        Wall-clock time for ``fit``.
    batch_size : int, default=256
    learning_rate : float, default=0.002
    validation_fraction : float, default=0.1
        Share of the rows that is held out to judge when to end.
    device : str or torch.device, default="auto"
    random_state : int, RandomState, Generator or None, default=None
        An int repeats ``fit`` and ``sample``.

    Examples
    --------
    >>> from ganaug.baselines import Autoencoder
    >>> from ganaug.datasets import make_customers
    >>> customers = make_customers(200, random_state=0)
    >>> autoencoder = Autoencoder(max_epochs=2, random_state=0).fit(customers)
    >>> autoencoder.sample(5).shape == (5, customers.shape[1])
    True
    """

    _generators: ClassVar[dict[str, type[GeneratorOptions]]] = {_Options.name: _Options}
    _kind = _Options

    def _learn(self, model: Model, codes: NDArray[Any], root: np.random.SeedSequence) -> tuple[History, int]:
        found = super()._learn(model, codes, root)
        network: Any = model.network
        network.eval()
        rows = torch.from_numpy(codes).to(model.device)
        network.fit_latents(rows, torch_generator(root, _LATENTS_KEY, device=model.device))
        return found


def _covariance(rows: Tensor) -> Tensor:
    centred = rows - rows.mean(dim=0)
    return centred.T @ centred / len(rows)
