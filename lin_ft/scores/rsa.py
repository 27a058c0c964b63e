"""RSA: do pairs of images that differ in one network differ in the other?"""

import numpy as np
from jaxtyping import Float

from lin_ft.scores.dissimilarity import correlation_distances, paired_features, spearman
from lin_ft.scores.score import Score
from lin_ft.typing import Array


def rsa(features: Float[Array, "n d"], target_features: Float[Array, "m e"]) -> float:
    """Spearman correlation of the upper triangles of 1 - Pearson of the rows, for model and target network.

    Dwivedi and Roig, CVPR 2019 (arXiv 1904.11740). `target_features`: of a small network trained on the target. Range
    [-1, 1], higher is better; unchanged by scale. Cost: O(n² (d + log n)).
    parc standardises the columns of both first and reports 100 times the value; secret-hammer's RSA and PARC compute
    CKA instead.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import rsa
        >>> x = np.random.default_rng(0).normal(size=(20, 5))
        >>> round(rsa(x, 2 * x), 3), rsa(x, np.random.default_rng(1).normal(size=(20, 5))) < 0.5
        (1.0, True)

    Raises:
        InputError: features that are not finite or of different samples.
    """
    x, z = paired_features(features, target_features)
    i, j = np.triu_indices(len(x), 1)
    return spearman(correlation_distances(x)[i, j], correlation_distances(z)[i, j])


SCORES = {
    "rsa": Score(
        rsa,
        "spearman of the 1 - corr matrices of model and target network",
        "Dwivedi and Roig, CVPR 2019",
        "[-1, 1]",
        "O(n^2 d)",
    ),
}
