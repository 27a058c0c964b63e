"""Influence and dataset derivative against brute-force refits in float64, to 1e-8."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import light_task
from views import clusters, view_of

from lin_ft import inspect
from lin_ft.errors import InputError
from lin_ft.inspect.influence import centred_targets, left_out_loss_changes, loss_changes, loss_without
from lin_ft.inspect.label_errors import ridge_view
from lin_ft.inspect.reweighting import effects, effects_by_refit, primal_effects
from lin_ft.predict import decompose, decompose_features, leave_one_out_by_refit, predict_logits
from lin_ft.ranking import RankConfig, View

TIMES = (np.inf, 30.0, 1.0)


def problem(seed=0, n=9, m=4, n_classes=3, width=5):
    """Kernel of n training images, with m others, and targets of both; of rank `width` + 1."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n + m, width)) / np.sqrt(n)
    kernel = z @ z.T + 0.1
    labels = rng.integers(0, n_classes, n + m)
    y = np.eye(n_classes)[labels] - 1 / n_classes
    return kernel[:n, :n], kernel[n:, :n], y[:n], y[n:], z


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(TIMES), st.sampled_from([0.01, 0.3]), st.sampled_from([0.0, 0.4, 1, 3.0]))
def test_effects_are_those_of_refits(seed, time, ridge, weight):
    kernel, cross, y, _, _ = problem(seed)
    found = effects(decompose(kernel), cross, y, time=time, ridge=ridge, weight=float(weight))
    expected = effects_by_refit(kernel, cross, y, time=time, ridge=ridge, weight=float(weight))
    np.testing.assert_allclose(found, expected, atol=1e-8)
    if weight == 1:
        np.testing.assert_allclose(found, 0, atol=1e-12)


@pytest.mark.parametrize("time", TIMES)
def test_the_derivative_is_that_of_refits(time):
    kernel, cross, y, _, _ = problem()
    found = effects(decompose(kernel), cross, y, time=time, ridge=0.1, weight=None)
    step = 1e-4
    up, down = (effects_by_refit(kernel, cross, y, time=time, ridge=0.1, weight=1 + h) for h in (step, -step))
    np.testing.assert_allclose(found, (up - down) / (2 * step), atol=1e-6)


def loss(f, y):
    return 0.5 * np.mean(np.sum((f - y) ** 2, axis=1))


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("weight", [0.0, 2.5])
def test_loss_changes_are_those_of_refits(time, weight):
    kernel, cross, y, y_test, _ = problem(3)
    spectrum = decompose(kernel)
    f = predict_logits(spectrum, cross, y, (time,), (0.05,))[0, 0]
    moved = effects_by_refit(kernel, cross, y, time=time, ridge=0.05, weight=weight)
    expected = [loss(f + each, y_test) - loss(f, y_test) for each in moved]
    found = loss_changes(spectrum, cross, y, y_test, time=time, ridge=0.05, weight=weight)
    np.testing.assert_allclose(found, expected, atol=1e-8)


def left_out_loss_by_refits(kernel, y, time, ridge, i, weight):
    """Mean over j != i of the loss at j of a model trained without j, image i with `weight`: n - 1 refits."""
    n, losses = len(y), []
    for j in range(n):
        if j == i:
            continue
        root = np.ones(n)
        root[i], root[j] = np.sqrt(weight), 0.0
        spectrum = decompose(root[:, None] * kernel * root)
        f = predict_logits(spectrum, (kernel[j] * root)[None], root[:, None] * y, (time,), (ridge,))[0, 0]
        losses.append(loss(f, y[[j]]))
    return np.mean(losses)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(TIMES), st.sampled_from([0.0, 0.5, 3.0]))
def test_left_out_loss_changes_are_those_of_refits(seed, time, weight):
    kernel, _, y, _, _ = problem(seed, n=7)
    found = left_out_loss_changes(decompose(kernel), y, time=time, ridge=0.1, weight=weight)
    expected = [
        left_out_loss_by_refits(kernel, y, time, 0.1, i, weight) - left_out_loss_by_refits(kernel, y, time, 0.1, i, 1.0)
        for i in range(7)
    ]
    np.testing.assert_allclose(found, expected, atol=1e-8)


@pytest.mark.parametrize("time", TIMES)
def test_derivatives_of_losses_are_those_of_small_weights(time):
    kernel, cross, y, y_test, _ = problem(5)
    spectrum, step = decompose(kernel), 1e-5
    for function, arguments in ((loss_changes, (cross, y, y_test)), (left_out_loss_changes, (y,))):
        options = {"time": time, "ridge": 0.1}
        up, down = (function(spectrum, *arguments, weight=1 + h, **options) for h in (step, -step))
        found = function(spectrum, *arguments, weight=None, **options)
        np.testing.assert_allclose(found, (up - down) / (2 * step), atol=1e-8)


def test_the_primal_form_is_the_same():
    kernel, cross, y, _, z = problem(7)
    features = np.concatenate([z, np.full((len(z), 1), np.sqrt(0.1))], axis=1)
    for weight in (0.0, 0.5, None):
        found = primal_effects(decompose_features(features[:9]), features[9:], y, ridge=0.2, weight=weight)
        expected = effects(decompose(kernel), cross, y, ridge=0.2, weight=weight)
        np.testing.assert_allclose(found, expected, atol=1e-10)


