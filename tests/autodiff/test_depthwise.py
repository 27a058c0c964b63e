"""Depthwise convolutions: JAX's own grouped convolution gives the values, plain differentiation the gradients."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from networks import cast

from lin_ft.autodiff import depthwise as forms
from lin_ft.autodiff.depthwise import Geometry, depthwise, geometry, image_cotangent, kernel_gradients
from lin_ft.autodiff.split_gradient import value_and_grad
from lin_ft.autodiff.weight_uses import find
from lin_ft.functions import from_linen
from lin_ft.kernels import gram, whole_jacobian_gram
from lin_ft.models.windows import DepthwiseConv

CASES = [(3, 1, ((1, 1), (1, 1))), (3, 2, ((0, 1), (1, 0))), (5, 2, ((2, 2), (1, 2))), (3, 1, ((2, 2), (0, 0)))]


def grouped(x, kernel, stride, pads):
    numbers = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(
        x, kernel, (stride, stride), pads, feature_group_count=x.shape[-1], dimension_numbers=numbers
    )


@pytest.mark.parametrize(("size", "stride", "pads"), CASES)
def test_values_and_derivatives_are_those_of_a_grouped_convolution(size, stride, pads):
    rng = np.random.default_rng(0)
    x, kernel = jnp.asarray(rng.normal(size=(2, 9, 8, 3))), jnp.asarray(rng.normal(size=(size, size, 1, 3)))
    wanted, pull = jax.vjp(lambda x, kernel: grouped(x, kernel, stride, pads), x, kernel)
    np.testing.assert_allclose(depthwise(x, kernel, stride, pads), wanted, atol=1e-12)
    cotangents = rng.normal(size=(2, *wanted.shape))  # of two outputs
    how = Geometry(stride, pads)
    of_image = image_cotangent(cotangents[0], kernel, how, x.shape[1:3])
    np.testing.assert_allclose(of_image, pull(cotangents[0])[0], atol=1e-12)
    np.testing.assert_allclose(jax.vjp(lambda x: forms.for_images(x, kernel, how), x)[1](cotangents[0])[0], of_image)
    found = kernel_gradients(x[:, None], jnp.swapaxes(cotangents, 0, 1)[:, :, None], how, size)
    np.testing.assert_allclose(found.sum(0), np.stack([pull(each)[1] for each in cotangents]), atol=1e-12)


def test_it_is_one_equation_for_whoever_reads_the_program_and_only_it_has_that_name():
    x, kernel = jnp.ones((1, 6, 6, 2)), jnp.ones((3, 3, 1, 2))
    (call,) = jax.make_jaxpr(lambda x, k: depthwise(x, k, 2, [(0, 1), (1, 2)]))(x, kernel).eqns
    assert geometry(call) == Geometry(2, ((0, 1), (1, 2)))
    (other,) = jax.make_jaxpr(jax.jit(lambda x: x + 1))(x).eqns
    assert geometry(other) is None


class Separated(nn.Module):
    """Depthwise layers of two strides, one of them on a single channel, and one whose kernel is made of a leaf."""

    @nn.compact
    def __call__(self, x, train=False):
        x = nn.relu(DepthwiseConv(3, 2, "same")(nn.Conv(4, (1, 1))(x)))
        scaled = 2 * self.param("scaled", nn.initializers.normal(1.0), (3, 3, 1, 4))
        x = x + nn.tanh(depthwise(x, scaled, 1, ((1, 1), (1, 1))))
        x = x + DepthwiseConv(5, 1, use_bias=True)(x[..., :1])
        return nn.Dense(3)(x.mean((1, 2)))


@pytest.fixture(scope="module")
def separated():
    x = np.random.default_rng(3).normal(size=(3, 7, 6, 2))
    module = Separated()
    return module, cast(module.init(jax.random.key(1), x), np.float64), x


@pytest.mark.parametrize("output", ["trace", "full"])
def test_the_kernel_of_a_network_with_depthwise_layers(separated, output):
    module, variables, x = separated
    apply, params = from_linen(module, variables)
    wanted = whole_jacobian_gram(apply, params, x)
    found = gram(apply, params, x, output=output, method="structured")
    np.testing.assert_allclose(found, wanted if output == "full" else np.einsum("icjc->ij", wanted) / 3, rtol=1e-10)


def test_depthwise_weights_are_uses(separated):
    module, variables, x = separated
    apply, params = from_linen(module, variables)
    leaves, structure = jax.tree.flatten(params)
    _, found, _ = find(lambda leaves, _, x: apply(jax.tree.unflatten(structure, leaves), x), leaves, (), x[:1])
    assert sum(use.product.kind == ("depthwise",) for use in found.uses) == 3


def test_the_training_gradient(separated):
    module, variables, x = separated

    def loss(params, x):
        return (module.apply({"params": params}, x) ** 2).sum(), {}

    wanted = jax.value_and_grad(loss, has_aux=True)(variables["params"], x)
    found = value_and_grad(loss)(variables["params"], x)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12), found, wanted)
