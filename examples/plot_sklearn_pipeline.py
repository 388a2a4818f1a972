"""
In scikit-learn's Pipeline, with a tuned threshold
==================================================

scikit-learn's Pipeline can't change the number of rows, so what adds rows is the last step: a classifier that
is fitted on real and drawn rows. A threshold that is tuned is a step further, and often all that is needed.
"""

# %%
# A rare class of one row in twelve, in two columns where it overlaps with the other.

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, balanced_accuracy_score
from sklearn.model_selection import TunedThresholdClassifierCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ganaug import AugmentedClassifier, GANOversampler

rng = np.random.default_rng(0)
y = rng.permutation(np.repeat(["common", "rare"], [550, 50]))
X = rng.normal(size=(600, 4)) + 1.2 * (y == "rare")[:, None] * [1, 0.5, 0, 0]
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

# %%
# The same logistic regression four times. Drawn rows and a tuned threshold both move where it decides; only
# what changes the ranking of the rows changes the average precision.

plain = LogisticRegression()
augmented = AugmentedClassifier(plain, sampler=GANOversampler(random_state=0), random_state=0)
models = {
    "as it is": plain,
    "tuned threshold": TunedThresholdClassifierCV(plain, cv=2, random_state=0),
    "drawn rows": augmented,
    "drawn rows, tuned threshold": TunedThresholdClassifierCV(augmented, cv=2, random_state=0),
}
for name, model in models.items():
    pipeline = make_pipeline(StandardScaler(), model).fit(X_train, y_train)
    ranked = average_precision_score(y_test == "rare", pipeline.predict_proba(X_test)[:, 1])
    decided = balanced_accuracy_score(y_test, pipeline.predict(X_test))
    print(f"{name:28}  average precision {ranked:.3f}  balanced accuracy {decided:.3f}")

# %%
# Drawn rows take probabilities off their calibration: half of the rows in the fit are of the rare class. For
# models that take up the shares as they are, ``correct_prior=True`` brings them back.

corrected = augmented.set_params(correct_prior=True).fit(X_train, y_train)
print("real share of the rare class", (y_train == "rare").mean().round(3))
print("mean probability of it", corrected.predict_proba(X_test)[:, 1].mean().round(3))
