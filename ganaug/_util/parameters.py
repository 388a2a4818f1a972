"""One way to check a constructor's parameter: its type, its range, and an error that names it."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

__all__ = ["check_choice", "check_flag", "check_parameter"]


def check_parameter(
    name: str, value: Any, kind: type, *, minimum: float, maximum: float = math.inf, inclusive: bool = True
) -> None:
    """Check a number.

    Parameters
    ----------
    name : str
        What to call it in the error.
    value : object
    kind : type
        ``int`` or ``float``; a float may be given as an integer.
    minimum, maximum : float
        Allowed range.
    inclusive : bool, default=True
        Whether the minimum itself is allowed.

    Raises
    ------
    TypeError
        If it is no such number.
    ValueError
        If it is out of range, or not finite.
    """
    wanted, accepted = ("an integer", Integral) if kind is int else ("a number", Real)
    if isinstance(value, bool) or not isinstance(value, accepted):
        raise TypeError(f"{name} must be {wanted}, got {value!r}")
    try:
        number = float(value)  # type: ignore[arg-type]
    except OverflowError:  # an integer beyond all floats
        number = math.inf
    too_low = number < minimum or (number == minimum and not inclusive)
    if too_low or number > maximum or not math.isfinite(number):
        bound = f"at least {minimum:g}" if inclusive else f"more than {minimum:g}"
        above = "" if math.isinf(maximum) else f" and at most {maximum:g}"
        raise ValueError(f"{name} must be {bound}{above}, got {value!r}")


def check_choice(name: str, value: Any, choices: tuple[Any, ...]) -> None:
    """Raise a ValueError that lists the choices unless ``value`` is one of them."""
    if not any(value is choice or (type(value) is type(choice) and value == choice) for choice in choices):
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}; got {value!r}")


def check_flag(name: str, value: Any) -> None:
    """Raise a TypeError unless ``value`` is True or False."""
    if not isinstance(value, bool) and type(value).__name__ not in ("bool_", "bool"):
        raise TypeError(f"{name} must be True or False, got {value!r}")
