"""What the name of a column says of whole numbers that could be measurements by their looks."""

from __future__ import annotations

import re
from collections.abc import Hashable

_ID = "id|ids|uid|uuid|guid|key|pk"
_TELLS_ROWS = re.compile(rf"(^|[^a-z])({_ID}|rowid|rownum|rownumber|index)([^a-z]|$)")
_IS_CODE = re.compile(rf"(^|[^a-z])({_ID}|fk|zip|zipcode|postcode|postal|postalcode|plz)([^a-z]|$)")


def says_row(name: Hashable) -> bool:
    """Whether a label says that the column's values tell rows apart.

    Examples
    --------
    >>> says_row("CustomerID"), says_row("width")
    (True, False)
    """
    return bool(_TELLS_ROWS.search(_words(name)))


def says_code(name: Hashable) -> bool:
    """Whether a label says that numbers are codes: nothing between two of them means anything.

    Examples
    --------
    >>> says_code("zip_code"), says_code("CustomerID"), says_code("body mass index")
    (True, True, False)
    """
    return bool(_IS_CODE.search(_words(name)))


def _words(name: Hashable) -> str:
    """A label in lower case, its words apart: "CustomerID" is "customer id"."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", str(name)).lower()
