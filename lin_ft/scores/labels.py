"""Label codings: the targets Y, (n, C), that scores and predictions are stated in."""

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.typing import Labels

CODINGS = ("one_hot", "plus_minus", "centred")


def encode(labels: Labels, n_classes: int | None = None, *, coding: str = "one_hot") -> Float[np.ndarray, "n C"]:
    """Y from labels 0 .. C-1.

    `one_hot` (0 and 1), `plus_minus` (-1 and 1), or `centred` (one-hot minus column means).

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import encode
        >>> encode(np.array([0, 1, 1]), coding="centred").round(3)
        array([[ 0.667, -0.667],
               [-0.333,  0.333],
               [-0.333,  0.333]])

    Raises:
        InputError: an unknown coding, a label outside 0 .. C-1, fewer than two classes.
    """
    labels = np.asarray(labels)
    n_classes = int(labels.max(initial=-1)) + 1 if n_classes is None else n_classes
    if coding not in CODINGS:
        raise InputError(f"Unknown coding of labels '{coding}'; known are {', '.join(CODINGS)}.")
    if len(labels) and not (labels.min() >= 0 and labels.max() < n_classes):
        raise InputError(
            f"Labels run from {labels.min()} to {labels.max()}, but the classes from 0 to {n_classes - 1}."
        )
    if n_classes < 2:
        raise InputError("The task has one class; at least two are needed.")
    one_hot = np.eye(n_classes)[labels]
    if coding == "plus_minus":
        return 2 * one_hot - 1
    return one_hot - one_hot.mean(0) if coding == "centred" else one_hot
