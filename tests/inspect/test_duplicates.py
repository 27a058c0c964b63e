"""Duplicates: distances from a kernel, what is near, in which way a pair does harm."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import light_task
from views import clusters, view_of

from lin_ft import inspect
from lin_ft.errors import InputError
from lin_ft.ranking import View


def by_hand(features):
    """d_ij from explicit features."""
    centred = features - features.mean(0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    return np.array([[np.linalg.norm(one - other) for other in unit] for one in unit])


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 12), st.integers(2, 6))
def test_distances_by_hand(seed, n, d):
    features = np.random.default_rng(seed).normal(size=(n, d))
    found = inspect.kernel_distances(features @ features.T + 5)
    # of a distance of 0 the square root leaves sqrt(eps) of the kernel's rounding
    np.testing.assert_allclose(found**2, by_hand(features) ** 2, atol=1e-8)
    np.testing.assert_allclose(found**2, (found**2).T, atol=1e-12)
    assert (np.diag(found) == 0).all()
    scaled = inspect.kernel_distances(7 * (features @ features.T))
    np.testing.assert_allclose(scaled**2, found**2, atol=1e-8)


def test_near_is_a_share_of_the_median_distance_to_the_nearest():
    distances = np.array([[0, 1, 4, 4], [1, 0, 5, 5], [4, 5, 0, 9], [4, 5, 9, 0]], float)
    pairs, threshold, typical = inspect.near_pairs(distances, 0.5)  # nearest: 1, 1, 4, 4
    assert (pairs, threshold, typical) == ([(0, 1)], 1.25, 2.5)
    assert inspect.near_pairs(distances, 0.3)[0] == []
    distances[0, 1] = distances[1, 0] = 0  # exact copies do not make the usual distance smaller
    assert inspect.near_pairs(distances, 0.5) == ([(0, 1)], 2.0, 4.0)
    for near in (-0.1, 1.0):
        with pytest.raises(InputError, match="near"):
            inspect.near_pairs(distances, near)


def test_images_without_a_direction_are_no_copies_of_one_another():
    features = np.array([[1.0, 0], [-1, 0], [0, 0], [0, 0], [0, 1], [0, -1]])
    distances = inspect.kernel_distances(features @ features.T)
    assert distances[2, 3] == pytest.approx(np.sqrt(2))
    assert distances[0, 1] == pytest.approx(2)


def test_bad_kernels_are_one_sentence():
    for kernel, message in (
        (np.ones((3, 3)), "All 3 images are alike"),
        (np.zeros((3, 3)), "All 3 images are alike"),
        (np.ones((2, 3)), "shape"),
        (np.array([[np.nan, 1], [1, 1]]), "NaN"),
    ):
        with pytest.raises(InputError, match=message):
            inspect.kernel_distances(kernel)
    with pytest.raises(InputError, match="one image"):
        inspect.duplicates(view_of(np.ones((1, 2)), [0], 2), {})


def test_of_a_view_across_classes_splits_and_within_a_class(models):
    model, task = models[0], light_task()
    x, v, t = task.train.images.copy(), task.validation.images.copy(), task.test.images.copy()
    x[7] = x[0]  # of two classes, the same pixels
    v[0] = x[1]
    v[0, :2, :2] ^= 1  # of two splits, nearly
    t[3] = t[2]  # of one class and split
    parts = {
        name: dataclasses.replace(getattr(task, name), images=images)
        for name, images in (("train", x), ("validation", v), ("test", t))
    }
    task = dataclasses.replace(task, **parts)
    found = inspect.duplicates(View(model, task), near=0.05)
    told = [(p.first.part, p.first.index, p.second.part, p.second.index, p.what, p.exact) for p in found.pairs]
    assert told == [
        ("train", 0, "train", 7, "two classes", True),
        ("train", 1, "validation", 0, "two splits", False),
        ("test", 2, "test", 3, "one class", True),
    ]
    assert found.n == 12 + 8 + 20
    assert found.pairs[1].distance < found.threshold < found.typical
    only_train = inspect.duplicates(View(model, task), {}, near=0.05)
    assert [pair.what for pair in only_train.pairs] == ["two classes"]


def test_all_images_alike():
    features, labels = clusters()
    with pytest.raises(InputError, match="are alike"):
        inspect.duplicates(view_of(np.ones_like(features), labels, 3), {})
