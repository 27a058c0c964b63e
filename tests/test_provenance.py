"""Results name the commit that made them, and whether the code had been changed since."""

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import lin_ft.provenance as module


@pytest.fixture
def checkout(tmp_path):
    package = tmp_path / "lin_ft"
    package.mkdir()
    shutil.copy(module.__file__, package / "provenance.py")
    (tmp_path / "README.md").write_text("first\n")
    if shutil.which("git") is None:
        pytest.skip("needs git")
    return package


def git(folder, *arguments):
    identity = {f"GIT_{who}_{what}": "someone" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    run = subprocess.run(
        ["git", *arguments], cwd=folder, env=os.environ | identity, capture_output=True, text=True, check=True
    )
    return run.stdout.strip()


def commit_of(package):
    code = "from provenance import commit; print(commit())"
    run = subprocess.run([sys.executable, "-c", code], cwd=package, capture_output=True, text=True, check=True)
    return run.stdout.strip()


def test_commit_has_a_plus_where_the_package_was_changed(checkout):
    git(checkout.parent, "init", "-q")
    git(checkout.parent, "add", ".")
    git(checkout.parent, "commit", "-qm", "first")
    expected = git(checkout, "rev-parse", "--short=12", "HEAD")
    assert commit_of(checkout) == expected
    (checkout.parent / "README.md").write_text("changed, but no code\n")
    assert commit_of(checkout) == expected
    (checkout / "provenance.py").write_text((checkout / "provenance.py").read_text() + "\n")
    assert commit_of(checkout) == expected + "+"


def test_outside_a_checkout_the_commit_is_empty(checkout):
    assert commit_of(checkout) == ""


def test_no_names_of_machines_or_users():
    facts = module.provenance()
    text = json.dumps(facts)
    assert facts["versions"]["lin-ft"] != "not installed"
    assert platform.machine() in facts["device"]
    for name in {platform.node(), str(Path.home())} - {"", "/"}:
        assert name not in text
