"""Real against synthetic in one picture: a panel per column, the strongest pair, where dependences differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_comparison"]

# Light blue and vermilion: apart in lightness too, so that colour-blind readers see two things.
REAL_COLOUR = "#8FB8D8"
SYNTHETIC_COLOUR = "#D55E00"
_WIDTH = 4  # panels in a row
_MAX_LEVELS = 9
_N_BINS = 30
_MAX_POINTS = 2000  # in a scatter panel
_MAX_PAIR_COLUMNS = 14


def plot_comparison(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    *,
    columns: Sequence[Any] | None = None,
    max_columns: int = 8,
    title: str | None = None,
) -> Figure:
    """Draw real and synthetic rows over each other, column by column, and how their dependences differ.

    Parameters
    ----------
    real, synthetic : DataFrame of shape (n_samples, n_features)
        The same columns; the numbers of rows may differ.
    columns : sequence of column names, optional
        Which columns get a panel. By default those whose marginals agree the least, so that the picture hides
        nothing.
    max_columns : int, default=8
        At most so many panels when ``columns`` isn't given.
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
        If the two tables don't have the same columns, or a name in ``columns`` is unknown.
    """
    kind = figure_class()
    if list(real.columns) != list(synthetic.columns):
        raise ValueError("real and synthetic must have the same columns in the same order.")
    shown = _shown_columns(real, synthetic, columns, max_columns)
    pair_codes = _pair_codes(real, synthetic)
    n_rows = -(-len(shown) // _WIDTH)
    with_pairs = len(pair_codes) > 1
    heights = [2.6 * n_rows, 4.6][: 1 + with_pairs]
    figure = kind(figsize=(13.0, sum(heights) + 0.7), layout="constrained")
    parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)
    axes = parts[0, 0].subplots(n_rows, _WIDTH, squeeze=False).ravel()
    for ax, name in zip(axes, shown, strict=False):
        _marginal_panel(ax, name, real[name], synthetic[name])
    for ax in axes[len(shown) :]:
        ax.set_axis_off()
    if with_pairs:
        _pair_row(parts[1, 0], real, synthetic, pair_codes)
    _legend(figure, title, len(real), len(synthetic))
    return figure


def figure_class() -> type[Figure]:
    """matplotlib's figure, or an error that says how to get it."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('Plots need matplotlib: pip install "ganaug[plot]".') from error
    return Figure


def _legend(figure: Figure, title: str | None, n_real: int, n_synthetic: int) -> None:
    from matplotlib.patches import Patch

    handles = [
        Patch(facecolor=REAL_COLOUR, label=f"real ({n_real:,} rows)"),
        Patch(fill=False, edgecolor=SYNTHETIC_COLOUR, lw=1.8, label=f"synthetic ({n_synthetic:,} rows)"),
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=2, frameon=False, fontsize=11)
    figure.suptitle(title or "Real and synthetic rows", x=0.01, ha="left", fontsize=14, fontweight="bold")


# Marginals


def is_number(values: pd.Series) -> bool:
    """Whether a histogram says more than bars would."""
    types = pd.api.types
    is_numeric = types.is_numeric_dtype(values.dtype) and not types.is_bool_dtype(values.dtype)
    return (is_numeric or types.is_datetime64_any_dtype(values.dtype)) and values.nunique() > _MAX_LEVELS


def as_floats(values: pd.Series) -> np.ndarray:
    """Present values as float64, shape (n_present,); moments as years."""
    values = values.dropna()
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        moments = values.dt.tz_localize(None) if isinstance(values.dtype, pd.DatetimeTZDtype) else values
        return 1970.0 + moments.to_numpy("datetime64[s]").astype(np.int64) / (365.2425 * 86_400)
    return values.to_numpy(dtype=np.float64)


