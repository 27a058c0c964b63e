"""Cost of Label-Gradient and of the sketched kernel at the size of real backbones.

    python -m experiments.benchmarks.backbones [--out FILE.json] [--models mobilenet_v2 resnet50] [--n 200] [--side 128]

Random weights and images, ten classes. Each line is a process of its own, which compiles first and then runs once:

- plain: one forward-and-backward pass (`value_and_grad` of the mean loss) over the n images, the yardstick;
- label_gradient: r0ᵀ Theta r0 of all weights and all pairs of images. Targets: at most 1.6 times plain, at most
  2 GiB above the weights;
- sketch: the (n, n) kernel of one output, gradients projected to k = 4,096 numbers.

Memory: ru_maxrss at the end less that before the first pass, when weights and images are already there.
"""

import dataclasses
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from lin_ft.functions import ModelFunction, from_linen, with_head
from lin_ft.kernels import gram
from lin_ft.provenance import commit, device
from lin_ft.scores import encode, label_gradient
from lin_ft.typing import Params
from lin_ft.zoo.architectures import architecture, shapes_of

N_CLASSES = 10
METHODS = ("plain", "label_gradient", "sketch")


@dataclasses.dataclass(frozen=True)
class Config:
    """Cost of Label-Gradient and of the sketched kernel at the size of real backbones."""

    out: Path | None = None
    """Write the numbers here, as JSON."""
    models: tuple[str, ...] = ("mobilenet_v2", "resnet50")
    methods: tuple[str, ...] = METHODS
    n: int = 200
    """Images."""
    side: int = 128
    """Their height and width."""
    batch_size: int = 20
    only: str = ""
    """Internal: MODEL:METHOD, measured in this process."""


def drawn(name: str, n: int, side: int) -> tuple[ModelFunction, Params, np.ndarray, np.ndarray]:
    """Weights of variance 1 / inputs, scales and variances one, biases and means zero."""
    rng = np.random.default_rng(0)

    def filled(path, leaf):
        if leaf.ndim > 1:
            return (rng.standard_normal(leaf.shape) / np.sqrt(np.prod(leaf.shape[:-1]))).astype(np.float32)
        ones = path[-1].key in ("scale", "var")
        return np.full(leaf.shape, float(ones), np.float32)

    variables = jax.tree_util.tree_map_with_path(filled, shapes_of(name, N_CLASSES, options={}))
    apply, params = from_linen(architecture(name)(N_CLASSES), variables)
    x = rng.standard_normal((n, side, side, 3), np.float32)
    return apply, params, x, encode(rng.integers(N_CLASSES, size=n), N_CLASSES).astype(np.float32)


@jax.jit
def training_gradient(apply: ModelFunction, params: Params, x: jax.Array, y: jax.Array) -> tuple[jax.Array, Params]:
    return jax.value_and_grad(lambda p: jnp.mean((apply(p, x) - y) ** 2))(params)


def run(method: str, apply: ModelFunction, params: Params, x: np.ndarray, y: np.ndarray, batch_size: int) -> None:
    if method == "label_gradient":
        label_gradient(apply, params, x, y, batch_size=batch_size, devices=1)
    elif method == "sketch":
        one = with_head(params, jax.tree.map(lambda leaf: leaf[..., :1], params["head"]))
        gram(apply, one, x, method="sketch", block_size=batch_size, key=jax.random.key(0))
    else:
        for start in range(0, len(x), batch_size):
            jax.block_until_ready(training_gradient(apply, params, x[start : start + batch_size], y[:batch_size]))


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def measure(name: str, method: str, config: Config) -> dict:
    """Seconds of wall clock and of CPU, and memory above the weights in bytes."""
    apply, params, x, y = data = drawn(name, config.n, config.side)
    before = peak()
    began = time.perf_counter()
    run(method, apply, params, x[: config.batch_size], y[: config.batch_size], config.batch_size)
    compiled, wall, cpu = time.perf_counter() - began, time.perf_counter(), time.process_time()
    run(method, *data, config.batch_size)
    return {
        "model": name,
        "method": method,
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "first_batch_seconds": compiled,
        "bytes_above_weights": peak() - before,
    }


def main(config: Config) -> None:
    if config.only:
        name, method = config.only.split(":")
        print(json.dumps(measure(name, method, config)))
        return
    rows = []
    table = Table(title=f"{config.n} images of {config.side} pixels", title_justify="left")
    for head in ("model", "method", "seconds", "CPU s", "of plain", "compile s", "MiB above weights"):
        table.add_column(head, justify="left" if head in ("model", "method") else "right")
    for name in config.models:
        for method in config.methods:
            command = [
                sys.executable,
                "-m",
                "experiments.benchmarks.backbones",
                "--only",
                f"{name}:{method}",
                "--n",
                str(config.n),
            ]
            command += ["--side", str(config.side), "--batch-size", str(config.batch_size)]
            row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            plain = next((r for r in rows if r["model"] == name and r["method"] == "plain"), row)
            row["of_plain"] = row["cpu_seconds"] / plain["cpu_seconds"]  # CPU time: other work shares the machine
            rows.append(row)
            table.add_row(
                name, method, f"{row['seconds']:.1f}", f"{row['cpu_seconds']:.1f}", f"{row['of_plain']:.2f}",
                f"{row['first_batch_seconds']:.1f}", f"{row['bytes_above_weights'] / 2**20:.0f}",
            )  # fmt: skip
            if config.out:
                facts = {"command": " ".join(["python -m experiments.benchmarks.backbones", *sys.argv[1:]])}
                facts |= {"commit": commit(), "hardware": device(), "seed": 0, "jax": jax.__version__}
                result = facts | {"n": config.n, "side": config.side, "rows": rows}
                config.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    Console().print(table)


if __name__ == "__main__":
    main(tyro.cli(Config, description=__doc__))
