"""What an accelerator does with the engine, in at most eight minutes on one GPU, from a bare machine.

    pip install '.[cuda]' && python -m experiments.gpu [--out FILE.json] [--items vit_kernel ...] [--small] [--again]

Random weights and images: times and memory do not depend on their values. Each item is a process of its own that
    pip install . 'jax[cuda12]' && python -m experiments.gpu [--out FILE.json] [--items vit_kernel ...] [--again]
a run that was cut short goes on. An item that fails or takes longer than its share is written down as such and the
others go on. Items:

- matmul: a large product in float32 (highest precision, as in the kernels), TF32 and bfloat16: the yardstick;
- trace, full: kernels of ResNet-20, 10 outputs, on all devices and, `trace_one`, on one;
- vit_kernel: the trace kernel of a ViT-B/16, 64 images of 224 pixels, within 40 GiB;
- plain, label_gradient: a forward-and-backward pass of ResNet-50 over 1,000 images of 224 pixels, and Label-Gradient;
- sketch: its kernel of two probes, gradients projected to 4,096 numbers;
- float32, bfloat16: a trace kernel in either format; `error` is the relative distance of the second from the first;
- draws: fine-tunings of several draws as one program (`lin_ft.finetune.grid`), and `draws_one`: of one.

Where a device's own memory is not told (CPUs), `peak_bytes` is that of the process. `share` is the multiply-adds that
an item counts, over its time, against the measured rate of the float32 product.
"""

import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tyro

SECONDS = 480.0
"""Of a run."""
LEAST = 20.0
"""That an item gets."""
GIB = 2**30


@dataclasses.dataclass(frozen=True)
class Config:
    """What an accelerator does with the engine."""

    out: Path = Path("experiments/results/gpu.json")
    items: tuple[str, ...] = ()
    """Only these."""
    small: bool = False
    """Sizes for the tests, on a CPU."""
    again: bool = False
    """Measure what is there already, too."""
    only: str = ""
    """Internal: an item, measured in this process."""


@dataclasses.dataclass(frozen=True)
class Sizes:
    product: int
    n: int
    side: int
    """Of ResNet-20's images."""
    vit: tuple[int, int, int]
    """Images, pixels, and MiB of memory for the kernel."""
    backbone: tuple[str, int, int, int]
    """Architecture, images, pixels, images at a time."""
    sketched: tuple[int, int]
    """Images, numbers."""
    draws: tuple[int, int]
    """Draws, steps."""


FULL = Sizes(8192, 256, 32, (64, 224, 36 * 1024), ("resnet50", 1000, 224, 100), (128, 4096), (8, 150))
SMALL = Sizes(64, 4, 8, (2, 32, 512), ("resnet20", 4, 8, 2), (3, 32), (2, 2))
PERFORMED = "highest"


def main(config: Config) -> None:
    if config.only:
        print(json.dumps(measure(config.only, SMALL if config.small else FULL)))
        return
    began, names = time.monotonic(), config.items or tuple(ITEMS)
    if unknown := [name for name in names if name not in ITEMS]:
        raise SystemExit(f"--items {' '.join(unknown)}: unknown; of {', '.join(ITEMS)}.")
    kept = json.loads(config.out.read_text()) if config.out.exists() else {}
    rows: dict[str, Any] = {} if kept.get("small") != config.small else dict(kept.get("rows", {}))
    for place, name in enumerate(names):
        if name in rows and "seconds" in rows[name] and not config.again:
            continue
        left = SECONDS - (time.monotonic() - began)
        if left < LEAST:
            rows[name] = {"failed": f"no time left of {SECONDS:.0f} s: run again"}
            continue
        rows[name] = _in_process(name, config.small, min(left, max(LEAST, 3 * left / (len(names) - place))))
        _write(config, rows)
        print(f"{name}: {rows[name].get('seconds', rows[name].get('failed'))}", flush=True)
    _write(config, rows)
    print(table(rows))


def _in_process(name: str, small: bool, seconds: float) -> dict[str, Any]:
    command = [sys.executable, "-m", "experiments.gpu", "--only", name, *(["--small"] if small else [])]
    environment = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", **os.environ}  # else the peak is what was set aside
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, env=environment, check=False)
    except subprocess.TimeoutExpired:
        return {"failed": f"not done after {seconds:.0f} s"}
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1][:300]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def _write(config: Config, rows: dict[str, Any]) -> None:
    from lin_ft.files.atomic import write_atomically
    from lin_ft.provenance import commit

    rate = rows.get("matmul", {}).get("rate")
    for row in rows.values():
        if rate and row.get("multiply_adds") and row.get("seconds"):
            row["share"] = row["multiply_adds"] / row["seconds"] / rate
    found = {"command": " ".join(["python -m experiments.gpu", *sys.argv[1:]]), "commit": commit()}
    found |= {"small": config.small, "rows": rows}
    config.out.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(found, indent=1) + "\n"
    write_atomically(config.out, lambda path: path.write_text(text, encoding="utf-8"))


