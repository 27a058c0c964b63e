"""Suspicious labels: predictions that have not seen the image, what follows from them, what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from views import clusters, view_of

from lin_ft import inspect
from lin_ft.errors import InputError
from lin_ft.inspect.held_out import logistic_votes, neighbour_votes
from lin_ft.inspect.label_errors import METHODS, chance_of_labels, ridge_view, tangent_votes
from lin_ft.predict import leave_one_out_by_refit, stratified_folds
from lin_ft.scores.logistic_probe import fit_logistic, standard_size


def test_tangent_votes_are_those_of_models_that_were_refitted_without_the_image():
    features, labels = clusters()
    view = view_of(features, labels, 3)
    ridge = ridge_view(view).prediction.ridge
    residuals = leave_one_out_by_refit(view.kernel, view.targets, np.inf, ridge)
    np.testing.assert_allclose(tangent_votes(view), view.targets - residuals + 1 / 3, atol=1e-8)


def test_neighbour_votes_by_counting():
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(17, 4)), rng.integers(0, 3, 17)
    labels[:3] = 0, 1, 2
    votes = neighbour_votes(features, labels, 3, k=4)
    centred = features - features.mean(0)
    for i in range(17):
        others = [j for j in range(17) if j != i]
        cosine = {j: centred[i] @ centred[j] / np.linalg.norm(centred[i]) / np.linalg.norm(centred[j]) for j in others}
        nearest = sorted(others, key=lambda j: -cosine[j])[:4]
        counted = [sum(labels[j] == c for j in nearest) / 4 for c in range(3)]
        np.testing.assert_allclose(votes[i], counted, atol=1.1e-3)
    assert neighbour_votes(features, labels, 5, k=100).shape == (17, 5), "no more neighbours than there are"


def test_logistic_votes_come_from_the_other_folds():
    features, labels = clusters(spread=1.0)
    votes = logistic_votes(features, labels, 3, seed=4)
    np.testing.assert_allclose(votes.sum(1), 1)
    x, folds = standard_size(features), stratified_folds(labels, 5, seed=4)
    weights, bias, _ = fit_logistic(x[folds != 2], labels[folds != 2], 1e-3, 50, 3)
    powers = np.exp(x[folds == 2] @ weights + bias)
    np.testing.assert_allclose(votes[folds == 2], powers / powers.sum(1, keepdims=True), rtol=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_flipped_labels_come_first_with_the_class_that_they_had(method):
    features, labels = clusters(per_class=8)
    flipped = labels.copy()
    flipped[[0, 9, 20]] = 2, 0, 1
    found = inspect.label_errors(view_of(features, flipped, 3), method=method)
    assert set(found.order[:3].tolist()) == {0, 9, 20}
    np.testing.assert_array_equal(found.looks_like[[0, 9, 20]], labels[[0, 9, 20]])
    assert found.contradicted >= 3
    assert found.agreement[[0, 9, 20]].tolist() == [1, 1, 1]


def by_hand(votes, labels, weights):
    """s_i by loops."""
    mean = sum(w * v for w, v in zip(weights, votes, strict=True)) / sum(weights)
    result = []
    for i, label in enumerate(labels):
        others = [mean[i, c] for c in range(mean.shape[1]) if c != label]
        result.append(max(others) - mean[i, label])
    return np.array(result)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(2, 5), st.integers(2, 9))
def test_suspicion_by_hand(seed, models, n_classes, n):
    rng = np.random.default_rng(seed)
    votes = rng.normal(size=(models, n, n_classes))
    labels = rng.integers(0, n_classes, n)
    labels[:2] = 0
    weights = rng.uniform(0.1, 1, models)
    found = inspect.suspicious(list(votes), labels, weights.tolist())
    expected = by_hand(votes, labels, weights)
    counts = np.bincount(labels, minlength=n_classes)
    np.testing.assert_array_equal(found.judged, counts[labels] > 1)
    np.testing.assert_allclose(found.suspicion[found.judged], expected[found.judged], atol=1e-12)
    assert np.isnan(found.suspicion[~found.judged]).all()
    assert (found.looks_like != labels).all()
    ordered = expected[found.order]
    assert (np.diff(ordered) <= 1e-12).all()
    assert len(found.order) == found.judged.sum()
    assert ((found.agreement >= 0) & (found.agreement <= 1 + 1e-12)).all()
    order = rng.permutation(n)
    again = inspect.suspicious(list(votes[:, order]), labels[order], weights.tolist())
    np.testing.assert_allclose(again.suspicion, found.suspicion[order], atol=1e-12)


def test_weights_decide_and_only_their_ratio_counts():
    for_one, for_other = np.array([[1.0, 0], [1, 0], [0, 1], [0, 1]]), np.array([[0.0, 1], [1, 0], [0, 1], [0, 1]])
    labels = np.array([0, 0, 1, 1])
    found = inspect.suspicious([for_one, for_other], labels, [3.0, 1.0])
    np.testing.assert_allclose(found.suspicion, [-0.5, -1, -1, -1])
    assert found.agreement[0] == 0.25
    np.testing.assert_allclose(inspect.suspicious([for_one, for_other], labels, [0.3, 0.1]).suspicion, found.suspicion)
    assert inspect.suspicious([for_one, for_other], labels, [1.0, 3.0]).order[0] == 0


def test_several_models_are_the_mean_of_their_votes():
    features, labels = clusters(spread=1.0)
    views = [view_of(features, labels, 3), view_of(features**3, labels, 3, name="other")]
    found = inspect.label_errors(views, [0.7, 0.2], level=1.0)
    expected = inspect.suspicious([tangent_votes(view) for view in views], labels, [0.7, 0.2])
    np.testing.assert_array_equal(found.suspicion, expected.suspicion)


def test_the_only_image_of_a_class_is_not_judged_and_counted():
    features, labels = clusters()
    labels = labels.copy()
    labels[-6:] = [2, 0, 0, 0, 0, 0]
    found = inspect.label_errors(view_of(features, labels, 3), level=1.0)
    assert np.flatnonzero(~found.judged).tolist() == [12]
    assert 12 not in found.order
    assert found.notes == ("1 images are not judged, each the only one of its class.",)


def test_labels_that_say_nothing_are_refused_and_good_ones_are_not():
    features, labels = clusters(per_class=8)
    assert chance_of_labels([view_of(features, labels, 3)], np.ones(1)) == 1 / 200
    refused = 0
    for seed in range(20):
        random = np.random.default_rng(seed).permutation(labels)
        try:
            inspect.label_errors(view_of(features, random, 3))
        except InputError as error:
            refused += "say no more" in str(error)
    assert refused >= 17  # 19 are expected
    inspect.label_errors(view_of(features, random, 3), level=1.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": [0, 1, 2], "features": np.eye(3)}, "one image a class"),
        ({"features": np.ones((18, 5))}, "all 18 images are alike"),
        ({"method": "guess"}, "method 'guess': unknown; one of tangent, neighbours, logistic"),
        ({"weights": [1.0, 2.0]}, "weights: give 1 numbers"),
        ({"weights": [-1.0]}, "weights"),
    ],
)
def test_bad_input_is_one_sentence(change, message):
    features, labels = clusters()
    values = {"features": features, "labels": labels} | change
    view = view_of(values["features"], values["labels"], 3)
    with pytest.raises(InputError, match=message):
        inspect.label_errors(view, values.get("weights"), method=values.get("method", "tangent"))


def test_bad_votes_are_one_sentence():
    votes, labels = np.zeros((3, 2)), np.array([0, 1, 1])
    for bad_votes, bad_labels, message in (
        ([], labels, "votes: none"),
        ([np.full((3, 2), np.nan)], labels, "NaN"),
        ([votes], np.array([0, 1, 2]), r"labels: give 3 numbers in 0 \.\. 1"),
        ([votes], np.array([0.0, 1, 1]), "labels"),
        ([votes], np.array([0, 1]), "labels"),
    ):
        with pytest.raises(InputError, match=message):
            inspect.suspicious(bad_votes, bad_labels)
    with pytest.raises(InputError, match="views: none"):
        inspect.label_errors([])
    features, labels = clusters()
    with pytest.raises(InputError, match="different labels"):
        inspect.label_errors([view_of(features, labels, 3), view_of(features, labels[::-1].copy(), 3)])
