"""GANSynthesizer: a table in, the same kind out, labels and conditions kept, repeatable to the bit."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.exceptions import NotFittedError

from ganaug import Callback, Cascade, GANSynthesizer
from ganaug.exceptions import GanaugError, InvalidConditionError, InvalidTableError


def small(**parameters):
    tiny = Cascade(hidden_units=8, context_units=16, embedding_units=4)
    return GANSynthesizer(**{"generator": tiny, "max_epochs": 2, "random_state": 0, **parameters})


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    n = 120
    return pd.DataFrame(
        {
            "int": rng.integers(0, 1000, n),
            "small": rng.integers(0, 5, n).astype(np.int8),
            "float32": rng.normal(size=n).astype(np.float32),
            "gaps": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n).round(2)),
            "bool": rng.random(n) < 0.3,
            "object": rng.choice(["a", "b", None], n),
            "string": pd.array(rng.choice(["x", "y"], n), dtype="string"),
            "Int64": pd.array(np.where(rng.random(n) < 0.2, None, rng.integers(0, 9, n)), dtype="Int64"),
            "boolean": pd.array(rng.choice([True, False, None], n), dtype="boolean"),
            "category": pd.Categorical(rng.choice(["lo", "hi"], n), ["lo", "mid", "hi"], ordered=True),
            "constant": "same",
            "null": np.nan,
        }
    )


@pytest.fixture(scope="module")
def fitted(table):
    return small().fit(table)


@pytest.fixture(scope="module")
def labelled():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(203, 2))
    y = np.array(["common"] * 200 + ["rare"] * 3)
    return small().fit(X, y)


def test_columns_order_and_dtypes_are_those_of_fit(fitted, table):
    rows = fitted.sample(50)
    assert isinstance(rows, pd.DataFrame)
    pd.testing.assert_series_equal(rows.dtypes, table.dtypes)
    assert rows.index.equals(pd.RangeIndex(50))


def test_constant_and_empty_columns_come_back_as_they_were(fitted):
    rows = fitted.sample(30)
    assert set(rows["constant"]) == {"same"}
    assert rows["null"].isna().all()


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", object])
def test_an_array_comes_back_as_an_array_of_its_dtype(dtype):
    X = np.random.default_rng(0).integers(0, 50, size=(60, 3)).astype(dtype)
    rows = small(max_epochs=1).fit(X).sample(7)
    assert isinstance(rows, np.ndarray)
    assert rows.dtype == X.dtype
    assert rows.shape == (7, 3)


def test_an_integer_random_state_repeats_fit_and_sample_to_the_bit(table):
    first, second = small().fit(table), small().fit(table)
    pd.testing.assert_frame_equal(first.sample(20), second.sample(20))
    pd.testing.assert_frame_equal(first.sample(20), second.sample(20))
    np.testing.assert_array_equal(first.score_samples(table), second.score_samples(table))


def test_two_draws_differ_unless_their_random_state_is_the_same(fitted):
    assert not fitted.sample(20).equals(fitted.sample(20))
    pd.testing.assert_frame_equal(fitted.sample(20, random_state=3), fitted.sample(20, random_state=3))


def test_global_random_state_is_never_touched(table):
    before = random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    small().fit(table).sample(5)
    assert random.getstate() == before[0]
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[2])


@pytest.mark.parametrize("container", [np.array, list, pd.Series])
def test_labels_asked_for_are_the_labels_drawn_however_rare(labelled, container):
    asked = container(["rare", "common"] * 20)
    X, y = labelled.sample(y=asked, return_y=True)
    assert X.shape == (40, 2)
    assert list(y) == list(asked)


def test_one_label_holds_for_all_rows(labelled):
    X, y = labelled.sample(6, y="rare", return_y=True)
    assert X.shape == (6, 2)
    assert list(y) == ["rare"] * 6


def test_classes_are_sorted_and_there_are_none_without_labels(labelled, fitted):
    assert labelled.classes_.tolist() == ["common", "rare"]
    assert not hasattr(fitted, "classes_")


def test_a_continuous_label_is_a_number():
    rng = np.random.default_rng(0)
    y = pd.Series(rng.normal(size=80), name="price")
    model = small().fit(rng.normal(size=(80, 1)), y)
    assert not hasattr(model, "classes_")
    _, labels = model.sample(5, return_y=True)
    assert labels.name == "price"
    assert labels.between(y.min(), y.max()).all()


def test_a_label_never_seen_is_named(labelled):
    with pytest.raises(InvalidConditionError, match="'unheard'"):
        labelled.sample(y=["unheard"])
    with pytest.raises(InvalidConditionError, match="3 rows, got 2"):
        labelled.sample(3, y=["rare", "common"])


def test_conditions_hold_in_every_row(fitted, table):
    number = float(table["float32"].median())
    asked = {"small": 3, "float32": number, "category": "hi", "gaps": None, "bool": True}
    rows = fitted.sample(25, conditions=asked)
    assert (rows["small"] == 3).all()
    assert (rows["float32"] == np.float32(number)).all()
    assert (rows["category"] == "hi").all()
    assert rows["gaps"].isna().all()
    assert rows["bool"].all()
    pd.testing.assert_series_equal(rows.dtypes, table.dtypes)


def test_a_frame_of_conditions_has_a_row_for_each(fitted):
    asked = pd.DataFrame({"small": [0, 1, 2], "string": ["x", "y", "x"]}, index=[7, 8, 9])
    rows = fitted.sample(conditions=asked)
    assert rows["small"].tolist() == [0, 1, 2]
    assert rows["string"].tolist() == ["x", "y", "x"]


@pytest.mark.parametrize(
    ("conditions", "named"),
    [
        ({"nowhere": 1}, "'nowhere'"),
        ({"string": "unheard"}, "'string'.*'unheard'"),
        ({"int": 5000}, "'int'.*5000"),
        ({"int": 500.5}, "'int'.*whole"),
        ({"small": [1, 77]}, "'small'.*77"),
        ({"small": None}, "'small'"),
        ("small", "dict or a DataFrame"),
    ],
)
def test_a_condition_that_can_not_be_met_is_named(fitted, conditions, named):
    with pytest.raises(InvalidConditionError, match=named):
        fitted.sample(3, conditions=conditions)


def test_a_row_s_score_does_not_depend_on_the_rows_beside_it(fitted, table):
    every = fitted.score_samples(table)
    assert every.dtype == np.float64
    assert every.shape == (len(table),)
    np.testing.assert_allclose(fitted.score_samples(table.iloc[40:43]), every[40:43], rtol=1e-9)
    assert fitted.score(table) == pytest.approx(every.mean())


def test_a_level_never_seen_scores_low_but_not_minus_infinity(fitted, table):
    odd = table.iloc[:1].assign(string=pd.array(["unheard"], dtype="string"))
    assert np.isfinite(fitted.score_samples(odd)).all()
    assert fitted.score(odd) < fitted.score(table.iloc[:1])


def test_what_is_learnt_beats_independent_columns():
    """Two columns that are the same coin: a row costs log 2, not twice that."""
    coin = np.random.default_rng(0).integers(0, 2, 600)
    model = small(max_epochs=60).fit(np.stack([coin, coin], axis=1))
    assert model.score(np.array([[0, 0], [1, 1]])) == pytest.approx(-np.log(2), abs=0.1)
    rows = model.sample(300)
    assert (rows[:, 0] == rows[:, 1]).mean() > 0.95


def test_rows_of_weight_zero_are_as_if_absent():
    X = pd.DataFrame({"a": ["x"] * 50 + ["y"] * 50})
    rows = small().fit(X, sample_weight=np.repeat([1.0, 0.0], 50)).sample(40)
    assert set(rows["a"]) == {"x"}


def test_warm_start_goes_on(table):
    model = small(warm_start=True).fit(table)
    steps, epochs = len(model.history_), model.n_iter_
    model.fit(table)
    assert len(model.history_) > steps
    assert model.n_iter_ > epochs
    with pytest.raises(ValueError, match="feature names"):
        model.fit(table.rename(columns={"int": "other"}))


def test_a_refit_that_fails_leaves_the_old_fit_as_it_was(table):
    model = small().fit(table)
    before = model.score(table)
    with pytest.raises(InvalidTableError):
        model.fit(table.assign(int=np.inf))
    assert model.score(table) == before


def test_labels_of_the_wrong_length_are_an_error():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        small().fit(np.zeros((30, 1)), np.zeros(29))


def test_sampling_needs_a_fit():
    with pytest.raises(NotFittedError):
        small().sample(3)


@pytest.mark.parametrize("n", [0, -1, 2.5, "3"])
def test_the_number_of_rows_is_checked(fitted, n):
    with pytest.raises((ValueError, TypeError), match="n_samples"):
        fitted.sample(n)


def test_a_time_budget_ends_the_fit():
    X = np.random.default_rng(0).normal(size=(400, 3))
    model = small(max_epochs="auto", time_budget_seconds=0.5, early_stopping=False).fit(X)
    assert model.history_[-1]["seconds"] < 5
    assert model.history_[-1]["phase"] == "decay"


def test_an_interrupted_fit_keeps_what_it_has(table):
    class Interrupt(Callback):
        def on_step(self, trainer):
            if trainer.step == 4:
                raise KeyboardInterrupt

    model = small(callbacks=[Interrupt()], max_epochs=50)
    with pytest.warns(UserWarning, match="interrupted after 4 steps"):
        model.fit(pd.concat([table] * 3))
    assert len(model.sample(5)) == 5


def test_verbose_shows_a_bar_and_quiet_shows_nothing(table, capsys):
    small(verbose=1).fit(table)
    shown = capsys.readouterr()
    assert "rows/s" in shown.err
    assert "loss" in shown.err
    assert shown.out == ""
    small().fit(table)
    assert capsys.readouterr() == ("", "")


# A fit that fails


class Fail(Callback):
    def __init__(self, step=2):
        self.step = step

    def on_step(self, trainer):
        if trainer.step == self.step:
            raise ZeroDivisionError("in a callback")


def other_table(n=40):
    return pd.DataFrame({"p": np.arange(n) * 1.5, "q": ["u", "v"] * (n // 2)})


@pytest.mark.filterwarnings("ignore::ganaug.exceptions.UnstableTrainingWarning")
@pytest.mark.parametrize(
    ("parameters", "change", "error"),
    [
        ({}, {"p": np.inf}, InvalidTableError),
        ({}, {"p": pd.Period("2020")}, InvalidTableError),
        ({"generator": "unheard"}, {}, ValueError),
        ({"generator": Cascade(hidden_units=0)}, {}, ValueError),
        ({"random_state": "seed"}, {}, ValueError),
        ({"callbacks": [Fail()], "max_epochs": 9}, {}, ZeroDivisionError),
        ({"learning_rate": 1e30, "max_epochs": 9}, {}, GanaugError),
    ],
    ids=["infinity", "periods", "generator", "option", "seed", "callback", "diverged"],
)
def test_a_refit_that_fails_anywhere_leaves_the_old_fit_whole(table, parameters, change, error):
    model = small().fit(table)
    before = model.score_samples(table), model.sample(5, random_state=0), model.n_features_in_
    with pytest.raises(error):
        model.set_params(**parameters).fit(other_table().assign(**change))
    assert model.n_features_in_ == before[2]
    assert model.feature_names_in_.tolist() == table.columns.tolist()
    np.testing.assert_array_equal(model.score_samples(table), before[0])
    pd.testing.assert_frame_equal(model.sample(5, random_state=0), before[1])


@pytest.mark.filterwarnings("ignore::ganaug.exceptions.UnstableTrainingWarning")
@pytest.mark.parametrize(
    "parameters",
    [{"callbacks": [Fail()], "max_epochs": 9}, {"learning_rate": 1e30, "max_epochs": 9}],
    ids=["callback", "diverged"],
)
def test_a_warm_start_that_fails_leaves_the_old_weights(table, parameters):
    model = small(warm_start=True).fit(table)
    before, n_iter = model.score_samples(table), model.n_iter_
    with pytest.raises((ZeroDivisionError, GanaugError)):
        model.set_params(**parameters).fit(table)
    np.testing.assert_array_equal(model.score_samples(table), before)
    assert model.n_iter_ == n_iter
    assert not model.generator_.training


def test_a_first_fit_that_fails_leaves_nothing_fitted(table):
    model = small(callbacks=[Fail(1)])
    with pytest.raises(ZeroDivisionError):
        model.fit(table)
    for use in (model.sample, lambda: model.score_samples(table), lambda: model.save("unused")):
        with pytest.raises(NotFittedError):
            use()


@pytest.mark.filterwarnings("ignore::ganaug.exceptions.UnstableTrainingWarning")
def test_a_rate_that_is_too_high_is_an_error_that_names_it(table):
    for fraction in (0, 0.2):
        with pytest.raises(GanaugError, match=r"learning_rate than 1e\+30"):
            small(learning_rate=1e30, max_epochs=9, validation_fraction=fraction).fit(table)


def test_a_refit_forgets_the_names_and_classes_of_the_first(table):
    model = small(max_epochs=1).fit(table, np.arange(len(table)) % 2)
    assert model.classes_.tolist() == [0, 1]
    model.fit(np.random.default_rng(0).normal(size=(30, 2)))
    assert not hasattr(model, "feature_names_in_")
    assert not hasattr(model, "classes_")
    assert model.n_features_in_ == 2
    assert model.sample(3).shape == (3, 2)


# Warm start


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda X: X.drop(columns="int"), "feature"),
        (lambda X: X.assign(new=1), "feature"),
        (lambda X: X[X.columns[::-1]], "feature names"),
        (lambda X: X.assign(category="other"), "'category'.*'other'"),
        (lambda X: X.assign(int=np.inf), "'int'.*infinity"),
    ],
    ids=["fewer", "more", "reordered", "level", "infinity"],
)
def test_a_warm_start_on_another_table_is_refused_before_training(table, change, named):
    model = small(warm_start=True).fit(table)
    before = model.score(table)
    with pytest.raises(ValueError, match=named):
        model.set_params(callbacks=[Fail(1)]).fit(change(table))
    assert model.score(table) == before


def test_a_warm_start_needs_the_labels_it_began_with(labelled):
    X, y = labelled.sample(60, return_y=True, random_state=0)
    model = small(warm_start=True).fit(X, y)
    with pytest.raises(InvalidTableError, match="same y"):
        model.fit(X)
    assert model.fit(X, y).n_iter_ > 2


def test_a_warm_start_begins_from_the_weights_there_are():
    """One more epoch at no rate can't spoil what many have learnt; alone it learns nothing."""
    coin = np.random.default_rng(0).integers(0, 2, 300)
    X = np.stack([coin, np.where(np.arange(300) == 7, 1 - coin, coin)], axis=1)  # twins are known
    model = small(warm_start=True, max_epochs=80).fit(X)
    trained = model.score(X)
    warm = model.set_params(max_epochs=1, learning_rate=1e-9).fit(X).score(X)
    cold = small(max_epochs=1, learning_rate=1e-9).fit(X).score(X)
    assert warm == pytest.approx(trained, abs=0.01)
    assert cold < warm - 0.4


