"""neural-tangents' kernel of ResNet-20 with nothing of lin_ft between: for any environment that can import it.

A worker of `experiments.benchmarks.opponents`: it compiles, then makes one timed run for each line on standard input.
Needs jax, numpy and neural-tangents alone, so that another Python can run it, with the JAX that the library was
released for. The network is written out here; weights and images come from a file.
"""

import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from measured import answer_lines  # pyright: ignore[reportMissingImports]


def library() -> Any:
    """The module; by lin_ft's compatibility module where that is installed, as it is elsewhere."""
    try:
        from lin_ft.kernels.neural_tangents import library as compatible
    except ImportError:
        for name in ("experimental", "experimental.empirical_tf", "experimental.empirical_tf.empirical"):
            stub = types.ModuleType(f"neural_tangents.{name}")
            stub.__path__ = []  # type: ignore[attr-defined]
            sys.modules.setdefault(f"neural_tangents.{name}", stub)  # a sub-module that needs TensorFlow
        import neural_tangents

        return neural_tangents
    return compatible()


def resnet20(statistics: dict[str, Any]) -> Any:
    """f(w, x), (n, 32, 32, 3) -> (n, C), with frozen batch statistics, as `lin_ft.models.resnet.resnet20`."""
    import jax
    import jax.numpy as jnp

    def conv(w: Any, x: Any, name: str, stride: int = 1) -> Any:
        kernel, layout = w[f"{name}/kernel"], ("NHWC", "HWIO", "NHWC")
        return jax.lax.conv_general_dilated(x, kernel, (stride, stride), ((1, 1), (1, 1)), dimension_numbers=layout)

    def norm(w: Any, x: Any, name: str) -> Any:
        mean, variance = (statistics[f"batch_stats/{name}/{what}"] for what in ("mean", "var"))
        return (x - mean) * (jax.lax.rsqrt(variance + 1e-5) * w[f"{name}/scale"]) + w[f"{name}/bias"]

    def f(w: Any, x: Any) -> Any:
        x = jax.nn.relu(norm(w, conv(w, x, "stem"), "stem_norm"))
        for stage in (1, 2, 3):
            for index in (1, 2, 3):
                name, stride = f"stage{stage}_block{index}", 2 if stage > 1 and index == 1 else 1
                y = jax.nn.relu(norm(w, conv(w, x, f"{name}/conv1", stride), f"{name}/norm1"))
                y = norm(w, conv(w, y, f"{name}/conv2"), f"{name}/norm2")
                x = x[:, ::stride, ::stride]
                x = jnp.pad(x, ((0, 0), (0, 0), (0, 0), (0, y.shape[-1] - x.shape[-1])))
                x = jax.nn.relu(x + y)
        return x.mean((1, 2)) @ w["head/kernel"] + w["head/bias"]

    return f


def kernel_function(file: str, output: str, implementation: str, batch_size: int) -> Any:
    """() -> kernel of the file's images under one plain `jax.jit`, all at once (batch 0) or the upper triangle of
    batches; (n, n), or (n, C, n, C).
    """
    import jax
    import jax.numpy as jnp

    nt = library()
    with np.load(file) as stored:
        arrays = {name: stored[name] for name in stored.files}
    weights, statistics = (
        {name[2:]: jnp.asarray(value) for name, value in arrays.items() if name.startswith(start)}
        for start in ("w/", "s/")
    )
    x = arrays["x"]
    kernel_fn = jax.jit(
        nt.empirical_ntk_fn(
            resnet20(statistics),
            trace_axes=(-1,) if output == "trace" else (),
            vmap_axes=0,
            implementation=getattr(nt.NtkImplementation, implementation.upper()),
        )
    )

    def kernel() -> np.ndarray:
        n, size = len(x), batch_size or len(x)
        if size == n:
            theta = np.asarray(kernel_fn(x, None, weights))
            return theta if output == "trace" else theta.transpose(0, 2, 1, 3)
        shape = (n, n) if output == "trace" else (n, n, len(weights["head/bias"]), len(weights["head/bias"]))
        theta = np.zeros(shape, np.float32)
        for i in range(0, n, size):
            for j in range(i, n, size):
                rows, columns = slice(i, i + size), slice(j, j + size)
                theta[rows, columns] = kernel_fn(x[rows], None if i == j else x[columns], weights)
                theta[columns, rows] = theta[rows, columns].transpose(1, 0, *range(2, theta.ndim)[::-1])
        return theta if output == "trace" else theta.transpose(0, 2, 1, 3)

    return kernel


if __name__ == "__main__":
    options = json.loads(sys.argv[1])
    answer_lines(lambda: kernel_function(**options))
