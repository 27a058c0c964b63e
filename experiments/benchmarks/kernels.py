"""Empirical NTK engines side by side: seconds, peak memory, agreement, and distance from the machine's floor.

Command   python -m experiments.benchmarks.kernels --out experiments/results/benchmark_kernels.json
Expected  a table: structured 3 to 5 x faster than neural-tangents' best method on ResNet-20, with less memory
Hardware  any; each (case, method) runs in a process of its own, one after the other. CPU seconds are compared, since
          they do not depend on what else the machine does

Methods: structured, jacobian, vector_products and auto (ours); structured within 448 MiB, less than a quarter of what
neural-tangents takes for ResNet-20 (lean);
neural-tangents Jacobian contraction under one plain `jax.jit` of all samples, and its NTK-vector products
(`python -m experiments.benchmarks.opponents` looks for its best use); plain `vmap(jacrev)` and einsum over everything
at once, in JAX and, where torch is installed, by `torch.func`. The first run compiles; of what follows, up to five runs
or five seconds, the fastest is reported; where the first takes over two minutes, it alone, with `compiled` true. Peak
memory is what the resident set grew by from before that run. The floor is (multiply-adds of the structured method) /
(those of a float32 matrix product in the same process).
"""

import dataclasses
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from experiments.benchmarks.measured import resident, start_of_peak
from lin_ft.provenance import commit, device

CASES = {
    "resnet20 trace C=10 n=64": ("resnet20", 10, 64, "trace"),
    "resnet20 full C=10 n=64": ("resnet20", 10, 64, "full"),
    "resnet20 pseudo C=10 n=256": ("resnet20", 10, 256, "pseudo"),
    "mlp trace C=10 n=128": ("mlp", 10, 128, "trace"),
    "mlp full C=10 n=128": ("mlp", 10, 128, "full"),
    "mlp trace C=100 n=16": ("mlp", 100, 16, "trace"),
    "vit trace C=10 n=64": ("vit", 10, 64, "trace"),
    "vit full C=10 n=64": ("vit", 10, 64, "full"),
    "resnet20 trace C=26 n=64": ("resnet20", 26, 64, "trace"),
    "resnet20 trace C=100 n=16": ("resnet20", 100, 16, "trace"),
    "resnet20 trace C=10 n=256": ("resnet20", 10, 256, "trace"),
    "resnet20 full C=10 n=256": ("resnet20", 10, 256, "full"),
    "resnet20 trace C=10 n=1000": ("resnet20", 10, 1000, "trace"),
    "resnet20 trace C=10 n=2000": ("resnet20", 10, 2000, "trace"),
}
OURS = ("structured", "auto", "structured lean", "jacobian", "vector_products")
METHODS = (*OURS, "nt contraction", "nt vector products", "vmap(jacrev)", "torch.func")
MOST_MEMORY = 10 * 2**30
"""Of one process; what needs more is reported as failed."""
LEAN = 448 * 2**20
"""Memory limit of `structured lean`."""


@dataclasses.dataclass(frozen=True)
class Config:
    """Empirical NTK engines side by side."""

    out: Path | None = None
    cases: tuple[str, ...] = tuple(CASES)
    methods: tuple[str, ...] = METHODS
    n: int | None = None
    """Another number of samples for every case."""
    memory_limit: int = 2**30
    """Of our methods; 2 GiB at n = 2,000."""
    limit: float = 3000.0
    """Seconds for one (case, method); the slower ones are reported as such."""
    one: bool = False
    """Internal: run the first case with the first method here and print JSON."""


