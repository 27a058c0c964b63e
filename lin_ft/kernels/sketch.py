"""Random projection of gradient rows, g -> P g with E <P g, P h> = <g, h>."""

from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError

KINDS = ("sparse", "rademacher", "gaussian")
_CHUNK = 2048


def project(
    rows: Float[np.ndarray, "n P"], dimension: int, *, kind: str = "sparse", key: Any = None
) -> Float[np.ndarray, "n k"]:
    """P g for each row g, k = `dimension`. Inner products keep their mean; relative error about sqrt(2 / k).

    - `sparse`: each coordinate goes to one of k bins with a random sign (count sketch; Charikar et al. 2002).
      O(n P).
    - `rademacher`, `gaussian`: a dense P with entries ±1/sqrt(k) or N(0, 1/k), drawn in slices. O(n P k).

    Rows no longer than k are returned as they are: that is exact.

    Raises:
        InputError: an unknown kind or a dimension below 1.
        RuntimeError: the projection lost the rows' norm (checked on every call).
    """
    if kind not in KINDS:
        raise InputError(f"Unknown projection '{kind}'; known are {', '.join(KINDS)}.")
    if dimension < 1:
        raise InputError(f"A projection needs at least 1 dimension, not {dimension}.")
    n, length = rows.shape
    if length <= dimension:
        return rows
    generator = np.random.default_rng(np.asarray(jax.random.key_data(jax.random.key(0) if key is None else key)))
    out = np.zeros((n, dimension), rows.dtype)
    if kind == "sparse":
        bins, signs = generator.integers(dimension, size=length), generator.choice((-1, 1), size=length)
        for row, target in zip(rows, out, strict=True):
            target[:] = np.bincount(bins, weights=signs * row, minlength=dimension)
    else:
        for start in range(0, length, _CHUNK):
            part = rows[:, start : start + _CHUNK]
            shape = (part.shape[1], dimension)
            entries = generator.choice((-1, 1), size=shape) if kind == "rademacher" else generator.normal(size=shape)
            out += part @ (entries / np.sqrt(dimension)).astype(rows.dtype)
    before, after = float(np.sum(rows.astype(np.float64) ** 2)), float(np.sum(out.astype(np.float64) ** 2))
    if before > 0 and not 1 / 3 < after / before < 3 and dimension >= 100:
        raise RuntimeError(f"The projection changed the squared norm of the rows by a factor {after / before:.3g}.")
    return out
