"""Checkpoints as training scripts leave them: the network that they mean is taken, and the choice is said."""

import argparse
import collections
import json
import pathlib

import numpy as np
import pytest
from safetensors.numpy import save_file

from lin_ft import cli
from lin_ft.errors import InputError
from lin_ft.zoo import add
from lin_ft.zoo.checkpoint import read_checkpoint
from lin_ft.zoo.convert import convert
from lin_ft.zoo.torch_file import load_torch
from lin_ft.zoo.wrappers import network_in

torch = pytest.importorskip("torch")

import torchvision_networks as torchvision  # noqa: E402


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return torchvision.SqueezeNet().eval()


@pytest.fixture(scope="module")
def tensors(network):
    return {name: value.numpy() for name, value in network.state_dict().items()}


def other(tensors):
    return {name: 0.5 * value for name, value in tensors.items()}


def prefixed(tensors, prefix):
    return {f"{prefix}{name}": value for name, value in tensors.items()}


def same(converted, tensors):
    """The weights of the whole network, head included."""
    expected = convert(tensors, "squeezenet_11")
    assert converted.n_classes == 10
    for name in ("stem", "head"):
        for leaf in ("kernel", "bias"):
            np.testing.assert_array_equal(
                converted.variables["params"][name][leaf], expected.variables["params"][name][leaf]
            )


PREFIXES = (
    "module.", "_orig_mod.", "model.", "module._orig_mod.", "_orig_mod.module.", "model.module._orig_mod.",
    "net.model.", "timm_model.", "my_own_name.", "student.backbone.",
)  # fmt: skip


@pytest.mark.parametrize("prefix", PREFIXES)
def test_prefixes_in_any_order(tensors, prefix):
    converted = convert(prefixed(tensors, prefix), "squeezenet_11")
    same(converted, tensors)
    assert not converted.notes


def test_words_of_wrapped_layers_inside_a_name(tensors):
    wrapped = {name.replace("squeeze.", "_orig_mod.squeeze._fsdp_wrapped_module."): v for name, v in tensors.items()}
    same(convert(wrapped, "squeezenet_11"), tensors)


def test_tensors_outside_the_network_are_left_out_and_named(tensors):
    converted = convert(prefixed(tensors, "model.") | {"criterion.weight": np.ones(3, np.float32)}, "squeezenet_11")
    same(converted, tensors)
    assert converted.notes == ("left out, 1 tensors that are not of model.*: criterion.weight",)
    with pytest.raises(InputError, match=r"1 unexpected: extra.weight"):
        convert(prefixed(tensors | {"extra.weight": np.ones(3, np.float32)}, "model."), "squeezenet_11")


def test_two_networks_under_two_prefixes(tensors):
    with pytest.raises(InputError, match=r"several times \(student\.\*, teacher\.\*\)"):
        convert(prefixed(tensors, "student.") | prefixed(tensors, "teacher."), "squeezenet_11")
    averaged = prefixed(other(tensors), "model.") | prefixed(tensors, "ema_model.module.")
    converted = convert(averaged, "squeezenet_11")
    same(converted, tensors)
    assert converted.notes == ("averaged weights taken: ema_model.module.* rather than model.*",)