def table(rows: dict[str, Any]) -> str:
    """As Markdown."""
    lines = [
        "| item | seconds | compiling | peak GiB | share of the product | |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for name, row in rows.items():
        if "failed" in row:
            lines.append(f"| {name} | – | – | – | – | {row['failed']} |")
            continue
        share = f"{row['share']:.0%}" if "share" in row else ""
        beside = ", ".join(f"{key} {row[key]:.3g}" for key in ("error", "images_a_second", "rate") if key in row)
        lines.append(
            f"| {name} | {row['seconds']:.3g} | {row['compiling']:.3g} | {row['peak_bytes'] / GIB:.2f} | {share} |"
            f" {beside} |"
        )
    return "\n".join(lines)


def measure(name: str, sizes: Sizes) -> dict[str, Any]:
    """One item: seconds of the first call less those of the second, seconds of the second, peak of memory, device."""
    from lin_ft.provenance import device

    call, facts = ITEMS[name](sizes)
    began = time.perf_counter()
    call()
    first = time.perf_counter() - began
    began = time.perf_counter()
    told = call()
    seconds = time.perf_counter() - began
    row = {"seconds": seconds, "compiling": max(0.0, first - seconds), "peak_bytes": _peak(), "device": device()}
    row |= facts | (told if isinstance(told, dict) else {})
    if "images" in facts:
        row["images_a_second"] = facts["images"] / seconds
    if "rates" in row:
        row["rate"] = row["rates"][PERFORMED]
    return row


def _peak() -> int:
    import resource

    import jax

    told = [(each.memory_stats() or {}).get("peak_bytes_in_use", 0) for each in jax.local_devices()]
    return max(told) or 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


Item = tuple[Callable[[], Any], dict[str, Any]]


def _network(name: str, sizes: Sizes, n: int, side: int) -> tuple[Any, Any, np.ndarray, np.ndarray]:
    """(apply, params, images, one-hot labels) of ten classes, all random."""
    from experiments.benchmarks.backbones import drawn
    from lin_ft.functions import from_linen
    from lin_ft.models.vit import ViT
    from lin_ft.scores import encode

    if sizes is FULL:
        apply, params, x, y = drawn({"vit": "vit_base_16"}.get(name, name), n, side)
        return apply, params, x, y.astype(np.float32)
    import jax

    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, side, side, 3), np.float32)
    module = ViT(10, 8, 2, depth=1, image_size=side) if name == "vit" else _resnet(sizes)
    variables = module.init(jax.random.key(0), jax.numpy.asarray(x[:1]))
    y = encode(rng.integers(10, size=n), 10).astype(np.float32)
    return *from_linen(module, jax.tree.map(lambda leaf: np.asarray(leaf, np.float32), variables)), x, y


def _resnet(sizes: Sizes) -> Any:
    """ResNet-20, or in small a residual network of one block."""
    from lin_ft.models.resnet import ResNet
    from lin_ft.zoo.architectures import architecture

    return architecture("resnet20")(10) if sizes is FULL else ResNet(10, blocks_per_stage=1, widths=(4,))


def _matmul(sizes: Sizes) -> Item:
    import jax
    import jax.numpy as jnp

    size = sizes.product
    kinds = {PERFORMED: ("float32", "highest"), "tf32": ("float32", "default"), "bfloat16": ("bfloat16", "default")}

    def rate(dtype: str, precision: str) -> float:
        a = jnp.ones((size, size), dtype)
        product = jax.jit(lambda a: jnp.matmul(a, a, precision=precision))
        out = product(a).block_until_ready()
        began = time.perf_counter()
        for _ in range(5):
            out = product(a)
        out.block_until_ready()
        return 5 * size**3 / (time.perf_counter() - began)

    def call() -> dict[str, Any]:
        return {"rates": {name: rate(*kind) for name, kind in kinds.items()}}

    return call, {}


def _kernel(output: str, devices: int | None) -> Callable[[Sizes], Item]:
    def item(sizes: Sizes) -> Item:
        import jax

        from lin_ft.kernels import gram

        apply, params, x, _ = _network("resnet20", sizes, sizes.n, sizes.side)
        counted = _multiply_adds(apply, params, x, full=output == "full")
        facts = {"n": sizes.n, "devices": devices or jax.local_device_count(), "multiply_adds": counted}
        return lambda: gram(apply, params, x, output=output, devices=devices), facts

    return item


