"""Odd cells, and how far to believe them
=======================================

A fitted synthesizer knows what a cell should be, given the rest of its row. So it finds cells that are
perfectly common in their column and yet wrong where they are. Here some are planted in a table that the fit
has never seen, and looked for; then the discriminator's probability of being real is put to the test.
"""

import numpy as np
import pandas as pd

from ganaug import GANSynthesizer
from ganaug.datasets import make_customers
from ganaug.evaluation.reliability import plot_reliability
from ganaug.metrics import reliability

customers = make_customers(3000, random_state=0)
train, unseen = customers[:2000], customers[2000:].reset_index(drop=True)
synthesizer = GANSynthesizer(max_epochs=20, random_state=0).fit(train)

# Twenty-five cells in each of three columns get the value of another row.
rng = np.random.default_rng(0)
odd, planted = unseen.copy(), pd.DataFrame(False, index=unseen.index, columns=unseen.columns)
for column in ("country", "monthly_charge", "plan"):
    rows = rng.choice(len(odd), 25, replace=False)
    donors = [rng.choice(np.flatnonzero(unseen[column] != unseen.loc[row, column])) for row in rows]
    odd.loc[rows, column] = unseen.loc[donors, column].to_numpy()
    planted.loc[rows, column] = True

# A cell is odd when it is less likely, given its row, than every cell of its column in the training rows. In
# a column that others determine, such as the country of a city, that is any cell that breaks the rule. One
# wrong cell makes others of its row look odd too (the city doesn't go with the country): the oddest counts.
names = synthesizer.get_feature_names_out()[:-1]
usual, found = (pd.DataFrame(synthesizer.transform(rows)[:, :-1], columns=names) for rows in (train, odd))
depth = (usual.min() - found).rename(columns=lambda name: name.removeprefix("log_likelihood_"))
flagged = depth.gt(0) & depth.eq(depth.max(axis=1), axis=0)
hits = flagged & planted[depth.columns]
n_flagged, n_hits = int(flagged.to_numpy().sum()), int(hits.to_numpy().sum())
print(
    f"{n_flagged} of {odd.size:,} cells flagged; {n_hits / n_flagged:.0%} of them were planted (precision)."
)
print("found, of the 25 planted:", hits.sum()[["country", "monthly_charge", "plan"]].to_dict())

# Realism: of rows called 70 % real, 70 % should be real. A fit that was cut short leaves more to tell apart;
# the real and the generated rows asked about are new to its discriminator.
hurried = GANSynthesizer(max_epochs=4, random_state=0).fit(train)
drawn = hurried.sample(len(unseen), guidance=0, random_state=1)
real, generated = hurried.realism(unseen), hurried.realism(drawn)
print(reliability(real, generated, n_bins=6).round(3).to_string(index=False))
plot_reliability(real, generated, n_bins=6).savefig("reliability.png", dpi=120)
