"""Foreign checkpoints become entries of a zoo; bad ones are one sentence, and nothing of them is kept."""

import json
import types
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from networks import ConvNet, conv_variables
from safetensors.numpy import save_file
from tiny import light_task

from lin_ft import cli
from lin_ft.errors import InputError
from lin_ft.finetune import FinetuneConfig, finetune
from lin_ft.functions import features_of
from lin_ft.ranking import rank
from lin_ft.ranking.kept import outdated
from lin_ft.zoo import add, from_flax, load_zoo
from lin_ft.zoo.convert import looks_like

torch = pytest.importorskip("torch")

import torchvision_networks as torchvision  # noqa: E402


@pytest.fixture(scope="module")
def tensors():
    """SqueezeNet 1.1 with 10 classes, as torchvision names it."""
    torch.manual_seed(0)
    return {name: value.numpy() for name, value in torchvision.SqueezeNet().state_dict().items()}


@pytest.fixture
def weights(tensors, tmp_path):
    save_file(tensors, tmp_path / "w.safetensors")
    return tmp_path / "w.safetensors"


def run(*arguments) -> int:
    return cli.main([str(argument) for argument in arguments])


def test_an_added_checkpoint_is_listed_and_fine_tuned(weights, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LIN_FT_ZOO", str(tmp_path / "mine"))
    (tmp_path / "names.txt").write_text("\n".join("abcdefghij") + "\n")
    arguments = ("--weights", weights, "--norm", "half", "--classes", tmp_path / "names.txt", "--source", "photos")
    assert run("zoo", "add", "squeeze", "--arch", "squeezenet_11", *arguments) == 0
    assert "10 classes" in capsys.readouterr().out
    (model,) = load_zoo(tmp_path / "mine")
    assert model.card.class_names == tuple("abcdefghij")
    assert (model.card.mean, model.card.source, model.card.n_test) == ((0.5, 0.5, 0.5), "photos", 0)
    assert run("zoo", "list", "--zoo", "user") == 0
    assert "squeeze" in capsys.readouterr().out
    task = light_task(shots=2)
    before = model.source_logits(model.normalise(task.train.images))
    assert before.shape == (4, 10)
    assert before.min() >= 0, "the published classifier rectifies"
    result = finetune(model, task, FinetuneConfig(steps=1, learning_rates=(0.01,)))
    assert np.isfinite(result.test_accuracy)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.pop("features.3.squeeze.weight"), "1 missing: params/block1/squeeze/kernel"),
        (lambda t: t.update(extra=np.ones(3, np.float32)), "1 unexpected: extra"),
        (lambda t: t.update({"features.0.bias": np.ones(3, np.float32)}), r"features.0.bias \(3,\) instead of \(64,\)"),
    ],
)
def test_tensors_that_do_not_fit_are_listed(tensors, weights, tmp_path, change, sentence):
    changed = dict(tensors)
    change(changed)
    save_file(changed, weights)
    with pytest.raises(InputError, match=f"the checkpoint is no squeezenet_11 .*{sentence}"):
        add("x", "squeezenet_11", weights, folder=tmp_path / "zoo")
    assert not (tmp_path / "zoo").exists()


def test_another_architecture_is_recognised(tensors, weights, tmp_path):
    with pytest.raises(InputError, match=r"no vit_tiny_16 .*: it looks like squeezenet_11"):
        add("x", "vit_tiny_16", weights, folder=tmp_path / "zoo")
    assert not (tmp_path / "zoo").exists()
    assert looks_like({"a": np.ones(2, np.float32)}) is None
    with torch.device("meta"):
        shapes = torchvision.ResNet((3, 4, 6, 3), torchvision.Basic).state_dict()
    named = {name: np.broadcast_to(np.float32(0), tuple(value.shape)) for name, value in shapes.items()}
    assert looks_like(named) == "resnet34"


def test_bad_arguments_are_one_sentence(weights, tmp_path, capsys):
    (tmp_path / "two.txt").write_text("a\nb")
    (tmp_path / "file").write_text("")
    cases = {
        ("--classes", tmp_path / "two.txt"): "2 class names are given, but the checkpoint's head has 10",
        ("--classes", tmp_path / "none.txt"): "not a readable text file",
        ("--norm", "nonsense"): "give imagenet, half, none or three means",
        ("--naming", "keras"): "unknown for squeezenet_11; one of torchvision",
        ("--out", tmp_path / "file" / "zoo"): "cannot be written",
    }
    for arguments, sentence in cases.items():
        chosen = ("--weights", weights, "--out", tmp_path / "zoo", *arguments)
        assert run("zoo", "add", "x", "--arch", "squeezenet_11", *chosen) == 2
        assert sentence in capsys.readouterr().err
    assert run("zoo", "add", "x", "--arch", "alexnet", "--weights", weights, "--out", tmp_path / "zoo") == 2
    assert "not one that others publish" in capsys.readouterr().err
    assert run("zoo", "add", "a/b", "--arch", "squeezenet_11", "--weights", weights, "--out", tmp_path / "zoo") == 2
    assert "letters, digits" in capsys.readouterr().err
    assert not (tmp_path / "zoo").exists()


