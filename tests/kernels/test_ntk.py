"""The composable kernel against `jax.jacrev` over the whole batch, against `gram`, and under the transforms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from networks import conv_net, images, mlp, one_hot

from lin_ft.errors import InputError
from lin_ft.kernels import gram, ntk, per_example_gradients


def network(out):
    """(apply, params): inputs a tree of two arrays, outputs of shape (n, *out)."""
    rng = np.random.default_rng(0)
    size = int(np.prod(out, dtype=int))
    params = {"left": rng.normal(size=(3, 4)), "right": [rng.normal(size=(2, 4)), rng.normal(size=(4, size))]}

    def apply(params, x):
        hidden = jnp.tanh(x["a"] @ params["left"]) * (x["b"].sum(1) @ params["right"][0])
        return (hidden @ params["right"][1]).reshape(-1, *out)

    return apply, params


def samples(n, seed):
    rng = np.random.default_rng(seed)
    return {"a": rng.normal(size=(n, 3)), "b": rng.normal(size=(n, 2, 2))}


def whole(apply, params, x1, x2, out):
    """Theta with all axes, (n1, *out, n2, *out), from the Jacobian of the whole batch."""
    j1, j2 = (
        jnp.concatenate([leaf.reshape(-1, np.prod(out, dtype=int), leaf.size // (len(x["a"]) * np.prod(out, dtype=int)))
                         for leaf in jax.tree.leaves(jax.jacrev(lambda w, x=x: apply(w, x))(params))], 2)
        for x in (x1, x2)
    )  # fmt: skip
    return np.einsum("icp,jep->icje", j1, j2).reshape(len(x1["a"]), *out, len(x2["a"]), *out)


@pytest.mark.parametrize(
    ("out", "traced", "diagonal"),
    [
        ((), [], []),
        ((), [], [0]),
        ((3,), [], [0, 1]),
        ((2, 3), [1], []),
        ((2, 3), [1, 2], [0]),
        ((2, 1, 3), [3], [1]),
        ((2, 1, 3), [2], [3, 0]),
    ],
)
def test_every_form_of_every_axis(out, traced, diagonal):
    apply, params = network(out)
    n1, n2 = (3, 3) if 0 in diagonal else (3, 2)
    x1, x2 = samples(n1, 1), samples(n2, 2)
    theta = whole(apply, params, x1, x2, out)
    rank = len(out) + 1
    left = "abcd"[:rank]
    right = "".join(axis if i in (*traced, *diagonal) else axis.upper() for i, axis in enumerate(left))
    kept = "".join(axis for i, axis in enumerate(left) if i not in traced)
    expected = np.einsum(f"{left}{right}->{kept}{''.join(axis for axis in right if axis.isupper())}", theta)
    expected = expected / np.prod([theta.shape[axis] for axis in traced])
    negative = [axis - rank for axis in traced]  # counted from the end
    for batch_size in (None, 2):
        kernel = jax.jit(ntk(apply, trace_axes=negative, diagonal_axes=diagonal, batch_size=batch_size))
        np.testing.assert_allclose(kernel(params, x1, x2), expected, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(kernel(params, x1), kernel(params, x1, x1), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    ("trainable", "others"),
    [("all", False), ("all", True), ("norm", True), (lambda path: path == "block1/kernel", False)],
)
def test_it_is_the_twin_of_the_blocked_engine(trainable, others):
    apply, params = conv_net()
    x1, x2 = images(5), images(4, seed=1) if others else None
    for output, axes in (("trace", None), ("full", ())):
        kernel = jax.jit(ntk(apply, trace_axes=axes, trainable=trainable))(params, x1, x2)
        blocked = gram(apply, params, x1, x2, output=output, trainable=trainable, block_size=2)
        np.testing.assert_allclose(blocked, kernel, rtol=1e-10, atol=1e-12)


def test_gradient_norms_without_a_kernel():
    apply, params = mlp()
    x = np.random.default_rng(0).normal(size=(6, 5))
    gradients = per_example_gradients(apply, params, x)
    of_outputs = jax.jit(ntk(apply, diagonal_axes=(0,), trace_axes=()))(params, x)
    np.testing.assert_allclose(of_outputs, np.einsum("icp,iep->ice", gradients, gradients), rtol=1e-10)
    mean = jax.jit(ntk(apply, diagonal_axes=(0,)))(params, x)
    np.testing.assert_allclose(mean, (gradients**2).sum(2).mean(1), rtol=1e-10)
    np.testing.assert_allclose(mean, np.diag(jax.jit(ntk(apply))(params, x)), rtol=1e-10)
    # no array of n x n numbers, nor the Jacobian of more than a batch, at any n
    program = jax.make_jaxpr(ntk(apply, diagonal_axes=(0,), batch_size=2))(params, np.zeros((100, 5)))
    assert largest(program.jaxpr) <= max(100 * 5, 2 * 3 * 7 * 5)


def largest(jaxpr):
    from jax.extend import core

    sizes = [np.prod(v.aval.shape, dtype=int) for equation in jaxpr.eqns for v in equation.outvars]
    return max([*sizes, *(largest(inner) for e in jaxpr.eqns for inner in core.jaxprs_in_params(e.params))], default=0)


def test_a_kernel_for_each_set_of_weights():
    apply, params = mlp()
    x = np.random.default_rng(0).normal(size=(4, 5))
    many = jax.tree.map(lambda leaf: np.stack([leaf, 2 * leaf, leaf - 1]), params)
    kernels = jax.jit(jax.vmap(ntk(apply), in_axes=(0, None)))(many, x)
    for index, kernel in enumerate(kernels):
        one = jax.tree.map(lambda leaf, index=index: leaf[index], many)
        np.testing.assert_allclose(kernel, gram(apply, one, x), rtol=1e-10)


def test_gradients_of_a_kernel_in_weights_and_samples():
    apply, params = mlp()
    x1, x2, direction = np.random.default_rng(0).normal(size=(3, 3, 5))
    kernel_fn = ntk(apply, batch_size=2)
    weights = np.random.default_rng(1).normal(size=(3, 3))

    @jax.jit
    def value(p, x):
        return jnp.sum(weights * kernel_fn(p, x, x2))

    step = 1e-5
    along_weights, along_samples = jax.jit(jax.grad(value, (0, 1)))(params, x1)
    differences = (value(params, x1 + step * direction) - value(params, x1 - step * direction)) / (2 * step)
    np.testing.assert_allclose(np.vdot(along_samples, direction), differences, rtol=1e-6)
    moved = [jax.tree.map(lambda w, g, s=s: w + s * step * g, params, along_weights) for s in (1, -1)]
    squared = sum(np.sum(np.square(leaf)) for leaf in jax.tree.leaves(along_weights))
    np.testing.assert_allclose(squared, (value(moved[0], x1) - value(moved[1], x1)) / (2 * step), rtol=1e-6)


def test_kernel_alignment_can_be_trained():
    """Weights move until the kernel, centred, agrees with the labels: alignment rises from below .4 to above .8."""
    import optax

    apply, params = mlp(seed=1)
    x, y = np.random.default_rng(0).normal(size=(12, 5)), one_hot(12)
    labels = jnp.asarray((y - y.mean(0)[None]) @ (y - y.mean(0)[None]).T)
    kernel_fn = ntk(apply)

    def alignment(p):
        kernel = kernel_fn(p, x)
        kernel = kernel - kernel.mean(0)[None] - kernel.mean(1)[:, None] + kernel.mean()
        return jnp.sum(kernel * labels) / jnp.linalg.norm(kernel) / jnp.linalg.norm(labels)

    optimizer = optax.adam(0.03)

    @jax.jit
    def step(p, state):
        value, gradient = jax.value_and_grad(lambda p: -alignment(p))(p)
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(p, updates), state, -value

    state, values = optimizer.init(params), []
    for _ in range(150):
        params, state, value = step(params, state)
        values.append(float(value))
    assert values[0] < 0.4
    assert values[-1] > 0.8
    np.testing.assert_allclose(gram(apply, params, x), kernel_fn(params, x), rtol=1e-10)  # the engine sees it too


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trace_axes": (2,)}, "have 2 axes, samples included, so there is no"),
        ({"trace_axes": (0,)}, "Axis 0 counts the samples"),
        ({"trace_axes": (1,), "diagonal_axes": (-1,)}, "each axis takes one form"),
        ({"diagonal_axes": (1, -1), "trace_axes": ()}, "name an axis twice"),
        ({"diagonal_axes": (0,), "x2": one_hot(2)}, "same number of samples, not 3 and 2"),
        ({"x1": {"a": one_hot(3), "b": one_hot(2)}}, "one and the same first axis"),
        ({"x1": []}, "one and the same first axis"),
        ({"trainable": "nose"}, "Unknown trainable"),
        ({"apply": lambda w, x: {"out": x @ w["w"]}}, "gives a dict"),
        ({"apply": lambda w, x: (x @ w["w"]).sum()}, "one array of floating-point numbers"),
        ({"apply": lambda w, x: (x @ w["w"]).argmax(1)}, "int64"),
    ],
)
def test_bad_input(options, message):
    given = {"apply": lambda w, x: x @ w["w"], "x1": one_hot(3), "x2": None, **options}
    apply, x1, x2 = (given.pop(name) for name in ("apply", "x1", "x2"))
    with pytest.raises(InputError, match=message):
        ntk(apply, **given)({"w": np.eye(3)}, x1, x2)
