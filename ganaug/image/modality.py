"""Images: the codec, the networks and the game, put together for GANSynthesizer."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ganaug._util.random import torch_generator
from ganaug._util.store import Arrays, Header, arrays_under, header_dict
from ganaug.base import Guidance
from ganaug.exceptions import (
    FewImagesWarning,
    InvalidConditionError,
    InvalidImageError,
    UnsupportedError,
)
from ganaug.image.codec import ImageCodec
from ganaug.image.convnet import ConvNet, Shape
from ganaug.image.full import FullDiscriminator, FullGenerator
from ganaug.image.game import ImageTrainer, make_game
from ganaug.image.judge import Judge
from ganaug.image.labels import Labels
from ganaug.image.lite import LiteDiscriminator, LiteGenerator
from ganaug.image.reading import are_images, read_images
from ganaug.training.plan import Task

_FEWEST_IN_CLASS = 50
_CHUNK = 256  # images drawn in one pass
_MOST_JUDGED = 1024
_LABEL_KEY, _LATENT_KEY, _CALIBRATION_KEY = 0, 1, 4


@dataclass(frozen=True)
class ImageModality:
    """Images with or without labels.

    Parameters
    ----------
    codec : ImageCodec
    target : Labels or None
    """

    name: ClassVar[str] = "image"
    fit_parameters: ClassVar[tuple[str, ...]] = ("image_shape",)
    parameters: ClassVar[tuple[str, ...]] = fit_parameters
    codec: ImageCodec
    target: Labels | None

    @classmethod
    def recognises(cls, X: Any, image_shape: Any = None, **others: Any) -> bool:
        """Whether this is meant as images."""
        return are_images(X, image_shape)

    @classmethod
    def fit(
        cls, X: Any, y: Any, weights: NDArray[np.float64] | None, *, image_shape: Any = None
    ) -> ImageModality:
        """Learn layout, range and classes."""
        codec = ImageCodec.fit(X, image_shape)
        target = None if y is None else Labels.fit(y, len(X), weights)
        if target is not None:
            _warn_of_few(target, len(X) if weights is None else int((weights > 0).sum()))
        return cls(codec, target)

    def header(self, X: Any) -> Any:
        """What scikit-learn may look at to note the number of features."""
        images, _ = read_images(X, self.codec.layout.image_shape if getattr(X, "ndim", 0) == 2 else None)
        return np.empty((0, int(np.prod(images.shape[1:]))))

    @property
    def constraints(self) -> list[Any]:
        """None: images have no columns."""
        return []

    def with_constraints(self, constraints: Sequence[Any]) -> ImageModality:
        """The same; an error when there are constraints."""
        if constraints:
            raise ValueError(f"constraints are for tables, not for images; got {constraints!r}")
        return self

    @property
    def columns(self) -> ImageCodec:
        """How images are understood: the codec."""
        return self.codec

    @property
    def labels(self) -> Sequence[Any]:
        """Numbers of the pixels."""
        return range(self.codec.n_pixels)

    @property
    def foreign_codecs(self) -> list[type[Any]]:
        """None."""
        return []

    @property
    def is_labelled(self) -> bool:
        """Whether there are labels."""
        return self.target is not None

    @property
    def n_classes(self) -> int:
        """Classes of the labels; 0 without any."""
        return 0 if self.target is None else len(self.target)

    @property
    def classes(self) -> NDArray[Any] | None:
        """Classes of the labels, sorted."""
        return None if self.target is None else np.asarray(self.target.levels)

    def encode(self, X: Any, y: Any, *, strict: bool) -> NDArray[Any]:
        """Codes (n, n_pixels), with the class in one column more where ``y`` is given and was in fit."""
        pixels = self.codec.encode(X)
        if self.target is None or y is None:
            if strict and self.target is not None:
                raise InvalidImageError("y must be given, as in the first fit; got None")
            return pixels
        classes = self.target.encode(y)
        if len(classes) != len(pixels):
            raise InvalidImageError(
                f"y must have a label for each of {len(pixels)} images, got {len(classes)}"
            )
        wide = np.promote_types(pixels.dtype, np.min_scalar_type(max(self.n_classes - 1, 0)))
        return np.concatenate([pixels, classes[:, None]], axis=1, dtype=wide, casting="unsafe")

    def decode(self, codes: NDArray[Any], rng: np.random.Generator) -> tuple[Any, Any]:
        """Codes back to images, and labels (None without any)."""
        given = torch.from_numpy(codes)
        classes = self.classes_of(given)
        labels = None if self.target is None or classes is None else self.target.decode(classes.numpy())
        return self.codec.decode(self.to_samples(given)), labels

    def classes_of(self, codes: Tensor) -> Tensor | None:
        """Classes (n,) of rows of codes; None where there are none."""
        return codes[:, -1].long() if codes.shape[1] > self.codec.n_pixels else None

    def to_samples(self, codes: Tensor) -> Tensor:
        """What networks see of rows of codes."""
        return self.codec.to_samples(codes[:, : self.codec.n_pixels], self._canvas)

    @property
    def _canvas(self) -> tuple[int, int]:
        return Shape.of(self.codec.layout.size, 0, ConvNet(architecture="lite", base_channels=1)).canvas

    @property
    def border(self) -> Tensor:
        """What is around an image, as networks see it, (c, 1, 1)."""
        return self.codec.border

    def rare_rows(self, codes: NDArray[Any], fewest: int) -> NDArray[np.bool_]:
        """Which images are of a class that has fewer than this."""
        if self.target is None:
            return np.zeros(len(codes), dtype=bool)
        classes = codes[:, -1].astype(np.intp)
        return np.bincount(classes)[classes] < fewest

    def default_generator(self) -> ConvNet:
        """Options that suit any images."""
        return ConvNet()

    def settle(self, options: Any, device: torch.device) -> ConvNet:
        """Options with what "auto" is on this device in its place."""
        if not isinstance(options, ConvNet):
            raise TypeError(f"generator must be 'auto', 'convnet' or a ConvNet for images, got {options!r}")
        return options.settle(self.codec.layout.size, has_gpu=device.type == "cuda")

    def build(self, options: Any) -> nn.Module:
        """Make the generator; its weights are drawn from torch's current generator."""
        shape, kind = self._shape(options)
        return (FullGenerator if kind == "full" else LiteGenerator)(shape)

    def build_discriminator(self, options: Any) -> nn.Module:
        """Make the discriminator."""
        shape, kind = self._shape(options)
        return (FullDiscriminator if kind == "full" else LiteDiscriminator)(shape)

    def _shape(self, options: Any) -> tuple[Shape, str]:
        """Sizes of both networks, and their kind."""
        settled = self.settle(options, torch.device("cpu"))
        return Shape.of(self.codec.layout.size, self.n_classes, settled), settled.architecture

    def trainer(self, network: Any, options: Any, task: Task) -> ImageTrainer:
        """What trains the network, ready to run."""
        return make_game(self, options, network, task)

    def make_guide(
        self,
        network: Any,
        codes: NDArray[Any],
        weights: NDArray[np.float64] | None,
        task: Task,
        trainer: Any,
        seed: int,
    ) -> Judge:
        """The discriminator, and what its logits are worth."""
        judge = Judge(self, trainer.options, trainer.discriminator)
        rows = trainer.rows if trainer.held_out is None else trainer.held_out
        random = torch_generator(np.random.SeedSequence(seed), _CALIBRATION_KEY, device=trainer.device)
        real = rows.values[torch.randperm(len(rows), generator=random, device=trainer.device)[:_MOST_JUDGED]]
        return judge.calibrated(real, self._codes_like(network, real, random))

    def _codes_like(self, network: Any, real: Tensor, random: torch.Generator) -> Tensor:
        """Codes of as many generated images, of the same classes."""
        classes = self.classes_of(real)
        X = self.codec.decode(self._draw(network, len(real), classes, random))
        y = None if self.target is None or classes is None else self.target.decode(classes.cpu().numpy())
        return torch.from_numpy(self.encode(X, y, strict=False)).to(real.device)

    def guide_from_state(self, header: Header, arrays: Arrays) -> Judge:
        """Inverse of the judge's ``to_state``; anything malformed is a `ModelFileError`."""
        return Judge.from_state(self, header, arrays)

    def log_likelihood(self, network: Any, codes: Tensor) -> NDArray[np.float64]:
        """Refused: there is none."""
        raise UnsupportedError(
            "A generator of images makes them from noise and can't say how likely a given one is. Use "
            "realism(X) for how real each image looks to the discriminator; got score_samples"
        )

    def features(self, network: Any, guide: Judge, codes: Tensor, X: Any) -> NDArray[np.float64]:
        """What the discriminator sees in each image, (n, n_features)."""
        return guide.features(codes)

    def feature_names(self, guide: Judge) -> list[str]:
        """What `features` are, in their order."""
        return [f"discriminator{i}" for i in range(guide.discriminator.head.n_features)]

    def sample(
        self,
        network: Any,
        n: int | None,
        y: Any,
        conditions: Any,
        root: np.random.SeedSequence,
        *,
        counts: Any = None,
        extrapolate: bool = False,
        guidance: Guidance | None = None,
    ) -> tuple[Any, Any]:
        """Draw images, and labels (None without any)."""
        batch = self.sample_batches(
            network, n, 0, root, guidance, y=y, conditions=conditions, counts=counts, extrapolate=extrapolate
        )
        return next(batch)

    def sample_batches(
        self,
        network: Any,
        n: int | None,
        batch_rows: int,
        root: np.random.SeedSequence,
        guidance: Guidance | None,
        **asked: Any,
    ) -> Iterator[tuple[Any, Any]]:
        """Draw images and labels batch after batch; all in one where ``batch_rows`` is 0."""
        classes = self._classes_asked(n, asked.pop("y", None), root)
        _refuse_conditions(asked, guidance)
        n = (n or 1) if classes is None else len(classes)
        device = next(network.parameters()).device
        random = torch_generator(root, _LATENT_KEY, device=device)
        return self._batches(network, n, batch_rows or n, classes, random)

    def _batches(
        self, network: Any, n: int, batch_rows: int, classes: NDArray[np.intp] | None, random: torch.Generator
    ) -> Iterator[tuple[Any, Any]]:
        for start in range(0, n, batch_rows):
            own = None if classes is None else classes[start : start + batch_rows]
            given = None if own is None else torch.from_numpy(own).to(random.device)
            samples = self._draw(network, min(batch_rows, n - start), given, random)
            labels = None if own is None or self.target is None else self.target.decode(own)
            yield self.codec.decode(samples), labels

    @torch.no_grad()
    def _draw(self, network: Any, n: int, classes: Tensor | None, random: torch.Generator) -> Tensor:
        """Samples of the network, (n, c, *canvas)."""
        parts = []
        for start in range(0, n, _CHUNK):
            size = min(_CHUNK, n - start)
            latent = torch.randn(size, network.shape.latent_units, generator=random, device=random.device)
            given = () if classes is None else (classes[start : start + size],)
            parts.append(network(latent, *given))
        return torch.cat(parts)

    def _classes_asked(self, n: int | None, y: Any, root: np.random.SeedSequence) -> NDArray[np.intp] | None:
        """Classes (n,) as asked for, else as often as they were in fit; None without labels."""
        if self.target is None:
            if y is not None:
                raise InvalidConditionError(f"y was given to sample, but fit was not given any; got y={y!r}")
            return None
        if y is None:
            rng = np.random.default_rng(
                np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, _LABEL_KEY))
            )
            return rng.choice(len(self.target), n or 1, p=self.target.shares)
        asked = [y] * (n or 1) if np.ndim(y) == 0 else y
        if len(asked) != (n or len(asked)) or not len(asked):
            raise InvalidConditionError(f"y must have a label for each of the {n} images, got {len(asked)}")
        return self.target.encode(asked)

    def complete(
        self, network: Any, X: Any, y: Any, n_draws: int, root: np.random.SeedSequence
    ) -> Iterator[tuple[Any, Any]]:
        """Refused: images have no missing cells."""
        raise UnsupportedError(
            "Parts of images can't be filled in: complete is for tables. Use sample(y=...) for new images "
            "of a class; got complete"
        )

    def to_state(self) -> tuple[Header, Arrays]:
        """A JSON-able header and arrays."""
        header, arrays = self.codec.to_state()
        state: Header = {"codec": header, "target": None}
        held = {f"codec.{key}": array for key, array in arrays.items()}
        if self.target is not None:
            state["target"], arrays = self.target.to_state()
            held |= {f"target.{key}": array for key, array in arrays.items()}
        return state, held

    @classmethod
    def from_state(cls, header: Header, arrays: Arrays, codecs: Sequence[type[Any]] = ()) -> ImageModality:
        """Inverse of `to_state`; anything malformed is a `ModelFileError`."""
        if codecs:
            raise ValueError(f"codecs are for columns of tables, not for images; got {codecs!r}")
        codec = ImageCodec.from_state(header_dict(header, "codec"), arrays_under("codec.", arrays))
        if header.get("target") is None:
            return cls(codec, None)
        return cls(codec, Labels.from_state(header_dict(header, "target"), arrays_under("target.", arrays)))


def _warn_of_few(target: Labels, n_images: int) -> None:
    counts = np.rint(target.shares * n_images).astype(int)
    counted = zip(target.levels.tolist(), counts.tolist(), strict=True)
    few = [f"{label!r} ({count})" for label, count in counted if count < _FEWEST_IN_CLASS]
    if few:
        warnings.warn(
            "With fewer than 50 images of a class, generated ones are of little variety, and a classifier "
            "learns more from copies that are shifted or turned. Join rare classes, or compare with and "
            f"without before you use them. Classes with few images: {', '.join(few[:10])}",
            FewImagesWarning,
            stacklevel=4,
        )


def _refuse_conditions(asked: Mapping[str, Any], guidance: Guidance | None) -> None:
    strength = None if guidance is None else guidance.strength
    for name, value in {**asked, "guidance": strength}.items():
        if value:
            raise UnsupportedError(
                f"{name}= is for tables; for images ask for classes: sample(y=[...]). Got {value!r}"
            )
