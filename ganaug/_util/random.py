"""One ``random_state`` in, independent numpy and torch generators out; global random state is never touched.

A root is a ``numpy.random.SeedSequence`` whose ``entropy`` is one Python integer: keep that integer (JSON can
hold it) and `seed_sequence` makes the same root again. Children are told apart by integers, so it doesn't
matter in which order, or how often, they are made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from sklearn.base import clone

if TYPE_CHECKING:
    import torch

__all__ = ["RandomState", "numpy_generator", "seed_sequence", "seeded_clone", "torch_generator"]

RandomState: TypeAlias = "int | np.random.RandomState | np.random.Generator | None"


def seed_sequence(random_state: RandomState = None) -> np.random.SeedSequence:
    """Turn what scikit-learn calls a ``random_state`` into the root of a family of generators.

    Parameters
    ----------
    random_state : int, numpy RandomState, numpy Generator or None, default=None
        An integer >= 0 always gives the same root. A RandomState or Generator is advanced by four draws.
        None takes fresh entropy from the operating system.

    Returns
    -------
    numpy.random.SeedSequence
        With an ``int`` as ``entropy``.

    Raises
    ------
    ValueError
        If ``random_state`` is something else.

    Examples
    --------
    >>> root = seed_sequence(7)
    >>> root.entropy
    7
    >>> first = numpy_generator(root, 0).integers(1000)
    >>> bool(first == numpy_generator(seed_sequence(7), 0).integers(1000))
    True
    """
    if random_state is None:
        return np.random.SeedSequence()
    if isinstance(random_state, int | np.integer) and random_state >= 0:
        return np.random.SeedSequence(int(random_state))
    if isinstance(random_state, np.random.RandomState):
        words = random_state.randint(0, 2**32, size=4, dtype=np.uint32)
    elif isinstance(random_state, np.random.Generator):
        words = random_state.integers(0, 2**32, size=4, dtype=np.uint32)
    else:
        raise ValueError(
            "random_state must be an integer >= 0, a numpy RandomState or Generator, or None; "
            f"got {random_state!r}."
        )
    return np.random.SeedSequence(int.from_bytes(words.astype("<u4").tobytes(), "little"))


def numpy_generator(root: np.random.SeedSequence, *key: int) -> np.random.Generator:
    """Make the numpy generator that belongs to ``key``, independent of those of other keys.

    Parameters
    ----------
    root : numpy.random.SeedSequence
    *key : int
        One or more integers >= 0.

    Returns
    -------
    numpy.random.Generator
    """
    return np.random.Generator(np.random.PCG64(_child(root, key)))


def seeded_clone(estimator: Any, root: np.random.SeedSequence | None, *key: int) -> Any:
    """Clone an estimator, and give it integers for each ``random_state`` in it that is None.

    Parameters
    ----------
    estimator : estimator
    root : numpy.random.SeedSequence or None
        None leaves them None.
    *key : int
        One or more integers >= 0.

    Returns
    -------
    estimator
    """
    own = clone(estimator)
    if root is not None:
        parameters = own.get_params(deep=True)
        names = [name for name in sorted(parameters) if name.rpartition("__")[2] == "random_state"]
        seeds = _child(root, key).generate_state(len(names)) >> 1  # scikit-learn takes 31 bits
        given = zip(names, seeds.tolist(), strict=True)
        own.set_params(**{name: seed for name, seed in given if parameters[name] is None})
    return own


def torch_generator(
    root: np.random.SeedSequence, *key: int, device: torch.device | str = "cpu"
) -> torch.Generator:
    """Make the torch generator that belongs to ``key``, independent of those of other keys.

    Parameters
    ----------
    root : numpy.random.SeedSequence
    *key : int
        One or more integers >= 0.
    device : torch.device or str, default="cpu"
        Where the generator draws.

    Returns
    -------
    torch.Generator
    """
    import torch

    (seed,) = _child(root, key).generate_state(1, np.uint64)
    return torch.Generator(device).manual_seed(
        int(seed >> np.uint64(1))
    )  # torch takes 63 bits on every device


def _child(root: np.random.SeedSequence, key: tuple[int, ...]) -> np.random.SeedSequence:
    return np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, *key))
