"""How much memory this process may still take."""

import os
from pathlib import Path

_LIMITS = (("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"))
_UNKNOWN = 2**31


def free_memory() -> int:
    """Bytes: what the system has free or can free at once, and no more than a container's limit leaves.

    Half of the whole memory where the system does not say (macOS), 2 GiB where it says nothing (Windows).
    """
    free = [_of_system()]
    for limit, used in _LIMITS:
        try:
            folder = Path("/sys/fs/cgroup")
            free.append(max(0, int((folder / limit).read_text()) - int((folder / used).read_text())))
        except (OSError, ValueError):  # "max": no limit
            continue
    return min(free)


def _of_system() -> int:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("MemAvailable")).split()[1])
    except (OSError, StopIteration, ValueError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, OSError, ValueError):
        return _UNKNOWN
