"""A kept ranking says what it was made of, and is known to be outdated where that is no longer so."""

import dataclasses
import json

import numpy as np
import pytest
from tiny import light_task, random_model

from lin_ft.ranking import RankConfig, outdated, rank, ranking_from_dict
from lin_ft.zoo import ZooModel

CONFIG = RankConfig(reference="first", probes=1)


@pytest.fixture
def zoo(tmp_path):
    return [random_model(tmp_path, name, seed) for seed, name in enumerate(("first", "second"))]


@pytest.fixture
def kept(zoo, tmp_path):
    rank(zoo, light_task(), CONFIG).save_json(tmp_path / "ranking.json")
    return ranking_from_dict(json.loads((tmp_path / "ranking.json").read_text()))


def test_nothing_changed(kept, zoo):
    assert outdated(kept, zoo, light_task(), CONFIG) == ()
    assert outdated(kept, zoo, light_task(), dataclasses.replace(CONFIG, details=True)) == ()
    assert {"commit", "versions", "device"} <= kept.made_of["by"].keys()


def test_what_changed_is_named(kept, zoo, tmp_path):
    first, second = zoo
    shifted = dataclasses.replace(second, card=dataclasses.replace(second.card, mean=(0.1,) * 3))
    assert outdated(kept, [first, shifted]) == ("another normalisation or other network options of second",)
    random_model(tmp_path, "first", seed=9)
    assert outdated(kept, [ZooModel(first.card, first.weights), second]) == ("other weights of first",)
    assert outdated(kept, [second]) == ("first not there",)
    task = light_task()
    exchanged = dataclasses.replace(task.train, labels=task.train.labels[::-1].copy())
    other = dataclasses.replace(task, train=exchanged)
    assert outdated(kept, zoo, other, dataclasses.replace(CONFIG, head="zero", seed=1)) == (
        "other training images or labels", "another head, seed"
    )  # fmt: skip
    unseen = dataclasses.replace(task, test=dataclasses.replace(task.test, images=np.zeros_like(task.test.images)))
    assert outdated(kept, zoo, unseen) == (), "a ranking does not see the test images"


def test_a_ranking_that_says_nothing(kept, zoo):
    values = kept.as_dict()
    del values["made_of"]
    assert outdated(ranking_from_dict(values), zoo) == ("it does not say what it was made of",)
