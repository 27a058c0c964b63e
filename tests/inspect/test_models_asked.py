"""Which models are asked, with which weights; kernels that the choice made are not made again."""

import numpy as np
import pytest
from tiny import light_task

from lin_ft import inspect
from lin_ft.errors import InputError
from lin_ft.ranking import RankConfig, rank

MODULE = "lin_ft.ranking.view"


@pytest.fixture
def zoo(models):
    return models[:3]


def test_they_are_those_of_a_ranking_by_gain_with_its_probabilities(zoo):
    task, config = light_task(), RankConfig(probes=1)
    ranking = rank(zoo, task, RankConfig(probes=1, score="gain"))
    asked = inspect.likely_best(zoo, task, config, most=3)
    expected = {row.name: row.p_best for row in ranking.models}
    for view, p in zip(asked.views, asked.p_best, strict=True):
        assert p == pytest.approx(expected[view.model.name])
    assert list(asked.p_best) == sorted(asked.p_best, reverse=True)
    (one,) = inspect.likely_best(zoo, task, config, most=1).views
    assert expected[one.model.name] == max(expected.values())


def test_the_views_keep_what_was_computed_and_large_tasks_are_chosen_on_few_images(zoo, monkeypatch):
    from lin_ft.kernels import probe_gram

    sizes = []

    def counted(apply, params, x, **options):
        sizes.append(len(x))
        return probe_gram(apply, params, x, **options)

    monkeypatch.setattr(f"{MODULE}.probe_gram", counted)
    task = light_task()
    asked = inspect.likely_best(zoo, task, RankConfig(probes=1), most=1)
    before = len(sizes)
    inspect.label_errors(asked.views, asked.p_best)
    assert len(sizes) == before
    assert set(sizes) == {12}
    sizes.clear()
    large = light_task(shots=14)
    asked = inspect.likely_best(zoo, large, RankConfig(probes=1), most=1)
    assert set(sizes) == {20}, "10 of each class"
    assert asked.views[0].task is large
    np.testing.assert_array_equal(asked.views[0].labels, large.train.labels)


def test_one_model_is_asked_without_a_choice_and_none_is_an_error(zoo, monkeypatch):
    monkeypatch.setattr(f"{MODULE}.probe_gram", None)
    asked = inspect.likely_best(zoo[:1], light_task())
    assert asked.p_best == (1.0,)
    with pytest.raises(InputError, match="zoo: it is empty"):
        inspect.likely_best([], light_task())
    with pytest.raises(InputError, match="most 0"):
        inspect.likely_best(zoo, light_task(), most=0)
