"""Logits and features are the original's, for every architecture and every naming; gradients for one of each family.

PyTorch computes the reference: transformers' networks, or literal ones where transformers has none, with random weights
and statistics that are not zero and one.
"""

import functools
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

import folded_networks as folded  # noqa: E402
import timm_networks as timm  # noqa: E402
import torchvision_networks as torchvision  # noqa: E402

from lin_ft.functions import features_of, from_linen, head_logits  # noqa: E402
from lin_ft.models.position_embeddings import MATRICES  # noqa: E402
from lin_ft.zoo.architectures import architecture  # noqa: E402
from lin_ft.zoo.convert import convert  # noqa: E402
from lin_ft.zoo.naming import KEY_MAPS  # noqa: E402

B, N = torchvision.Basic, torchvision.Bottleneck
DEPTHS = {"resnet18": ((2, 2, 2, 2), B), "resnet34": ((3, 4, 6, 3), B), "resnet50": ((3, 4, 6, 3), N)}
DEPTHS["resnet101"] = ((3, 4, 23, 3), N)
VITS = {"vit_tiny_16": (192, 3), "vit_small_16": (384, 6), "vit_base_16": (768, 12)}
SIZES = {"dinov2_small_14": (56, 84), "face_resnet": (150, 112)}
"""Image sizes; (64, 96) of the others."""
WHOLE = os.environ.get("LIN_FT_PARITY") == "all"
"""Everything at both sizes takes minutes. Without it some are compared at one size, and deep ones converted only."""
DEEP = {"resnet34", "resnet101", "efficientnet_lite1", "efficientnet_lite2", "vit_small_16", "vit_base_16"}
AT_112 = {
    ("vit_tiny_16", "timm"): lambda: timm.ViT(192, 3, 224, depth=1),
    ("vit_tiny_16", "torchvision"): lambda: torchvision.VisionTransformer(192, 3, 224, depth=1),
    ("vit_tiny_16", "huggingface"): lambda: hf_vit("vit_tiny_16", image_size=224, num_hidden_layers=1),
    ("dinov2_small_14", "timm"): lambda: timm.ViT(384, 6, 518, patch=14, scaled=True, n_classes=0, depth=1),
    ("dinov2_small_14", "dinov2"): lambda: timm.ViT(384, 6, 518, 14, scaled=True, n_classes=0, own=True, depth=1),
    ("dinov2_small_14", "huggingface"): lambda: hf_dinov2(image_size=518, num_hidden_layers=1),
}
"""One block, and position embeddings of pre-training's size."""
AT_BOTH_SIZES = {"resnet18", "mobilenet_v2", "vit_tiny_16", "dinov2_small_14", "face_resnet"}


class Transformers(torch.nn.Module):
    """A network of transformers as (logits, penultimate features)."""

    def __init__(self, kind, backbone, features, **config):
        super().__init__()
        chosen = getattr(transformers, f"{kind}Config")(num_labels=10, **config)
        self.network = getattr(transformers, f"{kind}ForImageClassification")(chosen)
        self.backbone, self.features = backbone, features

    def forward(self, x):
        more = {"interpolate_pos_encoding": True} if self.backbone == "vit" else {}
        seen = []
        layer = self.network.classifier[-1] if self.backbone == "resnet" else self.network.classifier
        handle = layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        logits = self.network(x, **more).logits
        handle.remove()
        return logits, seen[0].flatten(1)

    def tensors(self, folder):
        """As transformers writes them to a file: its names in memory differ."""
        from safetensors.numpy import load_file

        self.network.save_pretrained(folder)
        return load_file(folder / "model.safetensors")


def hf_resnet(name):
    depths, block = DEPTHS[name]
    widths = [64, 128, 256, 512]
    kind = {"layer_type": "basic"} if block is B else {"layer_type": "bottleneck"}
    if block is N:
        widths = [4 * width for width in widths]
    return Transformers("ResNet", "resnet", None, depths=list(depths), hidden_sizes=widths, **kind)


def hf_vit(name, **config):
    width, heads = VITS[name]
    sizes = {"hidden_size": width, "num_attention_heads": heads, "intermediate_size": 4 * width, "image_size": 64}
    return Transformers("ViT", "vit", None, **sizes | config)


def hf_efficientnet():
    scales = {"width_coefficient": 1.0, "depth_coefficient": 1.0, "hidden_dim": 1280, "dropout_rate": 0.0}
    return Transformers("EfficientNet", "efficientnet", None, **scales)


def hf_dinov2(**config):
    sizes = {"hidden_size": 384, "num_attention_heads": 6, "patch_size": 14, "image_size": 56}
    return Transformers("Dinov2", "dinov2", None, **sizes | config)


