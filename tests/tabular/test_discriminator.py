"""Trees kept as arrays say what scikit-learn's say; a file that holds no trees is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.ensemble import HistGradientBoostingClassifier

from ganaug.exceptions import ModelFileError
from ganaug.tabular.columns.base import CategoryField, NumberField
from ganaug.tabular.discriminator import TreeDiscriminator

EDGES = np.linspace(-2, 2, 29)
NUMBER = NumberField(
    2, np.append(-np.inf, EDGES), np.append(EDGES, np.inf), np.linspace(-2.2, 2.2, 30), np.ones(3),
    np.array([0.05, np.nan]),
)  # fmt: skip
FIELDS = [
    CategoryField(7, np.ones(7)),
    NUMBER,
    CategoryField(5, np.ones(5), n_ordered=4),
    CategoryField(400, np.ones(400)),
    CategoryField(3, np.ones(3)),
]


def draw(n_rows, seed):
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(0, f.n_codes - (f.n_codes == 7), n_rows) for f in FIELDS], axis=1)


@pytest.fixture(scope="module")
def grown():
    """Trees, and the classifier of scikit-learn that they were read from."""
    real, fake, kept = draw(1_500, 0), draw(3_000, 1), []
    real[:, 0] = np.where(real[:, 1] > 15, real[:, 0] // 2, real[:, 0])
    real[real[:, 4] == 1, 2] = 4
    real[:, 3] = np.where(real[:, 1] < 10, real[:, 3] // 4, real[:, 3])
    fit = HistGradientBoostingClassifier.fit

    def note(self, *args, **kwargs):
        kept.append(fit(self, *args, **kwargs))
        return kept[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HistGradientBoostingClassifier, "fit", note)
        trees = TreeDiscriminator.fit(FIELDS, real, fake, amount=30)
    return trees, kept[0]


def seen(trees, codes):
    return np.stack([axis[codes[:, i]] for i, axis in enumerate(trees.axes)], axis=1)


def test_log_odds_are_those_of_scikit_learn(grown):
    trees, classifier = grown
    codes = draw(800, 2)
    codes[:20, 0] = 6  # a level of neither real nor fake rows
    codes[20:60, 1] = 1  # missing
    ours = trees.log_odds(torch.from_numpy(codes)).numpy()
    np.testing.assert_allclose(ours, classifier.decision_function(seen(trees, codes)), atol=2e-5)
    assert ours.std() > 0.1
    assert (trees.trees.level_set >= 0).any()


def test_stages_are_the_first_trees(grown):
    trees, classifier = grown
    codes = draw(300, 3)
    staged = trees.staged_log_odds(torch.from_numpy(codes), [4, 30]).numpy()
    wanted = list(classifier.staged_decision_function(seen(trees, codes)))
    np.testing.assert_allclose(staged, [wanted[3], wanted[29]], atol=2e-5)
    np.testing.assert_allclose(trees.first(4).log_odds(torch.from_numpy(codes)).numpy(), wanted[3], atol=2e-5)


def test_a_state_comes_back(grown):
    trees, codes = grown[0], torch.from_numpy(draw(200, 4))
    header, arrays = trees.to_state()
    back = TreeDiscriminator.from_state(header, arrays, FIELDS)
    assert torch.equal(back.log_odds(codes), trees.log_odds(codes))


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        ("left", 0, 0),  # an inner node that is its own child
        ("right", 0, 10**6),
        ("feature", 0, 5),
        ("feature", 0, -1),
        ("level_set", 0, 10**6),
        ("roots", 0, -3),
        ("value", 0, np.nan),
        ("threshold", 0, np.nan),
    ],
)
def test_a_state_that_is_no_trees_is_refused(grown, name, place, value):
    header, arrays = grown[0].to_state()
    broken = arrays[name].copy()
    broken[place] = value
    with pytest.raises(ModelFileError):
        TreeDiscriminator.from_state(header, {**arrays, name: broken}, FIELDS)


def test_trees_of_another_table_are_refused(grown):
    header, arrays = grown[0].to_state()
    with pytest.raises(ModelFileError, match="another table"):
        TreeDiscriminator.from_state(header, arrays, FIELDS[:-1])
    with pytest.raises(ModelFileError):
        TreeDiscriminator.from_state(header, arrays, [*FIELDS[:-1], CategoryField(9, np.ones(9))])


def test_what_is_unknown_is_on_the_side_of_what_is_missing(grown):
    codes = draw(50, 5)
    unknown, missing = codes.copy(), codes.copy()
    unknown[:, 1], missing[:, 1] = -1, 1
    odds = [grown[0].log_odds(torch.from_numpy(rows)) for rows in (unknown, missing)]
    assert torch.equal(*odds)


@pytest.mark.parametrize("max_leaves", [2, 31, 60])
def test_trees_of_any_size_say_what_scikit_learn_says(max_leaves):
    real, fake = draw(3_000, 3), draw(3_000, 4)
    real[:, 1] = np.where(real[:, 0] > 3, real[:, 1] // 2, real[:, 1])
    made = TreeDiscriminator.fit(FIELDS, real, fake, amount=5, max_leaves=max_leaves, min_rows=5)
    rows = torch.from_numpy(draw(500, 5))
    walked = []
    for root in made.trees.roots:  # as one would by hand
        at = np.full(len(rows), root)
        for _ in range(made.trees.depth):
            way = [goes_left(made, int(node), codes) for node, codes in zip(at, rows.tolist(), strict=True)]
            at = np.where(way, made.trees.left[at], made.trees.right[at])
        walked.append(made.trees.value[at])
    expected = made.trees.baseline + np.sum(walked, axis=0)
    np.testing.assert_allclose(made.log_odds(rows).numpy(), expected, rtol=1e-5, atol=1e-5)


def goes_left(made, node, codes):
    trees = made.trees
    value = made.axes[trees.feature[node]][codes[trees.feature[node]]]
    if np.isnan(value):
        return trees.missing_left[node]
    which = trees.level_set[node]
    return trees.sets[which][int(value)] if which >= 0 else value <= trees.threshold[node]


def test_nodes_that_two_branches_share_are_no_tree(grown):
    header, arrays = grown[0].to_state()
    arrays["right"] = arrays["right"].copy()
    arrays["right"][0] = arrays["left"][0]
    with pytest.raises(ModelFileError, match="trees"):
        TreeDiscriminator.from_state(header, arrays, FIELDS)
