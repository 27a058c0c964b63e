import jax
import numpy as np
import pytest
from networks import conv_net, images, mlp, one_hot

from lin_ft.errors import InputError
from lin_ft.functions import features_of, logits_of, with_head
from lin_ft.heads import init_head
from lin_ft.kernels import gram, probe_gram, whole_jacobian_gram
from lin_ft.scores import class_label_gradient, label_feature, label_gradient, normalised_label_gradient
from lin_ft.scores.label_gradient import label_gradient_by_kernel

EXACT = {"rtol": 1e-10}
CHOICES = ["all", "head", "norm", "last_block", lambda path: path == "block1/kernel"]


@pytest.mark.parametrize("trainable", CHOICES)
@pytest.mark.parametrize("residual", [True, False])
def test_one_pass_equals_the_kernel(trainable, residual):
    apply, params = conv_net()
    x, y = images(7), one_hot(7)
    r0 = y - logits_of(apply, params, x) if residual else y
    theta = whole_jacobian_gram(apply, params, x, trainable=trainable)
    fast = label_gradient(apply, params, x, y, residual=residual, trainable=trainable, batch_size=3)
    np.testing.assert_allclose(fast, label_gradient_by_kernel(theta, r0), **EXACT)


def test_trace_and_pseudo_equal_their_kernels():
    apply, params = conv_net()
    x, y = images(7), one_hot(7)
    r0 = y - logits_of(apply, params, x)
    trace = label_gradient(apply, params, x, y, kernel="trace", batch_size=3)
    np.testing.assert_allclose(trace, label_gradient_by_kernel(gram(apply, params, x), r0), **EXACT)
    options = {"probes": 3, "key": jax.random.key(4), "variance": 0.2}
    for trainable in ("all", "head", "last_block", lambda path: path == "head/kernel" or "stem" in path):
        pseudo = label_gradient(apply, params, x, y, kernel="pseudo", batch_size=3, trainable=trainable, **options)
        kernel = probe_gram(apply, params, x, trainable=trainable, **options)
        np.testing.assert_allclose(pseudo, label_gradient_by_kernel(kernel, r0), **EXACT)


def test_by_class():
    apply, params = conv_net()
    x, y = images(5), one_hot(5)
    r0 = y - logits_of(apply, params, x)
    theta, k = np.asarray(whole_jacobian_gram(apply, params, x)), gram(apply, params, x)
    full = class_label_gradient(apply, params, x, y, batch_size=2)
    np.testing.assert_allclose(full, np.einsum("ic,icjc,jc->c", r0, theta, r0), **EXACT)
    trace = class_label_gradient(apply, params, x, y, kernel="trace")
    np.testing.assert_allclose(trace, np.einsum("ic,ij,jc->c", r0, k, r0), **EXACT)


def test_zero_head_gives_label_feature_correlation():
    apply, params = conv_net()
    x, y = images(6), one_hot(6)
    phi = features_of(apply, params, x)
    params = with_head(params, init_head("zero", phi, y))
    np.testing.assert_allclose(
        label_gradient(apply, params, x, y), label_feature(phi, y, form="raw", bias=True), **EXACT
    )


def test_slope_of_the_loss_at_time_zero():
    apply, params = conv_net()
    x, y = images(6), one_hot(6)

    def loss(p):
        return ((apply(p, x) - y) ** 2).sum() / 2

    gradient = jax.grad(loss)(params)
    step = 1e-6 * loss(params) / label_gradient(apply, params, x, y)
    moved = jax.tree.map(lambda p, g: p - step * g, params, gradient)
    slope = (loss(params) - loss(moved)) / step
    np.testing.assert_allclose(slope, label_gradient(apply, params, x, y), rtol=1e-3)


def test_order_and_batch_size_do_not_matter():
    apply, params = conv_net()
    x, y = images(7), one_hot(7)
    order = np.random.default_rng(0).permutation(7)
    whole = label_gradient(apply, params, x, y)
    for batch_size in (1, 2, 4, 100):
        np.testing.assert_allclose(
            label_gradient(apply, params, x[order], y[order], batch_size=batch_size), whole, **EXACT
        )


def test_bad_input():
    apply, params = conv_net()
    x, y = images(4), one_hot(4)
    with pytest.raises(InputError, match="Unknown kernel"):
        label_gradient(apply, params, x, y, kernel="half")
    with pytest.raises(InputError, match="4 samples but 3 targets"):
        label_gradient(apply, params, x, y[:3])
    with pytest.raises(InputError, match="NaN"):
        label_gradient(apply, {**params, "stem": {"kernel": np.full_like(params["stem"]["kernel"], np.inf)}}, x, y)
    with pytest.raises(InputError, match="columns"):
        label_gradient(apply, params, x, np.ones((4, 5)))


def test_standard_error_of_the_normalised_score_is_the_spread_over_probes():
    apply, params = mlp()
    x, y = np.random.default_rng(0).normal(size=(6, 5)), one_hot(6)
    drawn = [normalised_label_gradient(apply, params, x, y, probes=40, key=jax.random.key(k)) for k in range(25)]
    spread = np.std([score.value for score in drawn])
    expected = np.mean([score.standard_error for score in drawn])
    assert expected == pytest.approx(spread, rel=0.4)
