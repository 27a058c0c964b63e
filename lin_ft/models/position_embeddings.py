"""Position embeddings of a square grid of patches at other grids, resampled as the code does it that they come from.

All are bicubic, sum_j w_j p_j with w_j = k(x - j) at the place x of the new point in the old grid; they differ in x, in
Keys' kernel k (a = -0.75 or -0.5, IEEE Trans. ASSP 29, 1981) and in whether k widens where the grid shrinks.
"""

from collections.abc import Callable
from typing import Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Resampling = Literal["transformers", "timm", "dinov2", "torchvision"]
Matrix = Float[np.ndarray, "new old"]


def resized(
    positions: Float[Array, "1 t d"], height: int, width: int, resampling: Resampling = "transformers"
) -> Float[Array, "1 t2 d"]:
    """A square grid of embeddings at height x width, equal where that is its own size."""
    side = round(np.sqrt(positions.shape[1]))
    if (height, width) == (side, side):
        return positions
    grid = positions.reshape(side, side, -1)
    rows, columns = (jnp.asarray(MATRICES[resampling](side, new), positions.dtype) for new in (height, width))
    return jnp.einsum("ai,bj,ijd->abd", rows, columns, grid).reshape(1, height * width, -1)


def transformers_matrix(old: int, new: int) -> Matrix:
    """Centres on centres, x = (i + 1/2) old / new - 1/2: PyTorch's `interpolate(size=..., mode="bicubic")`."""
    return _cubic(old, (np.arange(new) + 0.5) * old / new - 0.5)


def dinov2_matrix(old: int, new: int) -> Matrix:
    """x = (i + 1/2) old / (new + 0.1) - 1/2: DINOv2's own code gives `interpolate` the factor (new + 0.1) / old."""
    return _cubic(old, (np.arange(new) + 0.5) * old / (new + 0.1) - 0.5)


def torchvision_matrix(old: int, new: int) -> Matrix:
    """Corners on corners, x = i (old - 1) / (new - 1): torchvision's `interpolate_embeddings`."""
    return _cubic(old, np.arange(new) * (old - 1) / max(new - 1, 1))


def timm_matrix(old: int, new: int) -> Matrix:
    """Centres on centres, a = -0.5, k as wide as a new point where the grid shrinks, what falls outside left out.

    `interpolate(antialias=True)`, of timm's `resample_abs_pos_embed`.
    """
    scale = max(old / new, 1.0)
    centres = (np.arange(new) + 0.5) * old / new - 0.5
    weights = _keys(np.abs(centres[:, None] - np.arange(old)) / scale, -0.5)
    return weights / weights.sum(1, keepdims=True)


MATRICES: dict[str, Callable[[int, int], Matrix]] = {
    "transformers": transformers_matrix,
    "timm": timm_matrix,
    "dinov2": dinov2_matrix,
    "torchvision": torchvision_matrix,
}


def _cubic(old: int, centres: Float[np.ndarray, " new"]) -> Matrix:
    """a = -0.75, the four nearest points, edges repeated."""
    weights = np.zeros((len(centres), old))
    for offset in range(-1, 3):
        index = np.floor(centres).astype(int) + offset
        np.add.at(weights, (np.arange(len(centres)), np.clip(index, 0, old - 1)), _keys(np.abs(centres - index), -0.75))
    return weights


def _keys(t: Float[np.ndarray, "..."], a: float) -> Float[np.ndarray, "..."]:
    """k(t) = (a + 2) t³ - (a + 3) t² + 1 up to 1, a (t³ - 5 t² + 8 t - 4) up to 2, 0 beyond."""
    near = (a + 2) * t**3 - (a + 3) * t**2 + 1
    far = a * (t**3 - 5 * t**2 + 8 * t - 4)
    return np.where(t <= 1, near, np.where(t < 2, far, 0.0))
