"""Checkpoints of the Hugging Face hub, through `huggingface_hub` (extra `[hub]`): `hf:owner/name` and `timm:name`."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from lin_ft.errors import InputError

FILES = ("model.safetensors", "pytorch_model.bin")
"""Looked for in this order."""


class Fetched(NamedTuple):
    """A checkpoint on disk, and what its configuration says."""

    path: Path
    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    image_size: int
    """0, or without values, where the configuration does not say."""
    licence: str


def is_hub(weights: str) -> bool:
    return weights.startswith(("hf:", "timm:"))


def fetch_from_hub(weights: str) -> Fetched:
    """The files of `hf:owner/name` or `timm:name` (the owner is timm then), kept in the hub's own cache.

    Raises:
        InputError: huggingface_hub is not installed, no network, no such model or none of FILES in it.
    """
    repository = f"timm/{weights[5:]}" if weights.startswith("timm:") else weights[3:]
    if repository.count("/") != 1:
        raise InputError(f"{weights}: give hf:owner/name or timm:name.")
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
    except ImportError as error:
        raise InputError(f"{weights}: the hub needs `pip install lin-ft[hub]`, or give a weights file.") from error

    def fetched(name: str) -> Path | None:
        try:
            return Path(hf_hub_download(repository, name))
        except LocalEntryNotFoundError:  # offline, and a kind of EntryNotFoundError
            raise
        except EntryNotFoundError:
            return None

    try:
        found = (path for name in FILES if (path := fetched(name)))
        path = next(found, None)
        described = fetched("config.json")
    except Exception as error:  # the client raises what its network library raises
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise InputError(
            f"{weights}: cannot be fetched from the hub ({reason}); without network, download {FILES[0]} elsewhere and"
            " give its path as --weights."
        ) from error
    if path is None:
        raise InputError(f"{weights}: the model has neither {' nor '.join(FILES)}; give a weights file.")
    config = json.loads(described.read_text(encoding="utf-8")) if described else {}
    return Fetched(path, *_described(config))


def _described(config: dict[str, Any]) -> tuple[tuple[str, ...], tuple[float, ...], tuple[float, ...], int, str]:
    """Classes, mean, deviation, image size and licence as transformers or timm write them."""
    timm = config.get("pretrained_cfg", {})
    names = config.get("label_names") or timm.get("label_names")
    if not names and "id2label" in config:
        names = [config["id2label"][key] for key in sorted(config["id2label"], key=int)]
    size = timm.get("input_size", (3, 0, 0))[-1] or config.get("image_size") or 0
    return (
        tuple(map(str, names or ())),
        tuple(timm.get("mean", ())),
        tuple(timm.get("std", ())),
        int(size) if isinstance(size, int) else 0,
        str(timm.get("license", "")),
    )
