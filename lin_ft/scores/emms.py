"""EMMS: how well the features regress embeddings of the labels."""

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.scores.factor import COST_OF_SVD, ThinSVD, thin_svd
from lin_ft.scores.inputs import Matrix, classes_of, matrix
from lin_ft.scores.score import Score
from lin_ft.typing import Array


def emms(
    features: Float[Array, "n d"],
    labels: Array,
    label_embeddings: Float[Array, "K m e"],
    *,
    svd: ThinSVD | None = None,
    rounds: int = 100,
) -> float:
    """-min over w and t in the simplex of ||X w - sum_k t_k Z_k||² / (n e): alternating least squares.

    Meng et al., NeurIPS 2023. X and each embedding Z_k of the labels (CLIP, BERT, GPT-2 in the paper) are z-scored;
    with one-hot labels for embeddings, models would come in the order of their H-scores. Range [-1, 0], higher is
    better; in-sample, so 0 where n <= d. Cost: one thin decomposition and O(n r K e) a round. Published code multiplies
    by e where it means to divide, and makes one round; here the rounds go on until the loss settles, each with the
    exact projection on the simplex.

    Args:
        features: phi of the images.
        labels: classes of the images.
        label_embeddings: K embeddings of the class of each image.
        svd: of the centred features, if at hand.
        rounds: of least squares at most.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import emms
        >>> rng = np.random.default_rng(0)
        >>> labels = np.arange(40) % 4
        >>> embeddings = rng.normal(size=(2, 4, 3))[:, labels]  # by two language models, of the class of each image
        >>> related = embeddings[0] + 0.1 * rng.normal(size=(40, 3))
        >>> emms(related, labels, embeddings) > emms(rng.normal(size=(40, 3)), labels, embeddings)
        True

    Raises:
        InputError: bad features, labels or embeddings of other samples.
    """
    phi = matrix(features)
    y = classes_of(labels, len(phi))
    z = np.asarray(label_embeddings, np.float64)
    if z.ndim != 3 or z.shape[1] != len(y) or not np.isfinite(z).all():
        raise InputError(f"label embeddings: shape {z.shape}; give finite numbers, (K, {len(y)}, e).")
    z = np.stack([_z_score(each) for each in z])
    svd = thin_svd(_z_score(phi)) if svd is None else svd
    if len(svd.singular) == len(y) - 1:  # nothing is left over, and rounding should not rank the models
        return 0.0
    # The best w for a given t leaves P (sum_k t_k Z_k), P off the range of X: quadratic in t, tᵀ Q t.
    left_over = z - np.einsum("nr,kre->kne", svd.left, np.einsum("nr,kne->kre", svd.left, z))
    quadratic = np.einsum("kne,lne->kl", left_over, left_over) / (len(y) * z.shape[2])
    t = np.full(len(z), 1 / len(z))
    step = 1 / max(float(np.linalg.norm(quadratic, 2)), np.finfo(np.float64).tiny)
    for _ in range(rounds if len(z) > 1 else 0):
        t = simplex(t - step * quadratic @ t)
    return float(-t @ quadratic @ t)


def simplex(v: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
    """The nearest point of the probability simplex (sparsemax; Held, Wolfe and Crowder 1974)."""
    u = np.sort(v)[::-1]
    thresholds = (np.cumsum(u) - 1) / np.arange(1, len(u) + 1)
    return np.maximum(v - thresholds[np.flatnonzero(u > thresholds)[-1]], 0)


def _z_score(x: Matrix) -> Matrix:
    deviation = x.std(0)
    return np.where(deviation > 0, (x - x.mean(0)) / np.where(deviation > 0, deviation, 1), 0.0)


SCORES = {
    "emms": Score(
        emms,
        "-min_(w, t) |X w - sum_k t_k Z_k|^2 / (n e), Z embeddings of the labels",
        "Meng et al., NeurIPS 2023",
        "[-1, 0]",
        COST_OF_SVD,
        revision=2,
    ),
}
