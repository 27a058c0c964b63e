"""What configurations state of a network is what it becomes; what contradicts them is one sentence."""

import functools
import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import save_file

from lin_ft.errors import InputError
from lin_ft.zoo import add, load_card
from lin_ft.zoo.stated import statements_beside, training_statement

torch = pytest.importorskip("torch")

import timm_networks as timm  # noqa: E402
import torchvision_networks as torchvision  # noqa: E402

HALF, IMAGENET = ((0.5,) * 3, (0.5,) * 3), ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@functools.cache
def network(kind):
    """Of random weights, its running statistics near those of noise."""
    torch.manual_seed(0)
    made = {
        "squeezenet": torchvision.SqueezeNet,
        "lite": functools.partial(timm.efficientnet_lite, 0),
        "tf_lite": functools.partial(timm.efficientnet_lite, 0, same=True),
        "resnet": functools.partial(torchvision.ResNet, (2, 2, 2, 2), torchvision.Basic),
        "vit": functools.partial(timm.ViT, 192, 6, 64, depth=12),
        "quick_vit": functools.partial(timm.ViT, 192, 3, 64, activation=lambda x: x * torch.sigmoid(1.702 * x)),
    }[kind]()
    norms = [layer for layer in made.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    with torch.no_grad():
        for layer in norms:
            layer.momentum = None
        made.train()(torch.randn(8, 3, 64, 64))
    return made.eval()


def saved(kind, folder, **configs):
    """Its tensors as model.safetensors, beside configurations."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: value.numpy() for name, value in network(kind).state_dict().items()}, folder / "model.safetensors")
    for name, values in configs.items():
        (folder / f"{name}.json").write_text(json.dumps(values))
    return folder / "model.safetensors"


def theirs(kind, images, norm):
    mean, std = (torch.tensor(values)[:, None, None] for values in norm)
    x = (torch.from_numpy(images.transpose(0, 3, 1, 2)).float() / 255 - mean) / std
    with torch.no_grad():
        return network(kind)(x)[0].numpy()


def pictures(side=64):
    return np.random.default_rng(0).integers(0, 256, (2, side, side, 3), np.uint8)


def close(model, kind, norm):
    """The source's logits, to 1e-4 of the largest."""
    images = pictures()
    expected = theirs(kind, images, norm)
    ours = model.source_logits(model.normalise(images))
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


TODAY = {
    "architecture": "squeezenet1_1", "num_classes": 10, "label_names": [f"flower {i}" for i in range(10)],
    "pretrained_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3, "input_size": [3, 227, 227], "interpolation": "bilinear"},
}  # fmt: skip
BEFORE = {
    "architecture": "squeezenet1_1", "num_classes": 10, "labels": [f"flower {i}" for i in range(10)],
    "mean": [0.5] * 3, "std": [0.5] * 3, "input_size": [3, 227, 227], "interpolation": "bilinear", "crop_pct": 0.9,
}  # fmt: skip
TRANSFORMERS = {"id2label": {str(i): f"flower {i}" for i in range(10)}, "image_size": 300}
PREPROCESSOR = {
    "do_normalize": True, "do_rescale": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": 2,
    "rescale_factor": 1 / 255, "size": {"shortest_edge": 256}, "do_center_crop": True, "crop_size": {"height": 227},
}  # fmt: skip


@pytest.mark.parametrize(
    "configs",
    [{"config": TODAY}, {"config": BEFORE}, {"config": TRANSFORMERS, "preprocessor_config": PREPROCESSOR}],
    ids=["timm of today", "timm of before", "transformers"],
)
def test_what_is_stated_is_taken_and_nothing_of_it_assumed(configs, tmp_path):
    arch = "" if "architecture" in configs["config"] else "squeezenet_11"
    weights = saved("squeezenet", tmp_path / "source", **configs)
    for given in (weights, weights.parent):
        model = add("x", arch, given, folder=tmp_path / "zoo")
        card = load_card(tmp_path / "zoo" / "x.json")
        assert card == model.card
        assert (card.architecture, card.mean, card.std) == ("squeezenet_11", *HALF)
        assert (card.image_size, card.interpolation) == (227, "bilinear")
        assert card.class_names == tuple(f"flower {i}" for i in range(10))
        assert not any(word in " ".join(card.assumed) for word in ("norm", "pixels", "classes"))
        assert "config.json" in " ".join(card.recipe["stated"])
        close(model, "squeezenet", HALF)


def test_where_nothing_is_stated_the_card_says_what_was_assumed(tmp_path):
    card = add("x", "squeezenet_11", saved("squeezenet", tmp_path / "a"), folder=tmp_path / "zoo").card
    assert (card.mean, card.std, card.image_size) == (*IMAGENET, 224)
    told = " | ".join(load_card(tmp_path / "zoo" / "x.json").assumed)
    for word in ("norm imagenet", "--norm", "224 pixels", "--image-size", "0 to 9", "--classes", "own activation"):
        assert word in told
    lite = add("x", "efficientnet_lite0", saved("lite", tmp_path / "b"), folder=tmp_path / "zoo")
    assert "padding torch" in " ".join(lite.card.assumed)
    vit = add("x", "vit_tiny_16", saved("vit", tmp_path / "c"), folder=tmp_path / "zoo")
    assert "3 attention heads (--heads)" in vit.card.assumed
    assert "position embeddings resampled as timm does it" in vit.card.assumed
    given = add("x", "vit_tiny_16", saved("vit", tmp_path / "c"), norm="half", heads=6, folder=tmp_path / "zoo")
    assert not any("norm" in each or "heads" in each for each in given.card.assumed)


@pytest.mark.parametrize("kind", ["lite", "tf_lite"])
def test_padding_and_batchnorm_follow_from_the_stated_architecture(kind, tmp_path):
    """Not from the file's name: the tensors of both have the same names and shapes."""
    name = "tf_efficientnet_lite0" if kind == "tf_lite" else "efficientnet_lite0"
    weights = saved(kind, tmp_path / "tf_efficientnet_lite0", config={"architecture": name})
    model = add("x", "efficientnet_lite0", weights, folder=tmp_path / "zoo")
    norm = HALF if kind == "tf_lite" else IMAGENET
    assert (model.card.mean, model.card.std) == norm
    assert f"usual for {name}" in model.card.assumed[0]
    close(model, kind, norm)


def test_padding_is_an_option_where_nothing_is_stated(tmp_path):
    weights = saved("tf_lite", tmp_path / "a")
    model = add("x", "efficientnet_lite0", weights, padding="same", folder=tmp_path / "zoo")
    assert model.card.options == {"padding": "same", "epsilon": 1e-3}
    close(model, "tf_lite", IMAGENET)
    with pytest.raises(InputError, match="--padding valid: give torch or same"):
        add("x", "efficientnet_lite0", weights, padding="valid", folder=tmp_path / "zoo")
    with pytest.raises(InputError, match="--padding same: squeezenet_11 has no choice of padding"):
        add("x", "squeezenet_11", saved("squeezenet", tmp_path / "b"), padding="same", folder=tmp_path / "zoo")


VIT = {
    "model_type": "vit", "hidden_size": 192, "num_attention_heads": 6, "num_hidden_layers": 12, "patch_size": 16,
    "hidden_act": "gelu", "layer_norm_eps": 1e-6,
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("vit", VIT),
        ("vit", {"architecture": "vit_tiny_patch16_224", "model_args": {"num_heads": 6, "drop_path_rate": 0.1}}),
        ("quick_vit", VIT | {"num_attention_heads": 3, "hidden_act": "quick_gelu"}),
        ("quick_vit", {"architecture": "vit_tiny_patch16_224", "model_args": {"act_layer": "quick_gelu"}}),
    ],
)
def test_heads_and_activation_are_read(kind, config, tmp_path):
    weights = saved(kind, tmp_path / "a", config=config)
    model = add("x", "vit_tiny_16", weights, norm="half", folder=tmp_path / "zoo")
    close(model, kind, HALF)


