"""Tasks from a store: disjoint parts, the right splits, clear errors."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import tiny_dataset

from lin_ft.data import load_split, load_task, store
from lin_ft.data.packaged import Example
from lin_ft.errors import InputError


@pytest.fixture
def stored(cache, tiny):
    store.build(tiny, store.store_dir())
    return tiny


def pixels(data) -> set[bytes]:
    return {image.tobytes() for image in data.images}


def test_parts_are_disjoint_balanced_and_from_their_splits(stored):
    task = load_task("tiny", shots=5, validation_shots=3)
    train, test = load_split("tiny", "train"), load_split("tiny", "test")
    assert task.balance() == {"even": (5, 3, 4), "odd": (5, 3, 4)}
    assert not pixels(task.train) & pixels(task.validation)
    assert pixels(task.train) | pixels(task.validation) <= pixels(train)
    assert pixels(task.test) == pixels(test)
    assert (task.n, task.n_classes, len(task.validation)) == (10, 2, 6)


def test_seed_decides(stored):
    draws = [load_task("tiny", shots=5, seed=seed).train.images.tobytes() for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]


def test_more_shots_do_not_change_the_test_set(stored):
    few, many = load_task("tiny", shots=2), load_task("tiny", shots=9)
    np.testing.assert_array_equal(few.test.images, many.test.images)


def test_max_test(stored):
    task = load_task("tiny", shots=2, max_test=4)
    assert task.balance()["even"][2] == task.balance()["odd"][2] == 2


def test_validation_shrinks_to_what_is_left_unless_asked_for(stored):
    assert len(load_task("tiny", shots=16).validation) == 0
    assert len(load_task("tiny", shots=15).validation) == 2
    with pytest.raises(InputError, match="leaves 1 validation images"):
        load_task("tiny", shots=15, validation_shots=2)


def test_the_whole_of_it_is_all_images_but_a_tenth_of_every_class(stored):
    task = load_task("tiny", whole=True)
    assert task.balance() == {"even": (14, 2, 4), "odd": (14, 2, 4)}
    assert not pixels(task.train) & pixels(task.validation)
    assert pixels(task.train) | pixels(task.validation) == pixels(load_split("tiny", "train"))


@pytest.mark.parametrize("option", [{"shots": 0}, {"seed": -1}, {"max_test": 0}, {"validation_shots": -1}, {"size": 0}])
def test_options_out_of_range(stored, option):
    with pytest.raises(InputError, match=r"is 0|is -1|size 0"):
        load_task("tiny", **option)


def test_too_few_and_one_class(cache, stored):
    with pytest.raises(InputError, match="The class even of tiny has 16 images to train on, fewer than the 17"):
        load_task("tiny", shots=17)

    def alone(paths):
        return (Example(e.image, 0, e.split) for e in tiny_dataset().examples(paths))

    store.build(replace(stored, name="alone", examples=alone), store.store_dir())
    with pytest.raises(InputError, match=r"alone has 1 class with training images \(even\)"):
        load_task("alone", shots=2)
