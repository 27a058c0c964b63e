"""Seconds of every score at n = 2,000, d = 2,048, C = 100; against published code: published_scores.py.

    python -m experiments.benchmarks.scores --json experiments/results/benchmark_scores.json

Expected on 2 CPU cores: all scores together at most 60 s, none over 15 s but those that train (logistic_probe,
pactran_gaussian, n_leep). The decompositions that scores share are timed by themselves and counted in the total. Source
data are 2,000 more samples; the kernel is that of the features. Wall time counts what else the machine does, CPU time
does not: both are kept, with the load at start and end; one core's CPU time bounds the wall time on idle cores.
"""

import argparse
import json
import os
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np

from experiments.benchmarks.published_scores import drawn
from lin_ft.scores import SCORES, array_inputs, encode, evaluate


def timed(function: Any, *arguments: Any) -> tuple[Any, float, float]:
    """(value, seconds of wall time, seconds of CPU time) of one call."""
    began, cpu = time.perf_counter(), time.process_time()
    value = function(*arguments)
    return value, round(time.perf_counter() - began, 3), round(time.process_time() - cpu, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--d", type=int, default=2048)
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--note", default="", help="what else ran on the machine")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    n, d, n_classes = options.n, options.d, options.classes
    phi, labels = drawn(n, d, n_classes, 0)
    source, source_labels = drawn(n, d, n_classes, 1)
    logits = phi @ np.random.default_rng(2).normal(size=(d, n_classes)) / np.sqrt(d)
    powers = np.exp(logits - logits.max(1, keepdims=True))
    theta = powers / powers.sum(1, keepdims=True)
    inputs = array_inputs(
        features=phi, labels=labels, targets=encode(labels) - 1 / n_classes, kernel=phi @ phi.T + 1,
        source_probabilities=theta, source_outputs=theta, source_features=source, source_labels=source_labels,
        target_features=source[:, : d // 4], values=phi[:, :3] + 1, seed=0, name="benchmark", n_params=1,
        source_test_accuracy=0.5, is_reference=False, other_accuracies=np.array([0.5]),
    )  # fmt: skip
    load = [round(os.getloadavg()[0], 2)]
    seconds, cpu_seconds, left_out = {}, {}, {}
    for name in ("svd", "fitted", "spectrum"):
        key = f"shared: {name}"
        _, seconds[key], cpu_seconds[key] = timed(inputs.__getitem__, name)
        print(f"{key:28} {seconds[key]:8.3f} s, CPU {cpu_seconds[key]:8.3f} s", flush=True)
    for name, score in SCORES.items():
        scored, took, cpu = timed(evaluate, {name: score}, inputs)
        if scored[name].reason:
            left_out[name] = scored[name].reason
            continue
        seconds[name], cpu_seconds[name] = took, cpu
        print(f"{name:28} {took:8.3f} s, CPU {cpu:8.3f} s", flush=True)
    load.append(round(os.getloadavg()[0], 2))
    total, cpu = round(sum(seconds.values()), 1), round(sum(cpu_seconds.values()), 1)
    slow = {name: value for name, value in cpu_seconds.items() if value > 15}
    print(
        f"together {total} s, {cpu} s of CPU time, at a load of {load[0]} to {load[1]}; CPU over 15 s: {slow or 'none'}"
    )
    if options.json:
        hardware = f"{platform.machine()}, {len(os.sched_getaffinity(0))} of {os.cpu_count()} CPU cores"
        result = {
            "n": n, "d": d, "classes": n_classes, "hardware": hardware + (f"; {options.note}" if options.note else ""),
            "load": load, "total_seconds": total, "total_cpu_seconds": cpu, "seconds": seconds,
            "cpu_seconds": cpu_seconds, "left_out": left_out,
        }  # fmt: skip
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
