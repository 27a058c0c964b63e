"""Rankings by the sketched kernel: as the kernel form, and as the exact kernel within the sketch's error."""

import dataclasses

import numpy as np
import pytest
from tiny import light_task, random_model

from lin_ft.errors import InputError
from lin_ft.gain import Sight, terms
from lin_ft.predict import decompose
from lin_ft.ranking import RankConfig, View, describe, predict_left_out, rank, view
from lin_ft.spectra import spectrum_of, spectrum_of_features

EXACT = RankConfig(reference="first", probes=1, kernel="exact", dimension=1024)
SKETCH = dataclasses.replace(EXACT, kernel="sketch")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return random_model(tmp_path_factory.mktemp("zoo"), "first", 0)


@pytest.fixture(scope="module")
def sketched(model):
    return View(model, light_task(), SKETCH)


def test_the_kernel_is_within_the_stated_error(sketched):
    exact = np.asarray(sketched.under(kernel="exact").kernel, np.float64)
    rank_ = np.trace(exact) ** 2 / np.sum(exact**2)
    bound = np.sqrt((rank_ + 1) / SKETCH.dimension)
    assert 0 < np.linalg.norm(sketched.kernel - exact) / np.linalg.norm(exact) < 3 * bound


def test_the_primal_is_the_kernel_form_of_the_same_sketch(sketched):
    kernel = np.asarray(sketched.sketch, np.float64) @ np.asarray(sketched.sketch, np.float64).T
    for way in ("image", "shot"):
        seen = sketched.under(left_out=way)
        wanted = predict_left_out(decompose(kernel), seen.targets, seen.labels, seen.config)
        np.testing.assert_allclose(seen.prediction.losses, wanted.losses, rtol=1e-5)
        np.testing.assert_allclose(seen.prediction.logits, wanted.logits, atol=1e-4)
    told = spectrum_of(kernel, seen.targets)
    np.testing.assert_allclose(sketched.label_spectrum.eigenvalues[:8], told.eigenvalues[:8], rtol=1e-6)
    assert sketched.label_spectrum.alignment == pytest.approx(told.alignment, rel=1e-6)


def test_rows_are_near_those_of_the_exact_kernel(sketched):
    one, other = describe(sketched), describe(sketched.under(kernel="exact"))
    assert one.predicted_decrease == pytest.approx(other.predicted_decrease, abs=0.02)
    assert one.label_gradient == pytest.approx(other.label_gradient, abs=0.02)
    assert one.predicted_loss == pytest.approx(other.predicted_loss, abs=0.02)


@pytest.mark.parametrize("n", [24, 8])
def test_the_terms_of_the_gain_need_no_kernel(n):
    rng = np.random.default_rng(0)
    phi, rows, labels = rng.normal(size=(n, 5)), rng.normal(size=(n, 12)), np.arange(n) % 4
    primal = terms({"target": Sight(phi, rows=rows)}, labels)
    dual = terms({"target": Sight(phi, rows @ rows.T)}, labels)
    assert primal.keys() == dual.keys()
    for name, value in primal.items():
        assert value == pytest.approx(dual[name], rel=1e-6), name


def test_a_spectrum_of_few_features_has_the_null_space_as_one():
    rng = np.random.default_rng(1)
    features, targets = rng.normal(size=(9, 3)), rng.normal(size=(9, 2))
    few, whole = spectrum_of_features(features, targets), spectrum_of(features @ features.T, targets)
    assert len(few.eigenvalues) == 4
    assert few.label_energy.sum() == pytest.approx(1)
    np.testing.assert_allclose(few.eigenvalues[:3], whole.eigenvalues[:3])
    np.testing.assert_allclose(few.unfitted(np.array([0.1, 3.0])), whole.unfitted(np.array([0.1, 3.0])))


def test_many_images_are_sketched_and_no_kernel_is_made(model, monkeypatch, caplog):
    for module in (view,):
        monkeypatch.setattr(module, "MANY", 11)
    monkeypatch.setattr("lin_ft.ranking.side_by_side.MANY", 11)
    monkeypatch.setattr(view, "_square", lambda sketch: pytest.fail("an n x n kernel"))
    caplog.set_level("INFO", logger="lin_ft")
    task, auto = light_task(), dataclasses.replace(SKETCH, kernel="auto")
    assert View(model, task, auto).sketched
    assert not View(model, task, EXACT).sketched
    assert not View(model, light_task(4), auto).sketched
    for score in ("predicted_decrease", "gain"):
        assert rank([model], task, dataclasses.replace(auto, score=score)).models[0].name == "first"
    assert "Kernel: sketched to 1024 numbers an image, for these are 12 images; --set kernel=exact" in caplog.text


def test_bad_settings(model, monkeypatch):
    with pytest.raises(InputError, match="kernel 'half': unknown; one of auto, exact, sketch"):
        RankConfig(kernel="half")
    with pytest.raises(InputError, match=r"could not be ranked.*dimension 1: a sketch cannot tell 2 classes apart"):
        rank([model], light_task(), dataclasses.replace(SKETCH, dimension=1))
    monkeypatch.setattr(view, "free_memory", lambda: 100)
    with pytest.raises(InputError, match=r"The kernel of 12 images takes .* GiB and .* are free"):
        view._square(np.ones((12, 3)))
