"""One image of each class left out at a time, from one decomposition, against refits of every fold."""

import numpy as np
import pytest
from problems import KERNELS, assert_close, full_kernel, linear_model, problem

from lin_ft.errors import InputError
from lin_ft.predict import decompose, k_fold, leave_folds_out, leave_groups_out, matchings

TIMES, RIDGES = [0.0, 0.3, 20.0, np.inf], [0.1, 0.02]


@pytest.mark.parametrize("kind", KERNELS)
def test_refits_of_every_fold_and_matching(kind):
    kernel, residual0 = problem(kind, n=12)
    folds = matchings(np.arange(12) % 3, 3)
    fast = leave_folds_out(decompose(kernel), residual0, folds, TIMES, RIDGES)
    slow = np.stack([k_fold(kernel, residual0, row, TIMES, RIDGES) for row in folds])
    assert_close(fast, slow, condition=20)


def test_no_ridge_and_no_end_of_training():
    kernel, residual0 = problem("full_rank", n=12)
    folds = matchings(np.arange(12) % 3, 2)
    fast = leave_folds_out(decompose(kernel), residual0, folds)
    assert_close(fast, np.stack([k_fold(kernel, residual0, row) for row in folds]), condition=2000)


def test_full_kernel():
    jacobian, _, logits0, _, targets = linear_model(n=8)
    kernel, residual0 = full_kernel(jacobian, jacobian), targets - logits0
    folds = matchings(np.arange(8) % 2, 2)
    fast = leave_folds_out(decompose(kernel), residual0, folds, TIMES, RIDGES)
    slow = np.stack([k_fold(kernel, residual0, row, TIMES, RIDGES) for row in folds])
    assert_close(fast, slow, condition=20)


def test_little_memory_gives_the_same(monkeypatch):
    kernel, residual0 = problem("full_rank", n=12)
    folds = matchings(np.arange(12) % 3, 2)
    whole = leave_folds_out(decompose(kernel), residual0, folds, TIMES, RIDGES)
    monkeypatch.setattr("lin_ft.predict.leave_out.AT_ONCE", 200)
    assert_close(leave_folds_out(decompose(kernel), residual0, folds, TIMES, RIDGES), whole, condition=10)


def test_it_is_leave_groups_out_of_each_matching():
    kernel, residual0 = problem("full_rank", n=12)
    (folds,) = matchings(np.arange(12) % 3, 1)
    groups = [np.flatnonzero(folds == fold) for fold in range(4)]
    found = leave_folds_out(decompose(kernel), residual0, folds[None], TIMES, RIDGES)[0]
    assert_close(leave_groups_out(decompose(kernel), residual0, groups, TIMES, RIDGES), found)


def test_matchings_hold_one_image_of_each_class_a_fold():
    labels = np.repeat([2, 0, 1], [4, 4, 2])
    folds = matchings(labels, 5, seed=3)
    assert folds.shape == (5, 10)
    assert len({tuple(row) for row in folds.tolist()}) == 5
    np.testing.assert_array_equal(folds, matchings(labels, 5, seed=3))
    for row in folds:
        for fold in range(4):
            counts = np.bincount(labels[row == fold], minlength=3)
            assert counts.max() == 1
            assert counts[[0, 2]].min() == 1


def test_bad_input():
    kernel, residual0 = problem("full_rank", n=12)
    with pytest.raises(InputError, match="one image a class"):
        matchings(np.arange(5), 3)
    with pytest.raises(InputError, match="0 matchings"):
        matchings(np.zeros(5, int), 0)
    with pytest.raises(InputError, match="folds: give rows"):
        leave_folds_out(decompose(kernel), residual0, np.zeros((1, 12), int))
