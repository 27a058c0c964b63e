"""The empirical NTK as PyTorch's own recipe makes it (`torch.func.jacrev` under `torch.func.vmap`, then einsum), for
the networks and weights of `benchmark_kernels.py`. Needs torch, which nothing else here does.
"""

import functools
from typing import Any

import numpy as np


def kernel_function(name: str, params: Any, statistics: Any, output: str) -> Any:
    """x (n, 32, 32, 3) -> kernel as `lin_ft.kernels.gram` gives it, for 'resnet20' and 'mlp'."""
    import jax
    import torch

    torch.set_num_threads(1)
    paths, _ = jax.tree_util.tree_flatten_with_path(params)
    weights = {jax.tree_util.keystr(path, simple=True, separator="/"): np.array(leaf) for path, leaf in paths}
    paths, _ = jax.tree_util.tree_flatten_with_path(statistics)
    fixed = {jax.tree_util.keystr(path, simple=True, separator="/"): np.array(leaf) for path, leaf in paths}
    tensors = {key: torch.from_numpy(value) for key, value in weights.items()}
    constants = {key: torch.from_numpy(value) for key, value in fixed.items()}
    forward = {"resnet20": _resnet20, "mlp": _mlp}[name]

    def one(w: Any, xi: Any) -> Any:
        return forward(w, constants, xi[None])[0]

    def kernel(x: np.ndarray) -> np.ndarray:
        jacobian = torch.func.vmap(torch.func.jacrev(one), (None, 0))(tensors, torch.from_numpy(x))
        rows = [leaf.flatten(2) for leaf in jacobian.values()]
        if output == "full":
            return functools.reduce(torch.add, (torch.einsum("icp,jep->icje", row, row) for row in rows)).numpy()
        trace = functools.reduce(torch.add, (torch.einsum("icp,jcp->ij", row, row) for row in rows))
        return trace.numpy() / rows[0].shape[1]

    return kernel


def _mlp(w: Any, _: Any, x: Any) -> Any:
    import torch

    x = x.flatten(1)
    for layer in range(2):
        x = torch.relu(x @ w[f"Dense_{layer}/kernel"] + w[f"Dense_{layer}/bias"])
    return x @ w["Dense_2/kernel"] + w["Dense_2/bias"]


def _resnet20(w: Any, fixed: Any, x: Any) -> Any:
    import torch
    import torch.nn.functional as F

    def conv(x: Any, name: str, stride: int = 1) -> Any:
        return F.conv2d(x, w[f"{name}/kernel"].permute(3, 2, 0, 1), stride=stride, padding=1)

    def norm(x: Any, name: str) -> Any:
        mean, variance = fixed[f"batch_stats/{name}/mean"], fixed[f"batch_stats/{name}/var"]
        factor = w[f"{name}/scale"] / torch.sqrt(variance + 1e-5)
        return x * factor[:, None, None] + (w[f"{name}/bias"] - mean * factor)[:, None, None]

    x = torch.relu(norm(conv(x.permute(0, 3, 1, 2), "stem"), "stem_norm"))
    for stage in (1, 2, 3):
        for index in (1, 2, 3):
            name, stride = f"stage{stage}_block{index}", 2 if stage > 1 and index == 1 else 1
            y = torch.relu(norm(conv(x, f"{name}/conv1", stride), f"{name}/norm1"))
            y = norm(conv(y, f"{name}/conv2"), f"{name}/norm2")
            x = x[:, :, ::stride, ::stride]
            x = F.pad(x, (0, 0, 0, 0, 0, y.shape[1] - x.shape[1]))
            x = torch.relu(x + y)
    return x.mean((2, 3)) @ w["head/kernel"] + w["head/bias"]
