"""Weights of real and drawn rows: where an estimator takes them, and what they do to the classes' shares."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter


def weight_parameter(estimator: Any) -> str:
    """What ``fit`` calls the weights of rows; those of a Pipeline are its last step's."""
    if isinstance(estimator, Pipeline):
        last, final = estimator.steps[-1]
        return f"{last}__{weight_parameter(final)}"
    if not has_fit_parameter(estimator, "sample_weight"):
        raise TypeError(
            "Rows are weighted (by sample_weight, or synthetic_weight other than 1), and the estimator's fit "
            f"takes no sample_weight: {estimator!r}"
        )
    return "sample_weight"


def class_weight_parameter(estimator: Any) -> str | None:
    """The parameter that weighs classes, of a Pipeline its last step's; None where there is none."""
    if isinstance(estimator, Pipeline):
        last, final = estimator.steps[-1]
        name = class_weight_parameter(final)
        return None if name is None else f"{last}__{name}"
    return "class_weight" if "class_weight" in estimator.get_params(deep=False) else None


def shares_of_real(
    labels: NDArray[Any], weights: NDArray[np.float64], n_real: int, classes: NDArray[Any]
) -> NDArray[np.float64]:
    """Each class's share among real rows over that among all, shape (n_classes,)."""
    is_class = labels[:, None] == classes
    real = weights[:n_real] @ is_class[:n_real] / weights[:n_real].sum()
    return np.asarray(real / (weights @ is_class / weights.sum()))
