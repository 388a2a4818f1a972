"""The only file that imports scikit-learn's private names."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import _check_sample_weight


def check_sample_weight(sample_weight: Any, X: Any) -> NDArray[np.float64]:
    """Weights of shape (n_rows,), finite and not negative; the errors are scikit-learn's own."""
    weights: NDArray[np.float64] = _check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True
    )
    return weights
