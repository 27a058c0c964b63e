"""All finished work of one part of a benchmark in one file.

Gzipped lines of JSON, one an entry, after a first line that says what the file is. The same entries make the same
bytes, in whatever order they came.
"""

import gzip
import io
import json
import zlib
from collections.abc import Iterable
from pathlib import Path

from lin_ft.benchmark.entry import FORMAT, Entry, dumped, opened
from lin_ft.errors import InputError
from lin_ft.files.atomic import write_atomically

KIND = "lin_ft benchmark records"


def packed_path(folder: Path, part: str) -> Path:
    """Where the packed work of one part lies in a benchmark's folder."""
    return folder / f"{part}.jsonl.gz"


def read_packed(path: Path, *, repair: bool = False) -> list[Entry]:
    """All entries of a file; none where there is no file.

    Raises:
        InputError: a file of something else or of another format, and one that is damaged, unless `repair` is asked
            for: then its whole lines.
    """
    lines, whole = _lines(path)
    if not lines and whole:
        return []
    _check_head(path, lines[0] if lines else b"")
    entries = [_opened(path, line) for line in lines[1:]]
    found = [entry for entry in entries if entry is not None]
    if (not whole or len(found) < len(entries)) and not repair:
        raise InputError(
            f"{path}: damaged, {len(found)} of its entries can be read; put back a whole copy (git checkout) or keep"
            " those by `lin-ft bench pack CONFIG --out FOLDER --repair`."
        )
    return found


def write_packed(path: Path, part: str, entries: Iterable[Entry]) -> None:
    """Atomically. Raises InputError when the disk is full or read-only; the old file then stays."""
    lines = sorted((_order(entry), dumped(entry)) for entry in entries)
    head = json.dumps({"kind": KIND, "format": FORMAT, "part": part})
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as stream:
        for line in (head, *(line for _, line in lines)):
            stream.write(line.encode() + b"\n")
    write_atomically(path, lambda temporary: temporary.write_bytes(buffer.getvalue()))


def _order(entry: Entry) -> tuple[int, int, str, str, str]:
    return entry["shots"], entry["seed"], entry["task"], entry["model"], entry["key"]


def _lines(path: Path) -> tuple[list[bytes], bool]:
    """The whole lines, and whether the file is whole."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return [], True
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check its permissions.") from error
    reader, text, whole = zlib.decompressobj(wbits=31), b"", False
    try:
        text = reader.decompress(data)
        whole = reader.eof and not reader.unused_data
    except zlib.error:
        text = _until_damage(data)
    lines = text.split(b"\n")
    return [line for line in lines[:-1] if line], whole and not lines[-1]


def _until_damage(data: bytes) -> bytes:
    """What can be decompressed before the first damaged byte."""
    reader, text = zlib.decompressobj(wbits=31), bytearray()
    try:
        for start in range(0, len(data), 64):
            text += reader.decompress(data[start : start + 64])
    except zlib.error:
        pass
    return bytes(text)


def _check_head(path: Path, line: bytes) -> None:
    try:
        head = json.loads(line)
        kind, found = head["kind"], int(head["format"])
    except (ValueError, KeyError, TypeError):
        kind, found = "", 0
    if kind != KIND:
        raise InputError(f"{path}: no file of benchmark records; put back the right one or move it away.")
    if found != FORMAT:
        advice = "update lin_ft" if found > FORMAT else "pack it anew with the version that wrote it"
        raise InputError(f"{path}: written in format {found}, this version of lin_ft reads {FORMAT}; {advice}.")


def _opened(path: Path, line: bytes) -> Entry | None:
    try:
        return opened(line)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