NETWORKS = {
    **{(name, "timm or torchvision"): functools.partial(torchvision.ResNet, *spec) for name, spec in DEPTHS.items()},
    **{(name, "huggingface"): functools.partial(hf_resnet, name) for name in DEPTHS},
    ("densenet169", "timm or torchvision"): torchvision.DenseNet,
    ("mobilenet_v2", "torchvision"): torchvision.MobileNetV2,
    ("mobilenet_v2", "timm"): timm.mobilenet_v2,
    ("mobilenet_v2", "huggingface"): lambda: Transformers("MobileNetV2", "mobilenet_v2", None),
    ("efficientnet_b0", "torchvision"): torchvision.EfficientNet,
    ("efficientnet_b0", "timm"): timm.efficientnet_b0,
    ("efficientnet_b0", "timm-tf"): lambda: timm.efficientnet_b0(same=True),
    ("efficientnet_b0", "huggingface"): hf_efficientnet,
    **{
        (f"efficientnet_lite{number}", naming): functools.partial(timm.efficientnet_lite, number, same=naming != "timm")
        for number in range(3)
        for naming in ("timm-tf", "timm", "lukemelas")
    },
    ("squeezenet_11", "torchvision"): torchvision.SqueezeNet,
    ("squeezenet_11", "caffe"): torchvision.SqueezeNet,
    ("mobilenet_v1", "hse"): folded.MobileNetV1,
    ("face_resnet", "face-api"): folded.FaceResNet,
    ("efficientnet_v2_fused", "ddddocr"): folded.Fused,
    ("convnext_tiny", "timm"): timm.ConvNeXt,
    ("convnext_tiny", "torchvision"): torchvision.ConvNeXt,
    ("convnext_tiny", "huggingface"): lambda: Transformers("ConvNext", "convnext", None),
    **{(name, "timm"): functools.partial(timm.ViT, *spec, 64) for name, spec in VITS.items()},
    **{(name, "torchvision"): functools.partial(torchvision.VisionTransformer, *s, 64) for name, s in VITS.items()},
    **{(name, "huggingface"): functools.partial(hf_vit, name) for name in VITS},
    ("dinov2_small_14", "timm"): lambda: timm.ViT(384, 6, 56, patch=14, scaled=True, n_classes=0),
    ("dinov2_small_14", "dinov2"): lambda: timm.ViT(384, 6, 56, patch=14, scaled=True, n_classes=0, own=True),
    ("dinov2_small_14", "huggingface"): hf_dinov2,
}


PACKAGED = {("mobilenet_v2", "keras"), ("mobilenet_v2", "slim"), ("thin_resnet50", "open_nsfw")}
"""Namings of single packaged models, judged on photographs in test_packaged_zoo.py."""


