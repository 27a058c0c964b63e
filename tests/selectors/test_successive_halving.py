"""Successive halving: who goes on, what it costs, and a run on real rungs."""

import math

import pytest
from tiny import light_task, random_model

from lin_ft.errors import InputError
from lin_ft.finetune import FinetuneConfig
from lin_ft.selectors import Rung, mixed, rungs, successive_halving

MODELS = tuple("abcdefgh")
TRUE = {model: float(place) for place, model in enumerate(MODELS)}


def test_exact_rungs_give_the_true_order_and_the_cost_is_summed_over_survivors():
    stages = [Rung("one", TRUE.__getitem__, 4, 1.0), Rung("two", TRUE.__getitem__, 2, 10.0)]
    result = successive_halving(MODELS, stages)
    assert result.ranking == tuple("hgfedcba")
    assert result.best == "h"
    assert result.cost == 8 * 1 + 4 * 10
    assert set(result.values["two"]) == set("efgh")
    assert result.scores(("a", "h")) == [1.0, 8.0]


def test_a_later_rung_overrules_an_earlier_one_but_cannot_bring_a_model_back():
    stages = [Rung("wrong", lambda m: -TRUE[m], 4), Rung("right", TRUE.__getitem__, 1)]
    assert successive_halving(MODELS, stages).ranking == tuple("dcbaefgh")


def test_ties_keep_the_order_and_a_diverged_model_is_last():
    assert successive_halving(MODELS, [Rung("same", lambda m: 1.0, 3)]).ranking == MODELS
    values = {**TRUE, "h": math.nan}
    assert successive_halving(MODELS, [Rung("nan", values.__getitem__, 4)]).ranking == tuple("gfedcbah")


def test_mixed_is_a_weighted_mean_of_ranks():
    first, second = {"a": 1.0, "b": 5.0, "c": 9.0}, {"a": 0.3, "b": 0.2, "c": 0.1}
    assert mixed(first, second) == pytest.approx({"a": 0.5, "b": 0.5, "c": 0.5})
    assert mixed(first, second, weights=(3.0, 1.0)) == pytest.approx({"a": 0.25, "b": 0.5, "c": 0.75})


def test_real_rungs_on_a_tiny_zoo(tmp_path):
    zoo = [random_model(tmp_path, name, seed) for seed, name in enumerate(("one", "two", "three"))]
    config = FinetuneConfig(batch_size=4, learning_rates=(0.01,))
    stages = rungs(zoo, light_task(), steps=(2, 3), config=config, prior={"one": 1.0, "two": 0.0, "three": 0.5})
    assert [stage.keep for stage in stages] == [2, 1, 1, 1]
    result = successive_halving([model.name for model in zoo], stages)
    assert sorted(result.ranking) == ["one", "three", "two"]
    assert [len(values) for values in result.values.values()] == [3, 2, 1, 1]
    assert all(0 <= value <= 1 for value in result.values["3 steps"].values())
    assert result.cost == pytest.approx(3 * 12 / 4 / 3 + 2 + 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: successive_halving((), []), "at least one model"),
        (lambda: successive_halving(("a", "a"), []), "each once"),
        (lambda: successive_halving(MODELS, []), "Rungs keep"),
        (lambda: successive_halving(MODELS, [Rung("r", TRUE.__getitem__, 0)]), "at least 1"),
        (lambda: successive_halving(MODELS, [Rung("r", TRUE.__getitem__, 9)]), "never gain"),
        (lambda: mixed({"a": 1.0}, {"b": 1.0}), "same models"),
        (lambda: mixed({"a": 1.0}, weights=(0.0,)), "weights"),
        (lambda: rungs([], None, steps=(3, 2)), "steps"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InputError, match=message):
        call()
