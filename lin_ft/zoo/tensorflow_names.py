"""Tensors of TensorFlow under torch's names and in torch's order of axes, so that key maps are of one kind."""

from collections.abc import Mapping

import numpy as np

LEAVES = {
    "kernel": "weight",
    "weights": "weight",
    "depthwise_weights": "weight",
    "bias": "bias",
    "biases": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def as_torch(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """a/b/kernel (h, w, I, O) -> a.b.weight (O, I, h, w); of depthwise layers (h, w, C, 1) -> (C, 1, h, w)."""
    renamed = {}
    for name, value in tensors.items():
        layer, _, leaf = name.rpartition("/")
        depthwise = "depthwise" in name
        if value.ndim == 4:
            value = value.transpose(2, 3, 0, 1) if depthwise else value.transpose(3, 2, 0, 1)
        elif value.ndim == 2:
            value = value.T
        renamed[f"{layer}/{LEAVES.get(leaf, leaf)}".replace("/", ".")] = value
    return renamed


def unfolded(tensors: Mapping[str, np.ndarray], epsilon: float = 1e-5) -> dict[str, np.ndarray]:
    """Convolutions into which BatchNorm was folded, LAYER.weight and LAYER.bias, as a convolution and a norm.

    LAYER.norm only adds the bias: scale 1, mean 0, variance 1 - `epsilon`.
    """
    parts = {}
    for name, value in tensors.items():
        layer, _, leaf = name.rpartition(".")
        if f"{layer}.weight" not in tensors or tensors[f"{layer}.weight"].ndim != 4:
            parts[name] = value
        elif leaf == "weight":
            parts[f"{layer}.conv.weight"] = value
        else:
            ones = np.ones_like(value)
            parts |= {f"{layer}.norm.weight": ones, f"{layer}.norm.bias": value}
            parts |= {f"{layer}.norm.running_mean": 0 * ones, f"{layer}.norm.running_var": (1 - epsilon) * ones}
    return parts
