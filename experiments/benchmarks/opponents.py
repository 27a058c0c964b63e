"""The kernels of ResNet-20 beside their opponents, each in its best use.

Command   python -m experiments.benchmarks.opponents --out experiments/results/opponents.json
Expected  last line "trace n=256: 5.5 x faster, 0.47 of its memory; full: 3.1 x faster, 0.35 of its memory; floor 45 %"
          with the JAX of lin_ft; against neural-tangents on the older JAX 0.5.3, where its convolutions are faster,
          2.9 x and 2.1 x (experiments/results/opponents.json); torch.func takes 3.4 to 3.7 times as long
Hardware  any; one core, about 15 minutes

neural-tangents runs under one plain `jax.jit`, warm, all samples at once and in batches of 64, by Jacobian contraction
and, for few samples, NTK-vector products; the fastest of these is the opponent, with the memory that it takes. With
`--opponent-python PATH` the same is done in another environment too, such as one with the JAX that neural-tangents
was released for, and the faster of both counts. Every method is a process of its own on one and the same core; rounds
interleave all of them, so that whatever else the machine does meets each, and the least CPU time of a method counts.
Peak memory is what the resident set grew by in a warm run. The floor is what the multiply-adds of the structured
method take in one large float32 product.
"""

import dataclasses
import functools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from experiments.benchmarks.kernels import floor, network
from lin_ft.files.atomic import write_atomically
from lin_ft.provenance import commit, device

ALONE = Path(__file__).with_name("neural_tangents_alone.py")
OURS, TORCH = "lin_ft", "torch.func"


@dataclasses.dataclass(frozen=True)
class Config:
    """The kernels of ResNet-20 beside their opponents."""

    n: tuple[int, ...] = (64, 256)
    outputs: tuple[str, ...] = ("trace", "full")
    n_classes: int = 10
    rounds: int = 3
    memory_limit: int = 5 * 2**28
    """Of our kernels, bytes: about half of what neural-tangents takes for 256 samples."""
    opponent_python: Path | None = None
    """Another Python that has jax and neural-tangents, where that is also measured."""
    torch: bool = True
    out: Path | None = None


