"""Measures of synthetic tables: arrays or DataFrames in, a number or a small frame out.

================  ==========================================================================
question          functions
================  ==========================================================================
`marginals`       `shape_error`, `shape_error_by_column`
`pairs`           `trend_error`, `trend_error_by_pair`, `trend_twin`
`detection`       `tree_detection`, `harder_judge_auc`, `xgboost_c2st`
`utility`         `train_on_synthetic`
`privacy`         `dcr_share`, `exact_copies`, `membership_auc`
`calibration`     `reliability`
================  ==========================================================================

No figure means much alone: lay beside it what a real hold-out, a bootstrap of the training rows and
independent columns get.
"""

from ganaug.metrics.calibration import reliability
from ganaug.metrics.detection import harder_judge_auc, tree_detection, xgboost_c2st
from ganaug.metrics.marginals import shape_error, shape_error_by_column
from ganaug.metrics.pairs import trend_error, trend_error_by_pair, trend_twin
from ganaug.metrics.privacy import dcr_share, exact_copies, membership_auc
from ganaug.metrics.utility import train_on_synthetic

__all__ = [
    "dcr_share",
    "exact_copies",
    "harder_judge_auc",
    "membership_auc",
    "reliability",
    "shape_error",
    "shape_error_by_column",
    "train_on_synthetic",
    "tree_detection",
    "trend_error",
    "trend_error_by_pair",
    "trend_twin",
    "xgboost_c2st",
]
