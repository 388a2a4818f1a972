"""What a fit did: one record per evaluation, and a picture of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Record: TypeAlias = dict[str, Any]


class History(list[Record]):
    """Records of a fit, oldest first.

    Each is a dict with ``epoch`` (passes over the training rows so far), ``step``, ``phase`` ("search" at a
    constant rate, then "decay"), ``learning_rate``, ``train_loss`` (mean since the record before),
    ``validation_loss`` (of the averaged weights, on held-out rows; None without any), ``seconds`` since the
    fit began, and ``rows_per_second``.

    A game adds ``discriminator_loss``, ``told_apart`` (share of pairs whose real sample scores higher),
    ``discriminator_gradient`` and ``generator_gradient`` (their norms), ``modes_covered`` (share of the real
    samples that have generated ones near them) and ``spread`` (of generated samples within a class, as a
    multiple of the real one). A fit of several stages adds ``stage``.
    """

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw both losses against epochs, and where the rate began to fall.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; by default a new figure.

        Returns
        -------
        matplotlib Axes
        """
        axes = _new_axes() if ax is None else ax
        for key, label in (("train_loss", "training rows"), ("validation_loss", "held-out rows")):
            points = [(record["epoch"], record[key]) for record in self if record[key] is not None]
            if points:
                axes.plot(*zip(*points, strict=True), label=label)
        decay = next((record["epoch"] for record in self if record["phase"] == "decay"), None)
        if decay is not None:
            axes.axvline(decay, color="0.6", linestyle=":", label="rate begins to fall")
        axes.set(xlabel="epoch", ylabel="loss per row")
        axes.legend()
        return axes

    def column(self, key: str) -> Sequence[Any]:
        """One entry of every record, oldest first."""
        return [record[key] for record in self]


def _new_axes() -> Axes:
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError('Plots need matplotlib: pip install "ganaug[plot]"') from error
    return pyplot.subplots()[1]
