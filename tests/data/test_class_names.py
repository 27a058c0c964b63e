"""Classes of two splits are compared by what the names say, and none of their images goes missing."""

import logging
import unicodedata

import numpy as np
import pytest
from pictures import classes, fill

from lin_ft.data import load_split, load_splits, load_task
from lin_ft.data.class_names import united
from lin_ft.errors import InputError


def test_united_names():
    decomposed = unicodedata.normalize("NFD", "café")
    class_of, notices = united({"train": ["Cat", "café", "dog"], "test": ["cat", decomposed, "dog", "DOG"]})
    assert class_of == {"Cat": "Cat", "cat": "Cat", "café": "café", decomposed: "café", "dog": "dog", "DOG": "dog"}
    assert notices == ["Cat and cat are taken as one class, Cat.", "dog and DOG are taken as one class, dog."]


def test_one_split_composed_and_one_decomposed(tmp_path):
    for start, form in ((0, "NFC"), (100, "NFD")):
        names = [unicodedata.normalize(form, name) for name in ("café", "thé", "lait")]
        classes(tmp_path / ("test" if start else "train"), names, 12, start)
    task = load_task(tmp_path, shots=4)
    assert task.class_names == ("café", "lait", "thé")
    assert task.test.counts().tolist() == [12, 12, 12]
    assert task.accounting.notices == ()


def test_names_that_differ_in_case_are_one_class_with_a_notice(tmp_path, caplog):
    classes(tmp_path / "train", ("Cat", "Dog"), 12)
    classes(tmp_path / "test", ("cat", "dog"), 8, 300)
    with caplog.at_level(logging.WARNING, "lin_ft"):
        task = load_task(tmp_path, shots=4)
    assert task.class_names == ("Cat", "Dog")
    assert task.test.counts().tolist() == [8, 8]
    assert "Cat and cat are taken as one class, Cat." in caplog.text


def test_within_one_split_as_well(tmp_path):
    classes(tmp_path, ("cat", "dog"), 4)
    fill(tmp_path / "CAT", 0, 3, 50)
    if len(list(tmp_path.iterdir())) < 3:
        pytest.skip("a file system that does not tell cases apart")
    data = load_split(tmp_path, "train")
    assert dict(zip(data.class_names, data.counts().tolist(), strict=True)) == {"CAT": 7, "dog": 4}


@pytest.mark.parametrize("split", ["test", "validation"])
def test_a_class_of_another_split_that_has_no_training_images_is_an_error(tmp_path, split):
    classes(tmp_path / "train", ("cat", "dog"), 12)
    classes(tmp_path / split, ("cats", "dog"), 6, 300)
    sentence = rf"The {split} split of .* classes that the training split has not: cats \(6 pictures\).* has cat, dog"
    with pytest.raises(InputError, match=sentence):
        load_split(tmp_path, "train")


def test_no_class_in_common_is_an_error_too(tmp_path):
    classes(tmp_path / "train", ("cat", "dog"), 12)
    classes(tmp_path / "test", ("0", "1"), 6, 300)
    with pytest.raises(InputError, match=r"training split has not: 0, 1 \(12 pictures\)"):
        load_task(tmp_path)


def test_a_class_without_test_images_is_told(tmp_path, caplog):
    classes(tmp_path / "train", ("cat", "cow", "dog"), 12)
    classes(tmp_path / "test", ("cat", "dog"), 6, 300)
    with caplog.at_level(logging.WARNING, "lin_ft"):
        task = load_task(tmp_path, shots=4)
    assert "The test split has no pictures of cow." in caplog.text
    assert task.class_names == ("cat", "cow", "dog")
    assert task.test.counts().tolist() == [6, 0, 6]


def test_classes_of_an_npz_without_training_images(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (40, 8, 8), np.uint8)
    y = np.arange(20) % 2
    np.savez(tmp_path / "a.npz", x_train=x[:20], y_train=y, x_test=x[20:], y_test=np.arange(20) % 4)
    sentence = r"test split of .* holds 10 images of classes without a training image \(2, 3\)"
    with pytest.raises(InputError, match=sentence):
        load_task(tmp_path / "a.npz", shots=3)


def test_labels_are_those_of_the_pictures(tmp_path):
    classes(tmp_path / "train", ("b", "A", "c"), 3)
    classes(tmp_path / "test", ("C", "a", "B"), 3, 100)
    parts = load_splits(tmp_path).parts
    assert parts["train"].class_names == parts["test"].class_names == ("A", "b", "c")
    # pictures.classes gave the names the stripes 0, 1, 2 and 0, 1, 2: A 1 and 1, b 0 and 2, c 2 and 0
    stripes = {
        split: [part.images[part.labels == label].mean(0) for label in range(3)] for split, part in parts.items()
    }
    distance = np.abs(np.asarray(stripes["train"])[:, None] - np.asarray(stripes["test"])[None]).mean((2, 3, 4))
    assert distance.argmin(1).tolist() == [0, 2, 1]
