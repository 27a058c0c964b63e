"""Weights inside package archives: each fails alone, a changed file is refused; photographs get the right classes."""

import dataclasses
import json
import zipfile

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lin_ft import cli
from lin_ft.data.archive import Archive
from lin_ft.data.convert import convert_array
from lin_ft.errors import InputError
from lin_ft.zoo import load_zoo, packaged, select_models
from lin_ft.zoo.packaged import fetch_packaged, packaged_model, packaged_models, packaged_tensors, packaged_zoo
from lin_ft.zoo.protobuf import onnx_nodes, onnx_weights, tensorflow_weights
from lin_ft.zoo.tensorflow_js import tensorflow_js_weights


def test_every_entry_is_pinned():
    for name in packaged_models():
        model = packaged_model(name)
        assert model.name == name
        assert len(model.sha256) == len(model.archive.sha256) == 64
        assert model.archive.version in model.archive.filename
    with pytest.raises(InputError, match="unknown; one of"):
        packaged_model("none")


@pytest.fixture
def two(tmp_path, monkeypatch):
    """Two models in archives of the cache; `broken` is not the file that was pinned."""
    import hashlib

    torchvision = pytest.importorskip("torchvision_networks")
    torch = pytest.importorskip("torch")
    monkeypatch.setenv("LIN_FT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache" / "archives").mkdir(parents=True)
    torch.save(torchvision.SqueezeNet().state_dict(), tmp_path / "w.pth")
    content = (tmp_path / "w.pth").read_bytes()
    models = {}
    for name in ("whole", "broken"):
        path = tmp_path / "cache" / "archives" / f"{name}-1.0.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("w.pth", content if name == "whole" else content[:-9])
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        models[name] = dataclasses.replace(
            packaged_model("imagenet_mobilenet_v2"),
            name=name,
            architecture="squeezenet_11",
            archive=Archive("pip", name, "1.0", path.name, sha256, 1),
            member="w.pth",
            sha256=hashlib.sha256(content).hexdigest(),
            class_names=tuple,
        )
    monkeypatch.setattr(packaged, "packaged_models", lambda: sorted(models))
    monkeypatch.setattr(packaged, "packaged_model", models.get)
    return models


