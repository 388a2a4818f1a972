"""How identifiers look, and new ones without end that differ from each other.

A form is a count that goes on, numbers spread between two ends, or templates. Texts of one length with the
same marks (all that is no letter or digit) in the same places share a template: for each position, the
characters that may stand there. What can be filled in S ways numbers them 0 to S - 1, and a permutation with
a key of its own sends row r to one of them: no two rows get the same, however many batches the rows are drawn
in, and nothing has to be remembered between them.
"""

from __future__ import annotations

import math
import string
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ganaug.exceptions import ModelFileError

_CLASSES = (
    string.digits,
    string.digits + "abcdef",
    string.digits + "ABCDEF",
    string.ascii_lowercase,
    string.ascii_uppercase,
    string.digits + string.ascii_lowercase,
    string.digits + string.ascii_uppercase,
    string.digits + string.ascii_letters,
)
_ROWS_PER_CHARACTER = 10  # so many rows for each of its characters show that a class is used in part only
_ROWS_OF_CONSTANT = 20  # as many show that a character always stands there
_MOST_TEMPLATES = 200
_LONGEST = 200  # characters of an identifier
LARGEST = 2**62  # fillings that are numbered; positions beyond are drawn at random
_ROUNDS = 4  # of the permutation
_MOST_STRETCHES = 31  # of numbers, each with a share of its own
_FEWEST_IN_STRETCH = 50  # numbers that it is told by
_LEAST_ROOM = 20  # ways for each of them
_PERIOD = 1_000  # rows after which the templates come in the same order again


@dataclass(frozen=True)
class Template:
    """The characters that may stand at each position.

    Parameters
    ----------
    share : float
        How many of the identifiers look like this.
    alphabets : tuple of str
        One per position, each of distinct characters.

    Examples
    --------
    >>> Template(1.0, ("A", "01")).size
    2
    """

    share: float
    alphabets: tuple[str, ...]

    @property
    def size(self) -> int:
        """In how many ways it can be filled."""
        return math.prod(map(len, self.alphabets))

    def fill(self, ways: NDArray[np.uint64], rng: np.random.Generator) -> NDArray[np.str_]:
        """The given fillings, numbers below ``size`` and 2**62, which differ wherever the numbers do."""
        cells = np.empty((len(ways), len(self.alphabets)), dtype="U1")
        rest, left = ways.copy(), LARGEST
        for position in reversed(range(len(self.alphabets))):
            letters = np.array(list(self.alphabets[position]))
            left //= len(letters)
            if left:
                rest, digit = np.divmod(rest, np.uint64(len(letters)))
            else:
                digit = rng.integers(len(letters), size=len(ways), dtype=np.uint64)
            cells[:, position] = letters[digit.astype(np.intp)]
        return cells.view(f"U{len(self.alphabets)}")[:, 0]

    @property
    def numbered(self) -> int:
        """How many fillings can be told apart by a number below 2**62."""
        left = size = 1
        for letters in reversed(self.alphabets):
            left *= len(letters)
            if left > LARGEST:
                break
            size = left
        return size

    def __str__(self) -> str:
        names = dict(zip(_CLASSES, "9ffaAzZz", strict=True))
        return "".join(p if len(p) == 1 else names.get(p, f"[{p}]") for p in self.alphabets)[:60]


def shape_of(text: str) -> str:
    """A text with every letter and digit replaced by an x.

    Examples
    --------
    >>> shape_of("7590-VHVEG")
    'xxxx-xxxxx'
    """
    return "".join("x" if c.isascii() and c.isalnum() else c for c in text)


def learn_templates(texts: list[str]) -> tuple[Template, ...]:
    """Templates of the given identifiers, the most frequent first; the rarest are left out.

    Examples
    --------
    >>> (template,) = learn_templates([f"A-{i:02}" for i in range(90)])
    >>> str(template), template.size
    ('A-99', 100)
    """
    groups: dict[str, list[str]] = {}
    for text in texts:
        groups.setdefault(shape_of(text), []).append(text)
    largest = sorted(groups.values(), key=lambda group: (-len(group), group[0]))[:_MOST_TEMPLATES]
    roomy = [(len(group), _alphabets(group)) for group in largest if 0 < len(group[0]) <= _LONGEST]
    # One that is filled to a quarter has no room for new ones, unless there is no other.
    kept = [(n, a) for n, a in roomy if math.prod(map(len, a)) >= 4 * n] or roomy[:1]
    total = sum(n for n, _ in kept)
    return tuple(Template(n / total, alphabets) for n, alphabets in kept)


def _alphabets(group: list[str]) -> tuple[str, ...]:
    columns = np.array(group, dtype=str).view("U1").reshape(len(group), -1).T  # (length, n_texts)
    return tuple(_alphabet("".join(np.unique(column)), len(group)) for column in columns)


