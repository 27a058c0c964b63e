"""The primal closed forms are those of the kernel Z Zᵀ, and of the tangent kernel within the sketch's error."""

import jax
import numpy as np
import pytest
from networks import conv_net, images, one_hot
from problems import assert_close

from lin_ft.errors import InputError
from lin_ft.functions import with_head
from lin_ft.heads import init_head
from lin_ft.kernels import gram, probe_gram, sketched_features
from lin_ft.predict import (
    decompose,
    decompose_features,
    leave_groups_out,
    leave_one_out,
    predict_logits,
    primal_leave_one_out,
    primal_predict,
    primal_residuals,
    primal_weights,
    training_residuals,
)

TIMES, RIDGES = [0.0, 0.3, 30.0, np.inf], [0.0, 0.1, 5.0]
SHAPES = {"tall": (23, 7), "wide": (15, 40), "square": (12, 12), "one": (9, 1)}


def problem(shape, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=shape) / np.sqrt(shape[1])
    return z, rng.normal(size=(shape[0], 3))


def condition(z):
    values = np.linalg.svd(z, compute_uv=False) ** 2
    return values[0] / values[values > 1e-12 * values[0]][-1] + 30 * values[0]


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_residuals_weights_and_predictions_are_those_of_the_kernel(shape):
    z, y = problem(shape)
    z_test = problem((5, shape[1]), seed=1)[0]
    dual, primal = decompose(z @ z.T), decompose_features(z)
    assert primal.scale == pytest.approx(dual.scale)
    f0, f0_test = y[::-1] / 2, y[:5] / 3
    given = {"logits0": f0, "logits0_test": f0_test}
    expected = predict_logits(dual, z_test @ z.T, y, TIMES, RIDGES, **given)
    assert_close(primal_predict(primal, z_test, y, TIMES, RIDGES, **given), expected, condition=condition(z))
    expected = training_residuals(dual, y, TIMES, RIDGES)
    assert_close(primal_residuals(primal, y, TIMES, RIDGES), expected, condition=condition(z), size=np.abs(y).max())
    solved = np.linalg.solve(z.T @ z + 0.1 * np.eye(shape[1]), z.T @ y)
    assert_close(primal_weights(primal, y, ridges=[0.1])[0, 0], solved, condition=condition(z))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_leave_one_out_is_that_of_the_kernel(shape):
    z, y = problem(shape)
    expected = leave_one_out(decompose(z @ z.T), y, TIMES, RIDGES)
    found = primal_leave_one_out(decompose_features(z), y, TIMES, RIDGES)
    assert_close(found, expected, condition=10 * condition(z))
    refit = [
        y[i] - z[i] @ np.linalg.solve(np.delete(z, i, 0).T @ np.delete(z, i, 0) + 0.1 * np.eye(shape[1]),
                                      np.delete(z, i, 0).T @ np.delete(y, i, 0))
        for i in range(len(z))
    ]  # fmt: skip
    assert_close(found[-1, 1], np.array(refit), condition=10 * condition(z))


@pytest.mark.parametrize("shape", [(23, 7), (15, 40)], ids=["tall", "wide"])
def test_leaving_groups_out_is_that_of_the_kernel(shape):
    z, y = problem(shape)
    groups = np.arange(len(z)) % 6
    rows = [np.flatnonzero(groups == number) for number in range(6)]
    expected = leave_groups_out(decompose(z @ z.T), y, rows, TIMES, RIDGES)
    found = primal_leave_one_out(decompose_features(z), y, TIMES, RIDGES, groups=groups)
    assert_close(found, expected, condition=100 * condition(z))


def test_a_sample_that_shares_nothing_is_predicted_by_what_it_knows():
    """Where U reaches a sample whole, 1 - h vanishes with the ridge: the limit is finite."""
    z, y = problem((8, 3))
    z = np.block([[z, np.zeros((8, 1))], [np.zeros((1, 3)), np.ones((1, 1))]])
    y = np.vstack([y, np.ones((1, 3))])
    expected = leave_one_out(decompose(z @ z.T), y)
    assert_close(primal_leave_one_out(decompose_features(z), y), expected, condition=100 * condition(z))
    np.testing.assert_allclose(expected[0, 0, -1], y[-1], rtol=1e-10)


