"""Influence: which training images help and which hurt, by the closed-form change of a loss on other images.

Of training image i the influence is L(without i) - L(with all), L the squared loss ½ ||f - Y||² of the linearized
network, its mean over

- validation images, given their kernel with the training images; or, without any,
- the other training images, each predicted by the model that has not seen it: L_i is the mean over j of the loss at j
  of the model trained without i and j, minus that of the model trained without j.

Above 0 the image helps, below 0 it hurts. All n are exact and come from the one decomposition
(`lin_ft.inspect.reweighting`).
"""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float, Int

from lin_ft.data import Task
from lin_ft.errors import InputError
from lin_ft.inspect.label_errors import check_not_alike, ridge_view
from lin_ft.inspect.reweighting import effects, nodes
from lin_ft.predict import Spectrum, decompose, leave_one_out, predict_logits
from lin_ft.ranking import View
from lin_ft.scores import encode
from lin_ft.typing import Array


@dataclasses.dataclass(frozen=True, eq=False)
class Influence:
    """Of n training images."""

    change: Float[np.ndarray, " n"]
    """Of the loss where the image is left out: above 0 it helps, below 0 it hurts."""
    loss: float
    """With all images."""
    on: str
    """What the loss is of: "validation" images, or the "training" images, each left out."""

    @property
    def order(self) -> Int[np.ndarray, " n"]:
        """Places, those that hurt most first."""
        return np.argsort(self.change, kind="stable")


def loss_changes(
    spectrum: Spectrum,
    cross_kernel: Array,
    targets: Array,
    test_targets: Array,
    *,
    time: float = np.inf,
    ridge: float,
    weight: float | None = 0.0,
) -> Float[np.ndarray, " n"]:
    """Change of (1 / 2m) sum_j ||f(x_j) - Y_j||² over m other images where training image i has `weight` and not 1.

    Weight 0: it is left out. With `weight` None the dataset derivative, dL / ds_i at weights of 1.
    Initial logits are 0. Cost and errors: as `lin_ft.inspect.reweighting.effects`.

    Args:
      spectrum: of the training kernel.
      cross_kernel: (m, n), of the other images with the training ones.
      targets: (n, C).
      test_targets: (m, C), of the other images.
      time: eta t, in units of 1 / kernel.
      ridge: in units of the kernel.
      weight: of the training image, or None.

    Examples:
        >>> import numpy as np
        >>> from lin_ft import inspect
        >>> from lin_ft.predict import decompose
        >>> kernel, y = np.diag([1.0, 1.0, 2.0]), np.array([[0.5], [-0.5], [0.5]])
        >>> inspect.loss_changes(decompose(kernel), kernel[:1], y, y[:1], ridge=1.0).round(3)
        array([0.094, 0.   , 0.   ])
    """
    y = np.asarray(test_targets, np.float64)
    needed = (len(np.asarray(cross_kernel)), np.shape(targets)[-1])
    if y.shape != needed:
        raise InputError(f"targets of the other images: shape {y.shape}, but {needed} are needed.")
    result = np.empty(len(spectrum.eigenvalues))
    for rows in _blocks(len(result), y.size):
        change = effects(spectrum, cross_kernel, targets, time=time, ridge=ridge, weight=weight, rows=rows)
        error = predict_logits(spectrum, np.asarray(cross_kernel), np.asarray(targets), (time,), (ridge,))[0, 0] - y
        result[rows] = _of_loss(change, error, weight) / len(y)
    return result


