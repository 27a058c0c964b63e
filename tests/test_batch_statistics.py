"""BatchNorm's statistics re-estimated on the target."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from networks import ConvNet, conv_variables, images, mlp

from lin_ft.batch_statistics import target_statistics
from lin_ft.errors import InputError
from lin_ft.functions import from_linen, from_nnx


def _norm():
    return nn.BatchNorm(momentum=0.0, use_fast_variance=False, param_dtype=np.float64)


class Inner(nn.Module):
    """As in a residual block, the layer is told when it is made."""

    @nn.compact
    def __call__(self, x, train: bool = False):
        return nn.BatchNorm(not train, param_dtype=np.float64, name="norm")(
            nn.Conv(3, (1, 1), param_dtype=np.float64)(x)
        )


class TwoNorms(nn.Module):
    """A layer with statistics behind another one; momentum 0, so that a training pass keeps the batch's own."""

    n_classes: int = 3

    def setup(self):
        self.convs = [nn.Conv(width, (3, 3), param_dtype=np.float64) for width in (4, 5)]
        self.norms = [_norm(), _norm()]
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Dense(self.n_classes, param_dtype=np.float64)

    def features(self, x, train: bool = False):
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = self.dropout(nn.relu(norm(conv(x), use_running_average=not train)), deterministic=not train)
        return x.mean((1, 2))

    def __call__(self, x, train: bool = False):
        return self.head(self.features(x, train))


def two_norms(seed=0):
    x = images(4)
    variables = TwoNorms().init(jax.random.key(seed), jnp.asarray(x))
    rng = np.random.default_rng(seed)
    stats = jax.tree.map(lambda leaf: np.asarray(leaf) + 0.5 * rng.random(leaf.shape), variables["batch_stats"])
    variables = {"params": jax.tree.map(np.asarray, variables["params"]), "batch_stats": stats}
    return from_linen(TwoNorms(), variables), variables


def test_without_weight_on_the_source_they_are_those_of_one_pass_in_training_mode():
    variables = conv_variables()
    apply, params = from_linen(ConvNet(3), variables)
    x = images(9)
    found = target_statistics(apply, params, x, source_weight=0.0)
    h = nn.Conv(4, (3, 3), 2, use_bias=False).apply({"params": variables["params"]["stem"]}, jnp.asarray(x))
    np.testing.assert_allclose(found.layers["stem_norm"]["mean"], h.mean((0, 1, 2)), rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.layers["stem_norm"]["var"], h.var((0, 1, 2)), rtol=1e-12)
    assert (found.n_channels, found.n_constant) == (4, 0)


def test_deep_layers_see_layers_that_have_their_new_statistics():
    (apply, params), variables = two_norms()
    x = images(9)
    found = target_statistics(apply, params, x, source_weight=0.0)
    with nn.intercept_methods(lambda call, a, k, c: a[0] if isinstance(c.module, nn.Dropout) else call(*a, **k)):
        _, state = TwoNorms().apply(variables, jnp.asarray(x), train=True, mutable=["batch_stats"])
    jax.tree.map(
        lambda new, want: np.testing.assert_allclose(new, want, rtol=1e-12, atol=1e-12),
        found.function.frozen["batch_stats"], dict(state["batch_stats"]),
    )  # fmt: skip


