"""Zoos by name: the two that are shipped, several as one, and what is wrong with a name."""

import jax
import numpy as np
import pytest

from lin_ft.errors import InputError
from lin_ft.zoo import embedded_zoo, multi_domain_zoo, named_zoo


def test_the_multi_domain_zoo_works_like_any_other_and_shares_its_trunk():
    zoo = multi_domain_zoo()
    sources = {model.card.source for model in embedded_zoo()}
    assert {model.card.source for model in zoo} == sources
    assert {"multi_bn"} <= {model.card.family for model in zoo}
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    for model in zoo:
        apply, params = model.function
        assert apply(params, model.normalise(images)).shape == (2, model.card.n_classes)
        assert model.card.n_params == sum(leaf.size for leaf in jax.tree.leaves(params))
    for family in {model.card.family for model in zoo} - {"expert"}:
        slices = [model for model in zoo if model.card.family == family]
        assert sum(model.weights.stat().st_size for model in slices) < 1.3e6
        assert slices[0].weights.with_name(slices[0].card.trunk).stat().st_size < 1.3e6


def test_zoos_joined_by_commas_with_the_reference_first():
    joined = named_zoo("embedded,multi_domain")
    assert [model.name for model in joined] == [model.name for model in embedded_zoo() + multi_domain_zoo()]
    assert joined[0].name == "cifar10-resnet20"


def test_a_folder_with_a_comma_is_a_folder(tmp_path):
    folder = tmp_path / "a,b"
    folder.mkdir()
    with pytest.raises(InputError, match=r"a,b.*no model cards"):
        named_zoo(folder)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("embedded,embedded", "animal_silhouettes-resnet20, .* come twice; name each zoo once"),
        ("embedded,nowhere", "zoo 'nowhere': no model cards there"),
        ("nowhere", "zoo 'nowhere': no model cards there"),
    ],
)
def test_bad_names(name, message, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        named_zoo(name)
