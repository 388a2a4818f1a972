"""Model files, pickles and checkpoints: whole, or refused; a killed fit goes on to the bit."""

from __future__ import annotations

import copy
import json
import pickle
import signal
import subprocess
import sys
import textwrap
import time

import joblib
import numpy as np
import pytest
import skops.io

from ganaug import Cascade, Checkpoint, GANSynthesizer
from ganaug._util.store import load_file, save_file
from ganaug.datasets import make_customers
from ganaug.exceptions import CheckpointError, ModelFileError
from tests.killing import KillAt, KilledError

CUSTOMERS = make_customers(150, random_state=0)


def small(**parameters):
    tiny = Cascade(hidden_units=8, context_units=16, embedding_units=4)
    return GANSynthesizer(**{"generator": tiny, "max_epochs": 2, "random_state": 0, **parameters})


@pytest.fixture(scope="module")
def fitted():
    return small().fit(CUSTOMERS.drop(columns="churned"), CUSTOMERS["churned"])


@pytest.fixture
def file(fitted, tmp_path):
    path = tmp_path / "model.ganaug"
    fitted.save(path)
    return path


def same(first, second):
    X = CUSTOMERS.drop(columns="churned")
    np.testing.assert_array_equal(first.score_samples(X), second.score_samples(X))
    assert first.sample(20, random_state=1).equals(second.sample(20, random_state=1))
    assert first.classes_.tolist() == second.classes_.tolist()
    assert first.n_iter_ == second.n_iter_


def test_a_loaded_model_is_the_one_saved(fitted, file):
    loaded = GANSynthesizer.load(file)
    same(fitted, loaded)
    assert list(loaded.history_) == list(fitted.history_)
    assert loaded.feature_names_in_.tolist() == fitted.feature_names_in_.tolist()
    assert loaded.max_epochs == 2


def test_pickle_joblib_deepcopy_and_skops_keep_the_model(fitted, tmp_path):
    same(fitted, pickle.loads(pickle.dumps(fitted)))
    same(fitted, copy.deepcopy(fitted))
    joblib.dump(fitted, tmp_path / "model.joblib")
    same(fitted, joblib.load(tmp_path / "model.joblib"))
    data = skops.io.dumps(fitted)
    same(fitted, skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data)))


def test_loky_workers_use_the_model(fitted):
    draw = joblib.delayed(GANSynthesizer.sample)
    parts = joblib.Parallel(n_jobs=2)(draw(fitted, 5, random_state=seed) for seed in range(2))
    for seed, part in enumerate(parts):
        assert part.equals(fitted.sample(5, random_state=seed))


def test_saving_needs_a_fit(tmp_path):
    with pytest.raises(ValueError, match="not fitted"):
        small().save(tmp_path / "model.ganaug")


def test_mutated_files_are_refused_or_load_whole(file):
    rng = np.random.default_rng(0)
    data = bytearray(file.read_bytes())
    refused = 0
    for _ in range(200):
        mutant = bytearray(data)
        kind = rng.integers(3)
        if kind == 0:
            mutant = mutant[: rng.integers(len(data))]
        elif kind == 1:
            mutant[rng.integers(min(len(data), 20_000))] ^= 1 << int(rng.integers(8))
        else:
            mutant[rng.integers(len(data))] = int(rng.integers(256))
        file.write_bytes(mutant)
        try:
            assert len(GANSynthesizer.load(file).sample(2, random_state=0)) == 2
        except ModelFileError:
            refused += 1
    assert refused > 50


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("generator", "hidden_units"), 10**9),
        (("generator", "hidden_units"), 65_536),
        (("generator", "n_blocks"), 64),
        (("generator", "n_components"), 0),
        (("generator", "name"), "os.system"),
        (("generator",), []),
        (("modality", "name"), "sound"),
        (("modality", "codec"), {}),
        (("modality", "target", "codec"), None),
        (("entropy",), "1e9"),
        (("n_features",), -1),
        (("feature_names",), ["a"]),
        (("history",), [1]),
        (("n_iter",), "many"),
        (("content",), "checkpoint"),
        (("parameters",), None),
    ],
)
def test_a_hostile_header_is_refused(file, path, value):
    header, arrays = load_file(file)
    place = header
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    save_file(file, header, arrays)
    with pytest.raises(ModelFileError):
        GANSynthesizer.load(file)


