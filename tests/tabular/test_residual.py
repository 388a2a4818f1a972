"""The one-shot generator through GANSynthesizer: what it draws, keeps and refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

from ganaug import Callback, Checkpoint, GANSynthesizer, Residual
from ganaug.exceptions import InvalidConditionError, InvalidTableError, ModelFileError, UnsupportedError
from ganaug.tabular.columns.base import CategoryField
from ganaug.tabular.residual import ResidualNetwork
from tests.killing import KillAt, KilledError
from tests.tabular.test_relaxed import FIELDS, rng

SMALL = {"hidden_units": 24, "n_blocks": 1, "discriminator_units": 16, "discriminator_blocks": 1}


def table_of(n=160, seed=0):
    random = np.random.default_rng(seed)
    kind = random.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2])
    size = random.normal(size=n).round(3) + 3 * (kind == "a")
    return pd.DataFrame(
        {
            "kind": kind,
            "size": size,
            "twice": 2 * size + random.normal(scale=0.1, size=n),
            "zeros": np.where(random.random(n) < 0.4, 0.0, random.exponential(size=n)),
            "gaps": np.where(random.random(n) < 0.2, np.nan, random.normal(size=n)),
        }
    )


TABLE = table_of()
LABELS = pd.Series(np.where(TABLE["size"] > 1.5, "big", "small"), name="label")


def small(taught=True, **parameters):
    settings = {"max_epochs": 2, "batch_size": 32, "random_state": 0, **parameters}
    return GANSynthesizer(generator=Residual(taught=taught, **SMALL), **settings)


@pytest.fixture(scope="module", params=[True, False], ids=["taught", "untaught"])
def fitted(request):
    return small(request.param).fit(TABLE, LABELS)


def test_rows_are_of_the_tables_own_kind(fitted):
    drawn = fitted.sample(200, random_state=0)
    assert drawn.dtypes.equals(TABLE.dtypes)
    assert set(drawn["kind"]) <= {"a", "b", "c"}
    assert drawn["size"].between(TABLE["size"].min(), TABLE["size"].max()).all()
    assert 0.05 < drawn["gaps"].isna().mean() < 0.6
    assert (drawn["zeros"] == 0).mean() == pytest.approx(0.4, abs=0.25)


def test_labels_are_kept_exactly_when_asked_for(fitted):
    wanted = pd.Series(["big"] * 30 + ["small"] * 10)
    X, y = fitted.sample(y=wanted, return_y=True, random_state=0)
    assert y.tolist() == wanted.tolist()
    assert len(X) == 40
    assert (fitted.sample(25, y="big", return_y=True)[1] == "big").all()


def test_labels_come_as_often_as_they_did(fitted):
    _, y = fitted.sample(3000, return_y=True, random_state=0)
    assert (y == "big").mean() == pytest.approx((LABELS == "big").mean(), abs=0.04)
    assert y.name == "label"


def test_a_file_brings_back_the_same_rows(fitted, tmp_path):
    fitted.save(tmp_path / "model")
    loaded = GANSynthesizer.load(tmp_path / "model")
    pd.testing.assert_frame_equal(loaded.sample(40, random_state=3), fitted.sample(40, random_state=3))
    assert loaded.get_params()["loss"] == "relativistic"


def test_a_file_with_a_flag_that_is_none_is_refused(fitted, tmp_path):
    header, arrays = fitted._to_state()
    header["generator"] = {**header["generator"], "taught": "yes"}
    with pytest.raises(ModelFileError, match="taught"):
        GANSynthesizer._from_state(header, arrays, "cpu")


def test_same_seed_same_rows():
    first, second = (small(random_state=5).fit(TABLE).sample(20, random_state=1) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


def test_clone_and_grid_names():
    model = clone(small(loss="hinge").set_params(generator__hidden_units=12))
    assert model.get_params()["generator__hidden_units"] == 12
    assert model.loss == "hinge"


def test_score_is_refused_with_what_to_use(fitted):
    for ask in (fitted.score_samples, fitted.score):
        with pytest.raises(UnsupportedError, match=r"no likelihood.*generator='cascade'"):
            ask(TABLE, LABELS)


def test_conditions_are_refused_with_what_to_use(fitted):
    with pytest.raises(InvalidConditionError, match=r"all columns at once.*generator='cascade'"):
        fitted.sample(5, conditions={"kind": "a"})


def test_labels_that_are_numbers_are_drawn_but_can_not_be_asked_for():
    model = small(max_epochs=1).fit(TABLE, np.linspace(0, 1, len(TABLE)) ** 2)
    _, y = model.sample(30, return_y=True, random_state=0)
    assert y.dtype == np.float64
    with pytest.raises(InvalidConditionError, match="labels that are classes"):
        model.sample(5, y=0.25)


@pytest.mark.parametrize("loss", ["minimax", "wasserstein", "hinge"])
def test_losses_by_name(loss):
    model = small(False, loss=loss, max_epochs=1).fit(TABLE)
    assert len(model.sample(10)) == 10
    assert np.isfinite(model.history_[-1]["discriminator_loss"])


def test_a_pair_of_functions_of_the_users_own():
    calls = []

    def discriminator(real, fake):
        calls.append(real.shape)
        return (1 - real).square() + fake.square()

    model = small(False, loss=(discriminator, lambda real, fake: (1 - fake).square()), max_epochs=1).fit(
        TABLE
    )
    assert calls[0] == (32,)
    assert len(model.sample(10)) == 10


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"loss": "hing"}, ValueError, "loss must be one of .*'hing'"),
        ({"loss": 3}, TypeError, "pair of functions"),
        ({"generator": Residual(hidden_units=0)}, ValueError, "hidden_units must be at least 1.*got 0"),
        ({"generator": Residual(taught="no")}, TypeError, "taught must be True or False, got 'no'"),
        ({"generator": "resid"}, ValueError, "'residual'"),
    ],
)
def test_wrong_parameters_are_named_before_any_work(parameters, error, message):
    with pytest.raises(error, match=message):
        GANSynthesizer(**parameters).fit(TABLE)


def test_wrong_tables_are_named():
    with pytest.raises(InvalidTableError, match="'size'"):
        small().fit(TABLE.assign(size=np.inf))


def test_stages_are_told_apart_in_the_history():
    history = small().fit(TABLE).history_
    stages = list(dict.fromkeys(history.column("stage")))
    assert stages == ["teacher", "lessons", "game"]
    assert history.column("step") == sorted(history.column("step"))
    assert history.column("seconds") == sorted(history.column("seconds"))


def test_it_learns_what_columns_have_to_do_with_each_other():
    table = table_of(400)
    model = GANSynthesizer(
        generator=Residual(hidden_units=48, n_blocks=1), max_epochs=40, batch_size=128, random_state=0
    ).fit(table)
    drawn = model.sample(600, random_state=0)
    assert np.corrcoef(drawn["size"], drawn["twice"])[0, 1] > 0.9
    assert drawn[drawn["kind"] == "a"]["size"].mean() > 0.5 + drawn[drawn["kind"] == "b"]["size"].mean()


def test_weights_of_rows_count():
    weight = np.where(TABLE["kind"] == "a", 0.0, 1.0)
    drawn = small().fit(TABLE, sample_weight=weight).sample(100, random_state=0)
    assert set(drawn["kind"]) <= {"b", "c"}


def test_warm_start_goes_on():
    model = small(warm_start=True).fit(TABLE)
    n_iter = model.n_iter_
    assert model.fit(TABLE).n_iter_ > n_iter


@pytest.mark.parametrize("step", [3, 10, 13, 21])
def test_a_fit_killed_in_any_stage_ends_bit_equal(tmp_path, step):
    whole = small().fit(TABLE)
    path = tmp_path / "state"
    with pytest.raises(KilledError):
        small(callbacks=[Checkpoint(path, every_seconds=0), KillAt(step)]).fit(TABLE)
    resumed = small(callbacks=[Checkpoint(path)]).fit(TABLE)
    for name, tensor in whole.generator_.state_dict().items():
        assert torch.equal(resumed.generator_.state_dict()[name], tensor), name
    assert [r["train_loss"] for r in resumed.history_] == [r["train_loss"] for r in whole.history_]
    assert not path.exists()


def test_a_callback_can_stop_the_whole_course():
    class Stop(Callback):
        def on_step(self, trainer):
            self.last = trainer.step
            if trainer.step == 2:
                trainer.stop()

    stop = Stop()
    model = small(callbacks=[stop]).fit(TABLE)
    assert stop.last == 2
    assert len(model.sample(4)) == 4


# The network alone


def network_of(n_label_fields=0, fields=FIELDS):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return ResidualNetwork(fields, n_label_fields, Residual(**SMALL))


def test_classes_start_near_the_observed_shares():
    network = network_of()
    codes = network.draw_codes(4000, rng(), {})
    shares = torch.bincount(codes[:, 0].long(), minlength=3) / 4000
    assert shares.tolist() == pytest.approx([0.5, 0.3, 0.2], abs=0.12)


def test_gradients_pass_through_drawn_classes():
    network = network_of()
    latent = torch.randn(50, network.latent_units, generator=rng())
    rows = network(latent)
    span = network.space.places[0][0]
    assert set(rows[:, span].detach().unique().tolist()) == {0, 1}
    rows[:, span.start].sum().backward()
    assert network.output.weight.grad[span].abs().sum() > 0


def test_more_rows_than_a_pass_takes():
    assert network_of().draw_codes(20_000, rng(), {}).shape == (20_000, len(FIELDS))


def test_labels_that_are_classes_are_a_condition_and_come_last():
    fields = (*FIELDS, CategoryField(2, np.array([3.0, 1.0])))
    network = network_of(1, fields)
    assert network.is_conditional
    assert network.n_labels == 2
    codes = network.draw_codes(10, rng(), {len(FIELDS): torch.ones(10, dtype=torch.int32)})
    assert codes[:, -1].tolist() == [1] * 10
