"""Accuracy by the number of images: parts of one kernel against plain refits, and what is learned from them."""

import json

import numpy as np
import pytest

from lin_ft.errors import InputError
from lin_ft.gain.curve import (
    LEVEL,
    Growth,
    curve,
    fit_growth,
    from_z,
    load_growth,
    parts_of,
    save_growth,
    slope_of,
    to_z,
)  # fmt: skip

GROWTH = {
    0.25: Growth(-1.0, -0.5, 0.3),
    0.5: Growth(-0.5, -0.3, 0.2),
    2.0: Growth(0.4, 0.2, 0.3),
    4.0: Growth(0.8, 0.3, 0.5),
}


def problem(shots=16, n_classes=3, apart=1.5, seed=0):
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(n_classes), shots)
    x = rng.normal(size=(len(y), 12)) + apart * np.eye(12)[y]
    return x @ x.T + 1, y


def test_more_images_are_more_accurate_and_fractions_are_those_trained_on():
    kernel, y = problem()
    parts = parts_of(kernel, y)
    assert list(parts) == [0.25, 0.5, 1 - 3 / 48]
    assert parts[0.25] < parts[0.5] < parts[1 - 3 / 48]
    assert slope_of(parts, 3, 48) > 0


def test_parts_reach_what_samples_of_their_size_reach_on_fresh_images(monkeypatch):
    monkeypatch.setattr("lin_ft.gain.curve.RIDGES", (0.1,))
    kernel, y = problem(shots=200, seed=1)
    told, reached = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        mine, train = (
            np.concatenate([rng.choice(np.flatnonzero(y == label), shots, replace=False) for label in range(3)])
            for shots in (40, 10)
        )
        told.append(parts_of(kernel[np.ix_(mine, mine)], y[mine], seed=seed)[0.25])
        rest, block = np.setdiff1d(np.arange(len(y)), train), kernel[np.ix_(train, train)]
        weights = np.linalg.solve(block + 0.1 * np.trace(block) / 30 * np.eye(30), np.eye(3)[y[train]] - 1 / 3)
        reached.append(((kernel[np.ix_(rest, train)] @ weights).argmax(1) == y[rest]).mean())
    error = np.sqrt((np.var(told) + np.var(reached)) / 12)
    assert np.mean(told) == pytest.approx(np.mean(reached), abs=4 * error)
    assert error < 0.02


def test_the_scale_and_back():
    accuracy = np.array([0.3, 0.5, 0.9])
    np.testing.assert_allclose(from_z(to_z(accuracy, 4, 100), 4), accuracy)
    assert np.isfinite(to_z(np.array([0.0, 1.0]), 2, 10)).all()


def test_a_curve_passes_through_what_is_predicted_and_widens_away_from_it():
    parts = {0.25: 0.5, 0.5: 0.6, 0.97: 0.7}
    found = curve(parts, 40, 4, 0.7, (0.6, 0.8), GROWTH)
    assert [point.n for point in found] == [10, 20, 40, 80, 160]
    assert (found[2].accuracy, found[2].interval) == (0.7, (0.6, 0.8))
    accuracies = [point.accuracy for point in found]
    assert accuracies == sorted(accuracies)
    z = float(to_z(0.7, 4, 40)) + 0.4 + 0.2 * slope_of(parts, 4, 40)
    assert found[3].accuracy == pytest.approx(float(from_z(z, 4)))
    low, high = to_z(np.array(found[3].interval), 4, 10_000)
    above = float(to_z(0.8, 4, 40) - to_z(0.7, 4, 40))
    assert high - z == pytest.approx(np.hypot(above, LEVEL * 0.3), rel=1e-6)
    assert low < z


def test_growth_is_learned_and_covers_tasks_that_are_left_out():
    rng = np.random.default_rng(0)
    tasks = [str(k // 5) for k in range(200)]
    slopes = rng.normal(0.5, 0.3, 200)
    growth = 0.4 + 0.8 * slopes + 0.2 * rng.normal(size=200)
    found = fit_growth(slopes, growth, tasks)
    assert (found.a, found.b, found.sd) == (
        pytest.approx(0.4, abs=0.1), pytest.approx(0.8, abs=0.15), pytest.approx(0.2, abs=0.05)
    )  # fmt: skip
    with pytest.raises(InputError, match="2 tasks"):
        fit_growth(slopes[:10], growth[:10], tasks[:10])


def test_one_image_of_a_class():
    with pytest.raises(InputError, match="one image"):
        parts_of(np.eye(3), np.array([0, 0, 1]))
    assert list(parts_of(np.eye(4) + 0.1, np.array([0, 0, 1, 1]))) == [0.5], "a half is all there is"
    assert slope_of({0.5: 0.7}, 2, 4) == 0


def test_the_file(tmp_path):
    save_growth(GROWTH, {}, tmp_path / "curve.json")
    assert load_growth(tmp_path / "curve.json") == GROWTH
    values = json.loads((tmp_path / "curve.json").read_text())
    (tmp_path / "other.json").write_text(json.dumps(values | {"version": 0}))
    with pytest.raises(InputError, match="of version 0"):
        load_growth(tmp_path / "other.json")
    (tmp_path / "broken.json").write_text("[]")
    with pytest.raises(InputError, match="not readable"):
        load_growth(tmp_path / "broken.json")
    assert set(load_growth()) == set(GROWTH), "that of the package"
