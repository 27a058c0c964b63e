"""How many images train: a number, all, or what there is."""

import logging

import pytest
from pictures import classes, fill

from lin_ft.data import load_task
from lin_ft.errors import InputError


def parts(task) -> list[set[bytes]]:
    return [{image.tobytes() for image in part.images} for part in (task.train, task.validation, task.test)]


def test_all_uses_every_training_image(tmp_path):
    for start, split in enumerate(("train", "test")):
        classes(tmp_path / split, n=20, start=100 * start)
    task = load_task(tmp_path, shots="all")
    assert task.balance() == {"ant": (18, 2, 20), "bee": (18, 2, 20)}
    assert task.shots == 0
    assert "all images" in str(task)
    assert parts(task) == parts(load_task(tmp_path, whole=True))


def test_all_with_a_validation_split_leaves_none_out(tmp_path):
    for start, split in enumerate(("train", "test", "val")):
        classes(tmp_path / split, n=7 + start, start=100 * start)
    assert load_task(tmp_path, shots="all").balance() == {"ant": (7, 9, 8), "bee": (7, 9, 8)}


def test_all_of_a_few_still_validates(tmp_path):
    classes(tmp_path / "train", n=4)
    classes(tmp_path / "test", n=4, start=100)
    assert load_task(tmp_path, shots="all").balance() == {"ant": (3, 1, 4), "bee": (3, 1, 4)}


def test_ten_where_nothing_is_said(tmp_path, caplog):
    classes(tmp_path, n=20)
    with caplog.at_level(logging.WARNING, "lin_ft"):
        assert load_task(tmp_path).balance() == {"ant": (10, 4, 6), "bee": (10, 4, 6)}
    assert not caplog.records
    assert parts(load_task(tmp_path)) == parts(load_task(tmp_path, shots=10))


def test_a_small_folder_is_used_whole_with_a_notice(tmp_path, caplog):
    classes(tmp_path, n=8)
    with caplog.at_level(logging.WARNING, "lin_ft"):
        task = load_task(tmp_path)
    assert task.balance() == {"ant": (5, 1, 2), "bee": (5, 1, 2)}
    assert sum(map(len, parts(task))) == len(set.union(*parts(task))) == 16
    notice = (
        "2 of 2 classes have fewer images than 10 to train on and one to validate (ant 6, bee 6): they are used whole"
    )
    assert notice in caplog.text
    assert "up to 10 shots" in str(task)


def test_so_is_a_small_training_split(tmp_path, caplog):
    for start, split in enumerate(("train", "test", "val")):
        classes(tmp_path / split, n=6, start=100 * start)
    with caplog.at_level(logging.WARNING, "lin_ft"):
        assert load_task(tmp_path).balance() == {"ant": (6, 3, 6), "bee": (6, 3, 6)}
    assert "have fewer images than 10 to train on (ant 6, bee 6): they are used whole" in caplog.text


def test_small_classes_are_used_whole_and_ten_of_the_others(tmp_path, caplog):
    classes(tmp_path, n=40)
    fill(tmp_path / "cow", 2, 6)
    fill(tmp_path / "doe", 3, 2)
    with caplog.at_level(logging.WARNING, "lin_ft"):
        task = load_task(tmp_path)
    assert task.balance() == {"ant": (10, 1, 12), "bee": (10, 1, 12), "cow": (3, 1, 2), "doe": (1, 0, 1)}
    assert "2 of 4 classes have fewer images than 10 to train on and one to validate (cow 4, doe 1)" in caplog.text
    assert "of the others 10 train" in caplog.text


def test_shots_that_are_asked_for_are_an_error_where_they_are_not_there(tmp_path):
    classes(tmp_path, n=8)
    with pytest.raises(InputError, match="has 7 images to train on, fewer than the 10 shots: ask for at most 7, for"):
        load_task(tmp_path, shots=10)
    assert load_task(tmp_path, shots=7).balance() == {"ant": (7, 0, 1), "bee": (7, 0, 1)}


def test_validation_shots_of_a_split(tmp_path):
    for start, split in enumerate(("train", "test", "val")):
        classes(tmp_path / split, n=6, start=100 * start)
    assert load_task(tmp_path, shots=2, validation_shots=5).balance() == {"ant": (2, 5, 6), "bee": (2, 5, 6)}
    with pytest.raises(InputError, match="has 6 images of its smallest class, not 7"):
        load_task(tmp_path, shots=2, validation_shots=7)


def test_words_that_are_no_shots(tmp_path):
    classes(tmp_path, n=8)
    with pytest.raises(InputError, match="shots is 'most': give a number or all"):
        load_task(tmp_path, shots="most")


def test_the_old_name_of_target_says_what_to_write_now(tmp_path):
    classes(tmp_path, n=8)
    with pytest.raises(InputError, match=r"^load_task\(source=\.\.\.\) is now load_task\(target=\.\.\.\)\.$"):
        load_task(source=tmp_path)
    assert load_task(target=tmp_path, shots=3).target == str(tmp_path)