def test_heads_are_an_option_and_must_divide_the_width(tmp_path):
    weights = saved("vit", tmp_path / "a")
    close(add("x", "vit_tiny_16", weights, heads=6, norm="half", folder=tmp_path / "zoo"), "vit", HALF)
    with pytest.raises(InputError, match="5 attention heads do not divide the width, 192"):
        add("x", "vit_tiny_16", weights, heads=5, folder=tmp_path / "zoo")
    with pytest.raises(InputError, match="--heads 6: squeezenet_11 has no choice of heads"):
        add("x", "squeezenet_11", saved("squeezenet", tmp_path / "b"), heads=6, folder=tmp_path / "zoo")


RESNET = {"architecture": "resnet18", "global_pool": "avg"}


@pytest.mark.parametrize(
    ("kind", "arch", "config", "sentence"),
    [
        ("resnet", "resnet18", {"architecture": "resnetblur18"}, "resnetblur18, not resnet18.*pooling is anti-aliased"),
        ("resnet", "", {"architecture": "resnetblur18"}, "states the architecture resnetblur18, and none of that kind"),
        ("resnet", "resnet18", {"architecture": "resnet34"}, "resnet34, not resnet18: give --arch resnet34"),
        ("resnet", "resnet18", {"architecture": "swin_tiny_patch4"}, "swin_tiny_patch4, not resnet18, and none"),
        ("resnet", "resnet18", {"model_type": "swin"}, "the architecture swin, not resnet18"),
        ("resnet", "resnet18", {"architecture": "resnet18", "global_pool": "max"}, "states global_pool 'max'"),
        ("resnet", "resnet18", RESNET | {"model_args": {"aa_layer": "avg"}}, "states aa_layer 'avg'"),
        ("resnet", "resnet18", RESNET | {"model_args": {"output_stride": 8}}, "states output_stride 8"),
        ("resnet", "resnet18", RESNET | {"model_args": {"bn_eps": 0.01}}, "states epsilon 0.01"),
        ("resnet", "resnet18", {"model_type": "resnet", "hidden_act": "gelu"}, "states hidden_act 'gelu'"),
        ("vit", "vit_tiny_16", VIT | {"hidden_act": "laplace"}, "hidden_act 'laplace': activation 'laplace': unknown"),
        ("vit", "vit_small_16", VIT, r"vit \(hidden_size 192.*not vit_small_16: give --arch vit_tiny_16"),
        ("vit", "vit_tiny_16", VIT | {"hidden_size": 1024}, "hidden_size 1024.*not vit_tiny_16, and none of that kind"),
        ("squeezenet", "squeezenet_11", {"mean": [0.5] * 3}, "states a mean but no deviation: give both with --norm"),
        ("squeezenet", "squeezenet_11", {"mean": [0.5, 0.5], "std": 1}, r"states the mean \[0.5, 0.5\], not three"),
        ("squeezenet", "squeezenet_11", {"id2label": {"a": "b"}}, "numbers its classes with what is no number"),
        ("squeezenet", "squeezenet_11", {"pretrained_cfg": {"crop_pct": "x"}}, "a value of another kind than expected"),
    ],
)  # fmt: skip
def test_a_contradiction_is_one_sentence(kind, arch, config, sentence, tmp_path):
    weights = saved(kind, tmp_path / "a", config=config)
    with pytest.raises(InputError, match=sentence) as caught:
        add("x", arch, weights, folder=tmp_path / "zoo")
    assert "config.json" in str(caught.value)
    assert not (tmp_path / "zoo").exists()


