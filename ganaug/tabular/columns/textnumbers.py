"""Numbers that are text because of how people write them: signs of currency, per cent, thousands apart."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SIGN = r"[$€£¥₹]|[A-Z]{3}"
_WRITTEN = re.compile(
    rf"\(?[+-]?({_SIGN})?\s?[+-]?(\d{{1,3}}([.,' ]\d{{3}})+|\d+)([.,]\d+)?([eE][+-]?\d+)?\s?({_SIGN}|%)?\)?"
)
_MARK = re.compile(r"[$€£¥₹%.,]|\d[eE]")  # without any, texts of digits may be codes
_LIKELY = 0.9


def look_like_numbers(texts: Sequence[str]) -> bool:
    """Whether most texts are numbers, and not only digits, which may be codes.

    Examples
    --------
    >>> look_like_numbers(["$1,200.50", "$80"]), look_like_numbers(["2.5%", "10%"])
    (True, True)
    >>> look_like_numbers(["0123", "0456"]), look_like_numbers(["C-12", "C-13"])
    (False, False)
    """
    written = sum(_WRITTEN.fullmatch(text.strip()) is not None for text in texts)
    return written > 0 and written >= _LIKELY * len(texts) and any(map(_MARK.search, texts))
