"""What a result was made by: commit, versions, device. No names of machines or users."""

import functools
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

PACKAGES = ("lin-ft", "jax", "jaxlib", "flax", "optax", "numpy", "scipy")


def provenance() -> dict[str, Any]:
    """{"commit", "versions" of Python and `PACKAGES`, "device"}, as JSON types."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {"commit": commit(), "versions": versions, "device": device()}


def device() -> str:
    """The devices of JAX, and for CPUs how many of the machine's cores this process may use."""
    import jax

    kind = jax.devices()[0]
    if kind.platform != "cpu":
        return f"{kind.device_kind}, {jax.device_count()} x"
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{kind.device_kind}, {platform.machine()}, {usable} of {os.cpu_count()} cores"


@functools.cache
def commit() -> str:
    """Of the package's own checkout, 12 digits, with "+" where its files differ; empty for an installed wheel."""
    here = Path(__file__).parent
    try:
        head = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"], cwd=here, capture_output=True, text=True, check=True
        )
        changed = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", "."], cwd=here, check=False)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head.stdout.strip() + ("+" if changed.returncode else "")