def _multiply_adds(apply: Any, params: Any, x: Any, *, full: bool) -> float:
    from lin_ft.kernels.cost import multiply_adds
    from lin_ft.trainable import split

    chosen, frozen = split(params, "all")
    outputs = np.eye(params["head"]["kernel"].shape[1], dtype=np.float32)
    shared = (apply, {**chosen, "head": None}, {**frozen, "head": params["head"]}, outputs)
    n = (len(x), len(x))
    return multiply_adds(shared, x, of="logits", full=full, n=n, symmetric=True)["structured"]


def _vit_kernel(sizes: Sizes) -> Item:
    from lin_ft.kernels import gram

    n, side, mebibytes = sizes.vit
    apply, params, x, _ = _network("vit", sizes, n, side)
    facts = {"n": n, "side": side, "multiply_adds": _multiply_adds(apply, params, x, full=False)}
    return lambda: gram(apply, params, x, memory_limit=mebibytes * 2**20), facts


def _plain(sizes: Sizes) -> Item:
    import jax

    from experiments.benchmarks.backbones import training_gradient

    name, n, side, batch = sizes.backbone
    apply, params, x, y = _network(name, sizes, n, side)

    def call() -> None:
        for start in range(0, n, batch):
            jax.block_until_ready(training_gradient(apply, params, x[start : start + batch], y[start : start + batch]))

    return call, {"images": n}


def _label_gradient(sizes: Sizes) -> Item:
    from lin_ft.scores import label_gradient

    name, n, side, batch = sizes.backbone
    apply, params, x, y = _network(name, sizes, n, side)
    return lambda: label_gradient(apply, params, x, y, batch_size=batch), {"images": n}


def _sketch(sizes: Sizes) -> Item:
    from lin_ft.kernels import sketched_features

    name, _, side, _ = sizes.backbone
    n, dimension = sizes.sketched
    apply, params, x, _ = _network(name, sizes, n, side)
    dimension = max(dimension, params["head"]["kernel"].shape[1])
    call = lambda: sketched_features(apply, params, x, dimension=dimension, probes=2)  # noqa: E731
    return call, {"images": n, "dimension": dimension}


def _in_format(dtype: str) -> Callable[[Sizes], Item]:
    def item(sizes: Sizes) -> Item:
        from lin_ft.kernels import gram

        apply, params, x, _ = _network("resnet20", sizes, sizes.n, sizes.side)
        reference = gram(apply, params, x) if dtype != "float32" else None

        def call() -> dict[str, Any]:
            found = gram(apply, params, x, dtype=dtype)
            if reference is None:
                return {}
            return {"error": float(np.linalg.norm(found - reference) / np.linalg.norm(reference))}

        return call, {"n": sizes.n}

    return item


def _draws(count: int | None) -> Callable[[Sizes], Item]:
    def item(sizes: Sizes) -> Item:
        import jax

        from lin_ft.finetune import FinetuneConfig
        from lin_ft.finetune.grid import Draw, Point, train_grid
        from lin_ft.trainable import split

        number, steps = count or sizes.draws[0], sizes.draws[1]
        module, rng = _resnet(sizes), np.random.default_rng(0)
        n = 20 if sizes is SMALL else 100
        variables = module.init(jax.random.key(0), jax.numpy.zeros((1, sizes.side, sizes.side, 3), np.float32))
        weights, frozen = split(variables["params"], "all")
        draws = [
            Draw(
                rng.standard_normal((n, sizes.side, sizes.side, 3), np.float32), np.arange(n) % 10,
                rng.standard_normal((10, sizes.side, sizes.side, 3), np.float32), np.arange(10),
                weights, variables["batch_stats"], seed,
            )
            for seed in range(number)
        ]  # fmt: skip
        points = [Point(place, 0.01, 1e-4) for place in range(number)]
        config = FinetuneConfig(steps=steps, batch_size=min(32, n))

        def call() -> None:
            train_grid(module, frozen, draws, points, config, devices=tuple(jax.local_devices()))

        return call, {"images": number * steps * config.batch_size, "draws": number}

    return item


ITEMS: dict[str, Callable[[Sizes], Item]] = {
    "matmul": _matmul,
    "trace": _kernel("trace", None),
    "trace_one": _kernel("trace", 1),
    "full": _kernel("full", 1),
    "vit_kernel": _vit_kernel,
    "plain": _plain,
    "label_gradient": _label_gradient,
    "sketch": _sketch,
    "float32": _in_format("float32"),
    "bfloat16": _in_format("bfloat16"),
    "draws": _draws(None),
    "draws_one": _draws(1),
}


if __name__ == "__main__":
    main(tyro.cli(Config, description=__doc__))
