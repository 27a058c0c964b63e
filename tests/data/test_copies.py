"""Pictures of exactly the same content are kept on one side only."""

import logging
import shutil

import numpy as np
import pytest
from pictures import classes, fill, picture
from PIL import Image

from lin_ft.data import load_splits, load_task
from lin_ft.data.copies import Copy, copies, digest
from lin_ft.errors import InputError


def test_the_first_of_equals_is_kept():
    assert copies([b"a", b"b", b"a", b"c", b"b", b"a"]) == [Copy(2, 0), Copy(4, 1), Copy(5, 0)]


def test_digests_tell_type_and_shape_apart():
    zeros = np.zeros((2, 8), np.uint8)
    others = (zeros.reshape(4, 4), zeros.astype(np.uint16), zeros + 1)
    assert digest(zeros) == digest(np.zeros((2, 16), np.uint8)[:, ::2])
    assert digest(zeros) not in map(digest, others)


def test_copies_of_training_pictures_leave_the_test(tmp_path, caplog):
    classes(tmp_path / "train", n=12)
    classes(tmp_path / "test", n=6, start=100)
    for i in (3, 5):
        shutil.copy(tmp_path / "train" / "ant" / f"{i:03d}.png", tmp_path / "test" / "ant" / f"again{i}.png")
    with Image.open(tmp_path / "train" / "bee" / "001.png") as same:
        same.save(tmp_path / "test" / "bee" / "saved_anew.bmp")
    with caplog.at_level(logging.WARNING, "lin_ft"):
        task = load_task(tmp_path, shots=10)
    assert task.test.counts().tolist() == [6, 6]
    assert "3 pictures are left out as exact copies: 3 of another split's." in caplog.text
    details = {each.path: each.detail for each in task.accounting.unused}
    assert details == {
        "test/ant/again3.png": "the same picture as train/ant/003.png",
        "test/ant/again5.png": "the same picture as train/ant/005.png",
        "test/bee/saved_anew.bmp": "the same picture as train/bee/001.png",
    }
    assert {each.reason for each in task.accounting.unused} == {"copied"}


def test_copies_under_two_classes_and_in_one(tmp_path):
    classes(tmp_path, n=6)
    shutil.copy(tmp_path / "ant" / "002.png", tmp_path / "bee" / "b.png")
    shutil.copy(tmp_path / "bee" / "002.png", tmp_path / "bee" / "a copy.png")
    found = load_splits(tmp_path)
    assert found.parts["train"].counts().tolist() == [6, 6]
    assert found.accounting.notices == (
        "2 pictures are left out as exact copies: 1 of another class's, 1 of their own class's.",
    )
    assert [each.path for each in found.accounting.unused] == ["bee/a copy.png", "bee/b.png"]


def test_no_copy_lies_on_both_sides_of_a_held_out_test(tmp_path):
    classes(tmp_path, n=20)
    for path in list(tmp_path.rglob("*.png")):
        shutil.copy(path, path.with_stem(path.stem + "_2"))
    task = load_task(tmp_path, shots="all")
    parts = [{image.tobytes() for image in part.images} for part in (task.train, task.validation, task.test)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 40


def test_validation_copies_go_before_test_copies(tmp_path):
    for start, split in enumerate(("train", "test", "val")):
        classes(tmp_path / split, n=4, start=100 * start)
    shutil.copy(tmp_path / "test" / "ant" / "100.png", tmp_path / "val" / "ant" / "x.png")
    found = load_splits(tmp_path)
    assert [each.path for each in found.accounting.unused] == ["val/ant/x.png"]


def test_a_test_split_of_copies_alone_is_an_error(tmp_path):
    classes(tmp_path / "train", n=4)
    shutil.copytree(tmp_path / "train", tmp_path / "test")
    with pytest.raises(InputError, match=r"The test split of .* has no picture of its own"):
        load_splits(tmp_path)


def test_a_class_of_copies_alone_is_an_error(tmp_path):
    classes(tmp_path, n=4)
    shutil.copytree(tmp_path / "ant", tmp_path / "cow")
    with pytest.raises(InputError, match=r"The class cow .*\(cow/000.png: the same picture as ant/000.png\)"):
        load_splits(tmp_path)


def test_arrays(tmp_path, caplog):
    x = np.stack([picture(i % 2, i) for i in range(20)])
    y = np.arange(20) % 2
    np.savez(tmp_path / "a.npz", x_train=x[:12], y_train=y[:12], x_test=x[8:], y_test=y[8:])
    with caplog.at_level(logging.WARNING, "lin_ft"):
        found = load_splits(tmp_path / "a.npz", size=12)
    assert found.parts["train"].counts().tolist() == [6, 6]
    assert found.parts["test"].counts().tolist() == [4, 4]
    assert str(found.accounting.unused[0]) == "x_test[0]: the same as x_train[8]"
    assert "4 pictures are left out as exact copies: 4 of another split's." in caplog.text


def test_pictures_that_differ_in_one_level_are_no_copies(tmp_path):
    classes(tmp_path, n=4)
    path = fill(tmp_path / "ant", 0, 1, 50)[0]
    with Image.open(tmp_path / "ant" / "000.png") as other:
        pixels = np.array(other)
    pixels[3, 3, 1] ^= 1
    Image.fromarray(pixels).save(path)
    assert load_splits(tmp_path).accounting.unused == ()
