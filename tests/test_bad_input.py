"""Bad input gets an error that names the column or parameter, before any training."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from ganaug import Callback, Checkpoint, GANSynthesizer

GOOD = pd.DataFrame({"a": np.arange(30.0), "b": ["x", "y"] * 15})


class NeverCalled(Callback):
    def on_fit_begin(self, trainer):
        raise AssertionError("training began")


@pytest.mark.parametrize(
    ("table", "named"),
    [
        (GOOD.iloc[:0], "0 sample"),
        (GOOD.iloc[:1], "1 sample"),
        (GOOD[[]], "0 feature"),
        (pd.DataFrame(np.zeros((30, 2)), columns=["same", "same"]), "'same'"),
        (GOOD.assign(a=np.inf), "'a'.*infinity"),
        (GOOD.assign(b=[[1]] * 30), "'b'.*list"),
        (GOOD.assign(a=pd.period_range("2020", periods=30, freq="D")), "'a'.*period"),
        (GOOD.assign(a=np.arange(30) * 1j), "[Cc]omplex"),
        (np.arange(30) * np.ones((1, 30)) * 1j, "[Cc]omplex"),
        (sparse.eye(30), "toarray"),
        (pl.LazyFrame({"a": [1.0, 2.0]}), "LazyFrame.*collect"),
        (pl.DataFrame({"a": [[1], [2]]}), "'a'.*list"),
        (pd.DataFrame(np.zeros((30, 2)), columns=pd.MultiIndex.from_product([["p"], ["q", "r"]])), "levels"),
        (np.zeros(30), "1D array"),
        ("a table", "table|array"),
        ({"a": [1.0, 2.0]}, r"pandas.DataFrame\(X\); got a dict"),
        ([{"a": 1.0}, {"a": 2.0}], r"pandas.DataFrame\(X\); got a list of dict"),
        (np.zeros(3, dtype=[("a", "f8"), ("b", "i8")]), r"pandas.DataFrame\(X\); got a ndarray of records"),
        (GOOD.assign(a=pd.Categorical(pd.period_range("2020", periods=30))), "'a'.*rename_categories"),
        (GOOD.assign(a=pd.arrays.IntervalArray.from_breaks(range(31))), "'a'.*intervals.*category"),
    ],
)
def test_a_table_that_can_not_be_used(table, named):
    with pytest.raises((ValueError, TypeError), match=named):
        GANSynthesizer(callbacks=[NeverCalled()]).fit(table)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("modality", "sound"),
        ("generator", "unheard"),
        ("generator", 3),
        ("max_epochs", 0),
        ("max_epochs", "many"),
        ("time_budget_seconds", 0),
        ("batch_size", -1),
        ("learning_rate", 0.0),
        ("learning_rate", "fast"),
        ("validation_fraction", 1.5),
        ("early_stopping", "yes"),
        ("missing_values", "impute"),
        ("warm_start", 1),
        ("device", "abacus"),
        ("random_state", "seed"),
        ("callbacks", [print]),
        ("callbacks", [Checkpoint("unused.ckpt")]),
        ("verbose", "loud"),
    ],
)
def test_a_parameter_of_the_wrong_type_or_value(parameter, value):
    named = "Checkpoint" if parameter == "callbacks" and value[0] is not print else parameter
    watch = {} if parameter == "callbacks" else {"callbacks": [NeverCalled()]}
    with pytest.raises((ValueError, TypeError), match=named):
        GANSynthesizer(**{parameter: value, **watch}).fit(GOOD)


def test_weights_that_can_not_be_used():
    for weights in (np.ones(29), -np.ones(30), np.zeros(30)):
        with pytest.raises(ValueError, match=r"sample_weight|Negative|inconsistent|non-zero"):
            GANSynthesizer(callbacks=[NeverCalled()]).fit(GOOD, sample_weight=weights)


def test_labels_that_are_missing():
    with pytest.raises(ValueError, match="y contains 1 missing"):
        GANSynthesizer(callbacks=[NeverCalled()]).fit(GOOD, [None, *["a", "b"] * 14, "a"])
