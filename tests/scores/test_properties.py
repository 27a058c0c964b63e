"""What must hold for every score: invariances, monotony, finite values, one sentence for bad input."""

import numpy as np
import pytest
import samples
from hypothesis import given, settings
from hypothesis import strategies as st

from lin_ft import scores
from lin_ft.errors import InputError
from lin_ft.scores import SCORES, array_inputs, encode, evaluate

SUPERVISED = [name for name, score in SCORES.items() if score.needs == ("features", "labels")]
FROM_FEATURES = [name for name, score in SCORES.items() if score.needs and set(score.needs) <= {"features", "labels"}]
TRAINED = {"pactran_gaussian": 1e-3, "logistic_probe": 0.15}
"""Stopped early: how far their values may move."""
SEEDED = {"n_leep", "logistic_probe", "paper_label_feature"}
"""Depend on the order of the samples: by the start of k-means, by the folds, by the draw of 25 images."""
ROTATION = {
    "logme", "h_score", "shrinkage_h_score", "transrate", "gbc", "parc", "sfda", "ncti", "etran_classification",
    "pactran_gaussian", "pactran_gradient_norm", "linear_probe", "logistic_probe", "nearest_neighbours",
    "nearest_neighbours_chosen", "nearest_mean", "feature_variance", "fisher_ratio", "silhouette"
}  # fmt: skip
SCALE = {
    "n_leep", "h_score", "shrinkage_h_score", "parc", "linear_probe", "logistic_probe", "nearest_neighbours",
    "nearest_neighbours_chosen", "nearest_mean", "feature_variance", "fisher_ratio", "silhouette",
    "paper_label_feature",
}  # fmt: skip
APART = {
    "logme", "shrinkage_h_score", "transrate", "gbc", "parc", "sfda", "etran_classification", "pactran_gaussian",
    "linear_probe", "logistic_probe", "nearest_neighbours", "nearest_neighbours_chosen", "nearest_mean", "fisher_ratio",
    "silhouette", "h_score", "paper_label_feature",
}  # fmt: skip
seeds = st.integers(0, 2**32 - 1)
quick = settings(max_examples=5, deadline=None)


def value(name, phi, y):
    """The score, or its parts, as an array."""
    (scored,) = evaluate({name: SCORES[name]}, array_inputs(features=phi, labels=y)).values()
    assert not scored.reason, scored.reason
    return np.array(scored.parts or [scored.value])


def close(name, one, other):
    np.testing.assert_allclose(one, other, rtol=max(1e-6, TRAINED.get(name, 0)), atol=max(1e-8, TRAINED.get(name, 0)))


@pytest.mark.parametrize("name", sorted(set(FROM_FEATURES) - SEEDED))
@quick
@given(seed=seeds, wide=st.booleans())
def test_the_order_of_samples_does_not_matter(name, seed, wide):
    phi, y = samples.features(seed, d=40 if wide else 7, apart=0.3, spread=0.3)
    order = np.random.default_rng(seed).permutation(len(y))
    close(name, value(name, phi[order], y[order]), value(name, phi, y))


@pytest.mark.parametrize("name", sorted(set(SUPERVISED) - {"logistic_probe", "paper_label_feature"}))
@quick
@given(seed=seeds)
def test_the_names_of_classes_do_not_matter(name, seed):
    phi, y = samples.features(seed, d=7, apart=0.3, spread=0.3)
    renamed = np.random.default_rng(seed).permutation(9)[:4][y]  # some numbers go unused
    close(name, value(name, phi, renamed), value(name, phi, y))


@pytest.mark.parametrize("name", sorted(ROTATION))
@quick
@given(seed=seeds, wide=st.booleans())
def test_rotation_does_not_matter(name, seed, wide):
    phi, y = samples.features(seed, d=40 if wide else 7, apart=0.3, spread=0.3)
    turned = phi @ samples.rotation(phi.shape[1], seed)
    close(name, value(name, turned, y), value(name, phi, y))


@pytest.mark.parametrize("name", sorted(SCALE))
@quick
@given(seed=seeds, scale=st.floats(1e-3, 1e3))
def test_scale_does_not_matter(name, seed, scale):
    phi, y = samples.features(seed, d=7)
    close(name, value(name, scale * phi, y), value(name, phi, y))


@pytest.mark.parametrize("name", sorted(APART))
@quick
@given(seed=seeds)
def test_classes_pulled_apart_score_higher(name, seed):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(4), 12))
    noise, means = rng.normal(size=(48, 6)), np.eye(4, 6) * 2
    values = [value(name, noise + apart * means[y], y)[0] for apart in (0.0, 0.7, 10.0)]
    assert values[0] < values[-1] + 1e-12
    assert values[1] <= values[-1] + 1e-9


CASES = {
    "one sample a class": lambda rng: (rng.normal(size=(5, 8)), np.arange(5)),
    "fewer samples than features": lambda rng: (rng.normal(size=(6, 50)), np.array([0, 0, 0, 1, 1, 1])),
    "more samples than features": lambda rng: (rng.normal(size=(50, 2)), np.arange(50) % 3),
    "one feature": lambda rng: (rng.normal(size=(12, 1)), np.arange(12) % 2),
    "constant features": lambda rng: (np.full((12, 5), 0.1), np.arange(12) % 3),
    "zero features": lambda rng: (np.zeros((12, 5)), np.arange(12) % 3),
    "one constant feature": lambda rng: (np.c_[rng.normal(size=(12, 3)), np.ones(12)], np.arange(12) % 3),
    "collapsed classes": lambda rng: (np.eye(4)[np.arange(24) % 4], np.arange(24) % 4),
    "large values": lambda rng: (1e4 * rng.normal(size=(20, 6)), np.arange(20) % 2),
    "float32": lambda rng: (rng.normal(size=(30, 40)).astype(np.float32), np.arange(30) % 3),
    "duplicates": lambda rng: (np.repeat(rng.normal(size=(3, 5)), 4, axis=0), np.arange(12) % 2),
}


