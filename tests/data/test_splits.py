"""Sub-folders that are splits, and those that are not."""

import logging

import numpy as np
import pytest
from pictures import classes, fill

from lin_ft.data import load_split, load_splits, load_task, splits_of
from lin_ft.data.split_names import is_fold, splits_of_names
from lin_ft.errors import InputError


def images(data) -> set[bytes]:
    return {image.tobytes() for image in data.images}


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"), ("Training", "train"), ("TRAIN", "train"), ("trn", "train"), ("train_set", "train"),
        ("trainset", "train"), ("train-images", "train"), ("seg_train", "train"), ("01_train", "train"),
        ("train2017", "train"), ("Training Data", "train"), ("training_set", "train"), ("ｔｒａｉｎ", "train"),
        ("val", "validation"), ("Valid", "validation"), ("validation", "validation"), ("dev", "validation"),
        ("val2017", "validation"), ("validation_images", "validation"),
        ("test", "test"), ("Testing", "test"), ("tests", "test"), ("test1", "test"), ("test_set", "test"),
        ("images_test", "test"), ("hold-out", "test"),
        ("train_station", None), ("trainer", None), ("contest", None), ("invalid", None), ("valley", None),
        ("testament", None), ("cat", None), ("protest", None), ("device", None),
    ],
)  # fmt: skip
def test_names_of_splits(name, split):
    assert splits_of_names([name]).get(name) == split


def test_evaluation_is_the_test_split_unless_there_is_another():
    assert splits_of_names(["training", "validation", "evaluation"])["evaluation"] == "test"
    assert splits_of_names(["train", "eval", "test"])["eval"] == "validation"


def test_names_of_folds():
    assert all(map(is_fold, ["fold_1", "Fold2", "fold-a", "split3", "part 1", "batch10"]))
    assert not any(map(is_fold, ["folder", "cat", "part", "batches"]))


@pytest.mark.parametrize(
    "names",
    [
        ("train", "test"), ("Training", "Testing"), ("TRAIN", "TEST"), ("train_set", "test_set"),
        ("seg_train", "seg_test"), ("trn", "tst"), ("training", "evaluation"),
    ],
)  # fmt: skip
def test_train_and_test_are_splits_in_every_spelling(tmp_path, names):
    for start, name in enumerate(names):
        classes(tmp_path / name, n=6, start=100 * start)
    assert splits_of(tmp_path) == ("train", "test")
    task = load_task(tmp_path, shots=3)
    assert task.class_names == ("ant", "bee")
    assert images(task.test) == images(load_split(tmp_path, "test"))
    assert images(task.train) <= images(load_split(tmp_path, "train"))


@pytest.mark.parametrize("names", [("train", "val"), ("Train", "Valid"), ("training", "validation"), ("train", "dev")])
def test_validation_images_validate_and_the_test_is_held_out(tmp_path, names):
    for start, name in enumerate(names):
        classes(tmp_path / name, n=12, start=100 * start)
    assert splits_of(tmp_path) == ("train", "validation")
    task = load_task(tmp_path, shots=4)
    train, validation = load_split(tmp_path, "train"), load_split(tmp_path, "validation")
    assert task.class_names == ("ant", "bee")
    assert task.balance() == {"ant": (4, 2, 4), "bee": (4, 2, 4)}
    assert images(task.validation) <= images(validation)
    assert images(task.train) | images(task.test) <= images(train)
    assert not images(task.train) & images(task.test)


def test_three_splits(tmp_path):
    for start, name in enumerate(("train", "valid", "test")):
        classes(tmp_path / name, n=6, start=100 * start)
    assert splits_of(tmp_path) == ("train", "test", "validation")
    task = load_task(tmp_path, shots="all")
    for part, name in ((task.train, "train"), (task.validation, "validation"), (task.test, "test")):
        assert images(part) == images(load_split(tmp_path, name))


def test_other_things_beside_the_splits_are_counted(tmp_path):
    for start, name in enumerate(("train", "test")):
        classes(tmp_path / name, n=6, start=100 * start)
    fill(tmp_path / "__MACOSX" / "train" / "ant", 0, 2)
    fill(tmp_path / "docs", 1, 1, 900)
    (tmp_path / "docs" / "readme.txt").write_text("x")
    fill(tmp_path, 1, 1, 800)
    (tmp_path / "labels.csv").write_text("x")
    found = load_splits(tmp_path)
    assert found.accounting.counts == {"train": (6, 6), "test": (6, 6)}
    assert [(each.path, each.reason) for each in found.accounting.unused] == [
        ("800.png", "outside the class folders"),
        ("__MACOSX/train/ant/000.png", "hidden"),
        ("__MACOSX/train/ant/001.png", "hidden"),
        ("docs/900.png", "outside the class folders"),
        ("docs/readme.txt", "no picture"),
        ("labels.csv", "no picture"),
    ]


