"""Attribution: which training images a prediction rests on, and how well such a table foretells other trainings.

Image i's attribution to output c of image x* is the derivative of f_c(x*) in the weight of i (`weight` None), which for
the squared loss is TRAK's estimator of one model in its linearized form,

    tau_ic(x*) = phi(x*)ᵀ (Phiᵀ Phi + ridge I)⁻¹ phi_i r_ic,   r_i = Y_i - f(x_i),

Phi the gradients, as they are (kernel) or projected (`lin_ft.kernels.sketched_features`); or what leaving i out changes
(`weight` 0). (Park et al. 2023, TRAK, arXiv 2303.14186, section 3; there r_i is 1 - p_i of the cross-entropy.)

The linear datamodeling score (Ilyas et al. 2022, arXiv 2202.00622; Park et al. 2023, section 2) trains on random
subsets S of the images: for each x*, Spearman's correlation over subsets of the measured output with the sum of
tau_i(x*) over i in S.
"""

import numpy as np
from jaxtyping import Float, UInt8

from lin_ft.errors import InputError
from lin_ft.inspect.label_errors import check_not_alike, ridge_view
from lin_ft.inspect.reweighting import effects
from lin_ft.ranking import View
from lin_ft.typing import Array


def attribution(
    view: View, images: UInt8[np.ndarray, "m h w 3"], *, weight: float | None = None, time: float | None = None
) -> Float[np.ndarray, "n m C"]:
    """tau of each of the n training images for each output of m other images, by the view's tangent kernel.

        tau = inspect.attribution(view, task.test.images)
        tau[:, 0, 3]        # what each training image adds to class 3 of the first test image

    Kernel ridge regression at the ridge of least leave-one-out loss. `weight` None: the derivative in the image's
    weight (TRAK); 0: minus the change where it is left out. Above 0 an image speaks for the class. `time`: of a
    training that stops early, by gradient flow without ridge, in units of 1 / mean eigenvalue; short ones foretell a
    short real fine-tuning better (experiments.inspect.datamodeling). Cost: the kernel between the images, and n m C
    numbers. For thousands of images there is `lin_ft.inspect.reweighting.primal_effects` of sketched features.

    Raises:
        InputError: all training images alike, no images, a negative time.

    Examples:
        >>> import lin_ft
        >>> from lin_ft import inspect
        >>> from lin_ft.ranking import View
        >>> task = lin_ft.load_task("optdigits", shots=4, seed=0)
        >>> view = View(lin_ft.embedded_zoo()[0], task, lin_ft.RankConfig(head="zero"))
        >>> inspect.attribution(view, task.test.images[:3]).shape
        (40, 3, 10)
    """
    if not len(images):
        raise InputError("images: none; give those whose prediction is to be explained.")
    check_not_alike(view)
    sight = ridge_view(view)
    at = (np.inf, sight.prediction.ridge) if time is None else (time / sight.spectrum.scale, 0.0)
    cross = view.cross_kernel(images)
    found = effects(sight.spectrum, cross, sight.targets, time=at[0], ridge=at[1], weight=weight)
    return found if weight is None else -found


def linear_datamodeling_score(attributions: Array, subsets: Array, outputs: Array) -> Float[np.ndarray, " m"]:
    """Spearman's correlation over subsets, for each of m outputs, of the outputs with the attributions of the subset.

    `attributions` (n, m); `subsets` (S, n) bool, which images each training had; `outputs` (S, m), what it gave. Range
    -1 to 1; 0 where one side is constant. scipy: `spearmanr` of each column.

    Raises:
        InputError: shapes that do not go together, fewer than three subsets, values that are not finite.

    Examples:
        >>> import numpy as np
        >>> from lin_ft import inspect
        >>> tau, subsets = np.array([[1.0], [2.0]]), np.array([[True, False], [False, True], [True, True]])
        >>> inspect.linear_datamodeling_score(tau, subsets, np.array([[0.2], [0.3], [0.9]])).round(6).tolist()
        [1.0]
    """
    from scipy.stats import rankdata

    tau, chosen, measured = (np.asarray(each, np.float64) for each in (attributions, subsets, outputs))
    if tau.ndim != 2 or chosen.shape != (len(measured), len(tau)) or measured.shape[1:] != tau.shape[1:]:
        raise InputError(
            f"attributions {tau.shape}, subsets {chosen.shape} and outputs {measured.shape}: give (n, m), (S, n) and"
            " (S, m)."
        )
    if len(measured) < 3:
        raise InputError(f"{len(measured)} subsets: a correlation needs three at least.")
    if not (np.isfinite(tau).all() and np.isfinite(measured).all()):
        raise InputError("attributions or outputs: hold NaN or infinite values.")
    ranks = [rankdata(each, axis=0) for each in (chosen @ tau, measured)]
    one, other = (each - each.mean(0) for each in ranks)
    lengths = np.linalg.norm(one, axis=0) * np.linalg.norm(other, axis=0)
    score = np.divide(np.sum(one * other, axis=0), lengths, out=np.zeros(len(lengths)), where=lengths > 0)
    return np.clip(score, -1, 1)


def margins(logits: Float[Array, "*s m C"], labels: Array) -> Float[np.ndarray, "*s m"]:
    """The label's logit minus the mean of the others: one number an image, linear in the logits.

    Examples:
        >>> import numpy as np
        >>> from lin_ft import inspect
        >>> inspect.margins(np.array([[3.0, 1.0, 0.0]]), np.array([0])).tolist()
        [2.5]
    """
    logits, y = np.asarray(logits, np.float64), np.asarray(labels)
    own = np.take_along_axis(logits, np.broadcast_to(y[:, None], (*logits.shape[:-1], 1)), axis=-1)[..., 0]
    return own - (logits.sum(-1) - own) / (logits.shape[-1] - 1)
