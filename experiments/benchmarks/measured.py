"""CPU seconds and peak memory of one call in a worker process of its own; the standard library alone (Linux)."""

import ctypes
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def resident(name: str) -> int:
    """VmRSS (now) or VmHWM (peak since the last reset), bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(name)).split()[1])


def start_of_peak() -> int:
    """Give freed memory back, forget the peak so far, return the resident set."""
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return resident("VmRSS")


def measured(call: Callable[[], Any]) -> dict[str, Any]:
    """CPU seconds, growth of the resident set at its peak, and the corner of the kernel that `call` gives."""
    before = start_of_peak()
    began, wall = time.process_time(), time.monotonic()
    kernel = call()
    return {
        "cpu_seconds": time.process_time() - began,
        "wall_seconds": time.monotonic() - wall,
        "peak_bytes": resident("VmHWM") - before,
        "corner": kernel.reshape(len(kernel), -1)[:4, :4].tolist(),
        "size": float(abs(kernel).max()),
    }


def answer_lines(make: Callable[[], Callable[[], Any]]) -> None:
    """On the first core that this process may use: make the call, run it once to compile, then measure one run for each
    line on standard input and print it as one line of JSON.
    """
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # before any library starts its threads
    call = make()
    for line in sys.stdin:
        print(json.dumps(measured(call)) if line.strip() == "run" else "", flush=True)
