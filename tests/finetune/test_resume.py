"""A killed fine-tuning goes on from its checkpoint and ends in the very same numbers."""

import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from test_grid import CONFIG, POINTS, trained

from lin_ft.errors import InputError
from lin_ft.finetune.saving import Saving

ROOT = Path(__file__).parents[2]
STOPPING = dataclasses.replace(CONFIG, steps=9, evaluate_every=2, patience=3)


class Killed(Exception):
    pass


def killer(after):
    """Raises in place of the step after `after`."""
    left = [after]

    def advance(steps):
        left[0] -= steps
        if left[0] < 0:
            raise Killed

    return advance


def same(rows, others):
    for one, other in zip(rows, others, strict=True):
        assert one.curve == other.curve
        assert one.validation_curve == other.validation_curve
        assert one.step == other.step
        for a, b in zip(_leaves(one), _leaves(other), strict=True):
            np.testing.assert_array_equal(a, b)


def _leaves(row):
    return jax.tree.leaves((row.weights, row.statistics))


@pytest.mark.parametrize("config", [CONFIG, dataclasses.replace(STOPPING, optimizer="adamw")])
@pytest.mark.parametrize("together", [1, 2])
def test_interrupted_anywhere_it_ends_bit_equal(tmp_path, config, together):
    config = dataclasses.replace(config, together=together)
    points = POINTS[:2]
    whole, _ = trained(config, points)
    for after in (1, 9):
        saving = Saving(tmp_path / str(after), {"config": 1}, every=3)
        with pytest.raises(Killed):
            trained(config, points, saving=saving, advance=killer(after))
        assert after == 1 or list((tmp_path / str(after)).iterdir()), "there is something to go on from"
        resumed, _ = trained(config, points, saving=saving)
        same(resumed, whole)
    again, _ = trained(config, points, saving=saving, advance=killer(2 * config.steps))
    same(again, whole)


CHILD = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import jax
jax.config.update("jax_enable_x64", True)
from test_grid import CONFIG, POINTS, trained
from lin_ft.finetune.saving import Saving
done = [0]
def advance(steps):
    done[0] += steps
    if done[0] > 5:
        os.kill(os.getpid(), signal.SIGKILL)
trained(CONFIG, POINTS[:1], saving=Saving(Path({folder!r}), {{"config": 1}}, every=2), advance=advance)
"""


def test_killed_with_9_it_ends_bit_equal(tmp_path):
    folder = tmp_path / "checkpoint"
    text = CHILD.format(tests=str(Path(__file__).parent), folder=str(folder))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    child = subprocess.run([sys.executable, "-c", text], env=environment, capture_output=True, text=True, check=False)
    assert child.returncode == -signal.SIGKILL, child.stderr
    steps = [int(path.name) for path in (folder / "points0").iterdir() if path.name.isdigit()]
    assert sorted(steps) == [2, 4]
    resumed, _ = trained(CONFIG, POINTS[:1], saving=Saving(folder, {"config": 1}, every=2))
    same(resumed, trained(CONFIG, POINTS[:1])[0])


def test_a_checkpoint_of_another_fine_tuning_is_refused_and_a_damaged_one_too(tmp_path):
    saving = Saving(tmp_path / "c", {"model": "a", "steps": 7}, every=3)
    trained(CONFIG, POINTS[:1], saving=saving)
    other = dataclasses.replace(saving, fingerprint={"model": "b", "steps": 7})
    with pytest.raises(InputError, match=r"another fine-tuning \(it differs in model\)"):
        trained(CONFIG, POINTS[:1], saving=other)
    files = [path for path in (tmp_path / "c").rglob("*") if path.is_file() and path.stat().st_size > 400]
    for path in files:
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="checkpoint"):
        trained(CONFIG, POINTS[:1], saving=saving)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file.*cannot be written"):
        trained(CONFIG, POINTS[:1], saving=Saving(tmp_path / "file", {}, every=3))