def test_options_against_what_is_stated(tmp_path):
    """Of the network's function none; a normalisation may be given against a copied configuration."""
    vit = saved("vit", tmp_path / "a", config=VIT)
    with pytest.raises(InputError, match=r"--heads 3: config.json states 6; leave it out"):
        add("x", "vit_tiny_16", vit, heads=3, folder=tmp_path / "zoo")
    lite = saved("lite", tmp_path / "b", config={"architecture": "efficientnet_lite0"})
    with pytest.raises(InputError, match=r"--padding same: config.json states torch; leave it out"):
        add("x", "efficientnet_lite0", lite, padding="same", folder=tmp_path / "zoo")
    with pytest.raises(InputError, match="states padding torch, naming timm-tf means same"):
        add("x", "efficientnet_lite0", lite, naming="timm-tf", folder=tmp_path / "zoo")
    weights = saved("squeezenet", tmp_path / "c", config=TODAY)
    assert add("x", "", weights, norm="imagenet", folder=tmp_path / "zoo").card.mean == IMAGENET[0]


def test_two_sources_that_contradict_each_other(tmp_path):
    preprocessor = PREPROCESSOR | {"image_mean": [0.4] * 3}
    weights = saved("squeezenet", tmp_path / "a", config=TODAY, preprocessor_config=preprocessor)
    with pytest.raises(InputError, match=r"preprocessor_config.json \(0.4.*config.json \(0.5.*choose with --norm"):
        add("x", "", weights, folder=tmp_path / "zoo")
    assert add("x", "", weights, norm="half", folder=tmp_path / "zoo").card.mean == HALF[0]
    torch.save({"state_dict": network("resnet").state_dict(), "arch": "resnet34"}, tmp_path / "w.pth")
    (tmp_path / "config.json").write_text(json.dumps({"architecture": "resnet18"}))
    with pytest.raises(InputError, match=r"config.json states the architecture resnet18, the checkpoint resnet34"):
        add("x", "resnet18", tmp_path / "w.pth", folder=tmp_path / "zoo")


