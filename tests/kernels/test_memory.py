"""The plan of blocks keeps to its limit, and sums are made of few combinations where not all rows fit."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from networks import conv_net, images

from lin_ft.kernels import contraction, gram, memory


@given(
    row=st.integers(1, 10**7),
    working=st.integers(1, 10**7),
    limit=st.integers(1, 10**9),
    left=st.integers(1, 3000),
    right=st.integers(0, 3000),
    count=st.integers(1, 100),
    block_size=st.integers(1, 128),
)
@example(row=10, working=10, limit=38, left=7, right=5, count=3, block_size=64)
@example(row=2_690_000, working=3_000_000, limit=2**28, left=64, right=0, count=10, block_size=64)
def test_a_plan_holds_no_more_than_the_limit(row, working, limit, left, right, count, block_size):
    assume(memory.fits(row, working, limit))
    chunk, length, held, beside = memory.plan_blocks(row, working, (left, right), count, block_size, limit)
    assert 1 <= chunk <= length
    assert length % chunk == 0
    assert held >= 1
    assert beside >= 1
    all_held = held * length >= left and not right
    rows = (held + (0 if all_held else beside)) * length + (chunk if chunk < length else 0)
    if length > 1 or held > 1:  # else: two rows, the least
        assert rows * row + chunk * working <= memory.USABLE * limit


def sizes(row_of_one_combination, working_of_one=0):
    def fake(method, shared, x):
        count = len(shared[3])
        return count * row_of_one_combination, max(1, count * working_of_one)

    return fake


@pytest.mark.parametrize(("limit_in_rows", "expected"), [(10_000, 10), (60, 5), (35, 4), (25, 3), (13, 1), (6, 1)])
def test_as_many_combinations_as_fit_with_all_rows(limit_in_rows, expected, monkeypatch):
    """8 examples of 10 combinations, 100 bytes each: what is made in one chunk needs no room to be appended."""
    monkeypatch.setattr(memory, "row_bytes", sizes(100))
    limit = int(100 * limit_in_rows / memory.USABLE) + 1
    shared = (None, None, None, np.eye(10))
    assert memory.combinations_at_once(None, shared, np.zeros((8, 1)), (8, 0), 8, limit) == expected


def test_few_combinations_at_a_time_give_the_same_trace(monkeypatch):
    apply, params = conv_net()
    x1, x2 = images(7), images(5, seed=1)
    expected = gram(apply, params, x1, method="structured"), gram(apply, params, x1, x2, method="structured")
    for size in (1, 2):
        from lin_ft.kernels import blocks

        asked = []
        monkeypatch.setattr(blocks, "combinations_at_once", lambda *a, size=size, asked=asked: asked.append(1) or size)
        for other, kernel in zip((None, x2), expected, strict=True):
            again = gram(apply, params, x1, other, method="structured")
            np.testing.assert_allclose(again, kernel, rtol=1e-12)
        assert len(asked) == 2


@pytest.mark.parametrize("width", [1, 31, 32, 100])
def test_long_products_in_slices(width, monkeypatch):
    monkeypatch.setattr(contraction, "SLICE", 8)
    rng = np.random.default_rng(width)
    a, b = rng.normal(size=(3, width)), rng.normal(size=(4, width))
    np.testing.assert_allclose(contraction._inner(jnp.asarray(a), jnp.asarray(b)), a @ b.T, rtol=1e-12, atol=1e-12)


def test_the_least_limit_counts_what_xla_holds_too():
    """A fifth of the limit is left alone: 2 rows and a reverse pass of 80 bytes need 100."""
    assert memory.fits(30, 20, 100)
    assert not memory.fits(30, 20, 99)
