"""How faithful are synthetic rows? Scores beside the ends of their scales, and a picture."""

from ganaug.evaluation.report import Report, evaluate

__all__ = ["Report", "evaluate"]
