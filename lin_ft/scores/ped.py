"""PED: classes pushed apart as fine-tuning would, then scored by SFDA."""

import numpy as np
from jaxtyping import Float

from lin_ft.scores.inputs import Classes, Matrix, class_means, labelled, matrix, one_hot
from lin_ft.scores.score import Score
from lin_ft.scores.sfda import sfda
from lin_ft.typing import Array


def ped(
    features: Float[Array, "n d"],
    labels: Array,
    source_features: Float[Array, "m e"] | None = None,
    *,
    size: float = 0.6,
    time: float = 0.1,
    stop: float = 0.5,
    steps: int = 6,
    published: bool = False,
) -> float:
    """SFDA after up to 6 repulsive steps: classes closer than size (R_c + R_c') move apart by ½ t² times the overlap.

    Li et al., ICCV 2023 (potential energy decline); R_c² is the summed variance of class c, the move of a pair is along
    the line of their means, min(½ t² F, overlap) with F = overlap. Features are put on the scale of `source_features`
    (the authors: ImageNet's validation images under the same model) or, without them, on their own. Steps end when the
    total movement falls to half the first; that last step is not taken. Range [0, 1], higher is better. Cost: O(steps
    C² d) and SFDA. `size` (.3 or .6) was chosen for each zoo by the authors. `published`: as for `sfda`.

    Args:
        features: phi of the images.
        labels: classes of the images.
        source_features: of images of the source, under the same model; None: the scale is that of `features`.
        size: share of the sum of their radii at which two classes repel each other.
        time: t, of a step.
        stop: share of the first movement at which the steps end.
        steps: at most.
        published: as for `sfda`.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import ped
        >>> rng, labels = np.random.default_rng(0), np.arange(40) % 2
        >>> noise = rng.normal(size=(40, 4))
        >>> ped(noise + 3 * labels[:, None], labels) > ped(noise, labels)
        True

    Raises:
        InputError: bad features or labels.
    """
    phi, y = labelled(features, labels)
    source = phi if source_features is None else matrix(source_features, "source features")
    mean, deviation = source.mean(0), np.maximum(source.std(0), 1e-3)
    x = (phi - mean) / deviation
    first = 0.0
    for step in range(steps):
        moves = _moves(x, y, size, time)
        total = float(np.abs(moves).sum())
        first = total if step == 0 else first
        if total <= stop * first:
            break
        x = x + moves[y]
    return sfda(x * deviation + mean, y, published=published)


def _moves(x: Matrix, y: Classes, size: float, time: float) -> Float[np.ndarray, "C d"]:
    """Displacement of each class: the sum over the others of min(½ t² overlap, overlap) along mu_c - mu_c'."""
    means, counts = class_means(x, y)
    radii = np.sqrt(np.sum(one_hot(y).T @ (x - means[y]) ** 2 / counts[:, None], axis=1))
    moves = np.zeros_like(means)
    for c in range(len(means)):
        apart = means[c] - means
        distance = np.linalg.norm(apart, axis=1)
        overlap = np.maximum(size * (radii[c] + radii) - distance, 0)
        overlap[distance == 0] = 0  # the same mean: no direction to move in
        length = np.minimum(0.5 * time**2 * overlap, overlap) / np.where(distance > 0, distance, 1)
        moves[c] = length @ apart
    return moves


SCORES = {
    "ped": Score(
        ped,
        "SFDA after up to 6 repulsive steps of the classes",
        "Li et al., ICCV 2023",
        "[0, 1]",
        "O(6 C^2 d) and SFDA",
    ),
}
