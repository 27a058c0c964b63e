"""Structured contraction against the whole Jacobian: layers of every kind, shared weights, both spaces."""

import itertools
import logging

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from networks import cast

from lin_ft.autodiff.products import Convolution
from lin_ft.autodiff.weight_uses import find
from lin_ft.functions import from_linen, from_nnx
from lin_ft.kernels import contraction, forms, gram, memory, per_example_gradients, structured, whole_jacobian_gram
from lin_ft.kernels.structured import StructuredRows, output_function
from lin_ft.trainable import split


class Convolutions(nn.Module):
    """Strided, dilated, one-sided padding, 1 x 1, grouped and depthwise, each with GroupNorm or LayerNorm."""

    @nn.compact
    def __call__(self, x):
        x = nn.relu(nn.GroupNorm(2)(nn.Conv(4, (3, 2), (2, 1), use_bias=False)(x)))
        x = nn.silu(nn.LayerNorm()(nn.Conv(4, (3, 3), kernel_dilation=2, padding=((4, 2), (1, 3)))(x)))
        x = nn.gelu(nn.Conv(6, (3, 3), feature_group_count=2)(x)) + nn.Conv(6, (1, 1))(x)
        x = nn.Conv(12, (3, 3), feature_group_count=6, padding="VALID")(x)
        return nn.Dense(3)(nn.tanh(x).mean((1, 2)))


class Attention(nn.Module):
    """A vision transformer of one block: patches, class token, positions, attention, MLP."""

    @nn.compact
    def __call__(self, x):
        x = nn.Conv(8, (3, 3), (3, 3))(x).reshape(x.shape[0], -1, 8)
        token = self.param("token", nn.initializers.normal(0.5), (1, 1, 8))
        x = jnp.concatenate([jnp.broadcast_to(token, (x.shape[0], 1, 8)), x], 1)
        x = x + self.param("positions", nn.initializers.normal(0.5), (1, *x.shape[1:]))
        x = x + nn.MultiHeadDotProductAttention(2)(nn.LayerNorm()(x))
        x = x + nn.Dense(8)(nn.gelu(nn.Dense(16)(nn.LayerNorm()(x))))
        return nn.Dense(3)(x[:, 0])


