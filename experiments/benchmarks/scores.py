"""Seconds of every score at n = 2,000, d = 2,048, C = 100, and of the published algorithms in the same run.

    python -m experiments.benchmarks.scores --json experiments/results/benchmark_scores.json

Expected on 2 CPU cores: all scores together at most 60 s, none over 15 s but those that train (logistic_probe,
pactran_gaussian, n_leep); LogME, H-score and TransRate at least as fast as the published algorithms, each re-derived
here from its paper: LAPACK's thin SVD and a loop of MacKay steps a class; the pseudo-inverse of the covariance; dense
determinants. The decompositions that scores share are timed by themselves and counted in the total. Source data are
2,000 more samples; the kernel is that of the features. Wall time counts what else the machine does, CPU time does not:
both are kept, with the load at start and end; one core's CPU time bounds the wall time on idle cores.
"""

import argparse
import json
import os
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np

from lin_ft.scores import SCORES, array_inputs, encode, evaluate, h_score, logme, transrate


def drawn(n: int, d: int, n_classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rectified Gaussian classes whose feature scales decay, as penultimate features do; and their labels."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % n_classes)
    scales = np.arange(1, d + 1) ** -0.5
    mixing = rng.normal(size=(d, d)) / np.sqrt(d)
    latent = (rng.normal(size=(n_classes, d))[labels] + 2 * rng.normal(size=(n, d))) * scales
    return np.maximum(latent @ mixing * 10, 0), labels


def published_logme(phi: np.ndarray, labels: np.ndarray) -> float:
    """You et al.: a thin SVD, then MacKay's updates of alpha and beta class by class (the whole determinant)."""
    n, d = phi.shape
    u, s, _ = np.linalg.svd(phi, full_matrices=False)
    total, squares = 0.0, s**2
    for c in np.unique(labels):
        y = (labels == c).astype(float)
        z = (u.T @ y) ** 2
        rest = y @ y - z.sum()
        alpha = beta = 1.0
        for _ in range(11):
            t = alpha / beta
            gamma = (squares / (squares + t)).sum()
            m2 = (squares * z / (t + squares) ** 2).sum()
            r2 = (z / (1 + squares / t) ** 2).sum() + rest
            alpha, beta = gamma / (m2 + 1e-5), (n - gamma) / (r2 + 1e-5)
            if abs(alpha / beta - t) <= 1e-3 * t:
                break
        log_det = np.log(alpha + beta * squares).sum() + (d - len(s)) * np.log(alpha)
        value = d * np.log(alpha) + n * np.log(beta) - log_det - beta * r2 - alpha * m2 - n * np.log(2 * np.pi)
        total += value / (2 * n)
    return total / len(np.unique(labels))


def published_h_score(phi: np.ndarray, labels: np.ndarray) -> float:
    """Bao et al.: tr(pinv(cov f) cov E[f|y])."""
    means = np.stack([phi[labels == c].mean(0) for c in np.unique(labels)])[labels]
    return float(np.trace(np.linalg.pinv(np.cov(phi.T), rcond=1e-12) @ np.cov(means.T)))


def published_transrate(phi: np.ndarray, labels: np.ndarray) -> float:
    """Huang et al.: d x d determinants of all features and of each class."""

    def rate(z: np.ndarray) -> float:
        return 0.5 * np.linalg.slogdet(np.eye(z.shape[1]) + z.T @ z / (len(z) * 1e-4))[1]

    z = phi - phi.mean(0)
    return rate(z) - float(np.mean([rate(z[labels == c]) for c in np.unique(labels)]))


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
    opponents = {}
    pairs = (("logme", logme, published_logme), ("h_score", h_score, published_h_score))
    for name, ours, published in (*pairs, ("transrate", transrate, published_transrate)):
        (value, took, cpu), (other, other_took, other_cpu) = (timed(f, phi, labels) for f in (ours, published))
        opponents[name] = {
            "value": float(value), "seconds": took, "cpu_seconds": cpu,
            "published": float(other), "published_seconds": other_took, "published_cpu_seconds": other_cpu,
        }  # fmt: skip
        print(
            f"{name}: {value:.6g} in {cpu} s of CPU time alone; as published {other:.6g} in {other_cpu} s", flush=True
        )
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
            "against_published": opponents,
        }  # fmt: skip
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
