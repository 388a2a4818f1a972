"""Records of a fit, and their picture."""

from __future__ import annotations

import pytest

from ganaug.training.history import History


def record(epoch, phase="search", validation_loss=1.0):
    return {"epoch": epoch, "phase": phase, "train_loss": 2.0 / epoch, "validation_loss": validation_loss}


@pytest.fixture
def axes():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    figure, axes = pyplot.subplots()
    yield axes
    pyplot.close(figure)


def test_a_column_has_an_entry_of_every_record():
    assert History([record(1), record(2)]).column("train_loss") == [2.0, 1.0]


def test_plot_draws_both_losses_and_where_the_rate_began_to_fall(axes):
    history = History([record(1), record(2), record(3, "decay"), record(4, "decay")])
    assert history.plot(axes) is axes
    drawn = {line.get_label(): list(line.get_xdata()) for line in axes.lines}
    assert drawn == {
        "training rows": [1, 2, 3, 4],
        "held-out rows": [1, 2, 3, 4],
        "rate begins to fall": [3, 3],
    }
    assert axes.get_xlabel() == "epoch"


def test_plot_without_held_out_rows_draws_what_there_is(axes):
    History([record(1, validation_loss=None)]).plot(axes)
    assert [line.get_label() for line in axes.lines] == ["training rows"]


def test_plot_makes_a_figure_where_none_is_given():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    axes = History([record(1)]).plot()
    assert len(axes.lines) == 2
    pyplot.close(axes.figure)
