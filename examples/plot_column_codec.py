"""
A column of your own
====================

A kind of column that ganaug doesn't know is one class: here points on a map, as text of a latitude and a
longitude. The class says how a cell becomes codes and how codes become a cell; `check_column_codec` holds it
to all that is expected, and ``columns=`` puts it to use.
"""

# %%
# What follows is all of it. A point is two numbers, so the codec has two of ganaug's number codecs, and with
# them two fields. `shares` and `decode_within` are what makes conditions exact.

from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ganaug import GANSynthesizer
from ganaug.exceptions import InvalidConditionError, RejectColumn
from ganaug.tabular.columns import NumberCodec
from ganaug.testing import check_column_codec

PATTERN = r"(-?\d+\.\d+), (-?\d+\.\d+)"


@dataclass(frozen=True)
class PointCodec:
    """Text such as "45.76, 4.84"."""

    kind = "point"
    dtype = np.dtype(object)
    name: str
    parts: tuple[NumberCodec, NumberCodec]

    @classmethod
    def fit(cls, values, name, weights=None):
        if not values.map(lambda cell: isinstance(cell, str)).all():
            raise RejectColumn(f"Column {name!r} must hold points such as '45.76, 4.84', and no gaps.")
        return cls(name, tuple(NumberCodec.fit(axis, name, weights, chosen=True) for axis in split(values)))

    @property
    def fields(self):
        return tuple(part.fields[0] for part in self.parts)

    def encode(self, values, *, unseen="raise"):
        axes = zip(self.parts, split(values), strict=True)
        return np.concatenate([part.encode(axis, unseen=unseen) for part, axis in axes], axis=1)

    def decode(self, codes, rng):
        north, east = (part.decode(codes[:, [at]], rng) for at, part in enumerate(self.parts))
        cells = np.empty(len(codes), dtype=object)
        cells[:] = [f"{a:.2f}, {b:.2f}" for a, b in zip(north, east, strict=True)]
        return cells

    # What can be asked of points: to be one of some.

    def encode_asked(self, values, extrapolate):
        return self.encode(values)

    def shares(self, wanted, before=()):
        n_codes = self.fields[len(before)].n_codes
        if wanted.low is not None or wanted.high is not None or wanted.values == ():
            raise InvalidConditionError(f"Column {self.name!r} holds points; ask for some, got {wanted}")
        if wanted.values is None:
            return np.ones(n_codes)
        codes = self.encode(pd.Series(wanted.values))
        fits = (codes[:, : len(before)] == before).all(axis=1)
        return np.isin(np.arange(n_codes), codes[fits, len(before)]).astype(float)

    def decode_within(self, codes, wanted, rng):
        cells = self.decode(codes, rng)
        for value in wanted.values or ():
            cells[(codes == self.encode(pd.Series([value]))).all(axis=1)] = value
        return cells

    # Files hold JSON and arrays, no code.

    def to_state(self):
        states = [part.to_state() for part in self.parts]
        arrays = {f"{at}.{k}": v for at, (_, held) in enumerate(states) for k, v in held.items()}
        return {"north": states[0][0], "east": states[1][0]}, arrays

    @classmethod
    def from_state(cls, name, header, arrays):
        own = [{k[2:]: v for k, v in arrays.items() if k[:2] == f"{at}."} for at in range(2)]
        described = [header[key] if isinstance(header.get(key), dict) else {} for key in ("north", "east")]
        return cls(name, tuple(map(NumberCodec.from_state, [name] * 2, described, own)))


def split(values):
    """Latitudes and longitudes."""
    found = values.astype("string").str.extract(PATTERN).astype("float64")
    return found[0], found[1]


# %%
# A table of people in three towns, and the check.

rng = np.random.default_rng(0)
towns = pd.DataFrame(
    {"north": [45.76, 48.86, 43.70], "east": [4.84, 2.35, 7.27]}, index=["Lyon", "Paris", "Nice"]
)
town = rng.choice(towns.index, 900)
home = towns.loc[town] + rng.normal(scale=0.2, size=(900, 2))
people = pd.DataFrame(
    {
        "home": [f"{a:.2f}, {b:.2f}" for a, b in home.to_numpy()],
        "town": town,
        "age": rng.integers(18, 90, 900),
    }
)
check_column_codec(PointCodec, people["home"])

# %%
# From here on it is a column like any other. A saved model names the codec by its kind; pass the class to
# load it: ``GANSynthesizer.load(path, codecs=[PointCodec])``.

synthesizer = GANSynthesizer(columns={"home": PointCodec}, max_epochs=40, random_state=0).fit(people)
print(synthesizer.columns_[["column", "kind", "chosen", "n_fields"]])
drawn = synthesizer.sample(900, random_state=1)
print(drawn.head())

figure, panels = plt.subplots(1, 2, figsize=(8, 4), sharex=True, sharey=True)
for panel, (title, table) in zip(panels, {"real": people, "synthetic": drawn}.items(), strict=True):
    north, east = split(table["home"])
    for name in towns.index:
        chosen = table["town"] == name
        panel.scatter(east[chosen], north[chosen], s=4, label=name)
    panel.set_title(title)
panels[0].legend()
figure.savefig("homes.png", dpi=120)
