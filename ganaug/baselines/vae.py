"""A variational autoencoder of rows.

References
----------
Kingma, Welling: Auto-Encoding Variational Bayes, ICLR 2014; Xu et al.: Modeling Tabular Data using
Conditional GAN, NeurIPS 2019 (TVAE, for tables).
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from ganaug.base import GeneratorOptions
from ganaug.baselines.latent import LatentNetwork, LatentOptions, LatentSynthesizer


class _Network(LatentNetwork):
    name = "vae"
    no_likelihood = "A variational autoencoder has a bound on the likelihood only."

    def losses(self, codes: Tensor, random: torch.Generator) -> Tensor:
        """The negative evidence lower bound of each row, (n_rows,)."""
        rows, mean, log_variance = self.encode(codes, random)
        noise = torch.randn(mean.shape, generator=random, device=random.device)
        latent = mean + (0.5 * log_variance).exp() * noise
        surplus = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1)
        return self.misfit(latent, rows, codes) + surplus

    def draw_latents(self, labels: Tensor, random: torch.Generator) -> Tensor:
        """From the prior, a standard normal distribution."""
        return torch.randn(len(labels), self.latent_units, generator=random, device=random.device)


class _Options(LatentOptions):
    name, network = "vae", _Network


class VAE(LatentSynthesizer):
    """Draw a latent from a normal distribution and decode it; learned by the evidence lower bound.

    Classes of ``y`` are given to the encoder and the decoder, so that rows can be asked for by label.

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
    >>> from ganaug.baselines import VAE
    >>> from ganaug.datasets import make_customers
    >>> customers = make_customers(200, random_state=0)
    >>> VAE(max_epochs=2, random_state=0).fit(customers).sample(5).shape == (5, customers.shape[1])
    True
    """

    _generators: ClassVar[dict[str, type[GeneratorOptions]]] = {_Options.name: _Options}
    _kind = _Options
