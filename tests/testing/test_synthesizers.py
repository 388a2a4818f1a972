"""The contract of synthesizers: ours keep it, and the check finds whoever breaks a promise."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from ganaug import Cascade, GANSynthesizer
from ganaug._util.frames import as_pandas, header_of, to_column, to_frame
from ganaug.exceptions import ContractError
from ganaug.testing import check_synthesizer


class Bootstrap(BaseEstimator):
    """Training rows again, with what was asked for written into them: small, and it keeps every promise."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        validate_data(self, header_of(X), skip_check_array=True)
        self._table, self._container = to_frame(X)
        self._labels, self._label_container = to_column(y)
        self._rng = np.random.default_rng(self.random_state)
        self.rows_ = len(self._table)
        return self

    def sample(self, n_samples=None, *, y=None, conditions=None, return_y=False, random_state=None):
        check_is_fitted(self)
        asked = as_pandas(conditions)
        n = n_samples if n_samples is not None else len(y if asked is None else asked)
        if n < 1:
            raise ValueError(f"n_samples must be at least 1, got {n}")
        rng = self._rng if random_state is None else np.random.default_rng(random_state)
        chosen = rng.integers(self.rows_, size=n)
        table, labels = self._table.iloc[chosen].copy(), self._labels.iloc[chosen].copy()
        if y is not None:
            wanted = [y] * n if isinstance(y, str) else list(to_column(y)[0])
            if len(wanted) != n or not set(wanted) <= set(self._labels):
                raise ValueError(f"y can't be drawn: {y!r}")
            labels = pd.Series(wanted, dtype=labels.dtype)
        for column in [] if asked is None else asked:
            cells = asked[column].tolist() if isinstance(asked, pd.DataFrame) else [asked[column]] * n
            if column not in table or not set(cells) <= set(self._table[column]):
                raise ValueError(f"The condition can't be met: {column!r}")
            table[column] = pd.array(cells, dtype=table[column].dtype)
        X = self._container.rebuild([table.iloc[:, i].array for i in range(table.shape[1])])
        return (X, self._label_container.rebuild_column(labels.array, "label")) if return_y else X

    def save(self, path):
        path.touch()
        SAVED[path] = self

    @classmethod
    def load(cls, path):
        return SAVED[path]


SAVED = {}


def drawn(change):
    """A Bootstrap whose rows and labels are changed before it hands them out."""

    class Changed(Bootstrap):
        def sample(self, n_samples=None, *, y=None, conditions=None, return_y=False, random_state=None):
            asked = {"y": y, "conditions": conditions, "random_state": random_state}
            X, labels = Bootstrap.sample(self, n_samples, return_y=True, **asked)
            X, labels = change(X, labels)
            return (X, labels) if return_y else X

    return Changed()


def asked(change):
    """A Bootstrap that hears something else than what it is asked."""

    class Deaf(Bootstrap):
        def sample(self, n_samples=None, *, y=None, conditions=None, return_y=False, random_state=None):
            heard = {"n_samples": n_samples, "y": y, "conditions": conditions, "random_state": random_state}
            return Bootstrap.sample(self, return_y=return_y, **change(self, heard))

    return Deaf()


def fitted(change):
    """A Bootstrap that does something more in fit."""

    class Busy(Bootstrap):
        def fit(self, X, y):
            Bootstrap.fit(self, X, y)
            return change(self, X)

    return Busy()


def in_pandas(change):
    """Change rows that are in pandas, and leave all others."""
    return drawn(lambda X, y: (change(X) if isinstance(X, pd.DataFrame) else X, y))


def doing(call):
    """A change of what is fitted that only does something else."""

    def change(synthesizer, X):
        call(synthesizer, X)
        return synthesizer

    return fitted(change)


def one_row_more(self, heard):
    given = heard["n_samples"]
    return heard | {"n_samples": given + 1 if given and given > 0 and heard["y"] is None else given}


def forgets(name):
    return lambda self, heard: heard | {name: None, "n_samples": heard["n_samples"] or 60}


def backwards(self, heard):
    frame = heard["conditions"]
    return heard | {"conditions": frame[::-1] if isinstance(frame, pd.DataFrame) else frame}


def write_into(self, X):
    if isinstance(X, pd.DataFrame):
        X.iloc[0, 0] = 99.0


class Stateful(Bootstrap):
    def __init__(self, random_state=None):
        self.random_state = random_state
        self.rows_ = 0


class NotCloned(Bootstrap):
    def __init__(self, random_state=None):
        self.random_state = [random_state]


class NoLabels(Bootstrap):
    def sample(self, n_samples=None, *, random_state=None):
        return Bootstrap.sample(self, n_samples, random_state=random_state)


