"""Rows near given ones: some cells of each are drawn again, given those that stay."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from ganaug._util.frames import columns_of_frame, with_rows
from ganaug._util.random import numpy_generator, torch_generator
from ganaug.exceptions import UnsupportedError
from ganaug.tabular.residual import require_likelihood
from ganaug.tabular.restricted import TO_DRAW
from ganaug.tabular.rollout import fill_in

if TYPE_CHECKING:
    from ganaug.tabular.modality import TableModality

_DRAW_KEY, _CHOICE_KEY, _DECODE_KEY = 0, 1, 2
_REDRAWS = 20  # of rows in which a column is above one that it must not be above


@torch.no_grad()
def vary(
    modality: TableModality,
    network: Any,
    X: Any,
    y: Any,
    share: float | str,
    root: np.random.SeedSequence,
) -> Any:
    """Draw some cells of each row again, at least one. Labels, where there are any, stay.

    If the network's conditionals were those of the table, rows would keep its distribution exactly: it is a
    step of Gibbs sampling in which a block of columns is drawn.

    Parameters
    ----------
    modality : TableModality
    network : CascadeNetwork
    X : table of shape (n_rows, n_columns)
        A value that the column never had is drawn too.
    y : labels of shape (n_rows,), or None
    share : float or "random"
        Which share of a row's columns; "random" is one of its own for each row, any being as likely.
    root : SeedSequence

    Returns
    -------
    table of shape (n_rows, n_columns)
        In the container that came in in fit.
    """
    require_likelihood(network)
    if modality.chain.is_unique:
        raise UnsupportedError("Rows can't be varied under a Unique constraint: use sample")
    codes = modality.encode(X, y, strict=False).T.astype(np.int32)
    spans = [span for span in modality.codec.slices if span.stop > span.start]
    n, rng = codes.shape[1], numpy_generator(root, _CHOICE_KEY)
    shares = rng.random(n) if isinstance(share, str) else np.full(n, float(share))
    again = rng.random((len(spans), n)) < shares
    if spans:
        again[rng.integers(len(spans), size=n), np.arange(n)] = True
    for span, chosen in zip(spans, again, strict=True):
        codes[span, chosen] = TO_DRAW
    device = next(network.parameters()).device
    random, decoding = torch_generator(root, _DRAW_KEY, device=device), numpy_generator(root, _DECODE_KEY)

    def draw(rows: NDArray[np.intp]) -> pd.DataFrame:
        drawn = torch.from_numpy(codes[:, rows]).to(device)
        fill_in(network, drawn, random)
        return modality.codec.decode(drawn.cpu().numpy()[: len(modality.codec.fields)].T, decoding)

    modelled = draw(np.arange(n))
    for _ in range(_REDRAWS):
        rows = np.flatnonzero(modality.codec.breaks_bounds(modelled))
        if not len(rows):
            break
        modelled = with_rows(modelled, rows, draw(rows))
    table = modality.chain.inverse(modelled, modality.chain.translate({}, n))
    stays: dict[Hashable, Any] = dict.fromkeys(table.columns, np.zeros(n, dtype=bool))
    table = modality.codec.renumber(table, stays, 0, int(root.generate_state(1)[0]))
    return modality.container.rebuild(columns_of_frame(table))
