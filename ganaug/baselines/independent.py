"""Every column by itself: perfect marginals, no dependence."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganaug.base import GeneratorOptions
from ganaug.baselines.base import WholeRows
from ganaug.baselines.rows import KeptOptions, KeptRows, KeptRowsSynthesizer


class _Network(KeptRows):
    name = "independent"

    def __init__(self, modality: WholeRows, n_rows: int) -> None:
        super().__init__(modality, n_rows)
        own = {(span.start, span.stop): span for span in modality.codec.slices if span.stop > span.start}
        labels = slice(self.n_own, len(self.fields))
        self.spans = [*own.values(), *([labels] if labels.stop > labels.start else [])]

    def remember(self, codes: NDArray[Any], rng: np.random.Generator) -> None:
        """Keep the cells of each column, in an order of its own: no file holds a row."""
        shuffled = [codes[rng.permutation(len(codes)), span] for span in self.spans]
        super().remember(np.concatenate(shuffled, axis=1), rng)

    def draw_codes(self, n_rows: int, random: torch.Generator, known: dict[int, Tensor]) -> Tensor:
        """Rows of codes (n_rows, n_fields), int32, with the labels that are known."""
        codes = torch.cat([self.rows[self.choose(n_rows, random, {}), span] for span in self.spans], dim=1)
        for field, asked in known.items():
            codes[:, field] = asked
        return codes.int()

    def log_likelihood(self, codes: Tensor, unknown: Tensor) -> Tensor:
        """Sum over the columns of the logarithm of each cell's share, (n_rows,)."""
        total = torch.zeros(len(codes), dtype=torch.float64, device=codes.device)
        for span in self.spans:
            joined = torch.cat([self.rows[:, span].long(), codes[:, span].long()])
            which = torch.unique(joined, dim=0, return_inverse=True)[1]
            counts = torch.bincount(which[: len(self.rows)], minlength=int(which.max()) + 1)
            share = counts[which[len(self.rows) :]].double() / len(self.rows)
            total += torch.where(share > 0, share.log(), unknown[span.start].double())
        return total


class _Options(KeptOptions):
    name, network = "independent", _Network


class IndependentColumns(KeptRowsSynthesizer):
    """Draw every column from its own values, as if no other were there.

    It is the other end of the scale: every column by itself is right, and nothing goes together, labels that
    are asked for included. (A column that another determines, such as a code beside a name, still follows
    it: that is the codec's doing.) `score_samples` is the sum of the logarithms of the cells' frequencies.

    Parameters
    ----------
    random_state : int, RandomState, Generator or None, default=None
        An int repeats what `sample` draws.

    Examples
    --------
    >>> from ganaug.baselines import IndependentColumns
    >>> from ganaug.datasets import make_customers
    >>> customers = make_customers(100, random_state=0)
    >>> IndependentColumns(random_state=0).fit(customers).sample(5).shape == (5, customers.shape[1])
    True
    """

    _generators: ClassVar[dict[str, type[GeneratorOptions]]] = {_Options.name: _Options}
    _kind = _Options