def network(name: str, n_classes: int) -> tuple[Any, Any]:
    import flax.linen as nn
    import jax
    import jax.numpy as jnp

    from lin_ft.functions import from_linen
    from lin_ft.models.resnet import resnet20

    class Mlp(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            x = x.reshape(len(x), -1)
            for width in (512, 512):
                x = nn.relu(nn.Dense(width)(x))
            return nn.Dense(n_classes)(x)

    class Vit(nn.Module):
        """Patches of 8 x 8 pixels, width 96, 4 blocks of 3 heads."""

        @nn.compact
        def __call__(self, x: Any) -> Any:
            x = nn.Conv(96, (8, 8), (8, 8))(x).reshape(len(x), -1, 96)
            x = x + self.param("positions", nn.initializers.normal(0.02), (1, x.shape[1], 96))
            for _ in range(4):
                x = x + nn.MultiHeadDotProductAttention(3)(nn.LayerNorm()(x))
                x = x + nn.Dense(96)(nn.gelu(nn.Dense(384)(nn.LayerNorm()(x))))
            return nn.Dense(n_classes)(nn.LayerNorm()(x).mean(1))

    module = {"resnet20": lambda: resnet20(n_classes), "mlp": Mlp, "vit": Vit}[name]()
    return from_linen(module, jax.jit(module.init)(jax.random.key(0), jnp.zeros((1, 32, 32, 3))))


def run_one(case: str, method: str, n: int | None, memory_limit: int) -> dict[str, Any]:
    """Two runs in this process: the first compiles, the second is timed."""
    import jax
    import jax.numpy as jnp

    from lin_ft.kernels import gram

    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    name, n_classes, size, output = CASES[case]
    size = n or size
    apply, params = network(name, n_classes)
    x = np.random.default_rng(0).standard_normal((size, 32, 32, 3), np.float32)
    options: dict[str, Any] = {}
    if output == "pseudo":
        options = {"of": "sum_logits"}
    fixed = by_torch = None
    if method == "vmap(jacrev)":
        fixed = jax.jit(lambda w, z: whole(apply, w, z, output))
    elif method == "torch.func":
        from experiments.benchmarks.torch_func import kernel_function

        by_torch = kernel_function(name, params, apply.frozen, output)
    elif method.startswith("nt "):
        chosen = "ntk_vector_products" if "vector" in method else "jacobian_contraction"
        options = {"method": "neural_tangents", "implementation": chosen}
    elif method == "structured lean":
        options |= {"method": "structured", "memory_limit": LEAN}
    else:
        options |= {"method": method, "memory_limit": memory_limit}

    def kernel() -> Any:
        if fixed:
            return np.asarray(fixed(params, jnp.asarray(x)))
        return by_torch(x) if by_torch else gram(apply, params, x, output=output, **options)

    def timed() -> dict[str, Any]:
        before = start_of_peak()
        began, wall = time.process_time(), time.monotonic()
        result = kernel()
        return {
            "cpu_seconds": time.process_time() - began,
            "wall_seconds": time.monotonic() - wall,
            "peak_bytes": resident("VmHWM") - before,
            "result_bytes": result.nbytes,
            "corner": np.asarray(result).reshape(size, -1)[:4, :4].tolist(),
        }

    first = timed()
    found = {"case": case, "method": method, "n": size, "first_cpu_seconds": first["cpu_seconds"]}
    if first["cpu_seconds"] > 120:
        found |= {**first, "compiled": True}
    else:
        again = [timed()]
        while sum(run["cpu_seconds"] for run in again) < 5 and len(again) < 5:
            again.append(timed())
        found |= {**min(again, key=lambda run: run["cpu_seconds"]), "compiled": False}
        found["peak_bytes"] = max(run["peak_bytes"] for run in again)
    if "memory_limit" in options:
        found["memory_limit"] = options["memory_limit"]
    if method == "structured":
        found |= floor(apply, params, x, n_classes, output)
    return found


def whole(apply: Any, params: Any, x: Any, output: str) -> Any:
    import jax
    import jax.numpy as jnp

    def one(w: Any, xi: Any) -> Any:
        logits = apply(w, xi[None])[0]
        return logits.sum(keepdims=True) / len(logits) ** 0.5 if output == "pseudo" else logits

    leaves = jax.tree.leaves(jax.vmap(jax.jacrev(one), (None, 0))(params, x))
    rows = [leaf.reshape(*leaf.shape[:2], -1) for leaf in leaves]
    if output == "full":
        return sum(jnp.einsum("icp,jep->icje", row, row) for row in rows)
    count = 1 if output == "pseudo" else rows[0].shape[1]
    return sum(jnp.einsum("icp,jcp->ij", row, row) for row in rows) / count


def floor(apply: Any, params: Any, x: np.ndarray, n_classes: int, output: str) -> dict[str, float]:
    """Multiply-adds of the structured method, and the CPU seconds they take in one large matrix product."""
    import jax
    import jax.numpy as jnp

    from lin_ft.kernels.cost import multiply_adds
    from lin_ft.trainable import split

    chosen, frozen = split(params)
    if apply.has_head:
        chosen, frozen = {**chosen, "head": None}, {**frozen, "head": params["head"]}
    combinations = np.ones((1, n_classes)) if output == "pseudo" else np.eye(n_classes)
    shared = (apply, chosen, frozen, jnp.asarray(combinations, jnp.float32))
    n = (len(x), len(x))
    count = multiply_adds(shared, x[:1], of="logits", full=output == "full", n=n, symmetric=True)["structured"]
    a = jnp.asarray(np.random.default_rng(0).standard_normal((1536, 1536), np.float32))
    product = jax.jit(jnp.matmul)
    product(a, a).block_until_ready()
    began = time.process_time()
    for _ in range(5):
        product(a, a).block_until_ready()
    speed = 5 * 1536**3 / (time.process_time() - began)
    return {"multiply_adds": count, "floor_cpu_seconds": count / speed, "matmul_gflops": 2 * speed / 1e9}


def main(config: Config) -> None:
    if config.one:
        print(json.dumps(run_one(config.cases[0], config.methods[0], config.n, config.memory_limit)))
        return
    rows: list[dict[str, Any]] = (
        json.loads(config.out.read_text())["rows"] if config.out and config.out.exists() else []
    )
    known = {(row["case"], row["method"]) for row in rows if "failed" not in row}
    rows = [row for row in rows if "failed" not in row]
    for case in config.cases:
        for method in config.methods:
            if not runs(case, method) or (case, method) in known:
                continue
            command = [
                sys.executable,
                "-m",
                "experiments.benchmarks.kernels",
                "--one",
                "--cases",
                case,
                "--methods",
                method,
            ]
            memory_limit = 2**31 if CASES[case][2] == 2000 else config.memory_limit
            command += ["--memory-limit", str(memory_limit), *(["--n", str(config.n)] if config.n else [])]
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=config.limit, check=False)
                last = done.stdout.splitlines()[-1] if done.returncode == 0 else ""
                failed = {"case": case, "method": method, "failed": (done.stderr.splitlines() or ["killed"])[-1]}
                rows.append(json.loads(last) if last else failed)
            except subprocess.TimeoutExpired:
                rows.append({"case": case, "method": method, "failed": f"over {config.limit:.0f} s"})
            print(line(rows[-1], rows), flush=True)
            if config.out:
                config.out.parent.mkdir(parents=True, exist_ok=True)
                config.out.write_text(json.dumps(report(config, rows), indent=1) + "\n")


