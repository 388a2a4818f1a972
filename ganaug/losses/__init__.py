"""What a generator and a discriminator minimise: free functions, logits in, one number per sample out."""

from ganaug.losses.adversarial import LOSSES, AdversarialLoss, resolve_loss
from ganaug.losses.penalties import PENALTIES, Penalty

__all__ = ["LOSSES", "PENALTIES", "AdversarialLoss", "Penalty", "resolve_loss"]
