"""Between a row and one of its neighbours, all columns at once.

References
----------
Chawla, Bowyer, Hall, Kegelmeyer: SMOTE: Synthetic Minority Over-sampling Technique, JAIR 2002.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors
from torch import Tensor, nn

from ganaug._util.parameters import check_parameter
from ganaug._util.random import RandomState
from ganaug.base import GeneratorOptions
from ganaug.baselines.base import WholeRows
from ganaug.baselines.rows import KeptOptions, KeptRows, KeptRowsSynthesizer
from ganaug.tabular.columns.base import CategoryField, Field, NumberField


class _Network(KeptRows):
    name = "smote"
    no_likelihood = "SMOTE's rows lie on the lines between training rows: all others have likelihood 0."

    def __init__(self, modality: WholeRows, n_rows: int, n_neighbors: int) -> None:
        super().__init__(modality, n_rows)
        self.neighbours = nn.Parameter(torch.zeros(n_rows, n_neighbors), requires_grad=False)

    def remember(self, codes: NDArray[Any], rng: np.random.Generator) -> None:
        """Keep these rows, and who is near whom; where labels are classes, within each class."""
        super().remember(codes, rng)
        columns, labels = codes[:, : self.n_own], codes[:, self.n_own :]
        features = np.hstack([_features(f, own) for f, own in zip(self.fields, columns.T, strict=False)])
        classes = labels[:, -1] if labels.size and isinstance(self.fields[-1], CategoryField) else None
        kinds = [np.arange(len(codes))]
        if classes is not None:
            kinds = [np.flatnonzero(classes == kind) for kind in np.unique(classes)]
        for rows in kinds:
            near = rows[_nearest(features[rows], self.neighbours.shape[1])]
            self.neighbours[torch.from_numpy(rows)] = torch.from_numpy(near).to(self.neighbours.dtype)

    def draw_codes(self, n_rows: int, random: torch.Generator, known: dict[int, Tensor]) -> Tensor:
        """Rows of codes (n_rows, n_fields), int32, with the labels that are known."""
        first = self.choose(n_rows, random, known)
        n_neighbours = self.neighbours.shape[1]
        at = torch.randint(n_neighbours, (n_rows,), generator=random, device=random.device)
        second = self.neighbours[first, at].long()
        step, side = torch.rand(2, n_rows, generator=random, device=random.device)
        ends = self.rows[first].long(), self.rows[second].long()
        drawn = torch.where(side.unsqueeze(1) < 0.5, *ends)
        for i, field in enumerate(self.fields):
            if isinstance(field, NumberField):
                drawn[:, i] = _between(field, ends[0][:, i], ends[1][:, i], step, drawn[:, i])
        for place, asked in known.items():
            drawn[:, place] = asked
        return drawn.int()


class _Options(KeptOptions):
    name, network = "smote", _Network

    def __init__(self, *, n_rows: int = 1, n_neighbors: int = 5) -> None:
        super().__init__(n_rows=n_rows)
        self.n_neighbors = n_neighbors

    def check(self) -> None:
        """Raise an error that names the first option whose type or value is wrong."""
        super().check()
        check_parameter("n_neighbors", self.n_neighbors, int, minimum=1, maximum=1_000)


class SmoteSynthesizer(KeptRowsSynthesizer):
    """Draw rows between a training row and one of its nearest neighbours.

    Numbers lie between on the axis of normal scores, everything else comes from one of the two rows; where
    labels are classes, neighbours are of one class. Training rows show through, as `ganaug.metrics.dcr_share`
    tells. The file that `save` writes holds them.

    Parameters
    ----------
    n_neighbors : int, default=5
        Among how many nearest rows the second one is chosen.
    random_state : int, RandomState, Generator or None, default=None
        An int repeats what `sample` draws.

    Examples
    --------
    >>> import numpy as np
    >>> from ganaug.baselines import SmoteSynthesizer
    >>> X = np.random.default_rng(0).normal(size=(60, 2))
    >>> y = np.array(["rare"] * 10 + ["common"] * 50)
    >>> SmoteSynthesizer(random_state=0).fit(X, y).sample(y=["rare"] * 40).shape
    (40, 2)
    """

    _generators: ClassVar[dict[str, type[GeneratorOptions]]] = {_Options.name: _Options}

    def __init__(self, *, n_neighbors: int = 5, random_state: RandomState = None) -> None:
        super().__init__(random_state=random_state)
        self.n_neighbors = n_neighbors

    def _options(self, n_rows: int) -> _Options:
        return _Options(n_rows=n_rows, n_neighbors=self.n_neighbors)

    def _check_parameters(self) -> None:
        self._options(1).check()


def _features(field: Field, codes: NDArray[Any]) -> NDArray[np.float32]:
    """A number's normal score; a category one-hot, so that two levels are at squared distance 1."""
    if isinstance(field, NumberField):
        return np.nan_to_num(field.axis)[codes][:, None].astype(np.float32)
    spread = np.zeros((len(codes), field.n_codes), dtype=np.float32)
    spread[np.arange(len(codes)), codes] = np.sqrt(0.5)
    return spread


def _nearest(features: NDArray[np.float32], n_neighbours: int) -> NDArray[np.intp]:
    """Numbers (n_rows, n_neighbours) of the nearest other rows, over again where there are too few."""
    n_rows = len(features)
    if n_rows == 1:
        return np.zeros((1, n_neighbours), dtype=np.intp)
    n_found = min(n_neighbours, n_rows - 1)
    found = (
        NearestNeighbors(n_neighbors=n_found + 1).fit(features).kneighbors(return_distance=False, X=features)
    )
    own_last = np.argsort(found == np.arange(n_rows)[:, None], axis=1, kind="stable")
    others = np.take_along_axis(found, own_last, axis=1)[:, :n_found]
    return others[:, np.arange(n_neighbours) % n_found]


def _between(field: NumberField, first: Tensor, second: Tensor, step: Tensor, either: Tensor) -> Tensor:
    """Codes on the way from one to the other; the given ones where one is missing, or both are the same."""
    axis = torch.from_numpy(field.axis).to(first.device)
    score = torch.lerp(axis[first], axis[second], step.double())
    inner = torch.from_numpy(field.upper[:-1]).to(first.device)
    cell = field.n_points + torch.searchsorted(inner, score.nan_to_num(), right=True)
    return torch.where(score.isnan() | (first == second), either, cell)
