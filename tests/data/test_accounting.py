"""Everything found in a folder is used or named."""

import logging
import os
import shutil

import pytest
from pictures import classes, fill
from PIL import Image

from lin_ft.cli import main
from lin_ft.data import load_split, load_splits, load_task
from lin_ft.errors import InputError


def unused(folder) -> dict[str, str]:
    return {each.path: each.reason for each in load_splits(folder).accounting.unused}


def test_one_line(tmp_path, caplog):
    classes(tmp_path, n=3)
    with caplog.at_level(logging.INFO, "lin_ft"):
        load_split(tmp_path, "train")
    assert [record.message for record in caplog.records] == [
        f"{tmp_path}: 2 classes, train 6 (ant 3, bee 3); every file is used."
    ]


def test_names_are_cut_after_ten(tmp_path):
    classes(tmp_path, [f"c{i:02d}" for i in range(13)], 2)
    line = load_splits(tmp_path).accounting.line()
    assert "c09 2, 3 more)" in line
    assert "c10" not in line
    assert "c12: 2" in load_splits(tmp_path).accounting.whole()


def test_reasons_and_numbers(tmp_path, caplog):
    classes(tmp_path, n=5)
    (tmp_path / "ant" / "empty.png").write_bytes(b"")
    whole = (tmp_path / "ant" / "000.png").read_bytes()
    (tmp_path / "ant" / "half.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "bee" / "text.jpg").write_text("no picture")
    (tmp_path / "bee" / "notes.txt").write_text("no picture")
    (tmp_path / "bee" / ".hidden.png").write_bytes(whole)
    (tmp_path / "bee" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "cow").mkdir()
    with caplog.at_level(logging.INFO, "lin_ft"):
        data = load_split(tmp_path, "train")
    assert data.skipped == 4
    assert len(data) == 10
    line = "4 unreadable (ant/empty.png, ant/half.png, bee/gone.png, …), 1 no picture (bee/notes.txt), "
    assert caplog.records[-1].message.endswith(f"not used: {line}1 hidden (bee/.hidden.png), 1 empty (cow/).")
    assert caplog.records[-1].levelname == "WARNING"
    details = {each.path: each.detail for each in load_splits(tmp_path).accounting.unused}
    assert details["ant/empty.png"] == "it is empty"
    assert details["bee/gone.png"] == "the link leads nowhere"
    assert "truncated" in details["ant/half.png"]
    task = load_task(tmp_path, shots=2)
    assert task.skipped == 4
    assert str(task).endswith("not used: 4 unreadable, 1 no picture, 1 hidden, 1 empty")


def test_data_info_lists_them_whole(tmp_path, capsys, monkeypatch):
    root = classes(tmp_path / "photos", n=5)
    for i in range(7):
        (root / "ant" / f"bad{i}.png").write_bytes(b"")
    monkeypatch.chdir(root)
    assert main(["data", "info", "."]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        str(root), "train: 10 pictures of 2 classes", "  ant: 5", "  bee: 5", "not used, unreadable: 7",
        *(f"  ant/bad{i}.png: it is empty" for i in range(7)),
    ]  # fmt: skip
    assert err == ""
    assert main(["data", "info", str(tmp_path / "nothing")]) == 2
    assert "There is no folder or file" in capsys.readouterr().err


def test_data_show_names_its_picture_after_the_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(classes(tmp_path / "photos", n=3))
    assert main(["data", "show", "."]) == 0
    with Image.open("photos.png") as sheet:
        assert sheet.format == "PNG"


@pytest.mark.parametrize("hidden", [".ipynb_checkpoints", "@eaDir", ".thumbnails/deep", "__MACOSX", "$RECYCLE.BIN"])
def test_hidden_folders_are_passed_over_at_any_depth(tmp_path, hidden):
    classes(tmp_path / "clean", n=4)
    shutil.copytree(tmp_path / "clean", tmp_path / "hidden")
    shutil.copytree(tmp_path / "clean" / "ant", tmp_path / "hidden" / "ant" / "sub" / hidden)
    shutil.copytree(tmp_path / "clean" / "ant", tmp_path / "hidden" / hidden)
    clean, found = load_splits(tmp_path / "clean"), load_splits(tmp_path / "hidden")
    assert found.parts["train"].images.tobytes() == clean.parts["train"].images.tobytes()
    assert found.accounting.summary() == "8 hidden, 1 empty"


def test_pictures_are_found_at_any_depth(tmp_path):
    classes(tmp_path, n=4)
    fill(tmp_path / "ant" / "monday" / "morning", 0, 3, 50)
    assert load_split(tmp_path, "train").counts().tolist() == [7, 4]


def test_a_linked_folder_is_entered_once(tmp_path):
    root = classes(tmp_path / "a", n=4)
    fill(tmp_path / "elsewhere", 0, 3, 50)
    (root / "ant" / "more").symlink_to(tmp_path / "elsewhere")
    (root / "bee" / "more").symlink_to(tmp_path / "elsewhere")
    (root / "bee" / "loop").symlink_to(root)
    (root / "ant" / "other").symlink_to(root / "bee")
    (root / "ant" / "up").symlink_to(tmp_path.parent)
    assert load_split(root, "train").counts().tolist() == [7, 4]
    assert unused(root) == dict.fromkeys(("ant/other/", "ant/up/", "bee/loop/", "bee/more/"), "linked again")


def test_class_folders_may_be_links(tmp_path):
    store = classes(tmp_path / ".store", n=4)
    (tmp_path / "a").mkdir()
    for name in ("ant", "bee"):
        (tmp_path / "a" / name).symlink_to(store / name)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert load_split(tmp_path / "a", "train").counts().tolist() == [4, 4]
    assert load_task(tmp_path / "b", shots=2).name == "b"
    assert unused(tmp_path / "b") == {}


def test_a_sub_folder_without_a_picture_is_an_error(tmp_path):
    classes(tmp_path, n=4)
    (tmp_path / "cow").mkdir()
    (tmp_path / "cow" / "notes.txt").write_text("x")
    with pytest.raises(InputError, match=r"cow holds 1 file \(notes.txt\), but no picture"):
        load_split(tmp_path, "train")
    (tmp_path / "cow").rename(tmp_path / "train")
    shutil.move(tmp_path / "ant", tmp_path / "train" / "ant")
    shutil.move(tmp_path / "bee", tmp_path / "train" / "bee")
    assert load_split(tmp_path, "train").class_names == ("ant", "bee")
    (tmp_path / "train" / "cow").mkdir()
    (tmp_path / "train" / "cow" / "notes.txt").write_text("x")
    with pytest.raises(InputError, match="cow holds 1 file"):
        load_split(tmp_path, "train")


def test_a_class_without_a_readable_picture_is_an_error(tmp_path):
    classes(tmp_path, n=4)
    (tmp_path / "cow").mkdir()
    (tmp_path / "cow" / "x.png").write_bytes(b"")
    sentence = r"The class cow of .* none of its pictures can be read \(cow/x.png: it is empty\)"
    with pytest.raises(InputError, match=sentence):
        load_task(tmp_path, shots=2)


def test_a_folder_that_cannot_be_read_is_one_sentence(tmp_path, monkeypatch):
    root = classes(tmp_path, n=4)
    scan = os.scandir

    def refuse(path):
        if str(path).endswith("bee"):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr("lin_ft.data.tree.os.scandir", refuse)
    with pytest.raises(InputError, match=r"bee cannot be read \(Permission denied\): check its permissions"):
        load_split(root, "train")


def test_pipes_are_not_waited_for(tmp_path):
    root = classes(tmp_path, n=4)
    os.mkfifo(root / "ant" / "pipe.png")
    os.mkfifo(root / "ant" / "pipe")
    assert unused(root) == {"ant/pipe": "no picture", "ant/pipe.png": "unreadable"}
