"""ELPV: labels, sizes and whole modules, on a wheel of plain grey cells."""

from pathlib import Path

import numpy as np
import pytest
from fake_packages import png, wheel

from lin_ft.data.elpv import GROUP_SIZES, shrink
from lin_ft.data.packaged import elpv_cell_type, elpv_defect

CELLS = 150
PROBABILITIES = ("0.0", "1.0", "0.3333333333333333", "0.6666666666666666")


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first cells of a list like the true one: cell i has grey level i, the first module is mono."""
    rows = [f"images/cell{i:04}.png  {PROBABILITIES[i % 4]:<20}{'mono' if i < 60 else 'poly'}\n" for i in range(CELLS)]
    files = {"elpv_dataset/data/labels.csv": "".join(rows).encode()}
    for i in reversed(range(CELLS)):  # the order within the archive must not matter
        files[f"elpv_dataset/data/images/cell{i:04}.png"] = png(np.full((300, 300), i, np.uint8))
    return wheel(tmp_path_factory.mktemp("elpv") / "elpv.whl", files)


def test_cell_type_of_every_cell(cells: Path):
    examples = list(elpv_cell_type.DATASET.examples([cells]))
    assert [e.label for e in examples] == [0] * 60 + [1] * 90
    assert [int(e.image[5, 5]) for e in examples] == list(range(CELLS))
    assert {e.image.shape for e in examples} == {(96, 96)}


def test_cells_the_experts_were_not_sure_of_are_left_out(cells: Path):
    examples = list(elpv_defect.DATASET.examples([cells]))
    assert [int(e.image[0, 0]) for e in examples] == [i for i in range(CELLS) if i % 4 < 2]
    assert all(e.label == e.image[0, 0] % 4 for e in examples)


def test_whole_modules_train_or_test_and_alike_in_both_tasks(cells: Path):
    splits = {}
    for dataset in (elpv_cell_type.DATASET, elpv_defect.DATASET):
        for e in dataset.examples([cells]):
            splits.setdefault(int(e.image[0, 0]) // 60, set()).add((e.group, e.split))
    assert splits == {0: {("module 00", "test")}, 1: {("module 01", "train")}, 2: {("module 02", "train")}}


def test_groups_cover_the_published_cells():
    assert sum(GROUP_SIZES) == 2624
    assert len(GROUP_SIZES) + 2 == 44  # three modules are one group


def test_shrinking_keeps_the_grey_level_of_a_half_and_its_side():
    half = np.zeros((300, 300), np.uint8)
    half[:150] = 200
    small = shrink(png(half)).astype(int)
    assert abs(small.mean() - 100) < 1
    assert small[:40].min() == 200
    assert small[56:].max() == 0
