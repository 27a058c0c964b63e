"""What to label next against refits, each choice tried by hand; what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import light_task
from views import clusters, view_of

from lin_ft import inspect
from lin_ft.data import load_unlabelled
from lin_ft.errors import InputError
from lin_ft.predict import decompose
from lin_ft.ranking import RankConfig, View


def problem(seed, n=5, m=9, width=6):
    """Kernel of n labelled and m unlabelled images together."""
    z = np.random.default_rng(seed).normal(size=(n + m, width))
    return z @ z.T + 0.5


def variance_after(kernel, n, labelled, ridge):
    """Sum over the pool of the variance once `labelled` images (places in the pool) have labels too: a refit."""
    known = [*range(n), *(n + place for place in labelled)]
    pool = np.arange(n, len(kernel))
    inner = kernel[np.ix_(known, known)] + ridge * np.eye(len(known))
    cross = kernel[np.ix_(pool, known)]
    return np.trace(kernel[np.ix_(pool, pool)] - cross @ np.linalg.solve(inner, cross.T))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.01, 0.3, 5.0]))
def test_each_choice_is_the_best_of_all_refits(seed, ridge):
    n, kernel = 5, problem(seed)
    pool = np.arange(n, len(kernel))
    covariance = inspect.pool_covariance(
        decompose(kernel[:n, :n]), kernel[np.ix_(pool, range(n))], kernel[np.ix_(pool, pool)], ridge
    )
    places, lowered = inspect.reduce_variance(covariance, ridge, 4)
    assert len(set(places.tolist())) == 4
    chosen: list[int] = []
    for place, gain in zip(places.tolist(), lowered, strict=True):
        before = variance_after(kernel, n, chosen, ridge)
        after = {p: variance_after(kernel, n, [*chosen, p], ridge) for p in range(len(pool)) if p not in chosen}
        assert after[place] <= min(after.values()) + 1e-8
        assert gain == pytest.approx(before - after[place], abs=1e-8)
        chosen.append(place)


def test_importance_multiplies_and_a_copy_is_not_chosen_twice():
    z = np.eye(4)[[0, 0, 1, 2]]
    places, _ = inspect.reduce_variance(z @ z.T, 0.01, 3)
    assert len({(0, 0, 1, 2)[place] for place in places}) == 3
    places, _ = inspect.reduce_variance(np.eye(3), 0.1, 1, np.array([1, 1, 2]))
    assert places.tolist() == [2]
    spread = inspect.spread_choice(z @ z.T, 0.01, np.array([5.0, 4, 3, 2]), 3)
    assert spread.tolist() == [0, 2, 3]


def test_disagreement_by_hand():
    one, other = np.array([[1.0, 0], [0, 1]]), np.array([[1.0, 0], [1, 0]])
    np.testing.assert_allclose(inspect.disagreement([one, other]), [0, 0.5])
    np.testing.assert_allclose(inspect.disagreement([one, other], [1.0, 0.0]), [0, 0])
    with pytest.raises(InputError, match="two"):
        inspect.disagreement([one])


def test_of_views_the_unknown_class_is_labelled_first(models):
    """One class has two labelled images, the other many: the pool's images far from all labelled ones come first."""
    task = light_task(4)
    view = View(models[0], task, RankConfig(head="zero"))
    strange = np.zeros((1, 32, 32, 3), np.uint8)
    strange[:, ::2] = 255
    pool = np.concatenate([task.test.images[:6], strange, task.test.images[10:16]])
    found = inspect.next_labels(view, pool, 3)
    assert 6 in found.places
    assert (np.diff(found.value) <= 1e-12).all()
    views = [View(model, task, RankConfig(head="zero")) for model in models[:2]]
    by = inspect.next_labels(views, pool, 4, weights=[0.6, 0.4], by="disagreement")
    assert len(set(by.places.tolist())) == 4
    assert view.kernel_of(pool).shape == (13, 13)
    np.testing.assert_allclose(view.kernel_of(task.train.images), view.kernel, rtol=1e-5)
    random = View(models[0], task, RankConfig(probes=1))
    np.testing.assert_allclose(random.kernel_of(task.train.images), random.kernel, rtol=1e-4)


def test_bad_input_is_one_sentence():
    features, labels = clusters()
    view, pool = view_of(features, labels, 3), np.zeros((4, 8, 8, 3), np.uint8)
    for count, by, message in (
        (5, "variance", "5 images asked for of 4"),
        (0, "variance", "0 images asked for"),
        (2, "luck", "by 'luck': unknown; one of variance, disagreement"),
        (2, "disagreement", "give at least two"),
    ):
        with pytest.raises(InputError, match=message):
            inspect.next_labels(view, pool, count, by=by)
    for arguments, message in (
        ((np.ones((2, 3)), 1.0, 1), "covariance"),
        ((np.eye(2), 0.0, 1), "ridge 0"),
        ((np.eye(2), 1.0, 3), "3 images asked for of 2"),
    ):
        with pytest.raises(InputError, match=message):
            inspect.reduce_variance(*arguments)


def test_an_unlabelled_folder_with_unreadable_files_and_copies(tmp_path, caplog):
    from PIL import Image

    for place, number in enumerate((0, 1, 1, 2)):
        path = tmp_path / "pool" / f"deep{place % 2}" / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (20, 20, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(path)
    (tmp_path / "pool" / "broken.png").write_bytes(b"\x89PNG no")
    found = load_unlabelled(tmp_path / "pool", size=16)
    assert found.origins.tolist() == ["deep0/0.png", "deep0/2.png", "deep1/3.png"]
    assert found.images.shape == (3, 16, 16, 3)
    for words in ("3 unlabelled pictures", "1 unreadable, 1 copied", "broken.png", "deep1/1.png"):
        assert words in caplog.text
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "broken.png").write_bytes(b"\x89PNG no")
    with pytest.raises(InputError, match=r"no picture that can be read \(broken.png"):
        load_unlabelled(tmp_path / "none")
    with pytest.raises(InputError, match="There is no folder"):
        load_unlabelled(tmp_path / "nowhere")
