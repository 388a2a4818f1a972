"""Draw what rows for a rare class gain: ``python -m benchmarks.oversampling_plot``."""

from __future__ import annotations

import matplotlib.pyplot as plt

from benchmarks.records import ROOT
from benchmarks.tables.oversampling import LEARNERS, METHODS, gains_of, tasks

OUT = ROOT / "examples" / "oversampling.png"
SHOWN = ("class weight", "random", "smoothed bootstrap", "SMOTE", "ganaug", "ganaug, realism", "ganaug, auto")


def main() -> None:
    """One panel per learner; a box per method, of the gain in average precision over nothing on each task."""
    figure, panels = plt.subplots(1, len(LEARNERS), figsize=(11, 3.4), sharey=True, layout="constrained")
    own = list(tasks().values())
    for panel, learner in zip(panels, LEARNERS, strict=True):
        gains = [gains_of(own, learner, method, "nothing") for method in SHOWN]
        panel.boxplot(gains, orientation="horizontal", widths=0.6, medianprops={"color": "C3"})
        panel.axvline(0.0, color="0.6", linewidth=0.8, zorder=0)
        panel.set_yticks(range(1, len(SHOWN) + 1), [METHODS[m].replace("*", "") for m in SHOWN])
        panel.set_title(learner)
        panel.set_xlabel("average precision gained over nothing")
    panels[0].invert_yaxis()
    figure.savefig(OUT, dpi=80)


if __name__ == "__main__":
    main()
