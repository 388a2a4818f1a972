"""Errors and warnings that ganaug raises on purpose.

::

    Exception
      GanaugError
        InvalidTableError       (also ValueError)  the table given can't be used as it is
          RejectColumn                             one column of it, named, with what to do
        InvalidImageError       (also ValueError)  the images given can't be used as they are
        InvalidConditionError   (also ValueError)  a condition that no row can meet
        ModelFileError          (also ValueError)  a file that isn't a whole model file
        CheckpointError         (also ValueError)  a checkpoint that doesn't belong to this fit
        UnsupportedError        (also NotImplementedError)  what this kind of generator can't do
        ContractError           (also AssertionError)  a synthesizer or a codec breaks its contract
    UserWarning
      GanaugWarning
        FewImagesWarning                           so few images of a class that a fit may harm
        InterruptedFitWarning                      the fit was cut short; the best state so far is kept
        ModeCollapseWarning                        a generator makes far less variety than there is
        UnstableTrainingWarning                    numbers were not finite; training went back and on
"""

__all__ = [
    "CheckpointError",
    "ContractError",
    "FewImagesWarning",
    "GanaugError",
    "GanaugWarning",
    "InterruptedFitWarning",
    "InvalidConditionError",
    "InvalidImageError",
    "InvalidTableError",
    "ModeCollapseWarning",
    "ModelFileError",
    "RejectColumn",
    "UnstableTrainingWarning",
    "UnsupportedError",
]


class GanaugError(Exception):
    """Base of every error that ganaug raises on purpose."""


class InvalidTableError(GanaugError, ValueError):
    """The table given can't be used as it is."""


class RejectColumn(InvalidTableError):  # noqa: N818 - it names what to do, not what went wrong
    """A column can't be used; the message names it and says what to do."""


class InvalidImageError(GanaugError, ValueError):
    """The images given can't be used as they are."""


class InvalidConditionError(GanaugError, ValueError):
    """A condition names an unknown column, or a value that the column never had."""


class ModelFileError(GanaugError, ValueError):
    """A file is not a whole, valid model file."""


class CheckpointError(GanaugError, ValueError):
    """A checkpoint is broken, or belongs to another fit."""


class UnsupportedError(GanaugError, NotImplementedError):
    """The generator that was fitted can't do this; the message says which can."""


class ContractError(GanaugError, AssertionError):
    """A synthesizer or a column codec breaks its contract; the message says where."""


class GanaugWarning(UserWarning):
    """Base of every warning that ganaug emits on purpose."""


class FewImagesWarning(GanaugWarning):
    """A class has so few images that generated ones may harm more than they help."""


class InterruptedFitWarning(GanaugWarning):
    """The fit was interrupted; the best state so far is kept."""


class UnstableTrainingWarning(GanaugWarning):
    """A loss, gradient or weight was not finite; training went back to the last good weights."""


class ModeCollapseWarning(GanaugWarning):
    """A generator in adversarial training makes far less variety than the real rows have."""
