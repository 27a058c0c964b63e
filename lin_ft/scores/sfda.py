"""SFDA: how surely a regularised linear discriminant tells the classes apart once they have been mixed."""

import numpy as np
from jaxtyping import Float

from lin_ft.scores.discriminant import Fitted, discriminant, fitted_discriminant, softmax
from lin_ft.scores.inputs import class_means, labelled
from lin_ft.scores.score import Score
from lin_ft.typing import Array


def sfda(
    features: Float[Array, "n d"],
    labels: Array,
    *,
    fitted: Fitted | None = None,
    confmix: bool = True,
    published: bool = False,
) -> float:
    """Mean posterior p(y_i|x_i) of a shrunk linear discriminant, refitted after each x has been mixed with others.

    Shao et al., ECCV 2022 (regularised Fisher discriminant, ConfMix). ConfMix: x <- q x + (1 - q) (mean of the other
    classes' means), q the softmax of the posteriors at y; then the same l again. Range [0, 1], higher is better;
    unchanged by rotation, not by scale. Cost: two Cholesky factors of side min(n, d). `fitted`: the first of the two
    fits, if at hand. Here sigma_1 is exact (`published`: the authors' estimate from 3 rounds of power iteration, never
    above it; where l is 1e-10, as for features that are not small, both agree) and the features are not overwritten.
    Known trouble: exactly 1 for every model at 500 samples of 2,048 features; no log, unlike the name LEEP in the code.

    Args:
        features: phi of the images.
        labels: classes of the images.
        fitted: the first of the two discriminants, if at hand.
        confmix: whether samples are mixed with the other classes and fitted again.
        published: sigma_1 as in the authors' code.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import sfda
        >>> rng, labels = np.random.default_rng(0), np.arange(40) % 2
        >>> noise = rng.normal(size=(40, 4))
        >>> sfda(noise + 3 * labels[:, None], labels) > sfda(noise, labels)
        True

    Raises:
        InputError: bad features or labels.
    """
    phi, y = labelled(features, labels)
    fitted = fitted_discriminant(phi, y, published=published) if fitted is None or published else fitted
    x, p, rows = fitted.x, fitted.posteriors, np.arange(len(y))
    if confmix:
        q = softmax(p)[rows, y][:, None]
        means, _ = class_means(x, y)
        others = (means.sum(0) - means) / (len(means) - 1)
        mixed = q * x + (1 - q) * others[y]
        p = discriminant(mixed, y, fitted.shrinkage, phi.shape[1]).posteriors(mixed)
    return float(np.mean(p[rows, y]))


SCORES = {
    "sfda": Score(
        sfda,
        "mean_i p(y_i|x_i) of a shrunk linear discriminant after ConfMix",
        "Shao et al., ECCV 2022",
        "[0, 1]",
        "two Cholesky factors of side min(n, d)",
    ),
}
