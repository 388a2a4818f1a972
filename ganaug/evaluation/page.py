"""A report as one page of HTML: a template of jinja2, pictures as inline SVG, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganaug.evaluation.scale import GROUPS, WORDS, Measure
from ganaug.evaluation.svg import scale

if TYPE_CHECKING:
    from ganaug.evaluation.report import Report

__all__ = ["Card", "Section", "render"]

_QUESTIONS = {
    "fidelity": "Are the rows like real ones? Judged column by column, pair by pair, and by boosted trees.",
    "usefulness": "Does a model that learns from these rows alone learn what it would learn from real ones?",
    "privacy": "Do the rows give away rows that the generator was fitted on?",
}
_UNTRIED = {
    "usefulness": "Needs a hold-out and a target.",
    "privacy": "Needs a hold-out.",
}
_WORDS_NOTE = (
    "good: as near to the floor as the measure's limits ask, or not to be told from it; bad: beyond its "
    "outer limit by more than the interval; look here: all else. Intervals are at 95 %, from 20 resamples "
    "that leave out a twentieth of the rows each."
)


@dataclass(frozen=True)
class Card:
    """One panel of a section: a heading, and any of shares as bars, a table, a picture and a caption.

    Attributes
    ----------
    title : str
    markup : str
        HTML or SVG, trusted as it is: what makes it escapes what it writes. All else the template escapes.
    caption : str
    badge : str
        A word of `ganaug.evaluation.scale.WORDS`, or nothing.
    shares : mapping of float
        Bars for "real" and "synthetic", from 0 to 1.
    table : sequence of sequence of str
        Rows of cells, the heads first.
    """

    title: str
    markup: str = ""
    caption: str = ""
    badge: str = ""
    shares: Mapping[str, float] = field(default_factory=dict)
    table: Sequence[Sequence[str]] = ()


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes
    ----------
    title, lead : str
    cards : list of Card
    kind : {"grid", "wide"}
        Whether its cards are narrow or wide.
    first : bool
        Whether it stands before the measures.
    """

    title: str
    lead: str = ""
    cards: list[Card] = field(default_factory=list)
    kind: str = "grid"
    first: bool = False


def render(report: Report, title: str) -> str:
    """The page of a report, as `Report.save_html` writes it.

    Raises
    ------
    ImportError
        If jinja2 isn't installed.
    """
    template, markup = load_template()
    sections = report.exhibits.sections() if report.exhibits is not None else []
    page: str = template.render(
        title=title,
        verdict=report.verdict(),
        warnings=report.warnings,
        groups=[_group(report, name, markup) for name in GROUPS],
        ends={name for m in report.measures for name in m.values},
        sections=[_trusted(section, markup) for section in sections if section.cards],
        notes=[*report.notes, _WORDS_NOTE],
        version=_version(),
    )
    return page


def load_template() -> tuple[Any, Any]:
    """The page's template, and the class of text that it needn't escape.

    Raises
    ------
    ImportError
        If jinja2 isn't installed.
    """
    try:
        import jinja2
        from markupsafe import Markup
    except ImportError as error:
        raise ImportError('Pages need jinja2: pip install "ganaug[report]".') from error
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    source = Path(__file__).with_name("page.html.j2").read_text(encoding="utf-8")
    return environment.from_string(source), Markup


def _version() -> str:
    """That of the installed package; nothing where it runs from its sources."""
    try:
        return metadata.version("ganaug")
    except metadata.PackageNotFoundError:
        return ""


def _trusted(section: Section, markup: Any) -> dict[str, Any]:
    cards = [vars(card) | {"markup": markup(card.markup)} for card in section.cards]
    return vars(section) | {"cards": cards}


def _group(report: Report, name: str, markup: Any) -> dict[str, Any]:
    measures = [m for m in report.measures if m.group == name]
    counts = {word: sum(m.word == word for m in measures) for word in WORDS}
    told = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return {
        "name": name,
        "question": _QUESTIONS[name],
        "word": report.word_of(name),
        "told": f"{len(measures)} measures: {told}." if measures else _UNTRIED.get(name, ""),
        "measures": [_row(measure, markup) for measure in measures],
    }


def _row(measure: Measure, markup: Any) -> dict[str, Any]:
    ends = {"real": "floor", "bootstrap": "copies", "independent": "independent"}
    told = [f"{text} {digits(measure.values[name])}" for name, text in ends.items() if name in measure.values]
    return {
        "measure": measure,
        "scale": markup(scale(measure)),
        "ends": " · ".join(told),
        "value": digits(measure.values["synthetic"]),
        "interval": f"{digits(measure.low)} to {digits(measure.high)}",
    }


def digits(value: float) -> str:
    """Three digits behind the point below 1, fewer above.

    Examples
    --------
    >>> [digits(value) for value in (0.98765, 7.1234, 55.55, 100.0)]
    ['0.988', '7.12', '55.5', '100']
    """
    size = abs(value)
    text = f"{value:.{3 if size < 1.05 else 2 if size < 10 else 1 if size < 99.95 else 0}f}"
    return text.replace("-", "−")
