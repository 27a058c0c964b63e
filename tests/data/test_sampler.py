"""Few-shot samples: balanced, disjoint, the same everywhere."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lin_ft.data.sampler import Shuffler, cap, hold_out, sample_per_class
from lin_ft.errors import InputError

seeds = st.integers(0, 2**32)


@st.composite
def labels_with_enough(draw, least: int = 1):
    """(labels, shots) with 2 to 6 classes of at least `shots` images."""
    shots = draw(st.integers(least, 8))
    counts = draw(st.lists(st.integers(shots, shots + 20), min_size=2, max_size=6))
    labels = np.repeat(np.arange(len(counts)), counts)
    return draw(st.permutations(labels.tolist()).map(np.array)), shots


@given(labels_with_enough(), seeds)
def test_sample_is_balanced_sorted_and_without_repeats(drawn, seed):
    labels, shots = drawn
    chosen = sample_per_class(labels, shots, seed, purpose="train")
    assert (np.bincount(labels[chosen]) == shots).all()
    assert (np.diff(chosen) > 0).all()


@given(labels_with_enough(least=2), seeds)
def test_samples_among_the_rest_are_disjoint(drawn, seed):
    labels, shots = drawn
    first = sample_per_class(labels, shots // 2, seed, purpose="train")
    rest = np.ones(len(labels), bool)
    rest[first] = False
    second = sample_per_class(labels, shots // 2, seed, purpose="validate", among=rest)
    assert not set(first) & set(second)


@given(labels_with_enough(), seeds)
def test_same_seed_same_sample(drawn, seed):
    labels, shots = drawn
    draws = [sample_per_class(labels, shots, seed, purpose="train").tolist() for _ in range(2)]
    assert draws[0] == draws[1]


def test_seeds_and_purposes_give_different_orders():
    items = np.arange(50)
    orders = {tuple(Shuffler(seed, purpose).shuffled(items)) for seed in range(5) for purpose in ("a", "b")}
    assert len(orders) == 10


def test_every_image_is_drawn_equally_often():
    labels = np.repeat([0, 1], 10)
    counts = sum(np.bincount(sample_per_class(labels, 3, seed, purpose="train"), minlength=20) for seed in range(1000))
    # Each of 20 images is drawn with probability 0.3: mean 300, deviation 14.5, here five deviations.
    assert np.abs(counts - 300).max() < 73


def test_order_is_that_of_the_raw_philox_stream():
    """The same on every machine: NumPy fixes the raw streams of SeedSequence and Philox for ever (NEP 19)."""
    key = int.from_bytes(b"train", "little")
    raw = np.random.Philox(np.random.SeedSequence([7, key])).random_raw(30)
    expected = sorted(range(30), key=lambda i: int(raw[i]))
    assert Shuffler(7, "train").shuffled(np.arange(30)).tolist() == expected
    assert hashlib.sha256(raw.astype("<u8").tobytes()).hexdigest()[:16] == "d575e59c64d9b6eb"


def test_too_few_images_of_a_class():
    with pytest.raises(InputError, match="class 1 has 2 of the 3 images wanted"):
        sample_per_class(np.array([0, 0, 0, 1, 1]), 3, 0, purpose="train")


@given(labels_with_enough(least=4), seeds)
def test_hold_out_takes_its_share_of_every_class(drawn, seed):
    labels, _ = drawn
    held = hold_out(labels, None, 0.3, seed)
    for label in np.unique(labels):
        mine = labels == label
        assert held[mine].sum() == round(0.3 * mine.sum())


@given(labels_with_enough(least=4), seeds, st.integers(3, 8))
def test_hold_out_never_splits_a_group_nor_empties_a_class(drawn, seed, n_groups):
    labels, _ = drawn
    groups = np.array([f"g{i % n_groups}" for i in range(len(labels))])
    held = hold_out(labels, groups, 0.3, seed)
    assert not set(groups[held]) & set(groups[~held])
    assert set(labels[~held]) == set(labels)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=200), st.integers(1, 250), seeds)
def test_cap_is_even_over_the_classes(labels, limit, seed):
    labels = np.array(labels)
    kept = cap(labels, limit, seed)
    assert len(kept) == min(limit, len(labels))
    assert len(set(kept)) == len(kept)
    have, got = np.bincount(labels, minlength=5), np.bincount(labels[kept], minlength=5)
    # Water-filling: a class is cut only down to the level that all cut classes share, within one image.
    level = got.max()
    assert ((got == have) | (got >= level - 1)).all()