WRAPPED = {
    "state_dict": (lambda t, o: {"state_dict": t, "epoch": 3, "best_acc": np.float32(0.9)}, None),
    "model_state": (lambda t, o: {"model_state": t, "acc": 0.9}, None),
    "backbone": (lambda t, o: {"backbone": t}, None),
    "nested": (lambda t, o: {"checkpoint": {"model": t}}, None),
    "optimizer": (lambda t, o: {"model": t, "optimizer": {"state": {0: o}, "param_groups": [{"lr": 0.1}]}}, None),
    "a name of its own": (lambda t, o: {"my_network": t, "epoch": 1}, None),
    "never averaged": (lambda t, o: {"model": o, "ema": t | {"n_averaged": np.int64(0)}}, "(n_averaged is 0: never"),
    "a list": (lambda t, o: [t, 3], None),
    "state_dict_ema": (lambda t, o: {"state_dict": o, "state_dict_ema": t}, "state_dict_ema rather than state_dict"),
    "model_ema": (lambda t, o: {"model": o, "model_ema": prefixed(t, "module.")}, "model_ema rather than model"),
    "ema": (lambda t, o: {"ema": t, "model": o, "epoch": 1}, "ema rather than model"),
    "swa": (lambda t, o: {"state_dict": {"model": o, "swa_model": t}}, "state_dict.swa_model rather than"),
    "n_averaged": (lambda t, o: prefixed(t, "module.") | {"n_averaged": np.int64(5)}, "n_averaged is 5"),
    "n_averaged inside": (lambda t, o: {"model": o, "ema": prefixed(t, "module.") | {"n_averaged": 7}}, "ema rather"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRAPPED)
def test_wrappers_and_averaged_weights_first(kind, tensors):
    make, said = WRAPPED[kind]
    found = network_in(make(tensors, other(tensors)))
    same(convert(found.tensors, "squeezenet_11"), tensors)
    assert (said is None) == (not found.notes)
    assert said is None or (found.notes[0].startswith("averaged weights taken: ") and said in found.notes[0])


def test_what_is_not_used_is_named(tensors):
    found = network_in(tensors | {"epoch": 3, "config": {"lr": 0.1}})
    assert found.notes == ("left out, no tensors of a network: epoch, config",)
    found = network_in({"model": tensors, "discriminator": other(tensors)})
    assert found.notes == ("left out, another network: discriminator",)
    found = network_in({"model": tensors, "ema": {"shadow_params": list(tensors.values())}})
    assert found.notes == ("left out, averaged weights without names: ema.shadow_params",)
    with pytest.raises(InputError, match=r"several networks \(generator, discriminator\)"):
        network_in({"generator": tensors, "discriminator": other(tensors)})


def test_averages_of_the_parameters_alone_take_the_statistics_of_the_last_step():
    plain = {name: np.zeros(2, np.float32) for name in ("a.weight", "a.bias", "b.weight", "a.running_mean")}
    averaged = {f"module.{name}": np.ones(2, np.float32) for name in list(plain)[:3]}
    found = network_in({"model": plain, "model_ema": averaged})
    assert {name: value[0] for name, value in found.tensors.items()} == {
        "a.weight": 1, "a.bias": 1, "b.weight": 1, "a.running_mean": 0,
    }  # fmt: skip
    assert "1 tensors that the averaged weights lack taken from model" in found.notes[1]


HEADS = {
    "sequential": {"classifier.1.1.weight": (10, 512), "classifier.1.1.bias": (10,)},
    "hidden layer": {"classifier.1.weight": (64, 512), "classifier.1.bias": (64,), "classifier.3.weight": (10, 64)},
    "another width": {"classifier.1.weight": (10, 300), "classifier.1.bias": (10,)},
}


@pytest.mark.parametrize("kind", HEADS)
def test_a_head_that_is_not_one_dense_layer_is_left_out_and_said(kind, tensors):
    trunk = {name: value for name, value in tensors.items() if not name.startswith("classifier")}
    head = {name: np.ones(shape, np.float32) for name, shape in HEADS[kind].items()}
    converted = convert(prefixed(trunk | head, "model."), "squeezenet_11")
    assert converted.n_classes == 0
    assert not np.any(converted.variables["params"]["head"]["kernel"])
    (note,) = converted.notes
    assert note.startswith("head left out, it ")
    assert all(name in note for name in head)
    without = convert(trunk, "squeezenet_11")
    assert (without.n_classes, without.notes) == (0, ())


def test_a_head_without_bias_has_one_of_zeros(tensors):
    converted = convert({name: v for name, v in tensors.items() if name != "classifier.1.bias"}, "squeezenet_11")
    assert converted.n_classes == 10
    assert not np.any(converted.variables["params"]["head"]["bias"])


def test_looks_like_names_the_architecture_that_was_asked_for(tensors):
    lacking = {name: value for name, value in tensors.items() if name != "features.3.squeeze.weight"}
    with pytest.raises(InputError, match=r"1 missing: .*it looks like squeezenet_11, as asked for, but for that \(98%"):
        convert(lacking, "squeezenet_11")
    with pytest.raises(InputError, match=r"no resnet18 .*it looks most like squeezenet_11 \(98% of the tensors fit\)"):
        convert(lacking, "resnet18")
    with pytest.raises(InputError, match="it looks like none of the known architectures"):
        convert({"a.weight": np.ones((3, 3), np.float32)}, "resnet18")


def test_whole_numbers_are_no_weights(tensors):
    quantised = dict(tensors) | {"features.0.weight": np.ones((64, 3, 3, 3), np.int8)}
    with pytest.raises(InputError, match=r"1 of a type that weights do not have: features.0.weight int8"):
        convert(quantised, "squeezenet_11")


@pytest.mark.parametrize("name", ["W.PTH", "weights", "w.model", "w.pth.tar", "w.safetensors.download"])
def test_a_file_is_what_its_content_says(name, tensors, tmp_path):
    torch.save({key: torch.from_numpy(value) for key, value in tensors.items()}, tmp_path / name)
    np.testing.assert_array_equal(
        read_checkpoint(tmp_path / name).tensors["features.0.bias"], tensors["features.0.bias"]
    )
    save_file(tensors, tmp_path / "other")
    np.testing.assert_array_equal(
        read_checkpoint(tmp_path / "other").tensors["features.0.bias"], tensors["features.0.bias"]
    )


def sharded(tensors, folder):
    names = sorted(tensors)
    parts = {f"model-0000{i + 1}-of-00002.safetensors": names[i::2] for i in range(2)}
    for file, own in parts.items():
        save_file({name: tensors[name] for name in own}, folder / file)
    places = {name: file for file, own in parts.items() for name in own}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": places}))
    return folder / "model.safetensors.index.json"


def test_several_files_with_an_index(tensors, tmp_path):
    index = sharded(tensors, tmp_path)
    for path in (index, tmp_path):
        read = read_checkpoint(path).tensors
        assert read.keys() == tensors.keys()
        np.testing.assert_array_equal(read["features.0.bias"], tensors["features.0.bias"])
    part = tmp_path / "model-00001-of-00002.safetensors"
    with pytest.raises(InputError, match=r"one part of a checkpoint of several files; give .*index.json"):
        read_checkpoint(part)
    part.unlink()
    with pytest.raises(InputError, match=r"its part model-00001-of-00002.safetensors is not beside it"):
        read_checkpoint(index)
    for text, sentence in (("[]", "no index"), ('{"weight_map": {"a": "../x"}}', "not a file beside it")):
        index.write_text(text)
        with pytest.raises(InputError, match=sentence):
            read_checkpoint(index)


def test_folders_and_files_that_hold_no_weights(tensors, tmp_path):
    with pytest.raises(InputError, match="the folder holds no weights file"):
        read_checkpoint(tmp_path)
    for name in ("a.pth", "b.safetensors"):
        save_file(tensors, tmp_path / name)
        if name == "a.pth":
            assert read_checkpoint(tmp_path).tensors.keys() == tensors.keys()
    with pytest.raises(InputError, match=r"several weights files \(a.pth, b.safetensors\)"):
        read_checkpoint(tmp_path)
    for content, sentence in (
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"neither of them", "no weights file; fetch it again"),
    ):
        (tmp_path / "a.pth").write_bytes(content)
        with pytest.raises(InputError, match=sentence):
            read_checkpoint(tmp_path / "a.pth")


