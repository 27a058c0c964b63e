import flax.linen as nn
import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest
from flax import nnx
from networks import ConvNet, conv_net, conv_variables, images, one_hot

from lin_ft.errors import InputError
from lin_ft.functions import as_function, features_of, from_linen, from_nnx, logits_of, with_head
from lin_ft.kernels import NTKProducts, gram, per_example_gradients, whole_jacobian_gram


def test_linen_module_in_evaluation_mode():
    apply, params = conv_net()
    x, variables = images(5), conv_variables()
    np.testing.assert_allclose(apply(params, x), ConvNet(3).apply(variables, x, train=False), rtol=1e-12)
    np.testing.assert_allclose(logits_of(apply, params, x, batch_size=2), apply(params, x), rtol=1e-12)
    expected = ConvNet(3).apply(variables, x, method="features")
    np.testing.assert_allclose(features_of(apply, params, x, batch_size=3), expected, rtol=1e-12)


def test_a_sample_does_not_depend_on_its_batch():
    apply, params = conv_net()
    x = images(4)
    np.testing.assert_allclose(apply(params, x)[:1], apply(params, x[:1]), rtol=1e-12)


def test_a_new_head_sets_the_number_of_classes():
    apply, params = conv_net()
    new = with_head(params, {"kernel": np.ones((5, 7)), "bias": np.arange(7.0)})
    phi = features_of(apply, params, images(2))
    np.testing.assert_allclose(apply(new, images(2)), phi.sum(1)[:, None] + np.arange(7.0)[None, :], rtol=1e-12)


def test_equal_architectures_share_one_compilation():
    count = 0

    @jax.jit
    def forward(apply, params, x):
        nonlocal count
        count += 1
        return apply.features({**params, "head": None}, x)

    for seed, n_classes in enumerate((3, 5, 8)):
        apply, params = conv_net(seed=seed, n_classes=n_classes)
        forward(apply, {name: leaf for name, leaf in params.items() if name != "head"}, images(2))
    assert count == 1


