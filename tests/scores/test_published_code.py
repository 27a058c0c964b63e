"""Where the authors' own code, or a first reading of it, goes wrong: the right value, and what is said of it."""

import warnings

import numpy as np
import pytest
import samples
import twins

from lin_ft import scores
from lin_ft.errors import InputError
from lin_ft.scores import SCORES, ScoreWarning, array_inputs, evaluate


def test_gbc_of_classes_far_apart_keeps_its_digits():
    """Overlaps below 1e-16 beside the 1 of a class with itself: four models that differ."""
    values = []
    for apart in (4.0, 6.0, 8.0, 10.0):
        phi, y = samples.features(0, d=9, apart=apart, spread=0.3)
        for shape in ("spherical", "diagonal"):
            mine = scores.gbc(phi, y, shape=shape, dimensions=None)
            assert mine == pytest.approx(twins.gbc(phi, list(y), shape == "spherical"), rel=1e-9, abs=0)
        values.append(scores.gbc(phi, y))
    assert values == sorted(values)
    assert -1e-16 < values[0] < values[1] < values[2] < values[3] < 0


def test_gbc_says_when_no_overlap_is_left():
    phi, y = samples.features(0, d=9, apart=1e3)
    with pytest.warns(ScoreWarning, match="overlaps are 0"):
        assert scores.gbc(phi, y) == 0
    scored = evaluate({"gbc": SCORES["gbc"]}, array_inputs(features=phi, labels=y))["gbc"]
    assert scored.note == "GBC: all classes lie so far apart that their overlaps are 0"


@pytest.mark.parametrize(("each", "d"), [(6, 9), (3, 9), (2, 9), (6, 60), (2, 60)])
def test_ncti_leaves_out_directions_without_variance_inside_the_classes(each, d):
    """n = 8 to 24 samples of 4 classes: with n < d + C the scatter inside the classes is singular."""
    phi, y = samples.features(3, each=each, d=d, apart=3.0, spread=3.0)
    expected = twins.ncti_parts(twins.pca(phi, min(d, len(y) - 1)), list(y))
    assert scores.ncti_parts(phi, y) == pytest.approx(expected, rel=1e-6)


def test_ncti_does_not_depend_on_a_floor():
    """Moving the noise inside the classes by a billionth moved the value by orders of magnitude."""
    phi, y = samples.features(3, each=3, d=40, apart=3.0, spread=3.0)
    moved = phi + 1e-9 * np.random.default_rng(0).normal(size=phi.shape)
    assert scores.ncti_parts(moved, y) == pytest.approx(scores.ncti_parts(phi, y), rel=1e-6)


def test_ncti_where_the_authors_code_cannot_run():
    phi, _ = samples.features(0, n_classes=5, each=1, d=8)
    nuclear, posterior, log_norm = scores.ncti_parts(10 * phi, np.arange(5))  # one sample a class
    assert (nuclear, posterior) == pytest.approx((0, 1 / 5))
    assert log_norm == pytest.approx(np.log(5 * np.sqrt(5) / 5))
    collapsed = scores.ncti_parts(100 * np.eye(4)[np.arange(24) % 4], np.arange(24) % 4)
    assert collapsed[:2] == pytest.approx((0, 1 / 4))


def test_logme_counts_repeated_samples_once():
    phi, y = samples.features(0, each=10, d=200)
    alone = scores.logme(phi, y)
    for repeats in (1, 3, 10):
        again = np.r_[np.arange(len(y)), np.arange(repeats)]
        with pytest.warns(ScoreWarning, match=f"LogME: {repeats} of {len(y) + repeats} samples are repeated"):
            assert scores.logme(phi[again], y[again]) == pytest.approx(alone, rel=1e-7)
        noise = 1e-8 * np.random.default_rng(1).normal(size=(len(again), 200))
        with pytest.warns(ScoreWarning, match="repeated"):
            assert scores.logme(phi[again] + noise, y[again]) == pytest.approx(alone, rel=1e-6)
    values = phi[:, :1] ** 2
    with pytest.warns(ScoreWarning, match="1 of 41 samples are repeated"):
        repeated = scores.logme_regression(np.vstack([phi, phi[:1]]), np.vstack([values, values[:1]]))
    assert repeated == pytest.approx(scores.logme_regression(phi, values), rel=1e-7)


