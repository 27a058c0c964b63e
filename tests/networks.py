"""Small networks for the tests: they compile in a second or two. Float64 unless said otherwise."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from lin_ft.functions import from_linen

CLASSES = 3


class ConvNet(nn.Module):
    """Two convolutions with batch normalisation, named as in a residual network."""

    n_classes: int

    def setup(self):
        self.stem = nn.Conv(4, (3, 3), 2, use_bias=False)
        self.stem_norm = nn.BatchNorm()
        self.block1 = nn.Conv(5, (3, 3))
        self.head = nn.Dense(self.n_classes)

    def features(self, x, train: bool = False):
        x = nn.relu(self.stem_norm(self.stem(x), use_running_average=not train))
        return nn.tanh(self.block1(x)).mean((1, 2))

    def __call__(self, x, train: bool = False):
        return self.head(self.features(x, train))


class Mlp(nn.Module):
    """Two dense layers, no separate head."""

    width: int = 7

    @nn.compact
    def __call__(self, x):
        return nn.Dense(CLASSES, param_dtype=x.dtype)(nn.tanh(nn.Dense(self.width, param_dtype=x.dtype)(x)))


def cast(tree, dtype):
    return jax.tree.map(lambda leaf: np.asarray(leaf, dtype), tree)


def conv_variables(n_classes=CLASSES, seed=0, dtype=np.float64):
    """Variables of ConvNet whose batch statistics are not 0 and 1."""
    shapes = jax.eval_shape(ConvNet(n_classes).init, jax.random.key(0), jnp.zeros((1, 6, 6, 3)))
    rng = np.random.default_rng(seed)

    def draw(path, leaf):
        positive = jax.tree_util.keystr(path).endswith(("'scale']", "'var']"))
        return (positive + 0.3 * rng.normal(size=leaf.shape)).astype(dtype)

    return jax.tree_util.tree_map_with_path(draw, dict(shapes))


def conv_net(dtype=np.float64, seed=0, n_classes=CLASSES):
    """(apply, params) of a ConvNet."""
    return from_linen(ConvNet(n_classes), conv_variables(n_classes, seed, dtype))


def images(n, dtype=np.float64, seed=0, side=6):
    return np.random.default_rng(seed).normal(size=(n, side, side, 3)).astype(dtype)


def one_hot(n, n_classes=CLASSES, dtype=np.float64):
    return np.eye(n_classes, dtype=dtype)[np.arange(n) % n_classes]


def mlp(dtype=np.float64, seed=0, inputs=5):
    module = Mlp()
    return from_linen(module, cast(module.init(jax.random.key(seed), jnp.zeros((1, inputs))), dtype))