class NeverFitted(Bootstrap):
    def sample(self, n_samples=None, *, y=None, conditions=None, return_y=False, random_state=None):
        if not hasattr(self, "rows_"):
            return None
        asked = {"y": y, "conditions": conditions, "random_state": random_state}
        return Bootstrap.sample(self, n_samples, return_y=return_y, **asked)


class LoadsAnother(Bootstrap):
    @classmethod
    def load(cls, path):
        other = cls()
        other.__dict__.update(SAVED[path].__dict__)
        other._table = other._table[::-1].reset_index(drop=True)
        return other


class TakesAnyLabel(Bootstrap):
    def sample(self, n_samples=None, *, y=None, conditions=None, return_y=False, random_state=None):
        known = [y] if isinstance(y, str) else y
        y = y if known is None or set(known) <= set(self._labels) else "rare"
        asked = {"y": y, "conditions": conditions, "random_state": random_state}
        return Bootstrap.sample(self, n_samples, return_y=return_y, **asked)


class Zero(Bootstrap):
    def sample(self, n_samples=None, *, y=None, conditions=None, return_y=False, random_state=None):
        check_is_fitted(self)
        asked = {"y": y, "conditions": conditions, "random_state": random_state}
        n = None if n_samples is None else max(n_samples, 1)
        return Bootstrap.sample(self, n, return_y=return_y, **asked)


def shuffled(self, X):
    order = np.random.default_rng().permutation(self.rows_)
    self._table = self._table.iloc[order].reset_index(drop=True)


def refuse_polars(self, X):
    if type(X).__module__.startswith("polars"):
        raise TypeError("Only pandas")


BROKEN = {
    "numpy must come|polars must come|what was fitted": drawn(lambda X, y: (as_pandas(X), y)),
    "Columns of pandas must be those of fit": in_pandas(lambda X: X[X.columns[::-1]]),
    "'size' of pandas must be of dtype .*int8": in_pandas(lambda X: X.astype({"size": "int64"})),
    "'city' of pandas must be of dtype Categorical": in_pandas(
        lambda X: X.assign(city=X["city"].cat.remove_categories("unused"))
    ),
    "'value' of pandas had no missing values": in_pandas(lambda X: X.assign(value=np.nan)),
    "'note' of pandas must have values that it had": in_pandas(lambda X: X.assign(note="new")),
    r"sample\(1\) must give 1 rows of pandas, got 2": asked(one_row_more),
    "must have the labels asked for": asked(forgets("y")),
    "Labels of pandas must come as they came in fit, got ndarray": drawn(lambda X, y: (X, np.asarray(y))),
    "must repeat the draw": asked(lambda self, heard: heard | {"random_state": None}),
    "must be another one": asked(lambda self, heard: heard | {"random_state": 0}),
    "must repeat the fit": doing(shuffled),
    "in all rows, as asked": asked(forgets("conditions")),
    "what the frame of conditions has in that row": asked(backwards),
    "random numbers of numpy": doing(lambda self, X: np.random.seed(0)),  # noqa: NPY002
    "random numbers of random": doing(lambda self, X: random.random()),
    "random numbers of torch": doing(lambda self, X: torch.rand(1)),
    "sample before fit must raise NotFittedError; it returned": NeverFitted(),
    r"sample\(0\) must be refused": Zero(),
    "A label that fit never had must be refused": TakesAnyLabel(),
    "clone failed": NotCloned(),
    "A clone must not be fitted": Stateful(),
    "sample must take y=": NoLabels(),
    "fit must leave the table": doing(write_into),
    "fit must return": fitted(lambda self, X: None),
    "n_features_in_ must be 6 for pandas, got 5": doing(lambda self, X: setattr(self, "n_features_in_", 5)),
    "feature_names_in_ must be": doing(lambda self, X: self.__dict__.pop("feature_names_in_", None)),
    "What was loaded": LoadsAnother(),
    "fit on a table of polars failed.*Only pandas": doing(refuse_polars),
    "A synthesizer has a method fit": object(),
}


@pytest.mark.parametrize("promise", list(BROKEN))
def test_a_broken_promise_is_named(promise):
    with pytest.raises(ContractError, match=promise):
        check_synthesizer(BROKEN[promise])


def test_a_small_synthesizer_of_someone_else_keeps_the_contract():
    check_synthesizer(Bootstrap())


def test_ours_keeps_the_contract():
    tiny = Cascade(hidden_units=8, context_units=16, embedding_units=4)
    check_synthesizer(GANSynthesizer(generator=tiny, max_epochs=1))
