"""A vector for each code: a class has one of its own, a cell's follows a curve along the normal scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from ganaug.tabular.columns.base import Field, NumberField

_KNOTS = np.linspace(-2.8, 2.8, 12)  # normal scores around which a number's curve bends


class CodeEmbedding(nn.Module):
    """A vector for each code.

    Parameters
    ----------
    fields : sequence of CategoryField or NumberField
    units : int
    """

    def __init__(self, fields: Sequence[Field], units: int) -> None:
        super().__init__()
        sizes = [f.n_points + 1 if isinstance(f, NumberField) else f.n_codes for f in fields]
        self.classes = nn.ParameterList([nn.Parameter(0.5 * torch.randn(n, units)) for n in sizes])
        numbers = [i for i, field in enumerate(fields) if isinstance(field, NumberField)]
        self.place = {field: place for place, field in enumerate(numbers)}
        self.curves = nn.Parameter(0.3 * torch.randn(len(numbers), len(_KNOTS), units))
        for i in numbers:
            bends = _bends(fields[i])
            self.register_buffer(f"bends{i}", torch.tensor(np.float32(bends), device="cpu"), persistent=False)

    def forward(self, field: int, codes: Tensor) -> Tensor:
        """Vectors (n_rows, units) of one field's codes; an unknown one is zero."""
        at, own = codes.clamp(min=0).long(), self.classes[field]
        vectors = F.embedding(at.clamp(max=len(own) - 1), own)
        if field in self.place:
            vectors = vectors + self.get_buffer(f"bends{field}")[at] @ self.curves[self.place[field]]
        return vectors * (codes >= 0).unsqueeze(1)


def _bends(field: Any) -> NDArray[np.float64]:
    """How each code of a number bends its vector, (n_codes, n_knots); classes have vectors of their own."""
    bends = np.tanh(2 * (np.nan_to_num(field.axis)[:, None] - _KNOTS))
    bends[: field.n_points] = 0.0
    return bends
