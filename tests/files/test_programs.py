"""Compiled programs stay in the cache folder; where they cannot, one sentence says so and nothing else changes."""

import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from lin_ft.files import programs

ROOT = Path(__file__).parents[2]


@pytest.fixture
def before_jax(tmp_path, monkeypatch):
    """As at the start of the command line: JAX not imported, an empty cache folder."""
    monkeypatch.setenv("LIN_FT_CACHE", str(tmp_path / "cache"))
    for name in ("JAX_COMPILATION_CACHE_DIR", *programs.SETTINGS):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.delitem(sys.modules, "jax")
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    return tmp_path / "cache"


def test_a_second_process_finds_what_the_first_compiled(tmp_path):
    code = (
        "from lin_ft.files.programs import keep_programs; folder = keep_programs()\n"
        "import jax, jax.numpy as jnp\n"
        "hits = []\n"
        "jax.monitoring.register_event_listener(lambda name, **_: hits.append(name))\n"
        "jax.jit(lambda x: jnp.linalg.qr(jnp.sin(x) @ x)[0] @ jnp.cos(x))(jnp.eye(50)).block_until_ready()\n"
        "print(folder.name, sum(name.endswith('compilation_cache/cache_hits') for name in hits))\n"
    )
    environment = {**os.environ, "LIN_FT_CACHE": str(tmp_path), "PYTHONPATH": str(ROOT)}
    environment = {name: value for name, value in environment.items() if not name.startswith("JAX_")}
    environment["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"  # a user's own choice, which stays
    found = [
        subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    (name, first), (_, second) = (run.stdout.split() for run in found)
    assert name.startswith("jax-")
    assert int(first) == 0
    assert int(second) >= 1
    assert not found[1].stderr


def test_the_users_own_choice_stays(before_jax, monkeypatch):
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "/elsewhere")
    assert programs.keep_programs() is None
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == "/elsewhere"
    assert not before_jax.exists()


def test_a_folder_that_cannot_be_written(before_jax, caplog):
    before_jax.parent.mkdir(exist_ok=True)
    before_jax.write_text("a file where the folder is due")
    with caplog.at_level(logging.INFO, "lin_ft"):
        assert programs.keep_programs() is None
    (record,) = caplog.records
    assert "every run compiles anew" in record.message
    assert "cannot be written" in record.message
    assert "JAX_COMPILATION_CACHE_DIR" not in os.environ


def test_a_full_disk(before_jax, caplog, monkeypatch):
    monkeypatch.setattr(programs, "LEAST_ROOM", 10**30)
    with caplog.at_level(logging.INFO, "lin_ft"):
        assert programs.keep_programs() is None
    (record,) = caplog.records
    assert "nearly full" in record.message


def test_programs_of_another_version_are_named_once(before_jax, caplog):
    other = before_jax / "programs" / "jax-0.1.2"
    other.mkdir(parents=True)
    (other / "program").write_bytes(bytes(3_000_000))
    with caplog.at_level(logging.INFO, "lin_ft"):
        assert programs.keep_programs() == programs.programs_dir()
        del os.environ["JAX_COMPILATION_CACHE_DIR"]
        programs.keep_programs()
    (record,) = caplog.records
    assert "jax-0.1.2, 3 MB" in record.message
    assert "cache clear --only programs" in record.message


def test_failures_to_write_are_one_sentence(before_jax, caplog):
    programs.keep_programs()
    with caplog.at_level(logging.INFO, "lin_ft"), warnings.catch_warnings():
        warnings.simplefilter("always")
        shown = []
        for program in ("a", "b"):
            message = f"Error writing persistent compilation cache entry for '{program}': No space left on device"
            warnings.showwarning(UserWarning(message), UserWarning, "f", 1)
        assert not shown
    assert len(caplog.records) == 1
    assert "No space left" in caplog.text