def bin_edges(real: np.ndarray, synthetic: np.ndarray) -> np.ndarray:
    """Shared edges; the outer half per cent of the real values is gathered in the end bins."""
    lower, upper = np.quantile(real, [0.005, 0.995]) if len(real) else (0.0, 1.0)
    everything = np.concatenate([real, synthetic])
    if np.all(everything == np.round(everything)):
        step = max(1.0, np.ceil((upper - lower) / _N_BINS))
        return np.arange(np.floor(lower), upper + 2 * step, step) - 0.5
    return np.linspace(lower, upper if upper > lower else lower + 1.0, _N_BINS + 1)


def level_shares(real: pd.Series, synthetic: pd.Series) -> pd.DataFrame:
    """Share of every level among the present values, ``real`` and ``synthetic``; rare levels together."""
    shares = pd.DataFrame(
        {
            "real": real.dropna().astype(object).value_counts(normalize=True),
            "synthetic": synthetic.dropna().astype(object).value_counts(normalize=True),
        }
    ).fillna(0.0)
    kept = shares["real"].nlargest(_MAX_LEVELS).index
    rest = shares.drop(kept).sum()
    shares = shares.reindex(in_order(real, kept))
    if rest.sum() > 0:
        shares.loc[f"{len(set(real.dropna()) - set(kept))} others"] = rest
    return shares


def in_order(real: pd.Series, levels: pd.Index) -> list[Any]:
    """Levels as the column orders them, most frequent first where it doesn't."""
    if isinstance(real.dtype, pd.CategoricalDtype) and real.dtype.ordered:
        return [level for level in real.dtype.categories if level in levels]
    if pd.api.types.is_numeric_dtype(real.dtype):
        return sorted(levels)
    return list(levels)


def _marginal_distance(real: pd.Series, synthetic: pd.Series) -> float:
    """Total variation between two columns, numbers in their shared bins."""
    missing = abs(float(real.isna().mean() - synthetic.isna().mean()))
    if real.notna().sum() == 0 or synthetic.notna().sum() == 0:
        return missing
    if is_number(real):
        a, b = as_floats(real), as_floats(synthetic)
        edges = bin_edges(a, b)
        shares = [np.histogram(v.clip(edges[0], edges[-1]), edges)[0] / len(v) for v in (a, b)]
        return missing + 0.5 * float(np.abs(shares[0] - shares[1]).sum())
    both = level_shares(real, synthetic)
    return missing + 0.5 * float((both["real"] - both["synthetic"]).abs().sum())


def _shown_columns(
    real: pd.DataFrame, synthetic: pd.DataFrame, columns: Sequence[Any] | None, max_columns: int
) -> list[Any]:
    if columns is not None:
        unknown = [name for name in columns if name not in real.columns]
        if unknown:
            raise ValueError(f"columns must name columns of the table; it has no {unknown[0]!r}.")
        return list(columns)
    if real.shape[1] <= max_columns:
        return list(real.columns)
    distances = [_marginal_distance(real[name], synthetic[name]) for name in real.columns]
    worst = set(np.argsort(distances)[-max_columns:])
    return [name for i, name in enumerate(real.columns) if i in worst]


def _marginal_panel(ax: Axes, name: Any, real: pd.Series, synthetic: pd.Series) -> None:
    shares = [100.0 * float(values.isna().mean()) for values in (real, synthetic)]
    ax.set_title(_cut(name, 17 if max(shares) > 0 else 36), fontsize=11, loc="left")
    if max(shares) > 0:
        text = f"missing {shares[0]:.1f} % | {shares[1]:.1f} %"
        ax.set_title(text, fontsize=8.5, loc="right", color="0.35")
    if real.notna().sum() == 0 or synthetic.notna().sum() == 0:
        ax.text(0.5, 0.5, "no values", ha="center", va="center", transform=ax.transAxes, color="0.35")
        ax.set_xticks([])
    elif is_number(real):
        _histogram(ax, as_floats(real), as_floats(synthetic))
    else:
        _bars(ax, level_shares(real, synthetic))
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.set_yticks([])
    ax.tick_params(labelsize=9)


