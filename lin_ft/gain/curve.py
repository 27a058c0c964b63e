"""How many images? Accuracy at fractions of the training images from one kernel, and at multiples by a learned curve.

A model's kernel of n images holds those of all its parts. Ridge regression trained on a part of every class and tested
on the rest gives the accuracy at n/4 and n/2 images; leaving one image of each class out gives that at n. On the scale

    z(n) = log(p / (1 - p)),   p = (accuracy - 1/C) / (1 - 1/C),

these have a slope s for each doubling, and the growth from n to h n images is

    z(h n) - z(n) = a_h + b_h s + N(0, sd_h²),   h = 1/4, 1/2, 2, 4:

two coefficients and a spread for each h, learned on tasks with many images (`python -m experiments.gain.curve`). A
power law through the few points fails (arXiv 2303.01598); a slope that is shrunk to what is usual does not.
"""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from lin_ft.errors import InputError
from lin_ft.files.atomic import write_atomically
from lin_ft.gain.evidence import MATCHINGS, RIDGES
from lin_ft.predict import balanced_accuracy, decompose, matchings, select
from lin_ft.scores import encode

FRACTIONS = (0.25, 0.5)
"""Of the images of every class, that a part is trained on."""
HORIZONS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Times the training images that there are."""
PARTS = 16
"""Random parts of one fraction; accuracies are averaged over them."""
NEAR_CHANCE = 0.05
"""The least p, below which an accuracy is not told from chance."""
LEVEL = 1.6448536269514722
"""Standard deviations that hold 90 % of a normal distribution."""
PACKAGED = Path(__file__).with_name("curve.json")
VERSION = 1
"""Of that file; another one is refused."""


@dataclasses.dataclass(frozen=True)
class Growth:
    """Of z from n to h n images: a + b x slope, off by sd."""

    a: float
    b: float
    sd: float


@dataclasses.dataclass(frozen=True)
class CurvePoint:
    """What a number of training images would give."""

    n: int
    accuracy: float
    interval: tuple[float, float]
    """90 %."""


def parts_of(kernel: Float[np.ndarray, "n n"], labels: Int[np.ndarray, " n"], *, seed: int = 0) -> dict[float, float]:
    """Mean images trained on, as a fraction of n -> balanced accuracy on the others; see FRACTIONS.

    The last is that of leaving one image of each class out, which also chooses the ridge of all, in units of the
    kernel's mean eigenvalue. Fractions that come to the same images are told once.
    Cost: O(n³), and PARTS solutions of each fraction's size.

    Raises:
        InputError: a class with one image.
    """
    y, k = np.asarray(labels), np.asarray(kernel, np.float64)
    counts = np.bincount(y)
    if counts[counts > 0].min() < 2:
        raise InputError("curve: a class has one image, so no part of it can be left out; give two images or more.")
    targets = encode(y, len(counts)) - 1 / len(counts)
    spectrum = decompose(k)
    folds = matchings(y, MATCHINGS, seed=seed)
    whole = select(spectrum, targets, y, [np.inf], [r * spectrum.scale for r in RIDGES], folds=folds)
    ridge, rng = whole.ridge / spectrum.scale, np.random.default_rng(seed)
    found: dict[float, float] = {}
    for fraction in FRACTIONS:
        taken = np.maximum(1, np.round(fraction * counts)).astype(int) * (counts > 0)
        if taken.sum() / len(y) in found:
            continue
        found[taken.sum() / len(y)] = float(
            np.mean([_on_the_rest(k, targets, y, _part(y, taken, rng), ridge) for _ in range(PARTS)])
        )
    found[1 - (counts > 0).sum() / len(y)] = balanced_accuracy(whole.correct, y)
    return dict(sorted(found.items()))


def slope_of(parts: dict[float, float], n_classes: int, n: int) -> float:
    """s: of z for each doubling of the images, by least squares; 0 where there is but one point."""
    x = np.log2(np.array(list(parts)))
    z = to_z(np.array(list(parts.values())), n_classes, n)
    return float(np.polyfit(x, z, 1)[0]) if len(x) > 1 and np.ptp(x) > 0 else 0.0


def to_z(accuracy: Float[np.ndarray, "..."] | float, n_classes: int, n: int) -> Float[np.ndarray, "..."]:
    """z of an accuracy that n images told. Finite: p is at least NEAR_CHANCE and lacks 1 / (n + 2) to 1."""
    chance = 1 / n_classes
    p = np.clip((np.asarray(accuracy, np.float64) - chance) / (1 - chance), NEAR_CHANCE, 1 - 1 / (n + 2))
    return np.asarray(np.log(p / (1 - p)))


def from_z(z: Float[np.ndarray, "..."] | float, n_classes: int) -> Float[np.ndarray, "..."]:
    """The accuracy, between chance and 1."""
    return np.asarray(1 / n_classes + (1 - 1 / n_classes) / (1 + np.exp(-np.asarray(z))))


def curve(
    parts: dict[float, float],
    n: int,
    n_classes: int,
    accuracy: float,
    interval: tuple[float, float],
    growth: dict[float, Growth] | None = None,
) -> tuple[CurvePoint, ...]:
    """Predicted accuracy at HORIZONS x n images, where `accuracy` with its 90 % interval is predicted at n.

    What is not known of the accuracy at n, and what the growth is off by, add up on the scale of z.
    """
    growth = growth or load_growth()
    slope, at_n = slope_of(parts, n_classes, n), to_z(accuracy, n_classes, n)
    low, high = to_z(np.asarray(interval), n_classes, n)
    points = []
    for horizon in HORIZONS:
        g = growth.get(horizon, Growth(0.0, 0.0, 0.0))
        z = at_n + g.a + g.b * slope
        below, above = (np.hypot(side, LEVEL * g.sd) for side in (at_n - low, high - at_n))
        told = from_z(np.array([z, z - below, z + above]), n_classes)
        if horizon == 1:
            told = np.array([accuracy, *interval])
        points.append(CurvePoint(round(horizon * n), float(told[0]), (float(told[1]), float(told[2]))))
    return tuple(points)


def fit_growth(slopes: Float[np.ndarray, " R"], growth: Float[np.ndarray, " R"], tasks: Sequence[str]) -> Growth:
    """a and b by least squares; sd such that, each task left out in turn, 90 % lie inside 90 %."""
    if len(set(tasks)) < 3:
        raise InputError(f"curve: growth on {len(set(tasks))} tasks; three are needed to learn from.")
    x = np.stack([np.ones(len(slopes)), slopes], 1)
    off = np.zeros(len(slopes))
    for task in set(tasks):
        held = np.array([each == task for each in tasks])
        off[held] = growth[held] - x[held] @ _solved(x[~held], growth[~held])
    a, b = _solved(x, growth)
    return Growth(float(a), float(b), float(np.quantile(np.abs(off), 0.9)) / LEVEL)


def save_growth(growth: dict[float, Growth], made: dict[str, Any], path: Path = PACKAGED) -> None:
    """Write them as JSON with what they were `made` of; default: to where the package reads them."""
    rounded = {f"{h:g}": {k: round(v, 4) for k, v in dataclasses.asdict(g).items()} for h, g in growth.items()}
    text = json.dumps({"version": VERSION, "growth": rounded, "made": made}, indent=1) + "\n"
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def load_growth(path: Path = PACKAGED) -> dict[float, Growth]:
    """As written by `save_growth`. Raises InputError for a file that is unreadable, or of another version."""
    again = "write it again by `python -m experiments.gain.curve --fit`"
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
        if values["version"] != VERSION:
            raise InputError(f"curve {path}: of version {values['version']}, not {VERSION} as this lin_ft; {again}.")
        return {float(horizon): Growth(**each) for horizon, each in values["growth"].items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"curve {path}: not readable as one ({error}); {again}.") from error


def _part(y: np.ndarray, taken: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Places of `taken` random images of each class."""
    order = rng.permutation(len(y))
    return np.concatenate([order[y[order] == label][:count] for label, count in enumerate(taken)])


def _on_the_rest(k: np.ndarray, targets: np.ndarray, y: np.ndarray, part: np.ndarray, ridge: float) -> float:
    rest = np.setdiff1d(np.arange(len(y)), part)
    block = k[np.ix_(part, part)]
    scale = np.trace(block) / len(part) or 1.0
    weights = np.linalg.solve(block + ridge * scale * np.eye(len(part)), targets[part])
    right = (k[np.ix_(rest, part)] @ weights).argmax(1) == y[rest]
    return balanced_accuracy(right.astype(np.float64), y[rest])


def _solved(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.linalg.lstsq(x, y, rcond=None)[0]
