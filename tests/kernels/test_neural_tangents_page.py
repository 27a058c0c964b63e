"""docs/neural_tangents.md: both cells of every row of its tables are evaluated and compared."""

import doctest
import re
from importlib.util import find_spec
from pathlib import Path

import jax
import numpy as np
import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "neural_tangents.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\d+) \| `(.+?)`(?: \(.*\))? \| `(.+)` \|$", PAGE, flags=re.MULTILINE)
NEEDED = pytest.mark.skipif(find_spec("neural_tangents") is None, reason="neural-tangents is not installed")


@pytest.fixture(scope="module")
def names():
    """What the page's blocks define, and neural-tangents."""
    from lin_ft.kernels.neural_tangents import library

    test, names = doctest.DocTestParser().get_doctest(PAGE, {}, "page", None, 0), {}
    with jax.enable_x64(False):
        for example in test.examples:
            exec(example.source, names)
    return {**names, "nt": library()}


def test_every_row_is_found():
    assert [int(number) for number, *_ in ROWS] == list(range(1, 23))
    assert PAGE.count("\n| ") == len(ROWS) + 2 * 2  # and the heads of two tables


@NEEDED
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("theirs", "ours"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_both_sides_of_a_row_agree(theirs, ours, names):
    with jax.enable_x64(False):  # as a reader's session is
        left, right = (np.asarray(eval(cell, names)) for cell in (theirs, ours))
    assert left.shape == right.shape
    np.testing.assert_allclose(right, left, rtol=1e-4, atol=1e-5 * np.abs(left).max())
