"""Stores: complete or absent, whatever happens, and readable by unmodified tensorflow_datasets."""

import errno
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lin_ft.data import dataset, store
from lin_ft.data.packaged import Example
from lin_ft.errors import InputError
from lin_ft.files.cache import move_into_place, scratch_folder


def read(name: str, split: str, data_dir: Path):
    tfds = store.quiet_tfds()
    return list(tfds.data_source(name, split=split, data_dir=data_dir, download=False))


def test_tfds_reads_what_was_written(tmp_path, tiny):
    store.build(tiny, tmp_path)
    for split in ("train", "test"):
        written = {e.image.tobytes(): e for e in tiny.examples([]) if e.split == split}
        found = read("tiny", split, tmp_path)
        assert len(found) == len(written)
        for row in found:
            original = written[row["image"].tobytes()]
            assert row["label"] == original.label
            assert row["group"].decode() == original.group


def test_official_name_is_read_through_the_official_builder(tmp_path, tiny):
    def examples(paths):
        for e in tiny.examples(paths):
            yield Example(np.resize(e.image, (28, 28)), e.label, e.split)

    names = tuple(store.quiet_tfds().builder("fashion_mnist", data_dir=tmp_path).info.features["label"].names)
    official = replace(tiny, name="fashion_mnist", version="3.0.1", class_names=names, examples=examples)
    store.build(official, tmp_path)
    assert len(read("fashion_mnist", "train", tmp_path)) == 32
    assert read("fashion_mnist", "test", tmp_path)[0]["image"].shape == (28, 28, 1)


def test_second_build_reads_nothing(tmp_path, tiny):
    def never(paths):
        raise AssertionError("examples were read again")

    path = store.build(tiny, tmp_path)
    assert store.build(replace(tiny, examples=never), tmp_path) == path


def test_failing_examples_leave_nothing(tmp_path, tiny):
    def broken(paths):
        yield from list(tiny.examples(paths))[:10]
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        store.build(replace(tiny, examples=broken), tmp_path)
    assert not list(tmp_path.iterdir())


# Python ignores SIGINT where a shell started it in the background: the handler is set by hand.
BUILD = """
import itertools, resource, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from dataclasses import replace
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from conftest import tiny_dataset
from lin_ft.data import store
from lin_ft.errors import InputError
mode, data_dir = sys.argv[2], Path(sys.argv[3])
tiny = tiny_dataset(600)
if mode == "slow":
    png = store.png
    def slow(image, count=itertools.count()):
        if next(count) == 20:
            (data_dir / "started").write_text("")
            time.sleep(60)
        return png(image)
    store.png = slow
if mode == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    store.build(tiny, data_dir)
except InputError as error:
    print(error)
    sys.exit(2)
"""


def start_build(mode: str, data_dir: Path) -> subprocess.Popen:
    data_dir.mkdir(exist_ok=True)
    command = [sys.executable, "-c", BUILD, str(Path(__file__).parent), mode, str(data_dir)]
    with (data_dir / "output").open("w") as output:
        return subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_build_is_never_taken_for_a_store(tmp_path, tiny, how):
    process = start_build("slow", tmp_path)
    for _ in range(600):
        if (tmp_path / "started").exists():
            break
        time.sleep(0.05)
    assert (tmp_path / "started").exists()
    process.send_signal(how)
    assert process.wait(30) != 0
    (tmp_path / "started").unlink()
    (tmp_path / "output").unlink()
    assert not (tmp_path / "tiny").exists()
    left = list(tmp_path.iterdir())
    assert left == [] if how == signal.SIGINT else len(left) == 1
    store.build(tiny, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]
    assert len(read("tiny", "train", tmp_path)) == 32


def test_full_disk_is_one_sentence_and_leaves_no_store(tmp_path):
    process = start_build("full", tmp_path)
    assert process.wait(60) == 2
    output = (tmp_path / "output").read_text()
    (tmp_path / "output").unlink()
    assert "is full: free some space" in output
    assert output.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_unwritable_cache_is_one_sentence(tmp_path, tiny):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written: set LIN_FT_CACHE"):
        store.build(tiny, tmp_path / "file" / "tfds")


def test_a_running_process_keeps_its_scratch_folder(tmp_path):
    with scratch_folder(tmp_path) as first, scratch_folder(tmp_path) as second:
        assert first.is_dir()
        assert second.is_dir()
    assert not list(tmp_path.iterdir())


def test_the_store_finished_first_wins(tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "content").write_text(name)
        move_into_place(tmp_path / name, tmp_path / "stores" / "1.0.0")
    assert (tmp_path / "stores" / "1.0.0" / "content").read_text() == "first"


def test_unknown_name_suggests_the_nearest(cache):
    with pytest.raises(InputError, match=r"did you mean optdigits\?"):
        store.open_builder("optdigit")


def test_store_in_the_folder_tfds_is_configured_with(cache, tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "mine"))
    store.build(tiny, tmp_path / "mine")
    assert len(dataset.load_split("tiny", "train")) == 32


def test_official_name_without_store_or_network(cache, monkeypatch):
    def no_network(*args):
        raise OSError("Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", no_network)
    monkeypatch.setattr("urllib.request.getproxies", dict)
    with pytest.raises(InputError, match=r"cifar100 has no array_record store.*cannot be reached"):
        dataset.load_split("cifar100", "train")


def test_decoded_arrays_are_cached_per_size_and_follow_the_store(cache, tiny):
    store.build(tiny, store.store_dir())
    first = dataset.load_split("tiny", "train", size=16)
    again = dataset.load_split("tiny", "train", size=16)
    np.testing.assert_array_equal(first.images, again.images)
    np.testing.assert_array_equal(first.groups, again.groups)
    assert first.images.shape == (32, 16, 16, 3)
    assert dataset.load_split("tiny", "train", size=8).images.shape == (32, 8, 8, 3)
    assert len(list((cache / "arrays").iterdir())) == 2


def test_damaged_cached_arrays_are_removed(cache, tiny):
    store.build(tiny, store.store_dir())
    before = dataset.load_split("tiny", "test")
    for path in (cache / "arrays").glob("*/images.npy"):
        path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match="were damaged and are removed"):
        dataset.load_split("tiny", "test")
    np.testing.assert_array_equal(dataset.load_split("tiny", "test").images, before.images)


def test_unknown_split(cache, tiny):
    store.build(tiny, store.store_dir())
    with pytest.raises(InputError, match="no split 'valid': it has"):
        dataset.load_split("tiny", "valid")
