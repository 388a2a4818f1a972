"""A killed fit goes on where it was, and ends bit-equal to one that was never killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ganaug import Callback, Cascade, Checkpoint, GANSynthesizer
from ganaug._util.store import load_file, save_file
from ganaug.exceptions import CheckpointError, InterruptedFitWarning
from tests.killing import KillAt, KilledError

pytestmark = pytest.mark.filterwarnings("error")


def table_of(n=60, seed=0):
    rng = np.random.default_rng(seed)
    kind = rng.choice(["a", "b", "c"], n)
    return pd.DataFrame(
        {"kind": kind, "size": rng.normal(size=n).round(3) + (kind == "a"), "n": rng.poisson(2, n)}
    )


TABLE = table_of()
SETTINGS = {
    "generator": Cascade(hidden_units=8, context_units=8, embedding_units=4, n_components=2),
    "max_epochs": 8,
    "batch_size": 16,
    "random_state": 3,
}  # 3 steps an epoch


def fit(callbacks=(), X=TABLE, **settings):
    return GANSynthesizer(**{**SETTINGS, **settings}, callbacks=callbacks).fit(X)


def weights_of(synthesizer):
    return {name: tensor.numpy() for name, tensor in synthesizer.generator_.state_dict().items()}


def assert_same_fit(found, wanted):
    for name, array in weights_of(wanted).items():
        np.testing.assert_array_equal(weights_of(found)[name], array, err_msg=name)
    assert found.n_iter_ == wanted.n_iter_
    timeless = [
        [{k: v for k, v in record.items() if "second" not in k} for record in synthesizer.history_]
        for synthesizer in (found, wanted)
    ]
    assert timeless[0] == timeless[1]
    pd.testing.assert_frame_equal(found.sample(5, random_state=0), wanted.sample(5, random_state=0))


class Phases(Callback):
    def __init__(self):
        self.of_step = {}

    def on_step(self, trainer):
        self.of_step[trainer.step] = trainer.schedule.phase


@pytest.fixture(scope="module")
def whole():
    phases = Phases()
    synthesizer = fit([phases])
    synthesizer.phases = phases.of_step
    return synthesizer


def kill_and_resume(path, steps, checkpoint_first=True, **settings):
    for step in steps:
        callbacks = [Checkpoint(path, every_seconds=0), KillAt(step)]
        with pytest.raises(KilledError):
            fit(callbacks if checkpoint_first else callbacks[::-1], **settings)
    return fit([Checkpoint(path, every_seconds=0)], **settings)


@pytest.mark.parametrize("step", [1, 2, 3, 10, 14, 15, 16, 17, 18, 23])
def test_a_fit_killed_at_any_step_ends_bit_equal(tmp_path, whole, step):
    resumed = kill_and_resume(tmp_path / "state", [step])
    assert_same_fit(resumed, whole)
    assert os.listdir(tmp_path) == []


def test_the_steps_above_are_on_both_sides_of_the_decays_start(whole):
    assert whole.phases[10] == whole.phases[14] == "search"
    assert whole.phases[18] == whole.phases[23] == "decay"


def test_a_fit_killed_again_and_again_ends_bit_equal(tmp_path, whole):
    assert_same_fit(kill_and_resume(tmp_path / "state", [2, 9, 16, 17, 23]), whole)


def test_work_since_the_last_write_is_done_again(tmp_path, whole):
    """KilledError after the step, before the checkpoint had its turn."""
    assert_same_fit(kill_and_resume(tmp_path / "state", [5, 16], checkpoint_first=False), whole)


def test_a_fit_killed_after_early_stopping_has_begun_the_decay_ends_bit_equal(tmp_path):
    settings = {"max_epochs": 2_000, "learning_rate": 0.05, "batch_size": 64}
    phases = Phases()
    stopped = fit([phases], **settings)
    decay = min(step for step, phase in phases.of_step.items() if phase == "decay")
    last = max(phases.of_step)
    assert last < 2_000  # held-out rows ended it

    class Late(Checkpoint):
        """It writes only in the steps of interest: a write takes far longer than a step."""

        def on_step(self, trainer):
            if trainer.step in (decay - 1, decay, decay + 1, last - 1):
                super().on_step(trainer)

    for step in (decay - 1, decay, decay + 1, last - 1):
        with pytest.raises(KilledError):
            fit([Late(tmp_path / "state", every_seconds=0), KillAt(step)], **settings)
        assert load_file(tmp_path / "state")[0]["step"] == step
    assert_same_fit(fit([Late(tmp_path / "state")], **settings), stopped)
    for step in (decay - 1, decay):
        with pytest.raises(KilledError):
            fit([Late(tmp_path / "state", every_seconds=0), KillAt(step)], **settings)
        assert_same_fit(fit([Late(tmp_path / "state", every_seconds=1_000)], **settings), stopped)


def test_a_checkpoint_changes_nothing_in_a_fit_that_is_not_killed(tmp_path, whole):
    assert_same_fit(fit([Checkpoint(tmp_path / "state", every_seconds=0)]), whole)
    assert os.listdir(tmp_path) == []


def test_weights_and_labels_are_resumed_too(tmp_path):
    y = (TABLE["size"] > 0.5).to_numpy()
    weight = np.random.default_rng(0).integers(0, 3, len(TABLE))

    def fitted(callbacks):
        return GANSynthesizer(**SETTINGS, callbacks=callbacks).fit(TABLE, y, sample_weight=weight)

    path = tmp_path / "state"
    with pytest.raises(KilledError):
        fitted([Checkpoint(path, every_seconds=0), KillAt(9)])
    assert path.exists()
    assert_same_fit(fitted([Checkpoint(path)]), fitted([]))


def test_a_checkpoint_is_not_written_before_its_time(tmp_path):
    path = tmp_path / "state"
    with pytest.raises(KilledError):
        fit([Checkpoint(path, every_seconds=1_000), KillAt(5)])
    assert not path.exists()


def test_an_interrupted_fit_keeps_its_file_and_goes_on(tmp_path, whole):
    class Interrupt(Callback):
        def on_step(self, trainer):
            if trainer.step == 7:
                raise KeyboardInterrupt

    path = tmp_path / "state"
    with pytest.warns(InterruptedFitWarning):
        fit([Checkpoint(path, every_seconds=0), Interrupt()])
    assert path.exists()
    assert_same_fit(fit([Checkpoint(path)]), whole)
    assert not path.exists()


def test_a_warm_start_does_not_take_the_first_fits_checkpoint_for_its_own(tmp_path):
    """The script is run again from the top: its first fit must not go on from a state of the second."""
    path = tmp_path / "state"
    wanted = fit(warm_start=True).fit(TABLE)
    synthesizer = fit(warm_start=True)
    synthesizer.set_params(callbacks=[Checkpoint(path, every_seconds=0), KillAt(5)])
    with pytest.raises(KilledError):
        synthesizer.fit(TABLE)
    with pytest.raises(CheckpointError, match="another path"):
        fit([Checkpoint(path)], warm_start=True)
    resumed = fit(warm_start=True)
    resumed.set_params(callbacks=[Checkpoint(path)])
    resumed.fit(TABLE)
    for name, array in weights_of(wanted).items():
        np.testing.assert_array_equal(weights_of(resumed)[name], array)


# Checkpoints of something else


@pytest.fixture
def left_behind(tmp_path):
    path = tmp_path / "state"
    with pytest.raises(KilledError):
        fit([Checkpoint(path, every_seconds=0), KillAt(4)])
    return path


class Never(Callback):
    def on_step(self, trainer):
        raise AssertionError("it has trained")


@pytest.mark.parametrize(
    "change",
    [
        {"X": table_of(seed=1)},
        {"X": TABLE[:-1]},
        {"random_state": 4},
        {"learning_rate": 0.01},
        {"batch_size": 8},
        {"max_epochs": 9},
        {"generator": Cascade(hidden_units=9, context_units=8, embedding_units=4, n_components=2)},
        {"validation_fraction": 0.2},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_checkpoint_of_another_fit_is_refused_and_left_alone(left_behind, change):
    before = left_behind.read_bytes()
    with pytest.raises(CheckpointError, match="other rows, settings or random_state"):
        fit([Checkpoint(left_behind, every_seconds=0), Never()], **change)
    assert left_behind.read_bytes() == before


def broken_files(sound: bytes):
    yield "empty", b""
    yield "noise", b"\x00\xff" * 200
    yield "cut", sound[: len(sound) // 2]
    yield "one byte short", sound[:-1]


@pytest.mark.parametrize("kind", ["empty", "noise", "cut", "one byte short", "a model", "a directory"])
def test_a_broken_checkpoint_is_refused_by_name_and_left_alone(left_behind, whole, kind):
    if kind == "a model":
        whole.save(left_behind)
    elif kind == "a directory":
        left_behind.unlink()
        left_behind.mkdir()
    else:
        left_behind.write_bytes(dict(broken_files(left_behind.read_bytes()))[kind])
    before = left_behind.read_bytes() if left_behind.is_file() else None
    with pytest.raises((CheckpointError, IsADirectoryError), match="state" if kind != "a model" else None):
        fit([Checkpoint(left_behind, every_seconds=0), Never()])
    assert before is None or left_behind.read_bytes() == before


def test_a_checkpoint_with_hostile_entries_is_refused(left_behind):
    header, arrays = load_file(left_behind)
    changes = [
        {"step": -1},
        {"step": 1.5},
        {"seconds": float("-inf")},
        {"recorded": [float("inf"), 0]},
        {"recorded": "ab"},
        {"schedule": {**header["schedule"], "phase": "spam"}},
        {"schedule": None},
        {"history": [1, 2]},
    ]
    cases = [({**header, **change}, arrays) for change in changes]
    for name, array in arrays.items():
        if name in ("generator", "loss_sum", "parameter.0", "adam.exp_avg.1", "average.2"):
            cases += [(header, {**arrays, name: array.ravel()[:-1]})]
            cases += [(header, {key: held for key, held in arrays.items() if key != name})]
    cases += [(header, {**arrays, "generator": np.full_like(arrays["generator"], 255)})]
    cases += [(header, {**arrays, "generator": arrays["generator"].astype(np.uint32)})]
    for changed_header, changed_arrays in cases:
        save_file(left_behind, changed_header, changed_arrays)
        with pytest.raises(CheckpointError):
            fit([Checkpoint(left_behind), Never()])


def test_a_mutated_checkpoint_is_refused_or_gone_on_from(left_behind):
    sound = left_behind.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        data = bytearray(sound)
        place = int(rng.integers(len(data)))
        data[place : place + 4] = rng.bytes(4)
        left_behind.write_bytes(data)

        class StopSoon(Callback):
            def on_fit_begin(self, trainer):
                trainer.stop()

        try:
            fit([Checkpoint(left_behind), StopSoon()])
        except CheckpointError:
            refused += 1
    assert 0 < refused < 60


# Use


def test_a_checkpoint_needs_a_fit_that_repeats(tmp_path):
    with pytest.raises(ValueError, match="random_state"):
        fit([Checkpoint(tmp_path / "state"), Never()], random_state=None)


@pytest.mark.parametrize("every_seconds", [-1, "often", None, float("nan")])
def test_a_wrong_interval_is_named(tmp_path, every_seconds):
    with pytest.raises((TypeError, ValueError), match="every_seconds"):
        fit([Checkpoint(tmp_path / "state", every_seconds), Never()])


def test_a_checkpoint_in_a_directory_that_is_not_there_is_refused_before_training(tmp_path):
    with pytest.raises(FileNotFoundError, match="missing"):
        fit([Checkpoint(tmp_path / "missing" / "state"), Never()])


# A real kill

SCRIPT = """
import sys, time
import numpy as np, pandas as pd
from ganaug import Callback, Cascade, Checkpoint, GANSynthesizer

