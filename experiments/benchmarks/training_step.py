"""Cost of one training step of the embedded zoo's architecture: gradient in one program against two.

Command   python -m experiments.benchmarks.training_step
Expected  results/benchmark_training_step.json: two programs about 1.6 times faster on a CPU; where rounding turns a
          unit of a ReLU on or off, a gradient differs by that unit, up to a percent of a bias's largest
Hardware  1 CPU core, half a minute
"""

import dataclasses
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tyro

from lin_ft.workers import environment


@dataclasses.dataclass(frozen=True)
class Options:
    out: Path = Path(__file__).parents[1] / "results" / "benchmark_training_step.json"
    batch_size: int = 32
    side: int = 32
    repeats: int = 6
    """Rounds; in each, every way takes `steps` steps in a row. The medians of all steps are compared."""
    steps: int = 8


def main(options: Options) -> dict[str, Any]:
    wanted = environment(cores=1)  # of one worker a core; glibc reads its part when the process starts
    if "MALLOC_TRIM_THRESHOLD_" not in os.environ:
        os.execve(
            sys.executable,
            [sys.executable, "-m", "experiments.benchmarks.training_step", *sys.argv[1:]],
            os.environ | wanted,
        )
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax

    from lin_ft.autodiff.split_gradient import value_and_grad
    from lin_ft.models.resnet import resnet20
    from lin_ft.provenance import provenance

    rng = np.random.default_rng(0)
    x = rng.normal(size=(options.batch_size, options.side, options.side, 3)).astype(np.float32)
    y = rng.integers(0, 10, options.batch_size)
    module = resnet20(10)
    variables = module.init(jax.random.key(0), jnp.asarray(x[:1]))

    def loss(params: Any, statistics: Any, x: Any, y: Any) -> Any:
        logits, updated = module.apply(
            {"params": params, "batch_stats": statistics}, x, train=True, mutable=["batch_stats"]
        )
        return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean(), updated["batch_stats"]

    ways: dict[str, Callable[..., Any]] = {
        "one program": jax.jit(jax.value_and_grad(loss, has_aux=True)),
        "two programs": value_and_grad(loss),
    }
    arguments = (variables["params"], variables["batch_stats"], x, y)
    gradients = {name: jax.block_until_ready(way(*arguments))[1] for name, way in ways.items()}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(options.repeats):
        for name, way in ways.items():
            for _ in range(options.steps):
                began = time.perf_counter()
                jax.block_until_ready(way(*arguments))
                seconds[name].append(time.perf_counter() - began)
    median = {name: float(np.median(values)) for name, values in seconds.items()}
    largest = jax.tree.map(lambda a, b: float(abs(a - b).max() / abs(b).max()), *reversed(gradients.values()))
    row = {
        "command": "python -m experiments.benchmarks.training_step",
        "seconds": median,
        "ratio": median["one program"] / median["two programs"],
        "images_per_second": {name: options.batch_size / value for name, value in median.items()},
        "largest_relative_difference": max(jax.tree.leaves(largest)),
        "batch_size": options.batch_size,
        "side": options.side,
        "seed": 0,
        **provenance(),
    }
    options.out.write_text(json.dumps(row, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(row, indent=1))
    return row


if __name__ == "__main__":
    main(tyro.cli(Options, config=(tyro.conf.OmitArgPrefixes,)))
