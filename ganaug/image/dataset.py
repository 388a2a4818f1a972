"""AugmentedDataset: real and generated images together, for training with PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, get_worker_info

from ganaug._util.parameters import check_flag, check_parameter
from ganaug._util.random import RandomState, numpy_generator, seed_sequence, seeded_clone
from ganaug.image.balance import WAYS, Comparison, compare_ways, plan_balance, shifted
from ganaug.metrics.images import ImageReader

Item = tuple[Tensor, int]


class AugmentedDataset(Dataset[Item]):
    """Real images, and generated ones of the same classes.

    Parameters
    ----------
    images : array of images
        (n, height, width), (n, height, width, channels) or (n, channels, height, width); or a list of them.
    labels : array of shape (n_images,)
    synthesizer : synthesizer, optional
        Anything with ``fit(images, labels)`` and ``sample(n, y=labels, random_state=)``. One that is fitted
        is used as it is; else a clone of it is fitted, where images are to be generated. With
        ``balance="auto"`` it must not be fitted: it would have seen the folds.
    ratio : float or dict, default=1.0
        Generated images for each real one: of every class, or by class (0 for those not named).
    balance : str, optional
        In place of ``ratio``: a way of balancing the classes, one of `ganaug.image.balance.WAYS`, or "auto",
        which tries them on folds with equal gradient steps, and takes another than "augmentation" only where
        it is better by more than noise.
    n_steps : int, default=400
        Gradient steps of each classifier that "auto" trains.
    cached : bool, default=True
        Whether generated images are drawn once, or anew whenever they are asked for: by batch, where the
        loader asks by batch.
    transform : callable, optional
        ``transform(image)`` of a tensor (channels, height, width).
    random_state : int, RandomState, Generator or None, default=None

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        What the codes of labels stand for.
    codes : ndarray of int, shape (n_items,)
        The class of each item.
    is_synthetic : ndarray of bool, shape (n_items,)
    class_weight : tensor of shape (n_classes,) or None
        For the loss, where the way of balancing is that of weights.
    balance_ : str or None
        The way that was taken.
    comparison : Comparison or None
        What "auto" found.

    Notes
    -----
    An item is a tensor (channels, height, width) of float32, the range of the real images as 0 to 1, and the
    code of its label.

    Examples
    --------
    >>> from torch.utils.data import DataLoader
    >>> from ganaug.image import AugmentedDataset
    >>> images, labels = np.random.default_rng(0).random((6, 8, 8)), ["a", "a", "a", "a", "b", "b"]
    >>> data = AugmentedDataset(images, labels, balance="oversampling", random_state=0)
    >>> len(data), np.bincount(data.codes).tolist()
    (8, [4, 4])
    >>> batch, codes = next(iter(DataLoader(data, batch_size=5)))
    >>> tuple(batch.shape)
    (5, 1, 8, 8)
    """

    def __init__(
        self,
        images: Any,
        labels: Any,
        synthesizer: Any = None,
        *,
        ratio: float | Mapping[Any, float] = 1.0,
        balance: str | None = None,
        n_steps: int = 400,
        cached: bool = True,
        transform: Callable[[Tensor], Tensor] | None = None,
        random_state: RandomState = None,
    ) -> None:
        check_flag("cached", cached)
        check_parameter("n_steps", n_steps, int, minimum=1)
        self._root = seed_sequence(random_state)
        self._reader = ImageReader.of(images)
        labels = np.asarray(labels)
        self.classes, real_codes = np.unique(labels, return_inverse=True)
        if len(real_codes) != len(images):
            raise ValueError(f"labels must have one for each of {len(images)} images, got {len(real_codes)}")
        self.transform = transform
        self.balance_, self.comparison = self._settled(images, labels, synthesizer, balance, n_steps)
        self.class_weight: Tensor | None = None
        self._is_shifted = False
        asked, self._order = self._plan(real_codes, ratio)
        self.synthesizer_: Any = _fitted(synthesizer, images, labels, self._root) if len(asked) else None
        self._real = torch.from_numpy(self._reader.read(images))
        self._asked, self._n_drawn = self.classes[asked], 0
        every = np.concatenate([real_codes, asked])
        self.codes, self.is_synthetic = every[self._order], self._order >= len(labels)
        self._drawn = self._draw(self._asked) if cached and len(asked) else None

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, place: int) -> Item:
        return self.__getitems__([place])[0]

    def __getitems__(self, places: Sequence[int]) -> list[Item]:
        """Items of a batch; what is to be generated is generated at once."""
        sources = self._order[np.asarray(places)]
        n_real = len(self._real)
        generated = sources >= n_real
        images = self._real[torch.from_numpy(np.where(generated, 0, sources))]
        if generated.any():
            wanted = sources[generated] - n_real
            drawn = self._draw(self._asked[wanted]) if self._drawn is None else self._drawn[wanted]
            images[torch.from_numpy(generated)] = drawn
        if self._is_shifted:
            images = shifted(images, self._shifts())
        codes = self.codes[np.asarray(places)].tolist()
        if self.transform is not None:
            return [(self.transform(image), code) for image, code in zip(images, codes, strict=True)]
        return list(zip(images, codes, strict=True))

    def _settled(
        self, images: Any, labels: NDArray[Any], synthesizer: Any, balance: str | None, n_steps: int
    ) -> tuple[str | None, Comparison | None]:
        if balance is not None and balance not in (*WAYS, "auto"):
            raise ValueError(f"balance must be None, 'auto' or one of {', '.join(WAYS)}; got {balance!r}")
        if balance != "auto":
            return balance, None
        if _is_fitted(synthesizer):
            raise ValueError(
                "balance='auto' needs a synthesizer that hasn't seen the images yet; got one that is "
                f"fitted, {synthesizer!r}"
            )
        comparison = compare_ways(images, labels, synthesizer, n_steps=n_steps, random_state=self._seed(1))
        return comparison.chosen, comparison

    def _plan(self, codes: NDArray[np.intp], ratio: Any) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Codes of the images to be generated, and the items as places among the real, then those."""
        if self.balance_ is None:
            asked = np.repeat(np.arange(len(self.classes)), _wanted(ratio, self.classes, np.bincount(codes)))
            return asked, np.arange(len(codes) + len(asked))
        plan = plan_balance(codes, self.balance_, numpy_generator(self._root, 0))
        if plan.class_weight is not None:
            self.class_weight = torch.tensor(plan.class_weight, dtype=torch.float32)
        self._is_shifted = plan.is_shifted
        return plan.asked, plan.order

    def _draw(self, labels: NDArray[Any]) -> Tensor:
        """Generated images of these classes, different at every call and in every worker of a loader."""
        worker = get_worker_info()
        key = (2, 0 if worker is None else worker.seed % 2**32, self._n_drawn)
        self._n_drawn += 1
        drawn = self.synthesizer_.sample(len(labels), y=labels, random_state=self._seed(*key))
        return torch.from_numpy(self._reader.read(drawn)).clamp(0, 1)

    def _shifts(self) -> torch.Generator:
        """Follows torch's own state, as transforms of images do, so that workers and epochs differ."""
        return torch.Generator().manual_seed(int(torch.randint(2**62, ()).item()))

    def _seed(self, *key: int) -> int:
        return int(numpy_generator(self._root, *key).integers(2**31))


