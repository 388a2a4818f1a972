"""Column after column in the table's order, by a recurrent network.

References
----------
Bengio, Bengio: Modeling High-Dimensional Discrete Data with Multi-Layer Neural Networks, NIPS 1999 (a fixed
order); Cho et al.: Learning Phrase Representations using RNN Encoder-Decoder, EMNLP 2014 (the gates).
"""

from __future__ import annotations

from typing import ClassVar

import torch
from sklearn.base import BaseEstimator
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug._util.parameters import check_parameter
from ganaug._util.random import RandomState
from ganaug.base import GeneratorOptions
from ganaug.baselines.base import WholeRows
from ganaug.baselines.embedding import CodeEmbedding
from ganaug.baselines.trained import TrainedBaseline
from ganaug.tabular.heads import group_heads

_N_COMPONENTS = 8  # of the mixture that a number is drawn from


class _Options(BaseEstimator):
    """Sizes of the network."""

    name: ClassVar[str] = "rnn"
    weight_decay: float = 0.0

    def __init__(self, *, hidden_units: int = 128, embedding_units: int = 32) -> None:
        self.hidden_units = hidden_units
        self.embedding_units = embedding_units

    def check(self) -> None:
        for name in ("hidden_units", "embedding_units"):
            check_parameter(name, getattr(self, name), int, minimum=1, maximum=65_536)

    def build(self, modality: WholeRows) -> _Network:
        return _Network(modality, self)


class _Network(nn.Module):
    """A gated recurrent unit over the fields, labels first, and a head for each field."""

    def __init__(self, modality: WholeRows, options: _Options) -> None:
        super().__init__()
        n_own, n_fields = len(modality.codec.fields), len(modality.fields)
        self.order = [*range(n_own, n_fields), *range(n_own)]
        self.embedding = CodeEmbedding(modality.fields, options.embedding_units)
        self.start = nn.Parameter(torch.zeros(options.embedding_units))
        self.cell = nn.GRUCell(options.embedding_units, options.hidden_units)
        heads = group_heads(modality.fields, options.hidden_units, _N_COMPONENTS)
        self.heads, self.each_head = nn.ModuleList(heads), tuple(heads)
        self.head_of = {p: (head, i) for head in heads for i, p in enumerate(head.index.tolist())}

    def losses(self, codes: Tensor, random: torch.Generator) -> Tensor:
        """Negative log-likelihood of each row, (n_rows,)."""
        return -self._each(codes).sum(dim=1)

    def log_likelihood(self, codes: Tensor, unknown: Tensor) -> Tensor:
        """Log-likelihood of each row, (n_rows,); ``unknown`` is that of cells that the codec doesn't know."""
        parts = codes.split(1024)
        return torch.cat(
            [torch.where(p < 0, unknown.to(self.start), self._each(p)).sum(dim=1) for p in parts]
        )

    def _each(self, codes: Tensor) -> Tensor:
        """Log-probability of each code given those before it, (n_rows, n_fields); unknown ones tell none."""
        states, by_field = self._states(codes), codes.clamp(min=0).long().t()
        found = torch.empty_like(states[..., 0])
        for head in self.each_head:
            found = found.index_copy(
                0, head.index, head.log_likelihood(states[head.index], by_field[head.index])
            )
        return found.t()

    def _states(self, codes: Tensor) -> Tensor:
        """What each field's head is given, (n_fields, n_rows, hidden_units)."""
        given, state, states = self._begin(len(codes)), None, {}
        for field in self.order:
            state = states[field] = self.cell(given, state)
            given = self.embedding(field, codes[:, field])
        return F.silu(torch.stack([states[field] for field in range(len(self.order))]))

    def _begin(self, n_rows: int) -> Tensor:
        return self.start.expand(n_rows, -1)

    def draw_codes(self, n_rows: int, random: torch.Generator, known: dict[int, Tensor]) -> Tensor:
        """Rows of codes (n_rows, n_fields), int32, with the labels that are known."""
        codes = torch.zeros(n_rows, len(self.order), dtype=torch.long, device=random.device)
        given, state = self._begin(n_rows), None
        for field in self.order:
            state = self.cell(given, state)
            head, place = self.head_of[field]
            uniforms = torch.rand(2, n_rows, generator=random, device=random.device)
            codes[:, field] = known.get(field, head.draw(place, F.silu(state), uniforms))
            given = self.embedding(field, codes[:, field])
        return codes.int()


class RNN(TrainedBaseline):
    """Draw column after column in the table's order, each given those before it, by a recurrent network.

    What the default generator of `ganaug.GANSynthesizer` does in any order, with a mixture over orders.
    Labels come first. `score_samples` is the exact log-likelihood.

    Parameters
    ----------
    hidden_units : int, default=128
    embedding_units : int, default=32
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
    >>> from ganaug.baselines import RNN
    >>> from ganaug.datasets import make_customers
    >>> customers = make_customers(200, random_state=0)
    >>> RNN(max_epochs=2, random_state=0).fit(customers).score_samples(customers).shape
    (200,)
    """

    _generators: ClassVar[dict[str, type[GeneratorOptions]]] = {_Options.name: _Options}

    def __init__(
        self,
        *,
        hidden_units: int = 128,
        embedding_units: int = 32,
        max_epochs: int | str = "auto",
        time_budget_seconds: float | None = None,
        batch_size: int = 256,
        learning_rate: float = 2e-3,
        validation_fraction: float = 0.1,
        device: str | torch.device = "auto",
        random_state: RandomState = None,
    ) -> None:
        self.hidden_units = hidden_units
        self.embedding_units = embedding_units
        self.max_epochs = max_epochs
        self.time_budget_seconds = time_budget_seconds
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.validation_fraction = validation_fraction
        self.device = device
        self.random_state = random_state

    def _options(self, n_rows: int) -> _Options:
        return _Options(hidden_units=self.hidden_units, embedding_units=self.embedding_units)
