import jax
import numpy as np
import pytest
from networks import one_hot

from lin_ft.errors import InputError
from lin_ft.finetune import FinetuneConfig
from lin_ft.heads import HEADS, heads_for, init_head, ridge_head
from lin_ft.ranking import RankConfig


def drawn(n=20, d=6, dtype=np.float64):
    rng = np.random.default_rng(0)
    y = one_hot(n, 4)
    return (rng.normal(size=(n, d)) + y @ rng.normal(size=(4, d)) + 2).astype(dtype), y


def test_zero_random_and_pretrained():
    phi, y = drawn(dtype=np.float32)
    zero = init_head("zero", phi, y)
    assert zero["kernel"].shape == (6, 4)
    assert zero["kernel"].dtype == np.float32
    assert not zero["kernel"].any()
    random = init_head("random", np.ones((2, 4000)), y[:2], jax.random.key(1))["kernel"]
    assert np.var(random) == pytest.approx(1 / 4000, rel=0.1)
    scaled = init_head("random", np.ones((2, 4000)), y[:2], jax.random.key(1), variance=9.0)["kernel"]
    np.testing.assert_allclose(scaled, random * 3 * 4000**0.5, rtol=1e-6)
    kept = init_head("pretrained", phi, y, pretrained={"kernel": np.ones((6, 9)), "bias": np.ones(9)})
    assert kept["kernel"].shape == (6, 9)


def refit(phi, y, ridge):
    """The linear probe by its normal equations, bias unpenalised."""
    extended = np.concatenate([phi, np.ones((len(phi), 1))], axis=1)
    penalty = ridge * np.diag([1.0] * phi.shape[1] + [0.0])
    return np.linalg.solve(extended.T @ extended + penalty, extended.T @ y)


@pytest.mark.parametrize("d", [6, 30])
def test_ridge_equals_normal_equations_and_brute_force_leave_one_out(d):
    phi, y = drawn(d=d)
    grid = (1e-2, 1.0, 1e2)
    head, best, losses = ridge_head(phi, y, grid)
    unit = best / grid[int(np.argmin(losses))]
    weights = refit(phi, y, best)
    np.testing.assert_allclose(head["kernel"], weights[:-1], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(head["bias"], weights[-1], rtol=1e-8)
    for ridge, loss in zip(grid, losses, strict=True):
        errors = []
        for i in range(len(phi)):
            rest = np.arange(len(phi)) != i
            w = refit(phi[rest], y[rest], ridge * unit)
            errors.append(y[i] - phi[i] @ w[:-1] - w[-1])
        assert loss == pytest.approx(np.mean(np.square(errors)), rel=1e-8)


def test_constant_features_give_the_class_means():
    _, y = drawn()
    head = init_head("ridge", np.ones((20, 3)), y)
    np.testing.assert_allclose(np.ones((1, 3)) @ head["kernel"] + head["bias"][None, :], y.mean(0)[None, :])


def test_bad_input():
    phi, y = drawn()
    with pytest.raises(InputError, match="known are zero, random, ridge, pretrained"):
        init_head("two", phi, y)
    with pytest.raises(InputError, match="needs a key"):
        init_head("random", phi, y)
    with pytest.raises(InputError, match="needs the source head"):
        init_head("pretrained", phi, y)
    with pytest.raises(InputError, match="takes 3 features"):
        init_head("pretrained", phi, y, pretrained={"kernel": np.ones((3, 9)), "bias": np.ones(9)})
    with pytest.raises(InputError, match="NaN"):
        init_head("ridge", phi * np.nan, y)


def test_what_a_head_is_for_is_said_once_and_kept_to():
    assert heads_for("ranking") == ("zero", "random")
    assert heads_for("fine-tuning") == ("zero", "random", "ridge")
    for make, use in ((RankConfig, "ranking"), (FinetuneConfig, "fine-tuning")):
        for name in HEADS:
            if name in heads_for(use):
                assert make(head=name).head == name
            else:
                with pytest.raises(InputError, match=f"head '{name}'"):
                    make(head=name)