def left_out_loss_changes(
    spectrum: Spectrum,
    targets: Array,
    *,
    time: float = np.inf,
    ridge: float,
    weight: float | None = 0.0,
) -> Float[np.ndarray, " n"]:
    """The same of the leave-one-out loss of the other training images, mean over the n - 1 of them.

    With R = A⁻¹ after image i was given its weight (a change of rank one), the residual at j of the model trained
    without j is [R r0]_j / R_jj. Cost: n² C FLOPs at infinite time, 24 times that at a finite one.

    Raises:
        InputError: fewer than three images, and as `lin_ft.inspect.reweighting.effects`.

    Args:
      spectrum: of the training kernel.
      targets: (n, C).
      time: eta t, in units of 1 / kernel.
      ridge: in units of the kernel.
      weight: of the training image, or None.

    Examples:
        >>> import numpy as np
        >>> from lin_ft import inspect
        >>> from lin_ft.predict import decompose
        >>> kernel, y = np.ones((3, 3)) + np.eye(3), np.array([[0.5], [0.5], [-0.5]])
        >>> changes = inspect.left_out_loss_changes(decompose(kernel), y, ridge=1.0)
        >>> (changes > 0).tolist()  # without the third, the others foretell one another
        [True, True, False]
    """
    y = np.asarray(targets, np.float64)
    n = len(spectrum.eigenvalues)
    if y.ndim != 2 or len(y) != n:
        raise InputError(f"targets: shape {y.shape} does not go with a kernel of {n} rows.")
    if n < 3:
        raise InputError(f"{n} images: what one does to the others needs three at least.")
    before = leave_one_out(spectrum, y, (time,), (ridge,))[0, 0]
    result = np.empty(n)
    for rows in _blocks(n, y.size):
        change = np.zeros((len(rows), n, y.shape[1]))
        for zeta, share in nodes(spectrum, time, ridge):
            inverse = (spectrum.eigenvectors / (spectrum.eigenvalues + zeta)) @ spectrum.eigenvectors.T
            change += np.real(share * _moved(inverse, inverse @ y, zeta, weight, rows))
        change[np.arange(len(rows)), rows] = 0  # i itself is not judged
        result[rows] = _of_loss(change, before, weight) / (n - 1)
    return result


AT_ONCE = 2**26
"""Numbers of 8 bytes held at a time."""


