"""The source distribution builds and tests the package, and carries no big results."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOT_NEEDED = (".github/", ".gitignore", ".pre-commit-config.yaml", ".ci/")
"""What only a checkout has."""
LARGEST_RESULTS, LARGEST = 8e6, 30e6
"""Bytes, unpacked; the weights of the embedded zoo are 16 MB of it."""


@pytest.fixture(scope="module")
def files():
    """Path in the distribution -> bytes."""
    builder = pytest.importorskip("hatchling.builders.sdist").SdistBuilder(str(ROOT))
    return {each.distribution_path: Path(each.path).stat().st_size for each in builder.recurse_included_files()}


def is_picture_of_results(path):
    return path.startswith("experiments/results/") and path.endswith((".png", ".pdf"))


def test_it_holds_all_of_a_checkout_but_pictures_of_results(files):
    try:
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no checkout")
    tracked = {path for path in listed.splitlines() if (ROOT / path).exists()}
    wanted = {path for path in tracked if not path.startswith(NOT_NEEDED) and not is_picture_of_results(path)}
    assert sorted(wanted - set(files)) == []
    assert not [path for path in files if is_picture_of_results(path)]


def test_what_a_stranger_needs_first_is_there(files):
    assert {"Makefile", "pyproject.toml", "LICENSE", "THIRD_PARTY_DATA.md", "CONTRIBUTING.md", "docs/conf.py"} <= set(
        files
    )


def test_it_is_no_larger_than_it_must_be(files):
    results = sum(size for path, size in files.items() if path.startswith("experiments/results/"))
    assert results < LARGEST_RESULTS
    assert sum(files.values()) < LARGEST
