"""What must hold in every row that is drawn, by construction."""

from ganaug.tabular.constraints.base import Constraint
from ganaug.tabular.constraints.chain import Chain, check_constraints
from ganaug.tabular.constraints.combinations import FixedCombinations
from ganaug.tabular.constraints.inequality import Inequality
from ganaug.tabular.constraints.simple import OneOf, Positive, Range, Unique
from ganaug.tabular.constraints.transformed import Transformed

__all__ = [
    "Chain",
    "Constraint",
    "FixedCombinations",
    "Inequality",
    "OneOf",
    "Positive",
    "Range",
    "Transformed",
    "Unique",
    "check_constraints",
]