def _blocks(n: int, size: int) -> Iterator[np.ndarray]:
    """Places 0 .. n - 1 in blocks of at most AT_ONCE / size."""
    step = max(1, AT_ONCE // max(1, 4 * size))
    for start in range(0, n, step):
        yield np.arange(start, min(n, start + step))


def _of_loss(change: np.ndarray, error: np.ndarray, weight: float | None) -> np.ndarray:
    """Change of ½ ||error||², (r,), where the error changes by `change` (r, m, C); to first order for a derivative."""
    linear = np.einsum("imc,mc->i", change, error)
    return linear if weight is None else linear + 0.5 * np.sum(change**2, axis=(1, 2))


def _moved(
    inverse: np.ndarray, alpha: np.ndarray, zeta: float | complex, weight: float | None, rows: np.ndarray
) -> np.ndarray:
    """Change of the residual [R r0]_j / R_jj at each j where image i of `rows` has `weight`, (r, n, C)."""
    own, mine = np.diag(inverse), inverse[rows]
    if weight is None:  # by the derivative of R in the weight, zeta R e_i e_iᵀ R
        first = mine[:, :, None] * alpha[rows][:, None, :] / own[None, :, None]
        return zeta * (first - (mine**2 / own[None, :] ** 2)[:, :, None] * alpha[None])
    delta = np.inf if weight == 0 else zeta * (1 / weight - 1)
    factor = 1 / own[rows] if weight == 0 else delta / (1 + delta * own[rows])  # of R e_i e_iᵀ R
    upper = alpha[None] - (factor[:, None] * mine)[:, :, None] * alpha[rows][:, None, :]
    lower = own[None] - factor[:, None] * mine**2
    lower[np.arange(len(rows)), rows] = 1
    return upper / lower[:, :, None] - (alpha / own[:, None])[None]


def influence(view: View, *, weight: float | None = 0.0, on: str = "") -> Influence:
    """Of every training image of a view, by kernel ridge regression at the ridge of least leave-one-out loss.

        found = inspect.influence(view)
        found.order[:10]        # those that hurt most

    `on`: "validation", the validation images of the task (one more block of the kernel), or "training", the others each
    left out; by default validation where there are such images. `weight`: as `loss_changes`; None: the derivative with
    its sign turned, so that an image that helps has a number above 0 there as well. Cost: see the two functions.

    Raises:
        InputError: no validation images where they are asked for, one image a class, all images alike.

    Examples:
        >>> import lin_ft
        >>> from lin_ft import inspect
        >>> from lin_ft.ranking import View
        >>> task = lin_ft.load_task("optdigits", shots=4, seed=0)
        >>> view = View(lin_ft.embedded_zoo()[0], task, lin_ft.RankConfig(head="zero"))
        >>> inspect.influence(view).change.shape
        (40,)
    """
    task, on = view.task, _images_of(view.task, on)
    if np.bincount(view.labels).max() < 2:
        raise InputError(f"{task.name}: one image a class; without it the class is unknown, so add some.")
    check_not_alike(view)
    sight = ridge_view(view)
    at = {"time": np.inf, "ridge": sight.prediction.ridge}
    if on == "training":
        changes = left_out_loss_changes(sight.spectrum, sight.targets, weight=weight, **at)
        loss = sight.prediction.loss
    else:
        cross, y = view.cross_kernel(task.validation.images), centred_targets(task.validation.labels, task.n_classes)
        changes = loss_changes(sight.spectrum, cross, sight.targets, y, weight=weight, **at)
        f = predict_logits(sight.spectrum, cross, sight.targets, (np.inf,), (at["ridge"],))[0, 0]
        loss = 0.5 * float(np.mean(np.sum((f - y) ** 2, axis=1)))
    return Influence(-changes if weight is None else changes, loss, on)


def loss_without(view: View, places: Sequence[int] | Int[np.ndarray, " k"], *, on: str = "") -> float:
    """The loss of `Influence.loss` where all these training images are dropped, by one refit at the same ridge.

    On "training" images those that are dropped are not judged. Cost: one decomposition of the rest.

    Raises:
        InputError: no validation images where they are asked for, places outside 0 .. n - 1, fewer than two left.

    Examples:
        >>> import lin_ft
        >>> from lin_ft import inspect
        >>> from lin_ft.ranking import View
        >>> task = lin_ft.load_task("optdigits", shots=4, seed=0)
        >>> view = View(lin_ft.embedded_zoo()[0], task, lin_ft.RankConfig(head="zero"))
        >>> found = inspect.influence(view)
        >>> inspect.loss_without(view, found.order[:2]) < found.loss
        True
    """
    dropped, n = np.unique(np.asarray(places, np.int64)), view.task.n
    if len(dropped) and not 0 <= dropped[0] <= dropped[-1] < n:
        raise InputError(f"places: give numbers in 0 .. {n - 1}.")
    kept = np.setdiff1d(np.arange(n), dropped)
    if len(kept) < 2:
        raise InputError(f"places: {len(dropped)} of {n} images; at least two must be left.")
    task, on = view.task, _images_of(view.task, on)
    sight = ridge_view(view)
    ridge, kernel = sight.prediction.ridge, np.asarray(view.kernel, np.float64)
    spectrum = decompose(kernel[np.ix_(kept, kept)])
    if on == "training":
        residual = leave_one_out(spectrum, sight.targets[kept], (np.inf,), (ridge,))[0, 0]
    else:
        cross, y = view.cross_kernel(task.validation.images), centred_targets(task.validation.labels, task.n_classes)
        residual = predict_logits(spectrum, cross[:, kept], sight.targets[kept], (np.inf,), (ridge,))[0, 0] - y
    return 0.5 * float(np.mean(np.sum(residual**2, axis=1)))


def _images_of(task: Task, on: str) -> str:
    """The images whose loss is asked for: validation where there are such, unless they are named."""
    on = on or ("validation" if len(task.validation) else "training")
    if on not in ("validation", "training"):
        raise InputError(f"on {on!r}: unknown; one of validation, training.")
    if on == "validation" and not len(task.validation):
        raise InputError(f"{task.name} has no validation images: take the training images, on='training'.")
    return on


def centred_targets(labels: Array, n_classes: int) -> Float[np.ndarray, "m C"]:
    """Y as `View.targets` codes it: one-hot minus 1 / C."""
    return encode(np.asarray(labels), n_classes) - 1 / n_classes
