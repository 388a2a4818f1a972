"""Training rows that are kept as codes: what the baselines without training draw from."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from torch import Tensor, nn

from ganaug._util.parameters import check_parameter
from ganaug._util.random import RandomState, numpy_generator
from ganaug.baselines.base import Baseline, WholeRows
from ganaug.exceptions import InvalidConditionError
from ganaug.model import Model
from ganaug.training.history import History

_REMEMBER_KEY = 2


class KeptRows(nn.Module):
    """Rows of codes, and the choice among them.

    Parameters
    ----------
    modality : WholeRows
    n_rows : int
    """

    name: ClassVar[str]

    def __init__(self, modality: WholeRows, n_rows: int) -> None:
        super().__init__()
        self.fields = modality.fields
        self.n_own = len(modality.codec.fields)
        self.rows = nn.Parameter(torch.zeros(n_rows, len(self.fields)), requires_grad=False)

    def remember(self, codes: NDArray[Any], rng: np.random.Generator) -> None:
        """Keep these rows, (n_rows, n_fields)."""
        self.rows.copy_(torch.from_numpy(codes))

    def draw_codes(self, n_rows: int, random: torch.Generator, known: dict[int, Tensor]) -> Tensor:
        """Rows of codes (n_rows, n_fields), int32, with the labels that are known."""
        raise NotImplementedError

    def choose(self, n_rows: int, random: torch.Generator, known: dict[int, Tensor]) -> Tensor:
        """Numbers (n_rows,) of rows drawn with replacement, each among those with the label asked for."""
        if not known:
            return torch.randint(len(self.rows), (n_rows,), generator=random, device=random.device)
        asked = torch.stack([known[field] for field in sorted(known)], dim=1)
        kinds, kind_of = torch.unique(asked, dim=0, return_inverse=True)
        chosen = torch.empty_like(kind_of)
        for kind, label in enumerate(kinds):
            among = (self.rows[:, sorted(known)] == label).all(dim=1).nonzero().squeeze(1)
            if not len(among):
                raise InvalidConditionError("y asks for a number that no training row has anything near to")
            own = (kind_of == kind).nonzero().squeeze(1)
            at = torch.randint(len(among), (len(own),), generator=random, device=random.device)
            chosen[own] = among[at]
        return chosen


class KeptOptions(BaseEstimator):
    """What shapes the network of kept rows.

    Parameters
    ----------
    n_rows : int, default=1
    """

    name: ClassVar[str]
    network: ClassVar[type[KeptRows]]
    weight_decay: float = 0.0

    def __init__(self, *, n_rows: int = 1) -> None:
        self.n_rows = n_rows

    def check(self) -> None:
        """Raise an error that names the first option whose type or value is wrong."""
        check_parameter("n_rows", self.n_rows, int, minimum=1)

    def build(self, modality: WholeRows) -> KeptRows:
        """Make the network, with room for the rows."""
        return self.network(modality, **self.get_params())


class KeptRowsSynthesizer(Baseline):
    """A baseline that keeps rows and learns nothing else."""

    _kind: ClassVar[type[KeptOptions]]

    def __init__(self, *, random_state: RandomState = None) -> None:
        self.random_state = random_state

    def _options(self, n_rows: int) -> KeptOptions:
        return self._kind(n_rows=n_rows)

    def _learn(self, model: Model, codes: NDArray[Any], root: np.random.SeedSequence) -> tuple[History, int]:
        network: Any = model.network
        with torch.no_grad():
            network.remember(codes, numpy_generator(root, _REMEMBER_KEY))
        return History(), 1