def test_a_card_that_cannot_be_written_takes_the_weights_with_it(weights, tmp_path, monkeypatch):
    def full(path, card):
        raise InputError("no space")

    monkeypatch.setattr("lin_ft.zoo.foreign.save_card", full)
    with pytest.raises(InputError, match="no space"):
        add("x", "squeezenet_11", weights, folder=tmp_path / "zoo")
    assert not list((tmp_path / "zoo").iterdir())


class Hub:
    """huggingface_hub as far as it is used: files of one repository in a folder, or no network."""

    class EntryNotFoundError(Exception):
        pass

    class LocalEntryNotFoundError(EntryNotFoundError):
        pass

    def __init__(self, monkeypatch, folder: Path | None, offline: bool = False):
        self.folder, self.asked, self.offline = folder, [], offline
        errors = types.ModuleType("huggingface_hub.errors")
        errors.EntryNotFoundError = self.EntryNotFoundError
        errors.LocalEntryNotFoundError = self.LocalEntryNotFoundError
        hub = types.ModuleType("huggingface_hub")
        hub.hf_hub_download = self.download
        monkeypatch.setitem(__import__("sys").modules, "huggingface_hub", hub)
        monkeypatch.setitem(__import__("sys").modules, "huggingface_hub.errors", errors)

    def download(self, repository, name):
        self.asked.append(repository)
        if self.folder is None:
            raise self.LocalEntryNotFoundError("outgoing traffic is disabled")
        if not (self.folder / name).is_file():
            raise (self.LocalEntryNotFoundError if self.offline else self.EntryNotFoundError)(name)
        return str(self.folder / name)


