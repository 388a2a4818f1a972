"""What was found about synthetic rows: as text, as a frame, as a picture, and as one page to pass on."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from ganaug._util.files import atomic_writer, check_output
from ganaug.evaluation.page import Section, render
from ganaug.evaluation.scale import GROUPS, WORDS, Measure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Exhibits", "Report"]

_ENDS = ("synthetic", "real", "bootstrap", "independent")


class Exhibits(Protocol):
    """What a modality shows beside the measures: tables show columns and pairs, images would show images."""

    def words(self) -> list[str]:
        """Lines for the summary: what leads to the faults."""

    def draw(self, **options: Any) -> Figure:
        """The picture of `Report.plot`."""

    def sections(self) -> list[Section]:
        """Parts of the page, after the measures."""


@dataclass(frozen=True)
class Report:
    """What `ganaug.evaluate` found.

    Attributes
    ----------
    measures : tuple of Measure
        Every number with its interval, the ends of its scale, its word and its meaning.
    reference : DataFrame or array of shape (n_reference, ...)
        The real rows that the synthetic ones were compared with.
    synthetic : DataFrame or array of shape (n_synthetic, ...)
    notes : tuple of str
        What to know when reading the numbers, such as which rows they are of.
    warnings : tuple of str
        What takes from their worth.
    exhibits : Exhibits
        What else there is to see.
    """

    measures: tuple[Measure, ...]
    reference: Any = field(repr=False)
    synthetic: Any = field(repr=False)
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    exhibits: Exhibits | None = field(default=None, repr=False)

    @property
    def scores(self) -> pd.DataFrame:
        """The bare numbers, shape (n_measures, n_tables).

        Columns: ``synthetic``; ``real``, what real rows score that are no closer to the judge's rows than
        chance has it (only with a hold-out); ``bootstrap`` of the training rows; ``independent`` columns;
        and ``best``, the value to wish for, which is that of real rows where there is no absolute one.
        """
        frame = self.to_frame()
        return frame[[name for name in (*_ENDS, "best") if name in frame.columns]]

    def to_frame(self) -> pd.DataFrame:
        """Every measure as a row.

        Returns
        -------
        DataFrame of shape (n_measures, n_tables + 5)
            Indexed by measure: ``group``, ``word``, the columns of `scores`, and ``low`` and ``high``, the
            95 % interval of the synthetic value.
        """
        ends = [name for name in _ENDS if any(name in m.values for m in self.measures)]
        rows = [
            {"group": m.group, "word": m.word}
            | {name: m.values.get(name, float("nan")) for name in ends}
            | {"best": m.best, "low": m.low, "high": m.high}
            for m in self.measures
        ]
        index = pd.Index([m.name for m in self.measures], name="measure")
        return pd.DataFrame(rows, index=index)

    def summary(self) -> str:
        """Text to read: what is bad, the table, what gives the rows away, then the notes, one a line."""
        parts = [*self.warnings, self.verdict(), self._table()]
        parts += self.exhibits.words() if self.exhibits is not None else []
        return "\n".join([*parts, *self.notes])

    def verdict(self) -> str:
        """One sentence: how many measures are good, want a look, or are bad, and which."""
        names = {word: [m.name for m in self.measures if m.word == word] for word in WORDS}
        parts = [f"{len(names['good'])} of {len(self.measures)} measures are good"]
        parts += [f"{', '.join(names[word])}: {word}" for word in WORDS[:0:-1] if names[word]]
        return "; ".join(parts) + "."

    def word_of(self, group: str) -> str:
        """The worst word of a group of measures; empty where it has none."""
        words = [WORDS.index(m.word) for m in self.measures if m.group == group]
        return WORDS[max(words)] if words else ""

    def __str__(self) -> str:
        return self.summary()

    def _table(self) -> str:
        """The frame as text, a block for each group, the interval in one column."""
        frame = self.to_frame()
        shown = frame[[name for name in (*_ENDS, "best") if name in frame.columns]].map(_short)
        interval = [f"{_short(m.low)} to {_short(m.high)}" for m in self.measures]
        shown.insert(1, "95 % interval", interval)
        shown.insert(0, "", [m.word for m in self.measures])
        lines = shown.rename_axis(None).to_string().split("\n")
        blocks = [lines[0]]
        for group in GROUPS:
            own = [line for line, m in zip(lines[1:], self.measures, strict=True) if m.group == group]
            blocks += [group.upper(), *own] if own else []
        return "\n".join(blocks)

    def plot(self, path: str | os.PathLike[str] | None = None, **options: Any) -> Figure:
        """Draw the synthetic rows over the real ones they were compared with.

        Parameters
        ----------
        path : str or path-like, optional
            Also save it there; the suffix says the format.
        **options
            Passed to what draws: for tables `ganaug.evaluation.plots.plot_comparison`.

        Returns
        -------
        matplotlib.figure.Figure
        """
        if self.exhibits is None:
            raise ValueError("This report has nothing to draw; make it with ganaug.evaluate.")
        figure = self.exhibits.draw(**options)
        if path is not None:
            suffix = Path(path).suffix[1:].lower() or "png"
            known = sorted(figure.canvas.get_supported_filetypes())
            if suffix not in known:
                raise ValueError(f"A picture's name must end in {', '.join(known)}; got {os.fspath(path)!r}.")
            with atomic_writer(path) as handle:
                figure.savefig(handle, format=suffix, dpi=110)
        return figure

    def save_html(self, path: str | os.PathLike[str], *, title: str = "Synthetic rows, judged") -> None:
        """Write everything as one page that needs nothing else: no network, no script, no other file.

        Parameters
        ----------
        path : str or path-like
            Where the page goes; a file that is there is replaced when the new one is whole.
        title : str

        Raises
        ------
        ImportError
            If jinja2 isn't installed.
        """
        check_output(path)
        page = render(self, title)
        with atomic_writer(path) as handle:
            handle.write(page.encode("utf-8"))


def _short(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:.3f}"