def test_logme_of_one_picture_under_two_labels():
    """The classes at odds keep both samples, for their evidence is bounded; the other classes count one."""
    phi, y = samples.features(0, each=10, d=200)
    again, labels = np.vstack([phi, phi[:1]]), np.r_[y, (y[0] + 1) % 4]
    with pytest.warns(ScoreWarning, match="1 of 41 samples are repeated"):
        found = scores.logme(again, labels)
    both = [y[0], (y[0] + 1) % 4]
    expected = [
        twins.logme_columns(again, 1.0 * (labels == c)[:, None])
        if c in both
        else twins.logme_columns(phi, 1.0 * (y == c)[:, None])
        for c in range(4)
    ]
    assert found == pytest.approx(np.mean(expected), rel=1e-6)


@pytest.mark.parametrize("features", ["points", "labels among noise"])
def test_logme_of_an_exact_fit_is_bounded_and_above_any_noisy_one(features):
    y = np.arange(40) % 4
    rng = np.random.default_rng(0)
    exact = np.eye(4)[y] if features == "points" else np.c_[np.eye(4)[y], rng.normal(size=(40, 3))]
    with pytest.warns(ScoreWarning, match="fit 4 targets without error; their noise is held at 1/1000"):
        found = scores.logme(exact, y)
    noisy = scores.logme(exact + 0.01 * rng.normal(size=exact.shape), y)
    assert noisy < found < 10
    # log N of n - r directions at the least noise variance bounds the value from above
    assert found < 0.5 * np.log(1 / (2 * np.pi * 1e-6 / 4))


def test_logme_without_such_trouble_says_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for d in (9, 200):
            phi, y = samples.features(0, each=10, d=d)
            scores.logme(phi, y)
        phi, y = samples.features(0, each=10, d=9)
        scores.logme(np.vstack([phi, phi[:5]]), np.r_[y, y[:5]])  # n > d: repeats are samples like others


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float8_e4m3fn"])
def test_narrow_floats_are_numbers(dtype):
    """As JAX computes and stores them; to NumPy bfloat16 is void."""
    import jax.numpy as jnp

    phi, y = samples.features(0, d=9)
    narrow = jnp.asarray(phi, dtype)
    wide = np.asarray(narrow, np.float64)
    theta = samples.probabilities(0)
    for name, score in SCORES.items():
        if set(score.needs) <= {"features", "labels", "targets"}:
            given = {"labels": y, "targets": scores.encode(y)}
            for features in (narrow, np.asarray(narrow)):
                one = evaluate({name: score}, array_inputs(features=features, **given))[name]
                other = evaluate({name: score}, array_inputs(features=wide, **given))[name]
                assert (one.value, one.parts, one.reason) == (other.value, other.parts, other.reason), name
    assert scores.leep(jnp.asarray(theta, dtype), y) == pytest.approx(scores.leep(theta, y), rel=0.1)
    assert scores.logme(phi, jnp.asarray(y, "int4")) == scores.logme(phi, y)


def test_complex_numbers_lose_no_part_without_a_word():
    phi, y = samples.features(0, d=9)
    targets = scores.encode(y)
    for function in (
        lambda: scores.logme.__wrapped__(phi + 1j, y),
        lambda: scores.label_feature.__wrapped__(phi + 1j, targets),
        lambda: scores.label_feature.__wrapped__(phi, targets + 1j),
        lambda: scores.alignment.__wrapped__(phi @ phi.T + 1j, targets),
    ):
        with pytest.raises(InputError, match="complex128"):
            function()
