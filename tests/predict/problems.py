"""Kernels and targets for the tests of `lin_ft.predict`, and the one tolerance."""

from collections.abc import Callable

import numpy as np

EPS = float(np.finfo(np.float64).eps)


def assert_close(actual, expected, *, condition: float = 1.0, size: float | None = None) -> None:
    """Equal but for float64 rounding: 32 m eps `condition`, relative to the largest expected entry (or to `size`).

    m is the dimension of the algebra, samples times outputs (at least 16): decompositions and solves are backward
    stable to a small multiple of m eps, and how small depends on the processor and the number of threads. `condition`
    is by how much the problem may amplify a rounding of the kernel: lambda_max / (ridge + 1 / t).
    """
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, (actual.shape, expected.shape)
    size = float(np.abs(expected).max()) if size is None else size
    allowed = 32 * max(16, int(np.prod(expected.shape[-2:]))) * EPS * condition * size
    error = float(np.abs(actual - expected).max())
    assert error <= allowed, f"off by {error:.3g} where {allowed:.3g} is allowed"


def _gram(features: np.ndarray) -> np.ndarray:
    return features @ features.T


def _duplicates(n: int, rng: np.random.Generator) -> np.ndarray:
    features = rng.normal(size=(n, 2 * n))
    features[n // 2] = features[0]
    features[-1] = features[0]
    return _gram(features)


def _wide_range(n: int, rng: np.random.Generator) -> np.ndarray:
    basis = np.linalg.qr(rng.normal(size=(n, n)))[0]
    kernel = (basis * np.logspace(-12, 0, n)) @ basis.T
    return (kernel + kernel.T) / 2


def _blocks(n: int, rng: np.random.Generator) -> np.ndarray:
    """Samples that share nothing: half of full rank, half of rank 1."""
    kernel = np.zeros((n, n))
    half = n // 2
    kernel[:half, :half] = _gram(rng.normal(size=(half, 2 * n))) / n
    kernel[half:, half:] = _gram(rng.normal(size=(n - half, 1)))
    return kernel


KERNELS: dict[str, Callable[[int, np.random.Generator], np.ndarray]] = {
    "full_rank": lambda n, rng: _gram(rng.normal(size=(n, 3 * n))),
    "low_rank": lambda n, rng: _gram(rng.normal(size=(n, max(1, n // 4)))),
    "duplicates": _duplicates,
    "wide_range": _wide_range,
    "blocks": _blocks,
    "zero": lambda n, rng: np.zeros((n, n)),
}


def problem(kind: str, n: int = 13, n_classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A kernel (n, n) with lambda_max near 1, and residuals (n, C)."""
    rng = np.random.default_rng(seed)
    kernel = KERNELS[kind](n, rng)
    return kernel / max(np.linalg.norm(kernel, 2), 1e-300), rng.normal(size=(n, n_classes))


def linear_model(n: int = 9, n_test: int = 4, n_classes: int = 3, n_params: int = 12, seed: int = 0):
    """An explicit model f = f0 + J (w - w0): Jacobians (n, C, P) of train and test inputs, initial logits, targets.

    Its full kernels have shape (n, C, n, C), so the outputs share parameters.
    """
    rng = np.random.default_rng(seed)
    jacobian = rng.normal(size=(n + n_test, n_classes, n_params)) / np.sqrt(n_params * n)
    logits0 = rng.normal(size=(n + n_test, n_classes))
    targets = np.eye(n_classes)[rng.integers(n_classes, size=n)]
    return jacobian[:n], jacobian[n:], logits0[:n], logits0[n:], targets


def full_kernel(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.einsum("icp,jdp->icjd", one, other)