# Settings


def test_without_held_out_rows_or_early_stopping_every_epoch_is_trained(table):
    for parameters in ({"early_stopping": False}, {"validation_fraction": 0}):
        model = small(max_epochs=4, **parameters).fit(table)
        assert model.n_iter_ == 4
    assert set(model.history_.column("validation_loss")) == {None}


def test_held_out_rows_are_judged_when_there_are_enough(table):
    assert all(np.isfinite(small(max_epochs=3).fit(table).history_.column("validation_loss")))


@pytest.mark.parametrize("n", [2, 3, 30])
def test_very_small_tables_work(n):
    rows = small(max_epochs="auto", time_budget_seconds=0.2).fit(other_table(30)[:n]).sample(10)
    assert rows["p"].between(0, 1.5 * (n - 1)).all()


@pytest.mark.parametrize("seed", [np.random.RandomState(3), np.random.default_rng(3)])
def test_random_state_may_be_an_object(table, seed):
    model = small(random_state=seed, max_epochs=1).fit(table)
    assert not model.sample(9, random_state=seed).equals(model.sample(9, random_state=seed))


def test_one_row_is_drawn_unless_more_are_asked_for(fitted):
    assert len(fitted.sample()) == 1


def test_numbers_stay_within_the_range_they_had(fitted, table):
    rows = fitted.sample(500)
    for name in ("int", "float32", "gaps"):
        assert rows[name].min() >= table[name].min()
        assert rows[name].max() <= table[name].max()