def test_every_naming_is_compared():
    known = {(name, each.source) for name, maps in KEY_MAPS.items() for each in maps}
    assert set(NETWORKS) == known - PACKAGED


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(torch network, its tensors, variables, module) of an architecture and a naming."""

    @functools.lru_cache(1)
    def make(name, naming):
        torch.manual_seed(0)
        network = NETWORKS[name, naming]().eval()
        if WHOLE or name not in DEEP:
            with torch.no_grad():
                randomise(network)
        if isinstance(network, Transformers):
            tensors = network.tensors(tmp_path_factory.mktemp("saved"))
        else:
            renamed = {"lukemelas": timm.lukemelas_names, "caffe": folded.caffe_names}
            named = renamed[naming](network) if naming in renamed else network.state_dict()
            tensors = {path: value.numpy() for path, value in named.items()}
        done = convert(tensors, name, naming=naming if name.startswith("efficientnet") else "")
        assert done.naming == naming
        return network, done

    return make


def randomise(network):
    """Scales and biases of their own, and running statistics near those of noise, so that no layer dies out."""
    for path, value in network.named_parameters():
        if path.endswith(("lambda1", "gamma", "layer_scale", "layer_scale_parameter")):
            value.uniform_(0.5, 1.5)
        elif value.ndim == 1:
            value.add_(0.2 * torch.randn_like(value))
        elif value.ndim == 4:
            gate = any(part in path for part in ("squeeze_excite", ".se.", ".fc1", ".fc2"))
            torch.nn.init.kaiming_uniform_(value, a=5**0.5 if gate else 0)
    norms = [layer for layer in network.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    for layer in norms:
        layer.weight.mul_(
            0.5
        )  # branches weaker than what they are added to, as in trained networks: rounding stays small

    def measure(layer, inputs):
        mean, variance = inputs[0].mean((0, 2, 3)), inputs[0].var((0, 2, 3))
        layer.running_mean.copy_(mean + 0.2 * variance.sqrt() * torch.randn_like(mean))
        layer.running_var.copy_(variance * torch.empty_like(mean).uniform_(0.5, 1.5) + 0.1 * variance.mean())

    hooks = [layer.register_forward_pre_hook(measure) for layer in norms]
    if norms:
        network(torch.randn(8, 3, 64, 64))
    for hook in hooks:
        hook.remove()


def images(size):
    return np.random.default_rng(size).standard_normal((2, size, size, 3)).astype(np.float32)


def close(ours, theirs):
    """Equal to 1e-4 of the largest value."""
    theirs = theirs.detach().numpy()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4 * max(1.0, np.abs(theirs).max()))


@pytest.mark.parametrize(("name", "naming"), NETWORKS)
def test_logits_and_features_are_the_originals(name, naming, made):
    network, done = made(name, naming)
    module = architecture(name)(max(1, done.n_classes), **done.options)
    apply, params = from_linen(module, done.variables)
    sizes = SIZES.get(name, (64, 96))[: 2 if WHOLE or name in AT_BOTH_SIZES else 1]
    for size in sizes if WHOLE or name not in DEEP else ():
        x = images(size)
        with torch.no_grad():
            logits, features = network(torch.from_numpy(x.transpose(0, 3, 1, 2)))
        ours = features_of(apply, params, x)
        close(ours, features)
        assert np.ptp(ours, axis=0).max() > 1e-2 * np.abs(ours).max(), "the two images are told apart"
        if name == "squeezenet_11":
            close(module.apply(done.variables, jnp.asarray(x), method="source_logits"), logits)
        elif done.n_classes:
            close(head_logits(params["head"], ours), logits)
        else:
            assert not np.any(params["head"]["kernel"])


@pytest.mark.parametrize(("name", "naming"), AT_112)
def test_position_embeddings_at_112_pixels_are_the_originals(name, naming, tmp_path):
    """Each source resamples them in its own way; random ones of deviation 0.2 show which."""
    torch.manual_seed(0)
    network = AT_112[name, naming]().eval()
    with torch.no_grad():
        for path, value in network.named_parameters():
            if "pos" in path:
                value.normal_(std=0.2)
    tensors = network.tensors(tmp_path) if isinstance(network, Transformers) else network.state_dict()
    done = convert({path: np.asarray(value) for path, value in tensors.items()}, name, options={"depth": 1})
    assert done.naming == naming
    module, x = architecture(name)(max(1, done.n_classes), **done.options), images(112)
    with torch.no_grad():
        _, features = network(torch.from_numpy(x.transpose(0, 3, 1, 2)))
    close(features_of(*from_linen(module, done.variables), x), features)


@pytest.mark.parametrize(("old", "new"), [(37, 8), (14, 7), (14, 24), (16, 1), (4, 3)])
def test_position_embeddings_are_resampled_as_by_pytorch(old, new):
    grid = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 1, old, old)))
    how = {
        "transformers": {"size": (new, new)},
        "timm": {"size": (new, new), "antialias": True},
        "dinov2": {"scale_factor": ((new + 0.1) / old,) * 2},
        "torchvision": {"size": (new, new), "align_corners": True},
    }
    assert how.keys() == MATRICES.keys()
    for name, matrix in MATRICES.items():
        theirs = torch.nn.functional.interpolate(grid, mode="bicubic", **how[name])[0, 0].numpy()
        weights = matrix(old, new)
        np.testing.assert_allclose(weights.sum(1), 1, rtol=0, atol=1e-12)
        np.testing.assert_allclose(weights @ grid[0, 0].numpy() @ weights.T, theirs, rtol=0, atol=1e-9, err_msg=name)


FAMILIES = (
    ("resnet18", "timm or torchvision"), ("mobilenet_v2", "torchvision"), ("vit_tiny_16", "timm"),
    ("convnext_tiny", "torchvision"), ("efficientnet_b0", "torchvision"), ("squeezenet_11", "torchvision"),
)  # fmt: skip


@pytest.mark.parametrize(("name", "naming"), FAMILIES if WHOLE else FAMILIES[:3])
def test_gradients_are_the_originals(name, naming, made):
    """In float64: in float32 a unit that rounds to the other side of 0 moves a gradient by a percent."""
    network, done = made(name, naming)
    network.double()
    module = architecture(name)(done.n_classes, **done.options)
    apply, params = from_linen(module, jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), done.variables))
    x = images(64).astype(np.float64)
    _, features = network(torch.from_numpy(x.transpose(0, 3, 1, 2)))
    direction = np.random.default_rng(0).standard_normal(features.shape)
    network.zero_grad()
    (features * torch.from_numpy(direction)).sum().backward()
    gradients = {path: value.numpy() for path, value in network.named_buffers()}
    for path, value in network.named_parameters():
        gradients[path] = (torch.zeros_like(value) if value.grad is None else value.grad).numpy()
    network.float()
    expected = convert(gradients, name).variables["params"]

    @jax.jit
    def pulled(apply, params, x):
        return jax.grad(lambda w: jnp.sum(apply.features(w, x) * direction))(params)

    ours = pulled(apply, params, x)
    for path, theirs in jax.tree_util.tree_leaves_with_path(expected):
        if "head" not in jax.tree_util.keystr(path):
            mine = functools.reduce(lambda tree, key: tree[key.key], path, ours)
            np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-6 * max(1.0, np.abs(theirs).max()))
