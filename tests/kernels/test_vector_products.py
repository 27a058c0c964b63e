import jax
import numpy as np
import pytest
from networks import conv_net, images, one_hot

from lin_ft.errors import InputError
from lin_ft.functions import logits_of
from lin_ft.kernels import NTKProducts, squared_norm_estimate, trace_estimate, whole_jacobian_gram
from lin_ft.scores import alignment, normalised_label_gradient


@pytest.mark.parametrize("trainable", ["all", "norm"])
def test_product_equals_the_kernel(trainable):
    apply, params = conv_net()
    x, v = images(7), np.random.default_rng(0).normal(size=(7, 3))
    theta = whole_jacobian_gram(apply, params, x, trainable=trainable)
    product = NTKProducts(apply, params, x, trainable=trainable, batch_size=3)(v)
    np.testing.assert_allclose(product, np.einsum("icje,je->ic", theta, v), rtol=1e-10, atol=1e-12)


def test_estimates_are_unbiased_with_honest_errors():
    apply, params = conv_net()
    x = images(7)
    theta = np.asarray(whole_jacobian_gram(apply, params, x)).reshape(21, 21)
    products = NTKProducts(apply, params, x)
    for estimator, exact in ((trace_estimate, np.trace(theta)), (squared_norm_estimate, np.sum(theta**2))):
        estimate = estimator(products, 3, probes=200)
        assert abs(estimate.value - exact) < 5 * estimate.standard_error
        assert estimate.standard_error < 0.2 * exact
    off_diagonal = theta - np.diag(np.diag(theta))
    variance = np.var(trace_estimate(products, 3, probes=400).samples)
    assert variance == pytest.approx(2 * np.sum(off_diagonal**2), rel=0.5)


@pytest.mark.parametrize("form", ["cosine", "trace"])
def test_normalised_score_against_the_kernel(form):
    apply, params = conv_net()
    x, y = images(7), one_hot(7)
    exact = alignment(whole_jacobian_gram(apply, params, x), y - logits_of(apply, params, x), form=form)
    score = normalised_label_gradient(apply, params, x, y, form=form, probes=200, key=jax.random.key(1))
    assert abs(score.value - exact) < 5 * score.standard_error
    assert score.standard_error < 0.1 * exact


def test_bad_input():
    apply, params = conv_net()
    with pytest.raises(InputError, match="at least 2 probes"):
        trace_estimate(NTKProducts(apply, params, images(2)), 3, probes=1)
    with pytest.raises(InputError, match="Unknown form"):
        normalised_label_gradient(apply, params, images(2), one_hot(2), form="cka")
    with pytest.raises(InputError, match="2 samples but 3 targets"):
        NTKProducts(apply, params, images(2)).pull(one_hot(3))
