"""Column codecs, in the order in which they are tried."""

from ganaug.tabular.columns.base import CategoryField, ColumnCodec, Field, NumberField
from ganaug.tabular.columns.categorical import CategoryCodec
from ganaug.tabular.columns.datetime import DatetimeCodec
from ganaug.tabular.columns.identifier import IdentifierCodec
from ganaug.tabular.columns.numeric import NumberCodec
from ganaug.tabular.columns.text import TextCodec

COLUMN_CODECS: tuple[type[ColumnCodec], ...] = (
    DatetimeCodec,
    IdentifierCodec,
    NumberCodec,
    CategoryCodec,
    TextCodec,  # only by the caller's choice
)

__all__ = [
    "COLUMN_CODECS",
    "CategoryCodec",
    "CategoryField",
    "ColumnCodec",
    "DatetimeCodec",
    "Field",
    "IdentifierCodec",
    "NumberCodec",
    "NumberField",
    "TextCodec",
]
