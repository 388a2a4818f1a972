"""The neural discriminator of tables: an embedding per column, then residual blocks, no normalisation.

Shape
-----
Relaxed rows (n_rows, width) and, where there are labels, their classes (n_rows,) -> logits (n_rows,).

References
----------
Miyato, Koyama: cGANs with Projection Discriminator, ICLR 2018 (how a class enters).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.tabular.columns.base import Field
from ganaug.tabular.relaxed import Relaxation

_KNOTS = np.linspace(-2.8, 2.8, 12)  # normal scores around which a number's curve bends


class NeuralDiscriminator(nn.Module):
    """Log-odds that a row is real.

    A column's embedding is the sum of its classes' vectors, weighted by the row's own entries, and of a curve
    through its score; the columns' embeddings are added up.

    Parameters
    ----------
    fields : sequence of Field
    n_labels : int
        Classes of the labels; 0 without any.
    hidden_units, n_blocks : int
    """

    places: Tensor
    knots: Tensor

    def __init__(self, fields: Sequence[Field], n_labels: int, hidden_units: int, n_blocks: int) -> None:
        super().__init__()
        space = Relaxation(fields)
        places = space.score_places
        self.register_buffer("places", torch.tensor(places, dtype=torch.long, device="cpu"), persistent=False)
        self.register_buffer("knots", torch.tensor(np.float32(_KNOTS), device="cpu"), persistent=False)
        self.embedding = nn.Linear(space.width, hidden_units)
        self.curves = nn.Linear(len(places) * len(_KNOTS), hidden_units, bias=False) if places else None
        self.blocks = nn.Sequential(*(ResidualBlock(hidden_units, norm=False) for _ in range(n_blocks)))
        self.output = nn.Linear(hidden_units, 1)
        self.label_embedding = nn.Embedding(n_labels, hidden_units) if n_labels else None

    def forward(self, rows: Tensor, labels: Tensor | None = None) -> Tensor:
        """Logits (n_rows,)."""
        hidden = self.embedding(rows)
        if self.curves is not None:
            bent = torch.tanh(2 * (rows[:, self.places].unsqueeze(-1) - self.knots))
            hidden = hidden + self.curves(bent.flatten(start_dim=1))
        given = None if self.label_embedding is None else self.label_embedding(labels)
        if given is not None:
            hidden = hidden + given
        hidden = F.silu(self.blocks(hidden))
        logits = self.output(hidden).squeeze(1)
        if given is not None:
            logits = logits + (hidden * given).sum(dim=1) / math.sqrt(hidden.shape[1])
        return logits  # type: ignore[no-any-return]


class ResidualBlock(nn.Module):
    """x + outer(silu(inner(silu(norm(x))))).

    Parameters
    ----------
    units : int
    norm : bool
        Whether a layer norm comes first.
    """

    def __init__(self, units: int, *, norm: bool) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(units) if norm else nn.Identity()
        self.inner = nn.Linear(units, units)
        self.outer = nn.Linear(units, units)
        with torch.no_grad():
            self.outer.weight.mul_(0.3)

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        step: Tensor = self.outer(F.silu(self.inner(F.silu(self.norm(x)))))
        return x + step
