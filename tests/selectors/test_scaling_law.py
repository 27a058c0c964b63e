"""Scaling laws: known parameters come back, and losses beyond the data are read off rightly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lin_ft.errors import InputError
from lin_ft.selectors import ScalingLaw, fit_scaling_law, power_law

SIZES = np.asarray([10.0, 30, 100, 300, 1000, 3000])


@settings(max_examples=6, deadline=None)
@given(st.floats(0.3, 1.5), st.floats(1, 300), st.floats(0.05, 0.5))
def test_the_rectified_law_extrapolates_its_own_kind(exponent, pretrained, floor):
    law = ScalingLaw(scale=0.5 * pretrained + 2, pretrained=pretrained, exponent=exponent, floor=floor, residual=0.0)
    fitted = fit_scaling_law(SIZES, np.asarray(law(SIZES)))
    assert fitted.residual < 1e-2
    assert fitted(10_000.0) == pytest.approx(law(10_000.0), rel=0.15)


def test_a_flat_start_is_what_the_power_law_misses():
    law = ScalingLaw(scale=200.0, pretrained=400.0, exponent=0.9, floor=0.02, residual=0.0)
    losses = np.asarray(law(SIZES))
    rectified, plain = fit_scaling_law(SIZES, losses), power_law(SIZES, losses)
    truth = law(30_000.0)
    assert abs(rectified(30_000.0) - truth) < 0.2 * abs(plain(30_000.0) - truth)


def test_the_law_falls_and_never_below_its_floor():
    losses = np.asarray([0.9, 0.8, 0.55, 0.5, 0.3, 0.28])
    law = fit_scaling_law(SIZES, losses)
    values = np.asarray(law(np.geomspace(1, 1e6, 50)))
    assert (np.diff(values) <= 0).all()
    assert values.min() >= law.floor > 0


def test_power_law_is_a_line_in_log_log():
    law = power_law(np.asarray([10.0, 1000.0]), np.asarray([0.5, 0.05]))
    assert (law.exponent, law.pretrained, law.floor) == (pytest.approx(0.5), 0.0, 0.0)
    assert law(100_000.0) == pytest.approx(0.005)
    assert power_law(np.asarray([10.0, 1000.0]), np.asarray([0.1, 0.2])).exponent == 0
    assert power_law(np.asarray([100.0]), np.asarray([0.2]), exponent=0.5)(400.0) == pytest.approx(0.1)
    assert fit_scaling_law(np.asarray([10.0, 1000.0]), np.asarray([0.5, 0.05])) == law


@pytest.mark.parametrize(
    ("sizes", "losses", "message"),
    [
        ([10.0], [0.5], "2 sizes at least"),
        ([10.0, 10.0], [0.5, 0.4], "2 sizes at least"),
        ([0.0, 20.0], [0.5, 0.4], "from 1 on"),
        ([10.0, 20.0], [0.5, 0.0], "above 0"),
        ([10.0, 20.0], [0.5, np.nan], "above 0"),
    ],
)
def test_bad_input(sizes, losses, message):
    with pytest.raises(InputError, match=message):
        fit_scaling_law(np.asarray(sizes), np.asarray(losses))