TYPES = (
    "bfloat16", "float16", "float64", "complex64", "complex128", "bool", "uint8", "int8", "uint16", "uint64",
    "float8_e4m3fn", "float8_e5m2",
)  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("zipped", [True, False])
def test_every_type_of_tensor_is_read(zipped, tmp_path):
    base = torch.arange(12.0).reshape(3, 4)
    saved = {name: base.to(getattr(torch, name)) for name in TYPES}
    saved |= {"quantised": torch.quantize_per_tensor(base, 0.5, 3, torch.quint8), "parameter": torch.nn.Parameter(base)}
    saved |= {"transposed": saved["bfloat16"].T, "size_0": base[:0], "scalar": torch.tensor(2.5)}
    if zipped:
        saved["sparse"] = base.to_sparse()
    torch.save(saved, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    loaded = load_torch((tmp_path / "w.pth").read_bytes())
    for name, value in saved.items():
        value = value.dequantize() if value.is_quantized else value.to_dense().detach()
        expected = value.to(torch.complex128 if value.is_complex() else torch.float64).numpy()
        np.testing.assert_array_equal(np.asarray(loaded[name]).astype(expected.dtype), expected, err_msg=name)


def test_plain_containers_are_data(tmp_path):
    beside = {
        "size": torch.Size([3, 224]), "device": torch.device("cuda:1"), "dtype": torch.float16, "set": {"a"},
        "counter": collections.Counter("aab"), "ordered": collections.OrderedDict(a=1), "path": pathlib.Path("/x/y"),
        "default": collections.defaultdict(list, {"loss": [1.0]}), "number": np.float64(0.5), "array": np.arange(3.0),
        "args": argparse.Namespace(lr=0.1, nested=argparse.Namespace(model="x")), "complex": 1 + 2j,
        "objects": np.array([1, "x", None], dtype=object), "texts": np.array(["a", "b"]),
    }  # fmt: skip
    expected = {
        "size": (3, 224), "device": "cuda:1", "dtype": "float16", "set": {"a"}, "counter": {"a": 2, "b": 1},
        "ordered": {"a": 1}, "path": "/x/y", "default": {"loss": [1.0]}, "number": 0.5,
        "args": {"lr": 0.1, "nested": {"model": "x"}}, "complex": 1 + 2j, "objects": [1, "x", None],
    }  # fmt: skip
    for protocol in (2, 4):
        torch.save({"state_dict": {"a.weight": torch.ones(2)}} | beside, tmp_path / "w.pth", pickle_protocol=protocol)
        loaded = load_torch((tmp_path / "w.pth").read_bytes())
        np.testing.assert_array_equal(loaded.pop("array"), np.arange(3.0))
        assert loaded.pop("texts").tolist() == ["a", "b"]
        del loaded["state_dict"]
        assert loaded == expected
        assert read_checkpoint(tmp_path / "w.pth").tensors.keys() == {"a.weight"}


class Module(torch.nn.Module):
    pass


def test_a_refusal_names_the_one_object_and_is_true(network, tmp_path):
    torch.save(
        {"state_dict": {"a": torch.ones(2)}, "args": argparse.Namespace(), "model": Module()}, tmp_path / "w.pth"
    )
    with pytest.raises(InputError, match=rf"plain data: {Module.__module__}\.Module, whose code would run"):
        read_checkpoint(tmp_path / "w.pth")
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), tmp_path / "w.pt")
    with pytest.raises(InputError, match="it holds a TorchScript program, which is not read"):
        read_checkpoint(tmp_path / "w.pt")