def _alphabet(seen: str, n_rows: int) -> str:
    """What may stand where these characters were seen: a whole class, unless many rows show less of it."""
    if len(seen) == 1 and (n_rows >= _ROWS_OF_CONSTANT or seen not in _CLASSES[-1]):
        return seen
    whole = next((letters for letters in _CLASSES if set(seen) <= set(letters)), seen)
    return seen if n_rows >= _ROWS_PER_CHARACTER * len(whole) else whole


# --- forms --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Count:
    """Numbers that go on by a step, in a text between a fixed beginning and a fixed end.

    Parameters
    ----------
    following, step : int
        The first new number, and the way to the next.
    prefix, suffix : str
    width : int
        Digits that zeros fill up to.
    """

    following: int
    step: int
    prefix: str = ""
    suffix: str = ""
    width: int = 0
    room: ClassVar[int] = LARGEST

    def texts(self, rows: NDArray[np.uint64], key: int, rng: np.random.Generator) -> list[str]:
        """Texts for rows of these numbers."""
        numbers = (self.following + self.step * row for row in rows.tolist())
        return [f"{self.prefix}{number:0{self.width}}{self.suffix}" for number in numbers]

    def integers(self, rows: NDArray[np.uint64], key: int) -> NDArray[np.uint64]:
        """Numbers for rows of these numbers, modulo 2**64."""
        return _wrapped(self.following) + _wrapped(self.step) * rows

    def __str__(self) -> str:
        return f"{self.prefix}{self.following:0{self.width}}{self.suffix} and on by {self.step}"


@dataclass(frozen=True)
class Spread:
    """Numbers in no order, as many from each stretch between two neighbouring ``edges``.

    Parameters
    ----------
    edges : tuple of int
        Increasing; the last one is beyond the largest number.
    """

    edges: tuple[int, ...]

    @classmethod
    def fit(cls, distinct: NDArray[Any]) -> Spread:
        """Stretches that hold equally many of the given numbers, which go up, as far as there is room."""
        low, high = int(distinct[0]), min(int(distinct[-1]) + 1, int(distinct[0]) + LARGEST)
        for n_stretches in (_MOST_STRETCHES, 17):  # primes: rows at any smaller distance reach them all
            n_each = len(distinct) / n_stretches
            cuts = [int(distinct[round(place * n_each)]) for place in range(1, n_stretches)]
            edges = (low, *cuts, high)
            if n_each >= _FEWEST_IN_STRETCH and min(_widths(edges)) >= _LEAST_ROOM * n_each:
                return cls(edges)
        return cls((low, high))

    @property
    def room(self) -> int:
        """How many numbers there are before a stretch is full."""
        return min(_widths(self.edges)) * (len(self.edges) - 1)

    def texts(self, rows: NDArray[np.uint64], key: int, rng: np.random.Generator) -> list[str]:
        """Texts for rows of these numbers."""
        signed = self.integers(rows, key).view(np.int64) if self.edges[0] < 0 else self.integers(rows, key)
        return [str(number) for number in signed.tolist()]

    def integers(self, rows: NDArray[np.uint64], key: int) -> NDArray[np.uint64]:
        """Numbers for rows of these numbers, modulo 2**64; once a stretch is full they go beyond the end."""
        n_stretches = len(self.edges) - 1
        mixed = np.random.default_rng(key).permutation(n_stretches).astype(np.uint64)
        ordinal, place = np.divmod(rows, np.uint64(n_stretches))
        found = _wrapped(self.edges[-1]) + rows
        for number, width in enumerate(_widths(self.edges)):
            own = (mixed[place.astype(np.intp)] == number) & (ordinal < np.uint64(width))
            found[own] = _wrapped(self.edges[number]) + permute(ordinal[own], width, key)
        return found

    def __str__(self) -> str:
        return f"numbers from {self.edges[0]} to {self.edges[-1] - 1}"


def _widths(edges: tuple[int, ...]) -> list[int]:
    return [end - start for start, end in pairwise(edges)]


