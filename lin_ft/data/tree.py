"""The files and folders below a folder: hidden ones passed over, linked folders entered once."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lin_ft.data.accounting import EMPTY, HIDDEN, LINKED, Unused, relative
from lin_ft.data.picture_file import looks_like_a_picture
from lin_ft.errors import InputError

_HIDDEN = {"__macosx", "@eadir", "#recycle", "#snapshot", "$recycle.bin", "lost+found", "system volume information"}
"""Folders that file systems, network storage and archives leave; beside all that begin with a dot."""


@dataclass(frozen=True)
class Folder:
    """A folder with what is visible in it, sorted by name."""

    path: Path
    pictures: tuple[Path, ...]
    """Damaged ones, too."""
    others: tuple[Path, ...]
    """Files that are no pictures."""
    folders: tuple["Folder", ...]

    @property
    def name(self) -> str:
        """Its name, without the way to it."""
        return self.path.name

    def holding(self) -> list["Folder"]:
        """The sub-folders with pictures in them, at any depth."""
        return [folder for folder in self.folders if folder.holds_pictures()]

    def holds_pictures(self) -> bool:
        """Whether a picture lies in it or anywhere below."""
        return bool(self.pictures) or any(folder.holds_pictures() for folder in self.folders)

    def every_picture(self) -> list[Path]:
        """At any depth, by path."""
        return self._by_path(path for folder in self._with_all_below() for path in folder.pictures)

    def every_other(self) -> list[Path]:
        """Files that are no pictures, at any depth, by path."""
        return self._by_path(path for folder in self._with_all_below() for path in folder.others)

    def _with_all_below(self) -> Iterator["Folder"]:
        yield self
        for folder in self.folders:
            yield from folder._with_all_below()

    def _by_path(self, paths: Iterator[Path]) -> list[Path]:
        return sorted(paths, key=lambda path: relative(path, self.path))


def read_tree(root: Path) -> tuple[Folder, list[Unused]]:
    """The tree below `root`, and what was passed over in it: hidden files, links to folders entered elsewhere.

    A link to a folder is entered unless that folder lies below `root` itself, holds `root`, or was entered through
    another link. Raises InputError where a folder cannot be read.
    """
    entered = _real_folders(root) | {_identity(parent) for parent in (root.resolve(), *root.resolve().parents)}
    unused: list[Unused] = []
    return _read(root, root, entered, unused), unused


def _read(folder: Path, root: Path, entered: set[tuple[int, int]], unused: list[Unused]) -> Folder:
    pictures, others, folders = [], [], []
    for entry in _entries(folder):
        path = folder / entry.name
        is_folder = path.is_dir()
        if _is_hidden(entry.name, is_folder):
            inside = _files_below(path) if is_folder and not path.is_symlink() else [path]
            unused += [Unused(relative(each, root), HIDDEN) for each in inside]
        elif not is_folder:
            (pictures if looks_like_a_picture(path) else others).append(path)
        elif not path.is_symlink():
            folders.append(_read(path, root, entered, unused))
        elif (identity := _identity(path)) in entered:
            unused.append(Unused(f"{relative(path, root)}/", LINKED, f"it links to {path.resolve()}"))
        else:
            entered |= {identity} | _real_folders(path)
            folders.append(_read(path, root, entered, unused))
    if folder != root and not (pictures or others or folders):
        unused.append(Unused(f"{relative(folder, root)}/", EMPTY))
    return Folder(folder, tuple(pictures), tuple(others), tuple(folders))


def _entries(folder: Path) -> list[os.DirEntry]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be read ({error.strerror}): check its permissions.") from error


def _real_folders(root: Path) -> set[tuple[int, int]]:
    """The visible folders below `root` that are no links."""
    found = set()
    for folder, names, _ in os.walk(root):
        names[:] = [name for name in names if not _is_hidden(name, True)]
        found |= {_identity(path) for name in names if not (path := Path(folder, name)).is_symlink()}
    return found


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _is_hidden(name: str, is_folder: bool) -> bool:
    return name.startswith(".") or (is_folder and name.lower() in _HIDDEN)


def _files_below(folder: Path) -> list[Path]:
    return [Path(below, name) for below, _, names in os.walk(folder) for name in sorted(names)]
