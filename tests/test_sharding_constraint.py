"""Per-example passes of a network that says how its activations lie on the devices (`with_sharding_constraint`)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from lin_ft.kernels import gram, ntk, per_example_gradients
from lin_ft.scores import label_gradient


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(0)
    params = {"first": rng.normal(size=(5, 4)), "second": rng.normal(size=(4, 3))}
    return params, rng.normal(size=(6, 5)), rng.normal(size=(6, 3))


def network(constrained):
    where = NamedSharding(Mesh(np.array(jax.devices()[:1]), ("batch",)), PartitionSpec("batch", None))

    def apply(params, x):
        hidden = jnp.tanh(jnp.matmul(x, params["first"]))
        if constrained:
            hidden = jax.lax.with_sharding_constraint(hidden, where)
        return jnp.matmul(hidden, params["second"])

    return apply


def test_the_constraint_is_in_the_program(problem):
    params, x, _ = problem
    assert "sharding_constraint" in str(jax.make_jaxpr(network(True))(params, x))


@pytest.mark.parametrize("method", ["structured", "jacobian", "vector_products", "sketch"])
@pytest.mark.parametrize("output", ["trace", "full"])
def test_kernels_are_those_without_it(problem, method, output):
    params, x, _ = problem
    one, other = (gram(network(each), params, x, output=output, method=method) for each in (True, False))
    np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


def test_inside_vmap_under_jit(problem):
    params, x, y = problem
    one, other = (ntk(network(each), trace_axes=()) for each in (True, False))
    stacked = jax.tree.map(lambda leaf: np.stack([leaf, 2 * leaf]), params)
    over_weights = [jax.jit(jax.vmap(kernel, (0, None)))(stacked, x) for kernel in (one, other)]
    np.testing.assert_allclose(*over_weights, rtol=1e-12)
    np.testing.assert_allclose(*(label_gradient(network(each), params, x, y) for each in (True, False)), rtol=1e-12)
    rows = [jax.tree.leaves(per_example_gradients(network(each), params, x)) for each in (True, False)]
    for a, b in zip(*rows, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
