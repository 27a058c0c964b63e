"""Projected rows: exact where nothing is lost, unbiased with the variance that the docstring states, checked norms."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import conv_net, images

from lin_ft.errors import InputError
from lin_ft.kernels import gram, project, whole_jacobian_gram
from lin_ft.kernels.sketch import KINDS, Projection


@pytest.mark.parametrize("kind", KINDS)
def test_unbiased_with_the_variance_of_the_docstring(kind):
    rng = np.random.default_rng(0)
    g, h = rng.normal(size=(2, 60)) + 0.3
    k = 20
    products = []
    for seed in range(600):
        a, b = project(np.stack([g, h]), k, kind=kind, key=jax.random.key(seed))
        products.append(a @ b)
    error = np.std(products) / np.sqrt(len(products))
    assert abs(np.mean(products) - g @ h) < 4 * error
    assert np.var(products) < 1.3 * ((g @ g) * (h @ h) + (g @ h) ** 2) / k
    assert np.var(products) > 0.3 * (g @ g) * (h @ h) / k, "a projection, not the rows themselves"


@settings(deadline=None, max_examples=20)
@given(kind=st.sampled_from(KINDS), k=st.integers(1, 40), length=st.integers(1, 80), factor=st.floats(-3, 3, width=32))
def test_linear_the_same_for_the_same_key_and_exact_in_enough_dimensions(kind, k, length, factor):
    rows = np.random.default_rng(length).normal(size=(3, length))
    key = jax.random.key(k)
    projected = project(rows, k, kind=kind, key=key)
    assert projected.shape == (3, min(k, length))
    np.testing.assert_array_equal(projected[:2], project(rows[:2], k, kind=kind, key=key))
    np.testing.assert_allclose(project(factor * rows, k, kind=kind, key=key), factor * projected, atol=1e-10)
    if length <= k:
        np.testing.assert_array_equal(projected, rows)


@pytest.mark.parametrize("output", ["trace", "full"])
@pytest.mark.parametrize("trainable", ["all", "norm", "head"])
def test_as_a_method_it_is_exact_in_enough_dimensions(output, trainable):
    apply, params = conv_net()
    x1, x2 = images(7), images(5, seed=1)
    for other in (None, x2):
        expected = gram(apply, params, x1, other, output=output, trainable=trainable, method="jacobian")
        found = gram(
            apply, params, x1, other, output=output, trainable=trainable, method="sketch", dimension=10**6, block_size=3
        )
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_as_a_method_it_is_unbiased(kind):
    apply, params = conv_net()
    x1, x2 = images(4), images(3, seed=1)
    expected = np.einsum("icjc->ij", np.asarray(whole_jacobian_gram(apply, params, x1, x2))) / 3
    many = [
        gram(apply, params, x1, x2, method="sketch", dimension=64, kind=kind, key=jax.random.key(seed))
        for seed in range(60)
    ]
    error = np.std(many, 0) / np.sqrt(len(many))
    assert (np.abs(np.mean(many, 0) - expected) < 5 * error).all()
    assert error.max() > 0, "random"


def test_blocks_and_memory_limit_do_not_change_the_sketch():
    apply, params = conv_net()
    key = jax.random.key(3)
    expected = gram(apply, params, images(7), method="sketch", dimension=30, key=key)
    found = gram(apply, params, images(7), method="sketch", dimension=30, key=key, block_size=2, memory_limit=40_000)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_dense_entries_are_one_over_the_root_of_the_dimension():
    entries = project(np.eye(3, 500), 7, kind="rademacher")
    np.testing.assert_allclose(np.abs(entries), 7**-0.5, rtol=1e-12)


@pytest.mark.parametrize("factor", [0.0, 0.5, 2.0])
def test_a_projection_that_loses_the_norm_is_noticed(factor):
    projection = Projection([300, 200], 100)
    projection._turns = [(factor * signs, shifts) for signs, shifts in projection._turns]
    with pytest.raises(RuntimeError, match="squared norm"):
        projection([np.ones((2, 300)), np.ones((2, 200))])


@pytest.mark.parametrize("kind", KINDS)
def test_parts_are_projected_as_the_joined_rows_by_one_fixed_matrix(kind):
    """The matrix itself, from the unit vectors: sparse has one entry of ±1 a column, no two of a block in one row."""
    sizes, k = (25, 3, 12), 10
    projection = Projection(sizes, k, kind=kind)
    cuts = np.cumsum(sizes)[:-1]
    matrix = projection(np.split(np.eye(40), cuts, axis=1))  # (P, k)
    rows = np.random.default_rng(0).normal(size=(5, 40))
    np.testing.assert_allclose(projection(np.split(rows, cuts, axis=1)), rows @ matrix, rtol=1e-10, atol=1e-12)
    if kind == "sparse":
        assert set(np.abs(matrix).sum(1)) == {1.0}
        assert set(matrix.ravel()) == {-1.0, 0.0, 1.0}
        for start, stop in ((0, 10), (10, 20), (20, 25), (25, 28), (28, 38), (38, 40)):
            assert np.abs(matrix[start:stop]).sum(0).max() == 1
        assert len({tuple(np.abs(matrix[start : start + 10]).argmax(1)) for start in (0, 10, 28)}) > 1, "turned"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "fourier"}, "Unknown projection 'fourier'"),
        ({"dimension": 0}, "at least 1 dimension"),
        ({"probes": 2}, "no option probes; known are dimension, kind, key"),
        ({"memory_limit": 10}, "too small; the least that works"),
    ],
)
def test_bad_options_are_one_sentence(options, message):
    apply, params = conv_net()
    with pytest.raises(InputError, match=message):
        gram(apply, params, images(3), method="sketch", **options)
