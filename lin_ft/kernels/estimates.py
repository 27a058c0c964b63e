"""tr(Theta) and ||Theta||_F² from matrix-free products, with standard errors."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from lin_ft.errors import InputError
from lin_ft.kernels.vector_products import NTKProducts

ESTIMATORS = ("hutchinson", "hutch++")


@dataclass(frozen=True)
class Estimate:
    """Mean of independent unbiased samples."""

    samples: tuple[float, ...]

    @property
    def value(self) -> float:
        """Mean of the samples."""
        return float(np.mean(self.samples))

    @property
    def standard_error(self) -> float:
        """Standard deviation of `value`: that of the samples over the root of their number."""
        return float(np.std(self.samples, ddof=1) / np.sqrt(len(self.samples)))


def trace_estimate(
    theta: NTKProducts, n_classes: int, *, probes: int = 16, estimator: str = "hutchinson", key: Any = None
) -> Estimate:
    """Unbiased estimate of tr(Theta) from `probes` random vectors v with independent ±1 entries.

    - `hutchinson`: mean of ||Jᵀ v||² = vᵀ Theta v. Variance of one sample: 2 (||Theta||_F² - sum_i Theta_ii²).
      Cost: one reverse pass a probe.
    - `hutch++` (Meyer, Musco, Musco & Woodruff 2021, arXiv 2010.09649, Algorithm 1): the trace is exact on the
      range Q of Theta S, S a third of the probes, and estimated on the rest: tr(Qᵀ Theta Q) + mean of
      ||Jᵀ (I - Q Qᵀ) v||². Error O(1 / probes) instead of O(1 / sqrt(probes)), much smaller where few eigenvalues
      dominate, as in kernels of trained networks. Cost: two reverse passes and a third of a tangent pass a probe
      at most. The standard error is that of the rest.

    The products run over devices and processes from Python, so the estimators are here and not from a library whose
    estimators trace the product.

    Args:
        theta: products with the kernel.
        n_classes: C, columns of v.
        probes: number of random vectors.
        estimator: `hutchinson` or `hutch++`.
        key: of the vectors; None: `jax.random.key(0)`.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lin_ft.kernels import NTKProducts, trace_estimate
        >>> x = jnp.arange(10.0).reshape(2, 5) / 10
        >>> theta = NTKProducts(lambda params, x: x @ params["w"], {"w": jnp.ones((5, 3))}, x)
        >>> found = trace_estimate(theta, 3, probes=64)
        >>> bool(abs(found.value - 3 * (x**2).sum()) < 4 * found.standard_error)  # x xᵀ in each of 3 outputs
        True

    Raises:
        InputError: an unknown estimator, too few probes for a standard error (2; 6 for `hutch++`).
    """
    if estimator not in ESTIMATORS:
        raise InputError(f"Unknown estimator '{estimator}'; known are {', '.join(ESTIMATORS)}.")
    if estimator == "hutchinson":
        return _estimate(lambda v: _squared_norm(theta.pull(v)), theta.n, n_classes, probes, key)
    if probes < 6:
        raise InputError(f"Hutch++ with a standard error needs at least 6 probes, not {probes}.")
    shape, third = (theta.n, n_classes), min(probes // 3, theta.n * n_classes)
    first, second = jax.random.split(jax.random.key(0) if key is None else key)
    images = [theta(v).ravel() for v in _signs(first, third, shape)]
    q = np.linalg.qr(np.stack(images, axis=1).astype(np.float64))[0]
    exact = sum(_squared_norm(theta.pull(column.reshape(shape))) for column in q.T)

    def rest(v: np.ndarray) -> float:
        flat = v.ravel().astype(np.float64)
        return exact + _squared_norm(theta.pull((flat - q @ (q.T @ flat)).reshape(shape)))

    return _estimate(rest, *shape, probes - 2 * third if probes > 2 * third + 1 else 2, second)


def squared_norm_estimate(theta: NTKProducts, n_classes: int, *, probes: int = 16, key: Any = None) -> Estimate:
    """||Theta||_F² = E ||Theta v||², v with independent ±1 entries. Cost: one reverse and one tangent pass a probe.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lin_ft.kernels import NTKProducts, squared_norm_estimate
        >>> x = jnp.arange(10.0).reshape(2, 5) / 10
        >>> theta = NTKProducts(lambda params, x: x @ params["w"], {"w": jnp.ones((5, 3))}, x)
        >>> found = squared_norm_estimate(theta, 3, probes=64)
        >>> bool(abs(found.value - 3 * ((x @ x.T) ** 2).sum()) < 4 * found.standard_error)
        True
    """
    return _estimate(lambda v: _squared_norm(theta(v)), theta.n, n_classes, probes, key)


def _estimate(sample: Callable[[np.ndarray], float], n: int, n_classes: int, probes: int, key: Any) -> Estimate:
    if probes < 2:
        raise InputError(f"A standard error needs at least 2 probes, not {probes}.")
    key = jax.random.key(0) if key is None else key
    return Estimate(tuple(sample(v) for v in _signs(key, probes, (n, n_classes))))


def _signs(key: Any, count: int, shape: tuple[int, int]) -> list[np.ndarray]:
    return [np.asarray(jax.random.rademacher(k, shape, "float32")) for k in jax.random.split(key, count)]


def _squared_norm(tree: Any) -> float:
    return float(sum(np.sum(np.asarray(leaf, np.float64) ** 2) for leaf in jax.tree.leaves(tree)))