def test_weights_that_are_not_finite_or_not_of_their_shape_are_refused(file):
    header, arrays = load_file(file)
    name = "network.term_weight"
    for broken in (np.full_like(arrays[name], np.nan), arrays[name][:-1], arrays[name].astype(np.int64)):
        save_file(file, header, {**arrays, name: broken})
        with pytest.raises(ModelFileError, match="term_weight"):
            GANSynthesizer.load(file)


def weights_of(model):
    return {name: tensor.numpy() for name, tensor in model.generator_.state_dict().items()}


LONG = {"max_epochs": 10, "batch_size": 32}


@pytest.mark.parametrize("seed", [0, 1])
def test_a_killed_fit_ends_as_one_that_was_never_killed(tmp_path, seed):
    whole = small(random_state=seed, **LONG).fit(CUSTOMERS)
    last = whole.history_[-1]["step"]
    path = tmp_path / "fit.ckpt"
    for step in (1, last // 2, 2 * last // 3, 3 * last // 4, 3 * last // 4 + 1, last - 1):
        callbacks = [Checkpoint(path, every_seconds=0), KillAt(step)]
        with pytest.raises(KilledError):
            small(random_state=seed, callbacks=callbacks, **LONG).fit(CUSTOMERS)
        assert path.exists()
    resumed = small(random_state=seed, callbacks=[Checkpoint(path, every_seconds=0)], **LONG).fit(CUSTOMERS)
    assert not path.exists()
    for name, values in weights_of(whole).items():
        np.testing.assert_array_equal(weights_of(resumed)[name], values)
    assert resumed.sample(20).equals(whole.sample(20))
    steps = [[record[key] for record in model.history_] for model in (whole, resumed) for key in ("step",)]
    assert steps[0] == steps[1]


def test_a_process_that_is_killed_goes_on(tmp_path):
    script = tmp_path / "fit.py"
    script.write_text(
        textwrap.dedent(
            f"""
            from ganaug import Cascade, Checkpoint, GANSynthesizer
            from ganaug.datasets import make_customers
            tiny = Cascade(hidden_units=8, context_units=16, embedding_units=4)
            GANSynthesizer(generator=tiny, random_state=0, max_epochs=12, batch_size=32,
                callbacks=[Checkpoint({str(tmp_path / "fit.ckpt")!r}, every_seconds=0)],
            ).fit(make_customers(150, random_state=0)).save({str(tmp_path / "model.ganaug")!r})
            """
        )
    )
    process = subprocess.Popen([sys.executable, str(script)])
    while not (tmp_path / "fit.ckpt").exists():
        time.sleep(0.01)
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "model.ganaug").exists()
    subprocess.run([sys.executable, str(script)], check=True)
    resumed = GANSynthesizer.load(tmp_path / "model.ganaug")
    whole = small(max_epochs=12, batch_size=32).fit(CUSTOMERS)
    for name, values in weights_of(whole).items():
        np.testing.assert_array_equal(weights_of(resumed)[name], values)


def test_a_checkpoint_of_another_fit_is_left_alone(tmp_path):
    path = tmp_path / "fit.ckpt"
    callbacks = [Checkpoint(path, every_seconds=0), KillAt(3)]
    with pytest.raises(KilledError):
        small(callbacks=callbacks, max_epochs=9).fit(CUSTOMERS)
    before = path.read_bytes()
    for parameters, table in (({}, CUSTOMERS.iloc[:100]), ({"learning_rate": 1e-3}, CUSTOMERS)):
        with pytest.raises(CheckpointError, match="another"):
            small(callbacks=[Checkpoint(path)], max_epochs=9, **parameters).fit(table)
    path.write_bytes(json.dumps({}).encode())
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        small(callbacks=[Checkpoint(path)], max_epochs=9).fit(CUSTOMERS)
    path.write_bytes(before)
    assert len(small(callbacks=[Checkpoint(path)], max_epochs=9).fit(CUSTOMERS).sample(3)) == 3


def test_a_checkpoint_is_no_model(tmp_path):
    path = tmp_path / "fit.ckpt"
    with pytest.raises(KilledError):
        small(callbacks=[Checkpoint(path, every_seconds=0), KillAt(3)], max_epochs=9).fit(CUSTOMERS)
    with pytest.raises(ModelFileError, match="checkpoint"):
        GANSynthesizer.load(path)
