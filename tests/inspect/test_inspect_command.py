"""`lin-ft inspect` as a user meets it: a folder with a wrong label and copies; what it prints and writes; bad input."""

import csv
import dataclasses
import io
import shutil

import numpy as np
import pytest
from PIL import Image
from tiny import images, light_task

from lin_ft import cli
from lin_ft.data import load_whole


@pytest.fixture
def zoo(zoo_folder):
    return zoo_folder


def write(folder, name, image):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(folder / name)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Two classes of 12; bright/wrong.png is dark; a test image is a training image with one more pixel."""
    folder = tmp_path_factory.mktemp("photos")
    data, test = images(12, np.random.default_rng(0)), images(3, np.random.default_rng(1))
    for index, (image, label) in enumerate(zip(data.images, data.labels, strict=True)):
        write(folder, f"train/{data.class_names[label]}/{index}.png", image)
    for index, (image, label) in enumerate(zip(test.images, test.labels, strict=True)):
        write(folder, f"test/{data.class_names[label]}/{index}.png", image)
    near = data.images[2].copy()
    near[0, 0] ^= 1
    write(folder, "test/bright/near.png", near)
    write(folder, "train/bright/wrong.png", np.random.default_rng(2).integers(0, 100, (32, 32, 3)).astype(np.uint8))
    return folder


def run(*arguments) -> int:
    return cli.main([str(argument) for argument in arguments])


def test_it_finds_the_wrong_label_and_the_copy_and_writes_them(zoo, photos, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    assert run("inspect", photos, "--zoo", zoo, "--near", 0.1, "--report", "page", "--set", "probes=1") == 0
    shown = capsys.readouterr().out
    first = next(line for line in shown.splitlines() if line.split()[:1] == ["1"])
    assert first.split()[1:4] == ["train/bright/wrong.png", "bright", "dark"]
    assert "1 of 25 images look more like another class" in shown
    assert "test/bright/near.png (bright)" in shown
    assert "two splits" in shown
    rows = list(csv.DictReader(io.StringIO((tmp_path / f"inspect-{photos.name}.csv").read_text())))
    assert len(rows) == 25
    assert (rows[0]["image"], rows[0]["label"], rows[0]["looks_like"]) == ("train/bright/wrong.png", "bright", "dark")
    assert [int(row["rank"]) for row in rows] == list(range(1, 26))
    assert [row["image"] for row in rows if row["duplicate"]] == ["train/bright/2.png"]
    suspicion = [float(row["suspicion"]) for row in rows]
    assert suspicion == sorted(suspicion, reverse=True)
    with Image.open(tmp_path / f"inspect-{photos.name}.png") as sheet:
        assert sheet.size[0] > 100
    page = (tmp_path / "page" / "index.html").read_text()
    for text in ("train/bright/wrong.png", "looks like", "The same pictures", "lin-ft"):
        assert text in page
    assert page.count("<img") == 20 + 2 + 2 * 20


def test_what_is_not_there_is_one_image_a_class_all_of_it_and_no_split(tmp_path):
    for label in "ab":
        for number in range(4):
            image = np.random.default_rng(10 * number + (label == "b")).integers(0, 256, (16, 16, 3)).astype(np.uint8)
            write(tmp_path, f"{label}/{number}.png", image)
    task = load_whole(tmp_path, size=16)
    assert (task.n, len(task.validation), len(task.test), task.shots) == (8, 0, 0, 0)
    few = load_whole(tmp_path, size=16, most=6, seed=1)
    assert few.train.counts().tolist() == [3, 3]
    assert load_whole(tmp_path, size=16, shots="all", most=6).n == 8
    assert load_whole(tmp_path, size=16, shots=100).n == 8


def one_sentence(capsys) -> str:
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("lin-ft: ")
    return error


def folder_of(path, pictures):
    for name, image in pictures.items():
        write(path, name, image)
    return path


def noise(seed, low=0, high=256):
    return np.random.default_rng(seed).integers(low, high, (32, 32, 3)).astype(np.uint8)


BAD = {
    "one image a class": ({f"{c}/0.png": noise(i) for i, c in enumerate("abc")}, "one image a class"),
    "all images alike": (
        {f"{c}/{i}.png": noise(10 * i + (c == "b"), 100, 102) for c in "ab" for i in range(4)},
        "nearly alike",
    ),
    "labels that are all wrong": (
        {f"{'ab'[i % 2]}/{i}.png": noise(i, *((0, 100) if i // 2 % 2 else (120, 220))) for i in range(24)},
        "labels say no more",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_one_sentence_and_nothing_is_written(what, zoo, tmp_path, monkeypatch, capsys):
    pictures, message = BAD[what]
    folder = folder_of(tmp_path / "photos", pictures)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert run("inspect", folder, "--zoo", zoo, "--set", "probes=1") == 2
    assert message in one_sentence(capsys)
    assert not list((tmp_path / "here").iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--method", "guess"), "method 'guess': unknown"),
        (("--near", "2"), "near 2"),
        (("--show", "0"), "show 0"),
        (("--set", "colour=red"), "no colour"),
        (("--models", "alexnet"), "model 'alexnet': unknown"),
        (("--shots", "0"), "shots is 0"),
    ],
)
def test_bad_options_are_one_sentence(arguments, message, zoo, photos, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("inspect", photos, "--zoo", zoo, *arguments) == 2
    assert message in one_sentence(capsys)
    assert not list(tmp_path.iterdir())


def test_a_model_that_fails_is_named_and_the_others_are_asked(zoo, photos, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "zoo"
    shutil.copytree(zoo, folder)
    weights = folder / "second.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])
    monkeypatch.chdir(tmp_path)
    assert run("inspect", photos, "--zoo", folder, "--set", "probes=1") == 2
    shown = capsys.readouterr()
    for words in ("1 of 4 models could not be asked", "model 'second'", "--without second"):
        assert words in shown.err
    assert "train/bright/wrong.png" in (tmp_path / f"inspect-{photos.name}.csv").read_text().splitlines()[1]


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pool")
    for number in range(6):
        write(folder, f"{number}.png", noise(50 + number, *((0, 100) if number % 2 else (120, 220))))
    (folder / "broken.png").write_bytes(b"\x89PNG no")
    return folder


@pytest.mark.parametrize("by", ["variance", "disagreement"])
def test_what_to_label_next_and_what_the_classes_look_like(
    by, zoo, photos, pool, tmp_path, monkeypatch, capsys, caplog
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    source = images(4, np.random.default_rng(9))
    sourced = "lin_ft.inspect.inspection.load_task"
    monkeypatch.setattr(sourced, lambda *_, **__: dataclasses.replace(light_task(), train=source))
    arguments = ("--unlabelled", pool, "--label", 3, "--label-by", by, "--source-shots", 4)
    assert run("inspect", photos, "--zoo", zoo, *arguments, "--set", "probes=1", "--report", "page") == 0
    shown = capsys.readouterr().out
    assert "Label these next, of 6 pictures" in shown
    assert "Your classes look like these of light" in shown
    assert "broken.png" in caplog.text
    assert "not used: 1 unreadable" in caplog.text
    page = (tmp_path / "page" / "index.html").read_text()
    for words in ("Label these next", "Your classes look like", "Images that hurt"):
        assert words in page
    rows = [line.split() for line in shown[shown.index("Label these next") :].splitlines()]
    proposed = [row for row in rows if len(row) > 2 and row[1].endswith(".png")]
    assert len({row[1] for row in proposed}) == 3
    for row in proposed:
        assert row[2] == ("dark" if int(row[1][0]) % 2 else "bright")


def test_bad_pools_are_one_sentence(zoo, photos, pool, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "broken.png").write_bytes(b"\x89PNG no")
    for arguments, message in (
        (("--unlabelled", pool, "--label", 7), "7 images asked for of the 6 that are unlabelled"),
        (("--unlabelled", tmp_path / "none"), "no picture that can be read"),
        (("--unlabelled", tmp_path / "nowhere"), "There is no folder"),
        (("--unlabelled", pool, "--label-by", "disagreement", "--models", "first"), "2 are needed"),
    ):
        assert run("inspect", photos, "--zoo", zoo, *arguments) == 2
        assert message in one_sentence(capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["none"]


def test_a_source_that_cannot_be_had_leaves_all_else(zoo, photos, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run("inspect", photos, "--zoo", zoo, "--models", "first", "--source-shots", 2, "--set", "probes=1") == 2
    assert "All else was done, but not what the classes look like: first" in one_sentence(capsys)
    assert len(list(tmp_path.iterdir())) == 2
