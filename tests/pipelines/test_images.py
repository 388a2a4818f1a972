"""GANOversampler on images: exact counts, layout and dtype kept, and imbalanced-learn's pipeline."""

import numpy as np
import pytest
from imblearn.pipeline import make_pipeline
from sklearn.base import BaseEstimator, ClassifierMixin

from ganaug import GANOversampler, GANSynthesizer
from ganaug.exceptions import ContractError, FewImagesWarning
from ganaug.pipelines.images import stacked_images

LABELS = np.array(["common"] * 60 + ["rare"] * 52)


def images(shape, dtype=np.uint8):
    return np.random.default_rng(0).integers(0, 200, (len(LABELS), *shape)).astype(dtype)


class Repeats(BaseEstimator):
    """Draws its first image."""

    def fit(self, X, y):
        self.first_ = X[0]
        return self

    def sample(self, n, *, y):
        return np.repeat(np.asarray(self.first_)[None], n, axis=0) + 0.4


class Brightness(ClassifierMixin, BaseEstimator):
    """Takes images as they are."""

    def fit(self, X, y):
        assert X.ndim == 3
        self.classes_, self.n_seen_ = np.unique(y), len(X)
        return self

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))


@pytest.mark.parametrize("shape", [(8, 8), (8, 9, 3), (2, 8, 9)])
def test_real_images_first_and_classes_even(shape):
    X = images(shape)
    sampler = GANOversampler(synthesizer=GANSynthesizer(max_epochs=1), random_state=0)
    more, y = sampler.fit_resample(X, LABELS)
    assert (more.shape, more.dtype) == ((120, *shape), X.dtype)
    assert (more[:112] == X).all()
    assert y.tolist() == [*LABELS.tolist(), *["rare"] * 8]
    assert sampler.is_synthetic_.tolist() == [False] * 112 + [True] * 8
    assert sampler.n_features_in_ == np.prod(shape)


def test_it_repeats_itself():
    sampler = GANOversampler(synthesizer=GANSynthesizer(max_epochs=1), random_state=0)
    one, other = (sampler.fit_resample(images((8, 8)), LABELS)[0] for _ in range(2))
    assert (one == other).all()


def test_any_synthesizer_draws_and_whole_numbers_stay_whole():
    X = images((5, 5))
    more, _ = GANOversampler(synthesizer=Repeats()).fit_resample(X, LABELS)
    assert more.dtype == X.dtype
    assert (more[112:] == X[0]).all()


def test_lists_of_images_stay_lists():
    X = list(images((5, 5)))
    more, y = GANOversampler(synthesizer=Repeats()).fit_resample(X, LABELS.tolist())
    assert isinstance(more, list)
    assert (len(more), len(y)) == (120, 120)
    assert more[3] is X[3]


def test_images_pass_through_a_pipeline():
    pipeline = make_pipeline(GANOversampler(synthesizer=Repeats()), Brightness())
    assert pipeline.fit(images((5, 5)), LABELS).predict(images((5, 5))).shape == (112,)
    assert pipeline[-1].n_seen_ == 120


def test_few_images_of_a_class_are_warned_of():
    kept = np.r_[:60, 60:70]
    sampler = GANOversampler(synthesizer=GANSynthesizer(max_epochs=1), random_state=0)
    with pytest.warns(FewImagesWarning, match=r"'rare' \(10\)"):
        sampler.fit_resample(images((8, 8))[kept], LABELS[kept])


def test_balanced_images_train_nothing():
    sampler = GANOversampler(synthesizer=Repeats())
    more, _ = sampler.fit_resample(images((5, 5))[8:], LABELS[8:])
    assert len(more) == 104
    assert sampler.synthesizer_ is None


def test_wrong_number_or_shape_of_images_is_a_broken_contract():
    X = images((5, 5))
    with pytest.raises(ContractError, match=r"was to draw images \(3, 5, 5\), and drew \(2, 5, 5\)"):
        stacked_images(X, X[:2], 3)
    with pytest.raises(ContractError, match=r"and drew \(2, 5, 4\)"):
        stacked_images(X, X[:2, :, :4], 2)


def test_options_of_tables_are_refused_by_name():
    with pytest.raises(ValueError, match="filter is for tables, not for images; got 'realism'"):
        GANOversampler(synthesizer=Repeats(), filter="realism").fit_resample(images((5, 5)), LABELS)
    with pytest.raises(ValueError, match="target is for tables, not for images; got 'relevance'"):
        GANOversampler(synthesizer=Repeats(), target="relevance").fit_resample(images((5, 5)), LABELS)