# Labels of every kind


@pytest.mark.parametrize(
    "labels",
    [
        np.arange(60) % 3,
        np.arange(60) % 2 == 0,
        pd.Series(np.arange(60) % 3, dtype="int8", name="group"),
        pd.Series(pd.Categorical(["lo", "hi"] * 30), name="level"),
        pd.Series(["a", "b"] * 30, dtype="string", index=np.arange(60) + 7),
        np.array(["a", "b"] * 30, dtype=object),
    ],
    ids=lambda labels: f"{type(labels).__name__} {labels.dtype}",
)
def test_labels_come_back_in_their_container_and_dtype(labels):
    model = small(max_epochs=1).fit(other_table(60), labels)
    for asked in ({"n_samples": 8}, {"y": labels[:8]}):
        _, drawn = model.sample(**asked, return_y=True)
        assert type(drawn) is type(labels)
        assert drawn.dtype == labels.dtype
        assert len(drawn) == 8
        if isinstance(labels, pd.Series):
            assert drawn.name == labels.name
            assert drawn.index.equals(pd.RangeIndex(8))
    assert drawn.tolist() == labels[:8].tolist()
    assert model.classes_.tolist() == sorted(set(labels))


def test_labels_of_a_fit_without_any_can_not_be_returned_or_asked_for(fitted):
    with pytest.raises(ValueError, match="return_y"):
        fitted.sample(3, return_y=True)
    with pytest.raises(InvalidConditionError, match="fit was not given any"):
        fitted.sample(3, y="rare")


def test_scores_count_the_labels_when_they_are_given(labelled):
    X = np.zeros((2, 2))
    alone = labelled.score_samples(X)
    common, rare = (labelled.score_samples(X, [label] * 2) for label in ("common", "rare"))
    assert (common > rare).all()
    assert (common < alone).all()


def test_scores_of_a_table_with_other_columns_are_refused(fitted, table):
    with pytest.raises(ValueError, match="feature names"):
        fitted.score_samples(table[table.columns[::-1]])
    with pytest.raises(ValueError, match="feature"):
        fitted.score_samples(table.drop(columns="int"))
