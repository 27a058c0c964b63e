"""Gains of a zoo: what is said where the reference, priors, levels or a fitting calibration are missing."""

import dataclasses
import json

import numpy as np
import pytest

from lin_ft.errors import InputError
from lin_ft.gain import TERMS, Calibration, Candidate, Coefficients, Prior, Sight, load, predict_gains, terms
from lin_ft.gain.calibration import KnownModel, Level, Part, save
from lin_ft.ranking.rank import candidate
from lin_ft.zoo import REFERENCE, embedded_zoo, multi_domain_zoo
from lin_ft.zoo.packaged import packaged_models

EMBEDDED = {model.name: candidate(model) for model in (*embedded_zoo(), *multi_domain_zoo())}


def evidence(*values):
    return dict.fromkeys(TERMS, 0.0) | {term: value for term, value in zip(TERMS, values, strict=False)}


def of(name):
    return EMBEDDED.get(name, Candidate(name, "resnet20"))


def told(names, **options):
    found = {name: evidence(*[0.1 * k] * 5) | {"shots_accuracy/target": 0.5} for k, name in enumerate(names)}
    return predict_gains(found, [of(name) for name in names], REFERENCE, **options)


def made_part(names, *, architectures=("resnet20",), means=()):
    models = {name: KnownModel(mean, 1.0, f"digest of {name}") for name, mean in zip(names, means, strict=True)}
    level = Level("shots_accuracy/target", 0.0, 5.0)
    about = architectures, names[0], ("a", "b"), {}
    return Part(TERMS, Coefficients(3.0, 6.0, 2.0, 1.0), 4.0, level, models, {"single": 0.5}, *about)


def test_the_packaged_calibration_knows_the_models_of_both_matrices():
    parts = load().parts
    assert len(parts["core"].models) == 15
    assert not parts["core"].unknown([EMBEDDED[name] for name in parts["core"].models]), "names and weights"
    assert set(parts["packaged"].models) <= set(packaged_models())
    for part in parts.values():
        assert part.coefficients.within > 0
        assert part.coefficients.across > 0
        assert part.made["commit"]
    assert parts["core"].statistics == ("source", "target")
    assert parts["packaged"].statistics == ("source",)


def test_more_evidence_is_more_gain():
    gains = told([REFERENCE, "x", "y"])
    assert gains.gain[0] == 0
    assert gains.gain[2] > gains.gain[1]
    assert (gains.gain_interval[1:, 0] < gains.gain[1:]).all()
    assert gains.accuracy[0] == pytest.approx(0.5 + load().parts["core"].level.bias / 100)
    assert "x" in gains.notes[0]
    assert "Fine-tune" in gains.sentence([REFERENCE, "x", "y"])


def test_without_the_reference_another_model_takes_its_place():
    part = made_part(["mnist_10k-resnet20", "cifar10-shared"], means=(0.0, 3.0))
    models = [Candidate(name, "resnet20", sha256=f"digest of {name}") for name in part.models]
    found = {name: evidence() for name in part.models}
    gains = predict_gains(found, models, REFERENCE, Calibration({"core": part}))
    assert gains.reference == "cifar10-shared"
    assert f"{REFERENCE} is not in this zoo: gains are over cifar10-shared" in gains.notes[0]


def test_one_model():
    gains = told([REFERENCE])
    assert gains.gain.tolist() == [0]
    assert gains.p_best.tolist() == [1]
    assert "One model" in gains.notes[-1]
    with pytest.raises(InputError, match="no models"):
        told([])


def test_an_unknown_model_has_its_familys_wide_prior():
    part = load().parts["core"]
    known, unknown = part.prior(EMBEDDED[REFERENCE]), part.prior(Candidate("x"))
    assert unknown.sd > known.sd
    assert unknown.mean == part.families["single"]
    same_name = dataclasses.replace(EMBEDDED[REFERENCE], sha256="of other weights")
    assert part.prior(same_name) == unknown, "a name alone is no prior"
    assert part.prior(dataclasses.replace(same_name, prior=Prior(2.0, 1.0))) == Prior(2.0, 1.0)


def test_gains_of_unknown_models_are_less_sure():
    known, unknown = told([REFERENCE, "cifar10-shared"]), told([REFERENCE, "x"])
    assert np.diff(unknown.gain_interval[1]) > np.diff(known.gain_interval[1])


def test_the_part_that_knows_the_models_is_taken():
    core = made_part(["a", "b"], means=(0.0, 0.0))
    packaged = made_part(["c", "d"], means=(0.0, 0.0), architectures=("mobilenet_v2", "squeezenet_11"))
    calibration = Calibration({"core": core, "packaged": packaged})
    a, c, d = (Candidate(name, "net", sha256=f"digest of {name}") for name in "acd")
    assert calibration.part([a]) == ("core", core)
    assert calibration.part([a, c, d]) == ("packaged", packaged)
    assert calibration.part([Candidate("x", "resnet20"), Candidate("y", "resnet20")]) == ("core", core)
    assert calibration.part([Candidate("x", "vit"), Candidate("y", "resnet50")]) == ("packaged", packaged)
    assert calibration.prior_of(a) == (Prior(0.0, 1.0), core)
    assert calibration.prior_of(Candidate("a", sha256="other")) is None


def test_one_image_a_class_leaves_out_what_needs_two():
    rng = np.random.default_rng(0)
    labels = np.arange(5)
    sights = {
        name: {kind: Sight(rng.normal(size=(5, 4)), np.eye(5) + 0.1) for kind in ("source", "target")}
        for name in (REFERENCE, "x")
    }
    found = {name: terms(each, labels) for name, each in sights.items()}
    assert np.isnan(found["x"]["shots_loss/target"])
    gains = predict_gains(found, [of(name) for name in found], REFERENCE)
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
    values["parts"]["core"]["terms"] = ["magic"]
    (tmp_path / "terms.json").write_text(json.dumps(values))
    with pytest.raises(InputError, match="with the terms magic it does not fit"):
        load(tmp_path / "terms.json")
    (tmp_path / "broken.json").write_text("[]")
    with pytest.raises(InputError, match="not readable"):
        load(tmp_path / "broken.json")
