"""Each quantity stands once in a table, and head and left-out are columns."""

import numpy as np

from lin_ft.benchmark import distinct
from lin_ft.benchmark.score_names import columns_of, repetitions

RNG = np.random.default_rng(0)
VALUES = RNG.random((2, 3, 6))


def test_a_repetition_goes_and_is_named():
    scores = {"label_gradient_cka": VALUES, "logme": -VALUES, "label_gradient/random": 3 * VALUES + 1}
    kept, dropped = distinct(scores)
    assert list(kept) == ["label_gradient_cka", "logme"]
    assert dropped == {"label_gradient/random": "label_gradient_cka"}
    assert repetitions(dropped) == "Counted once: label_gradient/random orders as label_gradient_cka."
    assert repetitions({}) == ""


def test_a_name_on_the_list_that_orders_otherwise_stays():
    other = VALUES.copy()
    other[1, 2, :2] = other[1, 2, 1::-1]  # one pair of models on one task
    assert distinct({"h_score": VALUES, "emms": other})[1] == {}
    more = VALUES.copy()
    more[0, 0, 0] = np.nan
    assert distinct({"h_score": more, "emms": VALUES})[1] == {}, "it knows a model that the other lacks"
    assert distinct({"h_score": VALUES, "emms": more})[1] == {"emms": "h_score"}


def test_rounding_makes_no_order():
    """A score that is 1 for every model of a task, up to rounding, and one that is 0: the same, no order."""
    flat, zero = VALUES.copy(), VALUES - 0.5
    flat[0, 0], zero[0, 0] = 1 + 1e-12 * RNG.random(6), 1e-13 * RNG.random(6)
    assert distinct({"h_score": flat, "emms": zero})[1] == {"emms": "h_score"}


def test_labels_become_columns():
    assert columns_of("predicted_accuracy (random, image)") == ("predicted_accuracy", "random", "image")
    assert columns_of("predicted_accuracy/zero-shot") == ("predicted_accuracy", "zero", "shot")
    assert columns_of("label_gradient/random") == ("label_gradient", "random", "")
    assert columns_of("best on its source (static)") == ("best on its source (static)", "", "")
    assert columns_of("random") == ("random", "", "")
