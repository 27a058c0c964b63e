"""Photo patches: which of 24 photographs a patch of 32x32 pixels is from (texture and colour, no objects).

Every photo is cut at 70 % of its width: patches of the left part train, those of the right part test. Both parts are
reduced, each by itself, to the scale at which the photo is 288 pixels high, and laid out in 32x32 patches that do not
overlap, so no pixel is in two patches. Patches of one even colour (night sky, the frame of a picture) are left out,
because they could be from several photos. A group is a row of patches.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from lin_ft.data.archive import Archive
from lin_ft.data.packaged import Example, PackagedDataset, Split
from lin_ft.data.unpack import members

_HEIGHT, _PATCH, _TRAIN_SHARE, _LEAST_DEVIATION = 288, 32, 0.7, 2.0
_SKIMAGE, _SKLEARN, _MATE = "skimage/data/", "sklearn/datasets/images/", "usr/share/backgrounds/mate/nature/"
_PHOTOS = {
    _SKIMAGE + "astronaut.png": "astronaut",
    _SKIMAGE + "brick.png": "bricks, grey",
    _SKIMAGE + "chelsea.png": "cat",
    _SKIMAGE + "coffee.png": "coffee",
    _SKIMAGE + "grass.png": "grass, grey",
    _SKIMAGE + "gravel.png": "gravel, grey",
    _SKIMAGE + "hubble_deep_field.jpg": "galaxies",
    _SKIMAGE + "ihc.png": "stained tissue",
    _SKIMAGE + "retina.jpg": "retina",
    _SKIMAGE + "rocket.jpg": "rocket",
    _SKLEARN + "china.jpg": "Chinese palace",
    _SKLEARN + "flower.jpg": "dahlia",
    _MATE + "Aqua.jpg": "water drop",
    _MATE + "Blinds.jpg": "leaf",
    _MATE + "Dune.jpg": "dune",
    _MATE + "FreshFlower.jpg": "red flower",
    _MATE + "Garden.jpg": "marigold",
    _MATE + "GreenMeadow.jpg": "meadow",
    _MATE + "LadyBird.jpg": "ladybird",
    _MATE + "RainDrops.jpg": "rain drops",
    _MATE + "Storm.jpg": "storm",
    _MATE + "TwoWings.jpg": "seeds",
    _MATE + "Wood.jpg": "planks",
    _MATE + "YellowFlower.jpg": "yellow flower",
}
_ARCHIVES = (
    Archive(
        "pip",
        "scikit-image",
        "0.26.0",
        "scikit_image-0.26.0-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl",
        "74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af",
        13711217,
    ),
    Archive(
        "pip",
        "scikit-learn",
        "1.9.1",
        "scikit_learn-1.9.1-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
        "52a0703bbc07ad27f560fa63fa68e4c54dd735bfbbf65b4dd3c225dc7547b6df",
        9315422,
    ),
    Archive(
        "apt",
        "mate-backgrounds",
        "1.26.0-1",
        "mate-backgrounds_1.26.0-1_all.deb",
        "7bf4c2209f34b4f61ba6d24c8b58c28b361e82e4b943aae6d42c030169af9e04",
        46638500,
    ),
)


def parts(content: bytes) -> Mapping[Split, np.ndarray]:
    """The left and the right part of a photo, uint8 (288, width, 3) each; no pixel of the photo enters both."""
    from PIL import Image

    photo = Image.open(io.BytesIO(content)).convert("RGB")
    cut = round(_TRAIN_SHARE * photo.width)

    def reduced(left: int, right: int) -> np.ndarray:
        width = round((right - left) * _HEIGHT / photo.height)
        part = photo.crop((left, 0, right, photo.height))
        return np.asarray(part.resize((width, _HEIGHT), Image.Resampling.BICUBIC))

    return {"train": reduced(0, cut), "test": reduced(cut, photo.width)}


def patches(part: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """(row, patch) of the 32x32 patches of a part that are not of one even colour."""
    for row in range(part.shape[0] // _PATCH):
        for column in range(part.shape[1] // _PATCH):
            top, left = row * _PATCH, column * _PATCH
            patch = part[top : top + _PATCH, left : left + _PATCH]
            if patch.std((0, 1)).max() >= _LEAST_DEVIATION:
                yield row, patch


def _examples(paths: Sequence[Path]) -> Iterator[Example]:
    photos: dict[str, bytes] = {}
    for path in paths:
        photos.update(members(path, _PHOTOS.__contains__))
    for label, name in enumerate(_PHOTOS):
        for split, part in parts(photos[name]).items():
            for row, patch in patches(part):
                yield Example(patch, label, split, f"{_PHOTOS[name]}, {split}, row {row}")


DATASET = PackagedDataset(
    name="photo_patches",
    version="1.0.0",
    domain="texture of colour photos",
    title="Which photograph a patch is from",
    licence="CC0 or public domain (scikit-image), CC BY 2.0 (scikit-learn), GPL-2+ (MATE)",
    kind="target",
    class_names=tuple(_PHOTOS.values()),
    archives=_ARCHIVES,
    examples=_examples,
)