def test_a_picture_shows_whether_the_classes_are_right(network, tensors, tmp_path, capsys):
    from PIL import Image

    Image.fromarray(np.random.default_rng(0).integers(0, 256, (80, 100, 3), np.uint8)).save(tmp_path / "p.png")
    names = [f"[red]flower {index}[/red]" for index in range(10)]
    save_file(tensors, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"label_names": names, "input_size": [3, 64, 64], "mean": [0.5]}))
    arguments = ["zoo", "add", "x", "--weights", str(tmp_path), "--arch", "squeezenet_11", "--norm", "half"]
    arguments += ["--out", str(tmp_path / "zoo"), "--check"]
    assert cli.main([*arguments, str(tmp_path / "p.png")]) == 0
    shown = capsys.readouterr().out.splitlines()[-1]
    square = Image.open(tmp_path / "p.png").resize((64, 64), Image.Resampling.BICUBIC, (10, 0, 90, 80))
    x = torch.from_numpy((np.asarray(square).transpose(2, 0, 1)[None] / 255 - 0.5) / 0.5).float()
    with torch.no_grad():
        probabilities = torch.softmax(network(x)[0][0], 0).numpy()
    best = int(probabilities.argmax())
    assert shown.startswith(f"{tmp_path / 'p.png'}: {names[best]} {probabilities[best]:.0%}, ")
    (tmp_path / "p.txt").write_text("no picture")
    (tmp_path / "zoo" / "x.json").unlink()
    assert cli.main([*arguments, str(tmp_path / "p.txt")]) == 2
    assert "not a readable picture" in capsys.readouterr().err
    assert not (tmp_path / "zoo" / "x.json").exists(), "looked at before anything is written"


def test_what_was_taken_left_out_and_assumed_is_printed(tensors, tmp_path, capsys):
    trunk = {name: torch.from_numpy(v) for name, v in tensors.items() if not name.startswith("classifier")}
    head = {"classifier.1.1.weight": torch.ones(10, 512)}
    torch.save({"state_dict": trunk, "state_dict_ema": trunk | head, "epoch": 3}, tmp_path / "w")
    arguments = ["zoo", "add", "x", "--weights", str(tmp_path / "w"), "--out", str(tmp_path / "zoo")]
    assert cli.main([*arguments]) == 2
    assert "give --arch; it looks like squeezenet_11" in capsys.readouterr().err
    assert cli.main([*arguments, "--arch", "squeezenet_11"]) == 0
    shown = capsys.readouterr().out
    for line in (
        "no classes",
        "averaged weights taken: state_dict_ema",
        "head left out",
        "assumed, for nothing states",
    ):
        assert line in shown
    card = add("y", "squeezenet_11", tmp_path / "w", folder=tmp_path / "zoo").card
    assert len(card.recipe["notes"]) == 2
