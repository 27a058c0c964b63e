"""What data sets there are, without fetching or building anything."""

import importlib
import json
from dataclasses import dataclass
from pathlib import Path

from lin_ft.data.packaged import PackagedDataset, packaged, packaged_names
from lin_ft.data.store import store_dir, stored_version
from lin_ft.errors import InputError


@dataclass(frozen=True)
class CatalogueRow:
    """One data set. `images` holds the images of each split, and is None until the store is built."""

    name: str
    title: str
    domain: str
    kind: str
    """Is "source" (to pre-train on), "target" (to fine-tune on) or "local" (a store found in the cache)."""
    n_classes: int
    images: dict[str, int] | None
    licence: str
    download_size: int
    """Bytes fetched at first use."""
    registries: tuple[str, ...]
    """Clients the archives come through: pip, npm, apt."""
    store: Path | None


@dataclass(frozen=True)
class DatasetInfo(CatalogueRow):
    """A catalogue row with the class names and the archives, as "registry: name version"."""

    class_names: tuple[str, ...]
    archives: tuple[str, ...]
    description: str


def catalogue() -> list[CatalogueRow]:
    """All packaged data sets and other TFDS stores in the cache (CIFAR-10, once built), by name.

    Examples:
        >>> from lin_ft.data import catalogue
        >>> "optdigits" in [row.name for row in catalogue()]
        True
    """
    return sorted([_row(packaged(name)) for name in packaged_names()] + _local_rows(), key=lambda row: row.name)


def info(name: str) -> DatasetInfo:
    """Everything known about a data set without fetching it. Raises InputError for an unknown name.

    Examples:
        >>> from lin_ft.data import info
        >>> info("optdigits").class_names
        ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9')
    """
    if name in packaged_names():
        dataset = packaged(name)
        archives = tuple(f"{a.registry}: {a.name} {a.version}" for a in dataset.archives)
        description = (importlib.import_module(f"lin_ft.data.packaged.{name}").__doc__ or "").strip()
        return DatasetInfo(
            **vars(_row(dataset)), class_names=dataset.class_names, archives=archives, description=description
        )
    for row in _local_rows():
        if row.name == name:
            assert row.store is not None
            return DatasetInfo(**vars(row), class_names=_class_names(row.store), archives=(), description=row.title)
    known = ", ".join(row.name for row in catalogue())
    raise InputError(f"There is no data set {name} in the catalogue: choose one of {known}.")


def _row(dataset: PackagedDataset) -> CatalogueRow:
    store = store_dir() / dataset.name / dataset.version
    return CatalogueRow(
        name=dataset.name,
        title=dataset.title,
        domain=dataset.domain,
        kind=dataset.kind,
        n_classes=len(dataset.class_names),
        images=_split_sizes(store),
        licence=dataset.licence,
        download_size=dataset.download_size,
        registries=tuple(sorted({archive.registry for archive in dataset.archives})),
        store=store if store.is_dir() else None,
    )


def _local_rows() -> list[CatalogueRow]:
    rows = []
    folders = sorted(store_dir().iterdir()) if store_dir().is_dir() else []
    for folder in folders:
        store = stored_version(folder)
        if store is None or folder.name in packaged_names() or folder.name.startswith("."):
            continue
        names = _class_names(store)
        title = f"TFDS store {folder.name} {store.name}"
        sizes = _split_sizes(store)
        rows.append(
            CatalogueRow(folder.name, title, "local", "local", len(names), sizes, "see its source", 0, (), store)
        )
    return rows


def _split_sizes(store: Path) -> dict[str, int] | None:
    try:
        description = json.loads((store / "dataset_info.json").read_text())
        return {split["name"]: sum(map(int, split["shardLengths"])) for split in description["splits"]}
    except (OSError, ValueError, KeyError):
        return None


def _class_names(store: Path) -> tuple[str, ...]:
    try:
        return tuple((store / "label.labels.txt").read_text().splitlines())
    except OSError:
        return ()