@pytest.mark.parametrize("case", CASES)
def test_values_are_finite(case):
    phi, y = CASES[case](np.random.default_rng(0))
    chosen = {name: SCORES[name] for name in FROM_FEATURES}
    for name, scored in evaluate(chosen, array_inputs(features=phi, labels=y)).items():
        few = name == "nearest_neighbours" and len(y) <= 3
        assert scored.value is not None or scored.parts or few, (name, scored.reason)
        assert np.isfinite(scored.parts or [scored.value]).all(), name


def test_a_thousand_classes():
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(1000), 2)
    phi = rng.normal(size=(1000, 12))[y] + 0.1 * rng.normal(size=(2000, 12))
    theta = samples.probabilities(n=2000, n_source=6)
    chosen = {name: SCORES[name] for name in [*FROM_FEATURES, "nce", "leep", "pactran_gamma"]}
    for name, scored in evaluate(chosen, array_inputs(features=phi, labels=y, source_probabilities=theta)).items():
        assert scored.value is not None or scored.parts, (name, scored.reason)


@pytest.mark.parametrize("name", FROM_FEATURES)
def test_float32_agrees_with_float64(name):
    phi, y = samples.features(0, d=7, apart=0.5)
    single = phi.astype(np.float32)
    close(name, value(name, single, y), value(name, single.astype(np.float64), y))


@quick
@given(seed=seeds, d=st.integers(1, 60))
def test_ranges(seed, d):
    phi, y = samples.features(seed, d=d)
    theta = samples.probabilities(seed)
    assert -np.log(4) - 1e-9 <= scores.nce(theta, y) <= 0
    assert scores.leep(theta, y) >= scores.nce(theta, y) + np.mean(np.log(theta.max(1)))
    assert 0 <= scores.h_score(phi, y) <= 3 + 1e-6
    assert 0 <= scores.shrinkage_h_score(phi, y) <= 3 * 24 / 23 + 1e-6
    assert -12 <= scores.gbc(phi, y) <= 0
    assert abs(scores.parc(phi, y)) <= 100
    assert -1 - 1e-9 <= scores.emms(phi, y, np.eye(4)[y][None]) <= 0
    for name in ("sfda", "ped", "fisher_ratio", "linear_probe", "nearest_mean", "feature_variance"):
        assert -1e-9 <= value(name, phi, y)[0] <= 1 + 1e-9


def test_arrays_are_not_overwritten():
    phi, y = samples.features(0)
    kept, labels = phi.copy(), y.copy()
    for name in FROM_FEATURES:
        value(name, phi, y)
    np.testing.assert_array_equal(phi, kept)
    np.testing.assert_array_equal(y, labels)


@pytest.mark.parametrize("name", SUPERVISED)
def test_bad_labels_and_features_are_one_sentence(name):
    phi, y = samples.features(0)
    function = SCORES[name].function
    bad = [(phi, np.zeros(24, int)), (phi * np.nan, y)]
    if name != "paper_label_feature":  # strict annotations speak first in tests
        bad += [(phi, y[:-1]), (phi, y - 1), (phi, y + 0.5), (np.zeros((0, 3)), y[:0])]
    for features, labels in bad:
        with pytest.raises(InputError) as caught:
            function(features, labels)
        message = str(caught.value)
        assert message.endswith((".", "!"))
        assert "\n" not in message


def test_bad_labels_say_what_is_wrong():
    phi, y = samples.features(0)
    for labels, words in [
        (y[:-1], "one label a sample"),
        (y - 1, "outside the range"),
        (y + 0.5, "not regression targets"),
        (0 * y, "one class"),
    ]:
        with pytest.raises(InputError, match=words):
            scores.logme(phi, labels)
    with pytest.raises(InputError, match="NaN"):
        scores.logme(np.where(np.arange(9) == 3, np.nan, phi), y)
    with pytest.raises(InputError, match="NaN"):
        scores.etran_energy(phi * np.inf)


def test_bad_probabilities_targets_and_source_data_say_what_is_wrong():
    phi, y = samples.features(0)
    theta = samples.probabilities(0)
    for function in (scores.nce, scores.leep, scores.pactran_gamma):
        with pytest.raises(InputError, match="sum to one"):
            function(theta * 1.1, y)
        with pytest.raises(InputError, match="not logits"):
            function(theta - 0.5, y)
    with pytest.raises(InputError, match="23 rows"):
        scores.lin_mse(phi, np.ones(23))
    with pytest.raises(InputError, match="NaN"):
        scores.logme_regression(phi, np.full(24, np.nan))
    with pytest.raises(InputError, match="5 columns"):
        scores.frechet_distance(phi, phi[:, :5])
    with pytest.raises(InputError, match="5 columns"):
        scores.domain_similarity(phi, y, phi[:, :5], y)
    with pytest.raises(InputError, match="unknown"):
        scores.gbc(phi, y, shape="round")
    with pytest.raises(InputError, match="rows"):
        scores.rsa(phi, phi[:5])
    with pytest.raises(InputError, match="label embeddings"):
        scores.emms(phi, y, np.ones((2, 3, 4)))
    with pytest.raises(InputError, match="other task"):
        scores.best_on_average(np.zeros(0))
    with pytest.raises(InputError, match="give \\(n, n\\)"):
        scores.supervision_complexity.__wrapped__(phi, encode(y))
