"""Attribution against refits and against sketched rows; the linear datamodeling score against scipy."""

import jax
import numpy as np
import pytest
from networks import conv_net
from scipy.stats import spearmanr
from tiny import light_task

from lin_ft import inspect
from lin_ft.errors import InputError
from lin_ft.inspect.label_errors import ridge_view
from lin_ft.inspect.reweighting import effects, effects_by_refit, primal_effects
from lin_ft.kernels import gram, sketched_features
from lin_ft.predict import decompose, decompose_features
from lin_ft.ranking import RankConfig, View


def test_of_a_view_leaving_out_is_a_refit(models):
    task = light_task(4)
    view = View(models[0], task, RankConfig(head="zero"))
    images = task.test.images[:3]
    ridge = ridge_view(view).prediction.ridge
    found = inspect.attribution(view, images, weight=0.0)
    refits = effects_by_refit(view.kernel, view.cross_kernel(images), view.targets, ridge=ridge, weight=0.0)
    assert found.shape == (8, 3, 2)
    np.testing.assert_allclose(found, -refits, atol=1e-8)
    derivative = inspect.attribution(view, images)
    kernel, cross = np.asarray(view.kernel, np.float64), view.cross_kernel(images)
    inverse = np.linalg.inv(kernel + ridge * np.eye(8))
    residual = ridge * inverse @ view.targets  # Y - f on the training images
    by_hand = (cross @ inverse).T[:, :, None] * residual[:, None, :]
    np.testing.assert_allclose(derivative, by_hand, atol=1e-8)
    early = inspect.attribution(view, images, time=0.5, weight=0.0)
    time = 0.5 / view.spectrum.scale
    refits = effects_by_refit(view.kernel, cross, view.targets, time=time, ridge=0.0, weight=0.0)
    np.testing.assert_allclose(early, -refits, atol=1e-8)
    with pytest.raises(InputError, match="time -1"):
        inspect.attribution(view, images, time=-1 * view.spectrum.scale)
    with pytest.raises(InputError, match="images: none"):
        inspect.attribution(view, images[:0])


def test_sketched_rows_give_it_within_the_sketch_s_error():
    apply, params = conv_net()
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(14, 6, 6, 3)), rng.normal(size=(10, 3))
    kernel = gram(apply, params, x, dtype="float64")
    exact = effects(decompose(kernel[:10, :10]), kernel[10:, :10], y, ridge=1.0)

    def error(dimension):
        off = []
        for seed in range(3):
            z = sketched_features(apply, params, x, dimension=dimension, key=jax.random.key(seed))
            found = primal_effects(decompose_features(z[:10]), z[10:], y, ridge=1.0)
            off.append(np.linalg.norm(found - exact) / np.linalg.norm(exact))
        return np.mean(off)

    n_params = sum(np.size(leaf) for leaf in jax.tree.leaves(params))
    assert error(4 * n_params) < 1e-6, "rows no longer than the sketch are kept as they are"
    # an entry is off by sqrt(2 / k) of its size at most; here the ridge is of the size of the eigenvalues
    assert error(128) < 4 * np.sqrt(2 / 128)
    assert error(128) < error(16)


def test_datamodeling_score_is_spearman_over_subsets():
    rng = np.random.default_rng(1)
    tau, subsets = rng.normal(size=(12, 4)), rng.uniform(size=(20, 12)) < 0.5
    outputs = subsets @ tau + rng.normal(size=(20, 4))
    found = inspect.linear_datamodeling_score(tau, subsets, outputs)
    expected = [spearmanr((subsets @ tau)[:, k], outputs[:, k]).statistic for k in range(4)]
    np.testing.assert_allclose(found, expected)
    np.testing.assert_allclose(inspect.linear_datamodeling_score(tau, subsets, subsets @ tau), 1)
    np.testing.assert_allclose(inspect.linear_datamodeling_score(-tau, subsets, subsets @ tau), -1)
    np.testing.assert_array_equal(inspect.linear_datamodeling_score(0 * tau, subsets, outputs), 0)


def test_it_foretells_the_linearized_network_on_subsets():
    """Closed-form trainings on half of the images: leave-one-out effects add up to most of the difference."""
    rng = np.random.default_rng(2)
    z = rng.normal(size=(60, 20))
    y = np.eye(2)[(z[:40, 0] > 0).astype(int)] - 0.5
    kernel = z @ z.T
    tau = effects(decompose(kernel[:40, :40]), kernel[40:, :40], y, ridge=20.0)[:, :, 0]
    subsets = np.stack([np.isin(np.arange(40), rng.choice(40, 20, replace=False)) for _ in range(50)])
    outputs = []
    for s in subsets:
        known = np.flatnonzero(s)
        inner = kernel[np.ix_(known, known)] + 20 * np.eye(20)
        outputs.append(kernel[40:, known] @ np.linalg.solve(inner, y[known, 0]))
    score = inspect.linear_datamodeling_score(tau, subsets, np.array(outputs))
    assert score.mean() > 0.6


def test_margins_by_hand():
    logits = np.array([[1.0, 2, 6], [0, 4, 2]])
    np.testing.assert_allclose(inspect.margins(logits, np.array([2, 0])), [4.5, -3])
    np.testing.assert_allclose(inspect.margins(np.stack([logits, 2 * logits]), np.array([2, 0]))[1], [9, -6])


def test_bad_input_is_one_sentence():
    tau, subsets, outputs = np.ones((4, 2)), np.ones((5, 4), bool), np.ones((5, 2))
    for arguments, message in (
        ((tau, subsets[:, :3], outputs), "give"),
        ((tau, subsets, outputs[:, :1]), "give"),
        ((tau, subsets[:2], outputs[:2]), "2 subsets"),
        ((tau * np.nan, subsets, outputs), "NaN"),
    ):
        with pytest.raises(InputError, match=message):
            inspect.linear_datamodeling_score(*arguments)
