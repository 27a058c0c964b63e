import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lin_ft.errors import InputError
from lin_ft.scores import alignment, encode, label_feature, paper_label_feature
from lin_ft.scores.alignment import FORMS
from lin_ft.scores.label_feature import label_feature_by_kernel
from lin_ft.scores.paper import at_most


def drawn(seed, n=12, d=5, n_classes=3):
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(n_classes), rng.integers(n_classes, size=n - n_classes)])
    return rng.normal(size=(n, d)) + rng.normal(size=d) * 3, labels


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("d", [5, 40])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("coding", ["one_hot", "plus_minus", "centred"])
def test_equals_the_kernel_form(form, d, bias, coding):
    phi, labels = drawn(0, d=d)
    y = encode(labels, coding=coding)
    fast = label_feature(phi, y, form=form, bias=bias)
    slow = label_feature_by_kernel(phi, y, form=form, bias=bias)
    np.testing.assert_allclose(fast, slow, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("form", ["cosine", "cka", "pearson"])
def test_a_perfect_kernel_scores_exactly_one(form):
    labels = np.repeat(np.arange(21), 25)
    y = encode(labels)
    assert alignment(y @ y.T, y, form=form) == pytest.approx(1, abs=1e-12)
    assert label_feature(y, y, form=form) == pytest.approx(1, abs=1e-12)
    assert paper_label_feature(y, labels) == pytest.approx(1, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 30), st.integers(1, 20), st.floats(-100, 100))
def test_normalised_forms_stay_in_range(seed, n, d, offset):
    rng = np.random.default_rng(seed)
    phi = rng.normal(size=(n, d)) * np.exp(rng.normal(size=(n, 1))) + offset
    y = encode(np.concatenate([[0, 1, 2], rng.integers(3, size=n - 3)]))
    symmetric = rng.normal(size=(n, n))
    for form in ("cosine", "cka", "pearson"):
        assert abs(label_feature(phi, y, form=form)) <= 1 + 1e-9
        assert abs(alignment(symmetric + symmetric.T, y, form=form)) <= 1 + 1e-9
    assert 0 <= label_feature(phi, y, form="trace") <= 1 + 1e-9


def test_pearson_is_numpys_correlation_of_all_entries_with_same_class_signs():
    phi, labels = drawn(1)
    kernel = phi @ phi.T
    signs = np.where(labels[:, None] == labels[None, :], 1.0, -1.0)
    expected = np.corrcoef(kernel.ravel(), signs.ravel())[0, 1]
    for coding in ("one_hot", "plus_minus"):
        assert label_feature(phi, encode(labels, coding=coding)) == pytest.approx(expected, rel=1e-10)
    assert paper_label_feature(phi, labels) == pytest.approx(expected, rel=1e-10)


def test_paper_score_is_cka_times_a_factor_on_balanced_classes():
    rng = np.random.default_rng(2)
    labels = np.repeat(np.arange(4), 6)
    phi = np.abs(rng.normal(size=(24, 7)) + np.eye(7)[labels]) * np.exp(0.3 * rng.normal(size=(24, 1)))
    kernel, h = phi @ phi.T, np.eye(24) - 1 / 24
    factor = np.linalg.norm(h @ kernel @ h) / np.linalg.norm(kernel - kernel.mean())
    y = encode(labels)
    assert paper_label_feature(phi, labels) == pytest.approx(label_feature(phi, y, form="cka") * factor, rel=1e-10)
    assert factor < 0.95


def test_cka_ignores_an_offset_and_the_others_do_not():
    phi, labels = drawn(3)
    y = encode(labels)
    for form, same in (("cka", True), ("pearson", False), ("cosine", False)):
        moved = label_feature(phi + 5, y, form=form)
        assert (abs(moved - label_feature(phi, y, form=form)) < 1e-10) == same


def test_a_full_kernel_is_compared_with_the_vector_of_targets():
    rng = np.random.default_rng(4)
    jacobian, y = rng.normal(size=(5, 3, 9)), rng.normal(size=(5, 3))
    theta = np.einsum("icp,jep->icje", jacobian, jacobian)
    r = y.ravel()
    flat = theta.reshape(15, 15)
    assert alignment(theta, y, form="raw") == pytest.approx(r @ flat @ r, rel=1e-12)
    cosine = r @ flat @ r / np.linalg.norm(flat) / (r @ r)
    assert alignment(theta, y, form="cosine") == pytest.approx(cosine, rel=1e-12)
    h = np.kron(np.eye(5) - 1 / 5, np.eye(3))
    centred, rc = h @ flat @ h, h @ r
    cka = rc @ centred @ rc / np.linalg.norm(centred) / (rc @ rc)
    assert alignment(theta, y, form="cka") == pytest.approx(cka, rel=1e-12)


def test_order_does_not_matter():
    phi, labels = drawn(5)
    order = np.random.default_rng(0).permutation(len(labels))
    for form in FORMS:
        np.testing.assert_allclose(
            label_feature(phi[order], encode(labels[order]), form=form),
            label_feature(phi, encode(labels), form=form),
            rtol=1e-10,
        )


def test_at_most_25_images_a_class():
    labels = np.repeat([0, 1, 4], [60, 10, 25])
    kept = at_most(labels, 25)
    assert np.bincount(labels[kept]).tolist() == [25, 10, 0, 0, 25]
    assert (np.diff(kept) > 0).all()
    assert paper_label_feature(np.eye(3)[np.searchsorted([0, 1, 4], labels)], labels) == pytest.approx(1)


def test_bad_input():
    phi, labels = drawn(6)
    with pytest.raises(InputError, match="Unknown form"):
        label_feature(phi, encode(labels), form="spectral")
    with pytest.raises(InputError, match="NaN"):
        label_feature(phi * np.nan, encode(labels))
    with pytest.raises(InputError, match="one class"):
        encode(np.zeros(3, int))
