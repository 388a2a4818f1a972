"""Rows of the training table again, drawn with replacement."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from ganaug.base import GeneratorOptions
from ganaug.baselines.rows import KeptOptions, KeptRows, KeptRowsSynthesizer


class _Network(KeptRows):
    name = "bootstrap"
    no_likelihood = "A bootstrap knows the training rows and nothing else: all other rows have likelihood 0."

    def draw_codes(self, n_rows: int, random: torch.Generator, known: dict[int, Tensor]) -> Tensor:
        """Rows of codes (n_rows, n_fields), int32, with the labels that are known."""
        return self.rows[self.choose(n_rows, random, known)].int()


class _Options(KeptOptions):
    name, network = "bootstrap", _Network


class Bootstrap(KeptRowsSynthesizer):
    """Draw training rows with replacement.

    It is the end of the scale: nothing compares better with the training rows, and nothing protects them
    less. Cells come back as the codec knows them: a number that no other row has comes back as one between
    its neighbours' values, all else exactly. The file that `save` writes holds the rows.

    Parameters
    ----------
    random_state : int, RandomState, Generator or None, default=None
        An int repeats what `sample` draws.

    Examples
    --------
    >>> from ganaug.baselines import Bootstrap
    >>> from ganaug.datasets import make_customers
    >>> customers = make_customers(100, random_state=0)
    >>> rows = Bootstrap(random_state=0).fit(customers).sample(50)
    >>> bool(rows["city"].isin(customers["city"]).all())
    True
    """

    _generators: ClassVar[dict[str, type[GeneratorOptions]]] = {_Options.name: _Options}
    _kind = _Options
