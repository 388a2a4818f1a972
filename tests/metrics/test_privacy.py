"""Distances to records and exact copies: known shares."""

import numpy as np
import pandas as pd
import pytest

from ganaug.metrics import dcr_share, exact_copies, membership_auc, near_copies, nndr_share
from ganaug.metrics.privacy import two_nearest


def test_copies_of_training_rows_are_all_closer(real, fresh):
    assert dcr_share(real, real, fresh) == 1


def test_copies_of_unseen_rows_are_never_closer(real, fresh):
    assert dcr_share(fresh, real, fresh) == 0


def test_ties_count_half():
    same = np.arange(10.0)[:, None]
    assert dcr_share(same + 0.25, same, same) == 0.5


def test_larger_table_is_cut_to_the_smaller(real, fresh):
    rows = real.sample(300, random_state=3)
    assert dcr_share(rows, real, fresh.head(300)) == pytest.approx(0.75, abs=0.08)


def test_one_mismatched_category_is_as_far_as_the_whole_range_of_a_number():
    train = pd.DataFrame({"n": [0.0, 1.0], "c": ["x", "y"]})
    row = pd.DataFrame({"n": [0.9], "c": ["x"]})
    assert dcr_share(row, train.iloc[:1], train.iloc[1:]) == 1


def test_nearest_record_is_the_exact_one():
    rows = np.random.default_rng(4).random((70, 5))
    seen, unseen = np.random.default_rng(5).random((2, 90, 5))
    width = np.ptp(seen, axis=0)
    distances = [
        (((rows[:, None] - records[None]) / width) ** 2).sum(axis=2).min(axis=1) for records in (seen, unseen)
    ]
    assert dcr_share(rows, seen, unseen) == np.mean(distances[0] < distances[1])


def test_a_copy_is_equal_in_every_cell_missing_ones_too():
    train = pd.DataFrame({"n": [1.0, np.nan, -0.0], "c": ["x", None, "y"]})
    rows = pd.DataFrame({"n": [np.nan, np.nan, 0.0, 1.0], "c": [None, "x", "y", "y"]})
    assert exact_copies(rows, train) == 0.5


def test_copies_survive_a_change_of_dtype():
    train = pd.DataFrame({"n": [1, 2], "c": pd.Series(["x", "y"], dtype="category")})
    rows = pd.DataFrame({"n": pd.array([2, None], dtype="Int64"), "c": pd.array(["y", "x"], dtype="string")})
    assert exact_copies(rows, train) == 0.5


def test_copies_give_their_members_away(real, fresh):
    assert membership_auc(real, real, fresh) > 0.99
    assert membership_auc(fresh, real, fresh) < 0.01


def test_an_attacker_learns_nothing_from_rows_of_neither(real, fresh):
    other = np.random.default_rng(9).permutation(len(real))
    rows = real.assign(**{name: real[name].to_numpy()[other] for name in real.columns[:1]})
    half = len(real) // 2
    assert membership_auc(fresh[:half], real[half:], fresh[half:]) == pytest.approx(0.5, abs=0.08)
    assert membership_auc(rows, real, fresh) > 0.5


def test_copies_single_out_one_training_row_each(real, fresh):
    assert nndr_share(real, real, fresh) > 0.95
    assert nndr_share(fresh, real, fresh) < 0.05


def test_ratio_of_distances_of_known_rows():
    train, unseen = pd.DataFrame({"a": [0.0, 4.0, 10.0]}), pd.DataFrame({"a": [2.0, 3.0, 9.0]})
    assert nndr_share(pd.DataFrame({"a": [0.1, 2.1]}), train, unseen) == 0.5


def test_near_copies_are_counted_by_what_unseen_rows_have(real, fresh):
    rng = np.random.default_rng(0)
    noisy = real.assign(size=real["size"] + 1e-6 * rng.normal(size=len(real)))
    assert near_copies(noisy, real, fresh) == 1.0
    assert near_copies(fresh, real, fresh) == pytest.approx(0.01, abs=0.003)


def test_nearest_of_its_own_table_is_another_row():
    rows = np.array([[0.0], [1.0], [3.0], [3.0]], dtype=np.float32)
    assert two_nearest(rows, rows, leave_out=True).tolist() == [[1, 3], [1, 2], [0, 2], [0, 2]]
