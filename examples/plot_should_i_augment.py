"""
Should I augment?
=================

Often not. ``balance="auto"`` finds out: an inner cross-validation on the rows of the fit compares doing
nothing, class weights, a tuned threshold, and drawn rows at several amounts. Drawn rows are taken only when
they win by more than noise; ``report_`` says what was found.
"""

# %%
# One row in twelve is of the rare class, which overlaps with the other; two columns tell nothing. Once with a
# model that draws a straight line, once with boosted trees.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from ganaug import AugmentedClassifier, Balance, GANOversampler

rng = np.random.default_rng(0)
y = rng.permutation(np.repeat([0, 1], [330, 30]))
X = rng.normal(size=(360, 4)) + 1.5 * y[:, None] * [1, 1, 0, 0]

learners = {
    "logistic regression": LogisticRegression(),
    "boosted trees": HistGradientBoostingClassifier(max_iter=20, random_state=0),
}
options = Balance(cv=3, amounts=[0.25, 1.0])  # "auto" is five folds and three amounts
reports = {}
for name, learner in learners.items():
    sampler = GANOversampler(random_state=0)
    model = AugmentedClassifier(learner, sampler=sampler, balance=options, random_state=0).fit(X, y)
    reports[name] = model.report_
    print(f"{name}\n{model.report_}\n")

# %%
# One frame and one sentence for each. The gain over doing nothing, with one standard error: what doesn't
# clear the line by more than that isn't taken.

figure, panels = plt.subplots(1, 2, figsize=(9, 3), sharex=True, sharey=True, layout="constrained")
for panel, (name, report) in zip(panels, reports.items(), strict=True):
    frame = report.frame.drop(index="nothing", errors="ignore")
    places = np.arange(len(frame))
    panel.errorbar(frame["gain"], places, xerr=frame["noise"], fmt="o")
    panel.axvline(0.0, color="0.6", linewidth=0.8)
    panel.set_yticks(places, frame.index)
    panel.set_title(f"{name}: {report.treatment.name}")
    panel.set_xlabel("average precision gained")
panels[0].invert_yaxis()
figure.savefig("should_i_augment.png", dpi=80)