def test_blended_statistics_are_a_fixed_point():
    """With n0 = n, each layer's own half is what its inputs have in the network with the blended statistics."""
    (apply, params), variables = two_norms()
    x = images(9)
    found = target_statistics(apply, params, x, source_weight=9.0)
    seen = {}

    def watch(call, arguments, options, context):
        if isinstance(context.module, nn.BatchNorm):
            seen[context.module.name] = np.asarray(arguments[0])
        return call(*arguments, **options)

    with nn.intercept_methods(watch):
        TwoNorms().apply({"params": variables["params"], **found.function.frozen}, jnp.asarray(x))
    assert len(seen) == 2
    for name, h in seen.items():
        new, old = found.layers[name], variables["batch_stats"][name]
        np.testing.assert_allclose(new["mean"], (h.mean((0, 1, 2)) + old["mean"]) / 2, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(new["var"], (h.var((0, 1, 2)) + old["var"]) / 2, rtol=1e-12)


def test_layers_that_are_told_of_training_when_made():
    class Net(nn.Module):
        def setup(self):
            self.inner, self.head = Inner(), nn.Dense(2, param_dtype=np.float64)

        def features(self, x, train: bool = False):
            return self.inner(x, train).mean((1, 2))

        def __call__(self, x, train: bool = False):
            return self.head(self.features(x, train))

    x = images(5)
    variables = jax.tree.map(np.asarray, Net().init(jax.random.key(0), jnp.asarray(x)))
    apply, params = from_linen(Net(), variables)
    found = target_statistics(apply, params, x, source_weight=0.0)
    np.testing.assert_allclose(
        np.asarray(found.function.features(params, x)),
        np.asarray(Net().apply(variables, x, train=True, mutable=["batch_stats"], method="features")[0]),
        rtol=0, atol=1e-6,
    )  # fmt: skip


def test_more_weight_on_the_source_comes_closer_to_it():
    (apply, params), variables = two_norms()

    def distance(weight):
        new = target_statistics(apply, params, images(9), source_weight=float(weight)).layers
        pairs = zip(
            jax.tree.leaves(new or variables["batch_stats"]), jax.tree.leaves(variables["batch_stats"]), strict=True
        )
        return sum(float(np.abs(a - b).sum()) for a, b in pairs)

    distances = [distance(weight) for weight in (0, 3, 30, 1e6)]
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 1e-4
    assert distance(np.inf) == 0


def test_several_batches_join_to_the_statistics_of_all(monkeypatch):
    variables = conv_variables()
    apply, params = from_linen(ConvNet(3), variables)
    x = images(10)
    whole = target_statistics(apply, params, x, source_weight=2.0).layers
    monkeypatch.setattr("lin_ft.batch_statistics.target.PIXELS", 3 * 36)
    parts = target_statistics(apply, params, x, source_weight=2.0).layers
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), whole, parts)


def test_networks_without_running_averages_are_unchanged():
    apply, params = mlp()
    found = target_statistics(apply, params, np.ones((3, 5)))
    assert found.function is apply
    assert found.n_channels == 0


class NnxNet(nnx.Module):
    def __init__(self):
        rngs = nnx.Rngs(0)
        self.convs = nnx.List([nnx.Conv(i, o, (3, 3), rngs=rngs) for i, o in ((3, 4), (4, 5))])
        options = {"momentum": 0.0, "use_fast_variance": False, "rngs": rngs}
        self.norms = nnx.List([nnx.BatchNorm(width, **options) for width in (4, 5)])
        self.head = nnx.Linear(5, 2, rngs=rngs)

    def features(self, x):
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = nnx.relu(norm(conv(x)))
        return x.mean((1, 2))

    def __call__(self, x):
        return self.head(self.features(x))


def test_nnx_modules():
    module, x = NnxNet(), images(9, np.float32)
    apply, params = from_nnx(module)
    found = target_statistics(apply, params, x, source_weight=0.0)
    module.train()
    want = module.features(jnp.asarray(x))
    np.testing.assert_allclose(np.asarray(found.function.features(params, x)), np.asarray(want), rtol=1e-4)
    assert found.n_channels == 9
    half = target_statistics(apply, params, x, source_weight=9.0)
    np.testing.assert_allclose(half.layers["norms/0"]["mean"], found.layers["norms/0"]["mean"] / 2, rtol=1e-5)
    assert not np.allclose(half.layers["norms/1"]["mean"], found.layers["norms/1"]["mean"] / 2, rtol=1e-2)


def test_channels_that_are_constant_on_the_target_keep_the_source_s():
    variables = conv_variables()
    variables["params"]["stem"]["kernel"][..., 0] = 0
    apply, params = from_linen(ConvNet(3), variables)
    found = target_statistics(apply, params, images(9), source_weight=0.0)
    assert found.n_constant == 1
    for name in ("mean", "var"):
        old, new = variables["batch_stats"]["stem_norm"][name], found.layers["stem_norm"][name]
        assert new[0] == old[0]
        assert (new[1:] != old[1:]).all()


def test_bad_input_is_one_sentence():
    apply, params = from_linen(ConvNet(3), conv_variables())
    with pytest.raises(InputError, match="every pixel of every training image is the same"):
        target_statistics(apply, params, np.full((4, 6, 6, 3), 0.5))
    with pytest.raises(InputError, match="source_weight -1"):
        target_statistics(apply, params, images(4), source_weight=-1.0)
    huge = {**params, "stem": {"kernel": params["stem"]["kernel"] * 1e200}}
    with pytest.raises(InputError, match="stem_norm NaN or infinite"):
        target_statistics(apply, huge, images(4) * 1e200)
