"""Fixtures: a cache folder of its own, fake registry clients on PATH, a tiny packaged data set."""

import hashlib
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lin_ft.data.archive import Archive
from lin_ft.data.packaged import Example, PackagedDataset

CLIENT = """#!{python}
import os, pathlib, sys, time
mode = {mode!r}
folder = pathlib.Path([a for a in sys.argv if a.startswith("--pack-destination=")][0].split("=", 1)[1])
if mode == "offline":
    print("npm error code ENOTFOUND")
    print("npm error network request to the registry failed")
    sys.exit(1)
target = folder / {filename!r}
content = pathlib.Path({source!r}).read_bytes()
if mode == "slow":
    pathlib.Path({source!r} + ".pid").write_text(str(os.getpid()))
    target.write_bytes(content[: len(content) // 2])
    time.sleep(60)
if mode == "other":
    target = folder / "something-else.tgz"
target.write_bytes(content[::-1] if mode == "tampered" else content)
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder in the place of the user's."""
    monkeypatch.setenv("LIN_FT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """A pinned npm archive, whose true content lies in `tmp_path/published`."""
    content = b"the content of an archive " * 100
    (tmp_path / "published").write_bytes(content)
    return Archive("npm", "tiny", "1.0.0", "tiny-1.0.0.tgz", hashlib.sha256(content).hexdigest(), len(content))


@pytest.fixture
def fake_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Puts an `npm` that behaves as told ("ok", "offline", "tampered", "slow", "other", "missing") on
    PATH."""

    def install(mode: str) -> Path:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        monkeypatch.setenv("PATH", str(folder))
        client = folder / "npm"
        client.unlink(missing_ok=True)
        if mode != "missing":
            source = str(tmp_path / "published")
            client.write_text(CLIENT.format(python=sys.executable, mode=mode, filename="tiny-1.0.0.tgz", source=source))
            client.chmod(client.stat().st_mode | stat.S_IXUSR)
        return folder

    return install


def tiny_dataset(n: int = 40, name: str = "tiny", groups: bool = True) -> PackagedDataset:
    """Two classes of 8x8 noise that needs no archive; every fifth image is for the test, four to a group."""

    def examples(paths):
        assert not paths
        rng = np.random.default_rng(0)
        for i in range(n):
            image = rng.integers(0, 256, (8, 8, 3), np.uint8)
            split = "test" if (i // 4) % 5 == 4 else "train"
            yield Example(image, i % 2, split, f"group {i // 4}" if groups else "")

    return PackagedDataset(name, "1.0.0", "noise", "Noise", "MIT", "target", ("even", "odd"), (), examples)


@pytest.fixture
def tiny() -> PackagedDataset:
    return tiny_dataset()
