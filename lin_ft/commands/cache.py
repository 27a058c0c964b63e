"""`lin-ft cache`: what lies in the cache folder, and clearing it."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from lin_ft.commands.tables import console, print_table
from lin_ft.errors import InputError

FETCHED = ("archives", "tfds", "zoo")
"""Sub-folders, or beginnings of their names, whose content comes from the network; the rest is computed anew."""


def parts() -> dict[str, tuple[Path, int, int]]:
    """Name of each part of the cache folder -> (path, files, bytes)."""
    from lin_ft.files.cache import cache_dir

    folder = cache_dir()
    found = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        files = [each for each in (path.rglob("*") if path.is_dir() else [path]) if each.is_file()]
        found[path.name] = path, len(files), sum(each.stat().st_size for each in files)
    return found


def is_fetched(name: str) -> bool:
    """Whether what lies in the cache folder under that name was fetched, and would have to be fetched again."""
    return name.startswith(FETCHED)


def size(n_bytes: int) -> str:
    """A number of bytes in megabytes."""
    return f"{n_bytes / 1e6:,.1f} MB"


@dataclass(frozen=True)
class CacheShow:
    """What lies in the cache folder ($LIN_FT_CACHE), and how large it is."""

    def run(self) -> None:
        from lin_ft.files.cache import cache_dir

        rows = [
            {"part": name, "files": count, "size": size(amount), "": "fetched" if is_fetched(name) else "computed"}
            for name, (_, count, amount) in parts().items()
        ]
        if not rows:
            console().print(f"{cache_dir()}: empty.", soft_wrap=True)
            return
        total = size(sum(amount for _, _, amount in parts().values()))
        print_table(f"{cache_dir()}: {total}", rows, whole=("part", "files", "size"))


@dataclass(frozen=True)
class CacheClear:
    """Remove what can be computed anew; with --fetched, downloads too."""

    only: tuple[str, ...] = ()
    """Only these parts, as `lin-ft cache show` names them."""
    fetched: bool = False
    """Also what was fetched: data sets, archives, the packaged zoo."""

    def run(self) -> None:
        from lin_ft.files.cache import cache_dir

        found = parts()
        if unknown := [name for name in self.only if name not in found]:
            raise InputError(f"--only {unknown[0]}: {cache_dir()} has {', '.join(found) or 'nothing'}.")
        names = self.only or [name for name in found if self.fetched or not is_fetched(name)]
        for name in names:
            path = found[name][0]
            try:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            except OSError as error:
                raise InputError(f"{path}: cannot be removed ({error.strerror}).") from error
        removed, kept = sum(found[name][2] for name in names), [name for name in found if name not in names]
        left = f" Kept: {', '.join(kept)} (--fetched removes all)." if kept else ""
        text = f"{cache_dir()}: {len(names)} part{'s' * (len(names) != 1)} removed, {size(removed)}.{left}"
        console().print(text, soft_wrap=True)


@dataclass(frozen=True)
class Cache:
    """The cache folder: show, clear."""

    action: Annotated[CacheShow, tyro.conf.subcommand("show")] | Annotated[CacheClear, tyro.conf.subcommand("clear")]

    def run(self) -> None:
        self.action.run()