class Mixer(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.Conv(6, (2, 2), (2, 2))(x).reshape(x.shape[0], -1, 6)
        x = x + jnp.swapaxes(nn.Dense(9)(nn.gelu(nn.Dense(5)(jnp.swapaxes(nn.LayerNorm()(x), 1, 2)))), 1, 2)
        return nn.Dense(3)(nn.LayerNorm()(x + nn.Dense(6)(x)).mean(1))


class Shared(nn.Module):
    """One dense layer and one convolution used twice, an embedding tied to the output, weight standardisation."""

    @nn.compact
    def __call__(self, x):
        twice = nn.Conv(3, (3, 3))
        x = nn.tanh(twice(nn.tanh(twice(x))))
        w = self.param("standardised", nn.initializers.normal(0.5), (1, 1, 3, 6))
        w = (w - w.mean((0, 1, 2), keepdims=True)) * 0.7
        x = jax.lax.conv_general_dilated(x, w, (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        x = x.mean((1, 2))
        dense = nn.Dense(6)
        x = dense(nn.tanh(dense(x)))
        table = nn.Embed(3, 6)
        x = x * table(jnp.asarray([1]))
        normalised = self.param("nonlinear", nn.initializers.normal(0.5), (6, 6))
        x = x @ (normalised / jnp.linalg.norm(normalised)) + x @ nn.softmax(normalised)
        return table.attend(nn.tanh(x))


class Loop(nn.Module):
    """Weights inside `scan`: no use of theirs can be split off."""

    @nn.compact
    def __call__(self, x):
        w = self.param("w", nn.initializers.normal(0.5), (4, 4))
        x = nn.Dense(4)(x.reshape(x.shape[0], -1))
        x, _ = jax.lax.scan(lambda carry, _: (jnp.tanh(carry @ w), None), x, None, length=3)
        return nn.Dense(3)(x)


NETWORKS = [Convolutions, Attention, Mixer, Shared, Loop]


def network(cls, side=6):
    module = cls()
    variables = cast(module.init(jax.random.key(0), jnp.zeros((1, side, side, 3))), np.float64)
    rng = np.random.default_rng(1)
    variables = jax.tree.map(lambda leaf: leaf + 0.1 * rng.normal(size=leaf.shape), variables)
    return from_linen(module, variables)


def images(n, seed):
    return np.random.default_rng(seed).normal(size=(n, 6, 6, 3))


@pytest.fixture
def only(monkeypatch):
    """only(kind): every weight that can take that form does."""

    def forget():
        jax.clear_caches()
        structured._FORMINGS.clear()
        structured._passes.cache_clear()
        memory._SIZES.clear()

    def force(kind):
        costs = forms.space_costs

        def forced(uses, count, full):
            found = costs(uses, count, full)
            possible = np.isfinite(found.samples)
            return found._replace(samples=(-1.0 if kind == "factors" else np.inf) if possible else np.inf)

        monkeypatch.setattr(forms, "space_costs", forced)
        monkeypatch.setattr(forms, "WORTH_KEEPING", np.inf if kind == "unformed" else 0)
        forget()

    yield force
    forget()


@pytest.mark.parametrize("cls", NETWORKS)
def test_every_layer_in_its_cheaper_form(cls):
    apply, params = network(cls)
    x1, x2 = images(3, 0), images(4, 1)
    for other in (None, x2):
        slow = np.asarray(whole_jacobian_gram(apply, params, x1, other))
        scale = np.abs(slow).max()
        for output, expected in (("full", slow), ("trace", np.einsum("icjc->ij", slow) / 3)):
            kernel = gram(apply, params, x1, other, output=output, method="structured")
            np.testing.assert_allclose(kernel, expected, rtol=1e-9, atol=1e-12 * scale)
        pseudo = gram(apply, params, x1, other, output="pseudo", of="sum_logits", method="structured")
        np.testing.assert_allclose(pseudo, slow.sum((1, 3)) / 3, rtol=1e-9, atol=1e-12 * scale)


@pytest.mark.parametrize(
    ("cls", "kind"), [*itertools.product([Convolutions, Attention], ["factors", "unformed", "rows"]), (Shared, "rows")]
)
def test_every_form_of_every_layer(cls, kind, only, monkeypatch):
    apply, params = network(cls)
    x1, x2 = images(3, 0), images(4, 1)
    slow = np.asarray(whole_jacobian_gram(apply, params, x1, x2))
    only(kind)
    shared = (apply, *split(params), np.eye(3))
    kinds = {type(row) for row in jax.eval_shape(StructuredRows("logits", full=True), shared, x1)}
    assert {"factors": forms.Factors, "unformed": forms.Unformed}.get(kind, jax.ShapeDtypeStruct) in kinds
    cut = contraction._parts
    for parts in (
        cut,
        lambda kept, _: max(p for p in (1, 2, 3) if kept.product.inner % (p * kept.product.offsets) == 0),
    ):
        monkeypatch.setattr(contraction, "_parts", parts)
        for output, expected in (("full", slow), ("trace", np.einsum("icjc->ij", slow) / 3)):
            kernel = gram(apply, params, x1, x2, output=output, method="structured", block_size=2)
            np.testing.assert_allclose(kernel, expected, rtol=1e-9, atol=1e-12 * np.abs(slow).max())
        if kind != "unformed":
            break


def test_slices_of_unformed_rows_keep_to_their_limit():
    kept = forms.Unformed(
        np.zeros((8, 1, 6, 6, 12)), np.zeros((8, 36, 3, 5)),
        Convolution(
            ("convolution", 1), 36, 1, 108, 5,
            (3, 3, 12, 5), (1, 6, 6, 5), 12, ((1, 1), (1, 1)), (1, 1), (1, 1),
        ), True,
    )  # fmt: skip
    of_one_place = 8 * 3 * 5 * 8  # examples, combinations, outputs, bytes
    for limit, expected in ((10**9, 1), (12 * of_one_place, 1), (11 * of_one_place, 2), (1, 12)):
        assert contraction._parts(kept, limit) == expected
    whole = np.concatenate([contraction.FormedSlice(1)(kept, number)[0] for number in range(9)], axis=2)
    assert whole.shape == (8, 3, 108 * 5)


def uses_of(cls):
    apply, params = network(cls)
    leaves, structure = jax.tree.flatten(params)
    walk = find(output_function("logits", structure), leaves, (apply, split(params)[1]), images(1, 0)[0])[1]
    names = list(jax.tree_util.tree_leaves_with_path(params))
    return walk, [jax.tree_util.keystr(path, simple=True, separator="/") for path, _ in names]


@pytest.mark.parametrize("cls", NETWORKS)
def test_which_weights_are_split_off(cls):
    walk, names = uses_of(cls)
    split = {names[use.weight.leaf] for use in walk.uses}
    kernels = {name for name in names if name.endswith("kernel") or name in ("standardised", "nonlinear")}
    assert split == kernels, "kernels by their uses, all else by plain differentiation"
    counts = [use.weight.leaf for use in walk.uses]
    repeated = {names[leaf] for leaf in counts if counts.count(leaf) > 1}
    assert repeated == ({"Conv_0/kernel", "Dense_0/kernel", "nonlinear"} if cls is Shared else set())


def test_a_loop_is_named_in_the_log(caplog):
    with caplog.at_level(logging.INFO, "lin_ft"):
        uses_of(Loop)
    assert "scan" in caplog.text
    assert "(4, 4)" in caplog.text


def test_dense_layers_on_features_contract_in_sample_space():
    from networks import mlp

    apply, params = mlp(inputs=50)
    x = np.random.default_rng(0).normal(size=(4, 50))
    shared = (apply, params, jax.tree.map(lambda _: None, params), np.eye(3))
    rows = jax.eval_shape(StructuredRows("logits", full=True), shared, x)
    wide = [row for row in rows if isinstance(row, forms.Factors)]
    assert sorted(row.inputs.shape for row in wide) == [(4, 1, 7), (4, 1, 50)]
    np.testing.assert_allclose(
        gram(apply, params, x, output="full"), whole_jacobian_gram(apply, params, x), rtol=1e-10, atol=1e-13
    )


def test_per_example_gradients_are_jaxs_own():
    apply, params = network(Convolutions)
    x = images(5, 0)
    jacobian = jax.tree.leaves(jax.jacrev(lambda w: apply(w, x))(params))
    expected = np.concatenate([leaf.reshape(5, 3, -1) for leaf in jacobian], axis=2)
    for batch_size in (2, 64):
        rows = per_example_gradients(apply, params, x, batch_size=batch_size)
        np.testing.assert_allclose(rows, expected, rtol=1e-9, atol=1e-12)
    summed = per_example_gradients(apply, params, x, summed=True)
    np.testing.assert_allclose(summed[:, 0], expected.sum(1), rtol=1e-9, atol=1e-12)


def test_nnx_convolutions():
    from flax import nnx

    class Net(nnx.Module):
        def __init__(self):
            rngs = nnx.Rngs(0)
            self.conv = nnx.Conv(3, 4, (3, 3), rngs=rngs, param_dtype=np.float64, dtype=np.float64)
            self.norm = nnx.BatchNorm(4, rngs=rngs, param_dtype=np.float64, dtype=np.float64)
            self.out = nnx.Linear(4, 3, rngs=rngs, param_dtype=np.float64, dtype=np.float64)

        def __call__(self, x):
            return self.out(nnx.relu(self.norm(self.conv(x))).mean((1, 2)))

    apply, params = from_nnx(Net())
    x = images(4, 0)
    slow = whole_jacobian_gram(apply, params, x)
    for method in ("structured", "jacobian"):
        np.testing.assert_allclose(gram(apply, params, x, output="full", method=method), slow, rtol=1e-9, atol=1e-12)