@pytest.fixture(scope="module")
def tangent():
    apply, params = conv_net()
    x, y = images(14), one_hot(14)
    params = with_head(params, init_head("random", np.zeros((14, 5)), y, key=jax.random.key(4)))
    return apply, params, x, y - y.mean(0)[None]


def test_features_of_enough_dimensions_are_exact(tangent):
    apply, params, x, y = tangent
    z = sketched_features(apply, params, x, dimension=10_000)
    np.testing.assert_allclose(z @ z.T, gram(apply, params, x), rtol=1e-10)
    key = jax.random.key(3)
    z = sketched_features(apply, params, x, dimension=10_000, probes=2, key=key)
    np.testing.assert_allclose(z @ z.T, probe_gram(apply, params, x, probes=2, key=key), rtol=1e-10)
    only = sketched_features(apply, params, x, trainable="head")
    np.testing.assert_allclose(only @ only.T, gram(apply, params, x, trainable="head"), rtol=1e-10)
    kernel = decompose(gram(apply, params, x))
    expected = leave_one_out(kernel, y, [1.0], [0.1 * kernel.scale])
    spectrum = decompose_features(sketched_features(apply, params, x, dimension=10_000))
    np.testing.assert_allclose(primal_leave_one_out(spectrum, y, [1.0], [0.1 * spectrum.scale]), expected, rtol=1e-6)


def test_sketched_forms_equal_the_kernels_within_the_sketchs_error(tangent):
    """The kernel's relative error falls as 1 / sqrt(k), and the closed forms' error with it."""
    apply, params, x, y = tangent
    theta = gram(apply, params, x)
    dual = decompose(theta)
    time, ridge = [10 / dual.scale], [0.3 * dual.scale]
    errors = {}
    for k in (32, 512):
        found = [
            sketched_features(apply, params, x, dimension=k, kind="gaussian", key=jax.random.key(seed))
            for seed in range(8)
        ]
        of_kernel = [np.linalg.norm(z @ z.T - theta) / np.linalg.norm(theta) for z in found]
        spectra = [decompose_features(z) for z in found]
        for name, exact, forms in (
            (
                "left out",
                leave_one_out(dual, y, time, ridge),
                [primal_leave_one_out(s, y, time, ridge) for s in spectra],
            ),
            (
                "fitted",
                training_residuals(dual, y, time, ridge),
                [primal_residuals(s, y, time, ridge) for s in spectra],
            ),
        ):
            off = [np.linalg.norm(form - exact) / np.linalg.norm(exact) for form in forms]
            errors[k, name] = np.median(off)
            assert np.median(off) < 10 * np.median(of_kernel)
        errors[k, "kernel"] = np.median(of_kernel)
    for name in ("kernel", "left out", "fitted"):
        assert errors[512, name] < errors[32, name] / 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s, y: decompose_features(np.full((3, 2), np.nan)), "NaN"),
        (lambda s, y: decompose_features(np.zeros((0, 2))), "shape"),
        (lambda s, y: primal_leave_one_out(s, y[:4]), "does not go with features"),
        (lambda s, y: primal_leave_one_out(s, y, groups=np.zeros(9, int)), "at least two different"),
        (lambda s, y: primal_leave_one_out(s, y, times=[-1.0]), "numbers >= 0"),
        (lambda s, y: primal_predict(s, np.zeros((2, 5)), y), "4 features a sample"),
    ],
)
def test_bad_input(call, message):
    z, y = problem((9, 4))
    with pytest.raises(InputError, match=message):
        call(decompose_features(z), y)


def test_a_sketch_below_the_number_of_classes():
    apply, params = conv_net()
    with pytest.raises(InputError, match="cannot tell 3 outputs apart; give at least 3"):
        sketched_features(apply, params, images(2), dimension=2)
