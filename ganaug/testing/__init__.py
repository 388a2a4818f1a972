"""What synthesizers and column codecs promise, as code: for ganaug's own, and for yours."""

from ganaug.testing.columns import check_column_codec
from ganaug.testing.synthesizers import check_synthesizer

__all__ = ["check_column_codec", "check_synthesizer"]
