"""A view of a model on a task: what its parts are, that each is made once, and what views share."""

import dataclasses
import time

import jax
import numpy as np
import pytest
from tiny import light_task, random_model

from lin_ft.functions import features_of, with_head
from lin_ft.heads import init_head
from lin_ft.kernels import probe_gram
from lin_ft.predict import decompose
from lin_ft.ranking import RankConfig, View, part, predict_left_out
from lin_ft.scores import encode
from lin_ft.spectra import spectrum_of

MODULE = "lin_ft.ranking.view"
CONFIG = RankConfig(probes=1, seed=3)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return random_model(tmp_path_factory.mktemp("zoo"), "first", 0)


@pytest.fixture(scope="module")
def task():
    return light_task()


@pytest.fixture
def view(model, task):
    return View(model, task, CONFIG)


def test_its_parts_are_what_they_say(view, model, task):
    (apply, params), x = model.function, model.normalise(task.train.images)
    features = np.asarray(features_of(apply, params, x))
    targets = encode(task.train.labels, task.n_classes) - 1 / task.n_classes
    key = jax.random.key(3)
    random = with_head(params, init_head("random", features, targets.astype(x.dtype), key))
    np.testing.assert_array_equal(view.x, x)
    np.testing.assert_array_equal(view.features, features)
    np.testing.assert_array_equal(view.targets, targets)
    kernel = probe_gram(apply, random, x, probes=1, key=key)  # under another head: the kernel does not depend on it
    np.testing.assert_array_equal(view.kernel, kernel)
    np.testing.assert_array_equal(view.spectrum.eigenvalues, decompose(kernel).eigenvalues)
    np.testing.assert_array_equal(
        view.label_spectrum.label_energy, spectrum_of(np.asarray(kernel, np.float64), targets).label_energy
    )
    assert view.prediction.loss == predict_left_out(decompose(kernel), targets, task.train.labels, CONFIG).loss


def test_each_part_is_made_once_and_only_what_is_asked_for(view, monkeypatch):
    counts = {"cached_features": 0, "probe_gram": 0, "decompose": 0}

    def counted(name, function):
        def call(*arguments, **options):
            counts[name] += 1
            return function(*arguments, **options)

        return call

    for name, function in (("cached_features", None), ("probe_gram", probe_gram), ("decompose", decompose)):
        module = __import__(MODULE, fromlist=["_"])
        monkeypatch.setattr(f"{MODULE}.{name}", counted(name, function or module.cached_features))
    assert view.features is view.features
    assert counts == {"cached_features": 1, "probe_gram": 0, "decompose": 0}
    for _ in range(2):
        _ = view.prediction, view.label_spectrum, view.spectrum, view.kernel
    assert counts == {"cached_features": 1, "probe_gram": 1, "decompose": 1}


def test_views_of_other_settings_share_what_does_not_depend_on_them(view):
    shots, zero = view.under(left_out="shot"), view.under(head="zero")
    assert shots.prediction.loss != view.prediction.loss
    assert shots.kernel is view.kernel  # made by the one, taken by the other
    assert zero.features is view.features
    np.testing.assert_allclose(zero.kernel, view.features.astype(float) @ view.features.T.astype(float) + 1)
    assert not np.array_equal(zero.kernel, view.kernel)
    assert view.under(seed=4).targets is view.targets


def test_settings_that_a_part_looks_at_are_those_it_declares(view):
    """A change of any setting gives what a view made from nothing gives: a part that forgot one would be stale."""
    for change in ({"head": "zero"}, {"probes": 2}, {"trainable": "norm"}, {"seed": 5}, {"left_out": "shot"},
                   {"statistics": "target"}, {"left_out": "shot", "matchings": 1}, {"times": (3.0,)},
                   {"ridges": (0.5,)}):  # fmt: skip
        _ = view.prediction, view.label_spectrum
        shared = view.under(**change)
        fresh = View(view.model, view.task, dataclasses.replace(CONFIG, **change))
        np.testing.assert_array_equal(shared.kernel, fresh.kernel)
        np.testing.assert_array_equal(shared.spectrum.eigenvalues, fresh.spectrum.eigenvalues)
        np.testing.assert_array_equal(shared.label_spectrum.eigenvalues, fresh.label_spectrum.eigenvalues)
        np.testing.assert_array_equal(shared.prediction.logits, fresh.prediction.logits)


def test_with_the_target_s_statistics_it_is_another_network(view, model, task):
    target = view.under(statistics="target")
    moved = model.on_target(task.train.images)
    np.testing.assert_array_equal(target.features, View(moved, task, CONFIG).features)
    np.testing.assert_array_equal(target.kernel, View(moved, task, CONFIG).kernel)
    assert not np.allclose(target.features, view.features)


def test_a_further_part_and_the_seconds_of_parts_without_those_inside_them(model, task):
    class Slow(View):
        @part()
        def inner(self):
            time.sleep(0.2)
            return 1

        @part("seed")
        def outer(self):
            time.sleep(0.1)
            return self.inner + 1

    view = Slow(model, task)
    assert view.spent == {}
    assert view.outer == 2
    assert view.spent["inner"] >= 0.2
    assert 0.1 <= view.spent["outer"] < 0.2
    other = view.under(seed=1)
    assert set(other.spent) == {"inner"}
    assert isinstance(other, Slow)


def test_test_images_are_not_looked_at(model, task):
    blank = dataclasses.replace(task.test, images=np.zeros_like(task.test.images))
    other = View(model, dataclasses.replace(task, test=blank, validation=blank), CONFIG)
    np.testing.assert_array_equal(other.kernel, View(model, task, CONFIG).kernel)
