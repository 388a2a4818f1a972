"""The likeliest level of each gap, from probabilities instead of from draws, which leave it to chance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import torch

from ganaug.tabular.cascade import CascadeNetwork
from ganaug.tabular.codec import TableCodec
from ganaug.tabular.columns import CategoryCodec
from ganaug.tabular.restricted import known_context

_BLOCK = 16_384  # rows in one go


@torch.no_grad()
def likeliest_levels(
    codec: TableCodec, network: CascadeNetwork, frame: pd.DataFrame
) -> Iterator[tuple[int, pd.Series[Any]]]:
    """For each column of levels that has gaps, and that no other must agree with, what they are filled with.

    Parameters
    ----------
    codec : TableCodec
        Of a fit that passed over gaps.
    network : CascadeNetwork
        Of its fields.
    frame : DataFrame of shape (n_rows, n_columns)
        The columns of fit, in their order.

    Yields
    ------
    place : int
        Of the column.
    cells : Series of shape (n_gaps,)
        For each gap the level of the greatest probability given what its row has.
    """
    relations = codec.relations
    related = {at for twin in relations.twins for at in (twin.root, twin.child)}
    related |= {at for entry in relations.lookups for at in (entry.parent, entry.child)}
    for place, own in enumerate(codec.codecs):
        gaps = np.flatnonzero(frame.iloc[:, place].isna().to_numpy(dtype=bool))
        is_one = isinstance(own, CategoryCodec) and len(own.fields) == 1 and bool(own.levels)
        if not len(gaps) or not is_one or place in related:
            continue
        blocks = [gaps[start : start + _BLOCK] for start in range(0, len(gaps), _BLOCK)]
        found = [_likeliest(codec, network, frame.iloc[rows], place) for rows in blocks]
        yield place, pd.concat([pd.Series(cells) for cells in found], ignore_index=True)


def _likeliest(codec: TableCodec, network: CascadeNetwork, frame: pd.DataFrame, place: int) -> Any:
    own, field = codec.codecs[place], codec.slices[place].start
    codes = codec.encode(frame, unseen="nearest").astype(np.int64)
    context = known_context(network, torch.from_numpy(codes).t().to(network.first_code.device))
    each = [network.probabilities(field, context, member) for member in range(network.n_members)]
    n_levels = len(own.levels)  # type: ignore[attr-defined]
    best = torch.stack(each).mean(dim=0)[:, :n_levels].argmax(dim=1)
    return own.decode(best.cpu().numpy()[:, None], np.random.default_rng(0))
