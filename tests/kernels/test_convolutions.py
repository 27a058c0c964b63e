import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lin_ft.kernels.convolutions import with_fast_weight_gradients

CASES = [
    {},
    {"window_strides": (2, 1)},
    {"rhs_dilation": (2, 1)},
    {"padding": "VALID"},
    {"padding": ((2, 0), (1, 3)), "window_strides": (3, 2), "rhs_dilation": (1, 2)},
    {"feature_group_count": 2},
    {"lhs_dilation": (2, 2), "padding": ((1, 1), (1, 1))},
]


@pytest.mark.parametrize("options", CASES)
def test_per_example_gradients_equal_jaxs_own(options):
    options = {"window_strides": (1, 1), "padding": "SAME", **options}
    groups = options.get("feature_group_count", 1)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 9, 8, 4))
    w = {"kernel": rng.normal(size=(3, 2, 4 // groups, 6)), "scale": rng.normal(size=6)}

    def function(w, x):
        y = jax.lax.conv_general_dilated(x[None], w["kernel"], dimension_numbers=("NHWC", "HWIO", "NHWC"), **options)
        return (jax.nn.relu(y) * w["scale"][None, None, None, :]).sum((0, 1, 2))

    fast = with_fast_weight_gradients(function)
    directions = jnp.asarray(rng.normal(size=(2, 6)))

    def rows(f):
        def one(xi):
            pull = jax.vjp(lambda w: f(w, xi), w)[1]
            return jax.vmap(lambda v: pull(v)[0])(directions)

        return jax.jit(jax.vmap(one))(x)

    np.testing.assert_allclose(jax.vmap(fast, (None, 0))(w, x), jax.vmap(function, (None, 0))(w, x), rtol=1e-12)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12), rows(fast), rows(function))


def test_weight_gradient_in_a_gradient_without_vmap_and_of_the_input():
    rng = np.random.default_rng(1)
    x, w = rng.normal(size=(2, 6, 6, 3)), rng.normal(size=(3, 3, 3, 4))

    def function(w, x):
        return jnp.sin(jax.lax.conv(x.transpose(0, 3, 1, 2), w.transpose(3, 2, 0, 1), (1, 1), "SAME")).sum()

    def flax_like(w, x):
        y = jax.lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        return jnp.sin(y).sum()

    for argument in (0, 1):
        expected = jax.grad(function, argument)(w, x)
        for f in (function, flax_like):
            gradient = jax.grad(with_fast_weight_gradients(f), argument)(w, x)
            np.testing.assert_allclose(gradient, expected, rtol=1e-10, atol=1e-12)
