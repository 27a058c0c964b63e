"""Gains and bootstrap intervals."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from lin_ft.errors import InputError
from lin_ft.predict import balanced_accuracy, bootstrap_interval, predicted_gain


def answers(n: int = 60, accuracy: float = 0.7, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).random(n) < accuracy).astype(float)


def test_gain_is_the_difference_of_accuracies():
    one, other = answers(seed=1), answers(accuracy=0.5, seed=2)
    assert predicted_gain(one, other) == pytest.approx(one.mean() - other.mean())
    assert predicted_gain(one, one) == 0
    labels = np.repeat([0, 1, 2], [40, 15, 5])
    gain = balanced_accuracy(one, labels) - balanced_accuracy(other, labels)
    assert predicted_gain(one, other, labels=labels) == pytest.approx(gain)


def test_balanced_accuracy_is_that_of_scikit_learn():
    labels = np.repeat([0, 1, 2], [40, 15, 5])
    predicted = np.random.default_rng(0).integers(3, size=60)
    expected = balanced_accuracy_score(labels, predicted)
    assert balanced_accuracy((predicted == labels).astype(float), labels) == pytest.approx(expected)


@pytest.mark.parametrize("values", [answers(), np.random.default_rng(5).normal(size=60)], ids=["0/1", "reals"])
def test_interval_is_that_of_resampled_indices(values):
    """The twin: draw samples with replacement one resample at a time."""
    generator = np.random.default_rng(1)
    means = [values[generator.integers(60, size=60)].mean() for _ in range(20_000)]
    expected = np.quantile(means, [0.05, 0.95])
    found = bootstrap_interval(values, level=0.9, resamples=20_000)
    np.testing.assert_allclose(found, expected, atol=1 / 60 + 0.005)
    assert found[0] < values.mean() < found[1]


def test_interval_covers_as_often_as_it_says():
    covered = [
        low <= 0.7 <= high
        for low, high in (bootstrap_interval(answers(200, seed=s), level=0.9, resamples=400) for s in range(300))
    ]
    assert 0.84 <= np.mean(covered) <= 0.95


def test_pairing_narrows_the_interval_of_a_gain():
    base = answers(400)
    better = np.maximum(base, answers(400, 0.1, seed=3))
    low, high = bootstrap_interval(better, base)
    assert 0 < low < predicted_gain(better, base) < high
    unpaired = bootstrap_interval(better, np.roll(base, 1))
    assert high - low < 0.7 * (unpaired[1] - unpaired[0])
    assert bootstrap_interval(base, base) == (0, 0)


def test_balanced_interval_weighs_classes_alike():
    labels = np.repeat([0, 1], [90, 10])
    correct = np.repeat([1.0, 0.0], [90, 10])
    assert bootstrap_interval(correct, labels=labels) == (0.5, 0.5)  # within each class nothing varies
    correct[95:] = 1
    low, high = bootstrap_interval(correct, labels=labels)
    # half of a mean of ten coin flips
    assert low == pytest.approx(0.5 + 0.5 * 0.2, abs=0.051)
    assert high == pytest.approx(0.5 + 0.5 * 0.8, abs=0.051)


def test_same_seed_same_interval():
    values = np.random.default_rng(0).normal(size=50)
    assert bootstrap_interval(values, seed=3) == bootstrap_interval(values, seed=3)
    assert bootstrap_interval(values, seed=3) != bootstrap_interval(values, seed=4)


def test_bad_input():
    with pytest.raises(InputError, match="one number a sample"):
        bootstrap_interval(np.zeros(0))
    with pytest.raises(InputError, match="one number a sample"):
        bootstrap_interval(np.zeros((3, 2)))
    with pytest.raises(InputError, match="level"):
        bootstrap_interval(answers(), level=1.0)
    with pytest.raises(InputError, match="NaN"):
        bootstrap_interval(np.array([np.nan, 1.0]))
    with pytest.raises(InputError, match="same samples"):
        bootstrap_interval(answers(), answers(20))
    with pytest.raises(InputError, match="labels"):
        bootstrap_interval(answers(), labels=np.zeros(5, int))
