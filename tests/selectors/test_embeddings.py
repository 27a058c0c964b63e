"""Embeddings of data sets and models tell a learned ranker which sources suit a target."""

import numpy as np
import pytest

from lin_ft.benchmark import Results, leave_one_task_out, spearman
from lin_ft.errors import InputError
from lin_ft.selectors import dataset_embedding, embedding_features, learned_ranking

RNG = np.random.default_rng(0)
T, M, E = 8, 15, 6
TARGETS, SOURCES = RNG.normal(size=(T, E)), RNG.normal(size=(M, E))


def test_features_by_their_definition():
    facts = np.array([[1.0, 5], [2, 5], [3, 5]])
    targets, sources = TARGETS[:2], SOURCES[:3]
    features = embedding_features(targets, sources, facts, seeds=2)
    assert features.shape == (2, 2, 3, 4)
    np.testing.assert_array_equal(features[0], features[1])
    mean = np.mean([*targets, *sources], axis=0)
    distances = [[np.linalg.norm(t - s) for s in sources] for t in targets]
    for i, t in enumerate(targets):
        for j, s in enumerate(sources):
            a, b = t - mean, s - mean
            assert features[0, i, j, 0] == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
            assert features[0, i, j, 1] == pytest.approx(-distances[i][j] / np.sqrt(np.mean(np.square(distances))))
    np.testing.assert_allclose(features[0, 0, :, 2], np.array([-1, 0, 1]) * np.sqrt(1.5))
    assert (features[..., 3] == 0).all()


def test_a_ranker_learns_that_near_sources_are_better():
    nearness = embedding_features(TARGETS, SOURCES)[..., 1]
    quality = 0.3 * RNG.normal(size=M)
    accuracy = 1 / (1 + np.exp(-quality - 4 * (nearness - nearness.mean())))
    results = Results(tuple(f"m{i}" for i in range(M)), tuple(f"t{i}" for i in range(T)), accuracy, "m0")
    learned = learned_ranking(results, embedding_features(TARGETS, SOURCES))
    static = leave_one_task_out(results)
    by_task = [[spearman(scores[0, t], accuracy[0, t]) for t in range(T)] for scores in (learned, static)]
    assert np.mean(by_task[0]) > np.mean(by_task[1]) + 0.1


def test_an_embedding_is_mean_and_deviation_of_each_feature():
    phi = RNG.normal(size=(20, 3)).astype(np.float32)
    expected = [*(np.mean(column) for column in phi.T), *(np.std(column) for column in phi.T)]
    np.testing.assert_allclose(dataset_embedding(phi), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: embedding_features(TARGETS, SOURCES[:, :4]), "embeddings of length 4"),
        (lambda: embedding_features(TARGETS, SOURCES, np.ones((3, 1))), "facts of 3 models"),
        (lambda: dataset_embedding(np.full((3, 2), np.nan)), "finite numbers"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InputError, match=message):
        call()
