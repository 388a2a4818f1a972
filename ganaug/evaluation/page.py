"""What a page shows beside the measures: sections of cards, which a modality fills."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Card:
    """One panel of a section: a heading, a picture or a text, and what it says.

    ``markup`` is trusted as it is: pictures escape what they write. All else is escaped by the template.
    """

    title: str
    markup: str = ""
    caption: str = ""
    badge: str = ""


@dataclass(frozen=True)
class Section:
    """A part of the page.

    ``kind`` says how its cards stand: "grid" beside each other, "wide" below each other.
    """

    title: str
    lead: str = ""
    cards: list[Card] = field(default_factory=list)
    kind: str = "grid"
