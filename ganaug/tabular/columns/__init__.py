"""Column codecs, in the order in which they are tried."""

from ganaug.tabular.columns.base import CategoryField, ColumnCodec, Field, NumberField
from ganaug.tabular.columns.categorical import CategoryCodec
from ganaug.tabular.columns.numeric import NumberCodec

COLUMN_CODECS: tuple[type[ColumnCodec], ...] = (NumberCodec, CategoryCodec)

__all__ = [
    "COLUMN_CODECS",
    "CategoryCodec",
    "CategoryField",
    "ColumnCodec",
    "Field",
    "NumberCodec",
    "NumberField",
]