def _histogram(ax: Axes, real: np.ndarray, synthetic: np.ndarray) -> None:
    edges = bin_edges(real, synthetic)
    heights = [np.histogram(v.clip(edges[0], edges[-1]), edges)[0] / len(v) for v in (real, synthetic)]
    ax.stairs(heights[0], edges, fill=True, facecolor=REAL_COLOUR)
    ax.stairs(heights[1], edges, fill=False, edgecolor=SYNTHETIC_COLOUR, linewidth=1.6)
    ax.set_xlim(edges[0], edges[-1])
    _number_ticks(ax.xaxis, edges[-1])


def _number_ticks(axis: Any, largest: float) -> None:
    """Few enough ticks, and short enough, not to run into each other."""
    from matplotlib.ticker import EngFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(5))
    if largest >= 20_000:
        axis.set_major_formatter(EngFormatter(sep=""))


def _bars(ax: Axes, shares: pd.DataFrame) -> None:
    places = np.arange(len(shares))
    ax.bar(places, shares["real"], width=0.8, color=REAL_COLOUR)
    ax.bar(places, shares["synthetic"], width=0.8, fill=False, edgecolor=SYNTHETIC_COLOUR, linewidth=1.6)
    labels = [_cut(level_name(level), 14) for level in shares.index]
    crowded = sum(map(len, labels)) > 26
    ax.set_xticks(places, labels, rotation=35 if crowded else 0, ha="right" if crowded else "center")
    if crowded:
        ax.tick_params(axis="x", pad=1)
    ax.tick_params(axis="x", length=0)


def level_name(level: Any) -> str:
    """Whole floats lose their ``.0``."""
    return str(int(level)) if isinstance(level, float) and level.is_integer() else str(level)


def _cut(name: Any, length: int) -> str:
    """At most ``length`` characters; a dollar sign would start a formula."""
    text = str(name).replace("$", r"\$")
    return text if len(text) <= length else text[: length - 2] + "..."


# Pairs


def _pair_codes(real: pd.DataFrame, synthetic: pd.DataFrame) -> dict[Any, tuple[np.ndarray, np.ndarray]]:
    """Bins of both tables' cells, for the columns that vary; numbers are cut at the real rows' quantiles."""
    codes: dict[Any, tuple[np.ndarray, np.ndarray]] = {}
    for name in real.columns:
        if real[name].nunique() < 2 or len(codes) == _MAX_PAIR_COLUMNS:
            continue
        if is_number(real[name]):
            cuts = _cuts(as_floats(real[name]))
            codes[name] = (_number_codes(real[name], cuts), _number_codes(synthetic[name], cuts))
        else:
            levels = pd.Index(real[name].dropna().astype(object).value_counts().index[:20])
            codes[name] = (_level_codes(real[name], levels), _level_codes(synthetic[name], levels))
    return codes


def _level_codes(values: pd.Series, levels: pd.Index) -> np.ndarray:
    """Missing and levels beyond the list share code 0."""
    return levels.get_indexer(pd.Index(values.astype(object))) + 1


def _cuts(values: np.ndarray) -> np.ndarray:
    """Upper ends of bins at the deciles; a value that holds several deciles gets a bin of its own."""
    deciles, counts = np.unique(np.quantile(values, np.linspace(0.1, 0.9, 9)), return_counts=True)
    return np.union1d(deciles, np.nextafter(deciles[counts > 1], -np.inf))


def _number_codes(values: pd.Series, cuts: np.ndarray) -> np.ndarray:
    codes = np.zeros(len(values), dtype=np.int64)
    present = values.notna().to_numpy()
    codes[present] = 1 + np.searchsorted(cuts, as_floats(values), side="left")
    return codes


