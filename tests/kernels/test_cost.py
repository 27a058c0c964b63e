"""The automatic choice, and all methods against each other."""

import logging
from importlib.util import find_spec

import jax
import numpy as np
import pytest
from networks import conv_net, images, mlp

from lin_ft.errors import InputError
from lin_ft.functions import n_outputs
from lin_ft.kernels import gram, neural_tangents, whole_jacobian_gram
from lin_ft.kernels.cost import _forward, multiply_adds
from lin_ft.trainable import split

CHOICES = ["all", "head", "norm", "last_block", lambda path: path == "block1/kernel"]


@pytest.mark.parametrize(
    ("output", "trainable"), [("trace", choice) for choice in CHOICES] + [("full", "all"), ("pseudo", "last_block")]
)
def test_all_methods_agree(output, trainable):
    apply, params = conv_net()
    x1, x2 = images(5), images(4, seed=1)
    for other in (None, x2):
        kernels = [
            gram(apply, params, x1, other, output=output, trainable=trainable, method=method, block_size=2)
            for method in ("structured", "jacobian", "vector_products", "auto")
        ]
        for kernel in kernels[1:]:
            np.testing.assert_allclose(kernel, kernels[0], rtol=1e-9, atol=1e-12)


@pytest.mark.skipif(find_spec("neural_tangents") is None, reason="neural-tangents is not installed")
@pytest.mark.parametrize("implementation", ["jacobian_contraction", "ntk_vector_products"])
@pytest.mark.filterwarnings("ignore")
def test_neural_tangents_agrees(implementation):
    apply, params = conv_net()
    x1, x2 = images(4), images(2, seed=1)
    for trainable in ("all", "norm"):
        for other in (None, x2):
            for output in ("trace", "full"):
                ours = gram(apply, params, x1, other, output=output, trainable=trainable)
                theirs = gram(
                    apply, params, x1, other, output=output, trainable=trainable, method="neural_tangents",
                    implementation=implementation, batch_size=3,
                )  # fmt: skip
                np.testing.assert_allclose(theirs, ours, rtol=1e-9, atol=1e-12)
    with pytest.raises(InputError, match="at least 1 sample"):
        gram(apply, params, x1, method="neural_tangents", batch_size=0)
    with pytest.raises(InputError, match="pseudo"):
        gram(apply, params, x1, method="neural_tangents", output="pseudo")
    with pytest.raises(InputError, match="Unknown implementation"):
        gram(apply, params, x1, method="neural_tangents", implementation="magic")


@pytest.mark.skipif(find_spec("neural_tangents") is None, reason="neural-tangents is not installed")
@pytest.mark.filterwarnings("ignore")
def test_neural_tangents_compiles_once_for_models_of_one_architecture():
    for seed in range(3):
        apply, params = conv_net(seed=seed)
        gram(apply, params, images(3), method="neural_tangents")
        if seed == 0:
            compiled = neural_tangents._kernel._cache_size()
            assert compiled >= 1, "this is the program that the wrapper compiles"
    assert neural_tangents._kernel._cache_size() == compiled


def test_without_neural_tangents_one_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    neural_tangents.library.cache_clear()
    apply, params = conv_net()
    with pytest.raises(InputError, match="pip install"):
        gram(apply, params, images(2), method="neural_tangents")


def test_multiply_adds_of_a_forward_pass_are_counted():
    apply, params = conv_net()
    jaxpr = jax.make_jaxpr(apply.features)(params, images(1))
    stem, block = 3 * 3 * 3 * 4 * 9, 3 * 3 * 4 * 5 * 9  # 6 x 6 pixels, stride 2: 9 positions
    assert _forward(jaxpr.jaxpr) == stem + block


def test_a_limit_too_small_for_rows_leaves_vector_products(caplog):
    apply, params = conv_net()
    with caplog.at_level(logging.DEBUG, "lin_ft"):
        small = gram(apply, params, images(3), memory_limit=10_000)
    assert "method vector_products" in caplog.text
    np.testing.assert_allclose(small, np.einsum("icjc->ij", whole_jacobian_gram(apply, params, images(3))) / 3)
    caplog.clear()
    with caplog.at_level(logging.DEBUG, "lin_ft"):
        gram(apply, params, images(3))
    assert "method structured" in caplog.text


def test_sample_space_lowers_the_count_of_wide_dense_layers():
    apply, params = mlp(inputs=400)
    x = np.zeros((1, 400))
    shared = (apply, *split(params), np.eye(n_outputs(apply, params, x)))
    costs = multiply_adds(shared, x, of="logits", full=True, n=(100, 100), symmetric=True)
    pairs, rows = 100 * 101 / 2, 100
    forward = 400 * 7 + 7 * 3
    by_hand = rows * forward * 4 + pairs * (400 + 9 * 7 + 7 + 9 * 3 + 9 * (7 + 3))
    assert costs["structured"] == by_hand
    assert costs["structured"] < costs["jacobian"] / 5
