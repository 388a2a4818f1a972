"""The two sides of every textbook GAN: what the discriminator minimises, and what the generator does.

Each function takes the discriminator's logits on real and on generated samples, both of shape (n_samples,),
and gives a loss per sample (per pair of samples) of the same shape; the trainer takes the mean.

References
----------
minimax, non_saturating : Goodfellow et al., Generative Adversarial Nets, NeurIPS 2014, eq. 1, sec. 3.
least_squares : Mao et al., Least Squares Generative Adversarial Networks, ICCV 2017, equation 9.
wasserstein : Arjovsky, Chintala, Bottou: Wasserstein GAN, ICML 2017, equation 3.
hinge : Lim, Ye: Geometric GAN, 2017, equations 26 and 27.
relativistic : Jolicoeur-Martineau: The Relativistic Discriminator, ICLR 2019 (pairing); with R1 and R2 as
Huang et al., The GAN is dead; long live the GAN!, NeurIPS 2024, show it to converge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from torch import Tensor
from torch.nn import functional as F

from ganaug.losses.penalties import PENALTIES

LogitLoss: TypeAlias = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class AdversarialLoss:
    """Both sides of a game, and what usually keeps it stable.

    Parameters
    ----------
    discriminator, generator : callable
        ``loss(real_logits, fake_logits)`` -> tensor of shape (n_samples,); what each side minimises.
    penalties : mapping of str to float, optional
        Penalties of the discriminator by their name in `PENALTIES`, and the factor of each.
    """

    discriminator: LogitLoss
    generator: LogitLoss
    penalties: Mapping[str, float] = field(default_factory=dict)


def minimax_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """Cross-entropy of telling real from generated."""
    return F.softplus(-real) + F.softplus(fake)


def minimax_generator(real: Tensor, fake: Tensor) -> Tensor:
    """log(1 - D(fake)): what the discriminator wins is what the generator loses; flat where D is sure."""
    return -F.softplus(fake)


def non_saturating_generator(real: Tensor, fake: Tensor) -> Tensor:
    """-log D(fake): steep where the discriminator is sure."""
    return F.softplus(-fake)


def least_squares_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """Distance of the logits from 1 for real, from 0 for generated."""
    return 0.5 * ((real - 1).square() + fake.square())


def least_squares_generator(real: Tensor, fake: Tensor) -> Tensor:
    """Distance of the logits of generated samples from 1."""
    return 0.5 * (fake - 1).square()


def wasserstein_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """How much higher generated samples score than real ones."""
    return fake - real


def wasserstein_generator(real: Tensor, fake: Tensor) -> Tensor:
    """How low generated samples score."""
    return -fake


def hinge_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """What is missing to a margin of 1 on either side."""
    return F.relu(1 - real) + F.relu(1 + fake)


def relativistic_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """Cross-entropy of telling which one of a pair is real."""
    return F.softplus(fake - real)


def relativistic_generator(real: Tensor, fake: Tensor) -> Tensor:
    """The same with the two sides of the pair exchanged."""
    return F.softplus(real - fake)


LOSSES: dict[str, AdversarialLoss] = {
    "minimax": AdversarialLoss(minimax_discriminator, minimax_generator),
    "non_saturating": AdversarialLoss(minimax_discriminator, non_saturating_generator, {"r1": 0.1}),
    "least_squares": AdversarialLoss(least_squares_discriminator, least_squares_generator, {"r1": 0.1}),
    "wasserstein": AdversarialLoss(wasserstein_discriminator, wasserstein_generator, {"wgan_gp": 10.0}),
    "hinge": AdversarialLoss(hinge_discriminator, wasserstein_generator, {"r1": 0.1}),
    "relativistic": AdversarialLoss(
        relativistic_discriminator, relativistic_generator, {"r1": 0.05, "r2": 0.05}
    ),
}


def resolve_loss(loss: Any) -> AdversarialLoss:
    """A loss by its name, as a pair of functions, or as it is.

    Parameters
    ----------
    loss : str, pair of callables, or AdversarialLoss
        A pair is (discriminator's loss, generator's loss), each ``loss(real_logits, fake_logits)`` -> one
        number per sample; it comes without a penalty.

    Raises
    ------
    ValueError
        An unknown name, or an unknown penalty.
    TypeError
        Something else.

    Examples
    --------
    >>> resolve_loss("hinge").penalties
    {'r1': 0.1}
    """
    if isinstance(loss, str):
        if loss not in LOSSES:
            raise ValueError(
                f"loss must be one of {', '.join(map(repr, LOSSES))}, or a pair of functions; got {loss!r}"
            )
        return LOSSES[loss]
    if isinstance(loss, tuple | list) and len(loss) == 2 and all(map(callable, loss)):
        return AdversarialLoss(*loss)
    if not isinstance(loss, AdversarialLoss):
        raise TypeError(
            "loss must be a name or a pair of functions (the discriminator's, the generator's), each "
            f"loss(real_logits, fake_logits) -> tensor of shape (n_samples,); got {loss!r}"
        )
    unknown = [name for name in loss.penalties if name not in PENALTIES]
    if unknown:
        raise ValueError(
            f"loss names a penalty that is not one of {', '.join(PENALTIES)}; got {unknown[0]!r}"
        )
    return loss
