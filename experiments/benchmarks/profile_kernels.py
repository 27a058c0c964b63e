"""Where the structured contraction spends its time, part by part, each against the machine's matrix product.

Command   python -m experiments.benchmarks.profile_kernels --out experiments/results/profile_kernels.md
Expected  ResNet-20 is held by convolutions with 16 to 64 channels, which XLA runs at a third of the speed of a large
          product or less; contraction by products runs at half of it
Hardware  any; 1 CPU core, about two minutes

Parts of a trace kernel of n samples and C outputs, as `lin_ft.kernels.structured` does them for one block:
- forward: n forward passes;
- reverse: n C reverse passes to the input image, which is what any method needs to know the cotangents of all layers;
- rows: the same with per-example weight gradients formed, or inputs and cotangents kept;
- contraction: the products of all pairs of rows.
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
from lin_ft.kernels.cost import multiply_adds
from lin_ft.kernels.structured import StructuredRows, sum_contract
from lin_ft.provenance import commit, device
from lin_ft.trainable import split


@dataclasses.dataclass(frozen=True)
class Config:
    """Where the structured contraction spends its time."""

    networks: tuple[str, ...] = ("resnet20", "vit", "mlp")
    n: int = 64
    n_classes: int = 10
    chunk: int = 8
    """Samples of one reverse pass."""
    out: Path | None = None
    """Markdown; default: printed only."""


def seconds(function: Any, *arguments: Any, repeats: int = 3) -> tuple[float, Any]:
    """(CPU seconds of one call after the first, its result)."""
    jax.block_until_ready(function(*arguments))
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

    def adds(n: int, pairs_too: bool) -> float:
        found = [
            multiply_adds(shared, x[:1], of="logits", full=False, n=(k, k), symmetric=True)["structured"]
            for k in (n, 2 * n)
        ]
        pairs = (found[1] - 2 * found[0]) / n**2  # rows grow with n, pairs with n (n + 1) / 2
        return pairs * n**2 if pairs_too else found[0] - pairs * n * (n + 1) / 2

    @jax.jit
    def reverse(batch: Any) -> Any:
        def one(xi: Any) -> Any:
            return jax.vmap(jax.vjp(lambda z: apply(params, z[None])[0], xi)[1])(outputs)

        return jax.vmap(one)(batch)

    times = config.n / config.chunk
    forward = jax.jit(lambda batch: apply(params, batch))
    rows = jax.jit(StructuredRows("logits", False))
    forward_time, _ = seconds(forward, x)
    reverse_time, _ = seconds(reverse, x[: config.chunk])
    rows_time, _ = seconds(rows, shared, x[: config.chunk])
    blocks = [rows(shared, x[start : start + config.chunk]) for start in range(0, config.n, config.chunk)]
    block = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *blocks)
    contraction_time, _ = seconds(jax.jit(sum_contract), block, block)
    forward_adds = forward_multiply_adds(apply, params, x)
    return [
        ("forward", config.n * forward_adds, forward_time),
        ("forward and reverse to the input", config.n * (1 + config.n_classes) * forward_adds, times * reverse_time),
        ("the same and rows", adds(config.n, False), times * rows_time),
        ("contraction", adds(config.n, True), contraction_time),
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
