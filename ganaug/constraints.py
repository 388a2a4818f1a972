"""What must hold in every row that is drawn, by construction: ``GANSynthesizer(constraints=[...])``.

=====================  ===================================================================
`Inequality`           one column never above another: numbers, dates or durations
`Range`, `Positive`    values between bounds
`OneOf`                values from a list
`FixedCombinations`    only combinations of values that the training rows have
`Unique`               no two rows alike in some columns
`Transformed`          whatever a pair of your own functions makes
=====================  ===================================================================

They are applied in their order, each to the table that those before it leave. A training table that breaks
one is refused, and the first rows that do are shown.
"""

from ganaug.tabular.constraints import (
    FixedCombinations,
    Inequality,
    OneOf,
    Positive,
    Range,
    Transformed,
    Unique,
)

__all__ = ["FixedCombinations", "Inequality", "OneOf", "Positive", "Range", "Transformed", "Unique"]
