"""No two scores of the catalogue give the same quantity, nor one that orders all models as another does."""

import itertools

import numpy as np
import pytest
import samples
from scipy.stats import rankdata

from lin_ft.scores import SCORES, array_inputs, combined, encode, evaluate, kernel_target_alignment, label_feature
from lin_ft.scores.kernel_alignment import kernel_alignment

MODELS = 24


def inputs(seed):
    """Everything but a network: 48 balanced samples of 4 classes, features and a kernel that differ by model."""
    rng = np.random.default_rng(seed)
    phi, y = samples.features(seed, each=12, d=9, apart=rng.uniform(0, 0.6), spread=rng.uniform(0.2, 1.5))
    phi = np.maximum(phi + rng.uniform(-0.3, 1), 0)
    gradients = np.c_[phi, 0.3 * np.exp(rng.normal()) * rng.normal(size=(48, 200))]  # training time matters
    source, source_y = samples.features(seed + 100, n_classes=3, each=10, d=9)
    logits = phi @ rng.normal(size=(9, 5))
    theta = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return array_inputs(
        features=phi, labels=y, targets=encode(y) - 1 / 4, kernel=gradients @ gradients.T + 1,
        source_probabilities=theta, source_outputs=logits, source_features=source, source_labels=source_y,
        target_features=rng.normal(size=(48, 7)) + phi[:, :7], values=rng.normal(size=(48, 2)) + phi[:, :2],
        label_embeddings=rng.normal(size=(2, 48, 6)) + encode(y)[:, :1], seed=0, name=f"model {seed}",
        n_params=int(rng.integers(1, 10**6)), source_test_accuracy=rng.uniform(), other_accuracies=rng.uniform(size=3),
        is_reference=seed == 0,
    )  # fmt: skip


@pytest.fixture(scope="module")
def places():
    """Score -> place of each model."""
    rows = combined(SCORES, [evaluate(SCORES, inputs(seed)) for seed in range(MODELS)])
    values = {name: np.array([row[name].value for row in rows]) for name in SCORES if rows[0][name].value is not None}
    return {name: rankdata(column.round(12)) for name, column in values.items()}


def test_no_two_scores_order_all_models_alike(places):
    assert set(SCORES) - set(places) == {"paper_label_gradient"}  # needs a network
    same = [pair for pair in itertools.combinations(places, 2) if (places[pair[0]] == places[pair[1]]).all()]
    assert not same


def test_what_left_the_catalogue_is_what_is_in_it():
    """The formulas that were listed twice give one number; and emms of one-hot labels the order of the H-score."""
    given = inputs(1)
    kernel, phi, y, targets = given["kernel"], given["features"], given["labels"], given["targets"]
    cosine = kernel_alignment(kernel, targets, form="cosine")
    assert cosine == pytest.approx(kernel_target_alignment(kernel, y), rel=1e-12)
    pearson = label_feature(phi, targets, form="pearson")
    assert pearson == pytest.approx(SCORES["paper_label_feature"].function(phi, y), rel=1e-12)
    zero_head = kernel_alignment(phi @ phi.T + 1, targets, form="cka")
    assert zero_head == pytest.approx(SCORES["label_feature_cka"].function(phi, targets), rel=1e-9)
    both = []
    for seed in range(MODELS):
        phi, y = inputs(seed)["features"], inputs(seed)["labels"]
        hot = np.eye(4)[y][None]
        both.append((SCORES["emms"].function(phi, y, hot), SCORES["h_score"].function(phi, y)))
    one, other = np.array(both).T
    np.testing.assert_array_equal(rankdata(one), rankdata(other))
