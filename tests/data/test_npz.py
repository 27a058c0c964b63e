"""Files of arrays: what is read, what is refused, and that nothing in them runs."""

import contextlib
import logging
import pickle
import tokenize
import zipfile

import numpy as np
import pytest

from lin_ft.data import load_split, load_splits, load_task, splits_of
from lin_ft.errors import InputError


def save(path, **arrays):
    np.savez(path, **arrays)
    return path


IMAGES = np.random.default_rng(0).integers(0, 256, (20, 8, 8), np.uint8)
OTHERS = np.random.default_rng(1).integers(0, 256, (4, 8, 8), np.uint8)
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
    split = save(tmp_path / "c.npz", x_train=IMAGES, y_train=LABELS, x_test=OTHERS, y_test=LABELS[:4])
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
        ({"y": LABELS}, "holds y but no images or image or x"),
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


@pytest.mark.parametrize(
    "names",
    [
        ("train_images", "train_labels", "val_images", "val_labels", "test_images", "test_labels"),
        ("x_train", "y_train", "x_valid", "y_valid", "x_test", "y_test"),
        ("X_train", "Y_train", "X_dev", "Y_dev", "X_test", "Y_test"),
        ("x", "y", "x_val", "y_val", "x_test", "y_test"),
    ],
)
def test_names_of_splits(tmp_path, names):
    images = np.random.default_rng(2).integers(0, 256, (30, 8, 8), np.uint8)
    parts = {"train": images[:20], "validation": images[20:24], "test": images[24:]}
    arrays = {}
    for (x, y), part in zip(zip(names[::2], names[1::2], strict=True), parts.values(), strict=True):
        arrays |= {x: part, y: np.arange(len(part)) % 2}
    path = save(tmp_path / "a.npz", **arrays)
    assert splits_of(path) == ("train", "test", "validation")
    for split, part in parts.items():
        np.testing.assert_array_equal(load_split(path, split, size=8).images[..., 0], part)


def test_arrays_that_are_not_used_are_named(tmp_path, caplog):
    path = save(tmp_path / "a.npz", x=IMAGES, y=LABELS, x_test=OTHERS, extra=LABELS, images=IMAGES)
    with caplog.at_level(logging.WARNING, "lin_ft"):
        load_split(path, "train")
    assert "Arrays that are not used: extra, x, x_test." in caplog.text
    assert load_splits(path).parts.keys() == {"train"}


@pytest.mark.parametrize(
    "arrays",
    [
        {"x": np.float64(3), "y": LABELS},
        {"x": IMAGES, "y": np.int64(3)},
        {"x": IMAGES, "y": LABELS, "groups": np.int64(3)},
        {"x": IMAGES, "y": LABELS, "class_names": np.array("a")},
        {"x": IMAGES.view([("a", np.uint8)]), "y": LABELS},
        {"x_train": IMAGES, "y_train": LABELS, "x_test": OTHERS, "y_test": np.array(["a", "b", "a", "b"])},
    ],
)
def test_odd_arrays_are_one_sentence(tmp_path, arrays):
    with pytest.raises(InputError):
        load_split(save(tmp_path / "a.npz", **arrays), "train")


def test_a_cut_header_of_an_array(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (20, 8, \n"
        file.writestr("x.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + IMAGES.tobytes())
        file.writestr("y.npy", b"\x93NUMPY\x01\x00")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file, pytest.raises(tokenize.TokenError):
        file["x"]
    with pytest.raises(InputError, match=r"cannot be read, it is damaged or no .npz"):
        load_split(tmp_path / "a.npz", "train")


def test_no_damage_ends_in_another_error(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "a.npz"
    whole = save(path, x=IMAGES, y=LABELS, class_names=np.array(["even", "odd"])).read_bytes()
    np.savez_compressed(tmp_path / "b.npz", x=IMAGES, y=LABELS)
    for content in (whole, (tmp_path / "b.npz").read_bytes()):
        for _ in range(150):
            damaged = bytearray(content[: rng.integers(len(content))] if rng.random() < 0.3 else content)
            for place in rng.integers(len(content), size=rng.integers(1, 6)):
                if place < len(damaged):
                    damaged[place] = rng.integers(256)
            path.write_bytes(damaged)
            with contextlib.suppress(InputError):
                assert len(load_split(path, "train")) <= 20
