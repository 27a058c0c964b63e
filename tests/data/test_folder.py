"""Folders of images and .npz files: what is read, what is skipped, what is refused."""

import logging
import pickle

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
    assert "3 of 29 images" in caplog.text
    assert load_task(pictures, shots=3).skipped == 3


def test_nothing_readable_is_an_error(tmp_path):
    (tmp_path / "d" / "a").mkdir(parents=True)
    (tmp_path / "d" / "a" / "x.png").write_bytes(b"")
    with pytest.raises(InputError, match="none of its 1 images can be read"):
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


def test_class_without_a_readable_image_is_left_out(pictures):
    (pictures / "bat").mkdir()
    (pictures / "bat" / "x.png").write_bytes(b"")
    assert load_task(pictures, shots=3).class_names == ("ant", "cat")


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
    with pytest.raises(InputError, match="has no split 'test'"):
        load_split(pictures, "test")


def save(path, **arrays):
    np.savez(path, **arrays)
    return path


IMAGES = np.random.default_rng(0).integers(0, 256, (20, 8, 8), np.uint8)
LABELS = np.arange(20) % 2


@pytest.mark.parametrize("keys", [("images", "labels"), ("x", "y")])
def test_npz_is_read(tmp_path, keys):
    data = load_split(save(tmp_path / "a.npz", **dict(zip(keys, (IMAGES, LABELS), strict=True))), "train", size=8)
    np.testing.assert_array_equal(data.images[..., 1], IMAGES)
    np.testing.assert_array_equal(data.labels, LABELS)
    assert data.class_names == ("0", "1")


def test_npz_class_names_strings_groups_and_splits(tmp_path):
    named = save(tmp_path / "a.npz", x=IMAGES, y=LABELS, class_names=np.array(["even", "odd"]))
    assert load_split(named, "train").class_names == ("even", "odd")
    words = save(tmp_path / "b.npz", x=IMAGES, y=np.where(LABELS == 0, "z", "a"))
    data = load_split(words, "train")
    assert data.class_names == ("a", "z")
    np.testing.assert_array_equal(data.labels, 1 - LABELS)
    split = save(tmp_path / "c.npz", x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:4], y_test=LABELS[:4])
    assert len(load_split(split, "test")) == 4
    grouped = save(tmp_path / "d.npz", x=IMAGES, y=LABELS, groups=np.arange(20) // 4)
    task = load_task(grouped, shots=3, validation_shots=0)
    assert task.train.groups is not None
    assert task.test.groups is not None
    assert not set(task.train.groups) & set(task.test.groups)


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"x": np.full((20, 4, 4), np.nan), "y": LABELS}, "NaN or infinite"),
        ({"x": IMAGES}, "but no labels or label or y"),
        ({"y": LABELS}, "but no images or x"),
        ({"x": IMAGES, "y": LABELS[:5]}, r"holds 20 images but labels of shape \(5,\)"),
        ({"x": IMAGES, "y": LABELS + 0.5}, "have type float64"),
        (
            {"x": IMAGES, "y": LABELS + 1, "class_names": np.array(["a", "b"])},
            "names 2 classes but has labels",
        ),
        ({"x": IMAGES[:0], "y": LABELS[:0]}, "holds no images"),
        ({"x": IMAGES, "y": LABELS, "groups": LABELS[:3]}, "holds groups of shape"),
    ],
)
def test_bad_npz(tmp_path, arrays, sentence):
    with pytest.raises(InputError, match=sentence):
        load_split(save(tmp_path / "a.npz", **arrays), "train")


class Exploit:
    def __reduce__(self):
        return exec, ("raise SystemExit('code ran')",)


def test_pickles_and_damage_in_an_npz_are_refused(tmp_path):
    objects = np.empty(2, object)
    objects[0] = Exploit()
    with pytest.raises(InputError, match="it holds pickled objects"):
        load_split(save(tmp_path / "a.npz", x=objects, y=LABELS[:2]), "train")
    (tmp_path / "b.npz").write_bytes(pickle.dumps(Exploit()))
    with pytest.raises(InputError, match="cannot be read"):
        load_split(tmp_path / "b.npz", "train")
    whole = save(tmp_path / "c.npz", x=IMAGES, y=LABELS).read_bytes()
    (tmp_path / "c.npz").write_bytes(whole[:500])
    with pytest.raises(InputError, match="damaged or no"):
        load_split(tmp_path / "c.npz", "train")


@pytest.mark.parametrize("source", ["/no/such/folder", "./none", "missing.npz"])
def test_absent_paths(source):
    with pytest.raises(InputError, match=r"There is no (folder or )?file"):
        load_split(source, "train")
