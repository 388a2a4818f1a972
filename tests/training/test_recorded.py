"""Recorded steps do what plain ones do. Where there is no GPU, a trace of the operators stands for its graph.

Like a graph, a trace holds on to every number and decision of Python's as it was when it was made, reads and
writes tensors where they are, and refuses to look at a tensor's value.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from ganaug import ConvNet, GANSynthesizer
from ganaug.datasets import make_customers
from ganaug.training import adversarial, recorded, trainer
from ganaug.training.recorded import Recorded, Recording, recorder_for


def trace(function, inputs, random):
    graph = make_fx(function)(*inputs)
    operators = [str(node.target) for node in graph.graph.nodes if node.op == "call_function"]
    # numbers from the processor's memory, or back to it: neither can be recorded
    assert not [name for name in operators if "lift_fresh" in name or "local_scalar" in name]
    traced = torch.no_grad()(graph)
    outputs = traced(*inputs)

    def replay():
        for old, new in zip(outputs, traced(*inputs), strict=True):
            if old is not None:
                old.copy_(new)

    return Recording(replay, outputs)


@pytest.fixture
def tracing(monkeypatch):
    """Every step is a replay of a trace; how often something was recorded."""
    made = []

    def record(function, inputs, random):
        made.append(len(inputs))
        return trace(function, inputs, random)

    for module in (adversarial, trainer):
        monkeypatch.setattr(module, "recorder_for", lambda device: record)
    return made


def noisy_sum(random):
    return lambda x, y: ((x + y).sum() + torch.rand((), generator=random), None)


def test_a_replay_draws_and_computes_what_the_function_would():
    both = [torch.Generator().manual_seed(0) for _ in range(2)]
    calls = [
        Recorded(noisy_sum(random), random, own) for random, own in zip(both, (trace, None), strict=True)
    ]
    for i in range(5):
        x, y = torch.full((3,), float(i)), torch.ones(3)
        (one, nothing), (other, _) = (call(x, y) for call in calls)
        assert one == other
        assert nothing is None


def test_each_shape_is_recorded_once():
    random, seen = torch.Generator().manual_seed(0), []

    def record(function, inputs, own):
        seen.append(inputs[0].shape)
        return trace(function, inputs, own)

    call = Recorded(noisy_sum(random), random, record)
    for n in (3, 4, 3, 4):
        call(torch.ones(n), torch.ones(n))
    assert seen == [(3,), (4,)]


def breaks(function, inputs, random):
    torch.rand(7, generator=random)
    raise RuntimeError("operation not permitted when stream is capturing")


def lies(function, inputs, random):
    return Recording(lambda: None, (torch.tensor(-1.0), None))


@pytest.mark.parametrize(("record", "reason"), [(breaks, "not permitted"), (lies, "other numbers")])
def test_what_cannot_be_recorded_is_called_with_one_warning(record, reason):
    both = [torch.Generator().manual_seed(0) for _ in range(2)]
    call, plain = Recorded(noisy_sum(both[0]), both[0], record), noisy_sum(both[1])
    with pytest.warns(RuntimeWarning, match=reason):
        first = call(torch.ones(3), torch.ones(3))
    assert first == plain(torch.ones(3), torch.ones(3))
    assert call(torch.ones(3), torch.zeros(3)) == plain(torch.ones(3), torch.zeros(3))


def weights_of(model):
    return [tensor.detach() for tensor in model.generator_.parameters()]


def assert_same(one, other, tolerance):
    for mine, theirs in zip(weights_of(one), weights_of(other), strict=True):
        assert torch.allclose(mine, theirs, rtol=tolerance, atol=tolerance)


def few_images(n=120):
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 3
    images = rng.integers(0, 60, (n, 8, 8)).astype(np.uint8)
    images[np.arange(n), labels * 2] += 150  # a bright line, where the class says
    return images, labels


@pytest.mark.parametrize("weighted", [False, True])
def test_a_table_is_fitted_as_by_plain_steps(tracing, request, weighted):
    table = make_customers(600, random_state=0)
    weights = np.linspace(0.5, 1.5, len(table)) if weighted else None
    options = {"max_epochs": 8, "random_state": 0, "discriminator": None}
    replayed = GANSynthesizer(**options).fit(table, sample_weight=weights)
    assert tracing  # something was recorded, once for each size of a batch
    assert len(tracing) < 4
    request.getfixturevalue("monkeypatch").undo()
    plain = GANSynthesizer(**options).fit(table, sample_weight=weights)
    assert_same(replayed, plain, 1e-4)


@pytest.mark.parametrize(
    ("loss", "generator"),
    [
        ("relativistic", ConvNet(base_channels=4)),
        ("hinge", ConvNet(base_channels=4)),
        ("wasserstein", ConvNet(base_channels=4)),
        ("relativistic", ConvNet(architecture="full", base_channels=8)),
    ],
)
def test_images_are_learned_as_by_plain_steps(tracing, request, loss, generator):
    images, labels = few_images()  # so few that the class comes in by and by, and penalties are seldom
    options = {"generator": generator, "max_epochs": 20, "batch_size": 60, "random_state": 0, "loss": loss}
    with pytest.warns(match="images"):  # there are few
        replayed = GANSynthesizer(**options).fit(images, labels)
    assert 3 <= len(tracing) <= 4  # both players, with penalties and without
    request.getfixturevalue("monkeypatch").undo()
    with pytest.warns(match="images"):
        plain = GANSynthesizer(**options).fit(images, labels)
    assert_same(replayed, plain, 1e-3)


def test_only_a_gpu_records():
    assert recorder_for(torch.device("cpu")) is None
    assert recorder_for(torch.device("cuda")) is recorded.record_graph


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_replays_its_graphs(recwarn):
    images, labels = few_images(600)
    GANSynthesizer(max_epochs=20, random_state=0, device="cuda").fit(images, labels)
    GANSynthesizer(max_epochs=8, random_state=0, device="cuda").fit(make_customers(600, random_state=0))
    assert not [warning for warning in recwarn if "recorded" in str(warning.message)]
