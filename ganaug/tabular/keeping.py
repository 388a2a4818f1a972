"""Which of the rows drawn are kept: as many as are wanted, by weight, none twice, the margins exact nearly.

Systematic resampling in random order leaves about half the noise that a plain draw has in each margin. So
rows are then exchanged, one that is kept for one that is not, as long as that brings the counts of all bins
together nearer to what the weights promise (balanced sampling).

References
----------
Deville, Tillé: Efficient Balanced Sampling: The Cube Method, Biometrika 91, 2004 (what is wanted; the
exchanges are a cheaper way to nearly the same).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

_LOOKED_AT = 256  # rows kept, and not kept, among which partners are sought at once
_EXCHANGED = 12  # pairs at once, at most: each counts on the others to change little
_MOST_ROUNDS, _IDLE_ROUNDS = 1_500, 20  # that end without an exchange


def keep_rows(
    log_weights: Tensor,
    groups: Tensor,
    n_wanted: Tensor,
    generator: torch.Generator,
    bins: Tensor | None = None,
) -> Tensor:
    """Choose rows by weight, an exact number of each group, none twice (systematic resampling).

    Parameters
    ----------
    log_weights : tensor of shape (n_rows,)
    groups : integer tensor of shape (n_rows,)
        The group of each row.
    n_wanted : integer tensor of shape (n_groups,)
        How many to keep of each; no more than it has.
    generator : torch.Generator
    bins : integer tensor of shape (n_margins, n_rows), optional
        The bin of each row in several margins: each group's counts of them come near to what its weights
        promise. Numbers of bins start at zero in each margin.

    Returns
    -------
    tensor of shape (n_wanted.sum(),)
        Numbers of the rows kept, group after group, in random order within a group.

    Examples
    --------
    >>> weights = torch.tensor([0.0, -50.0, 0.0, 0.0])
    >>> kept = keep_rows(weights, torch.tensor([0, 0, 1, 1]), torch.tensor([1, 2]), torch.Generator())
    >>> kept.sort().values
    tensor([0, 2, 3])
    """
    device, wanted = log_weights.device, n_wanted.double()
    shuffled = torch.randperm(len(log_weights), generator=generator, device=generator.device).to(device)
    order = shuffled[groups[shuffled].argsort(stable=True)]
    own = groups[order]
    share = _shares(log_weights[order].double(), own, wanted)
    ends = wanted.cumsum(0)
    # Each group's shares add up to its number: no error adds up over groups, and each has exactly its rows.
    running = share.cumsum(0)
    last = torch.bincount(own, minlength=len(wanted)).cumsum(0) - 1
    total = running[last.clamp(min=0)]
    start = torch.cat([total.new_zeros(1), total[:-1]])[own]
    size = (total - torch.cat([total.new_zeros(1), total[:-1]])).clamp(min=1e-300)[own]
    place = (ends - wanted)[own] + (running - start) / size * wanted[own]
    points = torch.arange(int(ends[-1]), dtype=torch.float64, device=device)
    offset = torch.rand(len(wanted), generator=generator, device=generator.device, dtype=torch.float64)
    points = points + offset.to(device)[torch.repeat_interleave(n_wanted)] * (1 - 1e-9)
    chosen = torch.searchsorted(place, points).clamp(max=len(order) - 1)
    if bins is not None:
        chosen = _balanced(chosen, share, n_wanted, last, bins[:, order], generator)
    return order[chosen]


def _shares(log_weights: Tensor, groups: Tensor, wanted: Tensor) -> Tensor:
    """Expected number of times that each row is kept: at most once, in proportion to its weight else."""
    highest = torch.full_like(wanted, -torch.inf).scatter_reduce(0, groups, log_weights, "amax")
    weights = (log_weights - highest[groups]).exp().clamp(min=1e-12)
    full = torch.zeros_like(weights, dtype=torch.bool)
    while True:
        left = wanted - torch.bincount(groups, weights=full.double(), minlength=len(wanted))
        loose = torch.bincount(groups, weights=weights * ~full, minlength=len(wanted))
        share = torch.where(full, 1.0, weights * (left / loose.clamp(min=1e-300))[groups])
        more = share > 1 + 1e-9
        if not bool(more.any()):
            return share
        full |= more  # never fewer, so this ends


def effective_share(log_weights: Tensor) -> float:
    """Kish's effective sample size, as a share of the rows."""
    weights = (log_weights - log_weights.max()).exp()
    return float(weights.sum() ** 2 / (weights**2).sum() / len(weights))