@pytest.mark.parametrize("inside", ["", "unknown", "test", "images/all"])
def test_an_unlabelled_test_split_is_counted_and_the_test_held_out(tmp_path, inside, caplog):
    classes(tmp_path / "train", n=12)
    fill(tmp_path / "test" / inside, 0, 5, 500)
    with caplog.at_level(logging.INFO, "lin_ft"):
        task = load_task(tmp_path, shots=4)
    assert task.class_names == ("ant", "bee")
    assert images(task.test) <= images(load_split(tmp_path, "train"))
    assert task.accounting.summary() == "5 in an unlabelled split"
    assert "5 in an unlabelled split" in caplog.text
    assert "The pictures of test are in no class folders" in caplog.text


@pytest.mark.parametrize("wrapper", ["data", "archive/dataset", "images"])
def test_a_lone_sub_folder_is_entered(tmp_path, wrapper):
    for start, split in enumerate(("train", "test")):
        classes(tmp_path / "a" / wrapper / split, n=6, start=100 * start)
    (tmp_path / "a" / "readme.txt").write_text("x")
    found = load_splits(tmp_path / "a")
    assert found.accounting.counts == {"train": (6, 6), "test": (6, 6)}
    assert found.accounting.notices == (f"The classes are taken from {wrapper}.",)
    assert [each.path for each in found.accounting.unused] == ["readme.txt"]
    classes(tmp_path / "b" / wrapper, n=6)
    assert load_split(tmp_path / "b", "train").class_names == ("ant", "bee")


def test_splits_that_were_unpacked_into_a_folder_of_their_own_name(tmp_path):
    for start, split in enumerate(("train", "test")):
        classes(tmp_path / split / split, n=6, start=100 * start)
    assert load_splits(tmp_path).accounting.counts == {"train": (6, 6), "test": (6, 6)}


def test_the_training_split_alone(tmp_path):
    classes(tmp_path / "train", n=6)
    assert load_split(tmp_path, "train").class_names == ("ant", "bee")
    assert splits_of(tmp_path) == ("train",)


def test_splits_within_the_classes(tmp_path):
    for label, name in enumerate(("ant", "bee")):
        for start, split in enumerate(("train", "test", "val")):
            fill(tmp_path / name / split, label, 6, 100 * start)
    assert load_splits(tmp_path).accounting.counts == {"train": (6, 6), "test": (6, 6), "validation": (6, 6)}
    classes(tmp_path, ("cow",), 3)
    with pytest.raises(InputError, match=r"hold splits \(ant with test, train, val\), but not all .*\(cow with 3 pict"):
        load_splits(tmp_path)


def test_a_train_among_vehicles_is_a_class(tmp_path):
    classes(tmp_path, ("bus", "car", "train"), 6)
    assert load_split(tmp_path, "train").class_names == ("bus", "car", "train")


def only(*folders):
    """Makes the folders, each with four pictures of its own in it."""

    def make(root):
        for start, folder in enumerate(folders):
            fill(root / folder, start % 3, 4, 50 * start)

    return make


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (only("train", "test"), r"look like splits \(test with 4 pictures .*train has no sub-folders with pictures"),
        (only("cat", "dog", "test"), r"look like splits \(test with 4 pic.*beside others with pictures \(cat with 4"),
        (only("train", "test", "cat"), r"train has no sub-folders with pictures"),
        (only("test/ant", "test/bee"), r"look like splits \(test with ant, bee\), but none of them is train"),
        (only("val/ant", "val/bee", "test/ant", "test/bee"), "none of them is train"),
        (only("train/ant", "train/bee", "training/ant", "training/bee"), "train, training are all train"),
        (only("train/ant", "train/bee", "bus", "car"), r"train with ant, bee\) beside others .*\(bus with 4 pictures"),
        (only("fold1/ant", "fold1/bee", "fold2/ant", "fold2/bee"), r"look like folds of one data set \(fold1, fold2\)"),
    ],
)  # fmt: skip
def test_what_looks_like_splits_and_cannot_be_used_so(tmp_path, make, sentence):
    make(tmp_path)
    with pytest.raises(InputError, match=sentence):
        load_split(tmp_path, "train")
    with pytest.raises(InputError, match=sentence):
        splits_of(tmp_path)


def test_splits_are_the_same_however_the_folder_is_given(tmp_path, monkeypatch, caplog):
    for start, split in enumerate(("train", "test")):
        classes(tmp_path / "photos" / split, n=6, start=100 * start)
    monkeypatch.chdir(tmp_path / "photos")
    first = load_task(".", shots=3)
    assert first.name == "photos"
    monkeypatch.chdir(tmp_path / "photos" / "train")
    second = load_task("..", shots=3)
    assert second.name == "photos"
    np.testing.assert_array_equal(first.train.images, second.train.images)
    load_task("..")
    assert "photos: 2 of 2 classes have fewer images than 10" in caplog.text
