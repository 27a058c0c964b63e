"""Images say where they come from, whatever was drawn, left out or held out on the way."""

import numpy as np
import pytest
from PIL import Image

from lin_ft.data import load_split, load_task


def picture(number):
    return np.random.default_rng(number).integers(0, 256, (16, 16, 3), np.uint8)


@pytest.fixture
def folder(tmp_path):
    """Two classes, a broken file and a copy between them."""
    for label, name in enumerate(("ant", "cat")):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(9):
            Image.fromarray(picture(100 * label + number)).save(tmp_path / "photos" / name / f"{number}.png")
    (tmp_path / "photos" / "ant" / "0b.png").write_bytes(b"broken")
    Image.fromarray(picture(3)).save(tmp_path / "photos" / "cat" / "3a.png")
    return tmp_path / "photos"


def test_of_a_folder(folder):
    task = load_task(folder, shots=3, seed=1, size=16)
    seen = []
    for part in (task.train, task.validation, task.test):
        assert part.origins is not None
        for image, label, origin in zip(part.images, part.labels, part.origins, strict=True):
            np.testing.assert_array_equal(image, np.asarray(Image.open(folder / origin)))
            assert origin.startswith(part.class_names[label])
            seen.append(origin)
    assert len(set(seen)) == len(seen)


def test_of_a_file(tmp_path):
    x = np.stack([picture(number) for number in (0, 1, 1, 2, 3, 4)])
    np.savez(tmp_path / "a.npz", x_train=x, y_train=[0, 0, 0, 1, 1, 1])
    data = load_split(tmp_path / "a.npz", "train", size=16)
    assert data.origins is not None
    assert data.origins.tolist() == ["x_train[0]", "x_train[1]", "x_train[3]", "x_train[4]", "x_train[5]"]
    for image, origin in zip(data.images, data.origins, strict=True):
        np.testing.assert_array_equal(image, x[int(origin[8:-1])])


def test_of_a_data_set_and_of_two_parts_together():
    task = load_task("optdigits", shots=2, seed=0)
    whole = load_split("optdigits", "train")
    both = task.train.together(task.validation)
    assert len(both) == len(task.train) + len(task.validation)
    for image, label, origin in zip(both.images, both.labels, both.origins, strict=True):
        place = int(origin.removeprefix("train[")[:-1])
        np.testing.assert_array_equal(image, whole.images[place])
        assert label == whole.labels[place]