def test_an_image_with_a_wrong_label_hurts_most_on_both_losses():
    features, labels = clusters(per_class=7)
    labels = labels.copy()
    labels[3] = 2
    view = view_of(features, labels, 3, validation=np.repeat([0, 1, 2], 4))
    others, _ = clusters(per_class=4, seed=9)
    view.made[cross_key(view)] = others @ features.T + 1, 0.0
    for on in ("validation", "training"):
        found = inspect.influence(view, on=on)
        assert found.order[0] == 3
        assert found.change[3] < 0
        assert found.on == on
        derivative = inspect.influence(view, on=on, weight=None)
        assert derivative.order[0] == 3
        dropped = loss_without(view, [3], on=on)
        if on == "validation":
            assert dropped - found.loss == pytest.approx(found.change[3], abs=1e-9)
        assert dropped < found.loss


def cross_key(view):
    from lin_ft.data.copies import digest

    c = view.config
    told = (c.head, c.probes, c.trainable, c.seed, c.statistics, c.dimension, view.sketched)
    return ("cross_kernel", digest(view.task.validation.images), *told)


def test_the_training_loss_is_leave_one_out_and_its_change_that_of_a_smaller_task():
    features, labels = clusters(spread=1.0)
    view = view_of(features, labels, 3)
    found = inspect.influence(view)
    assert found.on == "training", "there are no validation images"
    ridge = ridge_view(view).prediction.ridge
    residuals = leave_one_out_by_refit(view.kernel, view.targets, np.inf, ridge)
    assert found.loss == pytest.approx(loss(residuals, 0), abs=1e-9)
    rest = np.arange(1, 18)
    without = leave_one_out_by_refit(view.kernel[1:, 1:], view.targets[1:], np.inf, ridge)
    assert found.change[0] == pytest.approx(loss(without, 0) - loss(residuals[rest], 0), abs=1e-9)
    assert loss_without(view, [0]) == pytest.approx(loss(without, 0), abs=1e-9)


def test_the_kernel_between_validation_and_training_images_has_the_probes_of_the_view(models):
    model, task = models[0], light_task()
    for head in ("random", "zero"):
        view = View(model, task, RankConfig(probes=1, head=head, seed=2))
        np.testing.assert_allclose(view.cross_kernel(task.train.images), view.kernel, rtol=2e-4)
        assert view.cross_kernel(task.train.images) is view.cross_kernel(task.train.images.copy())
        assert view.cross_kernel(task.validation.images).shape == (8, 12)
    found = inspect.influence(view)
    y = centred_targets(task.validation.labels, 2)
    ridge = ridge_view(view).prediction.ridge
    expected = loss_changes(view.spectrum, view.cross_kernel(task.validation.images), view.targets, y, ridge=ridge)
    np.testing.assert_array_equal(found.change, expected)


def test_bad_input_is_one_sentence():
    kernel, cross, y, y_test, z = problem()
    spectrum = decompose(kernel)
    for options, message in (
        ({"ridge": 0.0}, "ridge 0: the kernel is singular"),
        ({"ridge": -1.0}, "ridge -1"),
        ({"ridge": 1.0, "weight": -1.0}, "weight -1"),
        ({"ridge": 1.0, "time": -1.0}, "time -1"),
    ):
        with pytest.raises(InputError, match=message):
            effects(spectrum, cross, y, **options)
    with pytest.raises(InputError, match="do not go with a training kernel of 9 rows"):
        effects(spectrum, cross[:, :5], y[:5], ridge=1.0)
    with pytest.raises(InputError, match="NaN"):
        effects(spectrum, cross * np.nan, y, ridge=1.0)
    with pytest.raises(InputError, match="targets of the other images"):
        loss_changes(spectrum, cross, y, y_test[:2], ridge=1.0)
    with pytest.raises(InputError, match="three at least"):
        left_out_loss_changes(decompose(kernel[:2, :2]), y[:2], ridge=1.0)
    with pytest.raises(InputError, match="ridge 0"):
        primal_effects(decompose_features(z[:9]), z[9:], y, ridge=0.0)
    features, labels = clusters()
    with pytest.raises(InputError, match="no validation images"):
        inspect.influence(view_of(features, labels, 3), on="validation")
    with pytest.raises(InputError, match="on 'test'"):
        inspect.influence(view_of(features, labels, 3), on="test")
    with pytest.raises(InputError, match="one image a class"):
        inspect.influence(view_of(features[:3], np.arange(3), 3))
    with pytest.raises(InputError, match="alike"):
        inspect.influence(view_of(np.ones_like(features), labels, 3))
    view = view_of(features, labels, 3)
    for places in ([99], range(17)):
        with pytest.raises(InputError, match="places"):
            loss_without(view, list(places))


def test_the_refit_asks_for_the_same_images_as_the_influence():
    features, labels = clusters()
    view = view_of(features, labels, 3)
    for asked in (inspect.influence, lambda view, on: loss_without(view, [0], on=on)):
        with pytest.raises(InputError, match="on 'test'"):
            asked(view, on="test")
        with pytest.raises(InputError, match="has no validation images"):
            asked(view, on="validation")
