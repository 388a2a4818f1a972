"""Synthetic rows that a boosted tree can hardly tell from the real ones, for scikit-learn.

Names are imported when they are first used: ``import ganaug`` is quick and loads neither torch nor pandas.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganaug import baselines as baselines
    from ganaug import constraints as constraints
    from ganaug import datasets as datasets
    from ganaug import exceptions as exceptions
    from ganaug import metrics as metrics
    from ganaug.evaluation import Report as Report
    from ganaug.evaluation import evaluate as evaluate
    from ganaug.image.convnet import ConvNet as ConvNet
    from ganaug.image.grid import SampleGrid as SampleGrid
    from ganaug.image.grid import image_grid as image_grid
    from ganaug.pipelines.augmented import AugmentedClassifier as AugmentedClassifier
    from ganaug.pipelines.augmented import AugmentedRegressor as AugmentedRegressor
    from ganaug.pipelines.balance import Balance as Balance
    from ganaug.pipelines.imputer import GANImputer as GANImputer
    from ganaug.pipelines.oversampler import GANOversampler as GANOversampler
    from ganaug.synthesizer import GANSynthesizer as GANSynthesizer
    from ganaug.tabular.cascade import Cascade as Cascade
    from ganaug.tabular.residual import Residual as Residual
    from ganaug.tabular.wanted import Between as Between
    from ganaug.tabular.wanted import Missing as Missing
    from ganaug.tabular.wanted import Present as Present
    from ganaug.training.callbacks import Callback as Callback
    from ganaug.training.callbacks import Checkpoint as Checkpoint

__version__ = "0.1.0"

_HOMES = {
    "AugmentedClassifier": "ganaug.pipelines.augmented",
    "AugmentedRegressor": "ganaug.pipelines.augmented",
    "Balance": "ganaug.pipelines.balance",
    "Between": "ganaug.tabular.wanted",
    "Callback": "ganaug.training.callbacks",
    "Cascade": "ganaug.tabular.cascade",
    "Checkpoint": "ganaug.training.callbacks",
    "ConvNet": "ganaug.image.convnet",
    "GANImputer": "ganaug.pipelines.imputer",
    "GANOversampler": "ganaug.pipelines.oversampler",
    "GANSynthesizer": "ganaug.synthesizer",
    "Missing": "ganaug.tabular.wanted",
    "Present": "ganaug.tabular.wanted",
    "Report": "ganaug.evaluation",
    "Residual": "ganaug.tabular.residual",
    "SampleGrid": "ganaug.image.grid",
    "evaluate": "ganaug.evaluation",
    "image_grid": "ganaug.image.grid",
}
_MODULES = ("baselines", "constraints", "datasets", "exceptions", "metrics")

__all__ = [
    "AugmentedClassifier",
    "AugmentedRegressor",
    "Balance",
    "Between",
    "Callback",
    "Cascade",
    "Checkpoint",
    "ConvNet",
    "GANImputer",
    "GANOversampler",
    "GANSynthesizer",
    "Missing",
    "Present",
    "Report",
    "Residual",
    "SampleGrid",
    "__version__",
    "baselines",
    "constraints",
    "datasets",
    "evaluate",
    "exceptions",
    "image_grid",
    "metrics",
]


def __getattr__(name: str) -> object:
    """Import a public name on its first use (PEP 562)."""
    if name in _MODULES:
        value: object = import_module(f"ganaug.{name}")
    elif name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module 'ganaug' has no attribute {name!r}; it has {', '.join(__all__)}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
