"""K-fold cross-validation along gradient flow, by one refit a fold for the whole grid of times and ridges."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from lin_ft.errors import InputError
from lin_ft.predict.gradient_flow import check_grid, predict_logits
from lin_ft.predict.spectrum import decompose
from lin_ft.typing import Array, Labels


def k_fold(
    kernel: Array,
    residual0: Float[Array, "n C"],
    folds: Int[Array, " n"],
    times: Sequence[float] | Array = (np.inf,),
    ridges: Sequence[float] | Array = (0.0,),
) -> Float[np.ndarray, "T R n C"]:
    """Residual Y_i - f_i of each sample under the model trained on the other folds; `folds` numbers them.

    `kernel` is (n, n) or (n, C, n, C). Cost: one decomposition for each of K folds, 9 K m³ FLOPs, then 2 m² k
    a grid point and fold. `leave_groups_out` gives the same from the one decomposition of the whole kernel;
    it is cheaper for small folds and small grids. One fold a sample is `leave_one_out`, which is cheaper
    still.

    Args:
        kernel: Theta(X, X).
        residual0: Y - f0 on the training inputs.
        folds: number of the fold of each sample.
        times: training times eta t, in units of 1 / kernel; infinity: trained for ever.
        ridges: penalties on ½||w - w0||², in units of the kernel.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import k_fold
        >>> x = np.arange(4.0)[:, None]
        >>> k_fold(x @ x.T + 1, 2 * x, np.array([0, 0, 1, 1]), ridges=[0.1])[0, 0, :, 0].round(3)
        array([-0.398, -0.231,  0.489,  0.809])
    """
    times, ridges = check_grid(times, ridges)
    theta, r0, folds = np.asarray(kernel, np.float64), np.asarray(residual0, np.float64), np.asarray(folds)
    if folds.shape != (len(r0),) or len(np.unique(folds)) < 2:
        raise InputError("folds: give one fold number a sample, at least two different ones.")
    if theta.ndim not in (2, 4) or theta.shape[0] != len(r0):
        raise InputError(f"kernel: shape {theta.shape} does not go with residuals of shape {r0.shape}.")
    result = np.empty((len(times), len(ridges), *r0.shape))
    samples = theta.ndim // 2
    for fold in np.unique(folds):
        held, kept = folds == fold, folds != fold
        spectrum = decompose(theta[kept].compress(kept, axis=samples))
        cross = theta[held].compress(kept, axis=samples)
        result[:, :, held] = r0[held] - predict_logits(spectrum, cross, r0[kept], times, ridges)
    return result


def stratified_folds(labels: Labels, k: int, *, seed: int = 0) -> Int[np.ndarray, " n"]:
    """A fold number in 0 .. k - 1 for each sample, each class spread evenly; the same for the same seed.

    Folds differ by at most one sample in size and, within a class, by at most one sample.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import stratified_folds
        >>> folds = stratified_folds(np.repeat([0, 1], 6), 3)
        >>> [sorted(folds[:6].tolist()), sorted(folds[6:].tolist())]
        [[0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2]]
    """
    labels = np.asarray(labels)
    if not 2 <= k <= len(labels):
        raise InputError(f"{k} folds of {len(labels)} samples: give at least 2 and at most one a sample.")
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    folds = np.empty(len(labels), np.int64)
    folds[by_class] = np.arange(len(labels)) % k  # dealt out like cards, class after class
    return folds


def matchings(labels: Labels, count: int, *, seed: int = 0) -> Int[np.ndarray, "{count} n"]:
    """`count` random ways to deal the samples into folds of one image of each class, for `leave_folds_out`.

    As many folds as the largest class has samples; those of smaller classes are spread evenly over the folds.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import matchings
        >>> folds = matchings(np.repeat([0, 1], 3), 2)  # two ways to deal three images of two classes into three pairs
        >>> np.sort(folds.reshape(2, 2, 3)).tolist()
        [[[0, 1, 2], [0, 1, 2]], [[0, 1, 2], [0, 1, 2]]]

    Raises:
        InputError: one sample a class, since whole classes would be left out; or count below 1.
    """
    shots = int(np.bincount(np.asarray(labels)).max())
    if shots < 2:
        raise InputError("labels: one image a class; leaving one of each class out would leave nothing to learn from.")
    if count < 1:
        raise InputError(f"{count} matchings: give at least 1.")
    return np.stack([stratified_folds(labels, shots, seed=number) for number in _seeds(seed, count)])


def _seeds(seed: int, count: int) -> list[int]:
    return [int(each) for each in np.random.SeedSequence(seed).generate_state(count)]
