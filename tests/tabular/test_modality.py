"""The table modality: codes of rows and labels, what is rare, the likelihood of the mixture over orders."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pandas as pd
import pytest
import torch

from ganaug.exceptions import InvalidConditionError, InvalidTableError, ModelFileError
from ganaug.tabular import likelihood
from ganaug.tabular.cascade import Cascade
from ganaug.tabular.modality import TableModality

TINY = Cascade(hidden_units=8, context_units=16, embedding_units=4, n_components=3)


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {"a": rng.choice(["x", "y", "z"], 60), "b": rng.random(60) < 0.4, "c": rng.integers(0, 4, 60)}
    )


@pytest.fixture(scope="module")
def labels():
    return np.array(["no"] * 55 + ["yes"] * 5)


@pytest.fixture(scope="module")
def modality(table, labels):
    return TableModality.fit(table, labels, None)


def network_of(modality, scale=0.3):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = modality.build(TINY)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter += scale * torch.randn_like(parameter)
    return network.double().eval()


def test_the_label_is_one_more_field(modality, table, labels):
    codes = modality.encode(table, labels, strict=True)
    assert codes.shape == (60, 4)
    X, y = modality.decode(codes, np.random.default_rng(0))
    pd.testing.assert_frame_equal(X, table)
    np.testing.assert_array_equal(y, labels)


def test_without_labels_their_field_is_not_known(modality, table):
    assert (modality.encode(table, None, strict=True)[:, 3] == -1).all()


def test_what_was_never_seen_is_an_error_or_not_known(modality, table):
    odd = table.assign(a="new")
    with pytest.raises(InvalidTableError, match=r"'a'.*'new'"):
        modality.encode(odd, None, strict=True)
    codes = modality.encode(odd, None, strict=False)
    assert (codes[:, 0] == -1).all()
    assert (codes[:, 1:3] >= 0).all()


def test_rare_rows_are_those_of_a_class_with_few(modality, table, labels):
    codes = modality.encode(table, labels, strict=True)
    np.testing.assert_array_equal(modality.rare_rows(codes, fewest=6), labels == "yes")
    assert not modality.rare_rows(codes, fewest=5).any()
    assert not TableModality.fit(table, None, None).rare_rows(codes[:, :3], fewest=60).any()


def test_classes_are_those_of_a_label_that_is_a_category(modality, table):
    assert modality.classes.tolist() == ["no", "yes"]
    assert TableModality.fit(table, None, None).classes is None
    assert TableModality.fit(table, np.random.default_rng(0).normal(size=60), None).classes is None


@pytest.mark.parametrize(
    ("y", "named"),
    [
        (["a"] * 59, "inconsistent"),
        ([None] + ["a"] * 59, "y contains 1 missing"),
        (np.zeros((60, 2)), "1d array"),
    ],
)
def test_labels_that_can_not_be_used(table, y, named):
    with pytest.raises(ValueError, match=named):
        TableModality.fit(table, y, None)


def all_codes(modality):
    sizes = [field.n_codes for field in modality.fields]
    return torch.tensor(list(itertools.product(*map(range, sizes))))


def test_likelihoods_of_all_rows_sum_to_one(modality):
    codes = all_codes(modality)
    log = modality.log_likelihood(network_of(modality), codes)
    assert log.dtype == np.float64
    assert np.exp(log).sum() == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("loss", ["row_loss", "held_out_loss"])
def test_losses_are_those_of_a_likelihood(modality, loss):
    """Orders and members differ from row to row, so the sum over all rows is one only on average."""
    codes, network, generator = all_codes(modality), network_of(modality), torch.Generator().manual_seed(0)
    with torch.no_grad():
        mixed = [codes[torch.randperm(len(codes), generator=generator)] for _ in range(400)]
        losses = torch.stack([getattr(likelihood, loss)(network, rows, generator) for rows in mixed])
    sums = losses.neg().exp().sum(dim=1)
    assert sums.std() > 1e-3
    assert sums.mean().item() == pytest.approx(1, abs=5 * sums.std().item() / 20)


def test_an_unknown_cell_costs_as_much_as_one_row_more(table):
    one = table[["a"]]
    modality = TableModality.fit(one, None, None)
    log = modality.log_likelihood(network_of(modality), torch.tensor([[-1]]))
    assert log[0] == pytest.approx(-np.log(61), rel=1e-6)


def test_labels_that_are_not_given_cost_nothing(modality):
    """What the rows alone cost is what they cost with labels, summed over the labels."""
    network = network_of(modality, scale=0)  # fields are as good as independent
    with torch.no_grad():
        network.term_weight.zero_()
    codes = all_codes(modality)
    without = codes.clone()
    without[:, 3] = -1
    with_labels = modality.log_likelihood(network, codes).reshape(-1, 2)
    alone = modality.log_likelihood(network, without).reshape(-1, 2)
    np.testing.assert_allclose(np.logaddexp(*with_labels.T), alone[:, 0], rtol=1e-9)


@pytest.mark.parametrize("n_conditions", [1, 5, 200])
def test_one_label_goes_with_a_frame_of_conditions(modality, n_conditions):
    asked = pd.DataFrame({"c": np.arange(n_conditions) % 4})
    root = np.random.SeedSequence(0)
    X, y = modality.sample(network_of(modality).float(), None, "yes", asked, root)
    assert X["c"].tolist() == asked["c"].tolist()
    assert y.tolist() == ["yes"] * n_conditions


def test_labels_and_conditions_of_different_lengths_contradict_each_other(modality):
    with pytest.raises(InvalidConditionError, match=r"2 rows.*3"):
        modality.sample(
            network_of(modality).float(),
            None,
            ["no", "yes"],
            pd.DataFrame({"c": [1, 2, 3]}),
            np.random.SeedSequence(0),
        )


def test_labels_are_asked_for_only_after_a_fit_with_labels(table):
    modality = TableModality.fit(table, None, None)
    with pytest.raises(InvalidConditionError, match="fit was not given any"):
        modality.sample(network_of(modality), 3, "yes", None, np.random.SeedSequence(0))


def test_conditions_without_rows_are_refused(modality, table):
    with pytest.raises(InvalidConditionError, match="at least one row"):
        modality.sample(network_of(modality).float(), None, None, table[:0], np.random.SeedSequence(0))


@pytest.mark.parametrize("y", [[], [None, "yes"], "maybe", 3])
def test_labels_that_can_not_be_drawn_are_refused(modality, y):
    with pytest.raises(InvalidConditionError, match=r"'y'|y must"):
        modality.sample(network_of(modality).float(), None, y, None, np.random.SeedSequence(0))


def through_a_file(modality, change=lambda header: None):
    header, arrays = modality.to_state()
    header = json.loads(json.dumps(header))
    change(header)
    return TableModality.from_state(header, arrays)


def test_state_comes_back(modality, table, labels):
    loaded = through_a_file(modality)
    codes = modality.encode(table, labels, strict=True)
    np.testing.assert_array_equal(loaded.encode(table, labels, strict=True), codes)
    X, y = loaded.decode(codes, np.random.default_rng(0))
    pd.testing.assert_frame_equal(X, table)
    np.testing.assert_array_equal(y, labels)
    assert loaded.classes.tolist() == ["no", "yes"]


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header.pop("container"),
        lambda header: header.pop("codec"),
        lambda header: header.update(target=3),
        lambda header: header["target"].update(name=["a"]),
        lambda header: header["target"].update(codec=None),
        lambda header: header["target"]["codec"]["columns"].update(labels=["z"]),
        lambda header: header["container"]["columns"].update(labels=["a", "b", "d"]),
        lambda header: header["container"].update(array="<c16"),
        lambda header: header["container"].update(columns={"range": [0, 3, 1], "name": None}),
        lambda header: header["container"].update(columns={"range": [0, 2**31 - 2, 1], "name": None}),
    ],
)
def test_a_broken_state_is_refused(modality, change):
    with pytest.raises(ModelFileError):
        through_a_file(modality, change)


def test_generators_of_another_kind_are_refused(modality):
    with pytest.raises(TypeError, match="generator must be"):
        modality.build("cascade")
