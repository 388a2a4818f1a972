"""What a table's report shows beside its measures: reasons, columns, pairs, importances, attributes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from ganaug.evaluation.faults import Faults
from ganaug.evaluation.page import Card, Section
from ganaug.evaluation.plots import plot_comparison
from ganaug.evaluation.reading import Tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
        for reason in self.faults.reasons.itertuples():
            lines.append(f"  {reason.words}: {reason.real:.1%}, {reason.synthetic:.1%}")
        if len(lines) == 1:
            lines = ["Small trees find no kind of rows that there are too many or too few of."]
        worst = self.faults.columns.query("word != 'good'")
        if len(worst):
            lines.append(f"Worst columns: {', '.join(map(str, worst.index[:5]))}.")
        pairs = self.faults.pairs.query("excess > 0").head(3)
        if len(pairs):
            told = [f"{pair.first} with {pair.second}" for pair in pairs.itertuples()]
            lines.append(f"Worst pairs: {', '.join(told)}.")
        return lines

    def draw(self, **options: Any) -> Figure:
        """The picture of `plot_comparison`."""
        return plot_comparison(self.reference, self.tables.frames["synthetic"], **options)

    def sections(self) -> list[Section]:
        """What gives the rows away, in words."""
        cards = [
            Card(
                str(reason.words),
                caption=f"{reason.real:.1%} of real rows, {reason.synthetic:.1%} of synthetic ones",
            )
            for reason in self.faults.reasons.itertuples()
        ]
        return [Section("What gives the rows away", cards=cards)]
