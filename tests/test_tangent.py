import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from networks import CLASSES, conv_net, images, mlp, one_hot

from lin_ft.errors import InputError
from lin_ft.functions import logits_of
from lin_ft.kernels import whole_jacobian_gram
from lin_ft.tangent import linearize, tangent_value_and_grad
from lin_ft.trainable import merge, paths_of, split


def half_squared_error(logits, y):
    return ((logits - y) ** 2).sum() / 2


def moved(params, size=1.0, seed=0):
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: leaf + size * rng.normal(size=leaf.shape), params)


def test_tangent_model_is_affine_and_touches_the_network_at_w0():
    apply, params = conv_net()
    x, f_lin = images(3), jax.jit(linearize(*conv_net()))
    near = moved(params, 1e-5)
    np.testing.assert_allclose(f_lin(params, x), logits_of(apply, params, x), rtol=1e-12)
    change, error = f_lin(near, x) - apply(params, x), f_lin(near, x) - apply(near, x)
    assert np.abs(error).max() < 1e-3 * np.abs(change).max()
    far = moved(params)
    middle = jax.tree.map(lambda a, b: 0.25 * a + 0.75 * b, params, far)
    np.testing.assert_allclose(f_lin(middle, x), 0.25 * f_lin(params, x) + 0.75 * f_lin(far, x), rtol=1e-9, atol=1e-12)


def test_under_vmap_and_grad():
    apply, params = mlp()
    f_lin, x = linearize(apply, params), np.random.default_rng(0).normal(size=(4, 5))
    several = [moved(params, seed=seed) for seed in range(3)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *several)
    for one, w in zip(jax.vmap(f_lin, (0, None))(stacked, x), several, strict=True):
        np.testing.assert_allclose(one, f_lin(w, x), rtol=1e-10)
    at_w0 = jax.jacrev(f_lin)(params, x)
    elsewhere = jax.jacrev(f_lin)(several[0], x)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14), at_w0, elsewhere)


def test_value_and_gradient_equal_those_through_the_tangent_model():
    apply, params = conv_net()
    x, y, w = images(4), one_hot(4), moved(params)
    f_lin = linearize(apply, params)
    expected = jax.jit(jax.value_and_grad(lambda w: half_squared_error(f_lin(w, x), y)))(w)
    value, gradient = jax.jit(tangent_value_and_grad(apply, params, half_squared_error))(w, x, y)
    np.testing.assert_allclose(value, expected[0], rtol=1e-12)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12), gradient, expected[1])


def test_gradient_costs_one_jvp_and_one_vjp():
    apply, params = mlp(inputs=50)
    x, y = np.ones((64, 50)), one_hot(64)

    def flops(function, *arguments):
        return jax.jit(function).lower(*arguments).compile().cost_analysis()["flops"]

    f_lin = linearize(apply, params)
    one_jvp = flops(lambda w: f_lin(w, x), params)
    one_vjp = flops(jax.grad(lambda w: half_squared_error(apply(w, x), y)), params)
    tangent = tangent_value_and_grad(apply, params, half_squared_error)
    assert flops(lambda w: tangent(w, x, y), params) < 1.05 * (one_jvp + one_vjp)


def test_optax_trains_the_tangent_model_along_the_kernel():
    apply, params = mlp()
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(4, 5)), one_hot(4)
    theta = np.asarray(whole_jacobian_gram(apply, params, x)).reshape(4 * CLASSES, -1)
    rate = 0.5 / np.linalg.eigvalsh(theta)[-1]
    step = jax.jit(tangent_value_and_grad(apply, params, half_squared_error))
    optimiser = optax.sgd(rate)
    w, state = params, optimiser.init(params)
    for _ in range(50):
        updates, state = optimiser.update(step(w, x, y)[1], state)
        w = optax.apply_updates(w, updates)
    residual0 = (y - logits_of(apply, params, x)).ravel()
    expected = np.linalg.matrix_power(np.eye(12) - rate * theta, 50) @ residual0
    np.testing.assert_allclose((y - linearize(apply, params)(w, x)).ravel(), expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(
    ("trainable", "expected"),
    [
        (
            "all",
            {"stem/kernel", "norm/scale", "block2/kernel", "block10/conv/kernel", "head/kernel", "head/bias"},
        ),
        ("head", {"head/kernel", "head/bias"}),
        ("norm", {"norm/scale", "head/kernel", "head/bias"}),
        ("last_block", {"block10/conv/kernel", "head/kernel", "head/bias"}),
        (lambda path: "conv" in path, {"block10/conv/kernel"}),
    ],
)
def test_split_by_name_and_back(trainable, expected):
    params = {
        "stem": {"kernel": np.zeros(1)},
        "norm": {"scale": np.zeros(2)},
        "block2": {"kernel": np.zeros(3)},
        "block10": {"conv": {"kernel": np.zeros(4)}},
        "head": {"kernel": np.zeros(5), "bias": np.zeros(6)},
    }
    chosen, frozen = split(params, trainable)
    assert set(paths_of(chosen)) == expected
    assert set(paths_of(chosen)) | set(paths_of(frozen)) == set(paths_of(params))
    assert not set(paths_of(chosen)) & set(paths_of(frozen))
    jax.tree.map(np.testing.assert_array_equal, merge(chosen, frozen), params)


@pytest.mark.parametrize(
    ("names", "last"),
    [
        (("stage3_block3/conv1/kernel", "stage3_block2/conv1/kernel", "stem/kernel"), "stage3_block3/"),
        (
            ("encoder/layer_2/mlp/kernel", "encoder/layer_11/mlp/kernel", "encoder/norm/scale"),
            "encoder/layer_11/",
        ),
        (("layer4/0/conv1/kernel", "layer4/1/conv1/kernel", "layer3/5/conv1/kernel"), "layer4/1/"),
        (("blocks/0/kernel", "blocks/1/kernel"), "blocks/1/"),
    ],
)
def test_last_block_of_other_naming_schemes(names, last):
    params = {name: np.zeros(1) for name in names}
    assert set(paths_of(split(params, "last_block")[0])) == {name for name in names if name.startswith(last)}


def test_bad_input():
    apply, params = mlp()
    with pytest.raises(InputError, match="known are all, head, norm, last_block"):
        split(params, "tail")
    with pytest.raises(InputError, match="selects none of the 4"):
        split(params, lambda path: False)
    with pytest.raises(InputError, match="selects none"):
        split(params, "head")
    with pytest.raises(InputError, match="No numbered block"):
        split({"stem": np.zeros(1)}, "last_block")
    with pytest.raises(InputError, match="structure"):
        linearize(apply, params)({}, np.zeros((1, 5)))
    with pytest.raises(InputError, match="shape"):
        linearize(apply, params)(jax.tree.map(lambda leaf: leaf[..., :1], params), np.zeros((1, 5)))
