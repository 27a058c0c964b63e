"""Small package archives, written as the registries' own tools write them, and images to put into them."""

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image


def wheel(path: Path, files: Mapping[str, bytes]) -> Path:
    """A .whl, which is a zip file."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def npm_package(path: Path, files: Mapping[str, bytes]) -> Path:
    """A .tgz as `npm pack` makes it."""
    path.write_bytes(_tar("gz", files, {}))
    return path


def debian_package(path: Path, files: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> Path:
    """A .deb as dpkg writes it: an ar file of debian-binary, control.tar.xz and data.tar.xz.

    Args:
      links: symbolic links, from name to target.
    """
    parts = {
        "debian-binary": b"2.0\n",
        "control.tar.xz": b"odd",
        "data.tar.xz": _tar("xz", {f"./{name}": content for name, content in files.items()}, links or {}),
    }
    with path.open("wb") as file:
        file.write(b"!<arch>\n")
        for name, content in parts.items():
            file.write(f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode())
            file.write(content + b"\n" * (len(content) % 2))
    return path


def _tar(compression: str, files: Mapping[str, bytes], links: Mapping[str, str]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=f"w:{compression}") as archive:  # pyright: ignore
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for name, target in links.items():
            info = tarfile.TarInfo(f"./{name}")
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return stream.getvalue()


def png(image: np.ndarray) -> bytes:
    """uint8 (height, width), (height, width, 3) or (height, width, 4) as a PNG file."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


def noise(seed: int, *shape: int) -> np.ndarray:
    """uint8 noise that no other seed repeats."""
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
