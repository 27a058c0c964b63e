"""Weights of TensorFlow.js: a manifest (JSON) that says what one binary file holds, some of it in 8 or 16 bits."""

import json
from typing import Any

import numpy as np

DTYPES = {"float32": "<f4", "int32": "<i4", "uint8": "u1", "uint16": "<u2", "float16": "<f2", "bool": "?"}


def tensorflow_js_weights(manifest: bytes, content: bytes) -> dict[str, np.ndarray]:
    """name -> array of the floating-point weights. Numbers in 8 or 16 bits are q * scale + min.

    Raises:
        ValueError: a kind of number that is not of DTYPES; the binary file is not as long as the manifest says.
    """
    groups: Any = json.loads(manifest)
    groups = groups["weightsManifest"] if isinstance(groups, dict) else groups
    tensors, place = {}, 0
    for weight in (weight for group in groups for weight in group["weights"]):
        quantization = weight.get("quantization", {})
        stored = quantization.get("dtype", weight["dtype"])
        if stored not in DTYPES:
            raise ValueError(f"{weight['name']} is stored as {stored}")
        count = int(np.prod(weight["shape"], dtype=np.int64))
        values = np.frombuffer(content, DTYPES[stored], count, place).reshape(weight["shape"])
        place += values.nbytes
        if weight["dtype"] == "float32":
            scale, least = quantization.get("scale", 1.0), quantization.get("min", 0.0)
            tensors[weight["name"]] = values.astype(np.float32) * np.float32(scale) + np.float32(least)
    if place != len(content):
        raise ValueError(f"the manifest says {place} bytes, the file has {len(content)}")
    return tensors
