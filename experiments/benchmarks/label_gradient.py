"""Cost of Label-Gradient: against training, against n, and its peak memory.

    python -m experiments.benchmarks.label_gradient [--out FILE.json] [--sizes 200 400 800 1600] [--repeats 7]

Three questions, in one run on one ResNet-20 with random weights and images (32x32x3, 10 classes):

1. Label-Gradient of the whole network (r0ᵀ Theta r0 for all pairs of n images) against one plain
forward-and-backward
   pass (`value_and_grad` of the mean loss) over the same batches. Target: at most 1.6 times.
2. Is its time linear in n? The exponent of n, and the worst deviation of the medians from a straight line.
3. Does its peak memory grow with n? One process for each n, ru_maxrss less the images themselves.

A CPU's speed wanders, so the two compared are timed in turn and the medians are taken. Inputs are arguments,
never constants of the compiled program.
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

from lin_ft.functions import ModelFunction, from_linen
from lin_ft.models.resnet import resnet20
from lin_ft.scores import encode, label_gradient
from lin_ft.typing import Params

N_CLASSES = 10


@dataclasses.dataclass(frozen=True)
class Config:
    """Cost of Label-Gradient: against training, against n, and its peak memory."""

    out: Path | None = None
    """Write the numbers here, as JSON."""
    sizes: tuple[int, ...] = (200, 400, 800, 1600)
    """Numbers of images."""
    repeats: int = 7
    batch_size: int = 100
    side: int = 32
    """Height and width of the images."""
    peak_of: int | None = None
    """Internal: print the peak memory of one size, in bytes."""


def drawn(n: int, side: int) -> tuple[ModelFunction, Params, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, side, side, 3), np.float32)
    module = resnet20(N_CLASSES)
    apply, params = from_linen(module, jax.jit(module.init)(jax.random.key(0), x[:1]))
    return apply, params, x, encode(rng.integers(N_CLASSES, size=n), N_CLASSES).astype(np.float32)


@jax.jit
def training_gradient(apply: ModelFunction, params: Params, x: jax.Array, y: jax.Array) -> tuple[jax.Array, Params]:
    return jax.value_and_grad(lambda p: jnp.mean((apply(p, x) - y) ** 2))(params)


def plain_pass(apply: ModelFunction, params: Params, x: np.ndarray, y: np.ndarray, batch_size: int) -> None:
    """The yardstick: one forward-and-backward pass over the data."""
    for start in range(0, len(x), batch_size):
        stop = start + batch_size
        jax.block_until_ready(training_gradient(apply, params, x[start:stop], y[start:stop]))


def seconds(function, *arguments) -> float:
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def measure(config: Config) -> dict:
    apply, params, x, y = drawn(max(config.sizes), config.side)

    def score(n: int) -> None:
        label_gradient(apply, params, x[:n], y[:n], batch_size=config.batch_size, devices=1)

    def plain(n: int) -> None:
        plain_pass(apply, params, x[:n], y[:n], config.batch_size)

    for compiled in (score, plain):
        compiled(config.batch_size)
    # Rounds over all sizes, so that a slow minute of the machine falls on every size.
    rounds = [[(seconds(score, n), seconds(plain, n)) for n in config.sizes] for _ in range(config.repeats)]
    samples = np.array(rounds)  # (repeats, sizes, 2)
    medians, ratios = np.median(samples, axis=0), np.median(samples[:, :, 0] / samples[:, :, 1], axis=0)
    rows = [
        {"n": n, "label_gradient_s": float(own), "plain_pass_s": float(plain_s), "ratio": float(ratio)}
        for n, (own, plain_s), ratio in zip(config.sizes, medians, ratios, strict=True)
    ]
    sizes, times = np.array(config.sizes), medians[:, 0]
    slope, intercept = np.polyfit(sizes, times, 1, w=1 / times)  # relative errors count
    exponent = float(np.polyfit(np.log(sizes), np.log(times), 1)[0])
    fitted = slope * sizes + intercept
    return {
        "rows": rows,
        "ratio": float(np.median([row["ratio"] for row in rows])),
        "ms_per_image": 1e3 * float(slope),
        "exponent": exponent,
        "deviation_from_linear": float(np.max(np.abs(times / fitted - 1))),
        "peaks": [{"n": n, "bytes": peak_in_a_process(n, config)} for n in config.sizes],
        "device": jax.devices()[0].device_kind,
        "jax": jax.__version__,
    }


def peak_in_a_process(n: int, config: Config) -> int:
    command = [
        sys.executable,
        "-m",
        "experiments.benchmarks.label_gradient",
        "--peak-of",
        str(n),
        "--side",
        str(config.side),
    ]
    command += ["--batch-size", str(config.batch_size)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def peak(n: int, config: Config) -> int:
    """Peak resident memory of this process after one score, less the images and targets themselves."""
    apply, params, x, y = drawn(n, config.side)
    label_gradient(apply, params, x, y, batch_size=config.batch_size, devices=1)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit - x.nbytes - y.nbytes


def show(result: dict) -> None:
    table = Table(title=f"Label-Gradient of ResNet-20 on {result['device']}, jax {result['jax']}", title_justify="left")
    for head in ("images", "Label-Gradient [s]", "forward + backward [s]", "ratio", "peak memory [MiB]"):
        table.add_column(head, justify="right")
    for row, memory in zip(result["rows"], result["peaks"], strict=True):
        cells = (f"{row['label_gradient_s']:.3f}", f"{row['plain_pass_s']:.3f}", f"{row['ratio']:.2f}")
        table.add_row(str(row["n"]), *cells, f"{memory['bytes'] / 2**20:.0f}")
    console = Console()
    console.print(table)
    growth = max(p["bytes"] for p in result["peaks"]) / min(p["bytes"] for p in result["peaks"]) - 1
    console.print(f"ratio {result['ratio']:.2f} (target at most 1.6); {result['ms_per_image']:.2f} ms an image")
    console.print(f"time grows as n^{result['exponent']:.2f}, within {result['deviation_from_linear']:.1%} of a line")
    console.print(f"peak memory varies by {growth:.1%} over these n")


def main(config: Config) -> None:
    if config.peak_of is not None:
        print(peak(config.peak_of, config))
        return
    result = measure(config)
    show(result)
    if config.out:
        config.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(tyro.cli(Config, description=__doc__))
