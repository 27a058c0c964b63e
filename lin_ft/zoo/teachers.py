"""Networks that earlier cycles of a training ended in teach a later one: where they are kept, what they say."""

from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, UInt8

from lin_ft.functions import from_linen, logits_of
from lin_ft.zoo.recipe import Recipe, first_beside
from lin_ft.zoo.slices import load_entry


def snapshot_files(recipe: Recipe, out: Path) -> dict[int, Path]:
    """Where the networks are kept that teach a later cycle, or that one beside another begins at: cycle -> file."""
    kept = set()
    for cycle, restart in enumerate(recipe.restarts, 1):
        first = first_beside(recipe, cycle)
        kept |= set(range(first - max(restart.teachers, restart.beside), first))
    return {cycle: out / f".{recipe.entry}.cycle{cycle + 1}.safetensors" for cycle in sorted(kept)}


def taught_targets(
    recipe: Recipe,
    cycle: int,
    snapshots: dict[int, Path],
    module: Any,
    images: UInt8[np.ndarray, "n h w 3"],
    labels: np.ndarray,
    mean: Float[np.ndarray, "3"],
    std: Float[np.ndarray, "3"],
) -> np.ndarray:
    """What a cycle is trained on: the labels (n,), or their mixture with its teachers' mean probabilities (n, C).

    Cost: a forward pass over all images for each teacher, two where the recipe flips.
    """
    restart = recipe.restarts[cycle - 1] if cycle else None
    if restart is None or not restart.teachers:
        return labels
    first = first_beside(recipe, cycle)
    teachers = [load_entry(str(snapshots[earlier])) for earlier in range(first - restart.teachers, first)]
    functions = [from_linen(module, teacher) for teacher in teachers]
    rows = []
    for start in range(0, len(images), 5000):
        x = (images[start : start + 5000] / np.float32(255) - mean) / std
        views = [x, x[:, :, ::-1]] if recipe.flip else [x]
        rows.append(np.mean([jax.nn.softmax(logits_of(*f, view)) for f in functions for view in views], axis=0))
    taught = np.concatenate(rows)
    share = restart.teacher_share
    return (share * taught + (1 - share) * np.eye(taught.shape[1])[labels]).astype(np.float32)