def runs(case: str, method: str) -> bool:
    """What a method can do, and what it can do in less than an hour."""
    name, n_classes, n, output = CASES[case]
    if output == "pseudo" and (method.startswith(("nt ", "torch")) or method in ("vector_products", "structured lean")):
        return False
    if method == "torch.func" and name == "vit":
        return False
    if n >= 1000:
        return method == "structured"
    if name == "resnet20" and n * n_classes > 1000 and "vector" in method:
        return False
    return method not in ("auto", "jacobian") or n < 256 or output == "pseudo"


def line(row: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    if "failed" in row:
        return f"{row['case']:28} {row['method']:20} {row['failed']}"
    ours = next((r for r in rows if r["case"] == row["case"] and r["method"] == "structured"), row)
    times = row["cpu_seconds"] / ours["cpu_seconds"] if "cpu_seconds" in ours else float("nan")
    share = f" {row['floor_cpu_seconds'] / row['cpu_seconds']:.0%} of the floor" if "floor_cpu_seconds" in row else ""
    difference = np.abs(np.array(row["corner"]) - np.array(ours["corner"])).max() / np.abs(ours["corner"]).max()
    return (
        f"{row['case']:28} {row['method']:20} {row['cpu_seconds']:8.2f} s CPU, {times:6.2f} x structured,"
        f" {row['peak_bytes'] / 2**20:6.0f} MiB, differs {difference:.0e}{share}"
    )


def report(config: Config, rows: list[dict[str, Any]]) -> dict[str, Any]:
    import jax

    return {
        "command": "python -m experiments.benchmarks.kernels",
        "commit": commit(),
        "hardware": device(),
        "jax": jax.__version__,
        "memory_limit": config.memory_limit,
        "rows": rows,
    }


if __name__ == "__main__":
    main(tyro.cli(Config))
