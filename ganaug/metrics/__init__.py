"""Measures of synthetic tables and images: arrays or DataFrames in, a number or a small frame out.

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
`calibration`     `reliability`
`classifier`      `fit_classifier`, `train_on_synthetic_images`
`frechet`         `frechet_distance`, `kernel_distance`
`neighbours`      `neighbourhoods`
`memorisation`    `image_memorisation`, `perceptual_hashes`
`variety`         `label_variety`, `class_coverage`, `class_spread`
`networks`        `efflite0_features`, `inception_features`
================  ==========================================================================

Those from `classifier` on are of images, and start from arrays of images or from features of them.
No figure means much alone: lay beside it what a real hold-out, a bootstrap of the training rows and
independent columns get.
"""

from ganaug.metrics.attacks import attribute_inference, singling_out
from ganaug.metrics.calibration import reliability
from ganaug.metrics.classifier import ImageClassifier, fit_classifier, train_on_synthetic_images
from ganaug.metrics.detection import harder_judge_auc, tree_detection, xgboost_c2st
from ganaug.metrics.frechet import frechet_distance, kernel_distance
from ganaug.metrics.marginals import shape_error, shape_error_by_column
from ganaug.metrics.memorisation import image_memorisation, perceptual_hashes
from ganaug.metrics.neighbours import neighbourhoods
from ganaug.metrics.networks import efflite0_features, inception_features
from ganaug.metrics.pairs import trend_error, trend_error_by_pair, trend_twin
from ganaug.metrics.privacy import dcr_share, exact_copies, membership_auc, near_copies, nndr_share
from ganaug.metrics.reasons import telling_rows
from ganaug.metrics.support import alpha_precision, beta_recall
from ganaug.metrics.utility import feature_importances, train_on_synthetic
from ganaug.metrics.variety import class_coverage, class_spread, label_variety

__all__ = [
    "ImageClassifier",
    "alpha_precision",
    "attribute_inference",
    "beta_recall",
    "class_coverage",
    "class_spread",
    "dcr_share",
    "efflite0_features",
    "exact_copies",
    "feature_importances",
    "fit_classifier",
    "frechet_distance",
    "harder_judge_auc",
    "image_memorisation",
    "inception_features",
    "kernel_distance",
    "label_variety",
    "membership_auc",
    "near_copies",
    "neighbourhoods",
    "nndr_share",
    "perceptual_hashes",
    "reliability",
    "shape_error",
    "shape_error_by_column",
    "singling_out",
    "telling_rows",
    "train_on_synthetic",
    "train_on_synthetic_images",
    "tree_detection",
    "trend_error",
    "trend_error_by_pair",
    "trend_twin",
    "xgboost_c2st",
]
