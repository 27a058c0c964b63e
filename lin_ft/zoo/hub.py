"""Checkpoints of the Hugging Face hub, through `huggingface_hub` (extra `[hub]`): `hf:owner/name` and `timm:name`."""

from pathlib import Path
from typing import NamedTuple

from lin_ft.errors import InputError
from lin_ft.zoo.checkpoint import FILES, INDEX, parts_of
from lin_ft.zoo.stated import CONFIGS


class Fetched(NamedTuple):
    """A checkpoint on disk: its weights or their index, in a folder with its configurations."""

    path: Path
    unseen: tuple[str, ...]
    """Configurations that are not in the cache and could not be looked for."""


def is_hub(weights: str) -> bool:
    """Whether weights are named as on the hub: hf:owner/name or timm:name."""
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
    offline: dict[str, Exception] = {}

    def fetched(name: str) -> Path | None:
        try:
            return Path(hf_hub_download(repository, name))
        except LocalEntryNotFoundError as error:  # no network and not in the cache; a kind of EntryNotFoundError
            offline[name] = error
        except EntryNotFoundError:
            pass
        return None

    try:
        path = next((found for name in FILES if (found := fetched(name))), None)
        if path and path.name.endswith(INDEX):
            missing = [part for part in parts_of(path) if not fetched(part)]
            if missing:
                raise InputError(f"{weights}: its parts {', '.join(missing)} cannot be fetched; try again.")
        if path:
            offline.clear()
            for name in CONFIGS:
                fetched(name)
    except InputError:
        raise
    except Exception as error:  # the client raises what its network library raises
        raise _unreachable(weights, error) from error
    if path is None and offline:
        error = next(iter(offline.values()))
        raise _unreachable(weights, error) from error
    if path is None:
        raise InputError(f"{weights}: the model has neither {' nor '.join(FILES)}; give a weights file.")
    return Fetched(path, tuple(name for name in offline if not (path.parent / name).is_file()))


def _unreachable(weights: str, error: Exception) -> InputError:
    reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
    return InputError(
        f"{weights}: cannot be fetched from the hub ({reason}); without network, download {FILES[0]} elsewhere and give"
        " its path as --weights."
    )
