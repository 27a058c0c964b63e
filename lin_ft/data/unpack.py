"""Read package archives as data, in memory: .whl (zip), .tgz (tar), .deb (ar); nothing is extracted or run."""

import io
import posixpath
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path


def members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """(name, content) of the regular files of an archive whose name is `wanted`, in the archive's order.

    Names are relative and without a leading "./": `package/data/x.json`, `usr/share/x`.
    """
    if path.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if not name.endswith("/") and wanted(name):
                    yield name, archive.read(name)
        return
    stream = _debian_data(path) if path.suffix == ".deb" else path.open("rb")
    with stream, tarfile.open(fileobj=stream, mode="r|*") as archive:
        for info in archive:
            name = info.name.removeprefix("./")
            if info.isfile() and wanted(name):
                file = archive.extractfile(info)
                assert file is not None
                yield name, file.read()


def links(path: Path) -> Iterator[tuple[str, str]]:
    """(name, target) of the symbolic links of a .tgz or .deb; relative targets are resolved inside the archive."""
    stream = _debian_data(path) if path.suffix == ".deb" else path.open("rb")
    with stream, tarfile.open(fileobj=stream, mode="r|*") as archive:
        for info in archive:
            if info.issym():
                name = info.name.removeprefix("./")
                yield name, posixpath.normpath(posixpath.join(posixpath.dirname(name), info.linkname))


def member(path: Path, name: str) -> bytes:
    """The content of one file of an archive. Raises KeyError when it is not there."""
    for _, content in members(path, name.__eq__):
        return content
    raise KeyError(f"{path.name} holds no {name}")


def _debian_data(path: Path) -> io.BytesIO:
    """The data.tar.* of a Debian package: an `ar` file, 60-byte headers, even offsets (ar(5), deb(5))."""
    with path.open("rb") as file:
        if file.read(8) != b"!<arch>\n":
            raise ValueError(f"{path.name} is no Debian package")
        while header := file.read(60):
            name, size = header[:16].decode().strip().rstrip("/"), int(header[48:58])
            if name.startswith("data.tar"):
                return io.BytesIO(file.read(size))
            file.seek(size + size % 2, io.SEEK_CUR)
    raise ValueError(f"{path.name} holds no data.tar")
