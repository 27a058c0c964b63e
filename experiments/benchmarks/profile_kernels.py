"""Where the structured contraction spends its time, part by part, each against the machine's matrix product.

Command   python -m experiments.benchmarks.profile_kernels --out experiments/results/profile_kernels.md
Expected  ResNet-20 runs at .4 to .5 of the speed of a large product, passes and weight gradients alike; the vision
          transformer of 16 tokens at .15 to .25, since each of its rows is made of 16 products a number
Hardware  any; 1 CPU core, about two minutes

Parts of a trace kernel of n samples and C outputs, as `lin_ft.kernels.structured` does them:
- forward: n forward passes;
- passes: the same and n C reverse passes to the first layer, which give the cotangents of all layers and the gradients
  of normalisation layers;
- weight gradients: the rows of the rest, and the products of all pairs of rows: what `gram` takes beside the passes.
"""

import dataclasses
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from experiments.benchmarks.kernels import network
from lin_ft.files.atomic import write_atomically
from lin_ft.kernels import gram
from lin_ft.kernels.cost import multiply_adds
from lin_ft.kernels.structured import StructuredRows
from lin_ft.provenance import commit, device
from lin_ft.trainable import split


@dataclasses.dataclass(frozen=True)
class Config:
    """Where the structured contraction spends its time."""

    networks: tuple[str, ...] = ("resnet20", "vit", "mlp")
    n: int = 64
    n_classes: int = 10
    chunk: int = 2
    """Samples of one reverse pass, as the plan of blocks chooses for ResNet-20."""
    out: Path | None = None
    """Markdown; default: printed only."""


def seconds(function: Any, *arguments: Any, repeats: int = 3) -> tuple[float, Any]:
    """(CPU seconds of one call after the first, its result)."""
    result = jax.block_until_ready(function(*arguments))
    began = time.process_time()
    for _ in range(repeats):
        result = jax.block_until_ready(function(*arguments))
    return (time.process_time() - began) / repeats, result


def parts(name: str, config: Config) -> list[tuple[str, float, float]]:
    """(part, multiply-adds, CPU seconds) for all n samples."""
    apply, params = network(name, config.n_classes)
    chosen, frozen = split(params)
    if apply.has_head:
        chosen, frozen = {**chosen, "head": None}, {**frozen, "head": params["head"]}
    x = np.random.default_rng(0).standard_normal((config.n, 32, 32, 3), np.float32)
    outputs = jnp.eye(config.n_classes, dtype=jnp.float32)
    shared = (apply, chosen, frozen, outputs)

    whole = multiply_adds(shared, x[:1], of="logits", full=False, n=(config.n, config.n), symmetric=True)["structured"]
    forward_adds = config.n * forward_multiply_adds(apply, params, x)
    passes_adds = (1 + config.n_classes) * forward_adds
    times = config.n / config.chunk
    forward_time, _ = seconds(jax.jit(lambda batch: apply(params, batch)), x)
    passes_time, _ = seconds(jax.jit(StructuredRows("logits", False).passes), shared, x[: config.chunk])
    whole_time, _ = seconds(lambda: gram(apply, params, x, method="structured"))
    return [
        ("forward", forward_adds, forward_time),
        ("passes", passes_adds, times * passes_time),
        ("weight gradients", whole - passes_adds, whole_time - times * passes_time),
        ("all", whole, whole_time),
    ]


def forward_multiply_adds(apply: Any, params: Any, x: np.ndarray) -> float:
    from lin_ft.kernels.cost import _forward

    return _forward(jax.make_jaxpr(lambda w, z: apply(w, z))(params, x[:1]).jaxpr)


def matmul_speed() -> float:
    """Multiply-adds a second of one large float32 product."""
    a = jnp.asarray(np.random.default_rng(0).standard_normal((1536, 1536), np.float32))
    time_of_one, _ = seconds(jax.jit(jnp.matmul), a, a, repeats=5)
    return 1536**3 / time_of_one


def main(config: Config) -> None:
    speed = matmul_speed()
    lines = [
        f"Trace kernel, n = {config.n}, C = {config.n_classes}, float32; a large product here: {2 * speed / 1e9:.0f}"
        " GFLOP/s. Share: multiply-adds at that speed over the time.",
        "",
        "| network | part | multiply-adds, 10⁹ | CPU seconds | GFLOP/s | share of a large product |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for name in config.networks:
        for part, count, time_taken in parts(name, config):
            rate = f"{2 * count / time_taken / 1e9:.0f} | {count / speed / time_taken:.0%}"
            lines.append(f"| {name} | {part} | {count / 1e9:.2f} | {time_taken:.2f} | {rate} |")
    lines += [
        "",
        f"Command: `python -m experiments.benchmarks.profile_kernels`, commit {commit()}, {device()}.",
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    if config.out:
        write_atomically(config.out, lambda temporary: temporary.write_text(text, encoding="utf-8"))


if __name__ == "__main__":
    main(tyro.cli(Config))
