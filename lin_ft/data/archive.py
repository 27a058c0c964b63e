"""One pinned package archive, fetched by its registry's own client and checked by hash; never installed.

The client is pip, npm or apt-get as a subprocess, so that the mirror the user configured for it is honoured.
"""

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lin_ft.errors import InputError
from lin_ft.files.cache import disk_errors, move_into_place, says_disk_full, scratch_folder
from lin_ft.files.progress import bar


@dataclass(frozen=True)
class Archive:
    """A file of a package registry: what to ask the client for, and the file that must come back."""

    registry: Literal["pip", "sdist", "npm", "apt"]
    """`sdist`: a source distribution of pip's index, which pip itself would not fetch without running it."""
    name: str
    version: str
    filename: str
    sha256: str
    size: int
    """Bytes."""


def _pip_command(archives: Sequence[Archive], folder: Path) -> list[str]:
    options = ["--no-deps", "--only-binary", ":all:", "--ignore-requires-python", "--no-input"]
    options += [
        "--disable-pip-version-check",
        "--progress-bar",
        "off",
        "--retries",
        "2",
        "-q",
        "-d",
        str(folder),
    ]
    options += _foreign_wheels([a.filename for a in archives])
    return [sys.executable, "-m", "pip", "download", *options, *(f"{a.name}=={a.version}" for a in archives)]


def _foreign_wheels(filenames: Sequence[str]) -> list[str]:
    """Options of pip for wheels of one Python and platform, which are read as data on any other; none for pure ones."""
    tags = [name.removesuffix(".whl").split("-")[-3:] for name in filenames if name.endswith(".whl")]
    tags = [tag for tag in tags if tag[1:] != ["none", "any"]]
    if not tags:
        return []
    (python,) = {python for python, _, _ in tags}
    options = ["--implementation", python[:2], "--python-version", python[2:]]
    options += [f"--abi={abi}" for abi in sorted({abi for _, abi, _ in tags})]
    return options + [f"--platform={name}" for name in sorted({name for tag in tags for name in tag[2].split(".")})]


def _sdist_command(archives: Sequence[Archive], folder: Path) -> list[str]:
    names = [f"{a.name}/{a.filename}" for a in archives]
    return [sys.executable, "-m", "lin_ft.data.source_distribution", str(folder), *names]


def _npm_command(archives: Sequence[Archive], folder: Path) -> list[str]:
    options = ["--ignore-scripts", "--fetch-retries=1", "--loglevel=error", f"--pack-destination={folder}"]
    return ["npm", "pack", *options, *(f"{a.name}@{a.version}" for a in archives)]


def _apt_command(archives: Sequence[Archive], folder: Path) -> list[str]:
    options = ["-q", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=1"]
    return ["apt-get", *options, "download", *(f"{a.name}={a.version}" for a in archives)]


COMMANDS: dict[str, Callable[[Sequence[Archive], Path], list[str]]] = {
    "pip": _pip_command,
    "sdist": _sdist_command,
    "npm": _npm_command,
    "apt": _apt_command,
}
_HINTS = {
    "pip": "check the network and the index that pip is configured with",
    "sdist": "check the network and the index that pip is configured with",
    "npm": "check the network and the registry that npm is configured with",
    "apt": "run `apt-get update` once; the versions are those of Debian 12",
}
_INSTALL = {
    "pip": "run `python -m ensurepip` once",
    "sdist": "run `python -m ensurepip` once",
    "npm": "install Node.js with npm",
    "apt": "use a Debian 12 machine or container",
}


def fetch(archive: Archive, folder: Path) -> Path:
    """`fetch_all` for one archive."""
    return fetch_all([archive], folder)[0]


def fetch_all(archives: Sequence[Archive], folder: Path) -> list[Path]:
    """Paths of the archives in `folder`, each verified by SHA-256; those not there yet are downloaded.

    All missing archives of one registry come by one run of its client. A file appears in `folder` only once
    it is complete and verified.

    Raises InputError: the client is missing or fails (no network, unknown version), a file is not the pinned
    one (it is removed), the disk is full or `folder` cannot be written.
    """
    missing: dict[str, list[Archive]] = {}
    for archive in archives:
        path = folder / archive.filename
        if path.is_file():
            _verify(path, archive)
        else:
            missing.setdefault(archive.registry, []).append(archive)
    for registry, wanted in missing.items():
        with scratch_folder(folder) as scratch:
            _download(registry, wanted, scratch)
            for archive in wanted:
                arrived = scratch / archive.filename
                if not arrived.is_file():
                    came = ", ".join(sorted(p.name for p in scratch.iterdir())) or "nothing"
                    raise InputError(
                        f"{registry} delivered {came} for {archive.name} {archive.version} where "
                        f"{archive.filename} was expected: {_HINTS[registry]}."
                    )
                _verify(arrived, archive)
            for archive in wanted:
                move_into_place(scratch / archive.filename, folder / archive.filename)
    return [folder / archive.filename for archive in archives]


def _verify(path: Path, archive: Archive) -> None:
    with disk_errors(path.parent), path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != archive.sha256:
        path.unlink(missing_ok=True)
        raise InputError(
            f"The archive {archive.filename} is damaged or was tampered with (SHA-256 {found[:12]}… "
            f"instead of "
            f"{archive.sha256[:12]}…) and was removed: run the command again to fetch it anew."
        )


def _download(registry: str, archives: list[Archive], scratch: Path) -> None:
    command = COMMANDS[registry](archives, scratch)
    if shutil.which(command[0]) is None:
        raise InputError(
            f"{archives[0].name} {archives[0].version} comes through {command[0]}, which is not installed: "
            f"{_INSTALL[registry]}."
        )
    total = sum(archive.size for archive in archives)
    title = f"fetching {archives[0].name}" + (f" and {len(archives) - 1} more" if archives[1:] else "")
    log = scratch / ".log"
    with (
        log.open("wb") as output,
        _running(command, scratch, output) as process,
        bar(title, total, size=True) as show,
    ):
        while process.poll() is None:
            show(_size_of(scratch))
            time.sleep(0.1)
        show(total)
    if process.returncode != 0:
        raise InputError(_failure(registry, archives, log.read_text(errors="replace")))
    log.unlink()


@contextlib.contextmanager
def _running(command: list[str], scratch: Path, output) -> Iterator[subprocess.Popen]:
    """The client in its own process group, so that Ctrl-C here ends it and all it started."""
    environment = os.environ | {"TMPDIR": str(scratch), "LC_ALL": "C.UTF-8"}
    process = subprocess.Popen(
        command, cwd=scratch, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _size_of(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.stat().st_size
    return total


def _reason(text: str) -> str:
    """The client's last error line, or its last line; npm states the reason first and ends with advice."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    npm = [line for line in lines if line.startswith(("npm error", "npm ERR!"))]
    npm = [line for line in npm if line.split()[2:3] not in (["code"], ["errno"], ["syscall"])]
    errors = [line for line in lines if line.lower().startswith(("error", "e:"))]
    return (npm[:1] or errors or lines or ["no message"])[-1].rstrip(".")


def _failure(registry: str, archives: list[Archive], output: str) -> str:
    what = f"{archives[0].name} {archives[0].version}"
    if "No module named pip" in output:
        return f"{what} comes through pip, which this Python lacks: {_INSTALL['pip']}."
    if says_disk_full(output):
        return f"{what} could not be fetched because the disk is full: free some space or set LIN_FT_CACHE."
    return f"{what} could not be fetched by {registry} ({_reason(output)[:300]}): {_HINTS[registry]}."
