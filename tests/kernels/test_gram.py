import re

import jax
import numpy as np
import pytest
from networks import conv_net, images, mlp, one_hot

from lin_ft.errors import InputError
from lin_ft.functions import features_of, with_head
from lin_ft.heads import init_head
from lin_ft.kernels import gram, probe_gram, whole_jacobian_gram
from lin_ft.trainable import merge, split

CHOICES = ["all", "head", "norm", "last_block", lambda path: path == "block1/kernel"]


@pytest.mark.parametrize("trainable", CHOICES)
def test_blocked_equals_the_whole_jacobian(trainable):
    apply, params = conv_net()
    x1, x2 = images(7), images(5, seed=1)
    for other in (None, x2):
        slow = whole_jacobian_gram(apply, params, x1, other, trainable=trainable)
        full = gram(apply, params, x1, other, output="full", trainable=trainable)
        trace = gram(apply, params, x1, other, output="trace", trainable=trainable)
        np.testing.assert_allclose(full, slow, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(trace, np.einsum("icjc->ij", slow) / 3, rtol=1e-10, atol=1e-12)


def test_a_function_without_a_head():
    apply, params = mlp()
    x = np.random.default_rng(0).normal(size=(6, 5))
    slow = whole_jacobian_gram(lambda p, z: apply(p, z), params, x)
    np.testing.assert_allclose(gram(apply, params, x, output="full"), slow, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("block_size", [1, 2, 3, 64])
@pytest.mark.parametrize("times", [1, 1.3, 2, 100])
@pytest.mark.parametrize("method", ["jacobian", "structured"])
def test_blocks_and_memory_limit_do_not_change_the_kernel(block_size, times, method):
    apply, params = conv_net()
    x1, x2 = images(7), images(5, seed=1)
    with pytest.raises(InputError, match="least that works") as info:
        gram(apply, params, x1, method=method, memory_limit=1)
    limit = int(times * int(re.findall(r"\d+", str(info.value))[-1]))
    for other in (None, x2):
        expected = gram(apply, params, x1, other)
        blocked = gram(apply, params, x1, other, method=method, block_size=block_size, memory_limit=limit)
        np.testing.assert_allclose(blocked, expected, rtol=1e-12)


@pytest.mark.parametrize("output", ["trace", "full", "pseudo"])
def test_symmetric_and_positive_semi_definite(output):
    apply, params = conv_net()
    kernel = gram(apply, params, images(6), output=output, block_size=4)
    flat = kernel.reshape(int(np.sqrt(kernel.size)), -1)
    np.testing.assert_array_equal(flat, flat.T)
    assert np.linalg.eigvalsh(flat)[0] > -1e-12 * np.trace(flat)


def test_zero_head_leaves_features_only():
    apply, params = conv_net()
    x = images(6)
    phi = features_of(apply, params, x)
    params = with_head(params, init_head("zero", phi, one_hot(6)))
    np.testing.assert_allclose(gram(apply, params, x), phi @ phi.T + 1, rtol=1e-12)


def test_all_probes_together_are_the_trace_over_features():
    apply, params = conv_net()
    x = images(4)
    frozen_head = split(params, lambda path: not path.startswith("head"))

    def feature_function(w, z):
        return apply.features(merge(w, frozen_head[1]), z)

    theta = np.einsum("ifjf->ij", whole_jacobian_gram(feature_function, frozen_head[0], x))
    phi = features_of(apply, params, x)
    expected = phi @ phi.T + 1 + theta / phi.shape[1]
    many = [probe_gram(apply, params, x, probes=16, key=jax.random.key(seed)) for seed in range(40)]
    error = np.std(many, axis=0) / np.sqrt(len(many))
    assert np.abs(np.mean(many, axis=0) - expected).max() < 5 * error.max()
    assert error.max() < 0.02 * np.abs(theta / phi.shape[1]).max()


def test_probes_follow_their_definition():
    apply, params = conv_net()
    x1, x2 = images(4), images(3, seed=1)
    key = jax.random.key(3)
    w = np.asarray(jax.random.rademacher(key, (2, 5), "float32"), np.float64)
    backbone = {name: value for name, value in params.items() if name != "head"}

    def probed(p, z):
        return apply.features({**p, "head": None}, z) @ w.T

    theta = whole_jacobian_gram(probed, backbone, x1, x2)
    phi1, phi2 = features_of(apply, params, x1), features_of(apply, params, x2)
    expected = phi1 @ phi2.T + 1 + 0.3 * np.einsum("ikjk->ij", theta) / 2
    kernel = probe_gram(apply, params, x1, x2, probes=2, key=key, variance=0.3)
    np.testing.assert_allclose(kernel, expected, rtol=1e-10)


def test_sum_of_logits_and_probes_of_logits():
    apply, params = mlp()
    x = np.random.default_rng(0).normal(size=(5, 5))
    theta = np.asarray(whole_jacobian_gram(apply, params, x))
    kernel = probe_gram(apply, params, x, of="sum_logits")
    np.testing.assert_allclose(kernel, theta.sum((1, 3)) / 3, rtol=1e-10)
    many = [probe_gram(apply, params, x, of="logits", probes=64, key=jax.random.key(s)) for s in range(20)]
    assert np.abs(np.mean(many, 0) - np.einsum("icjc->ij", theta) / 3).max() < 5 * np.std(many, 0).max() / 20**0.5


def test_models_of_one_architecture_share_one_compilation():
    from lin_ft.kernels.structured import StructuredRows, _passes

    passes = _passes(StructuredRows("features", full=False))

    for seed, n_classes in enumerate((3, 5, 4)):
        apply, params = conv_net(seed=seed, n_classes=n_classes)
        probe_gram(apply, params, images(9))
        if seed == 0:
            compiled = passes._cache_size()
            assert compiled >= 1, "these passes are what probe_gram compiles"
    assert passes._cache_size() == compiled


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"output": "diagonal"}, "Unknown output"),
        ({"method": "magic"}, "Unknown method"),
        ({"probes": 3}, "no option probes"),
        ({"memory_limit": 10, "method": "structured"}, "too small"),
        ({"x1": np.full((2, 6, 6, 3), np.nan)}, "NaN"),
        ({"x2": np.zeros((2, 7, 6, 3))}, "shapes"),
        ({"x1": np.zeros((0, 6, 6, 3))}, "no samples"),
        ({"trainable": "nose"}, "Unknown trainable"),
    ],
)
def test_bad_input(arguments, message):
    apply, params = conv_net()
    with pytest.raises(InputError, match=message):
        gram(apply, params, **{"x1": images(2), **arguments})
