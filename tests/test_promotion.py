"""Under strict promotion: no own arithmetic mixes types in silence, in float32 as users have it and in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from lin_ft import from_linen, gram, linearize
from lin_ft.batch_statistics import target_statistics
from lin_ft.functions import features_of, logits_of
from lin_ft.heads import init_head
from lin_ft.kernels import NTKProducts, ntk, per_example_gradients, probe_gram, sketched_features, trace_estimate
from lin_ft.scores import class_label_gradient, label_gradient, normalised_label_gradient, paper_scores
from lin_ft.tangent import tangent_value_and_grad


class Net(nn.Module):
    """A convolution, BatchNorm and a head."""

    def setup(self):
        self.conv, self.norm, self.head = nn.Conv(4, (3, 3)), nn.BatchNorm(momentum=0.9), nn.Dense(2)

    def features(self, x, train=False):
        return nn.relu(self.norm(self.conv(x), use_running_average=not train)).mean((1, 2))

    def __call__(self, x, train=False):
        return self.head(self.features(x, train))


def weigh(f, params, x, y):
    """A step of Optax on the tangent model."""
    value_and_grad = tangent_value_and_grad(f, params, lambda out, y: 0.5 * jnp.sum((out - y) ** 2))
    _, gradient = value_and_grad(params, x, jnp.asarray(y, x.dtype))
    updates, _ = optax.sgd(0.1).update(gradient, optax.sgd(0.1).init(params))
    return optax.apply_updates(params, updates)


USES = {
    "features": lambda f, params, x, y: features_of(f, params, x, batch_size=4),
    "logits": lambda f, params, x, y: logits_of(f, params, x, batch_size=4),
    "linearize": lambda f, params, x, y: linearize(f, params)(params, x),
    "tangent": weigh,
    "head": lambda f, params, x, y: init_head("random", features_of(f, params, x), y, jax.random.key(0)),
    "ntk": lambda f, params, x, y: ntk(f)(params, x),
    "gradients": lambda f, params, x, y: per_example_gradients(f, params, x),
    "probes": lambda f, params, x, y: probe_gram(f, params, x, probes=2),
    "products": lambda f, params, x, y: NTKProducts(f, params, x)(np.asarray(y, x.dtype)),
    "trace": lambda f, params, x, y: trace_estimate(NTKProducts(f, params, x), 2, probes=2),
    "sketch": lambda f, params, x, y: sketched_features(f, params, x, dimension=16),
    "label_gradient": lambda f, params, x, y: label_gradient(f, params, x, y),
    "pseudo": lambda f, params, x, y: label_gradient(f, params, x, y, kernel="pseudo"),
    "classes": lambda f, params, x, y: class_label_gradient(f, params, x, y, kernel="trace"),
    "normalised": lambda f, params, x, y: normalised_label_gradient(f, params, x, y, probes=2),
    "paper": lambda f, params, x, y: paper_scores(f, params, x, y.argmax(1)),
    "batch_statistics": lambda f, params, x, y: target_statistics(f, params, x),
} | {
    f"gram {method}": lambda f, params, x, y, method=method: gram(f, params, x, method=method)
    for method in ("structured", "jacobian", "vector_products", "sketch")
}


@pytest.fixture(scope="module", params=["float32", "float64"])
def problem(request):
    dtype = np.dtype(request.param)
    x = np.random.default_rng(0).normal(size=(6, 6, 6, 3)).astype(dtype)
    with jax.numpy_dtype_promotion("standard"):
        variables = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), Net().init(jax.random.key(0), x))
    return *from_linen(Net(), variables), jnp.asarray(x), np.eye(2)[np.arange(6) % 2]


@pytest.mark.parametrize("name", USES)
def test_nothing_is_promoted_in_silence(name, problem):
    with jax.numpy_dtype_promotion("strict"):
        USES[name](*problem)
