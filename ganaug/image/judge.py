"""What the discriminator says of images after the game: features, and how likely each is to be real."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from ganaug._util.store import Arrays, Header, array_of, arrays_under, header_dict
from ganaug.image.convnet import ConvNet
from ganaug.model import network_from, options_from_state

if TYPE_CHECKING:
    from ganaug.image.modality import ImageModality

_CHUNK = 256


@dataclass(frozen=True)
class Judge:
    """The discriminator, and how its logits become odds.

    Parameters
    ----------
    modality : ImageModality
    options : ConvNet
        What the discriminator was built from.
    discriminator : Module
    slope, offset : float
        Log-odds of being real, among as many real as generated images, by logit.
    """

    modality: ImageModality
    options: ConvNet
    discriminator: Any
    slope: float = 1.0
    offset: float = 0.0

    def calibrated(self, real: Tensor, fake: Tensor) -> Judge:
        """The same with slope and offset found on images; best on real ones that it hasn't learned from."""
        logits = torch.cat([self.logits(real), self.logits(fake)]).double().cpu().numpy()
        spread = float(logits.std()) or 1.0
        model = LogisticRegression().fit(logits[:, None] / spread, np.arange(len(logits)) < len(real))
        slope, offset = float(model.coef_[0, 0]) / spread, float(model.intercept_[0])
        return replace(self, slope=max(0.0, slope), offset=offset if slope > 0 else 0.0)

    @torch.no_grad()
    def logits(self, codes: Tensor) -> Tensor:
        """Logits (n,) of rows of codes, their classes among them or not."""
        network = self.discriminator.to(codes.device).eval()
        parts = []
        for part in codes.split(_CHUNK):
            samples = self.modality.to_samples(part)
            labels = self.modality.classes_of(part)
            parts.append(network(samples, *(() if labels is None else (labels,))))
        return torch.cat(parts)

    def log_odds(self, codes: Tensor) -> Tensor:
        """Log-odds of being real, (n,)."""
        return self.logits(codes) * self.slope + self.offset

    @torch.no_grad()
    def features(self, codes: Tensor) -> NDArray[np.float64]:
        """What the discriminator sees in each image, (n, n_features); in double precision, each alone."""
        network = copy.deepcopy(self.discriminator).to(codes.device).double().eval()
        parts = [network.features(self.modality.to_samples(part).double()) for part in codes.split(_CHUNK)]
        return torch.cat(parts).cpu().numpy()

    def to_state(self) -> tuple[Header, Arrays]:
        """A JSON-able header and arrays."""
        held = self.discriminator.state_dict().items()
        weights = {f"discriminator.{name}": tensor.cpu().numpy() for name, tensor in held}
        calibration = np.array([self.slope, self.offset])
        return {"options": self.options.get_params()}, {"calibration": calibration, **weights}

    @classmethod
    def from_state(cls, modality: ImageModality, header: Header, arrays: Arrays) -> Judge:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`."""
        options = cast(ConvNet, options_from_state(header_dict(header, "options"), ConvNet))
        weights = arrays_under("discriminator.", arrays)
        network = network_from(lambda: modality.build_discriminator(options), weights)
        slope, offset = array_of(arrays, "calibration", "f", shape=(2,), finite=True)
        return cls(modality, options, network, float(slope), float(offset))