def test_class_names_that_are_not_the_heads_are_said(tmp_path):
    names = {"id2label": {str(index): f"class {index}" for index in range(1000)}}
    card = add("x", "squeezenet_11", saved("squeezenet", tmp_path / "a", config=names), folder=tmp_path / "zoo").card
    assert card.class_names == tuple("0123456789")
    assert any("names 1000 classes, the head has 10" in note for note in card.recipe["notes"])
    placeholders = {"id2label": {str(index): f"LABEL_{index}" for index in range(10)}}
    saved("squeezenet", tmp_path / "a", config=placeholders)
    card = add("x", "squeezenet_11", tmp_path / "a", folder=tmp_path / "zoo").card
    assert card.class_names == tuple("0123456789")


def test_a_configuration_that_says_nothing_and_one_that_is_broken(tmp_path):
    saved("squeezenet", tmp_path / "a", config={"lr": 0.1})
    card = add("x", "squeezenet_11", tmp_path / "a", folder=tmp_path / "zoo").card
    assert "norm imagenet" in card.assumed[0]
    assert any("config.json beside the weights states nothing" in note for note in card.recipe["notes"])
    for text in ("{", "[1]"):
        (tmp_path / "a" / "config.json").write_text(text)
        with pytest.raises(InputError, match=r"config.json: no .*JSON"):
            add("x", "squeezenet_11", tmp_path / "a", folder=tmp_path / "zoo")


