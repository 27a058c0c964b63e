"""How far kernels of the embedded zoo are from the exact trace kernel: number formats, pseudo kernels and sketches.

Command   python -m experiments.benchmarks.precision --out experiments/results/kernel_precision.md
Expected  float32 about 1e-6, bfloat16 a few percent; pseudo kernels and sketches as good as their numbers of probes
Time      about 10 minutes on one CPU core

For each model and random head: ||K - K64||_F / ||K64||_F after the best common factor has been taken out of K (the
second figure is the rank correlation of the entries off the diagonal with those of K64, which is what a kernel
regression sees). K64 is the exact trace kernel in float64.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any

import jax
import numpy as np
import tyro

import lin_ft
from lin_ft.benchmark import spearman
from lin_ft.functions import features_of, with_head
from lin_ft.heads import init_head
from lin_ft.kernels import gram
from lin_ft.provenance import commit, device

KINDS: dict[str, dict[str, Any]] = {
    "float32": {"dtype": "float32"},
    "bfloat16": {"dtype": "bfloat16"},
    "sum of logits": {"output": "pseudo", "of": "sum_logits"},
    "1 probe of logits": {"output": "pseudo", "of": "logits", "probes": 1},
    "1 probe of features": {"output": "pseudo", "of": "features", "probes": 1},
    "4 probes of features": {"output": "pseudo", "of": "features", "probes": 4},
    "16 probes of features": {"output": "pseudo", "of": "features", "probes": 16},
    "sparse sketch, k = 4096": {"method": "sketch", "dimension": 4096},
    "sparse sketch, k = 512": {"method": "sketch", "dimension": 512},
}


@dataclasses.dataclass(frozen=True)
class Config:
    """How far kernels of the embedded zoo are from the exact trace kernel."""

    out: Path | None = None
    """Markdown table; the numbers go beside it as JSON."""
    target: str = "optdigits"
    shots: int = 4
    models: tuple[str, ...] = ()
    """Some of the zoo; empty: all."""
    kinds: tuple[str, ...] = ()
    """Some of `KINDS`; empty: all."""


def errors(kernel: np.ndarray, exact: np.ndarray) -> tuple[float, float]:
    """(relative Frobenius error after the best factor, Spearman correlation off the diagonal)."""
    kernel = kernel.astype(np.float64)
    factor = np.sum(kernel * exact) / np.sum(kernel**2)
    above = np.triu_indices(len(exact), 1)
    return (
        float(np.linalg.norm(factor * kernel - exact) / np.linalg.norm(exact)),
        spearman(kernel[above], exact[above]),
    )


def main(config: Config) -> None:
    kinds = {name: KINDS[name] for name in config.kinds} or KINDS
    task = lin_ft.load_task(config.target, shots=config.shots, seed=0)
    zoo = [model for model in lin_ft.embedded_zoo() if not config.models or model.card.source in config.models]
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for model in zoo:
        apply, params = model.function
        x = model.normalise(task.train.images)
        targets = np.eye(task.n_classes, dtype=np.float32)[task.train.labels]
        params = with_head(params, init_head("random", features_of(apply, params, x), targets, jax.random.key(0)))
        exact = gram(apply, params, x, dtype="float64")
        found[model.card.source] = {
            name: errors(gram(apply, params, x, **options), exact) for name, options in kinds.items()
        }
        print(model.card.source, found[model.card.source], flush=True)
    n = len(task.train.images)
    lines = [f"Kernels of {n} images of {config.target} against the exact trace kernel in float64: relative error,"]
    lines += ["and in brackets the rank correlation of the entries off the diagonal. Median and worst of the", ""]
    lines[-2] += f" {len(zoo)} models of the embedded zoo."
    lines += ["| kernel | median | worst |", "|---|---:|---:|"]
    for name in kinds:
        values = np.array([found[model][name] for model in found])
        median, worst = np.median(values, axis=0), (values[:, 0].max(), values[:, 1].min())
        lines.append(f"| {name} | {median[0]:.2g} ({median[1]:.4f}) | {worst[0]:.2g} ({worst[1]:.4f}) |")
    print("\n".join(lines))
    if config.out:
        facts = {
            "command": f"python -m experiments.benchmarks.precision --target {config.target} --shots {config.shots}",
            "commit": commit(),
            "hardware": device(),
            "seed": 0,
        }
        config.out.parent.mkdir(parents=True, exist_ok=True)
        config.out.write_text("\n".join([*lines, "", f"Command: `{facts['command']}`"]) + "\n")
        config.out.with_suffix(".json").write_text(json.dumps(facts | {"errors": found}, indent=1) + "\n")


if __name__ == "__main__":
    main(tyro.cli(Config))
