"""Several pixels at a time give the values of the plain convolution, and so does the reverse pass."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lin_ft.autodiff.narrow_convolution import CHANNELS_LAST, convolution, is_narrow, neighbours


def plain(x, kernel, pads, strides=(1, 1)):
    return jax.lax.conv_general_dilated(x, kernel, strides, pads, dimension_numbers=CHANNELS_LAST)


@pytest.mark.parametrize("pads", [((1, 1), (1, 1)), ((0, 0), (0, 0)), ((2, 1), (0, 2))])
@pytest.mark.parametrize(("c_in", "c_out"), [(3, 5), (9, 4), (9, 20)])
@pytest.mark.parametrize("window", [(3, 3), (3, 1), (2, 4)])
def test_values_and_gradient_in_the_data(pads, c_in, c_out, window):
    rng = np.random.default_rng(0)
    pads = tuple((min(low, k - 1), min(high, k - 1)) for (low, high), k in zip(pads, window, strict=True))
    width = 8 + window[1] - 1 - sum(pads[1])  # of the output: 8
    x, kernel = (jnp.asarray(rng.normal(size=size)) for size in ((2, 6, width, c_in), (*window, c_in, c_out)))
    out, pull = jax.vjp(lambda x: convolution(x, kernel, pads), x)
    wanted, plain_pull = jax.vjp(lambda x: plain(x, kernel, pads), x)
    np.testing.assert_allclose(out, wanted, rtol=1e-12, atol=1e-12)
    cotangent = rng.normal(size=out.shape)
    np.testing.assert_allclose(pull(cotangent)[0], plain_pull(cotangent)[0], rtol=1e-12, atol=1e-12)


def test_how_many_pixels_at_a_time():
    assert neighbours(3, 16, 32) == 4
    assert neighbours(16, 16, 32) == 2
    assert neighbours(16, 32, 32) == 1
    assert neighbours(16, 16, 31) == 1


@pytest.mark.parametrize(
    ("strides", "pads", "narrow"),
    [((1, 1), ((1, 1), (1, 1)), True), ((1, 2), ((1, 1), (1, 1)), False), ((1, 1), ((3, 3), (3, 3)), False)],
)
def test_only_plain_convolutions_are_replaced(strides, pads, narrow):
    jaxpr = jax.make_jaxpr(lambda x, k: plain(x, k, pads, strides))(jnp.zeros((1, 8, 8, 4)), jnp.zeros((3, 3, 4, 4)))
    assert is_narrow(jaxpr.eqns[0]) == narrow
