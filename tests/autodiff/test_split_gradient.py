"""The two programs against `jax.value_and_grad`: the same numbers, for every kind of weight."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lin_ft.autodiff.split_gradient import first_program, second_program, value_and_grad
from lin_ft.models.resnet import ResNet


class Shared(nn.Module):
    """One kernel used twice, one without any use, one used both as a weight and beside one, one cast."""

    @nn.compact
    def __call__(self, x):
        kernel = self.param("kernel", nn.initializers.normal(), (4, 4))
        mixed = self.param("mixed", nn.initializers.normal(), (4, 4))
        self.param("idle", nn.initializers.normal(), (3,))
        x = nn.relu(x @ kernel) @ kernel
        x = x @ mixed + mixed.sum()
        return nn.Dense(3)(x)


def loss_of(module):
    def loss(params, statistics, x, y):
        logits, updated = module.apply(
            {"params": params, "batch_stats": statistics}, x, train=True, mutable=["batch_stats"]
        )
        return -jax.nn.log_softmax(logits)[jnp.arange(len(y)), y].mean(), updated["batch_stats"]

    return loss


@pytest.mark.parametrize("adapters", [False, True])
def test_a_residual_network_in_training_mode(adapters):
    module = ResNet(3, blocks_per_stage=1, widths=(4, 8), adapters=adapters)
    rng = np.random.default_rng(0)
    x, y = jnp.asarray(rng.normal(size=(5, 8, 8, 3))), np.array([0, 1, 2, 1, 0])
    variables = module.init(jax.random.key(0), x)
    variables = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64) + 0.1 * rng.normal(size=leaf.shape), variables)
    variables["batch_stats"] = jax.tree.map(abs, variables["batch_stats"])
    loss = loss_of(module)
    wanted = jax.value_and_grad(loss, has_aux=True)(variables["params"], variables["batch_stats"], x, y)
    found = value_and_grad(loss)(variables["params"], variables["batch_stats"], x, y)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12), found, wanted)


def test_weights_used_twice_never_or_beside_a_product():
    module = Shared()
    x = np.random.default_rng(1).normal(size=(6, 4))
    params = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), module.init(jax.random.key(0), x)["params"])

    def loss(params, x):
        out = module.apply({"params": params}, x)
        return (out**2).sum(), {"largest": out.argmax(-1)}

    wanted = jax.value_and_grad(loss, has_aux=True)(params, x)
    found = value_and_grad(loss)(params, x)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14), found, wanted)
    assert np.abs(found[1]["kernel"]).min() > 0
    assert not found[1]["idle"].any()


def test_a_weight_in_another_precision():
    """The gradient goes back through the cast, in the weight's own precision."""
    weight = np.arange(6, dtype=np.float64).reshape(2, 3) / 7
    x = np.ones((4, 2), np.float32)

    def loss(weight, x):
        return ((x @ weight.astype(np.float32)) ** 2).sum(), ()

    values, pending = first_program(loss, weight, x)
    gradient = second_program(loss, pending, weight, x)
    assert gradient.dtype == np.float64
    np.testing.assert_allclose(gradient, jax.grad(lambda w: loss(w, x)[0])(weight), rtol=1e-6)
    np.testing.assert_allclose(values[0], loss(weight, x)[0], rtol=1e-6)


def test_what_the_second_program_needs_are_arrays():
    """Nothing of a weight gradient is computed in the first program: it would be done twice."""
    weight, x = np.eye(3), np.ones((4, 3))

    def loss(weight, x):
        return (x @ weight).sum(), ()

    text = str(jax.make_jaxpr(lambda w, x: first_program(loss, w, x))(weight, x))
    assert text.count("dot_general[") == 1
