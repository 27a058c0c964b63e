"""Leave-one-out along gradient flow against refits: by the slow twin, by matrix exponentials, by scikit-learn."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from problems import KERNELS, assert_close, full_kernel, linear_model, problem
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import LeaveOneOut, cross_val_predict

from lin_ft.errors import InputError
from lin_ft.predict import decompose, leave_groups_out, leave_one_out, leave_one_out_by_refit


@pytest.mark.parametrize("ridge", [0.0, 0.01])
@pytest.mark.parametrize("time", [1e-9, 0.1, 3.0, 1e3])
@pytest.mark.parametrize("kind", KERNELS)
def test_refits(kind, time, ridge):
    kernel, residual0 = problem(kind)
    fast = leave_one_out(decompose(kernel), residual0, [time], [ridge])[0, 0]
    slow = leave_one_out_by_refit(kernel, residual0, time, ridge)
    assert_close(fast, slow, condition=3 + 0.01 / (ridge + 1 / time))
    np.testing.assert_allclose(fast, slow, rtol=0, atol=1e-8 * np.abs(slow).max())


@pytest.mark.parametrize("time", [1e6, 1e12, 1e16, 1e30, np.inf])
@pytest.mark.parametrize("kind", ["full_rank", "low_rank", "duplicates", "blocks", "zero"])
def test_refits_at_long_times_of_singular_kernels(kind, time):
    """The null space is exact, so time amplifies no rounding."""
    kernel, residual0 = problem(kind, n=24)
    fast = leave_one_out(decompose(kernel), residual0, [time])[0, 0]
    assert_close(fast, leave_one_out_by_refit(kernel, residual0, time), condition=10)


@pytest.mark.parametrize("time", [0.01, 1.0, 1e4, np.inf])
def test_twelve_orders_of_magnitude_of_eigenvalues(time):
    kernel, residual0 = problem("wide_range", n=24)
    for ridge in (1e-5, 1.0):
        fast = leave_one_out(decompose(kernel), residual0, [time], [ridge])[0, 0]
        slow = leave_one_out_by_refit(kernel, residual0, time, ridge)
        assert_close(fast, slow, condition=3 + 0.01 / (ridge + 1 / time))


@pytest.mark.parametrize("kind", KERNELS)
def test_the_twin_against_matrix_exponentials(kind):
    """Independent of any eigendecomposition."""
    kernel, residual0 = problem(kind, n=8)
    time, ridge = 7.0, 0.02
    twin = leave_one_out_by_refit(kernel, residual0, time, ridge)
    for i in range(8):
        kept = np.delete(np.arange(8), i)
        a = kernel[np.ix_(kept, kept)] + ridge * np.eye(7)
        system = np.block([[-a, residual0[kept]], [np.zeros((3, 10))]])
        alpha = scipy.linalg.expm(system * time)[:7, 7:]
        assert_close(twin[i], residual0[i] - kernel[i, kept] @ alpha, condition=10)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    features=hnp.arrays(np.int64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=7), elements=st.integers(-3, 3)),
    n_classes=st.integers(1, 5),
    exponent=st.integers(-8, 8),
    log_time=st.floats(-6, 5),
    ridge=st.sampled_from([0.0, 1e-4, 1.0]),
)
def test_any_kernel(features, n_classes, exponent, log_time, ridge):
    """Integer features: duplicated rows, zero rows and rank deficiency are common; kernels of any unit."""
    unit = 10.0**exponent
    kernel = unit * (features @ features.T).astype(np.float64)
    residual0 = np.cos(np.arange(len(features) * n_classes)).reshape(len(features), n_classes)
    time = 10.0**log_time / (unit * max(1.0, np.trace(kernel) / unit))
    largest = np.linalg.norm(kernel, 2)
    alone = len(features) == 1  # nothing is left to learn from
    slow = residual0 if alone else leave_one_out_by_refit(kernel, residual0, time, ridge * unit)
    fast = leave_one_out(decompose(kernel), residual0, [time], [ridge * unit])[0, 0]
    size = max(np.abs(slow).max(), np.abs(residual0).max())
    assert_close(fast, slow, condition=5 + 0.1 * largest / (ridge * unit + 1 / time), size=size)


def test_scikit_learn():
    kernel, targets = problem("full_rank")
    model = KernelRidge(alpha=0.1, kernel="precomputed")
    theirs = cross_val_predict(model, kernel, targets, cv=LeaveOneOut())
    found = targets - leave_one_out(decompose(kernel), targets, ridges=[0.1])[0, 0]
    assert_close(found, theirs, condition=10)


def test_fewer_samples_than_classes():
    kernel, residual0 = problem("full_rank", n=3, n_classes=7)
    fast = leave_one_out(decompose(kernel), residual0, [2.0])[0, 0]
    assert_close(fast, leave_one_out_by_refit(kernel, residual0, 2.0))


@pytest.mark.parametrize(("time", "ridge"), [(0.5, 0.0), (20.0, 0.1), (np.inf, 0.1), (np.inf, 0.0)])
@pytest.mark.parametrize("n_params", [12, 60])
def test_full_kernel_leaves_out_all_outputs_of_a_sample(time, ridge, n_params):
    """12 parameters: a kernel of rank 12 of 27 rows."""
    jacobian, _, logits0, _, targets = linear_model(n_params=n_params)
    kernel, residual0 = full_kernel(jacobian, jacobian), targets - logits0
    fast = leave_one_out(decompose(kernel), residual0, [time], [ridge])[0, 0]
    assert_close(fast, leave_one_out_by_refit(kernel, residual0, time, ridge), condition=1000)


def test_full_kernel_of_shared_outputs():
    kernel, residual0 = problem("full_rank", n=6)
    full = np.einsum("ij,cd->icjd", kernel, np.eye(3))
    args = ([0.0, 1.0, 50.0, np.inf], [0.0, 0.1])
    shared = leave_one_out(decompose(kernel), residual0, *args)
    assert_close(leave_one_out(decompose(full), residual0, *args), shared, condition=10)


def test_grid_is_the_points_one_by_one():
    kernel, residual0 = problem("duplicates")
    times, ridges = [0.0, 0.5, 30.0, np.inf], [0.0, 0.1]
    grid = leave_one_out(decompose(kernel), residual0, times, ridges)
    for i, time in enumerate(times):
        for j, ridge in enumerate(ridges):
            assert_close(grid[i, j], leave_one_out_by_refit(kernel, residual0, time, ridge), condition=10)
    np.testing.assert_array_equal(grid[0], np.stack([residual0, residual0]))


def test_order_of_samples_and_rotation_of_outputs_do_not_matter():
    kernel, residual0 = problem("full_rank")
    rng = np.random.default_rng(2)
    order, rotation = rng.permutation(13), np.linalg.qr(rng.normal(size=(3, 3)))[0]
    plain = leave_one_out(decompose(kernel), residual0, [5.0])[0, 0]
    shuffled = leave_one_out(decompose(kernel[np.ix_(order, order)]), residual0[order], [5.0])[0, 0]
    assert_close(shuffled, plain[order])
    assert_close(leave_one_out(decompose(kernel), residual0 @ rotation, [5.0])[0, 0], plain @ rotation)


def test_the_own_target_never_matters():
    """Changing Y_i changes the residual at i by that much, and the prediction at i not at all."""
    kernel, residual0 = problem("full_rank")
    other = residual0.copy()
    other[4] += 7
    one, two = (leave_one_out(decompose(kernel), r, [5.0], [0.01])[0, 0, 4] for r in (residual0, other))
    assert_close(two - one, np.full(3, 7.0))


def test_twelve_nodes_are_the_right_number():
    kernel, residual0 = problem("full_rank")
    slow = leave_one_out_by_refit(kernel, residual0, 10.0)
    errors = {
        nodes: np.abs(leave_one_out(decompose(kernel), residual0, [10.0], nodes=nodes)[0, 0] - slow).max()
        for nodes in (4, 8, 12)
    }
    assert errors[4] > 100 * errors[8] > 1e4 * errors[12]  # 3.89^-8 = 2e-5 each step


@pytest.mark.parametrize("ridge", [0.0, 0.05])
@pytest.mark.parametrize("time", [0.0, 0.4, 30.0, np.inf])
def test_groups(time, ridge):
    """Rows of a group together, and rows of none are NaN."""
    kernel, residual0 = problem("full_rank", n=10)
    groups = [np.array([0, 3, 4]), np.array([7])]
    found = leave_groups_out(decompose(kernel), residual0, groups, [time], [ridge])[0, 0]
    for held in groups:
        kept = np.setdiff1d(np.arange(10), held)
        a = kernel[np.ix_(kept, kept)] + ridge * np.eye(len(kept))
        values, vectors = np.linalg.eigh(a)
        filtered = (1 - np.exp(-values * time)) / values
        alpha = vectors @ (filtered[:, None] * (vectors.T @ residual0[kept]))
        assert_close(found[held], residual0[held] - kernel[np.ix_(held, kept)] @ alpha, condition=100)
    assert np.isnan(found[[1, 2, 5, 6, 8, 9]]).all()


def test_bad_input():
    kernel, residual0 = problem("full_rank")
    spectrum = decompose(kernel)
    with pytest.raises(InputError, match="does not go with"):
        leave_one_out(spectrum, residual0[:5])
    with pytest.raises(InputError, match="NaN"):
        leave_one_out(spectrum, residual0 * np.nan)
    with pytest.raises(InputError, match="ridges"):
        leave_one_out(spectrum, residual0, ridges=[-1.0])
    with pytest.raises(InputError, match="one group only"):
        leave_groups_out(spectrum, residual0, [np.array([0, 1]), np.array([1])])
    with pytest.raises(InputError, match="one group only"):
        leave_groups_out(spectrum, residual0, [np.array([13])])
