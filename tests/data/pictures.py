"""Small pictures of separable classes, written as files."""

from pathlib import Path

import numpy as np
from PIL import Image


def picture(label: int, i: int, size: tuple[int, int] = (16, 12)) -> np.ndarray:
    """uint8 (height, width, 3): stripes of the class's width, and noise of the picture's own."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    waves = np.stack([np.sin(x / (2 + label)), np.cos(y / (2 + label)), np.sin((x + y) / (3 + label))], -1)
    noise = np.random.default_rng([label, i]).normal(0, 25, (height, width, 3))
    return (80 * waves + 128 + noise).clip(0, 255).astype(np.uint8)


def fill(folder: Path, label: int, n: int, start: int = 0, suffix: str = ".png") -> list[Path]:
    """n pictures of a class as files; other `start`, other pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{i:03d}{suffix}" for i in range(start, start + n)]
    for i, path in enumerate(paths, start):
        Image.fromarray(picture(label, i)).save(path)
    return paths


def classes(root: Path, names=("ant", "bee"), n: int = 12, start: int = 0) -> Path:
    """A folder with a sub-folder of n pictures for each name."""
    for label, name in enumerate(names):
        fill(root / name, label, n, start)
    return root


def grey(size: int = 32) -> np.ndarray:
    """uint8 (size, size), a ramp from 0 to 248 along the diagonal of 32 pixels."""
    return (np.add.outer(np.arange(size), np.arange(size)) * 4 * 31 // (size - 1)).astype(np.uint8)
