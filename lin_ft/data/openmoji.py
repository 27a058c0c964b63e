"""OpenMoji drawings by category, one data set a style; an emoji is in the same split in both."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from lin_ft.data.archive import Archive
from lin_ft.data.drawings import render_svg
from lin_ft.data.packaged import Example, PackagedDataset, split_by_hash
from lin_ft.data.unpack import member, members

_SHA256 = "55ee7d13485dec86e9f38c1f3a645a13382d33ff97c0cd845ee824b0aef45e68"
_SIZE = 64
_GROUPS = ("activities", "animals-nature", "food-drink", "objects", "people-body")
_GROUPS += ("smileys-emotion", "symbols", "travel-places", "flags")


def _reader(style: str, groups: Sequence[str]) -> Callable[[Sequence[Path]], Iterator[Example]]:
    def examples(paths: Sequence[Path]) -> Iterator[Example]:
        table = json.loads(member(paths[0], "package/data/openmoji.json"))
        kept = {
            entry["hexcode"]: groups.index(entry["group"])
            for entry in table
            if entry["group"] in groups and not entry["skintone"]
        }
        seen: set[bytes] = set()
        for name, content in sorted(members(paths[0], lambda name: name.startswith(f"package/{style}/svg/"))):
            code = Path(name).stem
            image = render_svg(content, _SIZE) if code in kept else None
            if image is not None and image.tobytes() not in seen:
                seen.add(image.tobytes())  # some emoji share one drawing
                # The first code point decides, so that an emoji and its variants stay together.
                base = code.split("-")[0]
                yield Example(image, kept[code], split_by_hash(base), base)

    return examples


def openmoji_dataset(name: str, style: str, title: str, groups: Sequence[str] = _GROUPS) -> PackagedDataset:
    """The emoji of `groups`, without skin-tone variants, in a style, "color" or "black"."""
    return PackagedDataset(
        name=name,
        version="1.0.0",
        domain="flat drawings",
        title=title,
        licence="CC BY-SA 4.0 (OpenMoji)",
        kind="target",
        class_names=tuple(group.replace("-", " and ") for group in groups),
        archives=(Archive("npm", "openmoji", "17.0.0", "openmoji-17.0.0.tgz", _SHA256, 4339458),),
        examples=_reader(style, groups),
    )


NO_FLAGS = _GROUPS[:-1]
"""The outline style draws flags as empty frames."""