class Worker:
    """One method in a process of its own."""

    def __init__(self, command: list[str]) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu"}
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - as long as the process
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True, env=environment
        )
        self.runs: list[dict[str, Any]] = []
        self.failed = ""

    def run(self, *, keep: bool = True) -> None:
        if self.failed:
            return
        assert self.process.stdin
        assert self.process.stdout
        try:
            self.process.stdin.write("run\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            self.process.wait()
            self.errors.seek(0)
            self.failed = (self.errors.read().strip().splitlines() or ["the process ended"])[-1]
        elif keep:
            self.runs.append(json.loads(answer))

    def end(self) -> None:
        if self.process.stdin and not self.failed:
            self.process.stdin.close()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        self.errors.close()


def commands(config: Config, n: int, output: str, file: Path) -> dict[str, list[str]]:
    """Every method of one case, and the command of its worker."""
    options = json.dumps({"n": n, "output": output, "n_classes": config.n_classes, "memory_limit": config.memory_limit})
    itself = [sys.executable, "-m", "experiments.benchmarks.opponents_worker", options]
    found = {OURS: itself} | ({TORCH: [*itself, TORCH]} if config.torch else {})
    pythons = {"neural-tangents": sys.executable}
    if config.opponent_python:
        pythons["neural-tangents elsewhere"] = str(config.opponent_python)
    for name, python in pythons.items():
        ways = [("jacobian_contraction", 0)] + ([("jacobian_contraction", 64)] if n > 64 else [])
        ways += [("ntk_vector_products", 0)] if n <= 16 else []  # n² forward passes: minutes for more
        for implementation, batch in ways:
            chosen = {"file": str(file), "output": output, "implementation": implementation, "batch_size": batch}
            name_of_way = f"{name}, {implementation.replace('_', ' ')}{f', batches of {batch}' if batch else ''}"
            found[name_of_way] = [python, str(ALONE), json.dumps(chosen)]
    return found


def case(config: Config, n: int, output: str) -> list[dict[str, Any]]:
    """A row for each method: its fastest run, its largest peak."""
    import jax

    apply, params = network("resnet20", config.n_classes)
    x = np.random.default_rng(0).standard_normal((n, 32, 32, 3), np.float32)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "case.npz"
        arrays: dict[str, Any] = {"x": x}
        for start, tree in (("w", params), ("s", apply.frozen)):
            for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
                arrays[f"{start}/{jax.tree_util.keystr(path, simple=True, separator='/')}"] = np.asarray(leaf)
        np.savez(file, **arrays)
        workers = {name: Worker(command) for name, command in commands(config, n, output, file).items()}
        for worker in workers.values():
            worker.run(keep=False)  # compiles
        for _ in range(config.rounds):
            for worker in workers.values():
                worker.run()
        for worker in workers.values():
            worker.end()
    rows: list[dict[str, Any]] = []
    for name, worker in workers.items():
        row = {"n": n, "output": output, "method": name}
        if worker.failed:
            rows.append(row | {"failed": worker.failed})
            continue
        best = min(worker.runs, key=lambda run: run["cpu_seconds"])
        rows.append(row | best | {"peak_bytes": max(run["peak_bytes"] for run in worker.runs)})
    for row in rows:
        if row["method"] == OURS and "failed" not in row:
            row |= floor(apply, params, x, config.n_classes, output)
    check(rows)
    return rows


def check(rows: list[dict[str, Any]]) -> None:
    """All methods gave the same kernel, to 1e-4 of its largest entry (float32, another order of sums)."""
    done = [row for row in rows if "failed" not in row]
    for row in done[1:]:
        difference = np.abs(np.array(row["corner"]) - np.array(done[0]["corner"])).max() / done[0]["size"]
        if difference > 1e-4:
            raise RuntimeError(
                f"{row['method']} gives another kernel than {done[0]['method']}: off by {difference:.1e}."
            )


def compared(rows: list[dict[str, Any]], n: int, output: str) -> tuple[float, float, float] | None:
    """(times faster, share of the memory, share of the floor) against the fastest way of neural-tangents."""
    here = [row for row in rows if (row["n"], row["output"]) == (n, output) and "failed" not in row]
    ours = next((row for row in here if row["method"] == OURS), None)
    theirs = [row for row in here if row["method"].startswith("neural-tangents")]
    if ours is None or not theirs:
        return None
    best = min(theirs, key=lambda row: row["cpu_seconds"])
    return (
        best["cpu_seconds"] / ours["cpu_seconds"],
        ours["peak_bytes"] / max(1, best["peak_bytes"]),
        ours["floor_cpu_seconds"] / ours["cpu_seconds"],
    )


def last_line(rows: list[dict[str, Any]], n: int) -> str:
    parts, of_floor = [], "not measured"
    for output in ("trace", "full"):
        found = compared(rows, n, output)
        name = f"trace n={n}" if output == "trace" else "full"
        parts.append(
            f"{name}: {found[0]:.1f} x faster, {found[1]:.2f} of its memory" if found else f"{name}: not measured"
        )
        if found and of_floor == "not measured":
            of_floor = f"{found[2]:.0%}".replace("%", " %")
    return f"{'; '.join(parts)}; floor {of_floor}"


def main(config: Config) -> None:
    import jax

    rows: list[dict[str, Any]] = []
    for n in config.n:
        for output in config.outputs:
            for row in case(config, n, output):
                rows.append(row)
                start = f"{row['output']:5} n={row['n']:<4} {row['method']:60}"
                if "failed" in row:
                    print(f"{start} {row['failed']}", flush=True)
                    continue
                at = (
                    f", floor {row['floor_cpu_seconds'] / row['cpu_seconds']:.0%}" if "floor_cpu_seconds" in row else ""
                )
                print(f"{start} {row['cpu_seconds']:8.2f} s CPU, {row['peak_bytes'] / 2**20:6.0f} MiB{at}", flush=True)
            if config.out:
                found = {"command": "python -m experiments.benchmarks.opponents", "commit": commit()}
                found |= {"hardware": device(), "jax": jax.__version__, "rounds": config.rounds, "rows": rows}
                text = json.dumps(found, indent=1) + "\n"
                config.out.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(config.out, functools.partial(Path.write_text, data=text))
    print(last_line(rows, config.n[-1]))


if __name__ == "__main__":
    main(tyro.cli(Config))
