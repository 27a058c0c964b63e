"""Number formats of kernels, and functions whose per-example gradients would be wrong."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from networks import conv_net, images, mlp

from lin_ft.errors import InputError
from lin_ft.functions import as_function
from lin_ft.kernels import gram, whole_jacobian_gram
from lin_ft.kernels.precision import cast


def single(tree):
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, "float32"), tree)


@pytest.mark.parametrize("output", ["trace", "full", "pseudo"])
@pytest.mark.parametrize(("dtype", "kept", "low", "high"), [
    ("float64", "float64", 0, 1e-12), ("float32", "float32", 1e-9, 1e-5), ("bfloat16", "float32", 1e-4, 5e-2),
])  # fmt: skip
def test_formats(output, dtype, kept, low, high):
    apply, params = conv_net()
    x1, x2 = images(5), images(4, seed=1)
    for other in (None, x2):
        exact = gram(apply, params, x1, other, output=output)
        found = gram(apply, params, x1, other, output=output, dtype=dtype)
        assert found.dtype == kept
        error = np.linalg.norm(found - exact) / np.linalg.norm(exact)
        assert low <= error <= high


def test_double_precision_without_switching_it_on():
    apply, params = conv_net()
    x = images(5)
    exact = np.einsum("icjc->ij", whole_jacobian_gram(apply, params, x)) / 3
    with jax.enable_x64(False):
        wide = gram(apply, single(params), np.asarray(x, "float32"), dtype="float64")
        assert wide.dtype == np.float64
        assert not jax.config.read("jax_enable_x64")
        rounded = gram(apply, single(params), np.asarray(x, "float32"))
    assert rounded.dtype == np.float32
    assert np.abs(wide - exact).max() < np.abs(rounded - exact).max()


@pytest.mark.parametrize("method", ["structured", "jacobian", "vector_products", "sketch"])
def test_every_method_takes_bfloat16(method):
    apply, params = mlp()
    x = np.random.default_rng(0).normal(size=(6, 5))
    exact = gram(apply, params, x)
    found = gram(apply, params, x, method=method, dtype="bfloat16")
    assert found.dtype == np.float32
    assert np.linalg.norm(found - exact) < 0.1 * np.linalg.norm(exact)


def test_frozen_statistics_are_cast_too():
    apply, params = conv_net()
    function, cast_params, x = cast(as_function(apply), params, images(2), name="bfloat16")
    leaves = jax.tree.leaves((function.frozen, cast_params, x))
    assert jax.tree.leaves(function.frozen)
    assert {str(leaf.dtype) for leaf in leaves} == {"bfloat16"}


def test_an_unknown_format_is_named():
    apply, params = mlp()
    with pytest.raises(InputError, match="Unknown number format 'fp8'; known are float32"):
        gram(apply, params, np.zeros((2, 5)), dtype="fp8")


class Joined(nn.Module):
    """A batch norm in training mode, or dropout with one fixed key: both look at the whole batch."""

    dropout: bool = False

    @nn.compact
    def __call__(self, x):
        x = nn.Dense(8)(x)
        x = nn.Dropout(0.5, deterministic=False)(x) if self.dropout else nn.BatchNorm(use_running_average=False)(x)
        return nn.Dense(3)(nn.relu(x))


@pytest.mark.parametrize("method", ["structured", "jacobian", "vector_products"])
def test_double_samples_and_single_weights(method):
    apply, params = mlp()
    x = np.random.default_rng(0).normal(size=(6, 5))
    np.testing.assert_allclose(gram(apply, single(params), x, method=method), gram(apply, params, x), rtol=1e-4)


@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize("n", [1, 4])
def test_a_function_that_looks_at_the_whole_batch_is_refused(dropout, n):
    module, x = Joined(dropout), np.random.default_rng(0).normal(size=(n, 5))
    rngs = {"params": jax.random.key(0), "dropout": jax.random.key(1)}
    variables = module.init(rngs, x)

    def apply(params, x):
        state = {"params": params, **{name: value for name, value in variables.items() if name != "params"}}
        return module.apply(state, x, rngs=rngs, mutable=["batch_stats"])[0]

    with pytest.raises(InputError, match="other outputs alone than beside another one"):
        gram(apply, variables["params"], x)
