"""Gains of a zoo: what is said where the reference, priors, levels or a fitting calibration are missing."""

import dataclasses
import json

import numpy as np
import pytest

from lin_ft.errors import InputError
from lin_ft.gain import TERMS, Prior, Sight, load, predict_gains, terms
from lin_ft.gain.calibration import save
from lin_ft.zoo import REFERENCE, embedded_zoo, multi_domain_zoo

FAMILY = ("resnet20", "single")


def evidence(*values):
    return dict.fromkeys(TERMS, 0.0) | {term: value for term, value in zip(TERMS, values, strict=False)}


def told(names, **options):
    found = {name: evidence(*[0.1 * k] * 5) | {"shots_accuracy/target": 0.5} for k, name in enumerate(names)}
    return predict_gains(found, dict.fromkeys(names, FAMILY), REFERENCE, **options)


def test_the_packaged_calibration_knows_the_models_of_the_core_matrix():
    calibration = load()
    names = [model.name for model in (*embedded_zoo(), *multi_domain_zoo())]
    assert len(set(names) & set(calibration.priors)) == len(calibration.priors) == 15
    assert calibration.coefficients.within > 0
    assert calibration.made["commit"]


def test_more_evidence_is_more_gain():
    gains = told([REFERENCE, "x", "y"])
    assert gains.gain[0] == 0
    assert gains.gain[2] > gains.gain[1]
    assert (gains.gain_interval[1:, 0] < gains.gain[1:]).all()
    assert gains.accuracy[0] == pytest.approx(0.5 + load().level.bias / 100)
    assert "x" in gains.notes[0]
    assert "Fine-tune" in gains.sentence([REFERENCE, "x", "y"])


def test_without_the_reference_another_model_takes_its_place():
    calibration = load()
    calibration = dataclasses.replace(calibration, priors=calibration.priors | {"cifar10-shared": Prior(3.0, 1.0)})
    gains = told(["mnist_10k-resnet20", "cifar10-shared"], calibration=calibration)
    assert gains.reference == "cifar10-shared"
    assert f"{REFERENCE} is not in this zoo: gains are over cifar10-shared" in gains.notes[0]


def test_one_model():
    gains = told([REFERENCE])
    assert gains.gain.tolist() == [0]
    assert gains.p_best.tolist() == [1]
    assert "One model" in gains.notes[-1]
    with pytest.raises(InputError, match="no models"):
        told([])


def test_an_unknown_model_has_a_wide_prior():
    calibration = load()
    known, unknown = calibration.prior(REFERENCE, "single"), calibration.prior("x", "single")
    assert unknown.sd > known.sd
    assert unknown.mean == calibration.families["single"]


def test_one_image_a_class_leaves_out_what_needs_two():
    rng = np.random.default_rng(0)
    labels = np.arange(5)
    sights = {
        name: {kind: Sight(rng.normal(size=(5, 4)), np.eye(5) + 0.1) for kind in ("source", "target")}
        for name in (REFERENCE, "x")
    }
    found = {name: terms(each, labels) for name, each in sights.items()}
    assert np.isnan(found["x"]["shots_loss/target"])
    gains = predict_gains(found, dict.fromkeys(found, FAMILY), REFERENCE)
    assert "need two images of each class: shots_loss/target" in gains.notes[-1]
    assert np.isnan(gains.accuracy).all()
    assert np.isfinite(gains.gain).all()


def test_two_classes_and_terms_of_all_kinds():
    rng = np.random.default_rng(0)
    labels = np.arange(8) % 2
    useful = Sight(rng.normal(size=(8, 4)) + 3 * labels[:, None], np.eye(8))
    useless = Sight(rng.normal(size=(8, 4)), np.eye(8))
    good, bad = (terms({"source": each, "target": each}, labels) for each in (useful, useless))
    for name in ("shots_loss/target", "shots_accuracy/target", "label_feature_cka/source"):
        assert good[name] > bad[name]
    assert set(TERMS) < set(good)


def test_a_calibration_that_does_not_fit(tmp_path):
    save(load(), tmp_path / "same.json")
    assert load(tmp_path / "same.json") == load()
    values = json.loads((tmp_path / "same.json").read_text())
    (tmp_path / "other.json").write_text(json.dumps(values | {"version": 0}))
    with pytest.raises(InputError, match="does not fit this lin_ft"):
        load(tmp_path / "other.json")
    (tmp_path / "broken.json").write_text("[]")
    with pytest.raises(InputError, match="not readable"):
        load(tmp_path / "broken.json")