class Slow(Callback):
    def on_step(self, trainer):
        time.sleep(float(sys.argv[2]))
        print(trainer.step, flush=True)

rng = np.random.default_rng(0)
X = pd.DataFrame({"a": rng.normal(size=60), "b": rng.choice(["x", "y"], 60)})
options = Cascade(hidden_units=8, context_units=8, embedding_units=4, n_components=2)
callbacks = [Checkpoint(sys.argv[1], every_seconds=0), Slow()]
model = GANSynthesizer(generator=options, max_epochs=10, batch_size=16, callbacks=callbacks, random_state=0)
fitted = model.fit(X)
fitted.save(sys.argv[1] + ".model")
"""


def start(path: Path, pause: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SCRIPT, str(path), str(pause)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def test_a_process_killed_by_the_system_is_resumed(tmp_path):
    path = tmp_path / "state"
    with start(path, 0.05) as process:
        while process.stdout.readline().strip() != "12":
            assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    header, _ = load_file(path)
    assert header["step"] >= 12
    assert not Path(f"{path}.model").exists()
    with start(path, 0) as process:
        output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert int(output.split()[0]) == header["step"] + 1
    resumed = GANSynthesizer.load(f"{path}.model")

    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=60), "b": rng.choice(["x", "y"], 60)})
    options = SETTINGS["generator"]
    whole = GANSynthesizer(generator=options, max_epochs=10, batch_size=16, random_state=0).fit(X)
    for name, array in weights_of(whole).items():
        np.testing.assert_array_equal(weights_of(resumed)[name], array)
    assert json.dumps(header["entropy"]) == "0"