def _balanced(
    chosen: Tensor, share: Tensor, n_wanted: Tensor, last: Tensor, bins: Tensor, generator: torch.Generator
) -> Tensor:
    """Rows of each group exchanged; rows are sorted by group, ``last`` is where each group ends."""
    seed = torch.randint(2**31, (1,), generator=generator, device=generator.device)
    rng = np.random.default_rng(int(seed))
    offsets = bins.max(dim=1, keepdim=True).values.cumsum(0).roll(1, 0) + torch.arange(
        len(bins), device=bins.device
    ).unsqueeze(1)
    offsets[0] = 0
    flat, shares = (bins + offsets).cpu().numpy(), share.clamp(max=1.0).cpu().numpy()
    parts, begin = [], 0
    for own, end in zip(chosen.split(n_wanted.tolist()), (last + 1).tolist(), strict=True):
        if len(own):
            kept = exchange(own.cpu().numpy() - begin, shares[begin:end], flat[:, begin:end], rng)
            parts.append(torch.from_numpy(kept + begin))
        begin = end
    return torch.cat(parts).to(chosen.device)


def exchange(kept: IntArray, shares: FloatArray, bins: IntArray, rng: np.random.Generator) -> IntArray:
    """Exchange rows until the counts of bins are as near to what the shares promise as pairs can bring them.

    Parameters
    ----------
    kept : array of shape (n_kept,)
        Numbers of the rows to begin with.
    shares : array of shape (n_rows,)
        Chance of each row to be kept; they add up to ``n_kept``.
    bins : array of shape (n_margins, n_rows)
        Bins of each row, of which no two margins have the same numbers.
    rng : numpy Generator

    Returns
    -------
    array of shape (n_kept,)
        What is exchanged is at the place of what it replaces.
    """
    n_margins, size = len(bins), int(bins.max()) + 1
    promised = np.bincount(bins.ravel(), weights=np.tile(shares, n_margins), minlength=size)
    over = np.bincount(bins[:, kept].ravel(), minlength=size) - promised
    is_kept = np.zeros(len(shares), dtype=bool)
    is_kept[kept] = True
    kept, idle = kept.copy(), 0
    loose = _some(1 - shares[kept], rng)  # places in ``kept``
    spare = np.flatnonzero(~is_kept)
    spare = spare[_some(shares[spare], rng)]
    for turn in range(_MOST_ROUNDS):
        outs, ins = loose[_window(turn, len(loose))], _window(turn, len(spare))
        pressure_out = over[bins[:, kept[outs]]].sum(axis=0)
        pressure_in = over[bins[:, spare[ins]]].sum(axis=0)
        n_pairs = min(len(outs), len(ins), _EXCHANGED)
        most, least = np.argsort(-pressure_out)[:n_pairs], np.argsort(pressure_in)[:n_pairs]
        gains = pressure_out[most] - pressure_in[least] > n_margins  # the cost, where no bin is in common
        outs, ins = outs[most[gains]], ins[least[gains]]
        idle = 0 if len(outs) else idle + 1
        if idle == _IDLE_ROUNDS:
            break
        np.subtract.at(over, bins[:, kept[outs]], 1)
        np.add.at(over, bins[:, spare[ins]], 1)
        kept[outs], spare[ins] = spare[ins], kept[outs]
    return kept


def _some(chances: FloatArray, rng: np.random.Generator) -> IntArray:
    """A quarter of the rows, in random order; those of a large chance are in it, and first, more often."""
    keys = np.log(chances.clip(1e-12)) + rng.gumbel(size=len(chances))
    return np.argsort(-keys)[: max(_LOOKED_AT, len(keys) // 4)]


def _window(turn: int, n_rows: int) -> IntArray:
    """The next places to look at, round and round."""
    return (turn * _LOOKED_AT + np.arange(min(_LOOKED_AT, n_rows), dtype=np.int64)) % max(n_rows, 1)
