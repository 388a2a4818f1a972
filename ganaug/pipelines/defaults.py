"""The generator of an over-sampler that was given none: as large, and as long a fit, as a table calls for."""

from __future__ import annotations

from ganaug.synthesizer import GANSynthesizer
from ganaug.tabular.cascade import Cascade
from ganaug.training.plan import BATCH_SIZE

_FEWEST_STEPS, _MOST_STEPS = 120, 2_000
_MOST_COLUMNS = 25  # from which on a step costs so much more that there are fewer
_LEARNED = 0.9  # share of the rows that aren't held out


def default_synthesizer(n_rows: int, n_columns: int, *, judges: bool = False) -> GANSynthesizer:
    """A synthesizer whose fit is bounded by the size of the table; the clock has no say.

    Parameters
    ----------
    n_rows, n_columns : int
    judges : bool, default=False
        Whether a discriminator is wanted too.

    Returns
    -------
    GANSynthesizer
    """
    steps_per_epoch = max(1, int(_LEARNED * n_rows) // BATCH_SIZE)
    n_steps = min(max(n_rows // 10, _FEWEST_STEPS), _MOST_STEPS) * min(1.0, _MOST_COLUMNS / n_columns)
    return GANSynthesizer(
        generator=Cascade(hidden_units=32, context_units=64),
        discriminator="auto" if judges else None,
        max_epochs=max(1, round(n_steps / steps_per_epoch)),
    )
