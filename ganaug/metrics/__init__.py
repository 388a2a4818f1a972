"""Measures of synthetic tables: arrays or DataFrames in, a number or a small frame out.

================  ==========================================================================
question          functions
================  ==========================================================================
`marginals`       `shape_error`, `shape_error_by_column`
`pairs`           `trend_error`, `trend_error_by_pair`, `trend_twin`
`detection`       `tree_detection`, `harder_judge_auc`, `xgboost_c2st`
`reasons`         `telling_rows`: what gives a table away, in words
`support`         `alpha_precision`, `beta_recall`
`utility`         `train_on_synthetic`, `feature_importances`
`privacy`         `dcr_share`, `nndr_share`, `exact_copies`, `near_copies`, `membership_auc`
`attacks`         `singling_out`, `attribute_inference`
================  ==========================================================================

No figure means much alone: lay beside it what a real hold-out, a bootstrap of the training rows and
independent columns get.
"""

from ganaug.metrics.attacks import attribute_inference, singling_out
from ganaug.metrics.detection import harder_judge_auc, tree_detection, xgboost_c2st
from ganaug.metrics.marginals import shape_error, shape_error_by_column
from ganaug.metrics.pairs import trend_error, trend_error_by_pair, trend_twin
from ganaug.metrics.privacy import dcr_share, exact_copies, membership_auc, near_copies, nndr_share
from ganaug.metrics.reasons import telling_rows
from ganaug.metrics.support import alpha_precision, beta_recall
from ganaug.metrics.utility import feature_importances, train_on_synthetic

__all__ = [
    "alpha_precision",
    "attribute_inference",
    "beta_recall",
    "dcr_share",
    "exact_copies",
    "feature_importances",
    "harder_judge_auc",
    "membership_auc",
    "near_copies",
    "nndr_share",
    "shape_error",
    "shape_error_by_column",
    "singling_out",
    "telling_rows",
    "train_on_synthetic",
    "tree_detection",
    "trend_error",
    "trend_error_by_pair",
    "trend_twin",
    "xgboost_c2st",
]