def test_one_that_fails_leaves_the_others_usable(two, monkeypatch, capsys):
    assert cli.main(["zoo", "list", "--zoo", "packaged"]) == 2
    assert "run `lin-ft zoo fetch packaged` once" in capsys.readouterr().err
    assert cli.main(["zoo", "fetch", "packaged"]) == 2
    output = capsys.readouterr()
    assert "1 of 2 models" in output.out
    assert "broken could not be fetched" in output.err
    assert [model.name for model in load_zoo(packaged_zoo())] == ["whole"]
    before = (packaged_zoo() / "whole.safetensors").stat().st_mtime_ns
    results = fetch_packaged()
    assert results["whole"] is None
    assert "is not the pinned file" in str(results["broken"])
    assert (packaged_zoo() / "whole.safetensors").stat().st_mtime_ns == before, "what is there is kept"
    assert sorted(path.name for path in packaged_zoo().iterdir()) == ["whole.json", "whole.safetensors"]


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def message(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def test_onnx_and_tensorflow_graphs_are_read_by_their_wire_format():
    array = np.arange(300, dtype=np.float32).reshape(3, 100)
    dims = b"".join(varint(1 << 3) + varint(side) for side in array.shape)
    tensor = dims + varint(2 << 3) + varint(1) + message(8, b"w") + message(9, array.tobytes())
    node = message(1, b"x") + message(1, b"w") + message(2, b"y") + message(4, b"MatMul")
    onnx = message(7, message(1, node) + message(5, tensor))
    np.testing.assert_array_equal(onnx_weights(onnx)["w"], array)
    assert onnx_nodes(onnx) == [("MatMul", ["x", "w"], ["y"])]
    shape = b"".join(message(2, varint(1 << 3) + varint(side)) for side in array.shape)
    value = varint(1 << 3) + varint(1) + message(2, shape) + message(4, array.tobytes())
    attribute = message(1, b"value") + message(2, message(8, value))
    graph = message(1, message(1, b"a/w") + message(2, b"Const") + message(5, attribute))
    np.testing.assert_array_equal(tensorflow_weights(graph)["a/w"], array)
    with pytest.raises(ValueError, match="ends early"):
        onnx_weights(onnx[:-5])


@pytest.mark.network
def test_classes_on_photographs_come_out_right():
    """Of what `lin-ft zoo fetch packaged` put into the cache; skipped where it has not been run."""
    data = pytest.importorskip("skimage.data")
    samples = pytest.importorskip("sklearn.datasets")
    if not (packaged_zoo() / "imagenet_mobilenet_v2.json").is_file():
        pytest.skip("run `lin-ft zoo fetch packaged` once")
    photos = {
        "Egyptian cat": data.chelsea(),
        "espresso": data.coffee(),
        "palace": samples.load_sample_image("china.jpg"),
    }
    names = ["imagenet_mobilenet_v2", "imagenet_squeezenet", "moderation_thin_resnet50"]
    for model in select_models(load_zoo(packaged_zoo()), names):
        side = model.card.image_size
        x = model.normalise(np.stack([convert_array(photo, side) for photo in photos.values()]))
        found = [model.card.class_names[index] for index in model.source_logits(x).argmax(1)]
        expected = list(photos) if "imagenet" in model.name else ["safe"] * 3
        if model.name == "imagenet_squeezenet":
            expected[2] = "stupa"
        assert found == expected


def test_numbers_in_8_bits_are_read_with_their_scale():
    manifest = {"weights": [
        {"name": "a", "shape": [2, 2], "dtype": "float32", "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1}},
        {"name": "n", "shape": [], "dtype": "int32"},
        {"name": "b", "shape": [3], "dtype": "float32"},
    ]}  # fmt: skip
    content = bytes([0, 1, 2, 255]) + np.int32(7).tobytes() + np.arange(3, dtype=np.float32).tobytes()
    for text in (json.dumps([manifest]), json.dumps({"weightsManifest": [manifest], "format": "graph-model"})):
        tensors = tensorflow_js_weights(text.encode(), content)
        assert set(tensors) == {"a", "b"}
        np.testing.assert_array_equal(tensors["a"], [[-1, -0.5], [0, 126.5]])
        np.testing.assert_array_equal(tensors["b"], [0, 1, 2])
    with pytest.raises(ValueError, match="says 20 bytes, the file has 21"):
        tensorflow_js_weights(json.dumps([manifest]).encode(), content + b"x")
    manifest["weights"][2]["dtype"] = "complex64"
    with pytest.raises(ValueError, match="b is stored as complex64"):
        tensorflow_js_weights(json.dumps([manifest]).encode(), content)


def test_what_stands_in_place_of_batchnorm_is_folded():
    """LAYER.weight * x + LAYER.bias is (kernel * x + bias) * scale + shift, for a 1x1 kernel."""
    rng = np.random.default_rng(0)
    arrays = {"a/conv/filters": rng.random((1, 1, 3, 2)), "a/conv/bias": rng.random(2)}
    arrays |= {"a/scale/weights": rng.random(2), "a/scale/biases": rng.random(2), "fc": rng.random((2, 4))}
    arrays = {name: value.astype(np.float32) for name, value in arrays.items()}
    weights = [{"name": name, "shape": list(value.shape), "dtype": "float32"} for name, value in arrays.items()]
    content = b"".join(value.tobytes() for value in arrays.values())
    tensors = packaged_model("faces_resnet").tensors(content, json.dumps([{"weights": weights}]).encode())
    x = rng.random(3)
    expected = (x @ arrays["a/conv/filters"][0, 0] + arrays["a/conv/bias"]) * arrays["a/scale/weights"]
    ours = tensors["a.weight"][:, :, 0, 0] @ x + tensors["a.bias"]
    np.testing.assert_allclose(ours, expected + arrays["a/scale/biases"], rtol=1e-6)
    assert tensors["fc.weight"].shape == (4, 2)


def test_a_folded_network_normalises_nothing_in_training():
    """Its statistics are not those of its images, so training must not replace the function by another."""
    from lin_ft.models import thin_resnet50

    module = thin_resnet50(2)
    x = jnp.asarray(np.random.default_rng(0).standard_normal((2, 32, 32, 3)), jnp.float32)
    variables = module.init(jax.random.key(0), x)
    trained, changed = module.apply(variables, x, train=True, mutable=["batch_stats"])
    np.testing.assert_array_equal(trained, module.apply(variables, x))
    jax.tree.map(np.testing.assert_array_equal, changed["batch_stats"], variables["batch_stats"])


@pytest.mark.network
def test_faces_are_nearer_to_themselves_than_to_others():
    """Of what `lin-ft zoo fetch packaged` put into the cache; skipped where it has not been run."""
    data = pytest.importorskip("skimage.data")
    if not (packaged_zoo() / "faces_resnet.json").is_file():
        pytest.skip("run `lin-ft zoo fetch packaged` once")
    face, cat = data.astronaut()[:200, 130:330], data.chelsea()[20:260, 60:300]
    others = [np.repeat((255 * image).astype(np.uint8)[..., None], 3, 2) for image in data.lfw_subset()[:3]]
    images = [face, face[:, ::-1], (0.6 * face).astype(np.uint8), cat, *others]
    for model in select_models(load_zoo(packaged_zoo()), ["faces_resnet", "faces_mobilenet_v1"]):
        x = model.normalise(np.stack([convert_array(image, model.card.image_size) for image in images]))
        phi = np.array(model.module().apply(model.variables, jnp.asarray(x), method="features"))
        if model.name == "faces_resnet":
            phi = phi @ packaged_tensors(packaged_model("faces_resnet"))["fc.weight"].T
        phi /= np.linalg.norm(phi, axis=1, keepdims=True)
        distance = np.linalg.norm(phi - phi[0], axis=1)
        assert distance[1:3].max() < 0.6 * distance[3:].min(), model.name