def _association(a: np.ndarray, b: np.ndarray) -> float:
    """Cramér's V of two columns of bin numbers, bias-corrected (Bergsma 2013)."""
    shape = (int(a.max()) + 1, int(b.max()) + 1)
    table = np.bincount(np.ravel_multi_index((a, b), shape), minlength=shape[0] * shape[1]).reshape(shape)
    table = table[table.any(axis=1)][:, table.any(axis=0)]
    n, (r, c) = table.sum(), table.shape
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / n
    phi2 = float(((table - expected) ** 2 / expected).sum()) / n
    phi2 = max(0.0, phi2 - (r - 1) * (c - 1) / max(n - 1, 1))
    size = min(r - (r - 1) ** 2 / max(n - 1, 1), c - (c - 1) ** 2 / max(n - 1, 1)) - 1
    return float(np.sqrt(phi2 / size)) if size > 0 else 0.0


def _associations(columns: list[np.ndarray]) -> np.ndarray:
    """Symmetric matrix of shape (n_columns, n_columns), zero on the diagonal."""
    out = np.zeros((len(columns), len(columns)))
    for i in range(len(columns)):
        for j in range(i):
            out[i, j] = out[j, i] = _association(columns[i], columns[j])
    return out


def _pair_row(part: Any, real: pd.DataFrame, synthetic: pd.DataFrame, codes: dict[Any, Any]) -> None:
    names = list(codes)
    of_real, of_synthetic = (_associations([pair[i] for pair in codes.values()]) for i in (0, 1))
    numbers = [i for i, name in enumerate(names) if is_number(real[name])]
    if len(numbers) < 2:
        _association_panel(part.subplots(1, 1), names, of_synthetic - of_real)
        return
    axes = part.subplots(1, 3, width_ratios=[1, 1, 1.25])
    among = of_real[np.ix_(numbers, numbers)]
    i, j = np.unravel_index(np.argmax(among), among.shape)
    _scatter_panels(axes[:2], names[numbers[min(i, j)]], names[numbers[max(i, j)]], real, synthetic)
    _association_panel(axes[2], names, of_synthetic - of_real)


def _scatter_panels(
    axes: Sequence[Axes], x: Any, y: Any, real: pd.DataFrame, synthetic: pd.DataFrame
) -> None:
    """The two numbers that depend on each other the most, on the same axes for both tables."""
    limits = [np.quantile(as_floats(real[name]), [0.0, 0.995]) for name in (x, y)]
    colours = ("#3E7CB1", SYNTHETIC_COLOUR)
    for ax, frame, colour, label in zip(axes, (real, synthetic), colours, ("real", "synthetic"), strict=True):
        both = frame[[x, y]].dropna().iloc[:_MAX_POINTS]
        ax.scatter(as_floats(both[x]), as_floats(both[y]), s=7, alpha=0.35, color=colour, linewidths=0)
        ax.set(xlim=_widened(*limits[0]), ylim=_widened(*limits[1]))
        _number_ticks(ax.xaxis, limits[0][1])
        _number_ticks(ax.yaxis, limits[1][1])
        ax.set_xlabel(_cut(x, 40), fontsize=10)
        ax.set_title(f"strongest pair of numbers: {label}", fontsize=11, loc="left")
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(labelsize=9)
    axes[0].set_ylabel(_cut(y, 40), fontsize=10)


def _widened(lower: float, upper: float) -> tuple[float, float]:
    margin = 0.03 * (upper - lower) or 1.0
    return lower - margin, upper + margin


def _association_panel(ax: Axes, names: list[Any], difference: np.ndarray) -> None:
    limit = max(0.2, float(np.abs(difference).max()))
    image = ax.imshow(difference, cmap="PuOr_r", vmin=-limit, vmax=limit)
    labels = [_cut(name, 20) for name in names]
    ax.set_xticks(range(len(names)), labels, rotation=45, ha="right", rotation_mode="anchor", fontsize=8.5)
    ax.set_yticks(range(len(names)), labels, fontsize=8.5)
    ax.set_title("dependence: synthetic minus real (Cramér's V)", fontsize=11, loc="left")
    ax.figure.colorbar(image, ax=ax, shrink=0.85, pad=0.02).ax.tick_params(labelsize=8.5)