def _wanted(ratio: Any, classes: NDArray[Any], counts: NDArray[np.intp]) -> NDArray[np.intp]:
    """How many images of each class are to be generated."""
    names = classes.tolist()
    if isinstance(ratio, Mapping):
        unknown = [name for name in ratio if name not in names]
        if unknown:
            raise ValueError(f"ratio names a class that no image has; got {unknown[0]!r}")
        ratios = [ratio.get(name, 0.0) for name in names]
    else:
        ratios = [ratio] * len(names)
    bad = [value for value in ratios if isinstance(value, bool | str) or not 0 <= value < np.inf]
    if bad:
        raise ValueError(f"ratio must be a number >= 0, or one for each class; got {bad[0]!r}")
    return np.rint(np.array(ratios) * counts).astype(np.intp)


def _is_fitted(synthesizer: Any) -> bool:
    return any(name.endswith("_") and not name.startswith("_") for name in vars(synthesizer or object))


def _fitted(synthesizer: Any, images: Any, labels: NDArray[Any], root: np.random.SeedSequence) -> Any:
    if synthesizer is None:
        raise ValueError("Generated images are asked for, and synthesizer is None: pass a GANSynthesizer")
    return synthesizer if _is_fitted(synthesizer) else seeded_clone(synthesizer, root, 3).fit(images, labels)
