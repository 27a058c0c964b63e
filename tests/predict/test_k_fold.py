"""K-fold cross-validation against leave-one-out, leave-groups-out and scikit-learn."""

import numpy as np
import pytest
from problems import assert_close, full_kernel, linear_model, problem
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import PredefinedSplit, cross_val_predict

from lin_ft.errors import InputError
from lin_ft.predict import decompose, k_fold, leave_groups_out, leave_one_out, stratified_folds

GRID = ([0.0, 0.5, 30.0, np.inf], [0.0, 0.1])


@pytest.mark.parametrize("kind", ["full_rank", "low_rank", "duplicates"])
def test_one_fold_a_sample_is_leave_one_out(kind):
    kernel, residual0 = problem(kind)
    found = k_fold(kernel, residual0, np.arange(13), *GRID)
    assert_close(found, leave_one_out(decompose(kernel), residual0, *GRID), condition=100)


@pytest.mark.parametrize("kind", ["full_rank", "low_rank", "duplicates"])
def test_equals_leaving_groups_out(kind):
    kernel, residual0 = problem(kind)
    folds = np.arange(13) % 4
    groups = [np.flatnonzero(folds == fold) for fold in range(4)]
    found = k_fold(kernel, residual0, folds, *GRID)
    assert_close(leave_groups_out(decompose(kernel), residual0, groups, *GRID), found, condition=100)


def test_full_kernel():
    jacobian, _, logits0, _, targets = linear_model()
    kernel, residual0 = full_kernel(jacobian, jacobian), targets - logits0
    found = k_fold(kernel, residual0, np.arange(9), [5.0], [0.01])
    assert_close(leave_one_out(decompose(kernel), residual0, [5.0], [0.01]), found, condition=100)


def test_scikit_learn():
    kernel, targets = problem("full_rank")
    folds = np.arange(13) % 3
    model = KernelRidge(alpha=0.1, kernel="precomputed")
    theirs = cross_val_predict(model, kernel, targets, cv=PredefinedSplit(folds))
    found = targets - k_fold(kernel, targets, folds, ridges=[0.1])[0, 0]
    assert_close(found, theirs, condition=10)


@pytest.mark.parametrize("k", [2, 3, 7, 20])
def test_folds_spread_each_class_evenly(k):
    labels = np.random.default_rng(0).permutation(np.repeat([0, 1, 5], [11, 6, 3]))
    folds = stratified_folds(labels, k, seed=1)
    sizes = np.bincount(folds, minlength=k)
    assert sizes.max() - sizes.min() <= 1
    for label in (0, 1, 5):
        of_class = np.bincount(folds[labels == label], minlength=k)
        assert of_class.max() - of_class.min() <= 1
    np.testing.assert_array_equal(folds, stratified_folds(labels, k, seed=1))
    assert (folds != stratified_folds(labels, k, seed=2)).any()


def test_bad_input():
    kernel, residual0 = problem("full_rank")
    with pytest.raises(InputError, match="at least two"):
        k_fold(kernel, residual0, np.zeros(13, int))
    with pytest.raises(InputError, match="does not go with"):
        k_fold(kernel[:5, :5], residual0, np.arange(13))
    with pytest.raises(InputError, match="folds of 13"):
        stratified_folds(np.zeros(13, int), 14)
    with pytest.raises(InputError, match="1 folds"):
        stratified_folds(np.zeros(13, int), 1)
