"""What a table's report shows beside its measures: reasons, columns, pairs, importances, attributes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ganaug.evaluation.faults import BAD, LOOK, Faults
from ganaug.evaluation.page import Card, Section
from ganaug.evaluation.panels import marginal, pair
from ganaug.evaluation.plots import plot_comparison
from ganaug.evaluation.reading import Tables
from ganaug.evaluation.scale import WORDS
from ganaug.evaluation.svg import bars, percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_COLUMNS = 60
MAX_PAIRS = 8


@dataclass(frozen=True)
class TableExhibits:
    """Implements `ganaug.evaluation.report.Exhibits` for tables.

    Attributes
    ----------
    tables : Tables
    faults : Faults
    importances : DataFrame, optional
        Of the columns for a model, "real" and "synthetic".
    attributes : DataFrame, optional
        Shares of cells guessed, "train", "holdout" and "naive", by column.
    """

    tables: Tables
    faults: Faults
    importances: pd.DataFrame | None
    attributes: pd.DataFrame | None

    @property
    def reference(self) -> pd.DataFrame:
        """The real rows that were compared with."""
        frames = self.tables.frames
        return frames.get("real_holdout", frames["real_train"])

    def words(self) -> list[str]:
        """Lines for the summary."""
        lines = ["What gives the rows away (share of real rows, of synthetic rows):"]
        for _, row in self.faults.reasons.iterrows():
            lines.append(f"  {row['words']}: {percent(row['real'])}, {percent(row['synthetic'])}")
        if len(lines) == 1:
            lines = ["Small trees find no kind of rows that there are too many or too few of."]
        worst = self.faults.columns.query("word != 'good'")
        if len(worst):
            lines.append(f"Worst columns: {', '.join(map(str, worst.index[:5]))}.")
        pairs = self.faults.pairs.query("excess > 0").head(3)
        if len(pairs):
            told = [
                f"{first} with {second}"
                for first, second in zip(pairs["first"], pairs["second"], strict=True)
            ]
            lines.append(f"Worst pairs: {', '.join(told)}.")
        return lines

    def draw(self, **options: Any) -> Figure:
        """The picture of `plot_comparison`."""
        return plot_comparison(self.reference, self.tables.frames["synthetic"], **options)

    def sections(self) -> list[Section]:
        """Reasons before the measures; columns, pairs, importances and attributes after them."""
        real, synthetic = (_drawable(frame) for frame in (self.reference, self.tables.frames["synthetic"]))
        sections = [self._reasons(), self._columns(real, synthetic), self._pairs(real, synthetic)]
        return [*sections, *self._importances(), *self._attributes()]

    def _reasons(self) -> Section:
        cards = [
            Card(str(row["words"]), shares={"real": row["real"], "synthetic": row["synthetic"]})
            for _, row in self.faults.reasons.iterrows()
        ]
        worst = list(map(str, self.faults.columns.query("word != 'good'").index))
        lead = f"Worst columns: {', '.join(worst[:6])}. " if worst else "No column stands out. "
        lead += (
            "Kinds of rows that there are too many or too few of, as small trees found them" if cards else ""
        )
        lead += " and other rows confirmed:" if cards else "Small trees find no kind of rows that is off."
        none = [] if cards else [Card("Nothing found", caption="No rule of up to three conditions holds up.")]
        return Section("What gives the rows away", lead, cards or none, "grid", first=True)

    def _columns(self, real: pd.DataFrame, synthetic: pd.DataFrame) -> Section:
        cards = [
            Card(
                str(name),
                marginal(name, real[name], synthetic[name]),
                _column_caption(row),
                str(row["word"]),
            )
            for name, row in self.faults.columns.head(MAX_COLUMNS).iterrows()
        ]
        lead = "The worst first; real rows filled, synthetic ones as a line. " + _left(
            len(self.faults.columns) - MAX_COLUMNS, "columns"
        )
        return Section("Columns", lead, cards)

    def _pairs(self, real: pd.DataFrame, synthetic: pd.DataFrame) -> Section:
        cards = []
        off = int((self.faults.pairs["excess"] > 0).sum())
        for _, row in self.faults.pairs.head(min(max(off, 2), MAX_PAIRS)).iterrows():
            names = row["first"], row["second"]
            found = pair(real, synthetic, *names)
            distance = f"Distance {row['distance']:.1f} % (other real rows {row['floor']:.1f} %). "
            badge = WORDS[int(row["excess"] > LOOK) + int(row["excess"] > BAD)]
            title = f"{names[0]} with {names[1]}"
            cards.append(Card(title, found.pictures(*names), distance + found.worst_cell(*names), badge))
        lead = "How two columns go together, the worst first: the fuller a square, the more rows it has. "
        lead += "" if off else "None stands out beyond what its columns' own distributions explain."
        return Section("Pairs", lead, cards, "wide")

    def _importances(self) -> list[Section]:
        if self.importances is None:
            return []
        found = self.importances.loc[self.importances.max(axis=1).sort_values(ascending=False).index].head(15)
        values = [found[name].to_numpy(dtype=np.float64) for name in ("real", "synthetic")]
        says = "Importances of the columns to models of real and of synthetic rows"
        picture = bars(list(map(str, found.index)), values[0], values[1], says, "{:.3f}".format)
        lead = (
            "What shuffling a column takes from a model's score on unseen rows; filled, a model of real rows."
        )
        return [Section("What a model goes by", lead, [Card("Importances", picture)], "wide")]

    def _attributes(self) -> list[Section]:
        if self.attributes is None:
            return []
        shares = self.attributes.assign(gain=self.attributes["train"] - self.attributes["holdout"])
        shares = shares.sort_values("gain", ascending=False).head(MAX_COLUMNS)
        told = (100 * shares[["train", "holdout", "gain", "naive"]]).map("{:.1f} %".format)
        heads = ["column", "training rows", "unseen rows", "gain", "usual value"]
        lines = [[str(name), *cells] for name, cells in zip(told.index, told.to_numpy(), strict=True)]
        lead = (
            "Share of cells that an attacker gets right who knows the rest of the row and looks up the "
            "nearest synthetic one. What counts is the gain: what works on unseen rows, too, tells of nobody "
            "in particular."
        )
        return [Section("Guessing a cell", lead, [Card("", table=[heads, *lines])], "wide")]


def _column_caption(row: pd.Series[Any]) -> str:
    parts = [f"Off by {row['error']:.1f} % (other real rows {row['floor']:.1f} %)."]
    gaps = row["missing_real"], row["missing_synthetic"]
    if max(gaps) > 0:
        parts.append(f"Missing: {gaps[0]:.1f} % of real rows, {gaps[1]:.1f} % of synthetic ones.")
    if row["ties"]:
        parts.append(f"Its ties are off: {', '.join(map(str, row['ties']))}.")
    return " ".join(parts)


def _left(n_left: int, what: str) -> str:
    return f"{n_left} more {what} are not drawn." if n_left > 0 else ""


def _drawable(frame: pd.DataFrame) -> pd.DataFrame:
    """Durations as days, which can be drawn like any number."""
    frame = frame.copy(deep=False)
    for name in frame.columns:
        if pd.api.types.is_timedelta64_dtype(frame[name].dtype):
            frame[name] = frame[name].dt.total_seconds() / 86_400
    return frame
