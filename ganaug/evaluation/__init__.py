"""How faithful are synthetic rows? Scores beside the ends of their scales, a picture, and a page."""

from ganaug.evaluation.report import Report
from ganaug.evaluation.tables import evaluate

__all__ = ["Report", "evaluate"]
