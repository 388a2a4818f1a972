"""Synthetic customers
====================

Fit a table with mixed types and missing values, draw as many rows again, and ask three questions of them:
do the columns look alike, do they depend on each other alike, and can a boosted tree tell them from rows that
the generator has never seen?
"""

from ganaug import GANSynthesizer, evaluate
from ganaug.datasets import make_customers

# Half of the rows are for the generator, half for the judge.
customers = make_customers(2000, random_state=0)
train, unseen = customers[:1000], customers[1000:]

synthesizer = GANSynthesizer(random_state=0, time_budget_seconds=20).fit(train)
synthetic = synthesizer.sample(1000)
print(synthetic.head().to_string())

# "real" is what real rows score, the best that can be hoped for; the other two are the ends of the scale:
# copies of the training rows, and columns that know nothing of each other.
report = evaluate(train, synthetic, real_holdout=unseen, target="churned")
print(report)

report.plot("customers.png", title="Synthetic customers over customers never seen")