@dataclass(frozen=True)
class Pattern:
    """Templates; the shares of the rows that follow each."""

    templates: tuple[Template, ...]

    @property
    def room(self) -> int:
        """In how many ways they can be filled."""
        return min(sum(template.numbered for template in self.templates), LARGEST)

    def texts(self, rows: NDArray[np.uint64], key: int, rng: np.random.Generator) -> list[str]:
        """Texts for rows of these numbers."""
        slots = self._slots(key)
        period, place = np.divmod(rows, np.uint64(len(slots)))
        template_of = slots[place.astype(np.intp)]
        written = np.empty(len(rows), dtype=object)
        for number, template in enumerate(self.templates):
            own, mine = np.flatnonzero(template_of == number), np.flatnonzero(slots == number)
            within = np.searchsorted(mine, place[own].astype(np.intp)).astype(np.uint64)
            ordinal = period[own] * np.uint64(len(mine)) + within
            over, ordinal = np.divmod(ordinal, np.uint64(template.numbered))
            texts = template.fill(permute(ordinal, template.numbered, key), rng).astype(object)
            for at in np.flatnonzero(over):  # more rows than ways: only one mark more can tell them apart
                texts[at] = f"{texts[at]}-{over[at]}"
            written[own] = texts
        return written.tolist()

    def _slots(self, key: int) -> NDArray[np.intp]:
        """Template of each row of a period, by their shares, in an order of the key's own."""
        ends = np.round(np.cumsum([template.share for template in self.templates]) * _PERIOD)
        slots = np.searchsorted(ends, np.arange(_PERIOD), side="right").clip(max=len(self.templates) - 1)
        return np.random.default_rng(key).permutation(slots)

    def __str__(self) -> str:
        return " or ".join(map(str, self.templates[:3])) + (" ..." if len(self.templates) > 3 else "")


Form: TypeAlias = Count | Spread | Pattern


def form_to_state(form: Form) -> dict[str, Any]:
    """JSON-able description."""
    if isinstance(form, Pattern):
        return {"templates": [[each.share, list(each.alphabets)] for each in form.templates]}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in vars(form).items()}


def form_from_state(state: Any) -> Form:
    """Inverse of `form_to_state`; anything malformed is a `ModelFileError`."""
    broken = ModelFileError("The form of an identifier in the file is broken.")
    if not isinstance(state, dict):
        raise broken
    if set(state) == {"templates"}:
        return Pattern(_templates_from(state["templates"]))
    if set(state) == {"edges"}:
        edges = state["edges"]
        whole = isinstance(edges, list) and all(type(edge) is int for edge in edges)
        if not whole or not 1 < len(edges) <= _MOST_STRETCHES + 1 or min(_widths(tuple(edges))) < 1:
            raise broken
        if edges[-1] - edges[0] > LARGEST or abs(edges[0]) >= 2**64:
            raise broken
        return Spread(tuple(edges))
    whole = all(type(state.get(key, 0)) is int for key in ("following", "step", "width"))
    texts = all(isinstance(state.get(key), str) for key in ("prefix", "suffix"))
    if (
        whole
        and texts
        and set(state) == {"following", "step", "prefix", "suffix", "width"}
        and 0 <= state["width"] <= _LONGEST
        and max(abs(state["following"]), abs(state["step"])) < 2**70
    ):
        return Count(**state)
    raise broken


def _wrapped(number: int) -> np.uint64:
    return np.uint64(number % 2**64)


# --- permutations -------------------------------------------------------------------------------------------


def permute(numbers: NDArray[np.uint64], size: int, key: int) -> NDArray[np.uint64]:
    """A permutation of 0 ... size - 1, picked by a key, at the given places.

    A Feistel network on just enough bits; a number that leaves the range goes through it again until it is
    back, which keeps the map one-to-one.

    Examples
    --------
    >>> sorted(permute(np.arange(5, dtype=np.uint64), 5, key=3).tolist())
    [0, 1, 2, 3, 4]
    """
    half = np.uint64(max(1, ((size - 1).bit_length() + 1) // 2))
    mask = (np.uint64(1) << half) - np.uint64(1)
    keys = np.random.default_rng(key).integers(2**63, size=_ROUNDS, dtype=np.uint64)
    result = numbers.astype(np.uint64)
    outside = np.ones(len(result), dtype=bool)
    while outside.any():
        left, right = result[outside] >> half, result[outside] & mask
        for each in keys:
            left, right = right, left ^ (_mix(right ^ each) & mask)
        result[outside] = (left << half) | right
        outside = result >= np.uint64(size)
    return result


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Bits well stirred (the finaliser of splitmix64)."""
    with np.errstate(over="ignore"):
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _templates_from(state: Any) -> tuple[Template, ...]:
    broken = ModelFileError("The pattern of an identifier in the file is broken.")
    if not isinstance(state, list) or not 0 < len(state) <= _MOST_TEMPLATES:
        raise broken
    templates = []
    for entry in state:
        if not isinstance(entry, list) or len(entry) != 2 or not isinstance(entry[1], list):
            raise broken
        share, alphabets = entry
        sound = all(isinstance(a, str) and a and len(set(a)) == len(a) < 1_000 for a in alphabets)
        if (
            not isinstance(share, float)
            or not 0 < share <= 1
            or not sound
            or not 0 < len(alphabets) <= _LONGEST
        ):
            raise broken
        templates.append(Template(share, tuple(alphabets)))
    return tuple(templates)
