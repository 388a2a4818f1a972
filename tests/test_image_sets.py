"""The sets that the benchmark of images makes, and how it makes classes rare."""

import numpy as np

from benchmarks.image_sets import ImageSet, load


def test_made_sets_are_of_the_promised_kind_and_the_same_each_time():
    odd = load("odd")
    assert (odd.train.shape, odd.train.dtype, len(odd.test)) == ((300, 17, 23, 2), np.float32, 100)
    assert (load("odd").train == odd.train).all()
    assert load("shapes").train.shape == (300, 64, 64, 3)


def test_digits_need_no_download(monkeypatch):
    monkeypatch.delenv("GANAUG_DATA", raising=False)
    digits = load("digits")
    assert (digits.train.shape[1:], len(digits.train), len(digits.test)) == ((8, 8), 1347, 450)


def test_half_of_the_classes_are_made_rare_and_the_test_images_stay():
    labels = np.repeat(np.arange(6), 50)
    whole = ImageSet("made", labels[:, None, None], labels, labels[:7, None, None], labels[:7])
    cut = whole.with_rare(5, 30, seed=0)
    assert sorted(np.bincount(cut.labels).tolist()) == [5, 5, 5, 30, 30, 30]
    assert (cut.train[:, 0, 0] == cut.labels).all()
    assert len(cut.test) == 7
    assert np.bincount(whole.with_rare(5, 30, seed=1).labels).tolist() != np.bincount(cut.labels).tolist()
