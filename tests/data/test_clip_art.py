"""Clip art: the folder is the label; what is ambiguous, tiny or drawn with fonts is left out."""

import numpy as np
from fake_packages import debian_package

from lin_ft.data.packaged.clip_art import DATASET, cut_out

ROOT = "usr/share/openclipart/svg/"


def svg(*rectangles: tuple[int, int, int, int, str], other: str = "") -> bytes:
    """A page of 100x100 with rectangles (x, y, width, height, colour)."""
    shapes = "".join(f'<rect x="{x}" y="{y}" width="{w}" height="{h}" fill="{c}"/>' for x, y, w, h, c in rectangles)
    page = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="100" height="100" viewBox="0 0 100 100">{shapes}{other}</svg>'
    )
    return page.encode()


def test_drawing_is_cut_out_of_its_page_and_centred():
    page = np.full((256, 256, 3), 255, np.uint8)
    page[200:220, 10:50] = (0, 0, 200)
    image = cut_out(page)
    assert image is not None
    assert image.shape == (64, 64, 3)
    blue = (image == (0, 0, 200)).all(2)
    assert blue[18:46].all()
    assert not blue[:14].any()
    assert not blue[50:].any()
    assert cut_out(np.full((256, 256, 3), 255, np.uint8)) is None


def test_drawings_of_one_class_alone(tmp_path):
    two = svg((0, 0, 90, 20, "purple"))
    text = svg((0, 0, 30, 90, "green"), other="<text>word</text>")
    files = {
        "animals/cat.svg": svg((10, 10, 80, 40, "red")),
        "animals/sub/cat_bw.svg": svg((10, 10, 20, 80, "black")),
        "animals/birds/linked.svg": svg((0, 0, 40, 90, "blue")),
        "animals/birds/two.svg": two,
        "food/two_others.svg": two,
        "people/says.svg": text,
        "tools/tiny.svg": svg((50, 50, 6, 6, "red")),
        "recreation/games/cards/c_2.svg": svg((0, 0, 60, 90, "red")),
        "recreation/games/dice.svg": svg((0, 0, 90, 90, "orange")),
        "office/floppy_frederic_moser_01.svg": b"<svg",
        "signs_and_symbols/stop.svg": svg((0, 0, 90, 95, "red")),
        "plants/readme.txt": b"",
    }
    links = {
        ROOT + "people/linked.svg": "../animals/birds/linked.svg",
        ROOT + "animals/game.svg": "cat.svg",  # a second name in the same class, and in no class: both harmless
        ROOT + "signs_and_symbols/dice.svg": "../recreation/games/dice.svg",
    }
    path = debian_package(tmp_path / "c.deb", {ROOT + name: content for name, content in files.items()}, links)
    found = [(e.group, DATASET.class_names[e.label], e.image[32, 32].tolist()) for e in DATASET.examples([path])]
    assert found == [
        ("cat", "animals", [255, 0, 0]),
        ("cat", "animals", [0, 0, 0]),
        ("dice", "recreation", [255, 165, 0]),
    ]
