"""Small pictures as SVG text: histograms, bars, heat maps and scales, coloured by the page's style sheet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

import numpy as np

from ganaug.evaluation.scale import Measure
from ganaug.metrics.features import FloatArray

WIDTH = 320
_HEIGHT = 118
_BASE = 98  # of the bars of a histogram
_ROW = 19
_LABEL = 104  # room for the labels of bars
_TICKS = 4


def percent(share: float) -> str:
    """A share as text."""
    return f"{100 * share:.1f} %"


def histogram(
    real: FloatArray, synthetic: FloatArray, edges: FloatArray, label: Callable[[float], str], says: str
) -> str:
    """Shares of bins, the real ones filled and the synthetic ones as an outline.

    Parameters
    ----------
    real, synthetic : ndarray of shape (n_bins,)
    edges : ndarray of shape (n_bins + 1,)
    label : callable
        Text of a place on the axis.
    says : str
        What the picture shows, for those who can't see it.
    """
    top = max(float(real.max()), float(synthetic.max()), 1e-12)
    x = 4 + (WIDTH - 8) * (edges - edges[0]) / (edges[-1] - edges[0])
    filled, line = (_steps(x, _BASE - (_BASE - 6) * shares / top) for shares in (real, synthetic))
    parts = [f'<path class="real" d="{filled}Z"/>', f'<path class="synthetic" d="{line}"/>', _axis(_BASE)]
    taken = 0.0
    for place in nice_ticks(float(edges[0]), float(edges[-1])):
        at = 4 + (WIDTH - 8) * (place - edges[0]) / (edges[-1] - edges[0])
        text = label(place)
        half = 3.2 * len(text)
        at = float(np.clip(at, half, WIDTH - half))
        if at - half >= taken:  # else it would run into the one before
            parts.append(_text(at, _BASE + 15, text, "middle"))
            taken = at + half + 6
    return _svg(_HEIGHT, says, parts)


def bars(
    labels: Sequence[str],
    real: FloatArray,
    synthetic: FloatArray,
    says: str,
    value: Callable[[float], str] = percent,
) -> str:
    """A row for each label, the real value filled and the synthetic one as an outline; both are told."""
    top = max(float(real.max()), float(synthetic.max()), 1e-12)
    room = WIDTH - _LABEL - 92
    parts = []
    for k, name in enumerate(labels):
        y = 4 + k * _ROW
        widths = [room * float(values[k]) / top for values in (real, synthetic)]
        parts.append(f"<g><title>{escape(name)}</title>")
        parts.append(_text(_LABEL - 6, y + 11, cut(name, 17), "end"))
        parts.append(f'<rect class="real" x="{_LABEL}" y="{y}" width="{widths[0]:.1f}" height="14"/>')
        parts.append(f'<rect class="synthetic" x="{_LABEL}" y="{y}" width="{widths[1]:.1f}" height="14"/>')
        parts.append(_text(WIDTH - 48, y + 11, value(float(real[k])), "end", "of-real"))
        parts.append(_text(WIDTH - 2, y + 11, value(float(synthetic[k])), "end", "of-synthetic") + "</g>")
    return _svg(8 + len(labels) * _ROW, says, parts)


def heat(
    shares: FloatArray, rows: Sequence[str], columns: Sequence[str], top: float, kind: str, says: str
) -> str:
    """A table of shares as squares, the fuller the more rows.

    Parameters
    ----------
    shares : ndarray of shape (n_rows, n_columns)
    rows, columns : sequence of str
    top : float
        The share that is drawn in full colour.
    kind : {"real", "synthetic"}
        Whose colour.
    says : str
    """
    left, bottom = 96, 16 + 4 * min(max(map(len, columns)), 12)
    wide = (WIDTH - left - 4) / len(columns)
    tall = min(24.0, 190.0 / len(rows))
    height = 4 + tall * len(rows) + bottom
    parts = []
    for i, row in enumerate(rows):
        parts.append(_text(left - 5, 4 + tall * (i + 0.5) + 4, cut(row, 15), "end"))
        for j, column in enumerate(columns):
            strength = float(np.sqrt(min(shares[i, j] / top, 1.0))) if top > 0 else 0.0
            place = f'x="{left + wide * j:.1f}" y="{4 + tall * i:.1f}" width="{wide:.1f}" height="{tall:.1f}"'
            told = f"<title>{escape(row)}, {escape(column)}: {shares[i, j]:.2%}</title>"
            parts.append(f'<rect class="cell {kind}" {place} fill-opacity="{strength:.3f}">{told}</rect>')
    for j, column in enumerate(columns):
        x, y = left + wide * (j + 0.5) + 4, 4 + tall * len(rows) + 12
        turned = f'transform="rotate(-38 {x:.1f} {y:.1f})"'
        parts.append(_text(x, y, cut(column, 12), "end", extra=turned))
    return _svg(height, says, parts)


def scale(measure: Measure) -> str:
    """Where a value stands between the ends: its interval, the floor, the bootstrap, independent columns."""
    marks = {name: value for name, value in measure.values.items() if np.isfinite(value)}
    places = [*marks.values(), measure.low, measure.high, measure.best]
    low, high = min(places), max(places)
    span = high - low or 1.0

    def at(value: float) -> float:
        return 10 + (WIDTH - 20) * (value - low) / span

    parts = [f'<line class="axis" x1="10" x2="{WIDTH - 10}" y1="16" y2="16"/>']
    parts.append(
        f'<line class="best" x1="{at(measure.best):.1f}" x2="{at(measure.best):.1f}" y1="5" y2="27"/>'
    )
    shapes: dict[str, Callable[[float], str]] = {
        "independent": lambda x: f'<rect class="independent" x="{x - 4:.1f}" y="12" width="8" height="8"/>',
        "bootstrap": lambda x: f'<path class="bootstrap" d="M{x:.1f} 10.5l5.5 9.5h-11Z"/>',
        "real": lambda x: f'<circle class="floor" cx="{x:.1f}" cy="16" r="6.5"/>',
    }
    parts += [shape(at(marks[name])) for name, shape in shapes.items() if name in marks]
    ends = f'x1="{at(measure.low):.1f}" x2="{at(measure.high):.1f}"'
    parts.append(f'<line class="interval" {ends} y1="16" y2="16"/>')
    parts.append(f'<circle class="value" cx="{at(measure.values["synthetic"]):.1f}" cy="16" r="4.5"/>')
    told = ", ".join(f"{name} {value:.3f}" for name, value in marks.items())
    return _svg(32, f"{measure.name}: {told}", parts)


def nice_ticks(low: float, high: float) -> list[float]:
    """A few round places between two ends.

    Examples
    --------
    >>> nice_ticks(3, 96)
    [20.0, 40.0, 60.0, 80.0]
    """
    if not high > low:
        return [low]
    step = 10.0 ** np.floor(np.log10((high - low) / _TICKS))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (factor * step) <= _TICKS + 1)
    first = np.ceil(low / step - 1e-9)
    return [float(step * k) + 0.0 for k in np.arange(first, np.floor(high / step + 1e-9) + 1)]


def number(value: float) -> str:
    """A number in few characters.

    Examples
    --------
    >>> [number(value) for value in (0, 12, 2024, 2500.5, 123_456, 3.14159, 2.5e9)]
    ['0', '12', '2024', '2500', '123k', '3.14', '2.5G']
    """
    for size, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= max(size, 1e4):
            return f"{value / size:.3g}{unit}"
    return f"{value:.0f}" if abs(value) >= 1000 or float(value).is_integer() else f"{value:.3g}"


def cut(text: str, length: int) -> str:
    """At most ``length`` characters."""
    return text if len(text) <= length else text[: length - 1] + "…"


def _steps(x: FloatArray, y: FloatArray) -> str:
    """The outline of a histogram, from base to base."""
    path = [f"M{x[0]:.1f} {_BASE}"]
    path += [f"V{height:.1f}H{right:.1f}" for height, right in zip(y, x[1:], strict=True)]
    return "".join([*path, f"V{_BASE}"])


def _axis(y: float) -> str:
    return f'<line class="axis" x1="4" x2="{WIDTH - 4}" y1="{y}" y2="{y}"/>'


def _text(x: float, y: float, text: str, anchor: str, kind: str = "", extra: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    turned = f" {extra}" if extra else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{named}{turned}>{escape(text)}</text>'


def _svg(height: float, says: str, parts: Sequence[str]) -> str:
    opening = f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(says)}">'
    return "".join([opening, *parts, "</svg>"])
