"""Tux Paint stamps: the top folder is the label; mirror images, SVG and other folders are left out."""

import numpy as np
from fake_packages import debian_package, noise, png

from lin_ft.data.packaged.stamps import DATASET

ROOT = "usr/share/tuxpaint/stamps/"


def test_stamps_of_the_seven_folders(tmp_path):
    red = np.zeros((20, 40, 4), np.uint8)
    red[...] = (255, 0, 0, 255)
    files = {
        "animals/birds/goose.png": png(red),
        "animals/birds/goose_mirror.png": png(red[:, ::-1] // 2),
        "animals/birds/goose_flip.png": png(noise(8, 64, 64, 3)),
        "animals/birds/goose.dat": b"scale",
        "animals/birds/wren.svg": b"<svg/>",
        "food/egg_1.png": png(np.repeat(noise(1, 8, 8, 4), 8, 1)),
        "food/egg_2.png": png(np.repeat(noise(2, 8, 8, 4), 8, 0)),
        "symbols/a.png": png(noise(3, 64, 64, 4)),
        "vehicles/auto/van.png": png(noise(4, 300, 300, 4)),
    }
    path = debian_package(tmp_path / "t.deb", {ROOT + name: content for name, content in files.items()})
    examples = list(DATASET.examples([path]))
    assert {e.image.shape for e in examples} == {(64, 64, 3)}
    found = [(e.group, DATASET.class_names[e.label]) for e in examples]
    assert found == [("goose", "animals"), ("egg", "food"), ("egg", "food"), ("van", "vehicles")]
    assert examples[0].image[32, 1].tolist() == [255, 0, 0]
    assert examples[0].image[2, 32].tolist() == [255, 255, 255]