def read(tmp_path, name, **values):
    (tmp_path / f"{name}.json").write_text(json.dumps(values))
    (statement,) = statements_beside(tmp_path)
    return statement


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"image_mean": [0.1, 0.2, 0.3], "image_std": [1, 2, 3]}, lambda p: (p / 255 - [0.1, 0.2, 0.3]) / [1, 2, 3]),
        ({"do_normalize": False, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}, lambda p: p / 255),
        ({"do_rescale": False, "image_mean": [127] * 3, "image_std": [60] * 3}, lambda p: (p - 127) / 60),
        ({"do_rescale": False, "do_normalize": False}, lambda p: p),
        (
            {"rescale_factor": 1 / 127.5, "rescale_offset": True, "image_mean": [0.1] * 3, "image_std": [0.4] * 3},
            lambda p: (p / 127.5 - 1 - 0.1) / 0.4,
        ),
        (
            {"image_processor_type": "EfficientNetImageProcessor", "image_mean": [0.1] * 3, "image_std": [0.4] * 3},
            lambda p: (p / 255 - 0.1) / 0.4 / 0.4,
        ),
        (
            {"image_processor_type": "EfficientNetImageProcessor", "include_top": False, "image_mean": [0.1] * 3,
             "image_std": [0.4] * 3},
            lambda p: (p / 255 - 0.1) / 0.4,
        ),
        ({"feature_extractor_type": "ViTFeatureExtractor", "size": 224}, lambda p: (p / 255 - 0.5) / 0.5),
        ({"image_processor": {"image_mean": [0.1] * 3, "image_std": [0.4] * 3}}, lambda p: (p / 255 - 0.1) / 0.4),
    ],
)  # fmt: skip
def test_pixels_reach_the_network_as_the_processor_gives_them(config, expected, tmp_path):
    """Of transformers' image processors, whose steps are written out here."""
    statement = read(tmp_path, "preprocessor_config", **config)
    pixels = np.array([0.0, 100.0, 255.0])[:, None] * np.ones(3)
    np.testing.assert_allclose(
        (pixels / 255 - statement.mean) / statement.std, expected(pixels) * np.ones(3), rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize(
    ("config", "architecture", "options"),
    [
        ({"model_type": "resnet", "depths": [3, 4, 6, 3], "layer_type": "bottleneck"}, "resnet50", {}),
        ({"model_type": "resnet", "downsample_in_bottleneck": True}, "resnet50", {"stride_first": True}),
        (
            {"model_type": "mobilenet_v2", "tf_padding": False, "layer_norm_eps": 1e-5}, "mobilenet_v2",
            {"padding": "torch", "epsilon": 1e-5, "activation": "relu6"},
        ),
        ({"model_type": "mobilenet_v2"}, "mobilenet_v2", {"padding": "same", "epsilon": 1e-3, "activation": "relu6"}),
        (
            {"model_type": "efficientnet", "width_coefficient": 1.0, "depth_coefficient": 1.0}, "efficientnet_b0",
            {"padding": "even", "epsilon": 1e-3, "activation": "silu"},
        ),
        ({"model_type": "convnext"}, "convnext_tiny", {"activation": "gelu", "last_epsilon": 1e-12}),
        (
            {"model_type": "dinov2", "hidden_size": 384, "num_attention_heads": 6}, "dinov2_small_14",
            {"heads": 6, "epsilon": 1e-6, "activation": "gelu", "resampling": "transformers"},
        ),
        ({"model_type": "timm_wrapper", "architecture": "tv_resnet50", "model_args": None}, "resnet50", {}),
        ({"architecture": "tf_efficientnet_b0.ns_jft_in1k"}, "efficientnet_b0", {"padding": "same", "epsilon": 1e-3}),
        ({"architecture": "vit_small_patch16_224.dino"}, "vit_small_16", {"heads": 6, "resampling": "timm"}),
        ({"architecture": "ResNet-50"}, "resnet50", {}),
    ],
)  # fmt: skip
def test_the_architecture_and_its_options(config, architecture, options, tmp_path):
    statement = read(tmp_path, "config", **config)
    assert (statement.architecture, dict(statement.options)) == (architecture, options)


def test_what_training_scripts_state(tmp_path):
    arguments = {"model": "vit_tiny_patch16_224", "mean": [0.1] * 3, "std": [0.4] * 3, "img_size": 96, "gp": None}
    statement = training_statement(
        {"arch": "visiontransformer", "args": arguments | {"model_kwargs": {"num_heads": 6}}}
    )
    assert (statement.architecture, statement.options["heads"]) == ("vit_tiny_16", 6)
    assert (statement.mean, statement.std, statement.image_size) == ((0.1,) * 3, (0.4,) * 3, 96)
    assert training_statement({"class_to_idx": {"b": 1, "a": 0}}).class_names == ("a", "b")
    assert training_statement({"classes": {"a", "b"}}).class_names == (), "a set has no order"
    assert not training_statement({"arch": "baseline", "model": {"x": 1}}).called
    torch.save({"state_dict": network("resnet").state_dict(), "arch": "resnetaa50"}, tmp_path / "w.pth")
    with pytest.raises(InputError, match="the checkpoint states the architecture resnetaa50, not resnet18"):
        add("x", "resnet18", tmp_path / "w.pth", folder=tmp_path / "zoo")


def test_transformers_writes_what_is_read_here(tmp_path):
    """Its own save_pretrained, in several files, with a processor: the logits are its own."""
    transformers = pytest.importorskip("transformers")
    sizes = {"hidden_size": 192, "num_attention_heads": 6, "intermediate_size": 768, "image_size": 64}
    names = {index: f"flower {index}" for index in range(5)}
    config = transformers.ViTConfig(**sizes, hidden_act="gelu_new", id2label=names)
    torch.manual_seed(0)
    theirs = transformers.ViTForImageClassification(config).eval()
    theirs.save_pretrained(tmp_path / "saved", max_shard_size="8MB")
    transformers.ViTImageProcessorPil(image_mean=[0.3] * 3, image_std=[0.2] * 3).save_pretrained(tmp_path / "saved")
    assert len(list((tmp_path / "saved").glob("*.safetensors"))) > 1
    model = add("x", "", tmp_path / "saved", folder=tmp_path / "zoo")
    assert model.card.class_names == tuple(names.values())
    images = pictures()
    x = torch.from_numpy((images.transpose(0, 3, 1, 2) / 255 - 0.3) / 0.2).float()
    with torch.no_grad():
        expected = theirs(x).logits.numpy()
    ours = model.source_logits(model.normalise(images))
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
    shutil.copy(tmp_path / "saved" / "model.safetensors.index.json", tmp_path / "model.safetensors.index.json")
    with pytest.raises(InputError, match="its part model-00001-of-0000"):
        add("x", "vit_tiny_16", tmp_path / "model.safetensors.index.json", folder=tmp_path / "zoo")