def test_the_hub_says_classes_and_normalisation(tensors, tmp_path, monkeypatch):
    torch.save({name: torch.from_numpy(value) for name, value in tensors.items()}, tmp_path / "pytorch_model.bin")
    config = {"pretrained_cfg": {"mean": [0.1, 0.2, 0.3], "std": [1.0, 1.0, 1.0], "input_size": [3, 227, 227]}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    hub = Hub(monkeypatch, tmp_path)
    card = add("x", "squeezenet_11", "timm:squeezenet", folder=tmp_path / "zoo").card
    assert set(hub.asked) == {"timm/squeezenet"}
    assert (card.mean, card.image_size, card.class_names[:2]) == ((0.1, 0.2, 0.3), 227, ("0", "1"))
    names = {str(index): f"class {index}" for index in range(10)}
    (tmp_path / "config.json").write_text(json.dumps({"id2label": names, "image_size": 224}))
    card = add("x", "squeezenet_11", "hf:someone/squeezenet", folder=tmp_path / "zoo").card
    assert (card.class_names[9], card.mean[0], card.image_size) == ("class 9", 0.485, 224)


def test_what_is_in_the_hubs_cache_is_enough(tensors, tmp_path, monkeypatch):
    """Without network files that are not cached may be there or not: what that leaves open is said."""
    save_file(tensors, tmp_path / "model.safetensors")
    Hub(monkeypatch, tmp_path, offline=True)
    card = add("x", "squeezenet_11", "hf:someone/squeezenet", folder=tmp_path / "zoo").card
    assert any("config.json not in the hub's cache, and no network to look" in note for note in card.recipe["notes"])
    (tmp_path / "config.json").write_text(json.dumps({"mean": [0.5] * 3, "std": [0.5] * 3}))
    card = add("x", "squeezenet_11", "hf:someone/squeezenet", folder=tmp_path / "zoo").card
    assert (card.mean, card.recipe["notes"]) == ((0.5,) * 3, [])


def test_several_files_of_the_hub(tensors, tmp_path, monkeypatch):
    names = sorted(tensors)
    for part, own in (("a.safetensors", names[::2]), ("b.safetensors", names[1::2])):
        save_file({name: tensors[name] for name in own}, tmp_path / part)
    places = {name: "ab"[index % 2] + ".safetensors" for index, name in enumerate(names)}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    hub = Hub(monkeypatch, tmp_path)
    assert add("x", "squeezenet_11", "hf:someone/squeezenet", folder=tmp_path / "zoo").card.n_classes == 10
    assert len(hub.asked) >= 4
    (tmp_path / "b.safetensors").unlink()
    with pytest.raises(InputError, match=r"its parts b.safetensors cannot be fetched"):
        add("x", "squeezenet_11", "hf:someone/squeezenet", folder=tmp_path / "zoo")


def test_timms_repositories_state_the_architecture_by_their_name(tmp_path, monkeypatch):
    torch.manual_seed(0)
    network = torchvision.ResNet((2, 2, 2, 2), torchvision.Basic)
    save_file({name: value.numpy() for name, value in network.state_dict().items()}, tmp_path / "model.safetensors")
    Hub(monkeypatch, tmp_path)
    assert add("x", "", "timm:resnet18.a1_in1k", folder=tmp_path / "zoo").card.architecture == "resnet18"
    with pytest.raises(InputError, match=r"repository's name states the architecture resnetblur18.*, not resnet18"):
        add("x", "resnet18", "timm:resnetblur18.in1k", folder=tmp_path / "zoo")


def test_offline_the_hub_is_one_sentence(tmp_path, monkeypatch):
    Hub(monkeypatch, None)
    with pytest.raises(InputError, match=r"cannot be fetched from the hub .* give its path as --weights"):
        add("x", "resnet18", "hf:someone/model", folder=tmp_path / "zoo")
    with pytest.raises(InputError, match="give hf:owner/name"):
        add("x", "resnet18", "hf:model", folder=tmp_path / "zoo")
    Hub(monkeypatch, tmp_path)
    with pytest.raises(InputError, match=r"has neither model.safetensors nor"):
        add("x", "resnet18", "hf:someone/model", folder=tmp_path / "zoo")
    monkeypatch.setitem(__import__("sys").modules, "huggingface_hub", None)
    with pytest.raises(InputError, match=r"pip install lin-ft\[hub\]"):
        add("x", "resnet18", "hf:someone/model", folder=tmp_path / "zoo")


class NnxNet(nnx.Module):
    def __init__(self, seed=0):
        rngs = nnx.Rngs(seed)
        self.conv = nnx.Conv(3, 4, (3, 3), rngs=rngs)
        self.head = nnx.Linear(4, 3, rngs=rngs)

    def features(self, x):
        return nnx.relu(self.conv(x)).mean((1, 2))

    def __call__(self, x):
        return self.head(self.features(x))


def test_own_models_of_linen_and_nnx_are_ranked():
    task = light_task(shots=2)
    variables = jax.tree.map(lambda leaf: np.asarray(leaf, np.float32), conv_variables(seed=0, dtype=np.float32))
    linen = from_flax("linen", ConvNet(3), variables, image_size=32)
    own = from_flax("nnx", NnxNet(), image_size=32, class_names=("x", "y", "z"))
    ranking = rank([linen, own], task)
    assert {row.name for row in ranking.models} == {"linen", "nnx"}
    assert not outdated(ranking, [linen, own], task)
    other = from_flax("linen", ConvNet(3), jax.tree.map(lambda leaf: leaf + 1, variables), image_size=32)
    wider = from_flax("nnx", NnxNet(seed=1), image_size=32, class_names=("x", "y", "z"))
    (reason,) = outdated(ranking, [other, wider], task)
    assert reason in ("other weights of linen, nnx", "other weights of nnx, linen")
    assert np.isfinite(finetune(linen, task, FinetuneConfig(steps=1, learning_rates=(0.01,))).test_accuracy)
    with pytest.raises(InputError, match="nnx modules cannot be fine-tuned"):
        finetune(own, task, FinetuneConfig(steps=1, learning_rates=(0.01,)))
    x = own.normalise(task.train.images)
    assert features_of(*own.function, x).shape == (4, 4)
    with pytest.raises(InputError, match="needs its variables"):
        from_flax("x", ConvNet(3), image_size=32)


def test_networks_of_pixels_up_to_255_get_inputs_of_unit_variance():
    """The same logits; without it the stem's gradient is a hundred times larger than the others'."""
    from lin_ft.models import squeezenet_11
    from lin_ft.zoo.foreign import NORMS, unit_inputs

    module = squeezenet_11(3)
    rng = np.random.default_rng(0)
    pixels = jnp.asarray(rng.random((2, 33, 33, 3)), jnp.float32)
    std = (1 / 255, 1 / 255, 1 / 128)
    centred = pixels - jnp.array([0.4, 0.5, 0.6])[None, None, None]
    variables = jax.device_get(module.init(jax.random.key(0), pixels))
    ours, unit = unit_inputs(variables, std)
    assert unit == NORMS["imagenet"][1]
    before = module.apply(variables, centred / jnp.array(std)[None, None, None])
    after = module.apply(ours, centred / jnp.array(unit)[None, None, None])
    np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-5 * np.abs(before).max())
    assert unit_inputs(variables, (0.5, 0.5, 0.5)) == (variables, (0.5, 0.5, 0.5))
