"""What may watch a fit: the protocol, a checkpoint that a killed fit resumes from, and the progress bar."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganaug._util.files import check_output
from ganaug._util.parameters import check_parameter
from ganaug._util.store import load_file, save_file
from ganaug.exceptions import CheckpointError, ModelFileError

if TYPE_CHECKING:
    from ganaug.training.loop import Loop


class Callback:
    """Base of callbacks; each method does nothing until overridden.

    A trainer has ``step``, ``epoch``, ``seconds``, ``history`` (see `History`) and ``stop()``, which ends the
    fit after this step with the best weights so far.

    Examples
    --------
    >>> from ganaug import Callback
    >>> class StopEarly(Callback):
    ...     def on_step(self, trainer):
    ...         if trainer.step == 100:
    ...             trainer.stop()
    """

    def on_fit_begin(self, trainer: Loop) -> None:
        """Before the first step."""

    def on_step(self, trainer: Loop) -> None:
        """After every step."""

    def on_epoch_end(self, trainer: Loop) -> None:
        """After every pass over the training rows."""

    def on_fit_end(self, trainer: Loop) -> None:
        """When the final weights are in place."""


class Checkpoint(Callback):
    """Keep the state of a fit in a file, so that a killed fit can go on where it was.

    Run the same script again: the fit resumes from the file, and ends bit-equal to one that was never killed.
    The file is replaced atomically, and removed when the fit is complete.

    Parameters
    ----------
    path : str or path-like
        Where to keep the state; a fit of other rows or settings doesn't touch it, but raises
        `CheckpointError`.
    every_seconds : float, default=60
        Time between two writes.
    """

    def __init__(self, path: str | os.PathLike[str], every_seconds: float = 60.0) -> None:
        self.path = path
        self.every_seconds = every_seconds
        self._written = 0.0

    def on_fit_begin(self, trainer: Loop) -> None:
        """Resume from the file where there is one."""
        check_parameter("every_seconds", self.every_seconds, float, minimum=0.0)
        self._written = time.monotonic()
        path = Path(self.path)
        check_output(path)
        if not path.exists():
            return
        try:
            header, arrays = load_file(path)
            trainer.load_state(header, arrays)
        except ModelFileError as error:
            raise CheckpointError(f"{os.fspath(path)!r} is not a checkpoint: {error}") from error

    def on_step(self, trainer: Loop) -> None:
        """Write the file when it is time."""
        if time.monotonic() - self._written >= self.every_seconds:
            save_file(self.path, *trainer.to_state())
            self._written = time.monotonic()

    def on_fit_end(self, trainer: Loop) -> None:
        """Remove the file, unless the fit was interrupted and may yet go on."""
        if not trainer.interrupted:
            Path(self.path).unlink(missing_ok=True)


class ProgressBar(Callback):
    """A tqdm bar with the epoch, the losses, rows a second and the time left."""

    def __init__(self) -> None:
        self._bar: Any = None

    def on_fit_begin(self, trainer: Loop) -> None:
        """Open the bar."""
        from tqdm.auto import tqdm

        self._bar = tqdm(total=trainer.expected_steps, initial=trainer.step, desc="epoch 1", unit="step")

    def on_step(self, trainer: Loop) -> None:
        """Move on; the losses are those of the last evaluation."""
        if self._bar.total != trainer.expected_steps:
            self._bar.total = trainer.expected_steps
        self._bar.update(1)
        if trainer.history and trainer.history[-1]["step"] == trainer.step:
            self._show(trainer)

    def on_epoch_end(self, trainer: Loop) -> None:
        """Count epochs."""
        self._bar.set_description(f"epoch {trainer.epoch + 1}", refresh=False)

    def on_fit_end(self, trainer: Loop) -> None:
        """Close the bar, full."""
        if trainer.history:
            self._show(trainer)
        self._bar.total = trainer.step
        self._bar.refresh()
        self._bar.close()

    def _show(self, trainer: Loop) -> None:
        last = trainer.history[-1]
        losses = {"loss": last["train_loss"], "held-out": last["validation_loss"]}
        shown = {key: f"{value:.3f}" for key, value in losses.items() if value is not None}
        self._bar.set_postfix({**shown, "rows/s": f"{last['rows_per_second']:,.0f}"}, refresh=False)
