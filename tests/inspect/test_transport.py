"""Transport between classes: a plan with the right sums and the least cost; nearest source images."""

import dataclasses

import numpy as np
import pytest
from tiny import light_task
from views import clusters

from lin_ft import inspect
from lin_ft.errors import InputError
from lin_ft.ranking import RankConfig, View
from lin_ft.scores.domain_similarity import earth_mover, transport_plan


def test_the_plan_moves_all_at_the_least_cost():
    rng = np.random.default_rng(0)
    supply, demand = rng.dirichlet(np.ones(4)), rng.dirichlet(np.ones(3))
    distances = rng.uniform(size=(4, 3))
    plan = transport_plan(supply, demand, distances)
    assert plan.min() >= 0
    np.testing.assert_allclose(plan.sum(1), supply, atol=1e-9)
    np.testing.assert_allclose(plan.sum(0), demand, atol=1e-9)
    cost = np.sum(plan * distances)
    assert cost == pytest.approx(earth_mover(supply, demand, distances))
    for _ in range(50):  # no cycle of exchanges is cheaper
        (a, b), (c, d) = rng.choice(4, 2, replace=False), rng.choice(3, 2, replace=False)
        step = min(plan[a, c], plan[b, d])
        assert step * (distances[a, d] + distances[b, c] - distances[a, c] - distances[b, d]) >= -1e-9


def test_classes_go_to_the_source_classes_that_they_are_a_copy_of():
    features, labels = clusters(per_class=5, n_classes=4)
    order = np.array([2, 0, 3, 1])
    found = inspect.transport(features, order[labels], features, labels)
    for target_class in range(4):
        (place, share), *rest = found.looks_like(target_class)
        assert order[place] == target_class
        assert share == pytest.approx(1)
        assert not rest
        assert (order[labels[found.nearest[target_class][:5]]] == target_class).all()
    np.testing.assert_allclose(found.plan.sum(1), 1)
    np.testing.assert_allclose(found.distances.min(1), 0, atol=1e-9)


def test_nearest_by_hand():
    rng = np.random.default_rng(1)
    features, source = rng.normal(size=(6, 3)), rng.normal(size=(9, 3)) + 1
    labels, source_labels = np.array([0, 0, 0, 1, 1, 1]), np.arange(9) % 3
    found = inspect.transport(features, labels, source, source_labels, neighbours=4)
    centre = source.mean(0)
    for c in range(2):
        mean = features[labels == c].mean(0) - centre
        cosine = [mean @ (x - centre) / np.linalg.norm(mean) / np.linalg.norm(x - centre) for x in source]
        assert found.nearest[c].tolist() == np.argsort(-np.array(cosine))[:4].tolist()
        np.testing.assert_allclose(found.cosine[c], np.sort(cosine)[::-1][:4])


def test_of_a_view(models):
    task = light_task()
    view = View(models[0], task, RankConfig(head="zero"))
    found = inspect.looks_like(view, task.test)
    assert [found.looks_like(c)[0][0] for c in range(2)] == [0, 1]
    small = dataclasses.replace(task.test, images=task.test.images[:, ::2, ::2])
    with pytest.raises(InputError, match="16, 16"):
        inspect.looks_like(view, small)


def test_bad_input_is_one_sentence():
    features, labels = clusters()
    for arguments, message in (
        ((features, labels, features[:, :3], labels), "features of 5 and 3 numbers"),
        ((features, labels + 1, features, labels), "labels: no image of class 0"),
        ((features, labels, features, labels[:3]), "source labels: give 18 numbers"),
    ):
        with pytest.raises(InputError, match=message):
            inspect.transport(*arguments)
    with pytest.raises(InputError, match="neighbours 0"):
        inspect.transport(features, labels, features, labels, neighbours=0)
