"""From residuals to losses, accuracies and the chosen point of the grid."""

import numpy as np
import pytest
from problems import assert_close, problem
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from lin_ft.errors import InputError
from lin_ft.predict import (
    decompose,
    leave_groups_out,
    leave_one_out,
    leave_one_out_by_refit,
    loo_accuracy,
    loo_correct,
    loo_loss,
    matchings,
    select,
    stratified_folds,
)


def classification(n_classes: int = 3, n: int = 30, seed: int = 0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % n_classes
    features = rng.normal(size=(n, 6)) + 2 * rng.normal(size=(n_classes, 6))[labels]
    return features @ features.T + 1, np.eye(n_classes)[labels], labels


def test_loss_is_half_the_mean_square_norm():
    residuals = np.random.default_rng(0).normal(size=(2, 4, 5, 3))
    expected = [[0.5 * np.mean([r @ r for r in point]) for point in row] for row in residuals]
    assert_close(loo_loss(residuals), expected)


def test_ties_count_by_their_number():
    logits = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.3, 0.2, 0.1], [0.1, 0.2, 0.3]])
    np.testing.assert_array_equal(loo_correct(logits, np.array([0, 1, 0, 0])), [1 / 2, 1 / 3, 1, 0])
    np.testing.assert_array_equal(loo_correct(logits, np.array([2, 1, 0, 2])), [0, 1 / 3, 1, 1])
    assert loo_accuracy(logits, np.array([0, 1, 0, 0])) == pytest.approx((1 / 2 + 1 / 3 + 1) / 4)
    np.testing.assert_array_equal(loo_correct(logits, np.array([1, 1, 1, 1]), rounding=0.15)[2:], [1 / 2, 1 / 2])


@pytest.mark.parametrize("kernel", [np.zeros((30, 30)), np.eye(30)], ids=["zero", "identity"])
@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_a_kernel_that_knows_nothing_scores_chance(kernel, n_classes):
    _, targets, labels = classification(n_classes)
    found = select(decompose(kernel), targets - targets.mean(0), labels, [0.3, 1.0, 50.0, np.inf], [0.0, 0.1])
    np.testing.assert_allclose(found.accuracies, 1 / n_classes)
    np.testing.assert_allclose(found.correct, 1 / n_classes)


def test_least_loss_of_the_grid_is_chosen():
    kernel, targets, labels = classification()
    times, ridges = [np.inf, 0.1, 0.001], [0.01, 10.0, 1.0]
    logits0 = 0.1 * np.random.default_rng(3).normal(size=targets.shape)
    found = select(decompose(kernel), targets, labels, times, ridges, logits0=logits0)
    losses = {(t, r): loo_loss(leave_one_out_by_refit(kernel, targets - logits0, t, r)) for t in times for r in ridges}
    assert (found.time, found.ridge) == min(losses, key=lambda point: losses[point])
    assert found.loss == pytest.approx(min(losses.values()))
    assert found.loss == found.losses.min()
    slow = leave_one_out_by_refit(kernel, targets - logits0, found.time, found.ridge)
    assert_close(found.logits, targets - slow, condition=1000)
    assert found.accuracy == np.mean(np.argmax(targets - slow, 1) == labels)
    # the documented order of the grid: times up, ridges down
    grid = leave_one_out(decompose(kernel), targets - logits0, [0.001, 0.1, np.inf], [10.0, 1.0, 0.01])
    np.testing.assert_array_equal(found.losses, loo_loss(grid))
    np.testing.assert_array_equal(found.accuracies, loo_accuracy(targets - grid, labels))


def test_ties_go_to_the_earliest_time_and_the_largest_ridge():
    _, targets, labels = classification()
    found = select(decompose(np.eye(30)), targets, labels, [np.inf, 0.0], [0.1, 5.0])
    assert (found.time, found.ridge) == (0.0, 5.0)


def test_separated_classes_are_predicted_as_neighbours_are():
    kernel, targets, labels = classification(seed=1)
    found = select(decompose(kernel), targets, labels, [np.inf], [1e-2, 1.0, 100.0])
    features = np.linalg.cholesky(kernel + 1e-9 * np.eye(30))
    neighbours = cross_val_predict(KNeighborsClassifier(1), features, labels, cv=LeaveOneOut())
    assert found.accuracy >= np.mean(neighbours == labels) - 0.1
    assert found.accuracy > 0.8


@pytest.mark.parametrize("full", [False, True])
def test_with_folds_whole_folds_are_left_out_together(full):
    kernel, targets, labels = classification()
    if full:
        kernel = np.einsum("ij,cd->icjd", kernel, np.eye(3) + 0.2)
    folds = stratified_folds(labels, 10, seed=1)
    times, ridges = [3.0, np.inf], [0.1, 1.0]
    found = select(decompose(kernel), targets, labels, times, ridges, folds=folds)
    rows = np.arange(kernel.size**0.5).astype(int).reshape(30, -1)
    groups = [rows[folds == fold].ravel() for fold in range(10)]
    slow = targets - leave_groups_out(decompose(kernel), targets, groups, sorted(times), sorted(ridges, reverse=True))
    place = np.unravel_index(found.losses.argmin(), found.losses.shape)
    assert_close(found.logits, slow[place], condition=1000)
    assert_close(found.losses, loo_loss(targets - slow), condition=1000)
    assert not np.allclose(found.losses, select(decompose(kernel), targets, labels, times, ridges).losses, rtol=1e-3)


def test_several_matchings_are_averaged():
    kernel, targets, labels = classification()
    folds = matchings(labels, 3)
    times, ridges = [3.0, np.inf], [0.1, 1.0]
    found = select(decompose(kernel), targets, labels, times, ridges, folds=folds)
    each = [select(decompose(kernel), targets, labels, times, ridges, folds=row) for row in folds]
    assert_close(found.losses, np.mean([one.losses for one in each], 0))
    assert_close(found.accuracies, np.mean([one.accuracies for one in each], 0))
    assert found.accuracy == found.correct.mean()


def test_one_image_of_each_class_a_fold_has_no_bias_where_nothing_is_to_be_learned():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 10)
    targets = np.eye(2)[labels] - 0.5
    single, shot = [], []
    for seed in range(60):
        features = 10 + rng.normal(size=(20, 8))  # as real ones, mostly the same in all images
        spectrum = decompose(features @ features.T + 1)
        grid = (targets, labels, [np.inf], [1.0, 10.0, 100.0])
        single.append(select(spectrum, *grid).accuracy)
        shot.append(select(spectrum, *grid, folds=stratified_folds(labels, 10, seed=seed)).accuracy)
    assert np.mean(single) < 0.4
    assert abs(np.mean(shot) - 0.5) < 0.06


@pytest.mark.parametrize("labels", [np.full(13, 3), np.full(13, -1)])
def test_bad_labels(labels):
    _, residual0 = problem("full_rank")
    with pytest.raises(InputError, match=r"labels: give 13 numbers in 0 \.\. 2"):
        loo_correct(residual0, labels)


def test_bad_grid():
    kernel, targets, labels = classification()
    with pytest.raises(InputError, match="times"):
        select(decompose(kernel), targets, labels, [-1.0], [0.0])
