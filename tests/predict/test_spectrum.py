"""The eigendecomposition: what it keeps, what it refuses, and the quantities read off it."""

import numpy as np
import pytest
from problems import KERNELS, assert_close, problem

from lin_ft.errors import InputError
from lin_ft.predict import decompose


@pytest.mark.parametrize("kind", KERNELS)
def test_rebuilds_the_kernel(kind):
    kernel, _ = problem(kind)
    spectrum = decompose(kernel)
    v = spectrum.eigenvectors
    assert_close((v * spectrum.eigenvalues) @ v.T, kernel)
    assert_close(v.T @ v, np.eye(len(kernel)))
    assert (spectrum.eigenvalues >= 0).all()


@pytest.mark.parametrize(("kind", "rank"), [("full_rank", 13), ("low_rank", 3), ("duplicates", 11), ("zero", 0)])
def test_rounding_is_no_rank(kind, rank):
    kernel, _ = problem(kind)
    assert np.sum(decompose(1e7 * kernel).eigenvalues > 0) == rank


def test_effective_dimension_is_the_trace_of_the_smoother():
    kernel, _ = problem("low_rank")
    smoother = kernel @ np.linalg.inv(kernel + 0.1 * np.eye(13))
    assert_close(decompose(kernel).effective_dimension(0.1), np.trace(smoother), condition=10)
    assert decompose(kernel).effective_dimension(1e-12) == pytest.approx(3)


def test_label_energy_adds_up():
    kernel, residual0 = problem("full_rank")
    energy = decompose(kernel).label_energy(residual0)
    assert_close(energy.sum(), np.sum(residual0**2))
    assert_close(energy @ decompose(kernel).eigenvalues, np.sum(residual0 * (kernel @ residual0)))


def test_full_kernel_of_shared_outputs_has_each_eigenvalue_c_times():
    kernel, residual0 = problem("full_rank", n=5)
    full = np.einsum("ij,cd->icjd", kernel, np.eye(3))
    assert_close(decompose(full).eigenvalues, np.repeat(decompose(kernel).eigenvalues, 3))
    assert_close(decompose(full).label_energy(residual0).sum(), np.sum(residual0**2))


def test_scale_is_the_mean_eigenvalue():
    kernel, _ = problem("duplicates")
    assert_close(decompose(kernel).scale, np.trace(kernel) / len(kernel))
    assert decompose(0 * kernel).scale == 1


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda k: k[:4], "shape"),
        (lambda k: k[None], "shape"),
        (lambda k: k[:0, :0], "shape"),
        (lambda k: k + np.triu(np.full_like(k, 0.1), 1), r"not symmetric \(entries differ by 0\.1"),
        (lambda k: k - 0.5 * np.eye(len(k)), r"not positive semi-definite \(eigenvalues -0\.394 to"),
        (lambda k: np.where(np.eye(len(k)) > 0, np.nan, k), "NaN"),
        (lambda k: np.where(np.eye(len(k)) > 0, np.inf, k), "NaN or infinite"),
    ],
)
def test_bad_kernels(spoil, message):
    kernel, _ = problem("full_rank")
    with pytest.raises(InputError, match=message):
        decompose(spoil(kernel))


def test_float32_rounding_is_forgiven():
    kernel, _ = problem("low_rank")
    noisy = kernel.astype(np.float32)
    assert (decompose(noisy).eigenvalues >= 0).all()
    assert_close(
        np.sort(decompose(noisy).eigenvalues)[-3:],
        decompose(kernel).eigenvalues[-3:],
        condition=2.0**29,
    )


def test_effective_dimension_needs_a_ridge():
    with pytest.raises(InputError, match="positive ridge"):
        decompose(problem("full_rank")[0]).effective_dimension(0.0)


def test_targets_of_another_size():
    spectrum = decompose(problem("full_rank")[0])
    with pytest.raises(InputError, match="does not go with"):
        spectrum.label_energy(np.zeros((7, 2)))
    with pytest.raises(InputError, match="NaN"):
        spectrum.label_energy(np.full((13, 2), np.nan))
