"""Short cuts of PARC, GBC, NCTI and k-NN against the plain way: partial decompositions, ranks of a part, partitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import spearmanr

from lin_ft import scores
from lin_ft.scores import principal_components as pca
from lin_ft.scores.dissimilarity import spearman_of_part
from lin_ft.scores.nearest_neighbours import _nearest


def decaying(n, d, power=0.5):
    """Features whose standard deviations fall as a power of their number, of mean 3."""
    return np.random.default_rng(0).normal(size=(n, d)) * np.arange(1, d + 1) ** -power + 3


@pytest.mark.parametrize(("n", "d"), [(250, 300), (300, 250)])
def test_lanczos_gives_the_leading_components(n, d):
    """Their squares, and their Gram matrix, which signs leave alone; a mean above the deviation does not disturb."""
    phi = decaying(n, d)
    x = phi - phi.mean(0)
    assert pca._by_lanczos(x if n < d else x.T, 8) is not None
    found = pca.principal_components(phi, 8)
    u, s, _ = np.linalg.svd(x, full_matrices=False)
    expected = (u * s)[:, :8]
    np.testing.assert_allclose(np.sum(found**2, axis=0), s[:8] ** 2, rtol=1e-9)
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=1e-5 * s[0] ** 2 / n)


@pytest.mark.parametrize("power", [0.0, 4.0])
def test_where_lanczos_does_not_converge_the_gram_matrix_decides(power):
    """No decay: too slow for the steps. Fast decay: beyond the digits of float32."""
    x = decaying(250, 300, power)
    x = x - x.mean(0)
    assert pca._by_lanczos(x, 8) is None
    squares = np.linalg.svd(x, compute_uv=False)[:8] ** 2
    found = pca.principal_components(x, 8)
    np.testing.assert_allclose(np.sum(found**2, axis=0), squares, rtol=1e-9, atol=1e-13 * squares[0])


def test_scores_from_leading_components_are_those_from_all():
    rng = np.random.default_rng(1)
    y = np.arange(250) % 10
    phi = decaying(250, 300) + 0.7 * rng.normal(size=(10, 300))[y] * np.arange(1, 301) ** -0.5
    assert pca._by_lanczos(phi - phi.mean(0), 8) is not None
    svd = scores.thin_svd(phi)
    for function in (scores.gbc, scores.parc, scores.ncti_parts):
        alone, shared = function(phi, y, dimensions=8), function(phi, y, dimensions=8, svd=svd)
        assert alone == pytest.approx(shared, rel=1e-6)


@settings(max_examples=50, deadline=None)
@given(
    values=hnp.arrays(np.float64, st.integers(2, 40), elements=st.integers(-3, 3)),
    seed=st.integers(0, 99),
)
def test_spearman_of_part_is_that_of_all_ranks(values, seed):
    chosen = np.random.default_rng(seed).random(len(values)) < 0.4
    found = spearman_of_part(values, values[chosen])
    if np.ptp(values) == 0 or chosen.all() or not chosen.any():
        assert found == 0
    else:
        assert found == pytest.approx(spearmanr(values, chosen)[0], abs=1e-12)


@pytest.mark.parametrize("k", [1, 3, 4, 5, 8, 11])
def test_nearest_is_the_start_of_a_stable_sort(k):
    """Few different values, so that many tie at the cut."""
    rng = np.random.default_rng(k)
    for _ in range(20):
        nearness = rng.integers(-2, 3, (12, 12)).astype(np.float64)
        off = np.where(np.eye(12, dtype=bool), -np.inf, nearness)
        expected = np.argsort(-off, axis=1, kind="stable")[:, :k]
        np.testing.assert_array_equal(_nearest(nearness, k), expected)
