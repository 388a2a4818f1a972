"""A fit that is killed at a step, for tests of what is left of it."""

from __future__ import annotations

from ganaug.training.callbacks import Callback


class KilledError(Exception):
    """Nothing else raises it."""


class KillAt(Callback):
    """Raise `KilledError` after so many steps."""

    def __init__(self, step):
        self.step = step

    def on_step(self, trainer):
        if trainer.step == self.step:
            raise KilledError
