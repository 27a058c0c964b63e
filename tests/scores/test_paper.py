import jax
import numpy as np
import pytest
from networks import conv_net, images

from lin_ft.errors import InputError
from lin_ft.functions import with_head
from lin_ft.kernels import project, whole_jacobian_gram
from lin_ft.models.resnet import resnet20
from lin_ft.scores import paper_label_gradient, paper_scores
from lin_ft.scores.paper import at_most, last_convolution

LABELS = np.array([0, 1, 2, 0, 1, 2, 0])


@pytest.mark.parametrize("outputs", ["trace", "sum_logits"])
def test_label_gradient_by_its_definition(outputs):
    apply, params = conv_net()
    x = images(7)
    theta = np.asarray(whole_jacobian_gram(apply, params, x, trainable=lambda path: path == "block1/kernel"))
    kernel = np.einsum("icjc->ij", theta) if outputs == "trace" else theta.sum((1, 3))
    signs = np.where(LABELS[:, None] == LABELS[None, :], 1.0, -1.0)
    expected = np.corrcoef(kernel.ravel(), signs.ravel())[0, 1]
    options = {"layer": "block1/kernel", "outputs": outputs, "batch_size": 3}
    score = paper_label_gradient(apply, params, x, LABELS, **options)
    assert score == pytest.approx(expected, rel=1e-10)


def test_projection_barely_moves_the_score():
    apply, params = conv_net()
    x = images(7)
    exact = paper_label_gradient(apply, params, x, LABELS, layer="block1/kernel")
    for kind in ("sparse", "gaussian"):
        options = {"layer": "block1/kernel", "projection": 120, "projection_kind": kind}
        score = paper_label_gradient(apply, params, x, LABELS, **options)
        assert score != exact
        assert score == pytest.approx(exact, abs=0.15)


def test_both_scores_and_a_zero_head():
    apply, params = conv_net()
    x = images(7)
    scores = paper_scores(apply, params, x, LABELS, layer="block1/kernel")
    assert set(scores) == {"paper_label_gradient", "paper_label_feature"}
    assert all(abs(value) <= 1 for value in scores.values())
    zero = with_head(params, {"kernel": np.zeros((5, 3)), "bias": np.zeros(3)})
    assert paper_label_gradient(apply, zero, x, LABELS, layer="block1/kernel") == 0


def test_at_most_so_many_images_a_class():
    labels = np.repeat([0, 3, 1], [40, 25, 7])
    kept = at_most(labels, 25)
    assert list(np.bincount(labels[kept])) == [25, 7, 0, 25]
    assert list(kept) == sorted(set(kept))
    assert set(kept) != set(at_most(labels, 25, seed=1))


def test_last_convolution_of_a_residual_network():
    x = jax.ShapeDtypeStruct((1, 32, 32, 3), np.float32)
    shapes = jax.eval_shape(resnet20(10).init, jax.random.key(0), x)
    assert last_convolution(shapes["params"]) == "stage3_block3/conv2/kernel"
    _, params = conv_net()
    with pytest.raises(InputError, match="no convolution"):
        last_convolution({"head": params["head"]})


@pytest.mark.parametrize("kind", ["sparse", "rademacher", "gaussian"])
def test_projection_is_unbiased(kind):
    rows = np.random.default_rng(0).normal(size=(3, 400))
    grams = []
    for seed in range(200):
        projected = project(rows, 50, kind=kind, key=jax.random.key(seed))
        assert projected.shape == (3, 50)
        grams.append(projected @ projected.T)
    error = np.std(grams, axis=0) / np.sqrt(200)
    assert (np.abs(np.mean(grams, axis=0) - rows @ rows.T) < 5 * error).all()
    assert error.max() < 0.03 * np.linalg.norm(rows[0]) ** 2


def test_bad_input():
    apply, params = conv_net()
    with pytest.raises(InputError, match="no weights called"):
        paper_label_gradient(apply, params, images(7), LABELS, layer="nowhere/kernel")
    with pytest.raises(InputError, match="combine outputs"):
        paper_label_gradient(apply, params, images(7), LABELS, outputs="loss")
    with pytest.raises(InputError, match="projection"):
        project(np.ones((2, 4)), 2, kind="hash")


def test_many_outputs_of_a_source_head_need_little_memory(monkeypatch):
    """Groups of outputs, as many as fit: the sum over a thousand of them is never held at once."""
    from lin_ft.kernels import sketch
    from lin_ft.scores import paper

    apply, params = conv_net()
    x = images(7)
    options = {"layer": "block1/kernel", "projection": 120}
    whole = paper_label_gradient(apply, params, x, LABELS, **options)
    monkeypatch.setattr(paper, "MEMORY_LIMIT", 2 * 4 * 14 * 120 * 8)
    sizes = []
    monkeypatch.setattr(sketch, "plan_blocks", lambda *values: sizes.append(values[3]) or (7, 1, 1))
    assert paper_label_gradient(apply, params, x, LABELS, **options) == pytest.approx(whole, rel=1e-12)
    assert sizes == [2, 1]