class Noisy(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Dense(2)(nn.Dropout(0.5, deterministic=False)(x))


class InTraining(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.BatchNorm(use_running_average=False)(x)


@pytest.mark.parametrize(("module", "message"), [(Noisy(), "random numbers"), (InTraining(), "batch statistics")])
def test_layers_that_are_not_functions_are_refused(module, message):
    x = jnp.ones((2, 3))
    variables = module.init({"params": jax.random.key(0), "dropout": jax.random.key(1)}, x)
    apply, params = from_linen(module, variables)
    with pytest.raises(InputError, match=message):
        apply(params, x)


class NnxNet(nnx.Module):
    def __init__(self, rngs):
        self.conv = nnx.Conv(3, 5, (3, 3), rngs=rngs)
        self.norm = nnx.BatchNorm(5, rngs=rngs)
        self.dropout = nnx.Dropout(0.5, rngs=rngs)
        self.head = nnx.Linear(5, 3, rngs=rngs)

    def features(self, x):
        return self.dropout(nnx.relu(self.norm(self.conv(x)))).mean((1, 2))

    def __call__(self, x):
        return self.head(self.features(x))


def test_nnx_module():
    module = NnxNet(nnx.Rngs(0))
    module.train()
    module.norm.mean[...] = jnp.arange(5.0, dtype=jnp.float32)
    apply, params = from_nnx(module)
    x = images(4, np.float32)
    assert not module.dropout.deterministic
    module.eval()
    np.testing.assert_allclose(apply(params, x), module(x), rtol=1e-5)
    np.testing.assert_allclose(logits_of(apply, params, x), module(x), rtol=1e-5)
    assert set(params) == {"conv", "norm", "head"}
    theta = whole_jacobian_gram(apply, params, x)
    np.testing.assert_allclose(gram(apply, params, x, output="full"), theta, rtol=2e-4, atol=1e-5)


def test_nnx_module_that_stays_in_training_mode():
    class Stubborn(NnxNet):
        def features(self, x):
            return self.norm(self.conv(x), use_running_average=False).mean((1, 2))

    apply, params = from_nnx(Stubborn(nnx.Rngs(0)))
    with pytest.raises(InputError, match="changes its state"):
        apply(params, images(2, np.float32))


def test_a_plain_function():
    apply = as_function(lambda params, x: x @ params["w"])
    np.testing.assert_allclose(logits_of(apply, {"w": np.eye(3)}, one_hot(3)), np.eye(3))
    with pytest.raises(InputError, match="no separate head"):
        features_of(apply, {"w": np.eye(3)}, one_hot(3))


def test_bad_weights_and_pixels():
    variables = conv_variables()
    broken = {**variables, "batch_stats": {"stem_norm": {"mean": np.full(4, np.nan), "var": np.ones(4)}}}
    with pytest.raises(InputError, match="stem_norm/mean"):
        from_linen(ConvNet(3), broken)
    with pytest.raises(InputError, match="no collection 'params'"):
        from_linen(ConvNet(3), {})
    apply, params = conv_net()
    with pytest.raises(InputError, match="samples or targets"):
        features_of(apply, params, np.full((1, 6, 6, 3), np.inf))
    with pytest.raises(InputError, match="do not fit ConvNet"):
        features_of(apply, {**params, "stem": {"kernel": np.zeros((3, 3, 3, 9))}}, images(2))
    with pytest.raises(InputError, match="do not fit ConvNet"):
        features_of(apply, params, np.zeros((2, 6, 6, 1)))
    with pytest.raises(InputError, match="do not fit ConvNet"):
        features_of(apply, {"stem": params["stem"]}, images(2))
    with pytest.raises(InputError, match="The head takes 4 features"):
        logits_of(apply, with_head(params, {"kernel": np.zeros((4, 2)), "bias": np.zeros(2)}), images(2))


class Pairs(nn.Module):
    """Takes a dictionary of two arrays; outputs of rank 4."""

    rank: int = 4

    @nn.compact
    def __call__(self, x):
        out = nn.Dense(4)(x["left"]) * nn.Dense(4)(x["right"])
        return out.sum(1) if self.rank == 1 else out.reshape(len(out), 2, 2, 1)


@pytest.mark.parametrize(("rank", "shape"), [(1, r"\(n,\)"), (4, r"\(n, 2, 2, 1\)")])
@pytest.mark.parametrize("kind", ["plain", "linen"])
def test_outputs_that_are_not_a_matrix_are_refused_where_a_matrix_is_needed(kind, rank, shape):
    def plain(params, x):
        out = x @ params["w"]
        return out.sum(1) if rank == 1 else out.reshape(len(x), 2, 2, 1)

    class Flat(Pairs):
        @nn.compact
        def __call__(self, x):
            return super().__call__({"left": x, "right": x})

    x = one_hot(4)
    apply, params = plain, {"w": np.arange(12.0).reshape(3, 4)}
    if kind == "linen":
        module = Flat(rank)
        apply, params = from_linen(module, module.init(jax.random.key(0), x))
    for call in (gram, logits_of, per_example_gradients, NTKProducts):
        with pytest.raises(InputError, match=f"outputs have shape {shape}"):
            call(apply, params, x)


@pytest.fixture
def as_users_run_it():
    """Without the tests' own check of types, which would come before ours."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.usefixtures("as_users_run_it")
def test_trees_of_samples_are_refused_where_an_array_is_needed():
    module = Pairs()
    x = {"left": one_hot(4), "right": one_hot(4)}
    apply, params = from_linen(module, module.init(jax.random.key(0), x))
    assert apply(params, x).shape == (4, 2, 2, 1)
    for call in (gram, logits_of, per_example_gradients, NTKProducts):
        with pytest.raises(InputError, match=r"one array.*not a dictionary of 2 arrays"):
            call(apply, params, x)
        with pytest.raises(InputError, match=r"one array.*not a list of 2 arrays"):
            call(apply, params, [1.0, 2.0])
    with pytest.raises(InputError, match="single number"):
        gram(apply, params, np.float64(3.0))


def test_samples_that_a_module_does_not_take():
    apply, params = conv_net()
    with pytest.raises(InputError, match="ConvNet does not take a dictionary of 1 arrays"):
        apply(params, {"image": images(2)})
    apply, params = from_nnx(NnxNet(nnx.Rngs(0)))
    with pytest.raises(InputError, match=r"NnxNet does not take samples of shape \(2, 7\)"):
        apply(params, np.zeros((2, 7), np.float32))


def test_features_that_are_not_a_matrix():
    class Unpooled(ConvNet):
        def features(self, x, train: bool = False):
            return self.stem(x)

        def __call__(self, x, train: bool = False):
            return self.head(self.features(x).mean((1, 2)))

    module = Unpooled(3)
    apply, params = from_linen(module, module.init(jax.random.key(0), images(1)))
    with pytest.raises(InputError, match=r"`features` have shape \(\d, 3, 3, 4\)"):
        gram(apply, params, images(2))


def test_a_head_that_is_no_dense_layer_stays_a_part_of_the_network():
    class Deep(nn.Module):
        def setup(self):
            self.stem = nn.Dense(4)
            self.head = nn.Sequential([nn.Dense(4), nn.tanh, nn.Dense(3)])

        def features(self, x):
            return self.stem(x.mean((1, 2)))

        def __call__(self, x):
            return self.head(self.features(x))

    module = Deep()
    apply, params = from_linen(module, module.init(jax.random.key(0), images(1)))
    assert not apply.has_head
    theta = whole_jacobian_gram(apply, params, images(3))
    np.testing.assert_allclose(gram(apply, params, images(3), output="full"), theta, rtol=1e-4, atol=1e-5)
