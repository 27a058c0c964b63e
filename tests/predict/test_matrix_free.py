"""Conjugate gradients against the direct solve; Theta v by Jacobian products, never formed."""

import numpy as np
import pytest
from problems import full_kernel, linear_model, problem

from lin_ft.errors import InputError
from lin_ft.predict import decompose, dual_coefficients, ridge_coefficients_by_cg


def test_equals_the_decomposition():
    jacobian, _, logits0, _, targets = linear_model(n=12, n_params=40)
    residual0 = targets - logits0

    def matvec(v):
        return jacobian @ np.einsum("icp,ic->p", jacobian, v)

    found = ridge_coefficients_by_cg(matvec, residual0, 0.01, rtol=1e-12)
    spectrum = decompose(full_kernel(jacobian, jacobian))
    expected = dual_coefficients(spectrum, residual0, ridges=[0.01])[0, 0].reshape(residual0.shape)
    np.testing.assert_allclose(found, expected, atol=1e-9 * np.abs(expected).max())


def test_says_how_far_it_came():
    kernel, residual0 = problem("wide_range")
    with pytest.raises(InputError, match=r"residual .* after 2 iterations"):
        ridge_coefficients_by_cg(lambda v: kernel @ v, residual0, 1e-9, max_iterations=2)


def test_bad_input():
    kernel, residual0 = problem("full_rank")
    with pytest.raises(InputError, match="positive ridge"):
        ridge_coefficients_by_cg(lambda v: kernel @ v, residual0, 0.0)
    with pytest.raises(InputError, match="matvec"):
        ridge_coefficients_by_cg(lambda v: v[:3], residual0, 0.1)
    with pytest.raises(InputError, match="matvec"):
        ridge_coefficients_by_cg(lambda v: v * np.nan, residual0, 0.1)
