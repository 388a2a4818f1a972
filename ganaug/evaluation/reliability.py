"""The reliability diagram: predicted probabilities of being real against how often it is true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ganaug.evaluation.plots import REAL_COLOUR, SYNTHETIC_COLOUR, figure_class
from ganaug.metrics.calibration import reliability

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_reliability"]


def plot_reliability(real: Any, generated: Any, *, n_bins: int = 10, title: str | None = None) -> Figure:
    """Draw how often rows are real against how probable that was said to be.

    Parameters
    ----------
    real, generated : array-like of shape (n_samples,)
        What `realism` says of real rows, and of generated ones drawn with ``guidance=0``; see
        `ganaug.metrics.reliability`.
    n_bins : int, default=10
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot: save it with ``savefig``.

    Raises
    ------
    ImportError
        If matplotlib isn't installed.
    ValueError
        If ``real`` or ``generated`` are no probabilities.
    """
    figure = figure_class()(figsize=(5.4, 5.2), layout="constrained")
    found = reliability(real, generated, n_bins=n_bins)
    curve, counts = figure.subplots(2, 1, height_ratios=[3.2, 1], sharex=True)
    curve.plot([0, 1], [0, 1], color="0.6", lw=1, label="as predicted")
    curve.errorbar(
        found["predicted"],
        found["observed"],
        yerr=2 * found["error"],
        fmt="o",
        color=SYNTHETIC_COLOUR,
        ms=5,
        lw=1.2,
        label="observed, with two standard deviations",
    )
    curve.set(xlim=(0, 1), ylim=(0, 1), ylabel="share of real rows")
    curve.set_title(title or "Is realism what it says?", loc="left", fontsize=11)
    curve.legend(frameon=False, fontsize=9, loc="upper left")
    both = {"generated": generated, "real": real}
    for (name, values), fill in zip(both.items(), (False, True), strict=True):
        colour = {"facecolor" if fill else "edgecolor": REAL_COLOUR if fill else SYNTHETIC_COLOUR}
        counts.hist(values, bins=40, range=(0, 1), fill=fill, density=True, label=name, **colour)
    counts.set(xlabel="predicted probability of being real", ylabel="rows", yticks=[])
    counts.legend(frameon=False, fontsize=9, loc="upper left")
    for ax in (curve, counts):
        ax.spines[["top", "right"]].set_visible(False)
    return figure
