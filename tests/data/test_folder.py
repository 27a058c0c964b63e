"""Folders of images: what is read, what is skipped, what is refused."""

import logging

import numpy as np
import pytest
from PIL import Image

from lin_ft.data import load_split, load_task, splits_of
from lin_ft.errors import InputError


def write_images(folder, count, start=0):
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(start, start + count):
        image = np.random.default_rng(i).integers(0, 256, (12, 16, 3), np.uint8)
        Image.fromarray(image).save(folder / f"{i:03d}.png")


@pytest.fixture
def pictures(tmp_path):
    write_images(tmp_path / "pictures" / "cat", 12)
    write_images(tmp_path / "pictures" / "ant", 14, start=100)
    return tmp_path / "pictures"


def test_folder_classes_are_its_sorted_subfolders(pictures):
    data = load_split(pictures, "train")
    assert data.class_names == ("ant", "cat")
    assert np.bincount(data.labels).tolist() == [14, 12]
    assert data.images.shape == (26, 32, 32, 3)
    assert load_split(str(pictures), "train").name == "pictures"


def test_folder_task_does_not_depend_on_the_order_of_the_file_system(pictures, tmp_path):
    other = tmp_path / "again" / "pictures"
    for path in sorted(pictures.rglob("*.png"), reverse=True):
        copy = other / path.relative_to(pictures)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    first, second = (load_task(folder, shots=4, seed=3) for folder in (pictures, other))
    for part in ("train", "validation", "test"):
        np.testing.assert_array_equal(getattr(first, part).images, getattr(second, part).images)


def test_broken_images_are_named_and_counted(pictures, caplog):
    whole = (pictures / "cat" / "000.png").read_bytes()
    (pictures / "cat" / "empty.png").write_bytes(b"")
    (pictures / "cat" / "truncated.png").write_bytes(whole[: len(whole) // 2])
    (pictures / "ant" / "text.jpg").write_text("no image")
    with caplog.at_level(logging.WARNING, "lin_ft"):
        data = load_split(pictures, "train")
    assert data.skipped == 3
    assert len(data) == 26
    for name in ("empty.png", "truncated.png", "text.jpg"):
        assert name in caplog.text
    assert "not used: 3 unreadable" in caplog.text
    assert load_task(pictures, shots=3).skipped == 3


def test_nothing_readable_is_an_error(tmp_path):
    (tmp_path / "d" / "a").mkdir(parents=True)
    (tmp_path / "d" / "a" / "x.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"none of its pictures can be read \(a/x.png: it is empty\)"):
        load_split(tmp_path / "d", "train")


@pytest.mark.parametrize("inside", [[], ["a"], ["a/notes.txt"]])
def test_folder_without_images(tmp_path, inside):
    folder = tmp_path / "d"
    folder.mkdir()
    for name in inside:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("") if "." in name else (folder / name).mkdir()
    with pytest.raises(InputError, match="holds no sub-folder with images"):
        load_split(folder, "train")


def test_one_class_and_too_few_shots(tmp_path):
    write_images(tmp_path / "one" / "cat", 5)
    with pytest.raises(InputError, match=r"has 1 class with training images \(cat\)"):
        load_task(tmp_path / "one", shots=2)
    write_images(tmp_path / "one" / "dog", 20, start=50)
    with pytest.raises(InputError, match=r"The class cat of .* has 4 images to train on, fewer than the 10 shots"):
        load_task(tmp_path / "one", shots=10)


def test_folder_split_beforehand(tmp_path):
    for start, split in enumerate(("train", "test")):
        for i, name in enumerate(("b", "a")):
            write_images(tmp_path / "d" / split / name, 6, start=1000 * start + 100 * i)
    assert splits_of(tmp_path / "d") == ("train", "test")
    task = load_task(tmp_path / "d", shots=3)
    assert len(task.test) == 12
    test = load_split(tmp_path / "d", "test")
    assert {i.tobytes() for i in task.test.images} == {i.tobytes() for i in test.images}


def test_folder_has_no_test_split(pictures):
    with pytest.raises(InputError, match="has no split 'test': it has train"):
        load_split(pictures, "test")
